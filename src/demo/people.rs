//! The demo club's people: made up, the same at every start, and out of reach. Addresses are of
//! domains reserved for examples (RFC 2606), telephone numbers of the range that Ofcom keeps free
//! for drama (07700 900000 to 900999).

use crate::domain::{Channel, ConsentStatus};
use crate::entity::{Timestamp, consent_log, consents, contact_tags, contacts};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sea_orm::ActiveValue::{NotSet, Set};
use serde_json::json;

/// How many people the demo club knows.
pub const HOW_MANY: i64 = 3_200;

const FIRST: &[&str] = &[
    "Aisha", "Alan", "Amara", "Andile", "Anna", "Anton", "Bongani", "Brigid", "Callum", "Carla", "Chen",
    "Daniel", "Dineo", "Elena", "Emeka", "Erik", "Fatima", "Fergus", "Francois", "Gareth", "Grace", "Hana",
    "Helen", "Ines", "Isaac", "Jabu", "Jacques", "Janet", "Johan", "Kabelo", "Karen", "Kofi", "Lerato",
    "Liam", "Lindiwe", "Lucia", "Mandla", "Marta", "Michael", "Mia", "Naledi", "Neil", "Noor", "Oliver",
    "Palesa", "Pedro", "Petra", "Quentin", "Rachel", "Ravi", "Rosa", "Ruan", "Sanjay", "Sarah", "Sipho",
    "Sofia", "Stefan", "Tariq", "Thandi", "Tom", "Ute", "Vusi", "Wendy", "Xolani", "Yusuf", "Zanele",
];

const LAST: &[&str] = &[
    "Abrahams",
    "Adeyemi",
    "Bauer",
    "Botha",
    "Brennan",
    "Campbell",
    "Chetty",
    "Coetzee",
    "Costa",
    "Dlamini",
    "Dube",
    "Evans",
    "Ferreira",
    "Fischer",
    "Fourie",
    "Govender",
    "Graham",
    "Hassan",
    "Hughes",
    "Ibrahim",
    "Jacobs",
    "Jansen",
    "Jones",
    "Khumalo",
    "Kruger",
    "Lewis",
    "Lombard",
    "Mabaso",
    "MacLeod",
    "Mahlangu",
    "Martins",
    "Meyer",
    "Mokoena",
    "Molefe",
    "Morris",
    "Naidoo",
    "Ndlovu",
    "Nel",
    "Nkosi",
    "Novak",
    "O’Brien",
    "Okafor",
    "Patel",
    "Pereira",
    "Petersen",
    "Pillay",
    "Reid",
    "Rossi",
    "Sithole",
    "Smith",
    "Steyn",
    "Swart",
    "Tshabalala",
    "Van der Merwe",
    "Van Wyk",
    "Venter",
    "Walker",
    "Williams",
    "Wilson",
    "Zulu",
];

/// Everything that is inserted for the people of the club.
#[derive(Default)]
pub struct People {
    pub contacts: Vec<contacts::ActiveModel>,
    pub tags: Vec<contact_tags::ActiveModel>,
    pub consents: Vec<consents::ActiveModel>,
    pub log: Vec<consent_log::ActiveModel>,
    /// What the history is told with.
    pub known: Vec<Known>,
}

/// What the history needs to know of a person.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: i64,
    pub email: String,
    pub email_consent: ConsentStatus,
    pub is_active: bool,
    pub is_member: bool,
    pub has_handicap: bool,
    /// How keen a reader this is, 0 to 1.
    pub interest: f64,
}

impl Known {
    /// The number by which the club's system calls the person.
    pub fn key(&self) -> String {
        Self::key_of(self.id)
    }

    /// The same of an id.
    pub fn key_of(id: i64) -> String {
        format!("GG{:05}", 10_000 + id)
    }
}

/// Makes the people. `now` is the day of the demo; nobody joined later.
pub fn make(rng: &mut StdRng, now: DateTime<Utc>) -> People {
    let mut people = People::default();
    for id in 1..=HOW_MANY {
        add(&mut people, rng, id, now);
    }
    people
}

/// What a member pays for, and how many of a hundred do.
const MEMBERSHIPS: &[(&str, u32)] = &[
    ("Full", 38),
    ("Weekday", 17),
    ("Junior", 9),
    ("Student", 6),
    ("Social", 14),
    ("Visitor", 16),
];

fn membership(rng: &mut StdRng) -> &'static str {
    let mut roll = rng.random_range(0..100);
    for (name, share) in MEMBERSHIPS {
        if roll < *share {
            return name;
        }
        roll -= share;
    }
    "Visitor"
}

