//! The demo club's tee times: a confirmation as soon as two or more have booked, a reminder two days
//! before they play, and some who cancel, come back, or take a golf cart.

use super::{Diary, Habits, Happening, Letter, Sent, begin as begin_campaign, keep_letters, note, template};
use crate::campaigns::draft::{Changes, Content, NewCampaign, When};
use crate::context::Context;
use crate::demo::club;
use crate::demo::people::Known;
use crate::domain::goal::Goal;
use crate::domain::trigger::Trigger;
use crate::domain::{CampaignType, Channel, Purpose};
use anyhow::{Result, anyhow};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

const BOOKED: &str = "booking.confirmed";
const CANCELLED: &str = "booking.cancelled";
const CART: &str = "cart.reserved";
/// What a golf cart costs, in the club's currency.
const CART_FEE: i64 = 420;

const REMINDER: Letter = Letter {
    key: "tee-time-reminder-email",
    name: "Tee time reminder",
    subject: "You play on {{ event.tee_time | date(\"EEEE 'at' HH:mm\") }}",
    text: "We look forward to seeing the {{ event.players }} of you on the {{ event.course }} on \
           {{ event.tee_time | date(\"EEEE d MMMM, HH:mm\") }}. Please tell us by noon of the day before if you \
           cannot come, so that somebody else can play.",
    link: ("bookings", "See or change the booking"),
};

/// Makes and schedules both.
pub(super) async fn begin(past: &Context) -> Result<Vec<(i64, Habits)>> {
    let reminder = keep_letters(past, &[REMINDER], &crate::demo::campaigns::staff()).await?;
    let confirmation = template(past, "booking-confirmation-email").await?;
    let goal = json!({ "event": CART, "window": "P14D", "value": "fee" });
    let goal = Goal::parse(&goal).map_err(|(_, text)| anyhow!(text))?;
    let confirm = triggered("Booking confirmation", &json!({}), confirmation, Some(goal))?;
    let delay = json!({ "before": "P2D", "of": "event.tee_time" });
    let template = reminder.first().copied().unwrap_or_default();
    let remind = triggered("Tee time reminder", &json!({ "delay": delay }), template, None)?;
    let confirmed = Habits {
        opens: 0.74,
        within: TimeDelta::hours(9),
        clicks: 0.34,
        link: |sent| link_of(sent.id),
        then: take_cart,
    };
    let reminded = Habits {
        opens: 0.61,
        within: TimeDelta::hours(20),
        clicks: 0.12,
        link: |_| REMINDER.link.0,
        then: |_, _, _, _| {},
    };
    Ok(vec![
        (begin_campaign(past, confirm).await?, confirmed),
        (begin_campaign(past, remind).await?, reminded),
    ])
}

/// A campaign that a booking for two or more sets off, and its cancellation calls off.
fn triggered(name: &str, more: &Value, template: i64, goal: Option<Goal>) -> Result<NewCampaign> {
    let mut trigger = json!({
        "event": BOOKED,
        "where": { "all": [{ "field": "event.players", "op": "gte", "value": 2 }] },
        "cancelOn": { "event": CANCELLED, "match": ["booking_id"] },
        "repeat": "EVERY_EVENT",
    });
    if let (Some(trigger), Some(more)) = (trigger.as_object_mut(), more.as_object()) {
        trigger.extend(more.clone());
    }
    let trigger = Trigger::parse(&trigger).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    Ok(NewCampaign {
        name: name.into(),
        kind: CampaignType::Triggered,
        timezone: club::ZONE,
        rest: Changes {
            purpose: Some(Purpose::Transactional),
            when: Some(When::Now),
            trigger: Some(Some(trigger)),
            goal: Some(goal),
            contents: [(Channel::Email, Some(Content::Template(template)))].into(),
            ..Changes::default()
        },
    })
}

