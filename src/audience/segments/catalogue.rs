//! What the editor offers: the fields that a rule can ask about, the comparisons that each takes,
//! and what is typed beside them.

use crate::domain::Status;
use crate::domain::segment::{Engagement, Field, Kind, Labels, Op, TextField, Unit};
use crate::domain::{AttributeKind, Channel};
use crate::entity::{attribute_definitions, campaigns, topics};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::BTreeMap;

/// The club's own attributes and topics, and the tags in use.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    attributes: BTreeMap<String, AttributeKind>,
    pub labels: Labels,
    /// Suggested where a tag is typed.
    pub tags: Vec<String>,
    /// Those to choose from, as (key, name), by name.
    pub segments: Vec<(String, String)>,
    /// Those that were scheduled at least, as (id, name), newest first.
    pub campaigns: Vec<(String, String)>,
}

/// How many attributes, topics and tags are offered.
const MOST: u64 = 300;

impl Catalogue {
    /// Without tags where only a part of the page is made, which does not show them.
    pub async fn load(db: &impl ConnectionTrait, with_tags: bool) -> Result<Self, DbErr> {
        let definitions = attribute_definitions::Entity::find()
            .order_by_asc(attribute_definitions::Column::Name)
            .limit(MOST)
            .all(db)
            .await?;
        let topics = topics::Entity::find()
            .order_by_asc(topics::Column::Position)
            .limit(MOST)
            .all(db)
            .await?;
        let segments = super::store::list(db).await?;
        let segments: Vec<_> = segments.into_iter().map(|row| (row.key, row.name)).collect();
        let campaigns = campaigns::Entity::find()
            .filter(campaigns::Column::Status.ne(Status::Draft))
            .order_by_desc(campaigns::Column::Id)
            .limit(MOST)
            .all(db)
            .await?;
        let campaigns: Vec<_> = campaigns
            .into_iter()
            .map(|row| (row.id.to_string(), row.name))
            .collect();
        Ok(Self {
            attributes: definitions
                .iter()
                .map(|row| (row.name.clone(), row.kind))
                .collect(),
            labels: Labels {
                attributes: definitions.into_iter().map(|row| (row.name, row.label)).collect(),
                topics: topics.into_iter().map(|row| (row.key, row.name)).collect(),
                segments: segments.iter().cloned().collect(),
                campaigns: campaigns.iter().cloned().collect(),
            },
            segments,
            campaigns,
            tags: if with_tags { tags(db).await? } else { Vec::new() },
        })
    }

    /// The fields in their groups, as (name in the rule, label).
    pub fn fields(&self) -> Vec<(&'static str, Vec<(String, String)>)> {
        let choices = |fields: Vec<Field>| {
            fields
                .iter()
                .map(|field| (field.name(), self.label(field)))
                .collect::<Vec<_>>()
        };
        let person: Vec<_> = TextField::ALL.iter().map(|field| Field::Text(*field)).collect();
        let attributes: Vec<_> = self.attributes.keys().cloned().map(Field::Attribute).collect();
        let consents: Vec<_> = Channel::ALL
            .iter()
            .filter(|channel| **channel != Channel::Social)
            .map(|channel| Field::Consent(*channel))
            .collect();
        let topics: Vec<_> = self.labels.topics.keys().cloned().map(Field::Topic).collect();
        let engagement: Vec<_> = Engagement::ALL
            .iter()
            .map(|what| Field::Engagement(*what))
            .collect();
        let mut groups = vec![("Person", choices(person)), ("Tags", choices(vec![Field::Tags]))];
        groups.push(("Attributes", choices(attributes)));
        groups.push(("Consent", choices(consents)));
        groups.push(("Topics", choices(topics)));
        groups.push(("What came of messages", choices(engagement)));
        let campaigns: Vec<_> = Engagement::ALL
            .iter()
            .map(|what| Field::Campaign(*what))
            .collect();
        if !self.campaigns.is_empty() {
            groups.push(("What came of a campaign", choices(campaigns)));
        }
        if !self.segments.is_empty() {
            groups.push(("Segments", choices(vec![Field::Segment])));
        }
        groups.push(("Dates", choices(vec![Field::CreatedAt, Field::UpdatedAt])));
        groups.retain(|(_, fields)| !fields.is_empty());
        groups
    }

