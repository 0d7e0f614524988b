//! A repetition as people say it: “Every Tuesday and Friday at 09:00”.

use super::Recurrence;
use super::rule::{End, Frequency, Nth, Rule, Until};
use chrono::{NaiveTime, Weekday};

impl Recurrence {
    /// A sentence without its full stop.
    pub fn words(&self) -> String {
        let mut said = self.rule.words();
        let times = match self.start {
            Some(start) => self.rule.times_of_day(start.time()),
            None => Vec::new(),
        };
        let times: Vec<_> = times.into_iter().map(clock).collect();
        if !times.is_empty() {
            said += &format!(" at {}", joined(&times));
        }
        said += &match self.rule.end {
            End::Never => String::new(),
            End::Until(Until::Day(day)) => format!(", until {}", day.format("%-d %B %Y")),
            End::Until(Until::Wall(at)) => format!(", until {}", at.format("%-d %B %Y, %H:%M")),
            End::Until(Until::At(at)) => format!(", until {} UTC", at.format("%-d %B %Y, %H:%M")),
            End::Count(1) => ", once".to_owned(),
            End::Count(count) => format!(", {count} times in all"),
        };
        said
    }
}

fn clock(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

impl Rule {
    fn words(&self) -> String {
        let is_plain = self.positions.is_empty();
        let said = match self.frequency {
            Frequency::Daily if self.days.is_empty() && self.month_days.is_empty() => {
                Some(every(self.interval, "day"))
            }
            Frequency::Weekly => Some(self.weekly()),
            Frequency::Monthly => self.monthly(),
            Frequency::Daily | Frequency::Yearly => None,
        };
        match (said, is_plain, self.months.is_empty()) {
            (Some(said), true, true) => said,
            (None, true, true) if self.frequency == Frequency::Yearly && self.is_bare() => {
                every(self.interval, "year")
            }
            _ => format!("By the rule {}", self.without_end()),
        }
    }

    fn is_bare(&self) -> bool {
        self.days.is_empty() && self.month_days.is_empty()
    }

    fn weekly(&self) -> String {
        let days: Vec<_> = self.days.iter().map(|day| name(day.day).to_owned()).collect();
        match (self.interval, days.is_empty()) {
            (interval, true) => every(interval, "week"),
            (1, false) => format!("Every {}", joined(&days)),
            (interval, false) => format!("{} on {}", every(interval, "week"), joined(&days)),
        }
    }

    fn monthly(&self) -> Option<String> {
        let of = match self.interval {
            1 => "every month".to_owned(),
            interval => format!("every {interval} months"),
        };
        match (self.days.as_slice(), self.month_days.as_slice()) {
            ([], []) => Some(every(self.interval, "month")),
            ([], days) => {
                let days: Vec<_> = days.iter().map(|day| day_of_month(*day)).collect();
                Some(format!("On the {} of {of}", joined(&days)))
            }
            (days, []) => {
                let days: Vec<_> = days.iter().map(nth_weekday).collect::<Option<_>>()?;
                Some(format!("On the {} of {of}", joined(&days)))
            }
            _ => None,
        }
    }
}

fn every(interval: u32, unit: &str) -> String {
    match interval {
        1 => format!("Every {unit}"),
        interval => format!("Every {interval} {unit}s"),
    }
}

fn nth_weekday(day: &Nth) -> Option<String> {
    let nth = match day.nth {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        -1 => "last",
        -2 => "last but one",
        _ => return None,
    };
    Some(format!("{nth} {}", name(day.day)))
}

fn day_of_month(day: i32) -> String {
    match day {
        -1 => "last day".to_owned(),
        -2 => "last day but one".to_owned(),
        ..-2 => format!("{} day before the end", ordinal(-day - 1)),
        day => ordinal(day),
    }
}

fn ordinal(number: i32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A weekday as people say it.
pub const fn name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// `a, b and c`
fn joined(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
