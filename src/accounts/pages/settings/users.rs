//! `/settings/users`: who is staff, in which role.

use crate::accounts::links::{self, Opens};
use crate::accounts::staff_commands::{self, NewUser};
use crate::accounts::standing::{self, Standing};
use crate::accounts::{Admin, Staff};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::Role;
use crate::entity::users;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/settings/users.html")]
struct UsersPage {
    shell: Shell,
    me: i64,
    users: Vec<users::Model>,
    form: UserForm,
    errors: FormErrors,
    refusal: Option<String>,
    fresh: Option<FreshLink>,
}

impl UsersPage {
    fn standing(&self, user: &users::Model) -> Standing {
        Standing::of(user)
    }
}

/// A link that is shown once.
struct FreshLink {
    name: String,
    url: String,
    days: i64,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct UserForm {
    name: String,
    email: String,
    role: String,
}

impl Default for UserForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            email: String::new(),
            role: Role::Manager.to_string(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RoleForm {
    role: String,
}

/// What the page shows beside the list.
#[derive(Default)]
struct Beside {
    form: UserForm,
    errors: FormErrors,
    refusal: Option<String>,
    fresh: Option<FreshLink>,
}

async fn page(cx: &Context, staff: &Staff<Admin>, beside: Beside) -> Result<HttpResponse> {
    let status = match (&beside.refusal, beside.errors.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    html_with(
        status,
        &UsersPage {
            shell: staff.shell(Section::Settings, "Staff"),
            me: staff.user.id,
            users: standing::everyone(&*cx.db).await?,
            form: beside.form,
            errors: beside.errors,
            refusal: beside.refusal,
            fresh: beside.fresh,
        },
    )
}

/// `GET /settings/users`
pub async fn get_users(cx: Data<Context>, staff: Staff<Admin>) -> Result<HttpResponse> {
    page(&cx, &staff, Beside::default()).await
}

/// `POST /settings/users`: adds someone, and shows the link by which they choose a password. It is
/// on this answer alone, because only its hash is kept.
pub async fn add_user(
    cx: Data<Context>,
    staff: Staff<Admin>,
    Form(form): Form<UserForm>,
) -> Result<HttpResponse> {
    let added = match NewUser::parse(&form.name, &form.email, &form.role) {
        Ok(new) => add(&cx, &staff, new).await,
        Err(errors) => Err(errors.into()),
    };
    let beside = match added {
        Ok(fresh) => Beside {
            fresh: Some(fresh),
            ..Beside::default()
        },
        Err(AppError::Invalid(errors)) => Beside {
            form,
            errors,
            ..Beside::default()
        },
        Err(error) => return Err(error),
    };
    page(&cx, &staff, beside).await
}

async fn add(cx: &Context, staff: &Staff<Admin>, new: NewUser) -> Result<FreshLink> {
    let tx = cx.db.begin().await?;
    let user = staff_commands::create_user(&tx, new, &staff.actor(), cx.clock.now()).await?;
    let fresh = fresh_link(cx, &tx, &user).await?;
    tx.commit().await?;
    Ok(fresh)
}

async fn fresh_link(cx: &Context, tx: &Tx, user: &users::Model) -> Result<FreshLink> {
    let opens = Opens::Password(user.id);
    let token = links::issue(tx, opens, cx.clock.now()).await?;
    Ok(FreshLink {
        name: user.name.clone(),
        url: links::join_url(&cx.settings, &token),
        days: opens.lifetime().num_days(),
    })
}

/// `POST /settings/users/{id}/link`: another link, for an invitation that was lost or a password
/// that was forgotten.
pub async fn renew_link(cx: Data<Context>, staff: Staff<Admin>, id: Path<i64>) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let user = standing::find(&*tx, *id).await?;
    if user.disabled_at.is_some() {
        drop(tx);
        return refuse(
            &cx,
            &staff,
            format!("{} is disabled. Enable them first.", user.name),
        )
        .await;
    }
    staff_commands::record_link(&tx, &user, &staff.actor(), cx.clock.now()).await?;
    let fresh = fresh_link(&cx, &tx, &user).await?;
    tx.commit().await?;
    let beside = Beside {
        fresh: Some(fresh),
        ..Beside::default()
    };
    page(&cx, &staff, beside).await
}

async fn refuse(cx: &Context, staff: &Staff<Admin>, refusal: String) -> Result<HttpResponse> {
    let beside = Beside {
        refusal: Some(refusal),
        ..Beside::default()
    };
    page(cx, staff, beside).await
}

/// `POST /settings/users/{id}/role`
pub async fn change_role(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
    Form(form): Form<RoleForm>,
) -> Result<HttpResponse> {
    let role: Role = form
        .role
        .parse()
        .map_err(|_| AppError::BadRequest("There is no such role.".into()))?;
    let tx = cx.db.begin().await?;
    let changed = standing::change_role(&tx, *id, role, &staff.actor(), cx.clock.now()).await;
    let text = |user: &users::Model| format!("{} is {} now.", user.name, with_article(role));
    finish(&cx, &staff, hx, tx, changed, text).await
}

/// `POST /settings/users/{id}/disable`: ends their sessions and links.
pub async fn disable_user(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    if *id == staff.user.id {
        let text = "You cannot disable yourself. Ask another administrator.";
        return refuse(&cx, &staff, text.into()).await;
    }
    let tx = cx.db.begin().await?;
    let changed = standing::disable(&tx, *id, &staff.actor(), cx.clock.now()).await;
    let text = |user: &users::Model| format!("{} can no longer sign in, and was signed out.", user.name);
    finish(&cx, &staff, hx, tx, changed, text).await
}

/// `POST /settings/users/{id}/enable`
pub async fn enable_user(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let changed = standing::enable(&tx, *id, &staff.actor(), cx.clock.now()).await;
    let text = |user: &users::Model| format!("{} can sign in again.", user.name);
    finish(&cx, &staff, hx, tx, changed, text).await
}

/// Commits and goes back to the list, or shows the list with why not.
async fn finish(
    cx: &Context,
    staff: &Staff<Admin>,
    hx: Hx,
    tx: Tx,
    changed: Result<users::Model>,
    text: impl Fn(&users::Model) -> String,
) -> Result<HttpResponse> {
    match changed {
        Ok(user) => {
            tx.commit().await?;
            staff.flash("ok", text(&user));
            Ok(see_other(hx, "/settings/users"))
        }
        Err(AppError::Conflict(sentence)) => {
            drop(tx);
            refuse(cx, staff, sentence).await
        }
        Err(error) => Err(error),
    }
}

const fn with_article(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Manager => "a manager",
        Role::Admin => "an administrator",
    }
}
