//! Whether a recurring campaign ever happens.

use super::{Place, Report, State, zone};
use crate::campaigns::recurring;
use crate::domain::recurrence::{End, Recurrence};
use crate::entity::campaigns;
use crate::web::filters::local;
use chrono::{DateTime, TimeDelta, Utc};

pub(super) fn check(report: &mut Report, campaign: &campaigns::Model, now: DateTime<Utc>) {
    let (place, title) = (Place::Schedule, "Time");
    let Some(recurrence) = recurring::of(campaign) else {
        let text = "Choose how often it is sent.";
        return report.add(State::Error, place, "recurrence.rule", title, text);
    };
    if recurrence.start.is_none() {
        let text = "Say the first day and the time: recurrence.start, or scheduledAt.";
        return report.add(State::Error, place, "recurrence.start", title, text);
    }
    let zone = zone(campaign);
    let Some(first) = recurrence.next_after(now, zone) else {
        let text = format!("{}: no such time is to come.", recurrence.words());
        return report.add(State::Error, place, "recurrence.rule", title, text);
    };
    let said = format!(
        "{}, for the first time {}.",
        recurrence.words(),
        local(first, zone)
    );
    match passed(&recurrence, campaign, now) {
        0 => report.add(State::Ok, place, "recurrence.rule", title, said),
        passed => report.add(
            State::Warn,
            place,
            "recurrence.rule",
            title,
            format!("{said} {passed} of its times are past already and are not sent."),
        ),
    }
}

/// How many of a counted number of times are past.
fn passed(recurrence: &Recurrence, campaign: &campaigns::Model, now: DateTime<Utc>) -> usize {
    let (End::Count(_), Some(start)) = (recurrence.rule.end, recurrence.start) else {
        return 0;
    };
    recurrence
        .after(start.and_utc() - TimeDelta::days(2), zone(campaign))
        .take_while(|found| found.at <= now)
        .count()
}
