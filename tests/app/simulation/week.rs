//! What happens from one look at the clock to the next.

use super::campaigns::What;
use super::club::{Audience, Booking, Club};
use super::expected::Reported;
use chrono::{SecondsFormat, TimeDelta};
use fairway::accounts::Actor;
use fairway::audience::consent::commands as consent;
use fairway::campaigns::commands;
use fairway::domain::campaign::Command;
use fairway::domain::{Channel, ConsentStatus, Status};
use fairway::entity::{campaigns, runs};
use fairway::scheduler;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The most events of one call.
const CALL: usize = 1_000;

impl Club {
    /// One step of the week.
    pub async fn go_on(&mut self, step: i64) {
        self.app.advance(self.scale.step);
        self.people_change().await;
        self.staff_act(step).await;
        let reported = self.report(step).await;
        // The mail server is away for a while on Wednesday and on Saturday.
        let hours = step * self.scale.step.num_minutes() / 60;
        let is_down = (53..56).contains(&hours) || (130..131).contains(&hours);
        self.post.is_down.store(is_down, Ordering::SeqCst);
        if let Some(place) = [1, 3, 5]
            .iter()
            .position(|day| day * 24 + 4 == hours && self.is_on_the_hour(step))
        {
            self.crash(place).await;
        }
        self.app.tick().await;
        self.look().await;
        self.expect(&reported);
        self.send().await;
    }

    fn is_on_the_hour(&self, step: i64) -> bool {
        step * self.scale.step.num_minutes() % 60 == 0
    }

    /// Nothing new happens any more; everything that was begun is brought to its end.
    pub async fn finish(&mut self) {
        self.app.advance(TimeDelta::minutes(30));
        let now = self.now();
        self.post.is_down.store(false, Ordering::SeqCst);
        for planned in &mut self.campaigns {
            if let Some(open) = planned.paused.last_mut().filter(|(_, to)| to.is_none()) {
                open.1 = Some(now);
                self.app.command(planned.id, Command::Resume).await;
            }
        }
        for _ in 0..40 {
            self.app.tick().await;
            self.look().await;
            self.expect(&[]);
            self.send().await;
            self.app.advance(TimeDelta::minutes(190));
        }
    }

    async fn send(&self) {
        self.dispatcher.drain().await.unwrap();
        self.app.tick().await;
    }

