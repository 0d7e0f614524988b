//! The part of RFC 5545 §3.3.10 that newsletters use, kept as the text that was written.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc, Weekday};

/// The longest rule, in characters.
pub const LONGEST: usize = 500;
/// The most times that a rule may count to, and the widest interval.
pub const MOST_TIMES: u32 = 5_000;
pub const WIDEST_INTERVAL: u32 = 400;
/// Times of one period at most, so that a slip is no flood.
const MOST_TIMES_OF_DAY: usize = 24;

/// A rule that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As it was written, without `RRULE:`, in capitals.
    text: String,
    pub frequency: Frequency,
    pub interval: u32,
    /// `BYDAY`: every such weekday, or the nth of the month.
    pub days: Vec<Nth>,
    /// `BYMONTHDAY`: 1 to 31, or -1 for the last, -2 for the last but one.
    pub month_days: Vec<i32>,
    /// `BYMONTH`
    pub months: Vec<u32>,
    /// `BYSETPOS`
    pub positions: Vec<i32>,
    /// `BYHOUR` and `BYMINUTE`; empty means the start's.
    pub hours: Vec<u32>,
    pub minutes: Vec<u32>,
    /// `WKST`
    pub week_start: Weekday,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday: every one (0), the nth (1 to 5), or the nth from the end (-1 to -5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    pub nth: i32,
    pub day: Weekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Never,
    Until(Until),
    /// So many times from the start on.
    Count(u32),
}

/// The last moment at which it may happen, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// This day on the wall, whole.
    Day(NaiveDate),
    Wall(NaiveDateTime),
    At(DateTime<Utc>),
}

