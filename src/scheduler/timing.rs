//! When each person of a run is due: at its start or at a wall-clock time where they are, spread
//! over a while, around quiet hours and holidays. Reckoned once for each zone that the club's
//! people live in, and written into the statement that makes the deliveries.

use crate::accounts::Club;
use crate::audience::zones;
use crate::db::Sql;
use crate::domain::manners::{Manners, Plan};
use crate::domain::{Channel, Purpose, schedule};
use crate::entity::{campaigns, runs};
use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::BTreeMap;

/// What is never due by itself: the rest of an experiment, until the winner is chosen. A number
/// that the databases and the calendar both know: the year 9999.
pub const NEVER: i64 = 253_402_300_799_000;

/// Into how many equal parts a spread is cut; a prime, and with `STEP` people of neighbouring
/// numbers fall far apart and everybody together evenly.
const PARTS: i64 = 65_537;
const STEP: i64 = 40_503;

/// No zone is further ahead of another than this.
const FURTHEST: TimeDelta = TimeDelta::hours(26);

/// From when on people are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With the run. Where the local time is past already, at once.
    Start,
    /// With a decision that came later. At the next such local time.
    Decision(DateTime<Utc>),
}

/// The plan of a run on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For everyone whose zone has no plan of its own, or is not known.
    usual: Plan,
    zones: BTreeMap<Plan, Vec<String>>,
    span: TimeDelta,
    seed: i64,
}

/// What a run's timing is reckoned from.
pub struct Asked<'a> {
    pub campaign: &'a campaigns::Model,
    pub run: &'a runs::Model,
    pub channel: Channel,
    pub from: From,
    /// Everybody later by so much: a variant's own time.
    pub delay: TimeDelta,
}

impl Timing {
    /// Reckons it.
    pub async fn of(db: &impl ConnectionTrait, asked: &Asked<'_>) -> Result<Self, DbErr> {
        let Asked { campaign, run, .. } = asked;
        let manners = match campaign.purpose {
            Purpose::Marketing => Club::load(db).await?.sending,
            Purpose::Transactional => Manners::default(),
        };
        let span = TimeDelta::minutes(campaign.spread_minutes.into());
        let home: Tz = campaign.timezone.parse().unwrap_or(Tz::UTC);
        let wall = run.scheduled_for.0.with_timezone(&home).naive_local();
        let plan = |zone| {
            let begin = asked.begin(wall, zone) + asked.delay;
            Plan::around(&manners, asked.channel, zone, begin, span)
        };
        let usual = plan(home);
        let mut of_zones = BTreeMap::<Plan, Vec<String>>::new();
        if campaign.local_time || manners.has_pauses(asked.channel) {
            for (name, zone) in zones::all(db).await? {
                let plan = plan(zone);
                if plan != usual {
                    of_zones.entry(plan).or_default().push(name);
                }
            }
        }
        Ok(Self {
            usual,
            zones: of_zones,
            span,
            seed: run.id,
        })
    }

    /// Where in the spread a contact `c` stands, in milliseconds; the same each time it is asked.
    pub fn offset(&self) -> String {
        let (span, seed) = (self.span.num_milliseconds(), self.seed.rem_euclid(PARTS));
        match span {
            0 => "0".to_owned(),
            _ => format!("(((c.id % {PARTS}) * {STEP} + {seed}) % {PARTS} * {span} / {PARTS})"),
        }
    }

    /// When a person is due, of the columns `zone` and `later` of `x`.
    pub fn due(&self, sql: &mut Sql) -> String {
        let usual = self.due_by(sql, &self.usual);
        if self.zones.is_empty() {
            return usual;
        }
        let cases: Vec<_> = self
            .zones
            .iter()
            .map(|(plan, zones)| {
                let zones: Vec<_> = zones.iter().map(|zone| sql.bind(zone.as_str())).collect();
                let due = self.due_by(sql, plan);
                format!("WHEN x.zone IN ({}) THEN {due}", zones.join(", "))
            })
            .collect();
        format!("(CASE {} ELSE {usual} END)", cases.join(" "))
    }

    fn due_by(&self, sql: &mut Sql, plan: &Plan) -> String {
        let begin = sql.bind(plan.begin.timestamp_millis());
        if self.span == TimeDelta::zero() {
            return begin;
        }
        let cases: Vec<_> = plan
            .pauses
            .iter()
            .rev()
            .map(|pause| {
                let from = sql.bind(pause.from.num_milliseconds());
                let shift = sql.bind(pause.shift.num_milliseconds());
                format!("WHEN x.later >= {from} THEN {shift}")
            })
            .collect();
        match cases.is_empty() {
            true => format!("({begin} + x.later)"),
            false => format!("({begin} + x.later + (CASE {} ELSE 0 END))", cases.join(" ")),
        }
    }
}

impl Asked<'_> {
    /// When people of a zone are begun with.
    fn begin(&self, wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
        let local = self.campaign.local_time && !self.campaign.send_now;
        match self.from {
            From::Start if local => schedule::resolve(wall, zone).instant().max(self.run.started_at.0),
            From::Start => self.run.started_at.0,
            From::Decision(at) if local => next_at(wall, zone, at),
            From::Decision(at) => at,
        }
    }
}

/// The first instant, not before `at`, at which the clocks of a zone show the time of `wall`.
fn next_at(wall: NaiveDateTime, zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
    let today = at.with_timezone(&zone).date_naive();
    (0..3)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .map(|day| schedule::resolve(day.and_time(wall.time()), zone).instant())
        .find(|instant| *instant >= at)
        .unwrap_or(at)
}

/// Until when a campaign may be scheduled for that is looked at now: where it goes out by local
/// time, it starts before its own zone has come so far.
pub fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    now + FURTHEST
}

/// When a scheduled campaign starts: at its time, or where it goes out by local time, when it is
/// that time for the first of the club's people.
pub async fn starts_at(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let Some(at) = campaign.scheduled_at.filter(|_| !campaign.send_now) else {
        return Ok(None);
    };
    if !campaign.local_time {
        return Ok(Some(at.0));
    }
    let home: Tz = campaign.timezone.parse().unwrap_or(Tz::UTC);
    let wall = at.0.with_timezone(&home).naive_local();
    let first = zones::first(db, wall).await?;
    Ok(Some(first.map_or(at.0, |first| first.min(at.0))))
}
