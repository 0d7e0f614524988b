//! `/settings/channels`: who carries what, for administrators. The forms follow from the kinds'
//! fields; a secret that is kept is never shown.

use super::commands::{self, By};
use super::forms::{self, Before, Typed};
use super::kinds::{self, Field, Kind, Part, Values};
use super::live::{Providers, hook_word, settings};
use super::sealed::{self, Owner};
use super::{failures, store};
use crate::accounts::{Actor, Admin, Staff};
use crate::context::Context;
use crate::domain::Channel;
use crate::entity::{hook_failures, inbound_messages, providers};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use std::time::Duration;

/// How long a test waits for a provider.
const PATIENCE: Duration = Duration::from_secs(20);

/// Messages from people that a page shows.
const SHOWN: u64 = 20;

#[derive(Template)]
#[template(path = "providers/list.html")]
struct ChannelsPage {
    shell: Shell,
    zone: Tz,
    channels: Vec<OnChannel>,
}

/// A channel with its providers and what could be added.
struct OnChannel {
    channel: Channel,
    /// Where its messages go just now.
    sentence: String,
    is_captured: bool,
    providers: Vec<(providers::Model, Option<&'static Kind>)>,
    kinds: Vec<&'static Kind>,
}

impl OnChannel {
    fn of(cx: &Context, channel: Channel, all: &[providers::Model]) -> Self {
        let own = all.iter().filter(|row| row.channel == channel);
        let providers: Vec<_> = own.map(|row| (row.clone(), kinds::find(&row.kind))).collect();
        let is_at_work = |part: Part| {
            let mut at_work = providers
                .iter()
                .filter(move |(row, kind)| row.is_active && kind.is_some_and(|kind| kind.part == part));
            at_work.next().map(|(row, _)| row.name.as_str())
        };
        let (is_captured, sentence) = match (channel, is_at_work(Part::Carrier), is_at_work(Part::Account)) {
            (Channel::Email, ..) if cx.settings.smtp_url.is_some() => (
                false,
                "Mail goes by the server that FAIRWAY_SMTP_URL names.".to_owned(),
            ),
            (Channel::Email, ..) => (
                true,
                "FAIRWAY_SMTP_URL names no server: mail is kept in the mailbox and reaches nobody."
                    .to_owned(),
            ),
            (_, Some(name), _) => (false, format!("Messages go by “{name}”.")),
            (_, None, Some(_)) => (false, "Posts go to the accounts that are active.".to_owned()),
            _ => (
                true,
                "No provider is active: messages are kept in the mailbox and reach nobody.".to_owned(),
            ),
        };
        Self {
            channel,
            sentence,
            is_captured,
            providers,
            kinds: kinds::ALL
                .iter()
                .copied()
                .filter(|kind| kind.channel == channel)
                .collect(),
        }
    }
}

/// `GET /settings/channels`
pub async fn list_channels(cx: Data<Context>, staff: Staff<Admin>) -> Result<HttpResponse> {
    let all = store::all(&*cx.db).await?;
    let channels = Channel::ALL
        .iter()
        .map(|channel| OnChannel::of(&cx, *channel, &all));
    html(&ChannelsPage {
        shell: staff.shell(Section::Settings, "Channels"),
        zone: staff.zone(),
        channels: channels
            .filter(|on| on.channel == Channel::Email || !on.kinds.is_empty())
            .collect(),
    })
}

#[derive(Template)]
#[template(path = "providers/provider.html")]
struct ProviderPage {
    shell: Shell,
    zone: Tz,
    kind: &'static Kind,
    /// `None` for one that is being added.
    row: Option<providers::Model>,
    /// What is typed as its name.
    title: String,
    values: Values,
    kept: Before,
    errors: FormErrors,
    /// Where its webhooks go.
    hook: String,
    /// Whether it could reach us there.
    is_reachable: bool,
    failures: Vec<hook_failures::Model>,
    /// What people answered lately.
    inbound: Vec<inbound_messages::Model>,
}

impl ProviderPage {
    fn value(&self, field: &Field) -> &str {
        match field.is_secret {
            // What was typed and refused is typed again: a page holds no secret.
            true => "",
            false => self.values.get(field.name),
        }
    }

    fn is_kept(&self, field: &Field) -> bool {
        let kept = self.kept.secrets.as_ref();
        kept.is_some_and(|kept| kept.contains_key(field.name)) && self.errors.of(field.name).is_none()
    }

    /// Whether there are secrets that this instance cannot read.
    fn is_locked(&self) -> bool {
        self.row.is_some() && self.kept.secrets.is_none()
    }

    fn carries(&self) -> bool {
        self.kind.part == Part::Carrier
    }

    /// Whether it only reports, so that there is nothing to be tried out.
    fn reports(&self) -> bool {
        self.kind.part == Part::Reporter
    }