    /// What a choice of fields calls one.
    pub fn label(&self, field: &Field) -> String {
        let text = match field {
            Field::Engagement(Engagement::Sent) => "was sent a message".into(),
            Field::Engagement(Engagement::Received) => "received a message".into(),
            Field::Engagement(Engagement::Opened) => "opened a message".into(),
            Field::Engagement(Engagement::Clicked) => "clicked a link".into(),
            Field::Engagement(Engagement::Converted) => "converted".into(),
            Field::Segment => "in another segment".into(),
            Field::Campaign(Engagement::Sent) => "campaigns sent to them".into(),
            Field::Campaign(Engagement::Received) => "campaigns they received".into(),
            Field::Campaign(Engagement::Opened) => "campaigns they opened".into(),
            Field::Campaign(Engagement::Clicked) => "campaigns they clicked in".into(),
            Field::Campaign(Engagement::Converted) => "campaigns they converted in".into(),
            other => other.label(&self.labels),
        };
        let mut chars = text.chars();
        chars
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    }

    /// How values of a field are compared and typed.
    pub fn sort(&self, field: &Field) -> Sort {
        match field.kind() {
            Kind::Text => Sort::Text,
            Kind::Tags => Sort::Tags,
            Kind::Consent => Sort::Consent,
            Kind::Topic => Sort::Topic,
            Kind::Engagement => Sort::Engagement,
            Kind::Segment => Sort::Segment,
            Kind::Campaign => Sort::Campaign,
            Kind::Instant => Sort::Instant,
            Kind::Attribute => match field {
                Field::Attribute(name) => self
                    .attributes
                    .get(name)
                    .map_or(Sort::Text, |kind| (*kind).into()),
                _ => Sort::Text,
            },
        }
    }
}

