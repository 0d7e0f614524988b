//! The reckoning: what is in the ledger, what the mail server got and what ought to have been sent
//! are the same, person by person.

use super::campaigns::{Planned, What};
use super::club::{Club, DAYS, HOLIDAY, MOST, QUIET};
use super::expected::Comes;
use super::post::{Got, is_refused};
use super::rows::{Delivery, Rows, number};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use fairway::domain::trigger::Outcome;
use fairway::domain::{DeliveryState, EnrollmentState, InDoubt, OccurrenceState, Status};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Everything that is compared.
struct Reckoning<'a> {
    club: &'a Club,
    rows: &'a Rows,
    campaigns: HashMap<i64, &'a Planned>,
    /// What the mail server got, by delivery.
    got: HashMap<i64, Vec<Got>>,
    deliveries: HashMap<i64, &'a Delivery>,
}

pub async fn reckon(club: &Club) {
    let rows = Rows::read(club).await;
    let mut got = HashMap::<i64, Vec<Got>>::new();
    for one in club.post.got() {
        got.entry(one.delivery).or_default().push(one);
    }
    let reckoning = Reckoning {
        club,
        campaigns: club.campaigns.iter().map(|one| (one.id, one)).collect(),
        got,
        deliveries: rows.deliveries.iter().map(|row| (row.id, row)).collect(),
        rows: &rows,
    };
    reckoning.say();
    reckoning.each_row_and_what_was_got();
    reckoning.each_message_at_its_time();
    reckoning.nobody_had_too_much();
    reckoning.audiences();
    reckoning.occurrences();
    reckoning.events().await;
    reckoning.journeys();
    for planned in &club.campaigns {
        let status = club.app.status(planned.id).await;
        let is_over = matches!(status, Status::Completed | Status::Cancelled);
        match planned.what {
            What::OneTime { .. } | What::Recurring { .. } => assert!(is_over, "{} is {status}", planned.id),
            _ => assert!(
                matches!(status, Status::Active | Status::Cancelled),
                "{} is {status}",
                planned.id
            ),
        }
        assert_eq!(
            status == Status::Cancelled,
            planned.cancelled.is_some(),
            "{}",
            planned.id
        );
    }
    club.app.check_walks().await; // and with it the counts of every run
    let differing = "SELECT CAST(COUNT(*) AS BIGINT) FROM event_counts c WHERE c.number <> (\
        SELECT COUNT(*) FROM event_outcomes o WHERE o.campaign_id = c.campaign_id AND o.outcome = c.outcome)";
    assert_eq!(number(club, differing).await, 0, "the counts of events");
}

