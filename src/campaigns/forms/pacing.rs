//! How it goes out: by local time, spread over a while, past the club's cap. Beside the form of
//! the type, as `OutcomeForm` is.

use crate::campaigns::draft::{self, Changes};
use crate::domain::manners::Pacing;
use crate::domain::manners::pacing::{parse_spread, written};
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;

/// Read from the same body as the form of the type, beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PacingForm {
    #[serde(rename = "delivery.localTime")]
    pub local_time: bool,
    /// An ISO 8601 duration; empty for as fast as it goes.
    #[serde(rename = "delivery.spreadOver")]
    pub spread: String,
    #[serde(rename = "delivery.ignoreFrequencyCap")]
    pub ignores_cap: bool,
}

impl PacingForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let pacing = draft::pacing(campaign);
        Self {
            local_time: pacing.local_time,
            spread: match pacing.spread_minutes {
                0 => String::new(),
                minutes => written(minutes),
            },
            ignores_cap: pacing.ignores_cap,
        }
    }

    /// Adds what the form changes.
    pub fn add_to(&self, changes: &mut Changes, errors: &mut FormErrors) {
        let spread_minutes = parse_spread(&self.spread).unwrap_or_else(|sentence| {
            errors.add("delivery.spreadOver", sentence);
            0
        });
        changes.pacing = Some(Pacing {
            local_time: self.local_time,
            spread_minutes,
            ignores_cap: self.ignores_cap,
        });
    }

    /// The spreads that the form offers, and the one that is chosen.
    pub fn spreads(&self) -> Vec<(String, String)> {
        let mut spreads: Vec<_> = [
            ("", "As fast as the mail server takes it"),
            ("PT1H", "Evenly over an hour"),
            ("PT2H", "Evenly over 2 hours"),
            ("PT4H", "Evenly over 4 hours"),
            ("PT8H", "Evenly over 8 hours"),
            ("P1D", "Evenly over a day"),
            ("P3D", "Evenly over 3 days"),
            ("P7D", "Evenly over a week"),
        ]
        .into_iter()
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .collect();
        if !spreads.iter().any(|(value, _)| *value == self.spread) {
            spreads.push((self.spread.clone(), format!("Evenly over {}", self.spread)));
        }
        spreads
    }
}
