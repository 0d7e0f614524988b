//! What the demo club has sent so far: ledger rows as the dispatcher and the recipients would have
//! left them, and the counts that follow from those rows.

use super::people::Known;
use crate::domain::stats::Counts;
use crate::domain::{ActivityKind, Channel, ConsentStatus, DeliveryState, Purpose};
use crate::entity::{Timestamp, activities, deliveries, link_clicks, links, run_counts, run_hours};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sea_orm::ActiveValue::{NotSet, Set};
use serde_json::json;
use std::collections::BTreeMap;

/// One run to be told.
pub struct Told<'a> {
    pub run: i64,
    pub campaign: i64,
    /// Of an experiment; 0 where there is none, and for the rest.
    pub variant: i32,
    pub purpose: Purpose,
    pub started: DateTime<Utc>,
    /// The links of the run, the most interesting first.
    pub links: &'a [i64],
    /// How well it went: 1 is usual.
    pub appeal: f64,
    /// How many were sent to before it was stopped or paused; the rest are left in `rest`.
    pub sent_up_to: Option<i64>,
    pub rest: DeliveryState,
    /// Whether clicks may lead to a conversion.
    pub has_goal: bool,
}

/// Rows to be inserted, and the sums that must hold for them.
#[derive(Default)]
pub struct Rows {
    pub deliveries: Vec<deliveries::ActiveModel>,
    pub activities: Vec<activities::ActiveModel>,
    pub clicks: Vec<link_clicks::ActiveModel>,
    pub counts: Vec<run_counts::ActiveModel>,
    pub hours: Vec<run_hours::ActiveModel>,
    /// Clicks and people of each link.
    pub link_totals: BTreeMap<i64, (i64, i64)>,
    /// Who opted out of e-mail, and when.
    pub left: Vec<(i64, DateTime<Utc>)>,
    next_id: i64,
}

/// The sums of one run.
#[derive(Default)]
struct Sums {
    counts: Counts,
    /// Sent, opened, clicked by the hour's first millisecond.
    hours: BTreeMap<i64, [i64; 3]>,
}

/// What one person did with one message.
#[derive(Default)]
struct Fate {
    opened: Option<DateTime<Utc>>,
    clicked: Vec<(i64, DateTime<Utc>)>,
    converted: Option<DateTime<Utc>>,
    unsubscribed: Option<DateTime<Utc>>,
}

impl Rows {
    /// Tells a run for everyone in `audience`.
    pub fn tell(&mut self, rng: &mut StdRng, told: &Told<'_>, audience: &[&Known], now: DateTime<Utc>) {
        let mut sums = Sums::default();
        for person in audience {
            sums.counts.target += 1;
            self.next_id += 1;
            let id = self.next_id;
            let mut row = blank(id, told, person);
            if let Some(reason) = skip_reason(told.purpose, person) {
                row.state = Set(DeliveryState::Skipped);
                row.reason = Set(Some(reason.to_owned()));
                sums.counts.skipped += 1;
            } else if told.sent_up_to.is_some_and(|limit| sums.counts.sent >= limit) {
                row.state = Set(told.rest);
                match told.rest {
                    DeliveryState::Queued => sums.counts.queued += 1,
                    _ => sums.counts.cancelled += 1,
                }
            } else {
                self.send(rng, told, person, &mut row, now, &mut sums);
            }
            self.deliveries.push(row);
        }
        self.counts.push(counts_row(told, &sums.counts));
        for (hour, [sent, opened, clicked]) in sums.hours {
            // Another part of the same run may have this hour already.
            let is_same = |row: &&mut run_hours::ActiveModel| {
                row.run_id.as_ref() == &told.run && row.hour.as_ref() == &hour
            };
            if let Some(row) = self.hours.iter_mut().find(is_same) {
                row.sent = Set(row.sent.as_ref() + sent);
                row.opened = Set(row.opened.as_ref() + opened);
                row.clicked = Set(row.clicked.as_ref() + clicked);
                continue;
            }
            self.hours.push(run_hours::ActiveModel {
                run_id: Set(told.run),
                channel: Set(Channel::Email),
                hour: Set(hour),
                sent: Set(sent),
                opened: Set(opened),
                clicked: Set(clicked),
            });
        }
    }

