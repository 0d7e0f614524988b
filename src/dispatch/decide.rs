//! What a row of the ledger becomes after what a worker says of it. Pure: the row was read, locked,
//! in the transaction that writes the answer.

use super::ledger::{Change, Row};
use crate::domain::DeliveryState::Sending;
use crate::domain::delivery::{Event, Reason, transition};
use crate::domain::retry::{self, Next, Outcome};
use crate::domain::{Channel, DeliveryState, InDoubt, Status};
use crate::messaging::{Receipt, SendError};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// What a worker says of a delivery that it holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// May it be handed over now?
    Ask { message_id: String },
    /// It was taken.
    Taken(Receipt),
    /// It was not taken, or nobody knows. Where there was no connection it is tried again after
    /// `rest`.
    Refused { error: SendError, rest: Duration },
    /// The template cannot be rendered for this person.
    Unrenderable(String),
    /// Given back unsent.
    Back,
    /// Its lease ended: the process that held it is gone.
    Orphaned,
}

/// Whether a message may be handed over now, as it is known in this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave<'a> {
    Given,
    /// The person is not to be contacted, for this reason.
    Skip(&'a str),
    /// Not before then.
    Wait(DateTime<Utc>),
}

/// Decides. `leave` is for what asks for it.
pub fn decide(row: &Row, word: &Word, leave: Leave<'_>, now: DateTime<Utc>) -> Change {
    let mut change = Change::of(row);
    match word {
        Word::Ask { message_id } => ask(&mut change, row, message_id, leave, now),
        Word::Taken(receipt) => {
            change.state = becomes(Event::Accept);
            change.reply = Some(clean(&receipt.reply));
            change.provider_id.clone_from(&receipt.provider_id);
            change.permalink.clone_from(&receipt.permalink);
            change.sent_at = Some(now.timestamp_millis());
            if receipt.is_delivered {
                change.delivered_at = change.sent_at;
            }
        }
        Word::Refused { error, rest } => refuse(&mut change, row, error, *rest, now),
        Word::Unrenderable(why) => {
            end(&mut change, row, Event::Fail, Reason::Unrenderable.as_str());
            change.reply = Some(clean(why));
        }
        Word::Back => release(&mut change, row),
        Word::Orphaned if row.handed_at.is_none() => release(&mut change, row),
        Word::Orphaned => doubt(&mut change, row, now, Some(Duration::ZERO)),
    }
    change
}

/// Leave to hand it over: not while the campaign is paused or cancelled, not to a person who was
/// erased or opted out since, and not while it is quiet where they are.
fn ask(change: &mut Change, row: &Row, message_id: &str, leave: Leave<'_>, now: DateTime<Utc>) {
    if row.status != Status::Active {
        return release(change, row);
    }
    match leave {
        Leave::Skip(reason) => end(change, row, Event::Skip, reason),
        Leave::Wait(until) => {
            release(change, row);
            change.due_at = until.timestamp_millis();
        }
        Leave::Given => {
            change.attempt += 1;
            change.handed_at = Some(now.timestamp_millis());
            change.message_id = Some(message_id.to_owned());
        }
    }
}

fn refuse(change: &mut Change, row: &Row, error: &SendError, rest: Duration, now: DateTime<Utc>) {
    change.reply = Some(clean(&error.to_string()));
    let outcome = match error {
        SendError::Unreachable { .. } | SendError::Sender { .. } => {
            // Nothing was tried with this message, so it was no attempt.
            change.attempt -= 1;
            release(change, row);
            change.due_at = after(now, rest);
            return;
        }
        SendError::Ambiguous { .. } => return doubt(change, row, now, None),
        SendError::Permanent { .. } => Outcome::Permanent,
        SendError::Interrupted { .. } => Outcome::Interrupted,
        SendError::Temporary { retry_after, .. } => Outcome::Temporary {
            retry_after: *retry_after,
        },
    };
    match retry::next(row.attempt, outcome, row.id) {
        Next::RetryAfter(delay) => {
            change.state = still_wanted(row, Event::Defer);
            change.due_at = after(now, delay);
            change.handed_at = None;
        }
        Next::GiveUp | Next::Unknown => {
            let reason = match outcome {
                Outcome::Permanent => Reason::Refused,
                _ => Reason::GivenUp,
            };
            end(change, row, Event::Fail, reason.as_str());
        }
    }
}

/// Not sent after all, for a reason; unless an attempt before may have been taken: then nobody knows
/// whether the person has it, and the ledger does not say that they have not.
fn end(change: &mut Change, row: &Row, by: Event, reason: &str) {
    match row.reason.as_deref() == Some(Reason::InDoubt.as_str()) {
        true => change.state = becomes(Event::Doubt),
        false => {
            change.state = becomes(by);
            change.reason = Some(reason.to_owned());
        }
    }
}

