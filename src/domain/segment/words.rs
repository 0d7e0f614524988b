//! A rule in words, for pages: `handicap is less than 18 and subscribed to e-mail`.

use super::json::plain;
use super::{Condition, Engagement, Field, Op, Operand, Rule, TextField};
use crate::domain::Channel;
use std::collections::BTreeMap;

/// What attributes and topics are called. One without a label is called by its name.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    pub attributes: BTreeMap<String, String>,
    pub topics: BTreeMap<String, String>,
    /// Names of segments by key, and of campaigns by id.
    pub segments: BTreeMap<String, String>,
    pub campaigns: BTreeMap<String, String>,
}

impl Rule {
    /// The rule as a sentence without its full stop.
    pub fn describe(&self, labels: &Labels) -> String {
        let join = |rules: &[Self], word: &str| {
            let parts: Vec<_> = rules.iter().map(|rule| rule.inner(labels)).collect();
            parts.join(word)
        };
        match self {
            Self::All(rules) if rules.is_empty() => "everyone".into(),
            Self::Any(rules) if rules.is_empty() => "nobody".into(),
            Self::None(rules) if rules.is_empty() => "everyone".into(),
            Self::All(rules) => join(rules, " and "),
            Self::Any(rules) => join(rules, " or "),
            Self::None(rules) => format!("not ({})", join(rules, " or ")),
            Self::Condition(condition) => condition.describe(labels),
        }
    }

    /// The same inside another rule: several joined by a word stand in brackets.
    fn inner(&self, labels: &Labels) -> String {
        let text = self.describe(labels);
        match self {
            Self::All(rules) | Self::Any(rules) if rules.len() > 1 => format!("({text})"),
            _ => text,
        }
    }
}

impl Field {
    /// What staff call the field, in lower case where it is no name.
    pub fn label(&self, labels: &Labels) -> String {
        let known = |names: &BTreeMap<String, String>, name: &String| {
            names
                .get(name)
                .filter(|label| !label.is_empty())
                .unwrap_or(name)
                .clone()
        };
        match self {
            Self::Text(TextField::Key) => "member key".into(),
            Self::Text(TextField::Email) => "e-mail address".into(),
            Self::Text(TextField::Phone) => "phone number".into(),
            Self::Text(TextField::FirstName) => "first name".into(),
            Self::Text(TextField::LastName) => "last name".into(),
            Self::Text(TextField::Timezone) => "time zone".into(),
            Self::Text(TextField::Locale) => "language".into(),
            Self::Tags => "tags".into(),
            Self::Attribute(name) => known(&labels.attributes, name),
            Self::Consent(channel) => format!("consent to {}", channel_in_words(*channel)),
            Self::Topic(key) => format!("topic “{}”", known(&labels.topics, key)),
            Self::Engagement(what) => format!("last {what}"),
            Self::Segment => "segment".into(),
            Self::Campaign(what) => format!("campaign {what}"),
            Self::CreatedAt => "joined".into(),
            Self::UpdatedAt => "last changed".into(),
        }
    }
}

const fn channel_in_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Social => "social posts",
        other => other.label(),
    }
}

impl Condition {
    fn describe(&self, labels: &Labels) -> String {
        let subject = self.field.label(labels);
        match &self.field {
            Field::Tags => self.tags_in_words(),
            Field::Consent(channel) => self.consent_in_words(channel_in_words(*channel)),
            Field::Topic(_) => self.consent_in_words(&subject),
            Field::Engagement(what) => self.engagement_in_words(*what),
            Field::Segment => {
                let is = if self.op == Op::In { "is in" } else { "is not in" };
                format!("{is} {}", self.named(&labels.segments))
            }
            Field::Campaign(what) => self.campaign_in_words(*what, &self.named(&labels.campaigns)),
            Field::CreatedAt | Field::UpdatedAt => format!("{subject} {}", self.when()),
            Field::Text(_) | Field::Attribute(_) => format!("{subject} {}", self.compared()),
        }
    }