    fn send(
        &mut self,
        rng: &mut StdRng,
        told: &Told<'_>,
        person: &Known,
        row: &mut deliveries::ActiveModel,
        now: DateTime<Utc>,
        sums: &mut Sums,
    ) {
        let id = self.next_id;
        let sent = told.started + TimeDelta::milliseconds(400 + 35 * sums.counts.sent);
        row.attempt = Set(1);
        row.handed_at = Set(Some(sent.into()));
        row.sent_at = Set(Some(sent.into()));
        row.message_id = Set(Some(format!("{id}.{}@example.com", told.run)));
        row.reply = Set(Some("250 2.0.0 Ok".into()));
        sums.counts.sent += 1;
        sums.hours.entry(hour_of(sent)).or_default()[0] += 1;
        if rng.random_bool(0.012) {
            row.state = Set(DeliveryState::Bounced);
            row.bounced_at = Set(Some((sent + TimeDelta::minutes(2)).into()));
            row.reason = Set(Some("bounced".into()));
            row.reply = Set(Some("550 5.1.1 The mailbox does not exist".into()));
            sums.counts.bounced += 1;
            return;
        }
        sums.counts.delivered += 1;
        row.delivered_at = Set(Some(sent.into()));
        row.state = Set(DeliveryState::Sent);
        let fate = fate(rng, told, person, sent, now);
        if let Some(at) = fate.opened {
            row.state = Set(DeliveryState::Delivered);
            row.opened_at = Set(Some(at.into()));
            sums.counts.opened += 1;
            sums.hours.entry(hour_of(at)).or_default()[1] += 1;
            self.activity(id, person.id, ActivityKind::Open, None, at);
        }
        for (position, (link, at)) in fate.clicked.iter().enumerate() {
            if position == 0 {
                row.clicked_at = Set(Some((*at).into()));
                sums.counts.clicked += 1;
                sums.hours.entry(hour_of(*at)).or_default()[2] += 1;
            }
            self.click(id, person.id, *link, *at);
        }
        if let Some(at) = fate.converted {
            let fee = entry_fee(id);
            row.converted_at = Set(Some(at.into()));
            row.converted_value = Set(Some(fee));
            sums.counts.converted += 1;
            sums.counts.converted_value += fee;
            self.activity(id, person.id, ActivityKind::Conversion, None, at);
            if let Some(told) = self.activities.last_mut() {
                told.detail = Set(json!({"event": "tournament.entered", "value": fee}));
            }
        }
        if let Some(at) = fate.unsubscribed {
            row.unsubscribed_at = Set(Some(at.into()));
            sums.counts.unsubscribed += 1;
            self.activity(id, person.id, ActivityKind::Unsubscribe, None, at);
            self.left.push((person.id, at));
        }
    }

    fn click(&mut self, delivery: i64, contact: i64, link: i64, at: DateTime<Utc>) {
        self.activity(delivery, contact, ActivityKind::Click, Some(link), at);
        self.clicks.push(link_clicks::ActiveModel {
            link_id: Set(link),
            delivery_id: Set(delivery),
            at: Set(at.into()),
        });
        let total = self.link_totals.entry(link).or_default();
        total.0 += 1;
        total.1 += 1;
    }

    fn activity(
        &mut self,
        delivery: i64,
        contact: i64,
        kind: ActivityKind,
        link: Option<i64>,
        at: DateTime<Utc>,
    ) {
        self.activities.push(activities::ActiveModel {
            id: NotSet,
            delivery_id: Set(delivery),
            contact_id: Set(Some(contact)),
            kind: Set(kind),
            link_id: Set(link),
            at: Set(at.into()),
            detail: Set(json!({})),
        });
    }
}