/// It may have been taken. Tried again as the campaign says, after `delay` where the process died,
/// else as after any attempt; never once the campaign is cancelled.
fn doubt(change: &mut Change, row: &Row, now: DateTime<Utc>, delay: Option<Duration>) {
    let policy = match row.status {
        Status::Cancelled => InDoubt::Leave,
        // It is looked up first, so that nothing is posted twice.
        _ if row.channel == Channel::Social => InDoubt::Retry,
        _ => row.in_doubt,
    };
    // A post of a moment ago may not be found yet where it is looked up.
    let delay = delay.filter(|_| row.channel != Channel::Social);
    change.reason = Some(Reason::InDoubt.to_string());
    match retry::next(row.attempt, Outcome::Ambiguous(policy), row.id) {
        Next::RetryAfter(usual) => {
            change.state = becomes(Event::Defer);
            change.due_at = after(now, delay.unwrap_or(usual));
            change.handed_at = None;
        }
        Next::GiveUp | Next::Unknown => change.state = becomes(Event::Doubt),
    }
}

fn release(change: &mut Change, row: &Row) {
    change.state = still_wanted(row, Event::Release);
    change.handed_at = None;
}

/// What waits again, unless its campaign was cancelled meanwhile.
fn still_wanted(row: &Row, event: Event) -> DeliveryState {
    match row.status {
        Status::Cancelled => becomes(Event::Cancel),
        _ => becomes(event),
    }
}

/// A row that is on its way can become all that is asked of it here; the table of `domain` is held
/// to that by a test.
const fn becomes(event: Event) -> DeliveryState {
    match transition(Sending, event) {
        Some(state) => state,
        None => Sending,
    }
}

fn after(now: DateTime<Utc>, delay: Duration) -> i64 {
    let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(delay).unwrap_or(now).timestamp_millis()
}

