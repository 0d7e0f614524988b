//! Calendars (RFC 5545): the events that start within the coming days, those that repeat each time
//! that they do.

use super::clean;
use super::{Asked, MOST_ITEMS, UNREADABLE};
use crate::domain::feed::{Feed, Item, Kind};
use crate::domain::schedule;
use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use icalendar::parser::{Component, Property, read_calendar, unfold};
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};
use std::collections::HashSet;
use url::Url;

/// Components within components; a calendar has three.
const DEEPEST: usize = 6;
/// Events of a calendar that are looked at, the past ones too.
const MOST_EVENTS: usize = 10_000;
/// Events that repeat and go on.
const MOST_REPEATED: usize = 1_000;
/// A repetition that began earlier is not followed.
const EARLIEST: i32 = 1970;
/// Times of one that repeats, within the days that are looked ahead.
const MOST_TIMES: u16 = 400;

pub fn parse(text: &str, asked: &Asked) -> Result<Feed, String> {
    let text = unfold(&whole(text)?);
    let calendar = read_calendar(&text).map_err(|_| format!("{UNREADABLE} The calendar is broken."))?;
    let name = value(&calendar.properties, "X-WR-CALNAME").unwrap_or_default();
    let zone = value(&calendar.properties, "X-WR-TIMEZONE").and_then(|name| name.parse().ok());
    let window = Window::of(asked, zone.unwrap_or(asked.zone));
    let events: Vec<_> = calendar
        .components
        .iter()
        .filter(|component| component.name.as_str() == "VEVENT")
        .take(MOST_EVENTS)
        .filter_map(|component| Event::of(component, window.zone))
        .collect();
    // An event that repeats, and what was said of one of its times alone.
    let said: HashSet<_> = events
        .iter()
        .filter_map(|event| Some((event.uid.as_str(), event.instead_of?.instant(window.zone))))
        .collect();
    let mut found: Vec<(DateTime<Utc>, Item)> = Vec::new();
    let mut repeated = 0;
    for event in &events {
        if event.repeats() {
            repeated += 1;
            if repeated > MOST_REPEATED {
                continue;
            }
        }
        for start in event.starts(&window) {
            let at = start.instant(window.zone);
            let is_said_otherwise = event.instead_of.is_none() && said.contains(&(event.uid.as_str(), at));
            if !event.is_cancelled && !is_said_otherwise && window.has(start) {
                found.push((at, event.item(start, &window)));
            }
        }
    }
    found.sort_by(|(a, one), (b, other)| (a, &one.title).cmp(&(b, &other.title)));
    Ok(Feed {
        kind: Kind::Events,
        title: clean::plain_line(name),
        url: value(&calendar.properties, "URL")
            .map(|url| clean::web(url, None))
            .unwrap_or_default(),
        items: found.into_iter().map(|(_, item)| item).take(MOST_ITEMS).collect(),
    })
}

/// The text with plain line ends, refused where the parser, which calls itself for each component
/// in another, would go too deep.
fn whole(text: &str) -> Result<String, String> {
    let text = text
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let mut depth = 0_usize;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let word = line.get(..6).unwrap_or_default().to_ascii_uppercase();
        if word == "BEGIN:" {
            depth += 1;
        } else if word.starts_with("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEEPEST {
            return Err(format!("{UNREADABLE} The calendar is broken."));
        }
        lines.push(line);
    }
    lines.push("");
    Ok(lines.join("\n"))
}

/// The days that are looked at.
struct Window {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    today: NaiveDate,
    zone: Tz,
    base: Option<Url>,
}

impl Window {
    fn of(asked: &Asked, zone: Tz) -> Self {
        Self {
            from: asked.now,
            until: asked.now + TimeDelta::days(asked.days),
            today: asked.now.with_timezone(&zone).date_naive(),
            zone,
            base: Url::parse(&asked.url).ok(),
        }
    }

    fn has(&self, start: When) -> bool {
        match start {
            When::Day(day) => day >= self.today && start.instant(self.zone) < self.until,
            When::At(at) => at >= self.from && at < self.until,
        }
    }
}

/// When something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Day(NaiveDate),
    At(DateTime<Utc>),
}

