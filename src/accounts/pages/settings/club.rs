//! `/settings`: the club itself.

use crate::accounts::audit::{self, Subject};
use crate::accounts::club::{Club, Sender};
use crate::accounts::{Admin, Staff};
use crate::context::Context;
use crate::domain::money::{CURRENCIES, Currency};
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other, zones};
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
    currencies: Vec<(&'static str, String)>,
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
    currency: String,
    website: String,
    accent: String,
    logo: String,
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
            currency: club.currency.code().to_owned(),
            website: club.website.clone(),
            accent: club.accent.clone(),
            logo: club.logo.clone(),
        }
    }
}

impl ClubForm {
    /// `before` is the club as it is: what stands on other pages stays.
    fn parse(&self, before: &Club) -> Result<Club, FormErrors> {
        let timezone = zones::parse(&self.timezone);
        let currency = Currency::parse(&self.currency);
        let club = Club {
            name: self.name.clone(),
            sender: Sender {
                name: self.sender_name.clone(),
                email: self.sender_email.clone(),
                reply_to: self.reply_to.clone(),
            },
            postal_address: self.postal_address.clone(),
            timezone: timezone.clone().unwrap_or_default(),
            currency: currency.unwrap_or_default(),
            website: self.website.clone(),
            accent: self.accent.clone(),
            logo: self.logo.clone(),
            sending: before.sending.clone(),
        };
        let checked = club.checked();
        let mut errors = checked.as_ref().err().cloned().unwrap_or_default();
        if let Err(sentence) = timezone {
            errors.add("timezone", sentence);
        }
        if currency.is_none() {
            errors.add("currency", "Choose a currency.");
        }
        match errors.is_empty() {
            true => checked,
            false => Err(errors),
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
            currencies: CURRENCIES
                .iter()
                .map(|currency| {
                    (
                        currency.code(),
                        format!("{}, {}", currency.code(), currency.name()),
                    )
                })
                .collect(),
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
    Form(mut form): Form<ClubForm>,
) -> Result<HttpResponse> {
    if form.currency.is_empty() {
        form.currency = staff.club.currency.code().to_owned();
    }
    let club = match form.parse(&staff.club) {
        Ok(club) => club,
        Err(errors) => return page(&staff, form, errors),
    };
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let changes = match club.change(&tx, now).await {
        Ok(changes) => changes,
        Err(AppError::Invalid(errors)) => return page(&staff, form, errors),
        Err(other) => return Err(other),
    };
    audit::record(&tx, now, &staff.actor(), "edited", Subject("club", None), changes).await?;
    tx.commit().await?;
    staff.flash("ok", "The club’s settings are saved.");
    Ok(see_other(hx, "/settings"))
}