fn add(people: &mut People, rng: &mut StdRng, id: i64, now: DateTime<Utc>) {
    let first = FIRST[rng.random_range(0..FIRST.len())];
    let last = LAST[rng.random_range(0..LAST.len())];
    let membership = membership(rng);
    let plays = !matches!(membership, "Social") && rng.random_bool(0.93);
    // Most joined long ago, some this season.
    let joined = now - TimeDelta::days((rng.random_range(0.0_f64..1.0).powi(2) * 4_200.0) as i64 + 1);
    let is_active = plays && rng.random_bool(0.62);
    let email = address(rng, first, last, id);
    let phone = (id % 3 == 0 && id / 3 < 1_000).then(|| format!("+447700900{:03}", id / 3));
    let mut attributes = json!({
        "membership": membership,
        "joined_on": joined.format("%Y-%m-%d").to_string(),
        "birthday": birthday(rng, membership, now),
    });
    if plays {
        attributes["handicap"] = json!(handicap(rng, membership));
        attributes["rounds_this_season"] = json!(if is_active {
            rng.random_range(3..60)
        } else {
            rng.random_range(0..3)
        });
    }
    if rng.random_bool(0.22) {
        attributes["owns_buggy"] = json!(rng.random_bool(0.5));
    }
    let email_consent = match rng.random_range(0..100) {
        0..84 => ConsentStatus::Subscribed,
        84..92 => ConsentStatus::None,
        _ => ConsentStatus::Unsubscribed,
    };
    consent(people, id, Channel::Email, email_consent, joined);
    if phone.is_some() && rng.random_bool(0.7) {
        consent(people, id, Channel::Sms, ConsentStatus::Subscribed, joined);
    }
    for tag in tags(rng, membership, is_active) {
        people.tags.push(contact_tags::ActiveModel {
            contact_id: Set(id),
            tag: Set(tag.to_owned()),
        });
    }
    let key = Known::key_of(id);
    people.contacts.push(contacts::ActiveModel {
        id: Set(id),
        key: Set(Some(key.clone())),
        email: Set(email.clone()),
        phone: Set(phone.clone()),
        first_name: Set(first.to_owned()),
        last_name: Set(last.to_owned()),
        timezone: Set(rng.random_bool(0.05).then(|| "Europe/London".to_owned())),
        locale: Set(Some("en-ZA".to_owned())),
        search: Set([
            &key,
            first,
            last,
            email.as_deref().unwrap_or(""),
            phone.as_deref().unwrap_or(""),
        ]
        .join(" ")
        .to_lowercase()),
        attributes: Set(attributes),
        created_at: Set(joined.into()),
        updated_at: Set(joined.into()),
    });
    people.known.push(Known {
        id,
        email: email.unwrap_or_default(),
        email_consent,
        is_active,
        is_member: membership != "Visitor",
        has_handicap: plays,
        interest: rng.random_range(0.0..1.0),
    });
}

/// A few gave no address.
fn address(rng: &mut StdRng, first: &str, last: &str, id: i64) -> Option<String> {
    let domain = ["example.com", "example.org", "example.net"][rng.random_range(0..3)];
    let plain: String = format!("{first}.{last}")
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
        .collect();
    rng.random_bool(0.97).then(|| format!("{plain}{id}@{domain}"))
}

/// A World Handicap System index, to one decimal: low figures are rare.
fn handicap(rng: &mut StdRng, membership: &str) -> f64 {
    let middle = match membership {
        "Junior" => 28.0,
        "Visitor" => 20.0,
        _ => 17.0,
    };
    let spread = rng.random_range(-1.0_f64..1.0) + rng.random_range(-1.0..1.0);
    ((middle + spread * 9.0).clamp(0.0, 54.0) * 10.0).round() / 10.0
}

fn birthday(rng: &mut StdRng, membership: &str, now: DateTime<Utc>) -> String {
    let age = match membership {
        "Junior" => rng.random_range(9..18),
        "Student" => rng.random_range(18..26),
        _ => rng.random_range(24..82),
    };
    format!(
        "{:04}-{:02}-{:02}",
        now.year() - age,
        rng.random_range(1..13),
        rng.random_range(1..29)
    )
}

fn tags(rng: &mut StdRng, membership: &str, is_active: bool) -> Vec<&'static str> {
    let mut tags = Vec::new();
    if membership != "Visitor" {
        tags.push("member");
    }
    if is_active {
        tags.push("active");
    }
    for (tag, share) in [
        ("competition", 0.3),
        ("ladies-day", 0.12),
        ("volunteer", 0.05),
        ("pro-shop", 0.18),
    ] {
        if rng.random_bool(share) {
            tags.push(tag);
        }
    }
    tags
}

fn consent(people: &mut People, id: i64, channel: Channel, status: ConsentStatus, joined: DateTime<Utc>) {
    if status == ConsentStatus::None {
        return;
    }
    let at: Timestamp = joined.into();
    let mut log = |status, source: &str, evidence: &str, at: Timestamp| {
        people.log.push(consent_log::ActiveModel {
            id: NotSet,
            contact_id: Set(id),
            channel: Set(Some(channel)),
            topic_id: Set(None),
            status: Set(status),
            source: Set(source.to_owned()),
            evidence: Set(evidence.to_owned()),
            actor: Set("Fairway".to_owned()),
            at: Set(at),
        });
    };
    const FORM: (&str, &str) = (
        "membership form",
        "Ticked “Keep me informed” on the membership form.",
    );
    log(ConsentStatus::Subscribed, FORM.0, FORM.1, at);
    let mut current = (ConsentStatus::Subscribed, FORM.0, FORM.1, at);
    if status == ConsentStatus::Unsubscribed {
        let later: Timestamp = (joined + TimeDelta::hours(20)).into();
        current = (
            status,
            "front desk",
            "Asked at the front desk to be left out.",
            later,
        );
        log(current.0, current.1, current.2, current.3);
    }
    people.consents.push(consents::ActiveModel {
        contact_id: Set(id),
        channel: Set(channel),
        status: Set(current.0),
        source: Set(current.1.to_owned()),
        evidence: Set(current.2.to_owned()),
        at: Set(current.3),
    });
}
