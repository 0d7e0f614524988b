//! `/f/{key}`, the form as the world sees it, and `/f/confirm/{token}`. Answers are the same whether
//! an address is known to the club or not, so a form tells nobody who is a member.

use super::commands::{self, Origin};
use super::forms::Entered;
use super::store;
use crate::accounts::{Club, attempts};
use crate::audience::topics::store as topic_store;
use crate::context::Context;
use crate::domain::signup::{self, Visitor};
use crate::entity::{signup_forms, signups, topics};
use crate::secret::sign;
use crate::tracking::shell::{self, Frame};
use crate::web::{FormErrors, Result};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq as _;

/// What of a browser's name is kept, in characters.
const LONGEST_USER_AGENT: usize = 200;
/// The form may stand in a frame of the club's website, wherever that is; nothing else is allowed
/// there but to send it.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors *";

#[derive(Template)]
#[template(path = "signup/form.html")]
struct FormPage {
    frame: Frame,
    form: signup_forms::Model,
    topics: Vec<topics::Model>,
    entered: Entered,
    shown: String,
    errors: FormErrors,
}

impl FormPage {
    /// None is ticked before the visitor did it: consent is an act (GDPR article 4(11)).
    fn has(&self, topic: &topics::Model) -> bool {
        self.entered.topics.contains(&topic.id)
    }
}

#[derive(Template)]
#[template(path = "signup/thanks.html")]
struct ThanksPage {
    frame: Frame,
    form: signup_forms::Model,
}

#[derive(Template)]
#[template(path = "signup/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    form: signup_forms::Model,
    signup: signups::Model,
    state: State,
}

/// What a link to confirm is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits,
    Confirmed,
    Expired,
}

/// When our page was shown, and our signature of it.
fn stamp(cx: &Context, at: DateTime<Utc>) -> String {
    let seconds = at.timestamp().to_string();
    let code = sign(&cx.secret.derive("signup form"), seconds.as_bytes());
    let code: String = code.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{seconds}.{code}")
}

fn shown_at(cx: &Context, text: &str) -> Option<DateTime<Utc>> {
    let (seconds, _) = text.split_once('.')?;
    let at = DateTime::from_timestamp(seconds.parse().ok()?, 0)?;
    let is_ours: bool = stamp(cx, at).as_bytes().ct_eq(text.as_bytes()).into();
    is_ours.then_some(at)
}

fn origin(request: &HttpRequest) -> Origin {
    let user_agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no browser named");
    Origin {
        network: attempts::address(request),
        user_agent: user_agent
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_USER_AGENT)
            .collect(),
    }
}