    /// The process dies: in the middle of a tick, or of sending.
    async fn crash(&mut self, place: usize) {
        let so_far = self.post.count();
        let (dispatcher, post, cx) = (&self.dispatcher, &self.post, &self.app.cx);
        let working = async {
            match place {
                0 => drop(scheduler::tick(cx).await.unwrap()),
                _ => {
                    self.app.tick().await;
                    dispatcher.drain().await.unwrap();
                }
            }
        };
        let dying = async {
            match place {
                0 => tokio::time::sleep(Duration::from_millis(7)).await,
                _ => {
                    while post.count() < so_far + 20 {
                        tokio::time::sleep(Duration::from_micros(200)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = working => {}
            () = dying => {}
        }
        self.start_again().await;
    }

    /// Some join and leave lists, some say no.
    async fn people_change(&mut self) {
        let many = 2 + self.people.len() / 2_000;
        let now = self.now();
        let tx = self.app.cx.db.begin().await.unwrap();
        for _ in 0..many {
            let contact = 1 + i64::try_from(self.dice.below(self.people.len() - 1)).unwrap();
            let number = 1 + self.dice.below(self.segments.len() - 1);
            let segment = &mut self.segments[number];
            let joins = segment.members.insert(contact);
            if !joins {
                segment.members.remove(&contact);
            }
            let text = match (segment.is_rule, joins) {
                (true, true) => "INSERT INTO contact_tags (contact_id, tag) VALUES ($1, 'member')",
                (true, false) => "DELETE FROM contact_tags WHERE contact_id = $1 AND tag = 'member'",
                (false, true) => "INSERT INTO segment_members (contact_id, segment_id) VALUES ($1, $2)",
                (false, false) => "DELETE FROM segment_members WHERE contact_id = $1 AND segment_id = $2",
            };
            let mut values = vec![contact.into()];
            if !segment.is_rule {
                values.push(segment.id.into());
            }
            sea_orm::ConnectionTrait::execute_raw(&*tx, tx.sql(text, values))
                .await
                .unwrap();
        }
        let ground = consent::Ground {
            source: "unsubscribe page",
            evidence: "",
            actor: "the contact",
        };
        for _ in 0..many / 2 {
            let number = 1 + self.dice.below(self.people.len() - 1);
            let contact = i64::try_from(number).unwrap();
            let person = &mut self.people[number];
            if person.opted_out.is_none() {
                person.opted_out = Some(now);
                consent::set(
                    &tx,
                    contact,
                    Channel::Email,
                    ConsentStatus::Unsubscribed,
                    &ground,
                    now,
                )
                .await
                .unwrap();
            }
        }
        tx.commit().await.unwrap();
    }

    /// Campaigns are scheduled, paused, resumed, cancelled.
    async fn staff_act(&mut self, step: i64) {
        let now = self.now();
        for planned in self.campaigns.iter_mut().filter(|one| one.scheduled_in == step) {
            commands::schedule(&self.app.cx, planned.id, &Actor::fairway())
                .await
                .unwrap();
            planned.scheduled = Some(now);
        }
        let rows = campaigns::Entity::find().all(&*self.app.cx.db).await.unwrap();
        for row in rows {
            let planned = self.campaigns.iter_mut().find(|one| one.id == row.id).unwrap();
            let command = match row.status {
                Status::Active if self.dice.happens(8) => Command::Pause,
                Status::Paused if self.dice.happens(15) => Command::Cancel,
                Status::Paused if self.dice.happens(200) => Command::Resume,
                Status::Scheduled if self.dice.happens(1) => Command::Cancel,
                _ => continue,
            };
            match command {
                Command::Pause => planned.paused.push((now, None)),
                Command::Resume => planned.paused.last_mut().unwrap().1 = Some(now),
                _ => {
                    planned.cancelled = Some(now);
                    if let Some(open) = planned.paused.last_mut().filter(|(_, to)| to.is_none()) {
                        open.1 = Some(now);
                    }
                }
            }
            self.app.command(row.id, command).await;
        }
    }

    /// What club systems report. A few events come twice.
    async fn report(&mut self, step: i64) -> Vec<Reported> {
        let steps = self.scale.steps();
        let until = self.scale.events * usize::try_from(step + 1).unwrap() / usize::try_from(steps).unwrap();
        let (mut reported, mut body) = (Vec::new(), Vec::new());
        let earlier = self.bookings.len();
        let mut free = earlier;
        while self.events < until {
            let (event, json) = self.event(&mut free);
            reported.push(event);
            if self.dice.happens(10) {
                body.push(json.clone());
            }
            self.recent.push(json.clone());
            body.push(json);
            self.events += 1;
        }
        if self.recent.len() > 20 {
            let again = self.dice.below(self.recent.len());
            body.push(self.recent[again].clone());
            self.recent.drain(..self.recent.len() - 20);
        }
        for part in body.chunks(CALL) {
            let body = Value::Array(part.to_vec());
            self.program.post("/events", &body).await.is(202);
        }
        reported
    }

    /// An event. Only bookings of earlier steps, of which there are `free`, are called off.
    fn event(&mut self, free: &mut usize) -> (Reported, Value) {
        let now = self.now();
        let number = self.events;
        let id = format!("e{number}");
        let contact = 1 + i64::try_from(self.dice.below(self.people.len() - 1)).unwrap();
        let is_known = !self.dice.happens(5);
        // A club system that was away for more than a day.
        let occurred = match self.dice.happens(5) {
            true => now - TimeDelta::hours(30),
            false => now,
        };
        let mut event = Reported {
            number,
            name: "page.viewed",
            contact: is_known.then_some(contact),
            course: i64::try_from(self.dice.below(10)).unwrap(),
            players: 1 + i64::try_from(self.dice.below(4)).unwrap(),
            occurred,
            tee_time: now + TimeDelta::minutes(i64::try_from(self.dice.below(3 * 24 * 60)).unwrap() + 30),
            booking: number,
            at: now,
        };
        let mut properties = json!({"page": "/"});
        match self.dice.below(100) {
            0..70 => {}
            70..85 => {
                event.name = "booking.confirmed";
                properties = json!({
                    "booking_id": format!("b{number}"), "course": event.course, "players": event.players,
                    "tee_time": event.tee_time.to_rfc3339_opts(SecondsFormat::Secs, true),
                });
                if is_known {
                    self.bookings.push(Booking {
                        contact,
                        event: number,
                    });
                }
            }
            85..90 if *free > 0 => {
                event.name = "booking.cancelled";
                let place = self.dice.below(*free);
                *free -= 1;
                // The last of the earlier ones takes its place.
                self.bookings.swap(place, *free);
                let booking = self.bookings.remove(*free);
                event.contact = Some(booking.contact);
                event.booking = booking.event;
                event.occurred = now;
                properties = json!({"booking_id": format!("b{}", booking.event)});
            }
            90..96 => event.name = "shop.ordered",
            96.. => event.name = "member.joined",
            _ => {}
        }
        let who = match event.contact {
            Some(contact) => contact.to_string(),
            None => format!("stranger-{number}"),
        };
        let json = json!({
            "id": id, "name": event.name, "contact": who, "properties": properties,
            "occurredAt": event.occurred.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        (event, json)
    }

    /// Runs that were opened: whoever is in the segment now is their audience.
    async fn look(&mut self) {
        let last = self.audiences.keys().copied().max().unwrap_or(0);
        let opened = runs::Entity::find()
            .filter(runs::Column::Id.gt(last))
            .order_by_asc(runs::Column::Id)
            .all(&*self.app.cx.db)
            .await
            .unwrap();
        for run in opened {
            let planned = self
                .campaigns
                .iter()
                .find(|one| one.id == run.campaign_id)
                .unwrap();
            let is_sent_to_many = matches!(planned.what, What::OneTime { .. } | What::Recurring { .. });
            let members = match planned.segment.filter(|_| is_sent_to_many) {
                Some(segment) => self.segments[segment].members.clone(),
                None => HashSet::new(),
            };
            let audience = Audience {
                campaign: run.campaign_id,
                at: run.started_at.0,
                scheduled_for: run.scheduled_for.0,
                members,
            };
            assert_eq!(audience.at, self.now(), "a run is opened when the clock says so");
            self.audiences.insert(run.id, audience);
        }
    }
}
