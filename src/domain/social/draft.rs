//! What a campaign says on social platforms, as it is kept and as the JSON API has it.

use crate::domain::Platform;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `{content, mediaUrls, platforms, overrides?}`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The text, with places for the club's and the campaign's own values.
    pub content: String,
    /// Addresses of pictures and films, in their order.
    pub media: Vec<String>,
    /// Where it goes; empty: to the platforms that are named among the campaign's channels.
    pub platforms: Vec<Platform>,
    /// What is said on one platform in the place of the text.
    pub overrides: BTreeMap<Platform, String>,
}

impl Draft {
    /// Reads what was kept. What cannot be read is left out: it was written from a draft.
    pub fn of(json: &Value) -> Self {
        let texts = |name: &str| {
            let list = json[name].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter()
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let overrides = json["overrides"].as_object().into_iter().flatten();
        Self {
            content: json["content"].as_str().unwrap_or_default().to_owned(),
            media: texts("mediaUrls"),
            platforms: texts("platforms")
                .iter()
                .filter_map(|word| word.parse().ok())
                .collect(),
            overrides: overrides
                .filter_map(|(word, text)| Some((word.parse().ok()?, text.as_str()?.to_owned())))
                .collect(),
        }
    }

    /// As it is kept, and answered. Without overrides it has the document's three fields alone.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "content": self.content,
            "mediaUrls": self.media,
            "platforms": self.platforms,
        });
        if !self.overrides.is_empty() {
            let own: Map<String, Value> = self
                .overrides
                .iter()
                .map(|(platform, text)| (platform.as_str().to_owned(), json!(text)))
                .collect();
            json["overrides"] = Value::Object(own);
        }
        json
    }

    /// What is said on a platform.
    pub fn text(&self, platform: Platform) -> &str {
        match self.overrides.get(&platform) {
            Some(own) => own,
            None => &self.content,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.media.is_empty() && self.overrides.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_given() {
        let plain = json!({ "content": "Join us", "mediaUrls": ["https://..."], "platforms": ["FACEBOOK", "INSTAGRAM"] });
        assert_eq!(Draft::of(&plain).to_json(), plain);
        let own = json!({ "content": "Join us", "mediaUrls": [], "platforms": ["X"], "overrides": { "X": "Come" } });
        let draft = Draft::of(&own);
        assert_eq!(draft.to_json(), own);
        assert_eq!(
            (draft.text(Platform::X), draft.text(Platform::Bluesky)),
            ("Come", "Join us")
        );
        assert_eq!(Draft::of(&Value::Null), Draft::default());
    }
}