    fn tags_in_words(&self) -> String {
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(true)) => "has a tag".into(),
            (Op::Exists, _) => "has no tag".into(),
            (Op::Ne, value) => format!("is not tagged {}", value.words()),
            (_, value) => format!("is tagged {}", value.words()),
        }
    }

    fn consent_in_words(&self, to: &str) -> String {
        let said = |word: &str| match word {
            "SUBSCRIBED" => format!("subscribed to {to}"),
            "UNSUBSCRIBED" => format!("unsubscribed from {to}"),
            _ => format!("never asked about {to}"),
        };
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(true)) => format!("asked about {to}"),
            (Op::Exists, _) => said("NONE"),
            (Op::Ne, Operand::Text(word)) => format!("not {}", said(word)),
            (_, Operand::Text(word)) => said(word),
            (_, Operand::Texts(any)) => {
                let any: Vec<_> = any.iter().map(|word| said(word)).collect();
                any.join(" or ")
            }
            _ => said(""),
        }
    }

    fn engagement_in_words(&self, what: Engagement) -> String {
        let (did, ever) = match what {
            Engagement::Sent => ("was sent a message", "was ever sent a message"),
            Engagement::Received => ("received a message", "ever received a message"),
            Engagement::Opened => ("opened a message", "ever opened a message"),
            Engagement::Clicked => ("clicked a link", "ever clicked a link"),
            Engagement::Converted => ("converted", "ever converted"),
        };
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(true)) => ever.to_owned(),
            (Op::Exists, _) => match what {
                Engagement::Sent => "was never sent a message".into(),
                Engagement::Received => "never received a message".into(),
                Engagement::Opened => "never opened a message".into(),
                Engagement::Clicked => "never clicked a link".into(),
                Engagement::Converted => "never converted".into(),
            },
            (Op::Before, _) => format!("last {did} {}", self.when()),
            _ => format!("{did} {}", self.when()),
        }
    }

    /// What it names, in quotation marks.
    fn named(&self, names: &BTreeMap<String, String>) -> String {
        let texts = self.value.texts();
        any_of(texts.into_iter().map(|text| {
            let name = names.get(text).map_or(text, String::as_str);
            format!("“{name}”")
        }))
    }

    fn campaign_in_words(&self, what: Engagement, named: &str) -> String {
        let (did, did_not) = match what {
            Engagement::Sent => ("was sent", "was not sent"),
            Engagement::Received => ("received", "did not receive"),
            Engagement::Opened => ("opened", "did not open"),
            Engagement::Clicked => ("clicked in", "did not click in"),
            Engagement::Converted => ("converted in", "did not convert in"),
        };
        format!("{} {named}", if self.op == Op::In { did } else { did_not })
    }

    /// `in the last 30 days`, `before 1 Mar 2026`.
    fn when(&self) -> String {
        let word = match self.op {
            Op::WithinLast => "in the last",
            Op::Before | Op::Lt => "before",
            Op::After | Op::Gt => "after",
            Op::Lte => "on or before",
            Op::Gte => "on or after",
            _ => "on",
        };
        format!("{word} {}", self.value.words())
    }

    fn compared(&self) -> String {
        let value = self.value.words();
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(true)) => "is known".into(),
            (Op::Exists, _) => "is not known".into(),
            (Op::Eq, Operand::Flag(flag)) | (Op::Ne, Operand::Flag(flag)) => {
                match (self.op == Op::Eq, *flag) {
                    (true, flag) => format!("is {}", yes_or_no(flag)),
                    (false, flag) => format!("is not {}", yes_or_no(flag)),
                }
            }
            (Op::WithinLast, _) | (_, Operand::Date(_)) => format!("is {}", self.when()),
            (Op::Ne, _) => format!("is not {value}"),
            (Op::Lt, _) => format!("is less than {value}"),
            (Op::Lte, _) => format!("is at most {value}"),
            (Op::Gt, _) => format!("is more than {value}"),
            (Op::Gte, _) => format!("is at least {value}"),
            (Op::Contains, _) => format!("contains {value}"),
            (Op::StartsWith, _) => format!("starts with {value}"),
            _ => format!("is {value}"),
        }
    }
}