fn framed(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    let mut response = shell::page(status, page)?;
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// The form at an address, while it is on the web, with the topics that it offers.
async fn load(cx: &Context, key: &str) -> Result<Option<(signup_forms::Model, Vec<topics::Model>)>> {
    let form = store::by_key(&*cx.db, key).await?;
    let Some(form) = form.filter(|form| form.archived_at.is_none()) else {
        return Ok(None);
    };
    let offered = store::topics_of(&form);
    let mut topics = topic_store::list(&*cx.db).await?;
    topics.retain(|topic| offered.contains(&topic.id));
    Ok(Some((form, topics)))
}

/// `GET /f/{key}`
pub async fn get_form(cx: Data<Context>, key: Path<String>) -> Result<HttpResponse> {
    match load(&cx, &key).await? {
        Some((form, topics)) => {
            show(
                &cx,
                form,
                topics,
                Entered::default(),
                FormErrors::default(),
                StatusCode::OK,
            )
            .await
        }
        None => shell::not_found(&cx).await,
    }
}

async fn show(
    cx: &Context,
    form: signup_forms::Model,
    topics: Vec<topics::Model>,
    entered: Entered,
    errors: FormErrors,
    status: StatusCode,
) -> Result<HttpResponse> {
    let club = Club::load(&*cx.db).await?;
    let page = FormPage {
        frame: Frame::of(&club, &form.heading),
        form,
        topics,
        entered,
        shown: stamp(cx, cx.clock.now()),
        errors,
    };
    framed(status, &page)
}

/// `POST /f/{key}`
pub async fn sign_up(
    cx: Data<Context>,
    request: HttpRequest,
    key: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let Some((form, topics)) = load(&cx, &key).await? else {
        return shell::not_found(&cx).await;
    };
    let club = Club::load(&*cx.db).await?;
    let mut entered = Entered::read(&body);
    entered.has_topics &= !topics.is_empty();
    let now = cx.clock.now();
    let visitor = signup::look(&entered.website, shown_at(&cx, &entered.shown), now);
    if visitor == Visitor::Robot {
        // It learns nothing from the answer.
        return thanks(&club, form);
    }
    let new = match entered.parse(&form, None) {
        Ok(new) => new,
        Err(errors) => {
            return show(
                &cx,
                form,
                topics,
                entered,
                errors,
                StatusCode::UNPROCESSABLE_ENTITY,
            )
            .await;
        }
    };
    if visitor == Visitor::Unknown {
        let errors = FormErrors::one("", "Is this right? Please send it once more.");
        return show(
            &cx,
            form,
            topics,
            entered,
            errors,
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    }
    let origin = origin(&request);
    let of_network = store::of_network(&*cx.db, &origin.network, now).await?;
    let mut of_address = 0;
    for (_, address) in &new.addresses {
        of_address = of_address.max(store::of_address(&*cx.db, address, now).await?);
    }
    if signup::is_too_many(of_address, of_network) {
        let errors = FormErrors::one(
            "",
            "That was tried several times already. Look for our message, also among unwanted mail, or try again tomorrow.",
        );
        return show(&cx, form, topics, entered, errors, StatusCode::TOO_MANY_REQUESTS).await;
    }
    // A form on the club's own website shows no topics: nobody said no to one there.
    let offered: Vec<(i64, bool)> = topics
        .iter()
        .filter(|_| entered.has_topics)
        .map(|topic| (topic.id, entered.topics.contains(&topic.id)))
        .collect();
    let tx = cx.db.begin().await?;
    commands::sign_up(&tx, &form, &new, &offered, &origin, now).await?;
    tx.commit().await?;
    thanks(&club, form)
}

fn thanks(club: &Club, form: signup_forms::Model) -> Result<HttpResponse> {
    let page = ThanksPage {
        frame: Frame::of(club, "Thank you"),
        form,
    };
    framed(StatusCode::OK, &page)
}

async fn waiting(cx: &Context, token: &str) -> Result<Option<(signup_forms::Model, signups::Model, State)>> {
    let Some(signup) = store::by_token(&*cx.db, token).await? else {
        return Ok(None);
    };
    let Some(form) = store::find(&*cx.db, signup.form_id).await? else {
        return Ok(None);
    };
    let state = match (
        signup.confirmed_at,
        signup::is_valid(signup.created_at.0, cx.clock.now()),
    ) {
        (Some(_), _) => State::Confirmed,
        (None, true) => State::Waits,
        (None, false) => State::Expired,
    };
    Ok(Some((form, signup, state)))
}

async fn show_confirmation(
    cx: &Context,
    form: signup_forms::Model,
    signup: signups::Model,
    state: State,
) -> Result<HttpResponse> {
    let club = Club::load(&*cx.db).await?;
    let (title, status) = match state {
        State::Waits => ("Please confirm", StatusCode::OK),
        State::Confirmed => ("You are on the list", StatusCode::OK),
        State::Expired => ("This link has expired", StatusCode::GONE),
    };
    let page = ConfirmPage {
        frame: Frame::of(&club, title),
        form,
        signup,
        state,
    };
    shell::page(status, &page)
}

/// `GET /f/confirm/{token}`: changes nothing, because mail filters follow links.
pub async fn get_confirmation(cx: Data<Context>, token: Path<String>) -> Result<HttpResponse> {
    match waiting(&cx, &token).await? {
        Some((form, signup, state)) => show_confirmation(&cx, form, signup, state).await,
        None => shell::not_found(&cx).await,
    }
}

/// `POST /f/confirm/{token}`
pub async fn confirm(cx: Data<Context>, request: HttpRequest, token: Path<String>) -> Result<HttpResponse> {
    let Some((form, signup, state)) = waiting(&cx, &token).await? else {
        return shell::not_found(&cx).await;
    };
    if state != State::Waits {
        return show_confirmation(&cx, form, signup, state).await;
    }
    let tx = cx.db.begin().await?;
    commands::confirm(&tx, &signup, &origin(&request), cx.clock.now()).await?;
    tx.commit().await?;
    cx.bell.ring_scheduler();
    show_confirmation(&cx, form, signup, State::Confirmed).await
}
