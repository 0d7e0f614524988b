//! Changing one occurrence and no other: skipped, sent at another time, or with a subject or a
//! template of its own.

use super::commands::write;
use super::{Plan, store};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::campaigns::checklist::zone;
use crate::campaigns::store as campaigns_store;
use crate::content::compile;
use crate::content::store as templates;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::{Channel, OccurrenceState, Status, schedule};
use crate::entity::{campaign_contents, campaigns, occurrences};
use crate::web::filters::local;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::json;

/// What is changed of one; `None` stays as it is, and `Some(None)` is the campaign's again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub skip: Option<bool>,
    /// `Some(None)`: when the rule has it.
    pub at: Option<Option<DateTime<Utc>>>,
    pub subject: Option<Option<String>>,
    pub template: Option<Option<i64>>,
}

/// Changes an occurrence that is to come.
///
/// # Errors
/// `NotFound` where there is no such occurrence to come; `Conflict` where the campaign is no more
/// to be sent; `Invalid` with what is wrong.
pub async fn change(
    cx: &Context,
    id: i64,
    original: DateTime<Utc>,
    change: &Change,
    actor: &Actor,
) -> Result<()> {
    let now = cx.clock.now();
    check_content(cx, id, change).await?;
    let tx = cx.db.begin().await?;
    let campaign = lock(&tx, id).await?;
    let repetition = store::repetition(&*tx, id).await?.ok_or(AppError::NotFound)?;
    let reached = repetition.reached.0;
    let plan = store::plan(&*tx, &campaign, reached).await?;
    let plan = plan.ok_or(AppError::NotFound)?;
    let before = to_come(&plan, &campaign, original, reached, now)?;
    let after = applied(&before, change, now);
    check_time(&plan, &after, change, now)?;
    if after == before {
        return Ok(());
    }
    write(&tx, &after).await?;
    replan(&tx, &campaign, reached).await?;
    let detail = json!({
        "of": local(original, plan.zone),
        "moved to": after.moved_to.filter(|_| after.moved_to != before.moved_to).map(|at| local(at.0, plan.zone)),
        "subject": after.subject.as_ref().filter(|_| after.subject != before.subject),
    });
    let action = match (before.state, after.state) {
        (OccurrenceState::Planned, OccurrenceState::Skipped) => "skipped an occurrence",
        (OccurrenceState::Skipped, OccurrenceState::Planned) => "restored an occurrence",
        _ => "changed an occurrence",
    };
    audit::record(&tx, now, actor, action, Subject("campaign", Some(id)), detail).await?;
    tx.commit().await?;
    cx.bell.ring();
    Ok(())
}

/// Locks the campaign, and lets what was seen of it before be known as old.
async fn lock(tx: &Tx, id: i64) -> Result<campaigns::Model> {
    let locked = tx
        .execute_raw(tx.sql(
            "UPDATE campaigns SET revision = revision + 1 \
             WHERE id = $1 AND status IN ('SCHEDULED', 'ACTIVE', 'PAUSED')",
            [id.into()],
        ))
        .await?;
    let campaign = campaigns_store::find(&**tx, id)
        .await?
        .ok_or(AppError::NotFound)?;
    match locked.rows_affected() {
        0 => Err(AppError::Conflict(format!(
            "This campaign is {}, so no single occurrence of it can be changed.",
            campaign.status
        ))),
        _ => Ok(campaign),
    }
}

