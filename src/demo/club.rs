//! The demo club itself: who it is, who signs in, topics, attributes, segments.

use crate::accounts::club::{Club, Sender};
use crate::db::Tx;
use crate::domain::manners::{Cap, Holiday, Manners};
use crate::domain::money::Currency;
use crate::domain::{AttributeKind, Channel, SegmentKind};
use crate::entity::{attribute_definitions, segment_members, segments, topics};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{DbErr, EntityTrait as _};
use serde_json::{Value, json};

/// The zone of the club, and of the source document's example.
pub const ZONE: chrono_tz::Tz = chrono_tz::Africa::Johannesburg;

/// Who sends. The domain is reserved for examples (RFC 2606).
pub const SENDER: &str = "club@greenside.example";

pub fn club() -> Club {
    Club {
        name: "Greenside Golf Club".into(),
        sender: Sender {
            name: "Greenside Golf Club".into(),
            email: SENDER.into(),
            reply_to: "office@greenside.example".into(),
        },
        postal_address: "1 Fairway Drive\nGreenside\nJohannesburg 2193\nSouth Africa".into(),
        timezone: ZONE,
        currency: Currency::parse("ZAR").unwrap_or_default(),
        website: "https://www.greenside.example".into(),
        accent: "#1f6f4a".into(),
        logo: String::new(),
        sending: manners(),
    }
}

/// No quiet hours, and holidays that are shown and not kept, so that whoever tries the demo at night or
/// at Christmas sees something go out.
fn manners() -> Manners {
    let holidays = [
        ("2026-12-25", "Christmas Day"),
        ("2027-01-01", "New Year’s Day"),
        ("2027-03-26", "Good Friday"),
    ];
    let holidays = holidays.into_iter().filter_map(|(date, name)| {
        Some(Holiday {
            date: date.parse().ok()?,
            name: name.to_owned(),
        })
    });
    Manners {
        holidays: holidays.collect(),
        rest_on_holidays: false,
        frequency_caps: [(Channel::Email, Cap { most: 8, days: 7 })].into(),
        ..Manners::default()
    }
}

/// Key, name, what it is about. The ids count up from 1.
const TOPICS: &[(&str, &str, &str)] = &[
    (
        "newsletter",
        "Newsletter",
        "What happened at the club, and what comes next.",
    ),
    ("tournaments", "Tournaments", "Invitations, draws and results."),
    ("offers", "Offers", "The pro shop, lessons and the restaurant."),
];

pub const NEWSLETTER: i64 = 1;
pub const TOURNAMENTS: i64 = 2;
pub const OFFERS: i64 = 3;

const ATTRIBUTES: &[(&str, AttributeKind, &str)] = &[
    ("membership", AttributeKind::Text, "Membership"),
    ("handicap", AttributeKind::Number, "Handicap index"),
    ("joined_on", AttributeKind::Date, "Joined on"),
    ("birthday", AttributeKind::Date, "Birthday"),
    ("rounds_this_season", AttributeKind::Number, "Rounds this season"),
    ("owns_buggy", AttributeKind::Boolean, "Owns a buggy"),
];

/// The segments' ids, in the order of `segments()`.
pub const ACTIVE_GOLFERS: i64 = 1;
pub const ALL_MEMBERS: i64 = 2;
pub const COMMITTEE: i64 = 6;

/// Key, name, rule.
fn rules() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "active-golfers-segment-id",
            "Active golfers",
            json!({"all": [
                {"field": "tags", "op": "has", "value": "active"},
                {"field": "attributes.handicap", "op": "exists", "value": true},
            ]}),
        ),
        (
            "all-members",
            "All members",
            json!({"all": [{"field": "tags", "op": "has", "value": "member"}]}),
        ),
        (
            "low-handicaps",
            "Single-figure handicaps",
            json!({"all": [
                {"field": "attributes.handicap", "op": "lt", "value": 10},
                {"field": "tags", "op": "has", "value": "active"},
            ]}),
        ),
        (
            "new-members",
            "Joined in the last 90 days",
            json!({"all": [
                {"field": "createdAt", "op": "within_last", "value": "P90D"},
                {"none": [{"field": "attributes.membership", "op": "eq", "value": "Visitor"}]},
            ]}),
        ),
        (
            "quiet-readers",
            "Opened nothing in 90 days",
            json!({"all": [
                {"field": "tags", "op": "has", "value": "member"},
                {"none": [{"field": "engagement.opened", "op": "within_last", "value": "P90D"}]},
            ]}),
        ),
    ]
}

/// Everything but people and campaigns.
pub async fn load(tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
    club().save(tx, now).await?;
    topics::Entity::insert_many(TOPICS.iter().zip(1..).map(|((key, name, description), id)| {
        topics::ActiveModel {
            id: Set(id),
            key: Set((*key).to_owned()),
            name: Set((*name).to_owned()),
            description: Set((*description).to_owned()),
            position: Set(i32::try_from(id).unwrap_or_default()),
            created_at: Set(now.into()),
            archived_at: Set(None),
        }
    }))
    .exec_without_returning(&**tx)
    .await?;
    attribute_definitions::Entity::insert_many(ATTRIBUTES.iter().map(|(name, kind, label)| {
        attribute_definitions::ActiveModel {
            name: Set((*name).to_owned()),
            kind: Set(*kind),
            label: Set((*label).to_owned()),
            created_at: Set(now.into()),
        }
    }))
    .exec_without_returning(&**tx)
    .await?;
    segments(tx, now).await
}

async fn segments(tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
    let by_hand = ("committee", "Committee", json!({"all": []}));
    let all = rules().into_iter().chain([by_hand]).zip(1..);
    segments::Entity::insert_many(all.map(|((key, name, rule), id)| segments::ActiveModel {
        id: Set(id),
        key: Set(key.to_owned()),
        name: Set(name.to_owned()),
        kind: Set(match id {
            COMMITTEE => SegmentKind::Static,
            _ => SegmentKind::Rule,
        }),
        rule: Set(rule),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
        archived_at: Set(None),
        resolved: Set(None),
    }))
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// The committee is chosen by hand; its members exist once the people do.
pub async fn elect(tx: &Tx, committee: &[i64]) -> Result<(), DbErr> {
    segment_members::Entity::insert_many(committee.iter().map(|id| segment_members::ActiveModel {
        segment_id: Set(COMMITTEE),
        contact_id: Set(*id),
    }))
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}
