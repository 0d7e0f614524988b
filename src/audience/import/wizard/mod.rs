//! A file on its way in, step by step: staged, its columns named, checked, confirmed, applied.
//! Every step is a conditional change of `imports.state`, so that a cancelled import stays so.

pub mod pages;

use super::{Line, Seen, apply, csv_file, sentence};
use crate::accounts::Actor;
use crate::audience::contacts::{commands, store};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::ImportState;
use crate::entity::{import_rows, imports};
use crate::web::{AppError, Result};
use csv::{Position, StringRecord};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most rows of a file.
pub const MOST_ROWS: usize = 200_000;
/// Rows staged or checked between two looks at the clock.
const CHUNK: usize = 500;

/// What staff say of a file as a whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Choices {
    source: String,
    may_resubscribe: bool,
}

/// Stages a CSV file. Nothing of it is a contact yet.
async fn stage(cx: &Context, filename: &str, bytes: Vec<u8>, user: i64) -> Result<i64> {
    let text = String::from_utf8(bytes).map_err(|_| {
        AppError::invalid(
            "file",
            "The file is not in UTF-8; save it as “CSV UTF-8” and try again.",
        )
    })?;
    let (headers, records) = csv_file::split(text.trim_start_matches('\u{feff}'))
        .map_err(|error| AppError::invalid("file", error.to_string()))?;
    if records.is_empty() || records.len() > MOST_ROWS {
        let message = "A file has a first line that names the columns, and 1 to 200,000 lines after it.";
        return Err(AppError::invalid("file", message));
    }
    let tx = cx.db.begin().await?;
    let import = imports::ActiveModel {
        id: NotSet,
        state: Set(ImportState::Uploaded),
        filename: Set(filename.chars().filter(|c| !c.is_control()).take(200).collect()),
        columns: Set(json!(headers.iter().collect::<Vec<_>>())),
        mapping: Set(json!([])),
        options: Set(json!({})),
        total_rows: Set(records.len() as i64),
        read_rows: Set(0),
        created_count: Set(0),
        updated_count: Set(0),
        refused_count: Set(0),
        error: Set(None),
        created_by: Set(Some(user)),
        created_at: Set(cx.clock.now().into()),
        finished_at: Set(None),
    };
    let import = import.insert(&*tx).await?;
    for chunk in records.chunks(CHUNK) {
        let rows = chunk.iter().map(|record| import_rows::ActiveModel {
            import_id: Set(import.id),
            line: Set(record.position().map_or(0, Position::line) as i64),
            raw: Set(json!(record.iter().collect::<Vec<_>>()).to_string()),
            parsed: Set(None),
            refusal: Set(None),
        });
        import_rows::Entity::insert_many(rows)
            .exec_without_returning(&*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(import.id)
}

/// Moves an import on, where it still is in one of the states `from`.
async fn advance(tx: &Tx, id: i64, from: &[ImportState], to: ImportState) -> Result<()> {
    let moved = imports::Entity::update_many()
        .col_expr(imports::Column::State, Expr::value(to))
        .filter(imports::Column::Id.eq(id))
        .filter(imports::Column::State.is_in(from.iter().copied()))
        .exec(&**tx)
        .await?;
    match moved.rows_affected {
        0 => Err(AppError::Conflict(
            "This import has moved on already; reload the page.".into(),
        )),
        _ => Ok(()),
    }
}

/// Keeps the columns' names and the choices, and checks the rows in the background.
async fn start_reading(cx: &Context, id: i64, mapping: &[String], choices: &Choices) -> Result<()> {
    let known = store::attributes(&*cx.db).await?;
    csv_file::lines(&StringRecord::from(mapping.to_vec()), Vec::new(), &known, None)
        .map_err(|error| AppError::invalid("", error.to_string()))?;
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Uploaded], ImportState::Reading).await?;
    let row = imports::ActiveModel {
        id: Set(id),
        mapping: Set(json!(mapping)),
        options: Set(json!(choices)),
        ..Default::default()
    };
    row.update(&*tx).await?;
    tx.commit().await?;
    let cx = cx.clone();
    tokio::spawn(async move {
        if let Err(error) = check(&cx, id).await {
            give_up(&cx, id, ImportState::Reading, &error).await;
        }
    });
    Ok(())
}

/// The staged rows as the chosen columns read them.
async fn staged(cx: &Context, import: &imports::Model) -> Result<Vec<Line>> {
    let rows = import_rows::Entity::find()
        .filter(import_rows::Column::ImportId.eq(import.id))
        .order_by_asc(import_rows::Column::Line)
        .all(&*cx.db)
        .await?;
    let known = store::attributes(&*cx.db).await?;
    let mapping: Vec<String> = serde_json::from_value(import.mapping.clone()).map_err(anyhow::Error::from)?;
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
        csv_file::lines(&StringRecord::from(mapping), records, &known, None)
    })
    .await
    .map_err(anyhow::Error::from)?
}

