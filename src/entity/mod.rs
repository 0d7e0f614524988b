//! The tables, one file each: columns only. What a row means and may become is `domain`'s.

use crate::domain::trigger::Outcome;
use crate::domain::{
    ActivityKind, AttributeKind, BodyKind, CampaignType, Channel, ConsentStatus, DeliveryState,
    EnrollmentState, ImportState, InDoubt, OccurrenceState, Platform, Purpose, Role, RunState, SegmentKind,
    Status,
};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, StringLen, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};

pub mod activities;
pub mod api_keys;
pub mod attribute_definitions;
pub mod audit_log;
pub mod blocks;
pub mod calendar_feeds;
pub mod campaign_contents;
pub mod campaigns;
pub mod captured_messages;
pub mod consent_log;
pub mod consents;
pub mod contact_tags;
pub mod contacts;
pub mod deliveries;
pub mod enrollments;
pub mod event_counts;
pub mod event_outcomes;
pub mod events;
pub mod feed_items;
pub mod feed_readings;
pub mod hook_failures;
pub mod idempotency_keys;
pub mod import_rows;
pub mod imports;
pub mod inbound_messages;
pub mod journey_counts;
pub mod journey_versions;
pub mod journeys;
pub mod leases;
pub mod link_clicks;
pub mod links;
pub mod occurrences;
pub mod one_time_links;
pub mod posts;
pub mod providers;
pub mod repetitions;
pub mod run_contents;
pub mod run_counts;
pub mod run_hours;
pub mod runs;
pub mod segment_members;
pub mod segments;
pub mod sessions;
pub mod settings;
pub mod sign_in_attempts;
pub mod signup_forms;
pub mod signups;
pub mod site_keys;
pub mod suppressions;
pub mod template_versions;
pub mod templates;
pub mod topic_opt_outs;
pub mod topics;
pub mod users;

/// An instant, stored as `BIGINT` milliseconds since 1970 in UTC on both databases.
pub type Timestamp = sea_orm::prelude::ChronoUnixTimestampMillis;

/// The domain's terms are stored as their written form.
macro_rules! stored_as_text {
    ($($term:ty),+) => {$(
        impl From<$term> for Value {
            fn from(term: $term) -> Self {
                Value::String(Some(term.as_str().to_owned()))
            }
        }

        impl TryGetable for $term {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let text = String::try_get_by(row, index)?;
                text.parse().map_err(|_| {
                    TryGetError::DbErr(DbErr::Type(format!(
                        "“{text}” is no {}", stringify!($term)
                    )))
                })
            }
        }

        impl ValueType for $term {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                match value {
                    Value::String(Some(text)) => text.parse().map_err(|_| ValueTypeErr),
                    _ => Err(ValueTypeErr),
                }
            }
            fn type_name() -> String {
                stringify!($term).to_owned()
            }
            fn array_type() -> ArrayType {
                ArrayType::String
            }
            fn column_type() -> ColumnType {
                ColumnType::String(StringLen::None)
            }
        }

        impl Nullable for $term {
            fn null() -> Value {
                Value::String(None)
            }
        }

        // Needed of every part of a primary key; a word is never made from a row number.
        impl TryFromU64 for $term {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($term)))
            }
        }

        impl sea_orm::IntoActiveValue<$term> for $term {
            fn into_active_value(self) -> sea_orm::ActiveValue<$term> {
                sea_orm::ActiveValue::Set(self)
            }
        }
    )+};
}

stored_as_text!(
    ActivityKind,
    AttributeKind,
    BodyKind,
    CampaignType,
    Channel,
    ConsentStatus,
    DeliveryState,
    EnrollmentState,
    ImportState,
    InDoubt,
    OccurrenceState,
    Platform,
    Purpose,
    Role,
    RunState,
    SegmentKind,
    Status,
    Outcome
);