impl Rule {
    /// Reads `FREQ=WEEKLY;BYDAY=TU,FR`.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text).trim_end_matches(';');
        if text.len() > LONGEST {
            return Err(format!("A rule has at most {LONGEST} characters."));
        }
        let mut rule = Self::blank(text);
        let mut seen = Vec::new();
        for part in text.split(';') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("“{part}” is no part of a rule. Write it like {EXAMPLE}."))?;
            if seen.contains(&name) {
                return Err(format!("{name} stands in the rule twice."));
            }
            seen.push(name);
            rule.take(name, value)?;
        }
        if !seen.contains(&"FREQ") {
            return Err(format!("A rule begins with how often, like {EXAMPLE}."));
        }
        if seen.contains(&"UNTIL") && seen.contains(&"COUNT") {
            return Err("A rule ends by UNTIL or by COUNT, not by both (RFC 5545).".into());
        }
        rule.check()?;
        Ok(rule)
    }

    fn blank(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            frequency: Frequency::Daily,
            interval: 1,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            week_start: Weekday::Mon,
            end: End::Never,
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "FREQ" => self.frequency = frequency(value)?,
            "INTERVAL" => self.interval = number(name, value, 1, WIDEST_INTERVAL)?,
            "COUNT" => self.end = End::Count(number(name, value, 1, MOST_TIMES)?),
            "UNTIL" => self.end = End::Until(until(value)?),
            "WKST" => self.week_start = weekday(value)?,
            "BYDAY" => self.days = value.split(',').map(nth).collect::<Result<_, _>>()?,
            "BYMONTHDAY" => self.month_days = numbers(name, value, 31, true)?,
            "BYMONTH" => {
                let months = numbers(name, value, 12, false)?;
                self.months = months.into_iter().map(i32::unsigned_abs).collect();
            }
            "BYSETPOS" => self.positions = numbers(name, value, 366, true)?,
            "BYHOUR" => self.hours = clock(name, value, 23)?,
            "BYMINUTE" => self.minutes = clock(name, value, 59)?,
            "BYSECOND" if value == "0" || value == "00" => {}
            "BYSECOND" | "BYWEEKNO" | "BYYEARDAY" => {
                return Err(format!(
                    "Fairway does not repeat by {name}. Name days by BYDAY or BYMONTHDAY."
                ));
            }
            _ => return Err(format!("“{name}” is no part of a rule (RFC 5545).")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let is_nth = self.days.iter().any(|day| day.nth != 0);
        let by_month = match self.frequency {
            Frequency::Monthly => true,
            Frequency::Yearly => !self.months.is_empty(),
            Frequency::Daily | Frequency::Weekly => false,
        };
        if is_nth && !by_month {
            return Err("“The first Monday” needs FREQ=MONTHLY, or FREQ=YEARLY with BYMONTH.".into());
        }
        if self.frequency == Frequency::Weekly && !self.month_days.is_empty() {
            return Err("FREQ=WEEKLY goes with BYDAY, not with BYMONTHDAY (RFC 5545).".into());
        }
        if self.hours.len().max(1) * self.minutes.len().max(1) > MOST_TIMES_OF_DAY {
            return Err(format!("At most {MOST_TIMES_OF_DAY} times a day."));
        }
        Ok(())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rule without its end.
    pub fn without_end(&self) -> String {
        let parts = self.text.split(';');
        let kept: Vec<_> = parts
            .filter(|part| !part.starts_with("UNTIL=") && !part.starts_with("COUNT="))
            .collect();
        kept.join(";")
    }

    /// The times of a day on which it happens, in order.
    pub(super) fn times_of_day(&self, start: NaiveTime) -> Vec<NaiveTime> {
        use chrono::Timelike as _;
        let or = |list: &[u32], usual: u32| match list {
            [] => vec![usual],
            list => list.to_vec(),
        };
        let mut times = Vec::new();
        for hour in or(&self.hours, start.hour()) {
            for minute in or(&self.minutes, start.minute()) {
                times.extend(NaiveTime::from_hms_opt(hour, minute, start.second()));
            }
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Whether a time is not after `UNTIL`. A count is counted elsewhere.
    pub(super) fn is_before_end(&self, local: NaiveDateTime, at: DateTime<Utc>) -> bool {
        match self.end {
            End::Until(Until::Day(day)) => local.date() <= day,
            End::Until(Until::Wall(last)) => local <= last,
            End::Until(Until::At(last)) => at <= last,
            End::Never | End::Count(_) => true,
        }
    }
}

const EXAMPLE: &str = "FREQ=WEEKLY;BYDAY=TU,FR";

fn frequency(value: &str) -> Result<Frequency, String> {
    Ok(match value {
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        "SECONDLY" | "MINUTELY" | "HOURLY" => {
            return Err("Nobody wants mail that often. A campaign repeats daily at most; several times a day are BYHOUR.".into());
        }
        _ => return Err("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.".into()),
    })
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, String> {
    value
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{name} is a number from {least} to {most}."))
}

/// Numbers from 1 to `most`, or their negatives.
fn numbers(name: &str, value: &str, most: i32, may_be_negative: bool) -> Result<Vec<i32>, String> {
    let refuse = || match may_be_negative {
        true => format!("{name} takes numbers from 1 to {most}, or -1 to -{most} from the end."),
        false => format!("{name} takes numbers from 1 to {most}."),
    };
    let mut list = Vec::new();
    for text in value.split(',') {
        let number: i32 = text.parse().map_err(|_| refuse())?;
        let is_fine = (1..=most).contains(&number) || may_be_negative && (-most..=-1).contains(&number);
        match is_fine {
            true if !list.contains(&number) => list.push(number),
            true => {}
            false => return Err(refuse()),
        }
    }
    Ok(list)
}

fn clock(name: &str, value: &str, most: u32) -> Result<Vec<u32>, String> {
    value.split(',').map(|text| number(name, text, 0, most)).collect()
}

fn weekday(text: &str) -> Result<Weekday, String> {
    Ok(match text {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => {
            return Err(format!(
                "“{text}” is no weekday. They are MO, TU, WE, TH, FR, SA and SU."
            ));
        }
    })
}

fn nth(text: &str) -> Result<Nth, String> {
    let refuse = || format!("“{text}” is no weekday. Write TU, or 1MO for the first and -1FR for the last.");
    let split = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at));
    let (number, day) = text.split_at(split.ok_or_else(refuse)?);
    let nth = match number {
        "" => 0,
        number => number.parse().map_err(|_| refuse())?,
    };
    match (number, nth) {
        ("", _) | (_, 1..=5 | -5..=-1) => Ok(Nth {
            nth,
            day: weekday(day)?,
        }),
        _ => Err(refuse()),
    }
}

fn until(value: &str) -> Result<Until, String> {
    let wall = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
    let read = match (value.len(), value.strip_suffix('Z')) {
        (8, None) => NaiveDate::parse_from_str(value, "%Y%m%d").ok().map(Until::Day),
        (_, Some(utc)) => wall(utc).map(|at| Until::At(Utc.from_utc_datetime(&at))),
        (_, None) => wall(value).map(Until::Wall),
    };
    read.ok_or_else(|| "UNTIL is a day such as 20261231, or an instant such as 20261231T090000Z.".into())
}
