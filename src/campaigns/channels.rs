//! A campaign's channels as they were asked for. They are kept word for word, a platform's name
//! (`FACEBOOK`) too, which means `SOCIAL` there; what is not ready yet is kept and not sent.

use crate::domain::{Channel, Platform};
use crate::entity::campaigns;
use serde_json::{Value, json};

/// One word of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Channel(Channel),
    /// `SOCIAL`, on this platform.
    Platform(Platform),
}

impl Word {
    pub fn parse(text: &str) -> Option<Self> {
        let channel = text.parse().map(Self::Channel).ok();
        channel.or_else(|| text.parse().map(Self::Platform).ok())
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channel(channel) => channel.as_str(),
            Self::Platform(platform) => platform.as_str(),
        }
    }

    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Channel(channel) => channel.label(),
            Self::Platform(platform) => platform.label(),
        }
    }

    /// The channel that carries it.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Channel(channel) => channel,
            Self::Platform(_) => Channel::Social,
        }
    }
}

/// A campaign's channels in the order in which they were given, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<Word>);

impl Words {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let words = campaign
            .channels
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        words
            .iter()
            .filter_map(|word| Word::parse(word.as_str()?))
            .collect()
    }

    pub fn to_json(&self) -> Value {
        json!(self.0.iter().map(|word| word.as_str()).collect::<Vec<_>>())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Word> {
        self.0.iter().copied()
    }

    /// Whether a channel is among them, by its own name or a platform's.
    pub fn has(&self, channel: &Channel) -> bool {
        self.iter().any(|word| word.channel() == *channel)
    }

    /// The channels that are sent on in this release.
    pub fn ready(&self) -> Vec<Channel> {
        let mut ready = Vec::new();
        for channel in self.iter().map(Word::channel) {
            if channel.is_ready() && !ready.contains(&channel) {
                ready.push(channel);
            }
        }
        ready
    }

    /// Those of them that reach one person at a time, whom consent is asked for.
    pub fn personal(&self) -> Vec<Channel> {
        let mut ready = self.ready();
        ready.retain(|channel| channel.is_personal());
        ready
    }

    /// What is kept and not sent in this release.
    pub fn waiting(&self) -> Vec<Word> {
        self.iter().filter(|word| !word.channel().is_ready()).collect()
    }

    /// The same with one channel in or out; what else there is stays.
    pub fn with(mut self, channel: Channel, is_in: bool) -> Self {
        match (is_in, self.has(&channel)) {
            (true, false) => self.0.insert(0, Word::Channel(channel)),
            (false, true) => self.0.retain(|word| word.channel() != channel),
            _ => {}
        }
        self
    }
}

impl FromIterator<Word> for Words {
    fn from_iter<I: IntoIterator<Item = Word>>(words: I) -> Self {
        let mut list = Vec::new();
        for word in words {
            if !list.contains(&word) {
                list.push(word);
            }
        }
        Self(list)
    }
}

/// A channel in a sentence: goes out “by e-mail”.
pub const fn spoken(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Social => "posts on social platforms",
        channel => channel.label(),
    }
}

/// The field that names a channel's template, in forms and in the JSON API.
pub const fn template_field(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email.templateId",
        Channel::Sms => "sms.templateId",
        Channel::Push => "push.templateId",
        Channel::WhatsApp => "whatsapp.templateId",
        Channel::Social => "social.content",
    }
}

/// `SMS, Facebook and Instagram`.
pub fn in_words(labels: &[&str]) -> String {
    match labels {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platforms_name_means_social_and_is_kept_as_it_is() {
        let words: Words = ["EMAIL", "SMS", "FACEBOOK", "EMAIL"]
            .into_iter()
            .filter_map(Word::parse)
            .collect();
        assert_eq!(words.to_json(), json!(["EMAIL", "SMS", "FACEBOOK"]));
        assert!(words.has(&Channel::Social) && !words.has(&Channel::Push));
        assert_eq!(words.ready(), [Channel::Email, Channel::Sms, Channel::Social]);
        assert_eq!(words.personal(), [Channel::Email, Channel::Sms]);
        let words: Words = ["SMS", "PUSH"].into_iter().filter_map(Word::parse).collect();
        let waiting: Vec<_> = words.waiting().iter().map(|word| word.label()).collect();
        assert_eq!(in_words(&waiting), "Push");
        assert_eq!(in_words(&["SMS", "Facebook"]), "SMS and Facebook");
        assert_eq!(Word::parse("FAX"), None);
        assert_eq!(Word::parse("email"), None);
    }

    #[test]
    fn one_channel_goes_in_or_out_and_the_rest_stays() {
        let words: Words = ["SMS", "FACEBOOK"].into_iter().filter_map(Word::parse).collect();
        let with = words.clone().with(Channel::Email, true);
        assert_eq!(with.to_json(), json!(["EMAIL", "SMS", "FACEBOOK"]));
        assert_eq!(with.with(Channel::Email, false), words);
    }
}