/// PostgreSQL keeps no NUL in text.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Purpose;
    use DeliveryState::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_772_438_400_000).unwrap()
    }

    fn row(status: Status, handed: bool) -> Row {
        Row {
            id: 7,
            run_id: 1,
            campaign_id: 1,
            channel: Channel::Email,
            step: String::new(),
            variant: 0,
            contact_id: Some(3),
            due_at: now().into(),
            attempt: i32::from(handed),
            lease_token: Some("a.1".into()),
            lease_expires_at: Some(now().into()),
            handed_at: handed.then(|| now().into()),
            reason: None,
            reply: None,
            message_id: None,
            provider_id: None,
            permalink: None,
            status,
            in_doubt: InDoubt::Retry,
            purpose: Purpose::Marketing,
            topic_id: None,
            timezone: "Europe/London".into(),
            ignores_cap: false,
        }
    }

    fn ask() -> Word {
        Word::Ask {
            message_id: "7.1@club.example".into(),
        }
    }

    fn refused(error: SendError) -> Word {
        Word::Refused {
            error,
            rest: Duration::from_secs(4),
        }
    }

    fn reply() -> String {
        "so it said".into()
    }

    #[test]
    fn leave_to_send_is_given_only_while_the_campaign_is_active_and_the_person_may_be_contacted() {
        let cases = [
            (Status::Active, None, Sending),
            (Status::Active, Some("unsubscribed"), Skipped),
            (Status::Paused, None, Queued),
            (Status::Paused, Some("unsubscribed"), Queued),
            (Status::Cancelled, None, Cancelled),
        ];
        for (status, skip, state) in cases {
            let leave = skip.map_or(Leave::Given, Leave::Skip);
            let change = decide(&row(status, false), &ask(), leave, now());
            assert_eq!(change.state, state, "{status} {skip:?}");
            let is_given = state == Sending;
            assert_eq!(change.handed_at.is_some(), is_given, "{status} {skip:?}");
            assert_eq!(change.attempt, i32::from(is_given), "{status} {skip:?}");
        }
    }

    #[test]
    fn what_may_not_go_out_yet_waits_and_is_no_attempt() {
        let until = now() + TimeDelta::hours(9);
        let cases = [(Status::Active, Queued, until), (Status::Paused, Queued, now())];
        for (status, state, due) in cases {
            let change = decide(&row(status, false), &ask(), Leave::Wait(until), now());
            assert_eq!((change.state, change.attempt), (state, 0), "{status}");
            assert_eq!(change.due_at, due.timestamp_millis(), "{status}");
            assert_eq!((change.handed_at, change.reason), (None, None), "{status}");
        }
    }

    #[test]
    fn what_came_of_a_message_decides_where_it_goes() {
        let temporary = SendError::Temporary {
            reply: reply(),
            retry_after: None,
        };
        let cases = [
            (Status::Active, temporary.clone(), Queued, 1, None),
            (Status::Paused, temporary.clone(), Queued, 1, None),
            (Status::Cancelled, temporary, Cancelled, 1, None),
            (
                Status::Active,
                SendError::Permanent { reply: reply() },
                Failed,
                1,
                Some("refused"),
            ),
            (
                Status::Active,
                SendError::Ambiguous { reply: reply() },
                Queued,
                1,
                Some("in_doubt"),
            ),
            (
                Status::Cancelled,
                SendError::Ambiguous { reply: reply() },
                Unknown,
                1,
                Some("in_doubt"),
            ),
            (
                Status::Active,
                SendError::Interrupted { reply: reply() },
                Queued,
                1,
                None,
            ),
            (
                Status::Active,
                SendError::Sender { reply: reply() },
                Queued,
                0,
                None,
            ),
            (
                Status::Active,
                SendError::Unreachable { reply: reply() },
                Queued,
                0,
                None,
            ),
            (
                Status::Cancelled,
                SendError::Unreachable { reply: reply() },
                Cancelled,
                0,
                None,
            ),
        ];
        for (status, error, state, attempt, reason) in cases {
            let change = decide(&row(status, true), &refused(error.clone()), Leave::Given, now());
            assert_eq!(change.state, state, "{status} {error:?}");
            assert_eq!(change.attempt, attempt, "{status} {error:?}");
            assert_eq!(change.reason.as_deref(), reason, "{status} {error:?}");
            assert_eq!(change.reply.as_deref(), Some("so it said"));
        }
    }

    #[test]
    fn the_seventh_attempt_is_the_last_and_one_that_may_have_been_taken_before_stays_in_doubt() {
        let temporary = SendError::Temporary {
            reply: reply(),
            retry_after: None,
        };
        let interrupted = SendError::Interrupted { reply: reply() };
        let permanent = SendError::Permanent { reply: reply() };
        let doubted = Some("in_doubt");
        for (before, error, state, reason) in [
            (None, &temporary, Failed, "given_up"),
            (None, &interrupted, Failed, "given_up"),
            (None, &permanent, Failed, "refused"),
            (doubted, &temporary, Unknown, "in_doubt"),
            (doubted, &interrupted, Unknown, "in_doubt"),
            (doubted, &permanent, Unknown, "in_doubt"),
        ] {
            let mut row = row(Status::Active, true);
            row.attempt = 7;
            row.reason = before.map(str::to_owned);
            let change = decide(&row, &refused(error.clone()), Leave::Given, now());
            assert_eq!(change.state, state, "{before:?} {error:?}");
            assert_eq!(change.reason.as_deref(), Some(reason), "{before:?} {error:?}");
        }
    }

    #[test]
    fn what_may_have_been_taken_stays_in_doubt_where_it_is_not_to_be_sent_again() {
        let skip = Leave::Skip("frequency_cap");
        let broken = Word::Unrenderable("no value".into());
        for (word, leave, state) in [
            (ask(), skip, Skipped),
            (broken, Leave::Given, Failed),
            (
                refused(SendError::Permanent { reply: reply() }),
                Leave::Given,
                Failed,
            ),
        ] {
            let mut row = row(Status::Active, false);
            assert_eq!(decide(&row, &word, leave, now()).state, state, "{word:?}");
            row.reason = Some("in_doubt".into());
            let change = decide(&row, &word, leave, now());
            let known = (change.state, change.reason.as_deref());
            assert_eq!(known, (Unknown, Some("in_doubt")), "{word:?}");
        }
    }

    #[test]
    fn after_a_crash_only_what_was_handed_over_is_in_doubt() {
        let cases = [
            (Status::Active, false, InDoubt::Leave, Queued, None),
            (Status::Cancelled, false, InDoubt::Retry, Cancelled, None),
            (Status::Active, true, InDoubt::Retry, Queued, Some("in_doubt")),
            (Status::Active, true, InDoubt::Leave, Unknown, Some("in_doubt")),
            (Status::Cancelled, true, InDoubt::Retry, Unknown, Some("in_doubt")),
        ];
        for (status, handed, policy, state, reason) in cases {
            let mut row = row(status, handed);
            row.in_doubt = policy;
            let change = decide(&row, &Word::Orphaned, Leave::Given, now());
            assert_eq!(change.state, state, "{status} {handed} {policy}");
            assert_eq!(change.reason.as_deref(), reason, "{status} {handed} {policy}");
            assert_eq!(change.due_at, now().timestamp_millis(), "at once");
        }
    }

    #[test]
    fn a_post_in_doubt_is_looked_up_whatever_the_campaign_says_and_not_at_once() {
        for policy in [InDoubt::Leave, InDoubt::Retry] {
            for word in [Word::Orphaned, refused(SendError::Ambiguous { reply: reply() })] {
                let mut row = row(Status::Active, true);
                (row.channel, row.in_doubt, row.contact_id) = (Channel::Social, policy, None);
                let change = decide(&row, &word, Leave::Given, now());
                assert_eq!(change.state, Queued, "{policy} {word:?}");
                assert_eq!(change.reason.as_deref(), Some("in_doubt"));
                assert!(change.due_at >= (now() + TimeDelta::minutes(1)).timestamp_millis());
            }
        }
    }

    #[test]
    fn a_row_on_its_way_can_become_all_that_is_decided_here() {
        for event in [
            Event::Accept,
            Event::Defer,
            Event::Release,
            Event::Fail,
            Event::Skip,
            Event::Cancel,
            Event::Doubt,
        ] {
            assert_eq!(transition(Sending, event), Some(becomes(event)));
        }
    }
}
