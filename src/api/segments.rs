//! `/api/v1/segments`: groups of contacts, by rule or by hand.

use super::{instant, json, parse};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Manager, Viewer};
use crate::audience::segments::commands::{self, LONGEST_NAME, MOST_LINES, Members, NewSegment};
use crate::audience::segments::{fault_of, store};
use crate::context::Context;
use crate::domain::SegmentKind;
use crate::domain::segment::Rule;
use crate::entity::segments;
use crate::web::{AppError, FormErrors, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `{name, rule}` or `{name, contacts: [keys]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    rule: Option<Value>,
    /// Keys or e-mail addresses.
    contacts: Option<Vec<String>>,
}

impl Input {
    fn parse(self) -> Result<NewSegment, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, LONGEST_NAME);
        let members = match (self.rule, self.contacts) {
            (Some(rule), None) => Rule::parse(&rule).map(Members::Rule).map_err(|wrong| {
                for error in wrong.0 {
                    let field = match error.path() {
                        path if path.is_empty() => "rule".to_owned(),
                        path => format!("rule.{path}"),
                    };
                    errors.add(&field, error.message);
                }
            }),
            (None, Some(contacts)) if contacts.len() <= MOST_LINES => Ok(Members::Contacts(contacts)),
            (None, Some(contacts)) => {
                let text = format!(
                    "At most {MOST_LINES} contacts at once; these are {}.",
                    contacts.len()
                );
                errors.add("contacts", text);
                Err(())
            }
            _ => {
                errors.add("rule", "Give a rule, or a list of contacts, and not both.");
                Err(())
            }
        };
        match members {
            Ok(members) => errors.or(|| NewSegment { name, members }),
            Err(()) => Err(errors),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    key: String,
    name: String,
    kind: SegmentKind,
    /// Left out of a list made by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Value>,
    is_archived: bool,
    created_at: String,
    updated_at: String,
}

impl From<segments::Model> for Answer {
    fn from(row: segments::Model) -> Self {
        Self {
            id: row.id.to_string(),
            key: row.key,
            name: row.name,
            kind: row.kind,
            rule: (row.kind == SegmentKind::Rule).then_some(row.rule),
            is_archived: row.archived_at.is_some(),
            created_at: instant(row.created_at.0),
            updated_at: instant(row.updated_at.0),
        }
    }
}

async fn found(cx: &Context, key: &str) -> Result<segments::Model> {
    let segment = store::by_key_or_id(&*cx.db, key).await?;
    segment.ok_or(AppError::NotFound)
}

/// `PUT /api/v1/segments/{key}`: makes it, 201, or changes it to this, 200.
pub async fn put_segment(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let new = parse::<Input>(&body)?.parse()?;
    let tx = cx.db.begin().await?;
    let (segment, is_new) = commands::put(&tx, &path, new, &key.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    json(super::made(is_new), &Answer::from(segment))
}

/// `GET /api/v1/segments/{key}`
pub async fn get_segment(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    json(StatusCode::OK, &Answer::from(found(&cx, &path).await?))
}

/// `GET /api/v1/segments/{key}/count`: how many people are in it now.
pub async fn count_segment(
    key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let segment = found(&cx, &path).await?;
    if let Some(fault) = fault_of(&segment) {
        return Err(fault.into());
    }
    let count = store::count(&*cx.db, &segment, cx.clock.now(), key.club.timezone).await?;
    json(StatusCode::OK, &serde_json::json!({ "count": count }))
}
