//! Changing a campaign: only while it may be changed, only what somebody saw, and a scheduled one
//! only so that it can still be sent.

use super::draft::{self, Changes, Content};
use super::{checklist, recurring, store};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::campaign::is_editable;
use crate::domain::{Channel, Status};
use crate::entity::{audit_log, campaign_contents, campaigns};
use crate::web::{AppError, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Changes a draft or a scheduled campaign, and answers with it. A scheduled one stays scheduled,
/// so it is looked at as a whole before. With a `revision`, only if nobody changed it since.
///
/// # Errors
/// `Conflict` where it may not be changed any more or somebody was quicker; `Invalid` where a
/// change means nothing to its type, or a scheduled campaign could not be sent any more.
pub async fn edit(
    cx: &Context,
    id: i64,
    revision: Option<i64>,
    changes: &Changes,
    actor: &Actor,
) -> Result<campaigns::Model> {
    loop {
        let seen = store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
        if !is_editable(seen.status) {
            return Err(no_longer_editable(seen.status));
        }
        if revision.is_some_and(|revision| revision != seen.revision) {
            return Err(changed_meanwhile());
        }
        changes.suit(changes.kind.unwrap_or(seen.kind))?;
        let now = cx.clock.now();
        let after = changes.apply(&seen, now);
        let before = store::contents(&*cx.db, id).await?;
        let contents = changes.contents_after(&before);
        let fields = changed_fields(&seen, &after, before != contents);
        if fields.is_empty() {
            return Ok(seen);
        }
        if seen.status == Status::Scheduled {
            let report = checklist::report(&*cx.db, &after, &contents, now).await?;
            report.errors().or(|| ())?;
        }
        let tx = cx.db.begin().await?;
        if update(&tx, &seen, after, now).await? {
            write_contents(&tx, id, &changes.contents).await?;
            record_edit(&tx, &seen, &fields, actor, now).await?;
            if seen.status == Status::Scheduled {
                let campaign = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
                recurring::commands::begin(&tx, &campaign, now).await?;
            }
            let campaign = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
            tx.commit().await?;
            cx.bell.ring();
            return Ok(campaign);
        }
        // Somebody was quicker: what is there now decides.
        drop(tx);
    }
}

/// Says what a campaign says, on all its channels at once. A channel of `None` says nothing.
pub async fn set_content(
    cx: &Context,
    id: i64,
    contents: BTreeMap<Channel, Option<Content>>,
    actor: &Actor,
) -> Result<campaigns::Model> {
    let changes = Changes {
        contents,
        ..Changes::default()
    };
    edit(cx, id, None, &changes, actor).await
}

fn no_longer_editable(status: Status) -> AppError {
    AppError::Conflict(format!(
        "This campaign is {status}; only a DRAFT or a SCHEDULED one can be changed. Duplicate it to send something else."
    ))
}

pub(super) fn changed_meanwhile() -> AppError {
    AppError::Conflict("Somebody else changed this campaign while you were at it.".into())
}

/// Writes what may be edited; `false` where the row is not the one that was seen. Never the
/// status: that is `lifecycle`'s.
async fn update(
    tx: &Tx,
    seen: &campaigns::Model,
    after: campaigns::Model,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut row = after.into_active_model().reset_all();
    row.id = NotSet;
    row.status = NotSet;
    row.pause_reason = NotSet;
    row.created_by = NotSet;
    row.created_at = NotSet;
    row.started_at = NotSet;
    row.finished_at = NotSet;
    row.updated_at = Set(now.into());
    row.revision = Set(seen.revision + 1);
    let written = campaigns::Entity::update_many()
        .set(row)
        .filter(campaigns::Column::Id.eq(seen.id))
        .filter(campaigns::Column::Revision.eq(seen.revision))
        .filter(campaigns::Column::Status.eq(seen.status))
        .exec(&**tx)
        .await?;
    Ok(written.rows_affected == 1)
}

pub(super) async fn write_contents(
    tx: &Tx,
    campaign: i64,
    contents: &BTreeMap<Channel, Option<Content>>,
) -> Result<()> {
    for (channel, content) in contents {
        campaign_contents::Entity::delete_by_id((campaign, *channel))
            .exec(&**tx)
            .await?;
        let (template_id, body) = match content {
            Some(Content::Template(id)) => (Some(*id), json!({})),
            Some(Content::Inline(body)) => (None, body.clone()),
            None => continue,
        };
        campaign_contents::Entity::insert(campaign_contents::ActiveModel {
            campaign_id: Set(campaign),
            channel: Set(*channel),
            template_id: Set(template_id),
            body: Set(body),
        })
        .exec_without_returning(&**tx)
        .await?;
    }
    Ok(())
}

/// What an edit changes, as staff read it.
fn changed_fields(
    before: &campaigns::Model,
    after: &campaigns::Model,
    is_content_changed: bool,
) -> Vec<&'static str> {
    let sender = |c: &campaigns::Model| (c.sender_name.clone(), c.sender_email.clone(), c.reply_to.clone());
    let plan = |c: &campaigns::Model| (c.recurrence.clone(), c.trigger.clone(), c.journey.clone());
    [
        ("name", before.name != after.name),
        ("type", before.kind != after.kind),
        ("purpose", before.purpose != after.purpose),
        ("topic", before.topic_id != after.topic_id),
        (
            "audience",
            (before.segment_id, before.only_new) != (after.segment_id, after.only_new),
        ),
        ("channels", before.channels != after.channels),
        ("content", is_content_changed),
        ("sender", sender(before) != sender(after)),
        (
            "time",
            (before.send_now, before.scheduled_at) != (after.send_now, after.scheduled_at),
        ),
        ("time zone", before.timezone != after.timezone),
        ("repetition or steps", plan(before) != plan(after)),
        ("feed", before.feed != after.feed),
        ("goal", before.goal != after.goal),
        ("what happens in doubt", before.in_doubt != after.in_doubt),
        ("how it goes out", draft::pacing(before) != draft::pacing(after)),
        ("variants", before.experiment != after.experiment),
    ]
    .into_iter()
    .filter_map(|(name, is_changed)| is_changed.then_some(name))
    .collect()
}

/// A draft that saves itself would fill its history: what the same person did to it within this
/// time stands there once.
const ONE_SITTING: TimeDelta = TimeDelta::minutes(10);

async fn record_edit(
    tx: &Tx,
    seen: &campaigns::Model,
    fields: &[&str],
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let subject = Subject("campaign", Some(seen.id));
    let last = audit::of(&**tx, subject, 1).await?.pop();
    let is_said = |line: &audit_log::Model| {
        let said = line.detail["changed"].as_str().unwrap_or_default();
        line.action == "edited"
            && (line.user_id, &line.actor) == (actor.user_id, &actor.name)
            && now - line.at.0 < ONE_SITTING
            && fields
                .iter()
                .all(|field| said.split(", ").any(|name| name == *field))
    };
    if seen.status == Status::Draft && last.as_ref().is_some_and(is_said) {
        return Ok(());
    }
    let detail = json!({ "changed": fields.join(", ") });
    audit::record(tx, now, actor, "edited", subject, detail).await?;
    Ok(())
}
