//! What an import does in the background: checking the staged rows, and applying them.

use super::super::{Judge, apply};
use super::{Consent, Kept, Line, Options, advance, csv_file, find, finish, hold, kept};
use crate::accounts::Actor;
use crate::audience::contacts::batch::{Manner, SIZE};
use crate::audience::contacts::store;
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::ImportState;
use crate::entity::{import_rows, imports};
use crate::web::Result;
use csv::{Position, StringRecord};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde_json::json;

/// What became of the rows so far.
#[derive(Clone, Copy, Default)]
struct Counts {
    created: i64,
    updated: i64,
    refused: i64,
    read: i64,
}

/// The staged rows as the chosen columns read them.
async fn staged(cx: &Context, import: &imports::Model, options: &Options) -> Result<Vec<Line>> {
    let rows = import_rows::Entity::find()
        .filter(import_rows::Column::ImportId.eq(import.id))
        .order_by_asc(import_rows::Column::Line)
        .all(&*cx.db)
        .await?;
    let known = store::attributes(&*cx.db).await?;
    let mapping: Vec<String> = serde_json::from_value(import.mapping.clone()).map_err(anyhow::Error::from)?;
    let options = options.clone();
    tokio::task::spawn_blocking(move || {
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            let fields: Vec<String> = serde_json::from_str(&row.raw).map_err(anyhow::Error::from)?;
            let mut record = StringRecord::from(fields);
            let mut place = Position::new();
            place.set_line(row.line as u64);
            record.set_position(Some(place));
            records.push(record);
        }
        csv_file::lines(&StringRecord::from(mapping), records, &known, &options)
    })
    .await
    .map_err(anyhow::Error::from)?
}

/// Says of each row what confirming would do, without writing a contact.
pub(super) async fn check(cx: &Context, id: i64) -> Result<()> {
    let import = find(cx, id).await?;
    let choices = kept(&import).choices;
    let lines = staged(cx, &import, &choices).await?;
    let manner = Manner {
        source: choices.source(),
        may_resubscribe: choices.may_resubscribe,
        now: cx.clock.now(),
    };
    let mut judge = Judge::open(&*cx.db, manner).await?;
    let (mut counts, mut consent) = (Counts::default(), Consent::default());
    for lines in lines.chunks(SIZE) {
        let verdicts = judge.judge(&*cx.db, lines).await?;
        judge.slim();
        let mut refusals = Vec::new();
        for (line, verdict) in lines.iter().zip(verdicts) {
            match verdict {
                Ok(put) => {
                    match put.is_new {
                        true => counts.created += 1,
                        false => counts.updated += 1,
                    }
                    consent.opted_in += i64::from(put.heard.opted_in);
                    consent.opted_out += i64::from(put.heard.opted_out);
                    consent.kept_out += i64::from(put.heard.kept_out);
                }
                Err(reason) => refusals.push((line.number, reason)),
            }
        }
        counts.read += lines.len() as i64;
        counts.refused += refusals.len() as i64;
        let tx = cx.db.begin().await?;
        keep_progress(&tx, id, ImportState::Reading, counts).await?;
        refuse(&tx, id, &refusals).await?;
        tx.commit().await?;
    }
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Reading], ImportState::Ready).await?;
    let row = imports::ActiveModel {
        id: Set(id),
        options: Set(json!(Kept { choices, consent })),
        ..Default::default()
    };
    row.update(&*tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn keep_progress(tx: &Tx, id: i64, state: ImportState, counts: Counts) -> Result<()> {
    advance(tx, id, &[state], state).await?;
    let row = imports::ActiveModel {
        id: Set(id),
        created_count: Set(counts.created),
        updated_count: Set(counts.updated),
        refused_count: Set(counts.refused),
        read_rows: Set(counts.read),
        ..Default::default()
    };
    row.update(&**tx).await?;
    Ok(())
}

/// Keeps with each of these lines why it was refused.
async fn refuse(tx: &Tx, id: i64, refusals: &[(u64, String)]) -> Result<()> {
    for refusals in refusals.chunks(SIZE) {
        let rows = refusals
            .iter()
            .map(|(line, reason)| json!({"line": line, "reason": reason}));
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(rows.collect(), &[("line", "BIGINT"), ("reason", "TEXT")]);
        let id = sql.bind(id);
        let text = format!(
            "UPDATE import_rows SET refusal = v.reason FROM {v} \
             WHERE import_rows.import_id = {id} AND import_rows.line = v.line"
        );
        tx.execute_raw(sql.statement(text)).await?;
    }
    Ok(())
}

/// Writes what was previewed. The staged rows go afterwards, so that others wait no longer for it.
pub(super) async fn apply_staged(cx: &Context, id: i64, actor: &Actor) -> Result<()> {
    let import = find(cx, id).await?;
    let choices = kept(&import).choices;
    let lines = staged(cx, &import, &choices).await?;
    let tx = cx.db.begin().await?;
    let outcome = apply(&tx, &lines, &choices, actor, cx.clock.now()).await?;
    // People may have come and gone since the check.
    tx.execute_raw(tx.sql(
        "UPDATE import_rows SET refusal = NULL WHERE import_id = $1 AND refusal IS NOT NULL",
        [id.into()],
    ))
    .await?;
    let refusals: Vec<_> = outcome
        .report
        .iter()
        .map(|refused| (refused.line, refused.reason.clone()))
        .collect();
    refuse(&tx, id, &refusals).await?;
    let counts = Counts {
        created: outcome.created as i64,
        updated: outcome.updated as i64,
        refused: outcome.refused as i64,
        read: import.total_rows,
    };
    keep_progress(&tx, id, ImportState::Applying, counts).await?;
    finish(&tx, id, &[ImportState::Applying], ImportState::Done, None, cx).await?;
    tx.commit().await?;
    // Only what was refused is asked for again. What is left here is dropped by `clean`.
    let accepted = "r.import_id = $1 AND r.refusal IS NULL";
    if let Err(error) = hold::drop_rows(&cx.db, accepted, vec![id.into()]).await {
        tracing::warn!(id, %error, "the staged rows of an import stay for now");
    }
    Ok(())
}
