//! `/settings`: the club itself.

use crate::accounts::audit::{self, Subject};
use crate::accounts::club::{Club, Sender};
use crate::accounts::{Admin, Staff};
use crate::context::Context;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html_with, see_other, zones};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/settings/club.html")]
struct ClubPage {
    shell: Shell,
    form: ClubForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
}

/// The fields have the names that the JSON API gives them, so that one check serves both.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ClubForm {
    #[serde(rename = "clubName")]
    name: String,
    #[serde(rename = "sender.name")]
    sender_name: String,
    #[serde(rename = "sender.email")]
    sender_email: String,
    #[serde(rename = "sender.replyTo")]
    reply_to: String,
    #[serde(rename = "postalAddress")]
    postal_address: String,
    timezone: String,
    website: String,
    accent: String,
}

impl From<&Club> for ClubForm {
    fn from(club: &Club) -> Self {
        Self {
            name: club.name.clone(),
            sender_name: club.sender.name.clone(),
            sender_email: club.sender.email.clone(),
            reply_to: club.sender.reply_to.clone(),
            postal_address: club.postal_address.clone(),
            timezone: club.timezone.name().to_owned(),
            website: club.website.clone(),
            accent: club.accent.clone(),
        }
    }
}

impl ClubForm {
    /// `before` is the club as it is: what stands on other pages stays.
    fn parse(&self, before: &Club) -> Result<Club, FormErrors> {
        let timezone = zones::parse(&self.timezone);
        let club = Club {
            name: self.name.clone(),
            sender: Sender {
                name: self.sender_name.clone(),
                email: self.sender_email.clone(),
                reply_to: self.reply_to.clone(),
            },
            postal_address: self.postal_address.clone(),
            timezone: timezone.clone().unwrap_or_default(),
            website: self.website.clone(),
            accent: self.accent.clone(),
            sending: before.sending.clone(),
        };
        match (club.checked(), timezone) {
            (checked, Ok(_)) => checked,
            (checked, Err(sentence)) => {
                let mut errors = checked.err().unwrap_or_default();
                errors.add("timezone", sentence);
                Err(errors)
            }
        }
    }
}

fn page(staff: &Staff<Admin>, form: ClubForm, errors: FormErrors) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &ClubPage {
            shell: staff.shell(Section::Settings, "Club settings"),
            zones: zones::choices(&form.timezone),
            form,
            errors,
        },
    )
}

/// `GET /settings`
pub async fn get_club(staff: Staff<Admin>) -> Result<HttpResponse> {
    page(&staff, ClubForm::from(&staff.club), FormErrors::default())
}

/// `POST /settings`
pub async fn edit_club(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    Form(form): Form<ClubForm>,
) -> Result<HttpResponse> {
    let club = match form.parse(&staff.club) {
        Ok(club) => club,
        Err(errors) => return page(&staff, form, errors),
    };
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let changes = Club::load(&*tx).await?.changes_to(&club);
    club.save(&tx, now).await?;
    audit::record(&tx, now, &staff.actor(), "edited", Subject("club", None), changes).await?;
    tx.commit().await?;
    staff.flash("ok", "The club’s settings are saved.");
    Ok(see_other(hx, "/settings"))
}
