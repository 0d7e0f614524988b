//! The pages of the capture mailbox. Reading is for all staff, clearing for managers.

use super::store::{self, Filter, Origin, Summary};
use super::{commands, mail};
use crate::accounts::{Manager, Staff, Viewer};
use crate::context::Context;
use crate::domain::{Channel, Role};
use crate::entity::captured_messages;
use crate::messaging::{Channels, Post};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, Hx, Result, Section, Shell, html, see_other};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

/// Messages on a page.
const PAGE: u64 = 50;
/// The longest search that is read.
const LONGEST_SEARCH: usize = 200;

/// What the address asks for. What cannot be read finds nothing rather than everything.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    campaign: String,
    #[serde(default)]
    before: String,
}

impl Asked {
    fn filter(&self) -> Filter {
        let key = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap_or(-1));
        Filter {
            campaign_id: key(&self.campaign),
            words: self.q.trim().chars().take(LONGEST_SEARCH).collect(),
            before: key(&self.before),
            ..Filter::default()
        }
    }
}

#[derive(Template)]
#[template(path = "mailbox/list.html", blocks = ["messages"])]
struct ListPage {
    shell: Shell,
    zone: Tz,
    /// Where mail goes, when it is sent for real.
    place: Option<String>,
    filter: Filter,
    origins: Vec<Origin>,
    rows: Vec<Summary>,
    count: i64,
    /// The last row's key, where older messages follow.
    older: Option<i64>,
}

impl ListPage {
    fn is_filtered(&self) -> bool {
        self.filter.campaign_id.is_some() || !self.filter.words.is_empty()
    }

    /// Whether the list asks for news by itself. A search reads every message, so it asks once.
    fn is_live(&self) -> bool {
        self.filter.before.is_none() && self.filter.words.is_empty()
    }

    /// This list's address from a key on, or from the newest.
    fn url(&self, before: Option<&i64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.filter.words.is_empty() {
            query.append_pair("q", &self.filter.words);
        }
        if let Some(id) = self.filter.campaign_id {
            query.append_pair("campaign", &id.to_string());
        }
        if let Some(id) = before {
            query.append_pair("before", &id.to_string());
        }
        match query.finish() {
            empty if empty.is_empty() => "/mailbox".to_owned(),
            query => format!("/mailbox?{query}"),
        }
    }

    fn is_chosen(&self, origin: &i64) -> bool {
        self.filter.campaign_id == Some(*origin)
    }
}

/// `GET /mailbox`: newest first; for htmx the rows alone, which it asks for every few seconds.
pub async fn list_messages(
    staff: Staff<Viewer>,
    asked: web::Query<Asked>,
    hx: Hx,
    cx: web::Data<Context>,
    channels: web::Data<Channels>,
) -> Result<HttpResponse> {
    let filter = asked.filter();
    let (count, _) = store::count(
        &*cx.db,
        &Filter {
            before: None,
            ..filter.clone()
        },
    )
    .await?;
    let mut rows = store::list(&*cx.db, &filter, PAGE + 1).await?;
    let older = (rows.len() as u64 > PAGE).then(|| rows.pop()).flatten();
    let page = ListPage {
        zone: staff.zone(),
        place: match cx.settings.smtp_url {
            Some(_) => channels.get(Channel::Email).map(|adapter| adapter.place()),
            None => None,
        },
        origins: match hx.is_partial() {
            true => Vec::new(),
            false => store::origins(&*cx.db).await?,
        },
        older: older.and_then(|_| rows.last().map(|row| row.id)),
        shell: staff.shell(Section::Mailbox, "Mailbox"),
        filter,
        rows,
        count,
    };
    match hx.is_partial() {
        true => html(&page.as_messages()),
        false => html(&page),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    view: String,
}

/// What of a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Html,
    Text,
    Source,
}

#[derive(Template)]
#[template(path = "mailbox/message.html")]
struct MessagePage {
    shell: Shell,
    zone: Tz,
    at: DateTime<Utc>,
    message: captured_messages::Model,
    campaign: Option<String>,
    headers: Vec<(String, String)>,
    view: View,
    /// Of the channel SOCIAL: what would have been published.
    post: Option<Post>,
}