impl Reckoning<'_> {
    fn say(&self) {
        let mut states = BTreeMap::<String, usize>::new();
        for row in &self.rows.deliveries {
            let reason = row.reason.as_deref().unwrap_or_default();
            *states.entry(format!("{} {reason}", row.state)).or_default() += 1;
        }
        println!("{states:?}");
        println!(
            "{} messages got, {} events, {} outcomes, {} walks, {} runs",
            self.club.post.count(),
            self.rows.events.len(),
            self.rows.outcomes.len(),
            self.rows.walks.len(),
            self.club.audiences.len(),
        );
    }

    fn of(&self, row: &Delivery) -> &Planned {
        self.campaigns[&row.campaign_id]
    }

    /// What the mail server got is what the ledger says, one for one; who got nothing is named with
    /// a reason that is true.
    fn each_row_and_what_was_got(&self) {
        for (id, got) in &self.got {
            let row = self.deliveries[id];
            let is_it = |one: &Got| (one.run, one.contact) == (row.run_id, row.contact_id);
            assert!(got.iter().all(is_it), "{row:?} is not {got:?}");
        }
        for row in &self.rows.deliveries {
            let times = self.got.get(&row.id).map_or(0, Vec::len);
            let is_in_doubt = row.reason.as_deref() == Some("in_doubt");
            let fits = match row.state {
                DeliveryState::Sent | DeliveryState::Delivered if is_in_doubt => (1..=3).contains(&times),
                DeliveryState::Sent | DeliveryState::Delivered => times == 1,
                DeliveryState::Unknown => is_in_doubt && times <= 2,
                // Handed over once, perhaps, and cancelled before it was handed over again.
                DeliveryState::Cancelled if is_in_doubt => times <= 1,
                _ => times == 0,
            };
            assert!(fits, "{row:?} was got {times} times");
            self.is_rightly(row);
        }
    }

    fn is_rightly(&self, row: &Delivery) {
        let planned = self.of(row);
        let person = self.club.person(row.contact_id);
        let reason = row.reason.as_deref().unwrap_or_default();
        let is_right = match (row.state, reason) {
            (DeliveryState::Sent | DeliveryState::Delivered, _) => true,
            (DeliveryState::Skipped, "unsubscribed") => planned.is_marketing() && person.opted_out.is_some(),
            (DeliveryState::Skipped, "no_consent") => planned.is_marketing() && !person.consented,
            (DeliveryState::Skipped, "frequency_cap") => planned.is_marketing() && !planned.ignores_cap,
            (DeliveryState::Failed, "refused") => is_refused(row.contact_id),
            (DeliveryState::Cancelled, "called_off") => row.event_id.is_some(),
            (DeliveryState::Cancelled, _) => planned.cancelled.is_some(),
            (DeliveryState::Unknown, _) => {
                planned.in_doubt == InDoubt::Leave || planned.cancelled.is_some()
                // Before it could be handed over again the person said no, or it was refused.
                || person.opted_out.is_some() || planned.is_marketing() || is_refused(row.contact_id)
            }
            _ => false,
        };
        assert!(is_right, "{row:?}");
    }

    fn each_message_at_its_time(&self) {
        for got in self.got.values().flatten() {
            let row = self.deliveries[&got.delivery];
            let planned = self.of(row);
            let say = || format!("{got:?} of {row:?}");
            assert!(!planned.is_paused(got.at), "while it was paused: {}", say());
            assert!(!planned.is_cancelled(got.at), "after it was cancelled: {}", say());
            if let Some(due) = self.earliest(row) {
                assert!(got.at >= due, "before {due}: {}", say());
            }
            if !planned.is_marketing() {
                continue;
            }
            assert!(
                !self.club.is_out(got.contact, got.at),
                "after an opt-out: {}",
                say()
            );
            assert!(
                self.club.person(got.contact).consented,
                "without consent: {}",
                say()
            );
            let wall = got.at.with_timezone(&self.club.zone(got.contact));
            let is_quiet = wall.hour() >= QUIET.0 || wall.hour() < QUIET.1;
            assert!(!is_quiet, "at {wall}: {}", say());
            assert!(
                wall.date_naive().to_string() != HOLIDAY,
                "on a holiday: {}",
                say()
            );
        }
        // The last attempt was not before the ledger's own time either.
        for (id, got) in &self.got {
            let last = got.iter().map(|one| one.at).max().unwrap();
            let row = self.deliveries[id];
            let is_settled = matches!(row.state, DeliveryState::Sent | DeliveryState::Delivered);
            assert!(!is_settled || last >= row.due_at.0, "{row:?} went out at {last}");
        }
    }

    /// The instant before which a message has no business, from what was planned.
    fn earliest(&self, row: &Delivery) -> Option<DateTime<Utc>> {
        match &self.of(row).what {
            What::OneTime { at, is_local: false } => Some(*at),
            // The same time on the wall where the person is; London keeps Greenwich time.
            What::OneTime { at, is_local: true } => {
                let zone = self.club.zone(row.contact_id);
                at.naive_utc()
                    .and_local_timezone(zone)
                    .single()
                    .map(|at| at.to_utc())
            }
            What::Recurring { .. } => Some(self.club.audiences[&row.run_id].scheduled_for),
            What::Triggered(_) | What::Journey { .. } => None,
        }
    }

    /// At any moment at which somebody got something, it was not more than the cap allows.
    fn nobody_had_too_much(&self) {
        let mut by_person = HashMap::<i64, Vec<DateTime<Utc>>>::new();
        for row in &self.rows.deliveries {
            let planned = self.of(row);
            let counts = planned.is_marketing() && !planned.ignores_cap;
            if let (true, None, Some([got])) = (counts, &row.reason, self.got.get(&row.id).map(Vec::as_slice))
            {
                by_person.entry(row.contact_id).or_default().push(got.at);
            }
        }
        for (contact, mut times) in by_person {
            times.sort();
            for (place, last) in times.iter().enumerate() {
                let since = *last - TimeDelta::days(DAYS);
                let had = times[..=place].iter().filter(|at| **at > since).count();
                assert!(had <= MOST, "{contact} had {had} by {last}: {times:?}");
            }
        }
    }

    /// In each run that goes to many there is a row for everyone in the segment as it began, and for
    /// nobody else.
    fn audiences(&self) {
        let mut of_runs = HashMap::<i64, Vec<i64>>::new();
        for row in &self.rows.deliveries {
            of_runs.entry(row.run_id).or_default().push(row.contact_id);
        }
        let none = Vec::new();
        for (run, audience) in &self.club.audiences {
            let planned = self.campaigns[&audience.campaign];
            if !matches!(planned.what, What::OneTime { .. } | What::Recurring { .. }) {
                continue;
            }
            let rows = of_runs.get(run).unwrap_or(&none);
            let people: HashSet<i64> = rows.iter().copied().collect();
            assert_eq!(rows.len(), people.len(), "somebody is twice in run {run}");
            assert_eq!(people, audience.members, "run {run}");
        }
        for planned in &self.club.campaigns {
            let runs = self
                .club
                .audiences
                .values()
                .filter(|run| run.campaign == planned.id);
            if let What::OneTime { .. } = planned.what {
                let is_right = match planned.cancelled {
                    None => runs.count() == 1,
                    Some(_) => runs.count() <= 1,
                };
                assert!(is_right, "campaign {}", planned.id);
            }
        }
    }

    /// Each occurrence has one run, or is known to have been missed, which happens only to what was
    /// paused.
    fn occurrences(&self) {
        let mut runs = HashMap::<(i64, DateTime<Utc>), Vec<DateTime<Utc>>>::new();
        for run in self.club.audiences.values() {
            let key = (run.campaign, run.scheduled_for);
            runs.entry(key).or_default().push(run.at);
        }
        let missed: HashSet<_> = self
            .rows
            .occurrences
            .iter()
            .filter(|row| row.state == OccurrenceState::Missed)
            .map(|row| (row.campaign_id, row.original.0))
            .collect();
        let begin = super::at("2026-03-02T08:00:00Z");
        for planned in &self.club.campaigns {
            let What::Recurring { occurrences, grace } = &planned.what else {
                continue;
            };
            let ours = runs.keys().filter(|(campaign, _)| *campaign == planned.id);
            for (_, at) in ours {
                assert!(
                    occurrences.contains(at),
                    "campaign {} has none at {at}",
                    planned.id
                );
            }
            for at in occurrences {
                let key = (planned.id, *at);
                let began = runs.get(&key).map_or(&[][..], Vec::as_slice);
                // The first look at the clock after it.
                let step = self.club.scale.step.num_milliseconds();
                let past = (*at - begin).num_milliseconds();
                let look = begin + TimeDelta::milliseconds((past + step - 1) / step * step);
                let was_paused = planned.is_paused(look);
                let expected = match (planned.is_cancelled(look), was_paused) {
                    (true, _) => began.is_empty(),
                    (false, false) => began == [look] && !missed.contains(&key),
                    (false, true) => match began {
                        [] => missed.contains(&key) || planned.cancelled.is_some(),
                        [began] => *began > look && *began - *at <= *grace && !missed.contains(&key),
                        _ => false,
                    },
                };
                assert!(
                    expected,
                    "{at} of campaign {}: {began:?}, {:?}",
                    planned.id, planned.paused
                );
            }
        }
    }

    /// Each event came in each campaign to what it ought to, once, and to nothing elsewhere.
    async fn events(&self) {
        let pending = number(
            self.club,
            "SELECT CAST(COUNT(*) AS BIGINT) FROM events WHERE pending",
        )
        .await;
        assert_eq!(pending, 0);
        assert_eq!(
            self.rows.events.len(),
            self.club.events,
            "an event is lost, or there twice"
        );
        let numbers: HashMap<i64, usize> = self
            .rows
            .events
            .iter()
            .map(|event| (event.id, event.external_id[1..].parse().unwrap()))
            .collect();
        let mut messages = HashMap::<(i64, usize), Vec<&Delivery>>::new();
        for row in &self.rows.deliveries {
            if let (What::Triggered(_), Some(event)) = (&self.of(row).what, row.event_id) {
                let key = (row.campaign_id, numbers[&event]);
                messages.entry(key).or_default().push(row);
            }
        }
        let expected = &self.club.expected.outcomes;
        let mut seen = HashSet::new();
        for row in &self.rows.outcomes {
            let key = (row.campaign_id, numbers[&row.event_id]);
            assert!(seen.insert(key), "{row:?} is there twice");
            let comes = expected
                .get(&key)
                .unwrap_or_else(|| panic!("{row:?}: nobody listened"));
            let own = messages.get(&key).map_or(&[][..], Vec::as_slice);
            self.comes(row.campaign_id, row.outcome, *comes, own, &messages);
        }
        assert_eq!(seen.len(), expected.len(), "an event came to nothing");
    }

    fn comes(
        &self,
        campaign: i64,
        outcome: Outcome,
        comes: Comes,
        own: &[&Delivery],
        messages: &HashMap<(i64, usize), Vec<&Delivery>>,
    ) {
        let is_message = |contact: i64, due: DateTime<Utc>| match own {
            [row] => {
                let got = self.got.get(&row.id).map_or(&[][..], Vec::as_slice);
                row.contact_id == contact && got.iter().all(|got| got.at >= due)
            }
            _ => false,
        };
        let is_right = match (comes, outcome) {
            (Comes::Not(expected), outcome) => outcome == expected && own.is_empty(),
            (Comes::Queued { contact, due } | Comes::QueuedOrHad { contact, due }, Outcome::Queued) => {
                is_message(contact, due)
            }
            (Comes::QueuedOrHad { .. }, Outcome::AlreadyHad) => own.is_empty(),
            (Comes::CallsOff { booking }, Outcome::Cancelled | Outcome::NothingToCancel) => {
                let row = messages.get(&(campaign, booking)).map(|rows| rows[0]);
                let reason = row.and_then(|row| row.reason.as_deref()).unwrap_or_default();
                // One in doubt says that rather than why it is not sent again.
                let is_in_doubt = reason == "in_doubt";
                is_in_doubt || (reason == "called_off") == (outcome == Outcome::Cancelled)
            }
            _ => false,
        };
        assert!(
            is_right,
            "campaign {campaign}: {outcome} for {comes:?}, with {own:?}"
        );
    }

    /// Everyone who ought to came into each journey, once, and got its messages in order or left it
    /// for a reason.
    fn journeys(&self) {
        let mut of_walks = HashMap::<&str, BTreeMap<&str, &Delivery>>::new();
        for row in &self.rows.deliveries {
            if let What::Journey { .. } = self.of(row).what {
                let steps = of_walks.entry(row.instance.as_str()).or_default();
                assert!(steps.insert(&row.step, row).is_none(), "{row:?} is there twice");
            }
        }
        let mut came = BTreeMap::<i64, HashSet<i64>>::new();
        for walk in &self.rows.walks {
            let is_new = came.entry(walk.campaign_id).or_default().insert(walk.contact_id);
            assert!(is_new, "{walk:?} came in twice");
            let steps = of_walks.remove(walk.id.to_string().as_str()).unwrap_or_default();
            let names: Vec<&str> = steps.keys().copied().collect();
            let planned = self.campaigns[&walk.campaign_id];
            let is_right = match (walk.state, walk.reason.as_deref()) {
                (EnrollmentState::Finished, None) => names == ["hello", "tips"],
                (EnrollmentState::Exited, Some("opted_out")) => {
                    names.len() < 2 && self.club.person(walk.contact_id).opted_out.is_some()
                }
                (EnrollmentState::Exited, Some("cancelled")) => planned.cancelled.is_some(),
                _ => false,
            };
            assert!(is_right, "{walk:?}: {names:?}");
            for row in steps.values() {
                let is_theirs = (row.campaign_id, row.contact_id) == (walk.campaign_id, walk.contact_id);
                assert!(is_theirs, "{walk:?}: {row:?}");
            }
            if let (Some(hello), Some(tips)) = (steps.get("hello"), steps.get("tips")) {
                let waited = tips.created_at.0 - hello.created_at.0;
                assert!(waited >= TimeDelta::days(1), "{walk:?} waited {waited}");
            }
        }
        assert!(of_walks.is_empty(), "messages of nobody's walk: {of_walks:?}");
        for (campaign, comers) in &self.club.expected.comers {
            let came = came.remove(campaign).unwrap_or_default();
            let differing: Vec<_> = came.symmetric_difference(comers).collect();
            assert!(differing.is_empty(), "journey {campaign}: {differing:?}");
        }
        assert!(came.is_empty(), "nobody ought to walk {came:?}");
    }
}