    fn action(&self) -> String {
        match &self.row {
            Some(row) => format!("/settings/channels/{}", row.id),
            None => format!("/settings/channels/new?kind={}", self.kind.word),
        }
    }

    fn has_failed(&self) -> Option<&str> {
        let result = self.row.as_ref()?.test_result.as_deref()?;
        Some(result).filter(|result| !result.is_empty())
    }

    fn answer(&self, page: &Self) -> Result<HttpResponse> {
        let status = match self.errors.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        html_with(status, page)
    }
}

/// Which kind a new provider is of.
#[derive(Deserialize)]
pub struct Which {
    kind: String,
}

fn kind_of(word: &str) -> Result<&'static Kind> {
    kinds::find(word).ok_or(AppError::NotFound)
}

fn new_page(
    cx: &Context,
    staff: &Staff<Admin>,
    kind: &'static Kind,
    name: String,
    values: Values,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let page = ProviderPage {
        shell: staff.shell(Section::Settings, &format!("Add {}", kind.label)),
        zone: staff.zone(),
        kind,
        row: None,
        title: name,
        values,
        kept: Before::default(),
        errors,
        hook: String::new(),
        is_reachable: cx.settings.is_reachable(),
        failures: Vec::new(),
        inbound: Vec::new(),
    };
    page.answer(&page)
}

/// `GET /settings/channels/new?kind=`
pub async fn new_provider(
    cx: Data<Context>,
    staff: Staff<Admin>,
    which: Query<Which>,
) -> Result<HttpResponse> {
    let kind = kind_of(&which.kind)?;
    let name = kind.label.to_owned();
    new_page(&cx, &staff, kind, name, kind.usual(), FormErrors::default())
}

