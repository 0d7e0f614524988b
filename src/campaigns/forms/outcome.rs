//! What step 4 asks of every type of campaign: what counts as success, and what happens in doubt.

use super::conditions::Conditions;
use crate::campaigns::draft::Changes;
use crate::domain::InDoubt;
use crate::domain::condition::Scope;
use crate::domain::goal::{After, Goal, check_event, check_property, parse_window};
use crate::entity::campaigns;
use crate::web::forms::read;
use crate::web::{FormErrors, Result};
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
    /// `click` or `open`.
    #[serde(rename = "goal.after")]
    pub goal_after: String,
    /// The property with the amount; empty where no money is counted.
    #[serde(rename = "goal.value")]
    pub goal_value: String,
    #[serde(skip)]
    conditions: Option<Conditions>,
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
            goal_after: goal
                .as_ref()
                .map(|goal| goal.after)
                .unwrap_or_default()
                .as_str()
                .into(),
            goal_value: goal
                .as_ref()
                .and_then(|goal| goal.value.clone())
                .unwrap_or_default(),
            conditions: goal
                .as_ref()
                .map(|goal| Conditions::of_json(goal.condition.as_ref(), Scope::Event)),
            goal_event: goal.map(|goal| goal.event).unwrap_or_default(),
            in_doubt: campaign.in_doubt.as_str().into(),
            revision: campaign.revision,
        }
    }

    /// As it comes in. A nested condition of the campaign's goal, which came through the API, may
    /// stay.
    pub fn read(body: &[u8], campaign: &campaigns::Model) -> Result<Self> {
        let mut form: Self = read(body)?;
        let goal = campaign.goal.as_ref();
        let before = goal.map(|goal| &goal["where"]).filter(|rule| rule.is_object());
        form.conditions = Some(Conditions::read(body, "goal.where", before, Scope::Event)?);
        Ok(form)
    }

    /// The rows of the goal's conditions.
    pub fn conditions(&self) -> Conditions {
        let none = || Conditions::none(Scope::Event);
        self.conditions.clone().unwrap_or_else(none)
    }

    pub fn is_after_open(&self) -> bool {
        self.goal_after == After::Open.as_str()
    }

    pub fn is_retry(&self) -> bool {
        self.in_doubt == InDoubt::Retry.as_str()
    }

    pub fn is_leave(&self) -> bool {
        self.in_doubt == InDoubt::Leave.as_str()
    }

    /// Adds what the form changes. Everything that is wrong goes into `errors`.
    pub fn add_to(&self, changes: &mut Changes, errors: &mut FormErrors) {
        changes.goal = Some(self.goal(errors));
        changes.in_doubt = self.in_doubt.parse::<InDoubt>().ok();
        if changes.in_doubt.is_none() {
            errors.add("inDoubt", "Choose one.");
        }
    }

    fn goal(&self, errors: &mut FormErrors) -> Option<Goal> {
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
        let after = match self.goal_after.as_str() {
            "" => Ok(After::default()),
            word => word.parse::<After>(),
        };
        if let Err(sentence) = &after {
            errors.add("goal.after", sentence.clone());
        }
        let value = Some(self.goal_value.trim()).filter(|name| !name.is_empty());
        if let Some(Err(sentence)) = value.map(check_property) {
            errors.add("goal.value", sentence);
        }
        let condition = self.conditions().parse();
        if let Err(sentence) = &condition {
            errors.add("goal.where", sentence.clone());
        }
        Some(Goal {
            event: event.to_owned(),
            condition: condition.ok()?,
            window: window.ok()?,
            after: after.ok()?,
            value: value.map(str::to_owned),
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
