//! Reports as CSV, for spreadsheets: written row by row, and safe to open.

use super::clicks::Link;
use super::ledger::{self, Filter, Row};
use crate::context::Context;
use crate::domain::money::Currency;
use crate::entity::Timestamp;
use actix_web::web::Bytes;
use anyhow::{Context as _, Result};
use futures_util::Stream;
use futures_util::stream::try_unfold;

const PEOPLE: [&str; 16] = [
    "key",
    "first_name",
    "last_name",
    "channel",
    "address",
    "state",
    "reason",
    "reply",
    "sent_at",
    "delivered_at",
    "bounced_at",
    "opened_at",
    "clicked_at",
    "converted_at",
    "converted_value",
    "unsubscribed_at",
];

/// A cell that a spreadsheet does not take for a formula.
fn safe(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn written<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe(cell)))?;
    }
    Ok(writer.into_inner().context("a CSV could not be written")?.into())
}

fn cells(row: Row, currency: Currency) -> [String; 16] {
    let time = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| {
            at.0.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        })
    };
    let text = |text: Option<String>| text.unwrap_or_default();
    [
        text(row.key),
        text(row.first_name),
        text(row.last_name),
        row.channel.to_string(),
        row.address,
        row.state.to_string(),
        text(row.reason),
        text(row.reply),
        time(row.sent_at),
        time(row.delivered_at),
        time(row.bounced_at),
        time(row.opened_at),
        time(row.clicked_at),
        time(row.converted_at),
        row.converted_value
            .map_or_else(String::new, |value| currency.plain(value)),
        time(row.unsubscribed_at),
    ]
}

/// Where an export stands.
enum At {
    Head,
    Rows(Option<i64>),
    End,
}

/// The people of a campaign, a page of the ledger at a time. What a conversion was worth stands
/// there as a plain number, such as `45.50`.
pub fn people(
    cx: Context,
    campaign: i64,
    filter: Filter,
    currency: Currency,
) -> impl Stream<Item = Result<Bytes>> {
    try_unfold(At::Head, move |at| {
        let (cx, filter) = (cx.clone(), filter.clone());
        async move {
            let cursor = match at {
                At::Head => {
                    let head = written([PEOPLE.map(str::to_owned)])?;
                    return Ok(Some((head, At::Rows(None))));
                }
                At::Rows(cursor) => cursor,
                At::End => return Ok(None),
            };
            let page = ledger::page(&*cx.db, campaign, &filter, cursor, ledger::LARGEST).await?;
            let next = page.next.map_or(At::End, |key| At::Rows(Some(key)));
            Ok(Some((
                written(page.rows.into_iter().map(|row| cells(row, currency)))?,
                next,
            )))
        }
    })
}

/// The links of a campaign.
pub fn links(links: Vec<Link>) -> Result<Bytes> {
    let head = ["label", "url", "clicks", "people"].map(str::to_owned);
    let rows = links.into_iter().map(|link| {
        [
            link.label,
            link.url,
            link.clicks.to_string(),
            link.people.to_string(),
        ]
    });
    written(std::iter::once(head).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+44 20", "-1", "@SUM(A1)", "\tx"] {
            assert_eq!(safe(text), format!("'{text}"));
        }
        assert_eq!(safe("Ann"), "Ann");
        assert_eq!(safe(""), "");
    }
}
