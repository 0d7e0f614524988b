//! Segments: groups of contacts, by rule or by hand.

pub mod catalogue;
pub mod commands;
mod compile;
pub mod draft;
pub mod editor;
pub mod forms;
pub mod pages;
pub mod preview;
pub mod references;
pub mod store;

use crate::db::Sql;
use crate::domain::SegmentKind;
use crate::domain::segment::{Rule, RuleErrors};
use crate::entity::segments;
use crate::web::AppError;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::DbErr;

/// A stored rule that cannot be read: written by a later version, or by hand.
#[derive(Debug, thiserror::Error)]
#[error("The rule of the segment “{name}” cannot be read: {errors}")]
pub struct BrokenRule {
    pub name: String,
    pub errors: RuleErrors,
}

impl From<BrokenRule> for AppError {
    fn from(error: BrokenRule) -> Self {
        Self::Conflict(format!("{error} Make it anew."))
    }
}

impl From<BrokenRule> for DbErr {
    fn from(error: BrokenRule) -> Self {
        Self::Custom(error.to_string())
    }
}

/// Who is in a segment, as a boolean expression over the alias `c` of `contacts`. Never NULL.
pub fn condition(
    sql: &mut Sql,
    segment: &segments::Model,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<String, BrokenRule> {
    match segment.kind {
        SegmentKind::Rule => Ok(compile::rule(sql, &resolved_rule(segment)?, now, zone)),
        SegmentKind::Static => {
            let id = sql.bind(segment.id);
            Ok(format!(
                "c.id IN (SELECT m.contact_id FROM segment_members m WHERE m.segment_id = {id})"
            ))
        }
    }
}

/// The same for a rule that is not stored yet, with its references resolved.
pub fn rule_condition(sql: &mut Sql, rule: &Rule, now: DateTime<Utc>, zone: Tz) -> String {
    compile::rule(sql, rule, now, zone)
}

/// A segment's rule with those of the segments that it names in their place, as they were when any
/// of them was last saved: which is as they are.
pub fn resolved_rule(segment: &segments::Model) -> Result<Rule, BrokenRule> {
    match &segment.resolved {
        Some(json) => Rule::parse_resolved(json).map_err(|errors| BrokenRule {
            name: segment.name.clone(),
            errors,
        }),
        None => rule_of(segment),
    }
}

/// A segment's rule. That of a static list is meaningless.
pub fn rule_of(segment: &segments::Model) -> Result<Rule, BrokenRule> {
    Rule::parse(&segment.rule).map_err(|errors| BrokenRule {
        name: segment.name.clone(),
        errors,
    })
}

/// Why the segment's rule cannot be read; `None` where it can, and of a list, which has none.
pub fn fault_of(segment: &segments::Model) -> Option<BrokenRule> {
    match segment.kind {
        SegmentKind::Rule => rule_of(segment).err(),
        SegmentKind::Static => None,
    }
}
