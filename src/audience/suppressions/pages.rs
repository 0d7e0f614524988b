//! `/settings/suppressions`: the addresses never to be contacted again. Managers change it; all
//! read it.

use super::commands::{self, NewSuppression};
use super::store::{self, Filter};
use crate::accounts::{Level, Manager, Staff, Viewer};
use crate::context::Context;
use crate::domain::{Channel, Role};
use crate::entity::suppressions;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

const PAGE: u64 = 50;
/// The longest search that is read.
const LONGEST_SEARCH: usize = 200;
/// The channels whose addresses can be on the list.
const CHANNELS: &[Channel] = &[Channel::Email, Channel::Sms, Channel::WhatsApp];

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    channel: String,
    before: String,
}

#[derive(Template)]
#[template(path = "audience/suppressions.html")]
struct SuppressionsPage {
    shell: Shell,
    zone: Tz,
    filter: Filter,
    rows: Vec<suppressions::Model>,
    count: i64,
    /// Whether this is not the first page.
    is_later: bool,
    /// The last row's key, where older ones follow.
    older: Option<i64>,
    form: SuppressionForm,
    errors: FormErrors,
}

impl SuppressionsPage {
    fn is_filtered(&self) -> bool {
        self.filter != Filter::default()
    }

    fn is_chosen(&self, channel: &Channel) -> bool {
        self.filter.channel == Some(*channel)
    }

    fn url(&self, before: Option<&i64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.filter.words.is_empty() {
            query.append_pair("q", &self.filter.words);
        }
        if let Some(channel) = self.filter.channel {
            query.append_pair("channel", channel.as_str());
        }
        if let Some(id) = before {
            query.append_pair("before", &id.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/settings/suppressions".to_owned(),
            query => format!("/settings/suppressions?{query}"),
        }
    }
}

#[derive(Template)]
#[template(path = "audience/suppression_remove.html")]
struct RemovePage {
    shell: Shell,
    zone: Tz,
    row: suppressions::Model,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct SuppressionForm {
    channel: String,
    address: String,
    note: String,
}

impl Default for SuppressionForm {
    fn default() -> Self {
        Self {
            channel: Channel::Email.to_string(),
            address: String::new(),
            note: String::new(),
        }
    }
}

/// `GET /settings/suppressions`
pub async fn list_suppressions(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    page(
        &cx,
        &staff,
        &asked,
        SuppressionForm::default(),
        FormErrors::default(),
    )
    .await
}

async fn page<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    asked: &Asked,
    form: SuppressionForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let words = asked.q.trim().to_lowercase();
    let filter = Filter {
        words: words
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_SEARCH)
            .collect(),
        channel: asked.channel.parse().ok(),
    };
    let before = asked.before.parse().ok();
    let mut rows = store::list(&*cx.db, &filter, before, PAGE + 1).await?;
    let has_more = rows.len() as u64 > PAGE;
    if has_more {
        rows.pop();
    }
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = SuppressionsPage {
        shell: staff.shell(Section::Settings, "Suppressions"),
        zone: staff.zone(),
        count: i64::try_from(store::count(&*cx.db, &filter).await?).unwrap_or(i64::MAX),
        filter,
        is_later: before.is_some(),
        older: rows.last().filter(|_| has_more).map(|row| row.id),
        rows,
        form,
        errors,
    };
    html_with(status, &page)
}

/// `POST /settings/suppressions`
pub async fn add_suppression(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    Form(form): Form<SuppressionForm>,
) -> Result<HttpResponse> {
    let new = match NewSuppression::parse(&form.channel, &form.address, &form.note) {
        Ok(new) => new,
        Err(errors) => return page(&cx, &staff, &Asked::default(), form, errors).await,
    };
    let address = new.address.clone();
    let tx = cx.db.begin().await?;
    if !commands::add(&tx, new, &staff.actor(), cx.clock.now()).await? {
        drop(tx);
        let errors = FormErrors::one("address", "This address is on the list already.");
        return page(&cx, &staff, &Asked::default(), form, errors).await;
    }
    tx.commit().await?;
    staff.flash("ok", format!("Nothing is sent to {address} any more."));
    Ok(see_other(hx, "/settings/suppressions"))
}

async fn load(cx: &Context, id: i64) -> Result<suppressions::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}

/// `GET /settings/suppressions/{id}/remove`: says what removing it does.
pub async fn confirm_removal(
    cx: Data<Context>,
    staff: Staff<Manager>,
    id: Path<i64>,
) -> Result<HttpResponse> {
    html(&RemovePage {
        shell: staff.shell(Section::Settings, "Remove a suppression"),
        zone: staff.zone(),
        row: load(&cx, *id).await?,
    })
}

/// `POST /settings/suppressions/{id}/remove`
pub async fn remove_suppression(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let row = load(&cx, *id).await?;
    let address = row.address.clone();
    let tx = cx.db.begin().await?;
    commands::remove(&tx, row, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("{address} may be contacted again, where consent allows it."),
    );
    Ok(see_other(hx, "/settings/suppressions"))
}