/// The bookings of these weeks, and the cancellations.
pub(super) fn book(
    diary: &mut Diary,
    rng: &mut StdRng,
    people: &[Known],
    (start, now): (DateTime<Utc>, DateTime<Utc>),
) {
    let golfers: Vec<&Known> = people
        .iter()
        .filter(|person| person.is_active && !person.email.is_empty())
        .collect();
    if golfers.is_empty() {
        return;
    }
    let today = now.with_timezone(&club::ZONE).date_naive();
    let first = start.with_timezone(&club::ZONE).date_naive() + Days::new(1);
    let mut number = 4_100;
    for day in first.iter_days().take_while(|day| *day <= today) {
        let most = match day.weekday() {
            Weekday::Mon => 5,
            Weekday::Thu | Weekday::Fri => 14,
            _ => 9,
        };
        for _ in 0..rng.random_range(most / 2..=most) {
            number += rng.random_range(1..4);
            let at = moment(rng, day, 6..22);
            let contact = match rng.random_bool(0.03) {
                true => format!("guest{number}@visitors.example"),
                false => golfers[rng.random_range(0..golfers.len())].key(),
            };
            let played = day + Days::new(days_ahead(rng));
            // A tee time every ten minutes, from seven in the morning.
            let tee_time = midnight(played) + TimeDelta::minutes(7 * 60 + 10 * rng.random_range(0..48));
            if at >= now || at + TimeDelta::hours(1) >= tee_time {
                continue;
            }
            let id = format!("B-{number}");
            let booking = Happening {
                name: BOOKED,
                contact: contact.clone(),
                properties: json!({
                    "booking_id": id,
                    "tee_time": tee_time.with_timezone(&club::ZONE).to_rfc3339(),
                    "players": players(rng),
                    "course": if rng.random_bool(0.6) { "East course" } else { "West course" },
                }),
            };
            note(diary, at, booking);
            let until = (tee_time - at).num_minutes();
            if until > 240 && rng.random_bool(0.13) {
                let cancelled = at + TimeDelta::minutes(rng.random_range(30..until - 60));
                let properties = json!({ "booking_id": id });
                let happening = Happening {
                    name: CANCELLED,
                    contact,
                    properties,
                };
                note(diary, cancelled, happening);
            }
        }
    }
}

/// A moment of a day between two hours, in the club's zone.
fn moment(rng: &mut StdRng, day: NaiveDate, hours: std::ops::Range<u32>) -> DateTime<Utc> {
    let second = rng.random_range(hours.start * 3_600..hours.end * 3_600);
    midnight(day) + TimeDelta::seconds(i64::from(second))
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN)
        .and_local_timezone(club::ZONE)
        .earliest()
        .map_or(DateTime::UNIX_EPOCH, |midnight| midnight.to_utc())
}

/// Most book for the coming weekend.
fn days_ahead(rng: &mut StdRng) -> u64 {
    match rng.random_range(0..10) {
        0..2 => 1,
        2..5 => rng.random_range(2..5),
        _ => rng.random_range(4..11),
    }
}

fn players(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..100) {
        0..14 => 1,
        14..42 => 2,
        42..58 => 3,
        _ => 4,
    }
}

const CARTS: &str = "carts";

/// Which of the confirmation's links somebody follows.
const fn link_of(delivery: i64) -> &'static str {
    match delivery % 5 {
        0..3 => CARTS,
        _ => "bookings",
    }
}

/// Some of those who look at the carts take one.
fn take_cart(rng: &mut StdRng, sent: &Sent, clicked: Option<DateTime<Utc>>, diary: &mut Diary) {
    let (Some(at), Some(contact)) = (clicked, sent.contact_id) else {
        return;
    };
    if link_of(sent.id) == CARTS && rng.random_bool(0.45) {
        let happening = Happening {
            name: CART,
            contact: Known::key_of(contact),
            properties: json!({ "fee": CART_FEE }),
        };
        note(diary, at + TimeDelta::minutes(rng.random_range(2..40)), happening);
    }
}
