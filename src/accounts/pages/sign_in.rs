//! Signing in and out.

use crate::accounts::attempts::{self, Verdict};
use crate::accounts::audit::{self, Subject};
use crate::accounts::staff_commands::{MAX_EMAIL, by_email, is_nobody_there};
use crate::accounts::{Actor, Club, passwords, sessions};
use crate::context::Context;
use crate::entity::users;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Shell, html, html_with, see_other};
use actix_session::Session;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

/// Where staff begin.
pub const START: &str = "/campaigns";

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    shell: Shell,
    form: SignIn,
    errors: FormErrors,
    is_set_up: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SignIn {
    email: String,
    password: String,
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// The frame of a page for someone who is not signed in, in the club's name and colour. A browser
/// that has a session all the same must send its token.
pub async fn outer_shell(cx: &Context, session: &Session, title: &str) -> Result<Shell> {
    let club = Club::load(&*cx.db).await?;
    Ok(Shell {
        club: club.name,
        accent: club.accent,
        csrf: session.get(sessions::CSRF).ok().flatten().unwrap_or_default(),
        ..Shell::bare(title)
    })
}

/// `GET /`
pub async fn get_start() -> HttpResponse {
    see_other(Hx::NONE, START)
}

/// `GET /sign-in`
pub async fn get_sign_in(cx: Data<Context>, session: Session, query: Query<Next>) -> Result<HttpResponse> {
    let next = query.into_inner().next;
    if session.contains_key(sessions::USER_ID) && is_still_staff(&cx, &session).await? {
        return Ok(see_other(Hx::NONE, local_path(&next)));
    }
    html(&SignInPage {
        shell: outer_shell(&cx, &session, "Sign in").await?,
        form: SignIn {
            next,
            ..SignIn::default()
        },
        errors: FormErrors::default(),
        is_set_up: !is_nobody_there(&*cx.db).await?,
    })
}

async fn is_still_staff(cx: &Context, session: &Session) -> Result<bool> {
    use sea_orm::EntityTrait as _;
    let Some(id) = session.get::<i64>(sessions::USER_ID).ok().flatten() else {
        return Ok(false);
    };
    let user = users::Entity::find_by_id(id).one(&*cx.db).await?;
    Ok(user.is_some_and(|user| crate::accounts::staff::may_go_on(session, &user)))
}

/// `POST /sign-in`
pub async fn sign_in(
    cx: Data<Context>,
    session: Session,
    request: HttpRequest,
    Form(form): Form<SignIn>,
) -> Result<HttpResponse> {
    let email: String = form.email.trim().to_lowercase().chars().take(MAX_EMAIL).collect();
    let attempt = match attempts::admit(&cx, &email, &attempts::address(&request)).await? {
        Verdict::Admitted(attempt) => attempt,
        Verdict::Wait(seconds) => return too_many(&cx, &session, form, seconds).await,
    };
    let user = by_email(&*cx.db, &email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = passwords::is_right(form.password.clone(), hash).await?;
    let Some(user) = user.filter(|user| is_right && user.disabled_at.is_none()) else {
        let errors = FormErrors::one("", "The e-mail address or the password is wrong.");
        return refused(&cx, &session, StatusCode::UNPROCESSABLE_ENTITY, form, errors).await;
    };
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    attempt.strike_out(&tx).await?;
    let actor = Actor::person(&user);
    audit::record(
        &tx,
        now,
        &actor,
        "signed in",
        Subject("user", Some(user.id)),
        json!({}),
    )
    .await?;
    tx.commit().await?;
    sessions::start(&session, &user, &request).map_err(anyhow::Error::from)?;
    Ok(see_other(Hx::of(&request), local_path(&form.next)))
}

async fn too_many(cx: &Context, session: &Session, form: SignIn, seconds: u64) -> Result<HttpResponse> {
    let minutes = seconds.div_ceil(60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    let text = format!("Too many sign-ins failed. Try again in {minutes} {unit}.");
    let errors = FormErrors::one("", text);
    let mut response = refused(cx, session, StatusCode::TOO_MANY_REQUESTS, form, errors).await?;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    Ok(response)
}

async fn refused(
    cx: &Context,
    session: &Session,
    status: StatusCode,
    mut form: SignIn,
    errors: FormErrors,
) -> Result<HttpResponse> {
    form.password.clear();
    html_with(
        status,
        &SignInPage {
            shell: outer_shell(cx, session, "Sign in").await?,
            form,
            errors,
            is_set_up: !is_nobody_there(&*cx.db).await?,
        },
    )
}

/// `POST /sign-out`
pub async fn sign_out(session: Session, hx: Hx) -> HttpResponse {
    session.purge();
    see_other(hx, "/sign-in")
}

/// Where to go on after signing in: the path that was asked for where it is one of ours, else the
/// start. `//other.example` and `/\other.example` lead a browser elsewhere.
fn local_path(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.chars().all(|c| c.is_ascii_graphic())
        && !["/sign-in", "/sign-out", "/setup/", "/join/"]
            .iter()
            .any(|own| next.starts_with(own));
    match is_local && next != "/" {
        true => next,
        false => START,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_on_to() {
        for (next, to) in [
            ("/contacts?q=ann", "/contacts?q=ann"),
            ("", START),
            ("/", START),
            ("//evil.example", START),
            ("/\\evil.example", START),
            ("\\/evil.example", START),
            ("/\t/evil.example", START),
            ("https://evil.example/", START),
            ("javascript:alert(1)", START),
            ("/a\r\nSet-Cookie: x=y", START),
            ("/sign-out", START),
            ("evil", START),
        ] {
            assert_eq!(local_path(next), to, "{next:?}");
        }
    }
}
