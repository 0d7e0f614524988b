//! Providers of text messages.

use super::checks::{pace, web_address};
use super::field::RATE;
use super::{Field, Group, Kind, Part, Values};
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::sms::Price;
use crate::messaging::Adapter;
use crate::messaging::sms::{Senders, TWILIO_HOME, Twilio, TwilioSettings, is_sender};
use crate::web::FormErrors;
use std::sync::Arc;

pub const FROM: Field = Field::new(
    "from",
    "Sender",
    "A number of yours such as +27821234567, or a name of at most 11 letters and digits. Nobody can answer a name.",
)
.required()
.max(40);

pub const ABROAD: Field = Field::new(
    "abroad",
    "Senders in other countries",
    "A line for each: the calling code and the sender there, such as +44 LinksGolf.",
)
.rows(3)
.max(2000);

pub const COST: Group = Group {
    title: "Pace and price",
    fields: &[RATE, PRICE],
};

/// The words that people may answer, and what they are told.
pub const WORDS: Group = Group {
    title: "What people answer",
    fields: &[
        Field::new(
            "stop_words",
            "Your words for “no more texts”",
            "With commas between, such as STOPP, UIT. STOP, UNSUBSCRIBE, CANCEL, END and QUIT always work.",
        )
        .max(500),
        Field::new(
            "start_words",
            "Your words for “texts again”",
            "START and UNSTOP always work.",
        )
        .max(500),
        Field::new(
            "help_words",
            "Your words for “help”",
            "HELP and INFO always work.",
        )
        .max(500),
        Field::new(
            "help_answer",
            "Answer to HELP",
            "Say who you are and how to reach you. Sent only where the provider has not answered itself.",
        )
        .max(480)
        .usual("You get texts from your golf club. Answer STOP to get no more."),
        Field::new(
            "stop_answer",
            "Answer to STOP",
            "Left empty, nothing is answered.",
        )
        .max(480),
        Field::new(
            "start_answer",
            "Answer to START",
            "Left empty, nothing is answered.",
        )
        .max(480),
    ],
};

const PRICE: Field = Field::new(
    "price",
    "Price of one part",
    "In your club’s currency, such as 0.35. With it, the editor shows what a text costs.",
)
.max(20);

pub const TWILIO: Kind = Kind {
    word: "twilio",
    channel: Channel::Sms,
    part: Part::Carrier,
    label: "Twilio",
    about: "Texts by Twilio’s Programmable Messaging, with delivery reports and answers.",
    hook: "In Twilio’s console, under your number’s or messaging service’s settings, enter it for \
           “A message comes in” (HTTP POST). Delivery reports need no setting there.",
    signs: true,
    groups: &[
        Group {
            title: "",
            fields: &[
                Field::new("account", "Account SID", "Begins with AC. Twilio’s console shows it on its first page.")
                    .required()
                    .leads()
                    .max(34),
                Field::new("token", "Auth token", "Beside the account SID. It also proves that webhooks are Twilio’s.")
                    .required()
                    .secret(),
                FROM,
                ABROAD,
                Field::new(
                    "home",
                    "Address of the API",
                    "Only for an account in one of Twilio’s regions, such as https://api.dublin.ie1.twilio.com.",
                )
                .leads(),
            ],
        },
        COST,
        WORDS,
    ],
    build: twilio,
};

fn twilio(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    let account = values.get("account");
    let is_account = account.len() == 34
        && account.starts_with("AC")
        && account.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_account {
        errors.add("account", "An account SID is AC and 32 letters and digits.");
    }
    let home = match values.get("home") {
        "" => TWILIO_HOME.to_owned(),
        home => web_address(&mut errors, "home", home),
    };
    let senders = senders(&mut errors, values, |text| {
        is_sender(text) || (text.len() == 34 && text.starts_with("MG"))
    });
    cost(&mut errors, values);
    errors.or(|| {
        let settings = TwilioSettings {
            home,
            account: account.to_owned(),
            token: values.get("token").into(),
            senders,
        };
        Arc::new(Twilio::new(settings, cx.outbound.clone())) as Arc<dyn Adapter>
    })
}

/// The senders, or what is wrong with them.
pub fn senders(errors: &mut FormErrors, values: &Values, is_right: impl Fn(&str) -> bool) -> Senders {
    let senders = Senders::parse(values.get("from"), values.get("abroad")).unwrap_or_else(|wrong| {
        errors.add("abroad", wrong);
        Senders::default()
    });
    for (place, sender) in senders.all().enumerate().filter(|(_, sender)| !is_right(sender)) {
        let field = if place == 0 { "from" } else { "abroad" };
        if errors.of(field).is_none() {
            errors.add(
                field,
                format!(
                    "“{sender}” is neither a number with its country nor a name of at most 11 letters and digits."
                ),
            );
        }
    }
    senders
}

/// Pace and price.
pub fn cost(errors: &mut FormErrors, values: &Values) {
    pace(errors, values);
    let price = values.get("price");
    if !price.is_empty() && Price::parse(price).is_none() {
        errors.add("price", "Write a price such as 0.35, with six decimals at most.");
    }
}
