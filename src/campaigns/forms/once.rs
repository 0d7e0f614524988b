//! Step 4 of a campaign that is sent once: now, or a time in a zone.

use super::zone_of;
use crate::campaigns::checklist::zone;
use crate::campaigns::draft::{Changes, When};
use crate::domain::schedule;
use crate::entity::campaigns;
use crate::web::FormErrors;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// When it is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OnceForm {
    /// `now` or `later`; empty while nobody chose.
    pub when: String,
    pub date: String,
    pub time: String,
    pub timezone: String,
}

/// A wall-clock time as it was entered, and what it is.
pub struct Entered {
    pub at: DateTime<Utc>,
    /// What daylight saving does to it, in a sentence.
    pub explanation: Option<String>,
}

impl OnceForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let at = campaign
            .scheduled_at
            .map(|at| at.0.with_timezone(&zone(campaign)));
        Self {
            when: match (campaign.send_now, at) {
                (true, _) => "now".into(),
                (false, Some(_)) => "later".into(),
                (false, None) => String::new(),
            },
            date: at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default(),
            time: at.map(|at| at.format("%H:%M").to_string()).unwrap_or_default(),
            timezone: campaign.timezone.clone(),
        }
    }

    /// Where nobody chose, at once: what waits for events has no time of its own.
    pub fn or_now(mut self) -> Self {
        if self.when.is_empty() {
            self.when = "now".into();
        }
        self
    }

    pub fn is_now(&self) -> bool {
        self.when == "now"
    }

    pub fn is_later(&self) -> bool {
        self.when == "later"
    }

    /// The time that was entered, where it is one.
    pub fn entered(&self, now: DateTime<Utc>) -> Result<Entered, FormErrors> {
        let mut errors = FormErrors::default();
        let zone = zone_of(&self.timezone, &mut errors);
        let local = schedule::parse_entry(&self.date, &self.time);
        if let Err(error) = local {
            let field = match error {
                schedule::EntryError::Date => "date",
                schedule::EntryError::Time => "time",
            };
            errors.add(field, error.sentence());
        }
        match (zone, local) {
            (Some(zone), Ok(local)) => {
                let resolved = schedule::resolve(local, zone);
                match schedule::refusal(resolved.instant(), now, zone) {
                    Some(refusal) => Err(FormErrors::one("scheduledAt", refusal)),
                    None => Ok(Entered {
                        at: resolved.instant(),
                        explanation: resolved.explanation(local, zone),
                    }),
                }
            }
            _ => Err(errors),
        }
    }

    /// What the form changes. Everything that is wrong goes into `errors`.
    pub fn parse(&self, now: DateTime<Utc>, errors: &mut FormErrors) -> Changes {
        let timezone = zone_of(&self.timezone, errors);
        let when = match self.when.as_str() {
            "now" => Some(When::Now),
            "later" => match self.entered(now) {
                Ok(entered) => Some(When::At(entered.at)),
                Err(others) => {
                    let others = others.0.into_iter().filter(|error| error.field != "timezone");
                    errors.0.extend(others);
                    None
                }
            },
            _ => {
                errors.add("scheduledAt", "Choose when it is sent.");
                None
            }
        };
        Changes {
            when,
            timezone,
            ..Changes::default()
        }
    }
}