impl MessagePage {
    fn media(&self) -> Vec<Pictured> {
        let media = self.post.iter().flat_map(|post| &post.media);
        media
            .map(|media| Pictured {
                url: media.url.clone(),
                is_video: media.kind().is_video(),
            })
            .collect()
    }
}

/// A picture or film of a post.
struct Pictured {
    url: String,
    is_video: bool,
}

/// `GET /mailbox/{id}`: as a mail program shows it; `?view=text` and `?view=source` show its
/// other sides.
pub async fn get_message(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    shown: web::Query<Shown>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let message = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    let campaign = store::origin(&*cx.db, message.campaign_id).await?;
    let post: Option<Post> = match message.channel {
        // Written by us; one that a later release wrote otherwise is shown as its text.
        Channel::Social => serde_json::from_str(&message.raw).ok(),
        _ => None,
    };
    let title = match (message.channel, message.subject.is_empty(), &post) {
        (Channel::Email, true, _) => "(no subject)".to_owned(),
        (Channel::Email, false, _) => message.subject.clone(),
        (_, _, Some(post)) => format!("Post on {}", post.platform.label()),
        (channel, _, None) => channel.label().to_owned(),
    };
    html(&MessagePage {
        shell: staff.shell(Section::Mailbox, &title),
        zone: staff.zone(),
        at: message.at.0,
        campaign,
        headers: match message.channel {
            Channel::Email => mail::headers(&message.raw),
            _ => Vec::new(),
        },
        view: match shown.view.as_str() {
            "source" => View::Source,
            "text" => View::Text,
            _ if message.html.is_empty() => View::Text,
            _ => View::Html,
        },
        post,
        message,
    })
}

/// `GET /mailbox/{id}/html`: the HTML alone, for the frame, under a policy of its own.
pub async fn get_message_html(
    _staff: Staff<Viewer>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let message = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, mail::policy(&cx.settings.base())))
        .body(mail::with_links_outside(&message.html)))
}

/// `GET /mailbox/{id}/source.eml`: the whole message as a file that mail programs open.
pub async fn get_message_source(
    _staff: Staff<Viewer>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let message = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "message/rfc822"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"message-{}.eml\"", message.id),
        ))
        .body(message.raw))
}

#[derive(Template)]
#[template(path = "mailbox/clear.html")]
struct ClearPage {
    shell: Shell,
    count: i64,
    newest: i64,
    /// The chosen campaign's key and name.
    campaign: Option<(i64, String)>,
}

/// `GET /mailbox/clear`: says how many messages would go, and asks.
pub async fn confirm_clearing(
    staff: Staff<Manager>,
    asked: web::Query<Asked>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let filter = Filter {
        campaign_id: asked.filter().campaign_id,
        ..Filter::default()
    };
    let (count, newest) = store::count(&*cx.db, &filter).await?;
    let name = store::origin(&*cx.db, filter.campaign_id).await?;
    html(&ClearPage {
        shell: staff.shell(Section::Mailbox, "Clear the mailbox"),
        count,
        newest,
        campaign: filter.campaign_id.map(|id| {
            (
                id,
                name.unwrap_or_else(|| "a campaign that was deleted".to_owned()),
            )
        }),
    })
}

#[derive(Debug, Deserialize)]
pub struct Clearing {
    /// The newest message that the person was told of: later ones stay.
    newest: i64,
    #[serde(default)]
    campaign: String,
}

/// `POST /mailbox/clear`: removes what the person was told of.
pub async fn clear_messages(
    staff: Staff<Manager>,
    form: Form<Clearing>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let Form(Clearing { newest, campaign }) = form;
    let campaign_id = (!campaign.is_empty()).then(|| campaign.parse().unwrap_or(-1));
    let count = commands::clear(&cx, campaign_id, newest, &staff.actor()).await?;
    staff.flash(
        "ok",
        match count {
            1 => "1 message was removed.".to_owned(),
            count => format!(
                "{} messages were removed.",
                filters::group(i64::try_from(count).unwrap_or(i64::MAX))
            ),
        },
    );
    Ok(see_other(hx, "/mailbox"))
}
