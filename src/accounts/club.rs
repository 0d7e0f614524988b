//! The club's settings: who it is, who it sends as, where and when it is.

use super::staff_commands;
use crate::db::Tx;
use crate::domain::colour::contrast_with_white;
use crate::domain::manners::Manners;
use crate::domain::money::Currency;
use crate::entity::{run_counts, settings};
use crate::web::shell::DEFAULT_ACCENT;
use crate::web::{AppError, FormErrors};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use url::Url;

/// Kept as one row of `settings`, and the body of `GET` and `PUT /api/v1/settings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Club {
    #[serde(rename = "clubName")]
    pub name: String,
    pub sender: Sender,
    /// In the footer of every marketing mail (CAN-SPAM, 15 U.S.C. § 7704(a)(5)).
    pub postal_address: String,
    pub timezone: Tz,
    /// What amounts are in. Fixed once money was counted in it.
    pub currency: Currency,
    pub website: String,
    /// `#rrggbb`.
    pub accent: String,
    /// The address of the picture at the head of mails; empty: the name stands there.
    pub logo: String,
    /// When and how much the club writes to people.
    pub sending: Manners,
}

/// Who mail comes from when the campaign does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Sender {
    pub name: String,
    pub email: String,
    pub reply_to: String,
}

impl Default for Club {
    fn default() -> Self {
        Self {
            name: "Your club".into(),
            sender: Sender::default(),
            postal_address: String::new(),
            timezone: Tz::UTC,
            currency: Currency::default(),
            website: String::new(),
            accent: DEFAULT_ACCENT.into(),
            logo: String::new(),
            sending: Manners::default(),
        }
    }
}

const NAME: &str = "club";

/// The least contrast of white text on the accent colour (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;