const fn yes_or_no(flag: bool) -> &'static str {
    match flag {
        true => "yes",
        false => "no",
    }
}

/// How many values of a list are written out.
const SHOWN: usize = 5;

impl Operand {
    fn words(&self) -> String {
        match self {
            Self::Flag(flag) => yes_or_no(*flag).into(),
            Self::Number(number) => plain(*number).to_string(),
            Self::Text(text) => format!("“{text}”"),
            Self::Numbers(list) => any_of(list.iter().map(|number| plain(*number).to_string())),
            Self::Texts(list) => any_of(list.iter().map(|text| format!("“{text}”"))),
            Self::Date(date) => date.format("%-d %b %Y").to_string(),
            Self::Instant(at) => at.format("%-d %b %Y, %H:%M (UTC)").to_string(),
            Self::Ago(ago) => ago.words(),
        }
    }
}

fn any_of(values: impl ExactSizeIterator<Item = String>) -> String {
    let more = values.len().saturating_sub(SHOWN);
    let shown: Vec<_> = values.take(SHOWN).collect();
    match more {
        0 => shown.join(" or "),
        more => format!("{} or one of {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let labels = Labels {
            attributes: [("home_course".to_owned(), "home course".to_owned())].into(),
            topics: [("newsletter".to_owned(), "Newsletter".to_owned())].into(),
            segments: [("vips".to_owned(), "Our VIPs".to_owned())].into(),
            campaigns: [("7".to_owned(), "Spring Open".to_owned())].into(),
        };
        for (rule, words) in [
            (
                json!({"all": [
                    {"field": "attributes.handicap", "op": "lt", "value": 18},
                    {"field": "consents.EMAIL", "op": "eq", "value": "SUBSCRIBED"},
                ]}),
                "handicap is less than 18 and subscribed to e-mail",
            ),
            (
                json!({"any": [
                    {"field": "tags", "op": "has", "value": "vip"},
                    {"all": [
                        {"field": "attributes.home_course", "op": "in", "value": ["Links", "Park"]},
                        {"none": [{"field": "engagement.opened", "op": "within_last", "value": "P90D"}]},
                    ]},
                ]}),
                "is tagged “vip” or (home course is “Links” or “Park” and not (opened a message in the last 90 days))",
            ),
            (json!({"all": []}), "everyone"),
            (json!({"any": []}), "nobody"),
            (
                json!({"field": "createdAt", "op": "within_last", "value": {"n": 1, "unit": "month"}}),
                "joined in the last month",
            ),
            (
                json!({"field": "topics.newsletter", "op": "ne", "value": "UNSUBSCRIBED"}),
                "not unsubscribed from topic “Newsletter”",
            ),
            (
                json!({"field": "attributes.paid", "op": "eq", "value": true}),
                "paid is yes",
            ),
            (
                json!({"field": "attributes.renewal", "op": "before", "value": "2026-03-01"}),
                "renewal is before 1 Mar 2026",
            ),
            (
                json!({"field": "attributes.n", "op": "in", "value": [1, 2.5, 3, 4, 5, 6, 7]}),
                "n is 1, 2.5, 3, 4, 5 or one of 2 more",
            ),
            (
                json!({"field": "engagement.clicked", "op": "exists", "value": false}),
                "never clicked a link",
            ),
            (json!({"field": "phone", "op": "exists"}), "phone number is known"),
            (
                json!({"field": "segment", "op": "not_in", "value": ["vips", "x"]}),
                "is not in “Our VIPs” or “x”",
            ),
            (
                json!({"field": "campaign.opened", "op": "ne", "value": 7}),
                "did not open “Spring Open”",
            ),
        ] {
            assert_eq!(Rule::parse(&rule).unwrap().describe(&labels), words);
        }
    }
}
