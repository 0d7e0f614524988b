//! What step 4 asks of every type of campaign: what counts as success, and what happens in doubt.

use crate::campaigns::draft::Changes;
use crate::domain::InDoubt;
use crate::domain::goal::{Goal, check_event, parse_window};
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;

/// Read from the same body as the form of the type, beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OutcomeForm {
    #[serde(rename = "goal.event")]
    pub goal_event: String,
    /// An ISO 8601 duration.
    #[serde(rename = "goal.window")]
    pub goal_window: String,
    #[serde(rename = "inDoubt")]
    pub in_doubt: String,
    pub revision: i64,
}

impl OutcomeForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let goal = campaign.goal.as_ref().and_then(|json| Goal::parse(json).ok());
        Self {
            goal_window: goal
                .as_ref()
                .map_or_else(|| "P7D".into(), |goal| written(goal, "window")),
            goal_event: goal.map(|goal| goal.event).unwrap_or_default(),
            in_doubt: campaign.in_doubt.as_str().into(),
            revision: campaign.revision,
        }
    }

    pub fn is_retry(&self) -> bool {
        self.in_doubt == InDoubt::Retry.as_str()
    }

    pub fn is_leave(&self) -> bool {
        self.in_doubt == InDoubt::Leave.as_str()
    }

    /// Adds what the form changes. Everything that is wrong goes into `errors`. `before` is the
    /// campaign as it is: a condition of its goal that came through the API stays.
    pub fn add_to(&self, changes: &mut Changes, before: &campaigns::Model, errors: &mut FormErrors) {
        changes.goal = Some(self.goal(before, errors));
        changes.in_doubt = self.in_doubt.parse::<InDoubt>().ok();
        if changes.in_doubt.is_none() {
            errors.add("inDoubt", "Choose one.");
        }
    }

    fn goal(&self, before: &campaigns::Model, errors: &mut FormErrors) -> Option<Goal> {
        let event = self.goal_event.trim();
        if event.is_empty() {
            return None;
        }
        if let Err(sentence) = check_event(event) {
            errors.add("goal.event", sentence);
        }
        let window = parse_window(&self.goal_window);
        if let Err(sentence) = &window {
            errors.add("goal.window", sentence.clone());
        }
        let kept = before.goal.as_ref().and_then(|json| Goal::parse(json).ok());
        let kept = kept.filter(|goal| goal.event == event);
        Some(Goal {
            event: event.to_owned(),
            after: kept.as_ref().map(|goal| goal.after).unwrap_or_default(),
            value: kept.as_ref().and_then(|goal| goal.value.clone()),
            condition: kept.and_then(|goal| goal.condition),
            window: window.ok()?,
        })
    }

    /// The windows that the form offers, and the one that is chosen.
    pub fn windows(&self) -> Vec<(String, String)> {
        let mut windows: Vec<_> = [
            ("PT1H", "an hour"),
            ("P1D", "a day"),
            ("P3D", "3 days"),
            ("P7D", "a week"),
            ("P14D", "2 weeks"),
            ("P30D", "30 days"),
            ("P90D", "90 days"),
        ]
        .into_iter()
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .collect();
        if !self.goal_window.is_empty() && !windows.iter().any(|(value, _)| *value == self.goal_window) {
            windows.push((self.goal_window.clone(), self.goal_window.clone()));
        }
        windows
    }
}

fn written(goal: &Goal, field: &str) -> String {
    goal.to_json()[field].as_str().unwrap_or_default().to_owned()
}
