//! The days of a rule, period by period: of a day, a week, a month or a year, each so many apart.

use super::rule::{End, Frequency, Nth, Rule};
use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveDateTime, Weekday};
use std::collections::VecDeque;

/// A rule that found nothing for so long never will: the 29th of February on a Monday comes every
/// 40 years at the latest.
const HOPELESS_YEARS: i32 = 60;

/// The times of a rule on the wall, in order.
pub(super) struct Times<'a> {
    rule: &'a Rule,
    start: NaiveDateTime,
    times_of_day: Vec<chrono::NaiveTime>,
    /// The number of the next period, from the start's.
    period: u32,
    found: VecDeque<NaiveDateTime>,
    /// How many are still to be counted, where the rule ends by a count.
    left: Option<u32>,
    /// The year in which it is given up.
    hopeless: i32,
}

impl Rule {
    /// The times from `start` on, of those a few before `from` that might still be after it
    /// somewhere on earth, and all later ones.
    pub(super) fn times(&self, start: NaiveDateTime, from: NaiveDateTime) -> Times<'_> {
        let (period, left) = match self.end {
            End::Count(count) => (0, Some(count)),
            End::Never | End::Until(_) => (self.period_of(start.date(), from.date()), None),
        };
        Times {
            rule: self,
            start,
            times_of_day: self.times_of_day(start.time()),
            period,
            found: VecDeque::new(),
            left,
            hopeless: start.year().max(from.year()) + HOPELESS_YEARS,
        }
    }

    /// A period that is surely not after a day.
    fn period_of(&self, start: NaiveDate, day: NaiveDate) -> u32 {
        // Where the clocks jump a whole day, what was asked for two days ago may be today.
        let days = (day - start).num_days() - 3;
        let months = i64::from(day.year() - start.year()) * 12 + i64::from(day.month0())
            - i64::from(start.month0())
            - 1;
        let passed = match self.frequency {
            Frequency::Daily => days,
            Frequency::Weekly => days.div_euclid(7) - 1,
            Frequency::Monthly => months,
            Frequency::Yearly => months.div_euclid(12) - 1,
        };
        u32::try_from(passed.max(0) / i64::from(self.interval)).unwrap_or(0)
    }

    /// The first day of the nth period, or nothing at the end of the calendar.
    fn period(&self, start: NaiveDate, number: u32) -> Option<NaiveDate> {
        let step = number.checked_mul(self.interval)?;
        match self.frequency {
            Frequency::Daily => start.checked_add_days(Days::new(step.into())),
            Frequency::Weekly => {
                let back = start.weekday().days_since(self.week_start);
                let first = start.checked_sub_days(Days::new(back.into()))?;
                first.checked_add_days(Days::new(u64::from(step) * 7))
            }
            Frequency::Monthly => start.with_day(1)?.checked_add_months(Months::new(step)),
            Frequency::Yearly => {
                let year = start.year().checked_add(i32::try_from(step).ok()?)?;
                NaiveDate::from_ymd_opt(year, 1, 1)
            }
        }
    }

    /// The days of the period that begins on `first`, in order.
    fn days_of(&self, start: NaiveDate, first: NaiveDate) -> Vec<NaiveDate> {
        let mut days = match self.frequency {
            Frequency::Daily => vec![first],
            Frequency::Weekly => self.of_week(start, first),
            Frequency::Monthly => self.of_month(start, first),
            Frequency::Yearly => (1..=12)
                .filter(|month| self.is_month_of_year(start, *month))
                .filter_map(|month| first.with_month(month))
                .flat_map(|first| self.of_month(start, first))
                .collect(),
        };
        days.retain(|day| self.months.is_empty() || self.months.contains(&day.month()));
        if self.frequency == Frequency::Daily {
            days.retain(|day| self.is_wanted_day(*day));
        }
        days
    }

    /// Without a day or a month, a year means the start's month.
    fn is_month_of_year(&self, start: NaiveDate, month: u32) -> bool {
        !self.months.is_empty()
            || !self.days.is_empty()
            || !self.month_days.is_empty()
            || start.month() == month
    }

    fn of_week(&self, start: NaiveDate, first: NaiveDate) -> Vec<NaiveDate> {
        let is_wanted = |day: Weekday| match self.days.is_empty() {
            true => day == start.weekday(),
            false => self.days.iter().any(|wanted| wanted.day == day),
        };
        first
            .iter_days()
            .take(7)
            .filter(|day| is_wanted(day.weekday()))
            .collect()
    }

    fn of_month(&self, start: NaiveDate, first: NaiveDate) -> Vec<NaiveDate> {
        let days = first.iter_days().take_while(|day| day.month() == first.month());
        match self.days.is_empty() && self.month_days.is_empty() {
            true => days.filter(|day| day.day() == start.day()).collect(),
            false => days.filter(|day| self.is_wanted_day(*day)).collect(),
        }
    }

    /// Whether `BYDAY` and `BYMONTHDAY` both want a day.
    fn is_wanted_day(&self, day: NaiveDate) -> bool {
        let last = last_of_month(day);
        let by_weekday = |wanted: &Nth| {
            let forward = (day.day() - 1) / 7 + 1;
            let back = (last - day.day()) / 7 + 1;
            wanted.day == day.weekday()
                && match wanted.nth {
                    0 => true,
                    nth @ 1.. => nth.unsigned_abs() == forward,
                    nth => nth.unsigned_abs() == back,
                }
        };
        let by_number = |wanted: &i32| match *wanted {
            number @ 1.. => number.unsigned_abs() == day.day(),
            number => number.unsigned_abs() == last - day.day() + 1,
        };
        (self.days.is_empty() || self.days.iter().any(by_weekday))
            && (self.month_days.is_empty() || self.month_days.iter().any(by_number))
    }
}

fn last_of_month(day: NaiveDate) -> u32 {
    let next = day
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(1)));
    next.and_then(|next| next.pred_opt())
        .map_or(31, |last| last.day())
}

impl Times<'_> {
    /// Finds the times of the next period; `false` at the end of hope.
    fn find(&mut self) -> bool {
        let Some(first) = self.rule.period(self.start.date(), self.period) else {
            return false;
        };
        self.period += 1;
        if first.year() > self.hopeless {
            return false;
        }
        let days = self.rule.days_of(self.start.date(), first);
        let mut times: Vec<_> = days
            .into_iter()
            .flat_map(|day| self.times_of_day.iter().map(move |time| day.and_time(*time)))
            .collect();
        if !self.rule.positions.is_empty() {
            times = at_positions(&times, &self.rule.positions);
        }
        self.found
            .extend(times.into_iter().filter(|time| *time >= self.start));
        true
    }
}

fn at_positions(times: &[NaiveDateTime], positions: &[i32]) -> Vec<NaiveDateTime> {
    let length = i32::try_from(times.len()).unwrap_or(i32::MAX);
    let mut places: Vec<_> = positions
        .iter()
        .map(|position| match position {
            1.. => position - 1,
            _ => length + position,
        })
        .filter_map(|place| usize::try_from(place).ok())
        .collect();
    places.sort_unstable();
    places.dedup();
    places
        .into_iter()
        .filter_map(|place| times.get(place).copied())
        .collect()
}

impl Iterator for Times<'_> {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        if self.left == Some(0) {
            return None;
        }
        while self.found.is_empty() {
            if !self.find() {
                return None;
            }
        }
        self.left = self.left.map(|left| left - 1);
        let found = self.found.pop_front()?;
        // Each that is found gives hope for as long again.
        self.hopeless = self.hopeless.max(found.year() + HOPELESS_YEARS);
        Some(found)
    }
}
