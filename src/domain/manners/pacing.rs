//! How one campaign goes out: by local time, spread over a while, past the cap.

use crate::domain::CampaignType;
use crate::domain::goal::parse_window;
use chrono::TimeDelta;
use serde_json::{Value, json};

/// The longest spread: a week.
pub const LONGEST_SPREAD: TimeDelta = TimeDelta::days(7);

/// A part of a campaign, and `delivery` in the JSON API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pacing {
    /// At the wall-clock time where each person is.
    pub local_time: bool,
    /// Over how many minutes it is spread; 0 for as fast as it goes.
    pub spread_minutes: i32,
    /// Also to those who had as much as the club allows.
    pub ignores_cap: bool,
}

impl Pacing {
    /// Reads `{localTime?, spreadOver?, ignoreFrequencyCap?}`; what is not named is off.
    ///
    /// # Errors
    /// Everything that is wrong, by the field's name.
    pub fn parse(json: &Value) -> Result<Self, Vec<(String, String)>> {
        let Value::Object(fields) = json else {
            let sentence = "This is an object such as {\"localTime\": true, \"spreadOver\": \"PT4H\"}.";
            return Err(vec![("delivery".into(), sentence.into())]);
        };
        let mut pacing = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in fields {
            let is_on = value.as_bool();
            match (name.as_str(), is_on, value) {
                (_, _, Value::Null) => {}
                ("localTime", Some(is_on), _) => pacing.local_time = is_on,
                ("ignoreFrequencyCap", Some(is_on), _) => pacing.ignores_cap = is_on,
                ("spreadOver", _, Value::String(text)) => match parse_spread(text) {
                    Ok(minutes) => pacing.spread_minutes = minutes,
                    Err(sentence) => wrong.push(("delivery.spreadOver".to_owned(), sentence)),
                },
                ("spreadOver", ..) => wrong.push(("delivery.spreadOver".to_owned(), SPREAD.to_owned())),
                ("localTime" | "ignoreFrequencyCap", ..) => {
                    wrong.push((format!("delivery.{name}"), "This is true or false.".to_owned()));
                }
                _ => wrong.push((
                    "delivery".to_owned(),
                    format!("This has localTime, spreadOver and ignoreFrequencyCap, and no “{name}”."),
                )),
            }
        }
        match wrong.is_empty() {
            true => Ok(pacing),
            false => Err(wrong),
        }
    }

    /// What is of no meaning to a campaign of this type, each with a sentence: where events and
    /// steps say when a message goes out, there is nothing to spread and no time to be local.
    pub fn refusals(self, kind: CampaignType) -> Vec<(&'static str, String)> {
        let mut refusals = Vec::new();
        if !kind.is_open_ended() {
            return refusals;
        }
        let when = match kind {
            CampaignType::Journey => "A journey’s messages go out when people come to their step",
            _ => "A triggered campaign’s messages go out when their event says",
        };
        if self.local_time {
            let text = format!("{when}, so there is no time that could be local.");
            refusals.push(("delivery.localTime", text));
        }
        if self.spread_minutes > 0 {
            refusals.push((
                "delivery.spreadOver",
                format!("{when}, so there is nothing to spread."),
            ));
        }
        refusals
    }

    /// What means something to a campaign of this type.
    pub fn kept_by(self, kind: CampaignType) -> Self {
        match kind.is_open_ended() {
            true => Self {
                ignores_cap: self.ignores_cap,
                ..Self::default()
            },
            false => self,
        }
    }

    /// What `parse` reads.
    pub fn to_json(self) -> Value {
        json!({
            "localTime": self.local_time,
            "spreadOver": (self.spread_minutes > 0).then(|| written(self.spread_minutes)),
            "ignoreFrequencyCap": self.ignores_cap,
        })
    }

    pub fn spread(self) -> TimeDelta {
        TimeDelta::minutes(self.spread_minutes.into())
    }
}

const SPREAD: &str = "Write over how long, such as PT4H or P1D, at most P7D.";

/// A spread in minutes, of an ISO 8601 duration; "" is none.
pub fn parse_spread(text: &str) -> Result<i32, String> {
    if text.trim().is_empty() {
        return Ok(0);
    }
    let span = parse_window(text).map_err(|_| SPREAD.to_owned())?;
    match span <= LONGEST_SPREAD {
        true => i32::try_from(span.num_minutes()).map_err(|_| SPREAD.to_owned()),
        false => Err(SPREAD.to_owned()),
    }
}

/// Minutes as an ISO 8601 duration.
pub fn written(minutes: i32) -> String {
    match (minutes % 1440, minutes % 60) {
        (0, _) => format!("P{}D", minutes / 1440),
        (_, 0) => format!("PT{}H", minutes / 60),
        _ => format!("PT{minutes}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_campaign_goes_out_survives_being_written_and_read() {
        for (local_time, spread_minutes, ignores_cap) in [
            (true, 240, false),
            (false, 0, true),
            (true, 1440, true),
            (false, 90, false),
        ] {
            let pacing = Pacing {
                local_time,
                spread_minutes,
                ignores_cap,
            };
            assert_eq!(Pacing::parse(&pacing.to_json()), Ok(pacing));
        }
        assert_eq!(Pacing::parse(&json!({})), Ok(Pacing::default()));
    }

    #[test]
    fn what_cannot_be_read_is_said_at_its_field() {
        for (json, field) in [
            (json!(true), "delivery"),
            (json!({"slowly": true}), "delivery"),
            (json!({"localTime": "yes"}), "delivery.localTime"),
            (json!({"spreadOver": "P8D"}), "delivery.spreadOver"),
            (json!({"spreadOver": 4}), "delivery.spreadOver"),
            (json!({"ignoreFrequencyCap": 1}), "delivery.ignoreFrequencyCap"),
        ] {
            assert_eq!(Pacing::parse(&json).unwrap_err()[0].0, field, "{json}");
        }
    }

    #[test]
    fn what_events_and_steps_time_is_neither_spread_nor_local() {
        let pacing = Pacing {
            local_time: true,
            spread_minutes: 60,
            ignores_cap: true,
        };
        for kind in [CampaignType::OneTime, CampaignType::Recurring] {
            assert!(pacing.refusals(kind).is_empty());
            assert_eq!(pacing.kept_by(kind), pacing);
        }
        for kind in [CampaignType::Triggered, CampaignType::Journey] {
            let fields: Vec<_> = pacing
                .refusals(kind)
                .into_iter()
                .map(|(field, _)| field)
                .collect();
            assert_eq!(fields, ["delivery.localTime", "delivery.spreadOver"]);
            let kept = pacing.kept_by(kind);
            assert_eq!(
                (kept.local_time, kept.spread_minutes, kept.ignores_cap),
                (false, 0, true)
            );
            assert!(kept.refusals(kind).is_empty());
        }
    }
}