impl When {
    fn instant(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => schedule::resolve(day.and_time(chrono::NaiveTime::MIN), zone).instant(),
            Self::At(at) => at,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::At(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

struct Event<'a> {
    component: &'a Component<'a>,
    uid: String,
    start: When,
    /// The zone on whose walls it repeats.
    zone: Tz,
    instead_of: Option<When>,
    is_cancelled: bool,
}

impl<'a> Event<'a> {
    fn of(component: &'a Component<'a>, usual: Tz) -> Option<Self> {
        let start = component.find_prop("DTSTART")?;
        let when = when(start, usual)?;
        let text = |name| value(&component.properties, name).unwrap_or_default();
        let uid = match text("UID") {
            "" => format!("{}-{}", text("SUMMARY"), when.text()),
            uid => uid.to_owned(),
        };
        Some(Self {
            component,
            uid,
            start: when,
            zone: zone_of(start, usual),
            instead_of: component
                .find_prop("RECURRENCE-ID")
                .and_then(|at| self::when(at, usual)),
            is_cancelled: text("STATUS").eq_ignore_ascii_case("CANCELLED"),
        })
    }

    fn repeats(&self) -> bool {
        let has = |name: &str| self.component.find_prop(name).is_some();
        self.instead_of.is_none() && (has("RRULE") || has("RDATE"))
    }

    /// Each time that it starts, of those that may be within the window.
    fn starts(&self, window: &Window) -> Vec<When> {
        if !self.repeats() {
            return vec![self.start];
        }
        // One whose rule cannot be followed happens once, as it says itself.
        self.repeated(window).unwrap_or_else(|| vec![self.start])
    }

    fn repeated(&self, window: &Window) -> Option<Vec<When>> {
        let is_day = matches!(self.start, When::Day(_));
        // Days repeat on walls that have no zone.
        let zone = if is_day { Tz::UTC } else { self.zone };
        let wall = |when: When| match when {
            When::Day(day) => Some(day.and_time(chrono::NaiveTime::MIN).and_utc()),
            When::At(at) if is_day => {
                let day = at.with_timezone(&self.zone).date_naive();
                Some(day.and_time(chrono::NaiveTime::MIN).and_utc())
            }
            When::At(at) => Some(at),
        };
        let local = |at: DateTime<Utc>| at.with_timezone(&rrule::Tz::from(zone));
        let start = wall(self.start)?;
        if start.year() < EARLIEST {
            return None;
        }
        let mut set = RRuleSet::new(local(start));
        for property in &self.component.properties {
            let list = || {
                let each = property.val.as_str().split(',');
                let read = each.filter_map(|text| when_of(text, zone_of(property, self.zone)));
                read.filter_map(wall).map(local).collect::<Vec<_>>()
            };
            match property.name.as_str() {
                "RRULE" => {
                    let text = until_in_utc(property.val.as_str(), zone);
                    let rule: RRule<Unvalidated> = text.parse().ok()?;
                    if !is_followed(&rule) {
                        return None;
                    }
                    set = set.rrule(rule.validate(local(start)).ok()?);
                }
                "RDATE" => set = list().into_iter().fold(set, RRuleSet::rdate),
                "EXDATE" => set = list().into_iter().fold(set, RRuleSet::exdate),
                _ => {}
            }
        }
        let day = TimeDelta::days(1);
        let times = set
            .after(local(window.from - day))
            .before(local(window.until + day))
            .all(MOST_TIMES)
            .dates;
        Some(
            times
                .into_iter()
                .map(|at| match is_day {
                    true => When::Day(at.date_naive()),
                    false => When::At(at.with_timezone(&Utc)),
                })
                .collect(),
        )
    }

    fn lasts(&self, usual: Tz) -> Option<TimeDelta> {
        if let Some(end) = self.component.find_prop("DTEND") {
            let end = when(end, usual)?;
            return Some(match (self.start, end) {
                (When::Day(from), When::Day(to)) => to - from,
                _ => end.instant(usual) - self.start.instant(usual),
            });
        }
        let text = value(&self.component.properties, "DURATION")?;
        duration(text)
    }

    fn item(&self, start: When, window: &Window) -> Item {
        let text = |name| value(&self.component.properties, name).unwrap_or_default();
        let lasts = self.lasts(window.zone).filter(|lasts| *lasts > TimeDelta::zero());
        let ends = lasts.map(|lasts| match start {
            // The day on which it ends is the first without it (RFC 5545 §3.6.1).
            When::Day(day) => When::Day(day + lasts - TimeDelta::days(1)),
            When::At(at) => When::At(at + lasts),
        });
        let described = text("DESCRIPTION");
        let has_markup = described.contains("</") || described.contains("<br");
        let base = window.base.as_ref();
        let author = self
            .component
            .find_prop("ORGANIZER")
            .and_then(|organizer| parameter(organizer, "CN"));
        let html = match has_markup {
            true => clean::html(described, base),
            false => clean::of_text(described),
        };
        Item {
            id: match self.repeats() || self.instead_of.is_some() {
                true => format!("{} {}", self.uid, start.text()),
                false => self.uid.clone(),
            },
            title: clean::plain_line(text("SUMMARY")),
            url: clean::web(text("URL"), base),
            summary: match has_markup {
                true => clean::summary(described),
                false => clean::plain_summary(described),
            },
            image: picture(self.component, base).unwrap_or_else(|| clean::first_image(&html)),
            html,
            starts: start.text(),
            ends: ends
                .filter(|end| *end != start)
                .map(When::text)
                .unwrap_or_default(),
            location: clean::plain_line(text("LOCATION")),
            author: author.map(clean::plain_line).unwrap_or_default(),
            categories: text("CATEGORIES")
                .split(',')
                .map(clean::plain_line)
                .filter(|one| !one.is_empty())
                .collect(),
            ..Item::default()
        }
    }
}

fn picture(component: &Component, base: Option<&Url>) -> Option<String> {
    let is_picture = |property: &&Property| {
        property.name.as_str() == "IMAGE"
            || property.name.as_str() == "ATTACH"
                && parameter(property, "FMTTYPE").is_some_and(|kind| kind.starts_with("image/"))
    };
    let property = component.properties.iter().find(is_picture)?;
    Some(clean::web(property.val.as_str(), base)).filter(|url| !url.is_empty())
}

fn value<'a>(properties: &'a [Property<'a>], name: &str) -> Option<&'a str> {
    let found = properties
        .iter()
        .find(|property| property.name.as_str() == name)?;
    Some(found.val.as_str())
}

fn parameter<'a>(property: &'a Property<'a>, name: &str) -> Option<&'a str> {
    let found = property.params.iter().find(|one| one.key.as_str() == name)?;
    found.val.as_ref().map(|value| value.as_str().trim_matches('"'))
}

/// The zone that a time names, where it is one that is known.
fn zone_of(property: &Property, usual: Tz) -> Tz {
    parameter(property, "TZID")
        .and_then(|name| name.parse().ok())
        .unwrap_or(usual)
}

fn when(property: &Property, usual: Tz) -> Option<When> {
    when_of(property.val.as_str(), zone_of(property, usual))
}

/// `20260301`, `20260301T090000Z`, or a time on the wall of a zone.
fn when_of(text: &str, zone: Tz) -> Option<When> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y%m%d") {
        return Some(When::Day(day));
    }
    if let Some(utc) = text.strip_suffix('Z') {
        let at = NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").ok()?;
        return Some(When::At(Utc.from_utc_datetime(&at)));
    }
    let wall = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok()?;
    Some(When::At(schedule::resolve(wall, zone).instant()))
}

/// Whether a rule is one that a calendar of people has: at most daily, and once a day. Others would
/// be counted out for ever.
fn is_followed(rule: &RRule<Unvalidated>) -> bool {
    let is_rare = matches!(
        rule.get_freq(),
        Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly
    );
    let hours = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    is_rare && hours.iter().all(|times| times.len() <= 1)
}

/// A rule's end as the library wants it, which many programs write as a day or on the wall.
fn until_in_utc(rule: &str, zone: Tz) -> String {
    let parts = rule.split(';').map(|part| {
        let Some(text) = part.strip_prefix("UNTIL=") else {
            return part.to_owned();
        };
        let at = match when_of(text, zone) {
            Some(When::Day(day)) => day
                .checked_add_days(Days::new(1))
                .map(|next| When::Day(next).instant(zone) - TimeDelta::seconds(1)),
            Some(When::At(at)) => Some(at),
            None => None,
        };
        match at {
            Some(at) => format!("UNTIL={}", at.format("%Y%m%dT%H%M%SZ")),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(";")
}

/// `P1D`, `PT1H30M`, `P2W` (RFC 5545 §3.3.6).
fn duration(text: &str) -> Option<TimeDelta> {
    let mut seconds = 0_i64;
    let mut number = 0_i64;
    for c in text.trim().trim_start_matches('+').chars() {
        match c {
            'P' | 'T' => {}
            '0'..='9' => number = number.checked_mul(10)?.checked_add(i64::from(c.to_digit(10)?))?,
            unit => {
                let unit = match unit {
                    'W' => 604_800,
                    'D' => 86_400,
                    'H' => 3_600,
                    'M' => 60,
                    'S' => 1,
                    _ => return None,
                };
                seconds = seconds.checked_add(number.checked_mul(unit)?)?;
                number = 0;
            }
        }
    }
    TimeDelta::try_seconds(seconds).filter(|lasts| *lasts < TimeDelta::days(3_660))
}