/// The tags in use, by name: each found by one step in the index, however many people have it.
async fn tags(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let text = "WITH RECURSIVE each(tag) AS ( \
        SELECT MIN(tag) FROM contact_tags \
        UNION ALL SELECT (SELECT MIN(t.tag) FROM contact_tags t WHERE t.tag > each.tag) FROM each WHERE each.tag IS NOT NULL \
        ) SELECT tag FROM each WHERE tag IS NOT NULL LIMIT $1";
    let mut sql = crate::db::Sql::new(db.get_database_backend());
    sql.bind(i64::try_from(MOST).unwrap_or(i64::MAX));
    let rows = db.query_all_raw(sql.statement(text)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// The sort of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Text,
    Number,
    Date,
    Boolean,
    Tags,
    Consent,
    Topic,
    Engagement,
    Segment,
    Campaign,
    Instant,
}

impl From<AttributeKind> for Sort {
    fn from(kind: AttributeKind) -> Self {
        match kind {
            AttributeKind::Text => Self::Text,
            AttributeKind::Number => Self::Number,
            AttributeKind::Date => Self::Date,
            AttributeKind::Boolean => Self::Boolean,
        }
    }
}

/// The comparison that no rule has: `exists` with false, a choice of its own in the editor.
pub const MISSING: &str = "missing";

impl Sort {
    /// The word by which the form remembers the sort of an attribute's values.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            _ => "text",
        }
    }

    /// The comparisons as (word, label), the usual one first.
    pub const fn ops(self) -> &'static [(&'static str, &'static str)] {
        const KNOWN: (&str, &str) = ("exists", "is known");
        const UNKNOWN: (&str, &str) = (MISSING, "is not known");
        match self {
            Self::Text => &[
                ("eq", "is"),
                ("ne", "is not"),
                ("contains", "contains"),
                ("starts_with", "starts with"),
                ("in", "is one of"),
                KNOWN,
                UNKNOWN,
            ],
            Self::Number => &[
                ("lt", "is less than"),
                ("lte", "is at most"),
                ("gt", "is more than"),
                ("gte", "is at least"),
                ("eq", "is"),
                ("ne", "is not"),
                ("in", "is one of"),
                KNOWN,
                UNKNOWN,
            ],
            Self::Date => &[
                ("within_last", "is in the last"),
                ("before", "is before"),
                ("after", "is after"),
                ("eq", "is on"),
                KNOWN,
                UNKNOWN,
            ],
            Self::Boolean => &[("eq", "is"), ("ne", "is not"), KNOWN, UNKNOWN],
            Self::Tags => &[
                ("has", "include"),
                ("ne", "do not include"),
                ("in", "include one of"),
                ("exists", "are there at all"),
                (MISSING, "are not there"),
            ],
            Self::Segment => &[("in", "is"), ("not_in", "is not")],
            Self::Campaign => &[("in", "include"), ("not_in", "do not include")],
            Self::Consent | Self::Topic => &[("eq", "is"), ("ne", "is not")],
            Self::Engagement => &[
                ("within_last", "in the last"),
                ("after", "after"),
                ("before", "for the last time before"),
                ("exists", "ever"),
                (MISSING, "never"),
            ],
            Self::Instant => &[
                ("within_last", "in the last"),
                ("after", "after"),
                ("before", "before"),
                ("eq", "on"),
            ],
        }
    }

    /// What a rule made by a program may have beside the choices above.
    pub fn rare(self, op: &str) -> Option<&'static str> {
        let op: Op = op.parse().ok()?;
        Some(match (self, op) {
            (Self::Date | Self::Instant, Op::Lt) => "earlier than",
            (Self::Date | Self::Instant, Op::Lte) => "on or before",
            (Self::Date | Self::Instant, Op::Gt) => "later than",
            (Self::Date | Self::Instant, Op::Gte) => "on or after",
            (Self::Date, Op::Ne) => "is not on",
            (Self::Consent | Self::Topic, Op::In) => "is one of",
            (Self::Consent, Op::Exists) => "was asked",
            _ => return None,
        })
    }

    /// What is typed beside a comparison.
    pub fn input(self, op: &str) -> Input {
        match (self, op) {
            (_, "exists" | MISSING) => Input::Nothing,
            (_, "within_last") => Input::Ago,
            (Self::Segment, _) => Input::Segment,
            (Self::Campaign, _) => Input::Campaign,
            (_, "in") => Input::Lines,
            (Self::Number, _) => Input::Number,
            (Self::Date | Self::Engagement | Self::Instant, _) => Input::Date,
            (Self::Boolean, _) => Input::Choice(&[("true", "yes"), ("false", "no")]),
            (Self::Consent, _) => Input::Choice(&[
                ("SUBSCRIBED", "subscribed"),
                ("UNSUBSCRIBED", "unsubscribed"),
                ("NONE", "never asked"),
            ]),
            (Self::Topic, _) => Input::Choice(&[("SUBSCRIBED", "wanted"), ("UNSUBSCRIBED", "opted out of")]),
            (Self::Tags, _) => Input::Tag,
            (Self::Text, _) => Input::Text,
        }
    }
}

/// The kind of input beside a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Nothing,
    Text,
    Tag,
    Number,
    Date,
    /// A number and a unit.
    Ago,
    /// Several values, one a line.
    Lines,
    Choice(&'static [(&'static str, &'static str)]),
    /// One of the club's segments.
    Segment,
    /// One of its campaigns.
    Campaign,
}

/// The units of `Input::Ago`, as (word, label).
pub const UNITS: &[(&str, &str)] = &[
    (Unit::Day.as_str(), "days"),
    (Unit::Week.as_str(), "weeks"),
    (Unit::Month.as_str(), "months"),
    (Unit::Year.as_str(), "years"),
    (Unit::Hour.as_str(), "hours"),
    (Unit::Minute.as_str(), "minutes"),
];
