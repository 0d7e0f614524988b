//! What a rule may ask about, and how.

use super::super::{Channel, UnknownTerm};

/// A field that holds one line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    Key,
    Email,
    Phone,
    FirstName,
    LastName,
    Timezone,
    Locale,
}

super::super::terms::term!(
    /// What came of messages, each the instant at which it first happened to one of them.
    Engagement {
        Sent = "sent",
        Received = "received",
        Opened = "opened",
        Clicked = "clicked",
        Converted = "converted",
    }
);

/// What a condition asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Text(TextField),
    Tags,
    /// A free attribute, by its name.
    Attribute(String),
    Consent(Channel),
    /// A topic, by its key.
    Topic(String),
    Engagement(Engagement),
    /// Being in another segment, by its key.
    Segment,
    /// What came of the messages of a campaign, by its id.
    Campaign(Engagement),
    CreatedAt,
    UpdatedAt,
}

super::super::terms::term!(
    /// How a condition compares.
    Op {
        Eq = "eq",
        Ne = "ne",
        Lt = "lt",
        Lte = "lte",
        Gt = "gt",
        Gte = "gte",
        Contains = "contains",
        StartsWith = "starts_with",
        In = "in",
        NotIn = "not_in",
        Has = "has",
        Exists = "exists",
        WithinLast = "within_last",
        Before = "before",
        After = "after",
    }
);

/// What the values of a field are, which decides the operations it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Tags,
    /// Text, number, date or boolean: the condition's value says which.
    Attribute,
    /// `SUBSCRIBED`, `UNSUBSCRIBED` or `NONE`.
    Consent,
    /// `SUBSCRIBED` or `UNSUBSCRIBED`.
    Topic,
    Engagement,
    /// Keys of segments.
    Segment,
    /// Ids of campaigns.
    Campaign,
    Instant,
}

impl Kind {
    /// The operations that a field of the kind takes.
    pub const fn ops(self) -> &'static [Op] {
        use Op::*;
        match self {
            Self::Text => &[Eq, Ne, Contains, StartsWith, In, Exists],
            Self::Tags => &[Has, Ne, In, Exists],
            Self::Attribute => &[
                Eq, Ne, Lt, Lte, Gt, Gte, Contains, StartsWith, In, Exists, WithinLast, Before, After,
            ],
            Self::Consent => &[Eq, Ne, In, Exists],
            Self::Topic => &[Eq, Ne, In],
            Self::Engagement => &[WithinLast, Before, After, Exists],
            Self::Segment | Self::Campaign => &[In, NotIn],
            Self::Instant => &[WithinLast, Before, After, Lt, Lte, Gt, Gte, Eq],
        }
    }
}

