//! `/settings/keys`: the keys by which programs use the JSON API.

use crate::accounts::audit::{self, Subject};
use crate::accounts::{Admin, Staff, keys};
use crate::context::Context;
use crate::domain::Role;
use crate::entity::api_keys;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::json;

#[derive(Template)]
#[template(path = "accounts/settings/keys.html")]
struct KeysPage {
    shell: Shell,
    keys: Vec<api_keys::Model>,
    zone: Tz,
    base: String,
    form: KeyForm,
    errors: FormErrors,
    /// The key that was just made, shown once.
    fresh: Option<String>,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct KeyForm {
    name: String,
    role: String,
}

impl Default for KeyForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            role: Role::Manager.to_string(),
        }
    }
}

async fn page(
    cx: &Context,
    staff: &Staff<Admin>,
    form: KeyForm,
    errors: FormErrors,
    fresh: Option<String>,
) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &KeysPage {
            shell: staff.shell(Section::Settings, "API keys"),
            keys: keys::in_force(&*cx.db).await?,
            zone: staff.zone(),
            base: cx.settings.base(),
            form,
            errors,
            fresh,
        },
    )
}

/// `GET /settings/keys`
pub async fn get_keys(cx: Data<Context>, staff: Staff<Admin>) -> Result<HttpResponse> {
    page(&cx, &staff, KeyForm::default(), FormErrors::default(), None).await
}

/// `POST /settings/keys`: makes a key and shows it. It is on this answer alone, because only its
/// hash is kept.
pub async fn create_key(
    cx: Data<Context>,
    staff: Staff<Admin>,
    Form(form): Form<KeyForm>,
) -> Result<HttpResponse> {
    let (name, role) = match keys::parse(&form.name, &form.role) {
        Ok(parsed) => parsed,
        Err(errors) => return page(&cx, &staff, form, errors, None).await,
    };
    if keys::in_force(&*cx.db).await?.len() >= keys::MOST {
        let text = format!("There are {} keys already. Revoke one first.", keys::MOST);
        return page(&cx, &staff, form, FormErrors::one("name", text), None).await;
    }
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let key = keys::create(&tx, &name, role, Some(staff.user.id), now).await?;
    let detail = json!({"name": name, "role": role});
    audit::record(
        &tx,
        now,
        &staff.actor(),
        "created",
        Subject("API key", None),
        detail,
    )
    .await?;
    tx.commit().await?;
    page(&cx, &staff, KeyForm::default(), FormErrors::default(), Some(key)).await
}

/// `POST /settings/keys/{id}/revoke`
pub async fn revoke_key(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let key = keys::revoke(&tx, *id, now).await?.ok_or(AppError::NotFound)?;
    let subject = Subject("API key", Some(key.id));
    audit::record(
        &tx,
        now,
        &staff.actor(),
        "revoked",
        subject,
        json!({"name": key.name}),
    )
    .await?;
    tx.commit().await?;
    staff.flash("ok", format!("The key “{}” opens nothing any more.", key.name));
    Ok(see_other(hx, "/settings/keys"))
}
