//! The two pages that a one-time link opens: making the first administrator, and choosing a
//! password.

use super::sign_in::{START, outer_shell};
use crate::accounts::links::{self, Opens};
use crate::accounts::passwords::NewPassword;
use crate::accounts::staff_commands::{self, FirstStart};
use crate::accounts::{Actor, sessions};
use crate::context::Context;
use crate::entity::users;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Shell, html, html_with, see_other, zones};
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use sea_orm::EntityTrait as _;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/setup.html")]
struct SetupPage {
    shell: Shell,
    action: String,
    form: SetupForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct SetupForm {
    name: String,
    email: String,
    password: String,
    club_name: String,
    timezone: String,
}

impl Default for SetupForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            email: String::new(),
            password: String::new(),
            club_name: String::new(),
            timezone: "UTC".into(),
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/join.html")]
struct JoinPage {
    shell: Shell,
    action: String,
    user: users::Model,
    errors: FormErrors,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct JoinForm {
    password: String,
}

#[derive(Template)]
#[template(path = "accounts/link_spent.html")]
struct SpentPage {
    shell: Shell,
    is_setup: bool,
}

async fn spent(cx: &Context, session: &Session, is_setup: bool) -> Result<HttpResponse> {
    html_with(
        StatusCode::GONE,
        &SpentPage {
            shell: outer_shell(cx, session, "This link does not work").await?,
            is_setup,
        },
    )
}

/// Whether a token makes the first administrator now.
async fn opens_setup(cx: &Context, token: &str) -> Result<bool> {
    let opens = links::find(&*cx.db, token, cx.clock.now()).await?;
    Ok(opens == Some(Opens::Setup) && staff_commands::is_nobody_there(&*cx.db).await?)
}

/// `GET /setup/{token}`
pub async fn get_setup(cx: Data<Context>, session: Session, token: Path<String>) -> Result<HttpResponse> {
    if !opens_setup(&cx, &token).await? {
        return spent(&cx, &session, true).await;
    }
    html(&setup_page(&cx, &session, &token, SetupForm::default(), FormErrors::default()).await?)
}

async fn setup_page(
    cx: &Context,
    session: &Session,
    token: &str,
    form: SetupForm,
    errors: FormErrors,
) -> Result<SetupPage> {
    Ok(SetupPage {
        shell: outer_shell(cx, session, "Set up Fairway").await?,
        action: format!("/setup/{token}"),
        zones: zones::choices(&form.timezone),
        form,
        errors,
    })
}

/// `POST /setup/{token}`: makes the first administrator and signs them in.
pub async fn set_up(
    cx: Data<Context>,
    session: Session,
    request: HttpRequest,
    token: Path<String>,
    Form(form): Form<SetupForm>,
) -> Result<HttpResponse> {
    if !opens_setup(&cx, &token).await? {
        return spent(&cx, &session, true).await;
    }
    let (start, password) = match FirstStart::parse(
        &form.club_name,
        &form.timezone,
        &form.name,
        &form.email,
        &form.password,
    ) {
        Ok(parsed) => parsed,
        Err(errors) => {
            let page = setup_page(&cx, &session, &token, form, errors).await?;
            return html_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let hash = password.hash().await?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    // Asked again inside: of two who follow the link at once, one comes first.
    if !links::take(&tx, &token, now).await? || !staff_commands::is_nobody_there(&*tx).await? {
        drop(tx);
        return spent(&cx, &session, true).await;
    }
    let user = staff_commands::set_up(&tx, start, hash, now).await?;
    tx.commit().await?;
    sessions::start(&session, &user, &request).map_err(anyhow::Error::from)?;
    sessions::flash(
        &session,
        "ok",
        "Welcome. Say who mail comes from, and where your club is; then campaigns can be sent.",
    );
    Ok(see_other(Hx::of(&request), "/settings"))
}

/// Who may choose a password by this token.
async fn invited(cx: &Context, token: &str) -> Result<Option<users::Model>> {
    let Some(Opens::Password(id)) = links::find(&*cx.db, token, cx.clock.now()).await? else {
        return Ok(None);
    };
    let user = users::Entity::find_by_id(id).one(&*cx.db).await?;
    Ok(user.filter(|user| user.disabled_at.is_none()))
}

/// `GET /join/{token}`
pub async fn get_join(cx: Data<Context>, session: Session, token: Path<String>) -> Result<HttpResponse> {
    match invited(&cx, &token).await? {
        Some(user) => html(&join_page(&cx, &session, &token, user, FormErrors::default()).await?),
        None => spent(&cx, &session, false).await,
    }
}

async fn join_page(
    cx: &Context,
    session: &Session,
    token: &str,
    user: users::Model,
    errors: FormErrors,
) -> Result<JoinPage> {
    Ok(JoinPage {
        shell: outer_shell(cx, session, "Choose a password").await?,
        action: format!("/join/{token}"),
        user,
        errors,
    })
}

/// `POST /join/{token}`: sets the password, ends every session of the person, signs them in.
pub async fn join(
    cx: Data<Context>,
    session: Session,
    request: HttpRequest,
    token: Path<String>,
    Form(form): Form<JoinForm>,
) -> Result<HttpResponse> {
    let Some(user) = invited(&cx, &token).await? else {
        return spent(&cx, &session, false).await;
    };
    let password = match NewPassword::parse(&form.password, &user.email) {
        Ok(password) => password,
        Err(sentence) => {
            let errors = FormErrors::one("password", sentence);
            let page = join_page(&cx, &session, &token, user, errors).await?;
            return html_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let hash = password.hash().await?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    if !links::take(&tx, &token, now).await? {
        drop(tx);
        return spent(&cx, &session, false).await;
    }
    let user = staff_commands::set_password(&tx, &user, hash, &Actor::person(&user), now).await?;
    sessions::end(&tx, user.id, now, |_| true).await?;
    tx.commit().await?;
    sessions::start(&session, &user, &request).map_err(anyhow::Error::from)?;
    sessions::flash(&session, "ok", format!("Welcome, {}.", user.name));
    Ok(see_other(Hx::of(&request), START))
}
