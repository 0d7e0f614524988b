//! One's own profile: name, time zone, password, and where one is signed in.

use crate::accounts::audit::{self, Subject};
use crate::accounts::calendar_feed;
use crate::accounts::sessions::{self, Own};
use crate::accounts::staff_commands::{self, Profile};
use crate::accounts::{Staff, Viewer, passwords};
use crate::context::Context;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other, zones};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct ProfilePage {
    shell: Shell,
    email: String,
    form: ProfileForm,
    errors: FormErrors,
    password_errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
    club_zone: Tz,
    zone: Tz,
    sessions: Vec<Own>,
    /// The public id of the session that asks.
    here: String,
    /// Since when the calendar has an address.
    feed: Option<DateTime<Utc>>,
    /// The address that was just made, shown once.
    fresh_feed: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ProfileForm {
    name: String,
    timezone: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PasswordForm {
    current: String,
    new: String,
}

/// What is wrong with which of the page's two forms.
#[derive(Default)]
struct Wrong {
    profile: FormErrors,
    password: FormErrors,
}

async fn page(
    cx: &Context,
    staff: &Staff<Viewer>,
    form: Option<ProfileForm>,
    wrong: Wrong,
) -> Result<HttpResponse> {
    whole_page(cx, staff, form, wrong, None).await
}

async fn whole_page(
    cx: &Context,
    staff: &Staff<Viewer>,
    form: Option<ProfileForm>,
    wrong: Wrong,
    fresh_feed: Option<String>,
) -> Result<HttpResponse> {
    let form = form.unwrap_or_else(|| ProfileForm {
        name: staff.user.name.clone(),
        timezone: staff.user.timezone.clone().unwrap_or_default(),
    });
    let status = match wrong.profile.is_empty() && wrong.password.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &ProfilePage {
            shell: staff.shell(Section::None, "Your profile"),
            email: staff.user.email.clone(),
            zones: zones::choices(&form.timezone),
            form,
            errors: wrong.profile,
            password_errors: wrong.password,
            club_zone: staff.club.timezone,
            zone: staff.zone(),
            sessions: sessions::of(&*cx.db, staff.user.id, cx.clock.now()).await?,
            here: here(staff),
            feed: calendar_feed::since(&*cx.db, staff.user.id).await?,
            fresh_feed,
        },
    )
}

fn here(staff: &Staff<Viewer>) -> String {
    staff
        .session()
        .get(sessions::PUBLIC_ID)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// `GET /profile`
pub async fn get_profile(cx: Data<Context>, staff: Staff<Viewer>) -> Result<HttpResponse> {
    page(&cx, &staff, None, Wrong::default()).await
}

/// `POST /profile`
pub async fn edit_profile(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    hx: Hx,
    Form(form): Form<ProfileForm>,
) -> Result<HttpResponse> {
    let profile = match Profile::parse(&form.name, &form.timezone) {
        Ok(profile) => profile,
        Err(profile) => {
            let wrong = Wrong {
                profile,
                ..Wrong::default()
            };
            return page(&cx, &staff, Some(form), wrong).await;
        }
    };
    let tx = cx.db.begin().await?;
    staff_commands::edit_profile(&tx, &staff.user, profile, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "Your profile is saved.");
    Ok(see_other(hx, "/profile"))
}

/// `POST /profile/password`: ends every other session of the person.
pub async fn change_password(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    request: HttpRequest,
    Form(form): Form<PasswordForm>,
) -> Result<HttpResponse> {
    let mut password = FormErrors::default();
    let is_right = passwords::is_right(form.current, Some(staff.user.password_hash.clone())).await?;
    if !is_right {
        password.add("current", "This is not your password.");
    }
    let new = passwords::NewPassword::parse(&form.new, &staff.user.email)
        .map_err(|sentence| password.add("new", sentence));
    let (Ok(new), true) = (new, is_right) else {
        let wrong = Wrong {
            password,
            ..Wrong::default()
        };
        return page(&cx, &staff, None, wrong).await;
    };
    let hash = new.hash().await?;
    let now = cx.clock.now();
    let own = here(&staff);
    let tx = cx.db.begin().await?;
    let user = staff_commands::set_password(&tx, &staff.user, hash, &staff.actor(), now).await?;
    let ended = sessions::end(&tx, user.id, now, |session| session.id != own).await?;
    tx.commit().await?;
    sessions::start(staff.session(), &user, &request).map_err(anyhow::Error::from)?;
    staff.flash(
        "ok",
        match ended {
            0 => "Your password is changed.".to_owned(),
            1 => "Your password is changed, and your other session was ended.".to_owned(),
            many => format!("Your password is changed, and your {many} other sessions were ended."),
        },
    );
    Ok(see_other(Hx::of(&request), "/profile"))
}

/// `POST /profile/sessions/{id}/end`
pub async fn end_session(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    hx: Hx,
    id: Path<String>,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let ended = sessions::end(&tx, staff.user.id, cx.clock.now(), |session| session.id == *id).await?;
    tx.commit().await?;
    if ended == 0 {
        return Err(AppError::NotFound);
    }
    if here(&staff) == *id {
        staff.session().purge();
        return Ok(see_other(hx, "/sign-in"));
    }
    staff.flash("ok", "That session is ended.");
    Ok(see_other(hx, "/profile"))
}

/// `POST /profile/calendar`: makes the calendar's secret address, or another one, and shows it. It
/// is on this answer alone, because only its hash is kept.
pub async fn renew_calendar(cx: Data<Context>, staff: Staff<Viewer>) -> Result<HttpResponse> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let token = calendar_feed::renew(&tx, staff.user.id, now).await?;
    let subject = Subject("calendar address", Some(staff.user.id));
    audit::record(
        &tx,
        now,
        &staff.actor(),
        "renewed",
        subject,
        serde_json::json!({}),
    )
    .await?;
    tx.commit().await?;
    let address = format!("{}/calendar/{token}.ics", cx.settings.base());
    whole_page(&cx, &staff, None, Wrong::default(), Some(address)).await
}

/// `POST /profile/calendar/revoke`
pub async fn revoke_calendar(cx: Data<Context>, staff: Staff<Viewer>, hx: Hx) -> Result<HttpResponse> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    if calendar_feed::revoke(&tx, staff.user.id).await? {
        let subject = Subject("calendar address", Some(staff.user.id));
        audit::record(
            &tx,
            now,
            &staff.actor(),
            "revoked",
            subject,
            serde_json::json!({}),
        )
        .await?;
        staff.flash("ok", "The address of the calendar opens nothing any more.");
    }
    tx.commit().await?;
    Ok(see_other(hx, "/profile"))
}