/// `POST /settings/channels/new?kind=`
pub async fn create_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    which: Query<Which>,
    Form(form): Form<Typed>,
) -> Result<HttpResponse> {
    let kind = kind_of(&which.kind)?;
    let again = |errors| {
        let (name, values) = typed(kind, &form);
        new_page(&cx, &staff, kind, name, values, errors)
    };
    let new = match forms::read(kind, &form, &Before::default(), kind.word, &cx) {
        Ok(new) => new,
        Err(errors) => return again(errors),
    };
    let (actor, now) = (staff.actor(), cx.clock.now());
    let tx = cx.db.begin().await?;
    let made = commands::create(&tx, &cx.secret, kind, new, &By { actor: &actor, now }).await;
    let row = match made {
        Ok(row) => row,
        Err(AppError::Invalid(errors)) => return again(errors),
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    providers.refresh().await?;
    let next = match kind.part {
        Part::Reporter => "It is kept. Enter its address at the provider, and activate it.",
        Part::Carrier | Part::Account => "It is kept. Test it, and then activate it.",
    };
    staff.flash("ok", next);
    Ok(see_other(hx, &format!("/settings/channels/{}", row.id)))
}

/// What was typed, to be shown again.
fn typed(kind: &Kind, form: &Typed) -> (String, Values) {
    let name = form.get("name").cloned().unwrap_or_default();
    let shown = kind.fields().filter(|field| !field.is_secret);
    let values = shown.filter_map(|field| Some((field.name.to_owned(), form.get(field.name)?.clone())));
    (name, values.collect())
}

async fn load(cx: &Context, id: i64) -> Result<(providers::Model, &'static Kind, Before)> {
    let row = store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    let kind = kind_of(&row.kind)?;
    let owner = Owner {
        kind: &row.kind,
        id: row.id,
    };
    let before = Before {
        settings: settings(&row),
        secrets: sealed::open(&cx.secret, owner, &row.sealed),
    };
    Ok((row, kind, before))
}

async fn page(
    cx: &Context,
    staff: &Staff<Admin>,
    (row, kind, kept): (providers::Model, &'static Kind, Before),
    (name, values): (String, Values),
    errors: FormErrors,
) -> Result<HttpResponse> {
    let word = match kind.signs {
        true => String::new(),
        false => format!("?s={}", hook_word(cx, &row.key)),
    };
    let page = ProviderPage {
        shell: staff.shell(Section::Settings, &row.name),
        zone: staff.zone(),
        kind,
        title: name,
        values,
        kept,
        errors,
        hook: format!("{}/hooks/{}{word}", cx.settings.base(), row.key),
        is_reachable: cx.settings.is_reachable(),
        failures: failures::of(&*cx.db, row.id).await?,
        inbound: store::inbound(&*cx.db, row.id, SHOWN).await?,
        row: Some(row),
    };
    page.answer(&page)
}

/// `GET /settings/channels/{id}`
pub async fn get_provider(cx: Data<Context>, staff: Staff<Admin>, id: Path<i64>) -> Result<HttpResponse> {
    let found = load(&cx, *id).await?;
    let shown = (found.0.name.clone(), found.2.settings.clone());
    page(&cx, &staff, found, shown, FormErrors::default()).await
}

/// `POST /settings/channels/{id}`
pub async fn edit_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
    Form(form): Form<Typed>,
) -> Result<HttpResponse> {
    let (row, kind, before) = load(&cx, *id).await?;
    let new = match forms::read(kind, &form, &before, &row.key, &cx) {
        Ok(new) => new,
        Err(errors) => {
            let shown = typed(kind, &form);
            return page(&cx, &staff, (row, kind, before), shown, errors).await;
        }
    };
    let (actor, now) = (staff.actor(), cx.clock.now());
    let tx = cx.db.begin().await?;
    let row = store::find(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    if form.get("revision").map(String::as_str) != Some(row.revision.to_string().as_str()) {
        return Err(AppError::Conflict(
            "Somebody else changed this provider meanwhile. Open it again and repeat your change.".into(),
        ));
    }
    let by = By { actor: &actor, now };
    commands::edit(&tx, &cx.secret, row, new, before.secrets.as_ref(), &by).await?;
    tx.commit().await?;
    providers.refresh().await?;
    cx.bell.ring_dispatch();
    staff.flash("ok", "Saved. Test it to know that it works.");
    Ok(see_other(hx, &format!("/settings/channels/{id}")))
}

/// What is wrong with a provider as it is set now; a sentence.
async fn problem(providers: &Providers, id: i64) -> Result<Option<String>> {
    providers.refresh().await?;
    let provider = providers.by_id(id).ok_or(AppError::NotFound)?;
    let checked = tokio::time::timeout(PATIENCE, provider.adapter.check()).await;
    Ok(match checked {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("It did not answer in time.".into()),
    })
}

/// `POST /settings/channels/{id}/test`
pub async fn test_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let problem = problem(&providers, *id).await?;
    note(&cx, *id, problem.as_deref()).await?;
    match problem {
        None => staff.flash("ok", "The test went well."),
        Some(problem) => staff.flash("error", format!("The test failed. {problem}")),
    }
    Ok(see_other(hx, &format!("/settings/channels/{id}")))
}

async fn note(cx: &Context, id: i64, problem: Option<&str>) -> Result<()> {
    let tx = cx.db.begin().await?;
    commands::note_test(&tx, id, problem, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// `POST /settings/channels/{id}/activate`: only one that works takes over.
pub async fn activate_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let back = format!("/settings/channels/{id}");
    let problem = problem(&providers, *id).await?;
    let reports = providers
        .by_id(*id)
        .is_some_and(|one| one.kind.part == Part::Reporter);
    if !reports {
        note(&cx, *id, problem.as_deref()).await?;
    }
    if let Some(problem) = problem {
        staff.flash("error", format!("It was not activated. {problem}"));
        return Ok(see_other(hx, &back));
    }
    let before = change(&cx, &providers, &staff.actor(), *id, true).await?;
    let sentence = match before {
        Some(before) => format!("It is active. “{}” is not any more.", before.name),
        None => "It is active.".to_owned(),
    };
    staff.flash("ok", sentence);
    Ok(see_other(hx, &back))
}

async fn change(
    cx: &Context,
    providers: &Providers,
    actor: &Actor,
    id: i64,
    is_active: bool,
) -> Result<Option<providers::Model>> {
    let by = By {
        actor,
        now: cx.clock.now(),
    };
    let tx = cx.db.begin().await?;
    let row = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    let kind = kind_of(&row.kind)?;
    let before = match is_active {
        true => commands::activate(&tx, row, kind, &by).await?,
        false => {
            commands::deactivate(&tx, row, &by).await?;
            None
        }
    };
    tx.commit().await?;
    providers.refresh().await?;
    cx.bell.ring_dispatch();
    Ok(before)
}

/// `POST /settings/channels/{id}/deactivate`
pub async fn deactivate_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    change(&cx, &providers, &staff.actor(), *id, false).await?;
    staff.flash("ok", "It is not active any more.");
    Ok(see_other(hx, &format!("/settings/channels/{id}")))
}

/// `POST /settings/channels/{id}/delete`
pub async fn delete_provider(
    cx: Data<Context>,
    providers: Data<Providers>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let (actor, now) = (staff.actor(), cx.clock.now());
    let tx = cx.db.begin().await?;
    let row = store::find(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    let name = row.name.clone();
    commands::delete(&tx, row, &By { actor: &actor, now }).await?;
    tx.commit().await?;
    providers.refresh().await?;
    staff.flash("ok", format!("“{name}” is deleted, and its secrets with it."));
    Ok(see_other(hx, "/settings/channels"))
}
