//! Mail providers through whose SMTP servers the club sends, as those who report what became of it.

use super::{Field, Group, Kind, Part, Values};
use crate::context::Context;
use crate::domain::Channel;
use crate::messaging::Adapter;
use crate::messaging::relays::ses::Ses;
use crate::messaging::relays::{Reporter, sendgrid};
use crate::web::FormErrors;
use std::sync::Arc;

type Built = Result<Arc<dyn Adapter>, FormErrors>;

pub const MAILGUN: Kind = Kind {
    word: "mailgun",
    channel: Channel::Email,
    part: Part::Reporter,
    label: "Mailgun’s reports",
    about: "What was delivered, bounced or complained of, where your mail goes through Mailgun’s SMTP server.",
    hook: "In Mailgun under Send, Sending, Webhooks, enter it for delivered messages, permanent failures, spam \
           complaints and unsubscribes.",
    signs: true,
    groups: &[Group {
        title: "",
        fields: &[Field::new(
            "signing_key",
            "HTTP webhook signing key",
            "In Mailgun under Settings, API security. It proves that webhooks are Mailgun’s; it is not an API key.",
        )
        .required()
        .secret()],
    }],
    build: |values, _| {
        Ok(Arc::new(Reporter::Mailgun {
            key: values.get("signing_key").into(),
        }))
    },
};

pub const POSTMARK: Kind = Kind {
    word: "postmark",
    channel: Channel::Email,
    part: Part::Reporter,
    label: "Postmark’s reports",
    about: "What was delivered, bounced or complained of, where your mail goes through Postmark’s SMTP server.",
    hook: "In Postmark under your message stream’s Webhooks, enter it with the name and the password above as \
           basic authentication, for delivery, bounce, spam complaint and subscription change. Message content \
           is not needed.",
    signs: true,
    groups: &[Group {
        title: "",
        fields: &[
            Field::new(
                "user",
                "Name",
                "Of your choice, such as fairway. Postmark says it with each webhook.",
            )
            .required()
            .max(100),
            Field::new(
                "password",
                "Password",
                "Of your choice, at least 16 letters and digits: nothing else proves that webhooks are Postmark’s.",
            )
            .required()
            .secret(),
        ],
    }],
    build: postmark,
};

pub const SENDGRID: Kind = Kind {
    word: "sendgrid",
    channel: Channel::Email,
    part: Part::Reporter,
    label: "SendGrid’s reports",
    about: "What was delivered, bounced or complained of, where your mail goes through SendGrid’s SMTP server.",
    hook: "In SendGrid under Settings, Mail Settings, Event Webhooks, enter it with signature verification switched \
           on, for delivered, dropped, bounced, spam reports and unsubscribes.",
    signs: true,
    groups: &[Group {
        title: "",
        fields: &[Field::new(
            "verification_key",
            "Verification key",
            "SendGrid shows it once signature verification is on. It is a public key and begins with MFkw.",
        )
        .required()
        .max(500)],
    }],
    build: send_grid,
};

pub const SES: Kind = Kind {
    word: "ses",
    channel: Channel::Email,
    part: Part::Reporter,
    label: "Amazon SES’ reports",
    about: "What was delivered, bounced or complained of, where your mail goes through SES’ SMTP server.",
    hook: "In Amazon SNS, subscribe it to the topic by HTTPS, without raw message delivery; the subscription is \
           confirmed here by itself. In SES, have the identity publish bounces, complaints and deliveries to the \
           topic, with the original headers included.",
    signs: true,
    groups: &[Group {
        title: "",
        fields: &[Field::new(
            "topic",
            "ARN of the SNS topic",
            "Such as arn:aws:sns:eu-west-1:123456789012:mail. What comes of any other topic is refused.",
        )
        .required()
        .max(300)],
    }],
    build: amazon,
};

/// The shortest password that keeps somebody from guessing.
const SHORTEST_PASSWORD: usize = 16;

fn postmark(values: &Values, _: &Context) -> Built {
    let mut errors = FormErrors::default();
    let (name, password) = (values.get("user"), values.get("password"));
    if name.contains(':') {
        errors.add("user", "A name has no colon in it.");
    }
    if password.chars().count() < SHORTEST_PASSWORD {
        errors.add(
            "password",
            format!("Write at least {SHORTEST_PASSWORD} characters."),
        );
    }
    errors.or(|| {
        Arc::new(Reporter::Postmark {
            name: name.to_owned(),
            password: password.into(),
        }) as Arc<dyn Adapter>
    })
}

fn send_grid(values: &Values, _: &Context) -> Built {
    let mut errors = FormErrors::default();
    let key = values.get("verification_key");
    if !sendgrid::is_key(key) {
        errors.add(
            "verification_key",
            "This is no verification key as SendGrid shows it.",
        );
    }
    errors.or(|| Arc::new(Reporter::SendGrid { key: key.to_owned() }) as Arc<dyn Adapter>)
}

fn amazon(values: &Values, cx: &Context) -> Built {
    let mut errors = FormErrors::default();
    let topic = values.get("topic");
    let parts: Vec<_> = topic.split(':').collect();
    let is_topic = matches!(parts.as_slice(), ["arn", partition, "sns", region, account, name]
        if partition.starts_with("aws") && !region.is_empty() && !account.is_empty() && !name.is_empty());
    if !is_topic {
        errors.add(
            "topic",
            "This is no ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:mail.",
        );
    }
    errors.or(|| Arc::new(Reporter::Ses(Ses::new(topic.to_owned(), cx.outbound.clone()))) as Arc<dyn Adapter>)
}
