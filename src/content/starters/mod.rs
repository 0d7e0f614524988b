//! Designed templates to begin with. They are the club's own from then on.

use super::draft::NewTemplate;
use crate::domain::{BodyKind, Channel};

/// A template to begin with.
pub struct Starter {
    /// The key that its copy gets where that is free.
    pub key: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub subject: &'static str,
    pub preheader: &'static str,
    pub body: &'static str,
}

/// In the order in which they are offered.
pub const STARTERS: &[Starter] = &[
    Starter {
        key: "tournament-invite-email",
        name: "Tournament invitation",
        about: "A date, a format, a button to enter.",
        subject: "{{ contact.first_name | default(\"Golfer\") }}, you are invited to the Summer Tournament",
        preheader: "Saturday, 18 holes, prizes for all divisions. Entries are open.",
        body: include_str!("tournament.mjml"),
    },
    Starter {
        key: "weekly-newsletter-email",
        name: "Weekly newsletter",
        about: "What happened, what comes, one thing to do.",
        subject: "This week at {{ club.name }}",
        preheader: "Results, the weekend’s draw and the state of the greens.",
        body: include_str!("newsletter.mjml"),
    },
    Starter {
        key: "feed-newsletter-email",
        name: "Newsletter from a feed",
        about: "Fills itself with what is new on the website, or with the events to come.",
        subject: "{% if feed.items %}{{ feed.items[0].title }}{% else %}News from {{ club.name }}{% endif %}",
        preheader: "What is new at {{ club.name }}.",
        body: include_str!("feed.mjml"),
    },
    Starter {
        key: "booking-confirmation-email",
        name: "Booking confirmation",
        about: "For a tee time that was booked.",
        subject: "Your tee time is booked",
        preheader: "Here is what you booked, and how to change it.",
        body: include_str!("booking.mjml"),
    },
    Starter {
        key: "welcome-email",
        name: "Welcome to the club",
        about: "The first mail to a new member.",
        subject: "Welcome to {{ club.name }}, {{ contact.first_name | default(\"golfer\") }}",
        preheader: "Three things that make the first weeks easier.",
        body: include_str!("welcome.mjml"),
    },
    Starter {
        key: "announcement-email",
        name: "Plain announcement",
        about: "A heading and a few paragraphs.",
        subject: "News from {{ club.name }}",
        preheader: "",
        body: include_str!("blank.mjml"),
    },
];

impl Starter {
    /// As a template to be kept.
    pub fn draft(&self) -> NewTemplate {
        NewTemplate {
            channel: Channel::Email,
            name: self.name.to_owned(),
            subject: self.subject.to_owned(),
            preheader: self.preheader.to_owned(),
            kind: BodyKind::Mjml,
            body: self.body.to_owned(),
            text: None,
        }
    }
}

/// The starter of this key.
pub fn by_key(key: &str) -> Option<&'static Starter> {
    STARTERS.iter().find(|starter| starter.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::render;
    use crate::entity::template_versions;
    use chrono::DateTime;

    #[test]
    fn every_starter_can_be_sent_as_it_is() {
        for starter in STARTERS {
            let draft = starter.draft().checked().unwrap();
            let version = template_versions::Model {
                id: 1,
                template_id: 1,
                number: 1,
                subject: draft.subject,
                preheader: draft.preheader,
                body_kind: draft.kind,
                body: draft.body,
                text: None,
                created_by: None,
                created_at: DateTime::UNIX_EPOCH.into(),
            };
            let compiled = render::compile(&version);
            assert!(compiled.is_ok(), "{}: {:?}", starter.key, compiled.err());
        }
    }
}