impl Club {
    /// The club as it is set, or the defaults before anyone set it.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let row = settings::Entity::find_by_id(NAME).one(db).await?;
        row.map_or_else(
            || Ok(Self::default()),
            |row| {
                serde_json::from_value(row.value)
                    .map_err(|error| DbErr::Custom(format!("the club's settings cannot be read: {error}")))
            },
        )
    }

    /// The club with its text tidied, or everything that is wrong with it, under the names that
    /// the form and the JSON API share.
    pub fn checked(self) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let mut optional_email = |field: &str, text: &str| match text.trim().is_empty() {
            true => String::new(),
            false => staff_commands::parse_email(&mut errors, field, text),
        };
        let email = optional_email("sender.email", &self.sender.email);
        let reply_to = optional_email("sender.replyTo", &self.sender.reply_to);
        let postal_address = errors.lines("postalAddress", self.postal_address.trim(), 500);
        if postal_address.chars().any(|c| c.is_control() && c != '\n') {
            errors.add("postalAddress", "This holds a control character; remove it.");
        }
        let website = errors.optional("website", &self.website, 300);
        let is_web = |text: &str| {
            Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if !website.is_empty() && !is_web(&website) {
            errors.add("website", "This is no address, such as https://www.club.example.");
        }
        let logo = errors.optional("logo", &self.logo, 500);
        if !logo.is_empty() && !is_web(&logo) {
            errors.add(
                "logo",
                "This is no address of a picture, such as https://www.club.example/logo.png.",
            );
        }
        let accent = self.accent.trim().to_lowercase();
        match contrast_with_white(&accent) {
            None => errors.add("accent", "Choose a colour, written as #rrggbb."),
            Some(contrast) if contrast < CONTRAST => errors.add(
                "accent",
                "White text on this colour would be hard to read. Choose a darker one.",
            ),
            Some(_) => {}
        }
        let name = errors.text("clubName", &self.name, 100);
        let sender_name = errors.optional("sender.name", &self.sender.name, 100);
        let sending = self.sending.checked().unwrap_or_else(|wrong| {
            for (field, sentence) in wrong {
                errors.add(&format!("sending.{field}"), sentence);
            }
            Manners::default()
        });
        errors.or(|| Self {
            name,
            sender: Sender {
                name: sender_name,
                email,
                reply_to,
            },
            postal_address,
            timezone: self.timezone,
            currency: self.currency,
            website,
            accent,
            logo,
            sending,
        })
    }

    /// What another version of the settings changes, for the audit trail.
    pub fn changes_to(&self, other: &Self) -> serde_json::Value {
        let flat = |club: &Self| {
            [
                ("club name", club.name.clone()),
                ("sender name", club.sender.name.clone()),
                ("sender e-mail", club.sender.email.clone()),
                ("reply-to", club.sender.reply_to.clone()),
                ("postal address", club.postal_address.clone()),
                ("time zone", club.timezone.name().to_owned()),
                ("currency", club.currency.code().to_owned()),
                ("website", club.website.clone()),
                ("accent", club.accent.clone()),
                ("logo", club.logo.clone()),
                ("hold", format!("{} s", club.sending.hold_seconds)),
                (
                    "quiet hours",
                    written(
                        club.sending
                            .quiet_hours
                            .iter()
                            .map(|(on, hours)| format!("{} {}", on.label(), hours.words())),
                    ),
                ),
                (
                    "holidays",
                    written(club.sending.holidays.iter().map(|day| day.date.to_string())),
                ),
                (
                    "on holidays",
                    match club.sending.rest_on_holidays {
                        true => "nothing goes out".to_owned(),
                        false => "as on any day".to_owned(),
                    },
                ),
                (
                    "frequency caps",
                    written(
                        club.sending
                            .frequency_caps
                            .iter()
                            .map(|(on, cap)| format!("{} {}", on.label(), cap.words())),
                    ),
                ),
            ]
        };
        flat(self)
            .into_iter()
            .zip(flat(other))
            .filter(|((_, before), (_, after))| before != after)
            .map(|((name, before), (_, after))| (name.to_owned(), format!("{before} → {after}").into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Saves the changed settings.
    ///
    /// # Errors
    /// `Invalid` where the currency is another one though money was counted in the old one: sums
    /// would change their meaning.
    pub async fn change(&self, tx: &Tx, now: DateTime<Utc>) -> Result<serde_json::Value, AppError> {
        let before = Self::load(&**tx).await?;
        if before.currency != self.currency && is_money_counted(tx).await? {
            return Err(AppError::invalid(
                "currency",
                format!(
                    "Conversions were counted in {} already, so the currency stays.",
                    before.currency.code()
                ),
            ));
        }
        self.save(tx, now).await?;
        Ok(before.changes_to(self))
    }

    pub async fn save(&self, tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
        let value = serde_json::to_value(self).map_err(|error| DbErr::Custom(error.to_string()))?;
        settings::Entity::insert(settings::ActiveModel {
            name: Set(NAME.into()),
            value: Set(value),
            updated_at: Set(now.into()),
        })
        .on_conflict(
            sea_orm::sea_query::OnConflict::column(settings::Column::Name)
                .update_columns([settings::Column::Value, settings::Column::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
        Ok(())
    }
}

/// A list for the audit trail.
fn written(entries: impl Iterator<Item = String>) -> String {
    let entries: Vec<_> = entries.collect();
    match entries.is_empty() {
        true => "none".to_owned(),
        false => entries.join(", "),
    }
}

async fn is_money_counted(tx: &Tx) -> Result<bool, DbErr> {
    let found = run_counts::Entity::find()
        .filter(run_counts::Column::ConvertedValue.ne(0))
        .one(&**tx)
        .await?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clubs_settings_are_checked_field_by_field() {
        let refused = |change: fn(&mut Club)| {
            let mut club = Club::default();
            change(&mut club);
            club.checked().err().map(|errors| errors.0[0].field.clone())
        };
        assert_eq!(refused(|_| {}), None);
        for (field, change) in [
            ("clubName", (|club| club.name = " ".into()) as fn(&mut Club)),
            ("sender.name", |club| {
                club.sender.name = "A\nBcc: b@c.example".into()
            }),
            ("sender.email", |club| club.sender.email = "nobody".into()),
            ("sender.replyTo", |club| club.sender.reply_to = "a@b@c".into()),
            ("website", |club| club.website = "javascript:alert(1)".into()),
            ("accent", |club| club.accent = "red".into()),
            ("accent", |club| club.accent = "#ffff00".into()),
            ("logo", |club| club.logo = "javascript:alert(1)".into()),
            ("postalAddress", |club| club.postal_address = "a".repeat(501)),
        ] {
            assert_eq!(refused(change).as_deref(), Some(field));
        }
    }
}
