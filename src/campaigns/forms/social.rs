//! What is posted, on the content step: one text, the media's addresses, the platforms, and a text
//! of its own for a platform that needs one.

use crate::campaigns::draft::Content;
use crate::campaigns::input::{self, SocialInput};
use crate::domain::social::Draft;
use crate::domain::{Channel, Platform};
use crate::web::FormErrors;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Read from the same body as the content's form, beside it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SocialForm {
    #[serde(rename = "social.content")]
    pub content: String,
    /// An address a line.
    #[serde(rename = "social.mediaUrls")]
    pub media: String,
    #[serde(rename = "social.platforms")]
    pub platforms: Vec<String>,
    #[serde(rename = "social.overrides.FACEBOOK")]
    facebook: String,
    #[serde(rename = "social.overrides.INSTAGRAM")]
    instagram: String,
    #[serde(rename = "social.overrides.LINKEDIN")]
    linkedin: String,
    #[serde(rename = "social.overrides.X")]
    x: String,
    #[serde(rename = "social.overrides.MASTODON")]
    mastodon: String,
    #[serde(rename = "social.overrides.BLUESKY")]
    bluesky: String,
}

impl SocialForm {
    /// `platforms` is where it goes as things are: those that its content names, or its channels.
    pub fn of(contents: &BTreeMap<Channel, Content>, platforms: &[Platform]) -> Self {
        let draft = crate::campaigns::social::draft(contents).unwrap_or_default();
        let own = |platform| draft.overrides.get(&platform).cloned().unwrap_or_default();
        Self {
            media: draft.media.join("\n"),
            platforms: platforms.iter().map(|word| word.as_str().to_owned()).collect(),
            facebook: own(Platform::Facebook),
            instagram: own(Platform::Instagram),
            linkedin: own(Platform::LinkedIn),
            x: own(Platform::X),
            mastodon: own(Platform::Mastodon),
            bluesky: own(Platform::Bluesky),
            content: draft.content,
        }
    }

    /// A platform's text of its own; empty where it has none.
    pub fn own(&self, platform: &Platform) -> &str {
        match platform {
            Platform::Facebook => &self.facebook,
            Platform::Instagram => &self.instagram,
            Platform::LinkedIn => &self.linkedin,
            Platform::X => &self.x,
            Platform::Mastodon => &self.mastodon,
            Platform::Bluesky => &self.bluesky,
        }
    }

    pub fn is_on(&self, platform: &Platform) -> bool {
        self.platforms.iter().any(|word| word == platform.as_str())
    }

    /// Whether any platform has a text of its own.
    pub fn has_own(&self) -> bool {
        Platform::ALL
            .iter()
            .any(|platform| !self.own(platform).trim().is_empty())
    }

    fn input(&self) -> SocialInput {
        let own = Platform::ALL.iter().filter_map(|platform| {
            let text = self.own(platform).trim();
            (!text.is_empty()).then(|| (platform.as_str().to_owned(), text.to_owned()))
        });
        SocialInput {
            content: self.content.clone(),
            media_urls: self.media.split_whitespace().map(str::to_owned).collect(),
            platforms: self.platforms.clone(),
            overrides: own.collect(),
        }
    }

    /// The same as the JSON API takes it, with the same words for what is wrong.
    pub fn parse(&self, errors: &mut FormErrors) -> Content {
        if self.platforms.is_empty() {
            errors.add("social.platforms", "Choose at least one platform.");
        }
        Content::Inline(input::post(errors, &self.input()))
    }

    /// As far as it was typed, for the preview.
    pub fn draft(&self) -> Draft {
        Draft::of(&input::post(&mut FormErrors::default(), &self.input()))
    }
}