fn counts_row(told: &Told<'_>, counts: &Counts) -> run_counts::ActiveModel {
    run_counts::ActiveModel {
        run_id: Set(told.run),
        campaign_id: Set(told.campaign),
        channel: Set(Channel::Email),
        step: Set(String::new()),
        variant: Set(told.variant),
        target: Set(counts.target),
        queued: Set(counts.queued),
        sent: Set(counts.sent),
        delivered: Set(counts.delivered),
        bounced: Set(counts.bounced),
        failed: Set(counts.failed),
        skipped: Set(counts.skipped),
        cancelled: Set(counts.cancelled),
        unknown: Set(counts.unknown),
        opened: Set(counts.opened),
        clicked: Set(counts.clicked),
        converted: Set(counts.converted),
        unsubscribed: Set(counts.unsubscribed),
        complained: Set(counts.complained),
        converted_value: Set(counts.converted_value),
    }
}

/// The rules of `domain::consent`, for someone whose address was never suppressed.
fn skip_reason(purpose: Purpose, person: &Known) -> Option<&'static str> {
    if person.email.is_empty() {
        return Some("no_address");
    }
    match (purpose, person.email_consent) {
        (Purpose::Transactional, _) | (_, ConsentStatus::Subscribed) => None,
        (_, ConsentStatus::Unsubscribed) => Some("unsubscribed"),
        (_, ConsentStatus::None) => Some("no_consent"),
    }
}

fn blank(id: i64, told: &Told<'_>, person: &Known) -> deliveries::ActiveModel {
    deliveries::ActiveModel {
        id: Set(id),
        run_id: Set(told.run),
        campaign_id: Set(told.campaign),
        step: Set(String::new()),
        variant: Set(told.variant),
        contact_id: Set(Some(person.id)),
        channel: Set(Channel::Email),
        instance: Set(String::new()),
        lane: Set(0),
        state: Set(DeliveryState::Queued),
        address: Set(person.email.clone()),
        due_at: Set(told.started.into()),
        attempt: Set(0),
        created_at: Set(Timestamp::from(told.started)),
        ..Default::default()
    }
}

/// Opens come soon or in the evening, clicks minutes after, conversions within days.
fn fate(rng: &mut StdRng, told: &Told<'_>, person: &Known, sent: DateTime<Utc>, now: DateTime<Utc>) -> Fate {
    let mut fate = Fate::default();
    let opens = (0.18 + 0.55 * person.interest) * told.appeal;
    if !rng.random_bool(opens.clamp(0.0, 0.95)) {
        if rng.random_bool(0.002) {
            fate.unsubscribed = Some(sent + TimeDelta::minutes(rng.random_range(30..900)));
        }
        return fate;
    }
    let wait = -f64::ln(rng.random_range(0.0001_f64..1.0)) * 5.5 * 3600.0;
    let opened = (sent + TimeDelta::seconds(wait as i64 + 20)).min(now);
    fate.opened = Some(opened);
    if !told.links.is_empty() && rng.random_bool(0.1 + 0.25 * person.interest) {
        let first = (opened + TimeDelta::seconds(rng.random_range(5..400))).min(now);
        for (place, link) in told.links.iter().enumerate() {
            if rng.random_bool(0.75 / (place as f64 + 1.0)) || (place == 0 && fate.clicked.is_empty()) {
                fate.clicked
                    .push((*link, (first + TimeDelta::seconds(40 * place as i64)).min(now)));
            }
        }
        if told.has_goal && rng.random_bool(0.32) {
            fate.converted = Some((first + TimeDelta::minutes(rng.random_range(4..3_000))).min(now));
        }
    }
    if rng.random_bool(0.004) {
        fate.unsubscribed = Some((opened + TimeDelta::seconds(30)).min(now));
    }
    fate
}

/// What an entry costs, in cents: singles, and some with a guest.
const fn entry_fee(delivery: i64) -> i64 {
    match delivery % 4 {
        0 => 70_000,
        _ => 35_000,
    }
}

/// The hour's first millisecond.
pub fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis().div_euclid(3_600_000) * 3_600_000
}

/// The row of a link, its totals still zero.
pub fn link(id: i64, run: i64, url: &str, label: &str) -> links::ActiveModel {
    links::ActiveModel {
        id: Set(id),
        run_id: Set(run),
        url: Set(url.to_owned()),
        url_hash: Set(crate::secret::token_hash(url)),
        label: Set(label.to_owned()),
        clicks: Set(0),
        people: Set(0),
    }
}
