//! A file on its way in, step by step: staged, its columns named, checked, confirmed, applied.
//! Every step is a conditional change of `imports.state`, so that a cancelled import stays so.

mod hold;
pub mod pages;
mod work;

pub use hold::{Of, clean, keep_house, recover};

use super::{Line, Options, csv_file, text_of};
use crate::accounts::Actor;
use crate::audience::contacts::store;
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::ImportState;
use crate::entity::imports;
use crate::web::{AppError, Result};
use csv::{Position, StringRecord};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most rows of a file.
pub const MOST_ROWS: usize = 200_000;
/// Rows staged by one statement.
const CHUNK: usize = 5000;

/// What is kept in `imports.options`: the choices, and what the check found beside its counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    choices: Options,
    consent: Consent,
}

/// How many consents an import changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Consent {
    opted_in: i64,
    opted_out: i64,
    /// Who left stays out, though the file says yes.
    kept_out: i64,
}

fn kept(import: &imports::Model) -> Kept {
    // One without choices has not got that far.
    serde_json::from_value(import.options.clone()).unwrap_or_default()
}

/// Stages a CSV file. Nothing of it is a contact yet.
async fn stage(cx: &Context, filename: &str, bytes: Vec<u8>, user: i64) -> Result<i64> {
    let (headers, records) = tokio::task::spawn_blocking(move || {
        let text = text_of(bytes).map_err(|message| AppError::invalid("file", message))?;
        csv_file::split(text.trim_start_matches('\u{feff}'))
            .map_err(|error| AppError::invalid("file", error.to_string()))
    })
    .await
    .map_err(anyhow::Error::from)??;
    if records.is_empty() || records.len() > MOST_ROWS {
        let message = "A file has a first line that names the columns, and 1 to 200,000 lines after it.";
        return Err(AppError::invalid("file", message));
    }
    if headers.len() > csv_file::MOST_COLUMNS {
        let message = format!("A file has at most {} columns.", csv_file::MOST_COLUMNS);
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
        let rows = chunk.iter().map(|record| {
            json!({
                "line": record.position().map_or(0, Position::line),
                "raw": json!(record.iter().collect::<Vec<_>>()).to_string(),
            })
        });
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(rows.collect(), &[("line", "BIGINT"), ("raw", "TEXT")]);
        let id = sql.bind(import.id);
        let text = format!(
            "INSERT INTO import_rows (import_id, line, raw) SELECT {id}, v.line, v.raw FROM {v} WHERE TRUE"
        );
        tx.execute_raw(sql.statement(text)).await?;
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
async fn start_reading(cx: &Context, id: i64, mapping: &[String], choices: Options) -> Result<()> {
    let known = store::attributes(&*cx.db).await?;
    csv_file::lines(
        &StringRecord::from(mapping.to_vec()),
        Vec::new(),
        &known,
        &choices,
    )
    .map_err(|error| AppError::invalid("", error.to_string()))?;
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Uploaded], ImportState::Reading).await?;
    let kept = Kept {
        choices,
        consent: Consent::default(),
    };
    let row = imports::ActiveModel {
        id: Set(id),
        mapping: Set(json!(mapping)),
        options: Set(json!(kept)),
        ..Default::default()
    };
    row.update(&*tx).await?;
    hold::take(&tx, id, cx.clock.now()).await?;
    tx.commit().await?;
    let cx = cx.clone();
    tokio::spawn(async move {
        let _hold = hold::keep(&cx, id);
        if let Err(error) = work::check(&cx, id).await {
            give_up(&cx, id, ImportState::Reading, &error).await;
        }
    });
    Ok(())
}

/// Applies what was previewed, in the background and in one transaction.
async fn confirm(cx: &Context, id: i64, actor: Actor) -> Result<()> {
    let tx = cx.db.begin().await?;
    advance(&tx, id, &[ImportState::Ready], ImportState::Applying).await?;
    hold::take(&tx, id, cx.clock.now()).await?;
    tx.commit().await?;
    let cx = cx.clone();
    tokio::spawn(async move {
        let _hold = hold::keep(&cx, id);
        if let Err(error) = work::apply_staged(&cx, id, &actor).await {
            give_up(&cx, id, ImportState::Applying, &error).await;
        }
    });
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
    tx.commit().await?;
    hold::drop_rows(&cx.db, "r.import_id = $1", vec![id.into()]).await?;
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
        hold::drop_rows(&cx.db, "r.import_id = $1", vec![id.into()]).await?;
        Result::Ok(())
    };
    match fail.await {
        Ok(()) | Err(AppError::Conflict(_)) => {}
        Err(error) => tracing::error!(error = format!("{error:?}"), "an import stays open"),
    }
}

async fn find(cx: &Context, id: i64) -> Result<imports::Model> {
    let import = imports::Entity::find_by_id(id).one(&*cx.db).await?;
    import.ok_or(AppError::NotFound)
}
