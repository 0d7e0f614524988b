//! What a repeated campaign fills itself from. Beside the form of the type, as `OutcomeForm` is.

use crate::campaigns::draft::Changes;
use crate::domain::feed::{Source, USUAL_DAYS, USUAL_ITEMS};
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;
use serde_json::{Value, json};

/// Read from the same body as the form of the type, beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FeedForm {
    /// Empty: no feed.
    #[serde(rename = "feed.url")]
    pub url: String,
    #[serde(rename = "feed.maxItems")]
    pub max_items: String,
    #[serde(rename = "feed.skipWhenEmpty")]
    pub skip_when_empty: bool,
    #[serde(rename = "feed.days")]
    pub days: String,
}

impl FeedForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let source = campaign.feed.as_ref().and_then(|json| Source::parse(json).ok());
        match source {
            Some(source) => Self {
                url: source.url,
                max_items: source.max_items.to_string(),
                skip_when_empty: source.skip_when_empty,
                days: source.days.to_string(),
            },
            None => Self {
                url: String::new(),
                max_items: USUAL_ITEMS.to_string(),
                skip_when_empty: true,
                days: USUAL_DAYS.to_string(),
            },
        }
    }

    /// The feed that was entered; `None` for none.
    pub fn parse(&self, errors: &mut FormErrors) -> Option<Source> {
        if self.url.trim().is_empty() {
            return None;
        }
        // What is no number is refused as the number that it is not.
        let number = |text: &str| match text.trim() {
            "" => Value::Null,
            text => text.parse::<i64>().map_or_else(|_| json!(text), Value::from),
        };
        let json = json!({
            "url": self.url,
            "maxItems": number(&self.max_items),
            "skipWhenEmpty": self.skip_when_empty,
            "days": number(&self.days),
        });
        match Source::parse(&json) {
            Ok(source) => Some(source),
            Err(wrong) => {
                for (field, sentence) in wrong {
                    errors.add(field, sentence);
                }
                None
            }
        }
    }

    /// Adds what the form changes.
    pub fn add_to(&self, changes: &mut Changes, errors: &mut FormErrors) {
        changes.feed = Some(self.parse(errors));
    }
}
