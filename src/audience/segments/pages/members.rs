//! Adding people to a list by pasting their keys or e-mail addresses, and taking them off it.

use super::super::commands::{self, Added, MOST_LINES};
use super::load;
use super::show::{Paste, show};
use crate::accounts::{Manager, Staff};
use crate::context::Context;
use crate::domain::SegmentKind;
use crate::web::filters::group;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, see_other};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Deserialize;

/// The longest paste, in bytes.
const LONGEST: usize = 1_000_000;
/// How many unknown lines are named.
const NAMED: usize = 100;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PasteForm {
    people: String,
}

/// `POST /segments/{id}/members`: those who are known are added; the other lines come back.
pub async fn add_members(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
    Form(form): Form<PasteForm>,
) -> Result<HttpResponse> {
    let segment = load(&cx, *id).await?;
    if segment.kind != SegmentKind::Static {
        return Err(AppError::Conflict(
            "This segment is a rule; people come into it by fitting the rule.".into(),
        ));
    }
    // Numbers as the text box counts them, blank lines too.
    let (numbers, lines): (Vec<usize>, Vec<String>) = form
        .people
        .lines()
        .enumerate()
        .map(|(place, line)| (place + 1, line.trim().trim_end_matches([',', ';']).to_owned()))
        .filter(|(_, line)| !line.is_empty())
        .unzip();
    let refusal = match lines.len() {
        0 => Some("Paste at least one key or e-mail address.".to_owned()),
        n if n > MOST_LINES || form.people.len() > LONGEST => Some(format!(
            "At most {} lines at once.",
            group(i64::try_from(MOST_LINES).unwrap_or(i64::MAX))
        )),
        _ if form.people.contains('\0') => Some("This holds a control character; remove it.".to_owned()),
        _ => None,
    };
    if let Some(message) = refusal {
        let paste = Paste {
            text: form.people,
            ..Paste::default()
        };
        return show(&cx, &staff, segment, 1, paste, FormErrors::one("people", message)).await;
    }
    let tx = cx.db.begin().await?;
    let added = commands::add_members(&tx, &segment, &lines, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    let done = in_words(&added);
    if added.unknown.is_empty() {
        staff.flash("ok", done);
        return Ok(see_other(hx, &format!("/segments/{id}")));
    }
    let left: Vec<_> = added.unknown.iter().map(|(_, text)| text.as_str()).collect();
    let unknown = added.unknown.iter().take(NAMED);
    let paste = Paste {
        text: left.join("\n"),
        unknown: unknown
            .map(|(place, text)| (numbers.get(*place).copied().unwrap_or(place + 1), text.clone()))
            .collect(),
        done,
    };
    let message = match added.unknown.len() {
        1 => "One line names nobody. Put it right and add it again.".to_owned(),
        n => format!("{n} lines name nobody. Put them right and add them again."),
    };
    show(&cx, &staff, segment, 1, paste, FormErrors::one("people", message)).await
}

fn in_words(added: &Added) -> String {
    let count = |n: u64| group(i64::try_from(n).unwrap_or(i64::MAX));
    let mut text = match added.added {
        0 => "Nobody was added.".to_owned(),
        1 => "One person was added.".to_owned(),
        n => format!("{} people were added.", count(n)),
    };
    match added.already {
        0 => {}
        1 => text.push_str(" One was on the list already."),
        n => text.push_str(&format!(" {} were on the list already.", count(n))),
    }
    text
}

/// `POST /segments/{id}/members/{contact}/remove`
pub async fn remove_member(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    path: Path<(i64, i64)>,
) -> Result<HttpResponse> {
    let (id, contact_id) = *path;
    let segment = load(&cx, id).await?;
    let tx = cx.db.begin().await?;
    if commands::remove_member(&tx, &segment, contact_id, &staff.actor(), cx.clock.now()).await? {
        staff.flash("ok", "That person is off the list.");
    }
    tx.commit().await?;
    Ok(see_other(hx, &format!("/segments/{id}")))
}