/// An occurrence as it is now, where it is still to come.
fn to_come(
    plan: &Plan,
    campaign: &campaigns::Model,
    original: DateTime<Utc>,
    reached: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<occurrences::Model> {
    let blank = occurrences::Model {
        id: 0,
        campaign_id: campaign.id,
        original: original.into(),
        state: OccurrenceState::Planned,
        moved_to: None,
        subject: None,
        template_id: None,
        reason: None,
        run_id: None,
        updated_at: now.into(),
    };
    let is_planned = original > reached && original > now && plan.recurrence.is_at(original, plan.zone);
    match plan.row(original) {
        Some(row) if row.state == OccurrenceState::Planned && row.moved_to.is_some() => Ok(row.clone()),
        Some(row)
            if matches!(row.state, OccurrenceState::Planned | OccurrenceState::Skipped) && is_planned =>
        {
            Ok(row.clone())
        }
        None if is_planned => Ok(blank),
        _ => Err(AppError::NotFound),
    }
}

fn applied(before: &occurrences::Model, change: &Change, now: DateTime<Utc>) -> occurrences::Model {
    let mut after = before.clone();
    match change.skip {
        Some(true) => {
            after.state = OccurrenceState::Skipped;
            after.reason = Some("Staff skipped it.".into());
        }
        Some(false) => (after.state, after.reason) = (OccurrenceState::Planned, None),
        None => {}
    }
    if let Some(at) = change.at {
        after.moved_to = at.filter(|at| *at != before.original.0).map(Into::into);
    }
    if let Some(subject) = &change.subject {
        after.subject.clone_from(subject);
    }
    if let Some(template) = change.template {
        after.template_id = template;
    }
    if after != *before {
        after.updated_at = now.into();
    }
    after
}

/// Refuses a time that is past or another's, and skipping all that is left.
fn check_time(plan: &Plan, after: &occurrences::Model, change: &Change, now: DateTime<Utc>) -> Result<()> {
    let original = after.original.0;
    let others: Vec<_> = plan
        .upcoming(now, 200)
        .into_iter()
        .filter(|one| one.original != original && !one.is_skipped())
        .collect();
    if after.state == OccurrenceState::Skipped {
        return match others.is_empty() {
            true => Err(AppError::Conflict(
                "It is the last one that is to come. Stop the campaign instead.".into(),
            )),
            false => Ok(()),
        };
    }
    let at = after.moved_to.map_or(original, |at| at.0);
    if change.at.is_none() && change.skip.is_none() {
        return Ok(());
    }
    if let Some(refusal) = schedule::refusal(at, now, plan.zone) {
        return Err(AppError::invalid("at", refusal));
    }
    match others.iter().any(|one| one.at == at) {
        true => Err(AppError::invalid(
            "at",
            "Another one is sent at this time. Choose another.",
        )),
        false => Ok(()),
    }
}

/// A subject or a template of its own must be one that can be sent.
async fn check_content(cx: &Context, campaign: i64, change: &Change) -> Result<()> {
    let subject = change.subject.clone().flatten();
    let template = change.template.flatten();
    if subject.is_none() && template.is_none() {
        return Ok(());
    }
    let template = match template {
        Some(id) => Some(id),
        None => campaign_contents::Entity::find_by_id((campaign, Channel::Email))
            .one(&*cx.db)
            .await?
            .and_then(|row| row.template_id),
    };
    let version = match template {
        Some(id) => templates::current_version(&*cx.db, id).await?,
        None => None,
    };
    let Some(mut version) = version else {
        return Err(AppError::invalid(
            "templateId",
            "This template is empty: write it first.",
        ));
    };
    if let Some(subject) = subject {
        version.subject = subject;
    }
    let compiled = tokio::task::spawn_blocking(move || compile(&version)).await;
    let problem = match compiled {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(problems)) => problems.into_iter().next(),
        Err(_) => None,
    };
    let mut errors = FormErrors::default();
    match problem {
        Some(problem) if problem.part == crate::content::render::Part::Subject => {
            errors.add("subject", problem.message);
        }
        Some(problem) => errors.add("templateId", format!("It cannot be sent. {problem}")),
        None => errors.add("templateId", "It cannot be read."),
    }
    Err(AppError::Invalid(errors))
}

/// Reckons anew when the next one is due; a campaign that has not begun begins with it.
async fn replan(tx: &Tx, campaign: &campaigns::Model, reached: DateTime<Utc>) -> Result<()> {
    let plan = store::plan(&**tx, campaign, reached).await?;
    let next = plan.and_then(|plan| plan.next_at(reached));
    super::commands::advance(tx, campaign.id, reached, reached, next).await?;
    if campaign.status == Status::Scheduled {
        tx.execute_raw(tx.sql(
            "UPDATE campaigns SET scheduled_at = $1 WHERE id = $2",
            [next.map(|at| at.timestamp_millis()).into(), campaign.id.into()],
        ))
        .await?;
    }
    Ok(())
}

/// One occurrence to come, for a page.
pub async fn find(
    cx: &Context,
    campaign: &campaigns::Model,
    original: DateTime<Utc>,
) -> Result<occurrences::Model> {
    let repetition = store::repetition(&*cx.db, campaign.id).await?;
    let reached = repetition.ok_or(AppError::NotFound)?.reached.0;
    let plan = store::plan(&*cx.db, campaign, reached).await?;
    let plan = plan.ok_or(AppError::NotFound)?;
    debug_assert_eq!(plan.zone, zone(campaign));
    to_come(&plan, campaign, original, reached, cx.clock.now())
}