/// Says of each row what confirming would do, without writing a contact.
async fn check(cx: &Context, id: i64) -> Result<()> {
    let import = find(cx, id).await?;
    let lines = staged(cx, &import).await?;
    let (mut created, mut updated, mut refused) = (0, 0, 0);
    let mut seen = Seen::default();
    let mut read = 0;
    for chunk in lines.chunks(CHUNK) {
        let mut refusals = Vec::new();
        for line in chunk {
            let new = line.contact.as_ref().map_err(Clone::clone);
            let known = match new.and_then(|new| seen.before(new).map_or(Ok(new), Err)) {
                Err(reason) => Err(reason),
                Ok(new) => match commands::same_person(&*cx.db, new).await {
                    Ok(known) => {
                        seen.add(new, line.number);
                        Ok(known.is_some())
                    }
                    Err(AppError::Invalid(errors)) => Err(sentence(&errors)),
                    Err(error) => return Err(error),
                },
            };
            match known {
                Ok(true) => updated += 1,
                Ok(false) => created += 1,
                Err(reason) => refusals.push((line.number as i64, reason)),
            }
        }
        read += chunk.len() as i64;
        refused += refusals.len() as i64;
        let tx = cx.db.begin().await?;
        let counts = [created, updated, refused, read];
        keep_progress(&tx, id, ImportState::Reading, counts, &refusals).await?;
        tx.commit().await?;
    }
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Reading], ImportState::Ready).await?;
    tx.commit().await?;
    Ok(())
}

async fn keep_progress(
    tx: &Tx,
    id: i64,
    state: ImportState,
    [created, updated, refused, read]: [i64; 4],
    refusals: &[(i64, String)],
) -> Result<()> {
    advance(tx, id, &[state], state).await?;
    let row = imports::ActiveModel {
        id: Set(id),
        created_count: Set(created),
        updated_count: Set(updated),
        refused_count: Set(refused),
        read_rows: Set(read),
        ..Default::default()
    };
    row.update(&**tx).await?;
    for (line, reason) in refusals {
        let row = import_rows::ActiveModel {
            import_id: Set(id),
            line: Set(*line),
            refusal: Set(Some(reason.clone())),
            ..Default::default()
        };
        row.update(&**tx).await?;
    }
    Ok(())
}

/// Applies what was previewed, in the background and in one transaction.
async fn confirm(cx: &Context, id: i64, actor: Actor) -> Result<()> {
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Ready], ImportState::Applying).await?;
    tx.commit().await?;
    let cx = cx.clone();
    tokio::spawn(async move {
        if let Err(error) = apply_staged(&cx, id, &actor).await {
            give_up(&cx, id, ImportState::Applying, &error).await;
        }
    });
    Ok(())
}

async fn apply_staged(cx: &Context, id: i64, actor: &Actor) -> Result<()> {
    let import = find(cx, id).await?;
    let choices: Choices = serde_json::from_value(import.options.clone()).map_err(anyhow::Error::from)?;
    let lines = staged(cx, &import).await?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let outcome = apply(&tx, lines, &choices.source, choices.may_resubscribe, actor, now).await?;
    let refusals: Vec<_> = outcome
        .report
        .iter()
        .map(|refused| (refused.line as i64, refused.reason.clone()))
        .collect();
    let counts = [outcome.created, outcome.updated, outcome.refused].map(|count| count as i64);
    let [created, updated, refused] = counts;
    let counts = [created, updated, refused, import.total_rows];
    keep_progress(&tx, id, ImportState::Applying, counts, &refusals).await?;
    finish(&tx, id, &[ImportState::Applying], ImportState::Done, None, cx).await?;
    // Only what was refused is asked for again.
    import_rows::Entity::delete_many()
        .filter(import_rows::Column::ImportId.eq(id))
        .filter(import_rows::Column::Refusal.is_null())
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn finish(
    tx: &Tx,
    id: i64,
    from: &[ImportState],
    to: ImportState,
    error: Option<String>,
    cx: &Context,
) -> Result<()> {
    advance(tx, id, from, to).await?;
    let row = imports::ActiveModel {
        id: Set(id),
        error: Set(error),
        finished_at: Set(Some(cx.clock.now().into())),
        ..Default::default()
    };
    row.update(&**tx).await?;
    Ok(())
}

/// Throws the staged rows away. What was applied already stays.
async fn cancel(cx: &Context, id: i64) -> Result<()> {
    let open = [ImportState::Uploaded, ImportState::Reading, ImportState::Ready];
    let tx = cx.db.begin().await?;
    finish(&tx, id, &open, ImportState::Cancelled, None, cx).await?;
    import_rows::Entity::delete_many()
        .filter(import_rows::Column::ImportId.eq(id))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Says that a step failed. An import that was cancelled meanwhile is no failure.
async fn give_up(cx: &Context, id: i64, state: ImportState, error: &AppError) {
    tracing::warn!(id, error = format!("{error:?}"), "an import ended early");
    let fail = async {
        let tx = cx.db.begin().await?;
        finish(
            &tx,
            id,
            &[state],
            ImportState::Failed,
            Some(error.to_string()),
            cx,
        )
        .await?;
        tx.commit().await?;
        Result::Ok(())
    };
    match fail.await {
        Ok(()) | Err(AppError::Conflict(_)) => {}
        Err(error) => tracing::error!(error = format!("{error:?}"), "an import stays open"),
    }
}

/// At the start: what a process that is gone was doing has failed, and nothing of it was written.
pub async fn recover(cx: &Context) -> Result<()> {
    let tx = cx.db.begin().await?;
    let sentence =
        "Fairway was stopped during this import. Nothing of it was written; upload the file again.";
    imports::Entity::update_many()
        .col_expr(imports::Column::State, Expr::value(ImportState::Failed))
        .col_expr(imports::Column::Error, Expr::value(sentence))
        .filter(imports::Column::State.is_in([ImportState::Reading, ImportState::Applying]))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn find(cx: &Context, id: i64) -> Result<imports::Model> {
    let import = imports::Entity::find_by_id(id).one(&*cx.db).await?;
    import.ok_or(AppError::NotFound)
}