impl Field {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Tags => Kind::Tags,
            Self::Attribute(_) => Kind::Attribute,
            Self::Consent(_) => Kind::Consent,
            Self::Topic(_) => Kind::Topic,
            Self::Engagement(_) => Kind::Engagement,
            Self::Segment => Kind::Segment,
            Self::Campaign(_) => Kind::Campaign,
            Self::CreatedAt | Self::UpdatedAt => Kind::Instant,
        }
    }

    /// Reads a field's name, in camelCase or snake_case; `engagement.lastOpenedAt` is
    /// `engagement.opened`.
    pub fn parse(text: &str) -> Result<Self, String> {
        use TextField::*;
        Ok(match text {
            "key" => Self::Text(Key),
            "email" => Self::Text(Email),
            "phone" => Self::Text(Phone),
            "firstName" | "first_name" => Self::Text(FirstName),
            "lastName" | "last_name" => Self::Text(LastName),
            "timezone" => Self::Text(Timezone),
            "locale" => Self::Text(Locale),
            "tags" => Self::Tags,
            "segment" | "segments" => Self::Segment,
            "createdAt" | "created_at" => Self::CreatedAt,
            "updatedAt" | "updated_at" => Self::UpdatedAt,
            _ => return Self::parse_dotted(text),
        })
    }

    fn parse_dotted(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            Some(("attributes", name)) => {
                check_name(name)?;
                Ok(Self::Attribute(name.to_owned()))
            }
            Some(("consents", name)) => {
                name.to_ascii_uppercase().parse().map(Self::Consent).map_err(|_| {
                    format!("“{name}” is no channel; write EMAIL, SMS, PUSH, WHATSAPP or SOCIAL")
                })
            }
            Some(("topics", key)) => {
                check_name(key)?;
                Ok(Self::Topic(key.to_owned()))
            }
            Some(("engagement", name)) => engagement(name).map(Self::Engagement).ok_or_else(|| {
                format!("“{name}” is not tracked; write sent, received, opened, clicked or converted")
            }),
            Some(("campaign", name)) => engagement(name).map(Self::Campaign).ok_or_else(|| {
                format!("“{name}” is not tracked; write sent, received, opened, clicked or converted")
            }),
            _ => Err(format!(
                "“{}” is no field; write email, tags, attributes.NAME, consents.CHANNEL, topics.KEY, \
                 engagement.opened, segment, campaign.opened, createdAt or another of the documented ones",
                text.chars().take(60).collect::<String>()
            )),
        }
    }

    /// The name as the API writes it.
    pub fn name(&self) -> String {
        match self {
            Self::Text(field) => field.as_str().to_owned(),
            Self::Tags => "tags".to_owned(),
            Self::Attribute(name) => format!("attributes.{name}"),
            Self::Consent(channel) => format!("consents.{channel}"),
            Self::Topic(key) => format!("topics.{key}"),
            Self::Engagement(what) => format!("engagement.{what}"),
            Self::Segment => "segment".to_owned(),
            Self::Campaign(what) => format!("campaign.{what}"),
            Self::CreatedAt => "createdAt".to_owned(),
            Self::UpdatedAt => "updatedAt".to_owned(),
        }
    }
}

impl TextField {
    pub const ALL: &'static [Self] = &[
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Key,
        Self::Timezone,
        Self::Locale,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Timezone => "timezone",
            Self::Locale => "locale",
        }
    }
}

/// `opened`, `lastOpened`, `lastOpenedAt` and `last_opened_at` alike.
fn engagement(name: &str) -> Option<Engagement> {
    let name = name.to_ascii_lowercase().replace('_', "");
    let name = name.strip_prefix("last").unwrap_or(&name);
    name.strip_suffix("at").unwrap_or(name).parse().ok()
}

/// The name of an attribute or topic: what would end a path of the JSON early is refused.
fn check_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if length == 0 || length > super::LONGEST_NAME {
        return Err(format!(
            "the name after the dot has 1 to {} characters",
            super::LONGEST_NAME
        ));
    }
    match name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
        true => {
            Err("the name after the dot holds a quotation mark, a backslash or a control character".into())
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_by_its_name_and_its_aliases() {
        for (text, name) in [
            ("email", "email"),
            ("first_name", "firstName"),
            ("lastName", "lastName"),
            ("created_at", "createdAt"),
            ("tags", "tags"),
            ("attributes.handicap", "attributes.handicap"),
            ("attributes.home.course", "attributes.home.course"),
            ("consents.email", "consents.EMAIL"),
            ("topics.newsletter", "topics.newsletter"),
            ("segment", "segment"),
            ("campaign.opened", "campaign.opened"),
            ("engagement.opened", "engagement.opened"),
            ("engagement.lastOpenedAt", "engagement.opened"),
            ("engagement.last_clicked_at", "engagement.clicked"),
        ] {
            assert_eq!(
                Field::parse(text).map(|field| field.name()),
                Ok(name.to_owned()),
                "{text}"
            );
        }
        for text in [
            "",
            "Email",
            "name",
            "attributes.",
            "attributes",
            "attributes.a\"b",
            "attributes.a\\b",
            "consents.FAX",
            "engagement.read",
            "engagement.",
            "campaign.read",
            "campaign",
            "topics.",
            "attributes.a\u{0}",
        ] {
            assert!(Field::parse(text).is_err(), "{text}");
        }
    }
}
