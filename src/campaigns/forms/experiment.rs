//! A/B on the content step: what is tried beside what stands above, on how many, and how the
//! winner is chosen.

use crate::campaigns::draft::Changes;
use crate::campaigns::winner;
use crate::domain::experiment::{Experiment, VARIANTS, Variant, letter};
use crate::domain::manners::pacing::written;
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;
use serde_json::{Value, json};

/// Read from the same body as the content's form, beside it. Lists have an entry for each of A to
/// E; what is empty is as the campaign says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExperimentForm {
    #[serde(rename = "try")]
    pub is_on: bool,
    #[serde(rename = "variant.subject")]
    pub subject: Vec<String>,
    #[serde(rename = "variant.senderName")]
    pub sender_name: Vec<String>,
    /// A template's id.
    #[serde(rename = "variant.templateId")]
    pub template: Vec<String>,
    #[serde(rename = "variant.delay")]
    pub delay: Vec<String>,
    pub share: String,
    #[serde(rename = "winner.by")]
    pub by: String,
    #[serde(rename = "winner.after")]
    pub after: String,
}

/// One variant as it was typed.
pub struct Row {
    pub index: usize,
    pub letter: String,
    pub subject: String,
    pub sender_name: String,
    pub template: String,
    pub delay: String,
}

impl Row {
    fn is_empty(&self) -> bool {
        let texts = [&self.subject, &self.sender_name, &self.template, &self.delay];
        texts.iter().all(|text| text.trim().is_empty())
    }

    pub fn has_template(&self, id: &i64) -> bool {
        self.template == id.to_string()
    }

    /// Where what is wrong with it stands.
    pub fn error<'a>(&self, errors: &'a FormErrors) -> Option<&'a str> {
        let field = format!("experiment.variants.{}", self.index);
        let found = errors.0.iter().find(|error| {
            let rest = error.field.strip_prefix(&field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        found.map(|error| error.message.as_str())
    }
}

impl ExperimentForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let experiment = winner::experiment(campaign);
        let text = |of: fn(&Variant) -> String| {
            let variants = experiment.as_ref().map(|experiment| &experiment.variants[..]);
            variants.unwrap_or_default().iter().map(of).collect()
        };
        let json = experiment.as_ref().map(Experiment::to_json).unwrap_or_default();
        let winner = |name: &str, usual: &str| {
            let said = json["winner"][name].as_str();
            said.unwrap_or(usual).to_owned()
        };
        Self {
            is_on: experiment.is_some(),
            subject: text(|variant| variant.subject.clone().unwrap_or_default()),
            sender_name: text(|variant| variant.sender_name.clone().unwrap_or_default()),
            template: text(|variant| variant.template.map(|id| id.to_string()).unwrap_or_default()),
            delay: text(|variant| match i32::try_from(variant.delay.num_minutes()) {
                Ok(0) | Err(_) => String::new(),
                Ok(minutes) => written(minutes),
            }),
            share: experiment
                .as_ref()
                .map_or(20, |experiment| experiment.share)
                .to_string(),
            by: winner("by", "OPEN"),
            after: winner("after", "PT4H"),
        }
    }

    pub fn rows(&self) -> Vec<Row> {
        let text = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
        (0..*VARIANTS.end())
            .map(|index| Row {
                index,
                letter: letter(i32::try_from(index).unwrap_or_default() + 1),
                subject: text(&self.subject, index),
                sender_name: text(&self.sender_name, index),
                template: text(&self.template, index),
                delay: text(&self.delay, index),
            })
            .collect()
    }

    /// Adds what the form changes. Rows at the end that say nothing are left out.
    pub fn add_to(&self, changes: &mut Changes, errors: &mut FormErrors) {
        changes.experiment = Some(None);
        if !self.is_on {
            return;
        }
        let rows = self.rows();
        let used = rows
            .iter()
            .rposition(|row| !row.is_empty())
            .map_or(0, |last| last + 1);
        let variants: Vec<Value> = rows.iter().take(used).map(variant).collect();
        let mut winner = json!({ "by": self.by });
        if self.by != "MANUAL" {
            winner["after"] = json!(self.after);
        }
        let json = json!({
            "variants": variants,
            "share": self.share.trim().parse::<u32>().ok().map_or(json!(self.share), |share| json!(share)),
            "winner": winner,
        });
        match Experiment::parse(&json) {
            Ok(experiment) => changes.experiment = Some(Some(experiment)),
            Err(wrong) => {
                for (field, sentence) in wrong {
                    errors.add(&field, sentence);
                }
            }
        }
    }

    pub fn shares(&self) -> Vec<(String, String)> {
        let usual = ["10", "20", "30", "50", "100"].map(|share| {
            let label = match share {
                "100" => "everybody; nobody waits for a winner".to_owned(),
                share => format!("{share} % of the audience"),
            };
            (share.to_owned(), label)
        });
        with(usual.to_vec(), &self.share, |share| {
            format!("{share} % of the audience")
        })
    }

    pub fn metrics(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("OPEN", "the most opens"),
            ("CLICK", "the most clicks"),
            ("CONVERSION", "the most conversions"),
            ("MANUAL", "my choice"),
        ]
    }

    pub fn waits(&self) -> Vec<(String, String)> {
        let usual = [
            ("PT1H", "an hour"),
            ("PT2H", "2 hours"),
            ("PT4H", "4 hours"),
            ("PT8H", "8 hours"),
            ("P1D", "a day"),
            ("P2D", "2 days"),
        ];
        let usual = usual.map(|(value, label)| (value.to_owned(), label.to_owned()));
        with(usual.to_vec(), &self.after, str::to_owned)
    }

    pub fn delays(&self, row: &Row) -> Vec<(String, String)> {
        let usual = [
            ("", "With the campaign"),
            ("PT1H", "An hour later"),
            ("PT2H", "2 hours later"),
            ("PT4H", "4 hours later"),
            ("PT8H", "8 hours later"),
            ("P1D", "A day later"),
        ];
        let usual = usual.map(|(value, label)| (value.to_owned(), label.to_owned()));
        with(usual.to_vec(), &row.delay, |delay| format!("{delay} later"))
    }
}

/// The choices, and the one that was made elsewhere.
fn with(
    mut choices: Vec<(String, String)>,
    chosen: &str,
    label: impl Fn(&str) -> String,
) -> Vec<(String, String)> {
    if !chosen.is_empty() && !choices.iter().any(|(value, _)| value == chosen) {
        choices.push((chosen.to_owned(), label(chosen)));
    }
    choices
}

fn variant(row: &Row) -> Value {
    let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    json!({
        "subject": text(&row.subject),
        "senderName": text(&row.sender_name),
        "templateId": text(&row.template).and_then(|id| id.parse::<i64>().ok()),
        "delay": text(&row.delay),
    })
}
