//! `/settings/keys`: the keys by which programs use the JSON API.

use crate::accounts::audit::{self, Subject};
use crate::accounts::{Admin, Staff, keys, site_keys};
use crate::context::Context;
use crate::domain::Role;
use crate::entity::{api_keys, site_keys as site_keys_entity};
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
    sites: Vec<site_keys_entity::Model>,
    site: SiteForm,
}

/// The site that a key is for.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub struct SiteForm {
    origin: String,
    /// `yes` where links to the site carry a token.
    #[serde(rename = "tagsLinks")]
    tags_links: String,
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
    let site = SiteForm {
        origin: staff.club.website.clone(),
        tags_links: "yes".into(),
    };
    whole_page(cx, staff, form, errors, fresh, site).await
}

async fn whole_page(
    cx: &Context,
    staff: &Staff<Admin>,
    form: KeyForm,
    errors: FormErrors,
    fresh: Option<String>,
    site: SiteForm,
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
            sites: site_keys::in_force(&*cx.db).await?,
            site,
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
    let subject = Subject("API key", None);
    audit::record(&tx, now, &staff.actor(), "created", subject, detail).await?;
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
    let detail = json!({"name": key.name});
    audit::record(&tx, now, &staff.actor(), "revoked", subject, detail).await?;
    tx.commit().await?;
    staff.flash("ok", format!("The key “{}” opens nothing any more.", key.name));
    Ok(see_other(hx, "/settings/keys"))
}

/// `POST /settings/keys/site`: makes a public key for a website.
pub async fn create_site_key(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    Form(form): Form<SiteForm>,
) -> Result<HttpResponse> {
    let mut parsed = site_keys::parse_origin(&form.origin);
    if site_keys::in_force(&*cx.db).await?.len() >= site_keys::MOST {
        let text = format!("There are {} keys already. Revoke one first.", site_keys::MOST);
        parsed = Err(FormErrors::one("origin", text));
    }
    let origin = match parsed {
        Ok(origin) => origin,
        Err(errors) => return whole_page(&cx, &staff, KeyForm::default(), errors, None, form).await,
    };
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let tags = form.tags_links == "yes";
    let key = site_keys::create(&tx, &origin, tags, Some(staff.user.id), now).await?;
    let subject = Subject("site key", Some(key.id));
    let detail = json!({"site": origin});
    audit::record(&tx, now, &staff.actor(), "created", subject, detail).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("The key for {origin} is below, with what to put into its pages."),
    );
    Ok(see_other(hx, "/settings/keys"))
}

/// `POST /settings/keys/site/{id}/revoke`
pub async fn revoke_site_key(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let key = site_keys::revoke(&tx, *id, now)
        .await?
        .ok_or(AppError::NotFound)?;
    let subject = Subject("site key", Some(key.id));
    let detail = json!({"site": key.origin});
    audit::record(&tx, now, &staff.actor(), "revoked", subject, detail).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("What {} reports by this key counts no more.", key.origin),
    );
    Ok(see_other(hx, "/settings/keys"))
}
