//! How people come into a journey, how often, and what takes them out before its end.

use super::super::UnknownTerm;
use super::{Matching, Span};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

/// How people come in. Staff can always put somebody in as well.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// By staff alone.
    Staff,
    /// Who joins the campaign's segment; with `existing` also who is in it when the journey starts.
    Segment { existing: bool },
    /// An event of the person.
    Event {
        event: String,
        condition: Option<Matching>,
    },
    /// A date among the person's attributes.
    Date(OnDate),
}

/// A day that an attribute names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDate {
    pub attribute: String,
    /// Year by year, as a birthday; else on the day itself.
    pub yearly: bool,
    /// So many days after it; negative before it.
    pub days: i32,
    /// The time on the wall in the campaign's zone.
    pub at: NaiveTime,
}

/// The most days before or after a date.
pub const MOST_DAYS: i32 = 180;

/// How often a person may come in. Nobody is in a journey twice at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reentry {
    Never,
    Always,
    /// Not before so long after coming in last.
    After(Span),
}

/// What takes people out before the end. An opt-out always does, of a marketing journey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    pub on_goal: bool,
    pub on_leaving_segment: bool,
}

/// Whether and when a person was in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// How many times so far.
    pub times: i64,
    pub is_inside: bool,
    pub last_entered: Option<DateTime<Utc>>,
}

impl Reentry {
    /// Whether a person may come in now.
    pub fn allows(self, past: &Past, now: DateTime<Utc>, zone: Tz) -> bool {
        match (past.last_entered, self) {
            _ if past.is_inside => false,
            (None, _) | (_, Self::Always) => true,
            (Some(_), Self::Never) => false,
            (Some(last), Self::After(span)) => span.after(last, zone) <= now,
        }
    }
}

impl Entry {
    /// What stands in a form at first: a birthday comes every year.
    pub const fn usual_reentry(&self) -> Reentry {
        match self {
            Self::Date(_) => Reentry::Always,
            _ => Reentry::Never,
        }
    }

    /// The word for it in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Staff => "STAFF",
            Self::Segment { .. } => "SEGMENT",
            Self::Event { .. } => "EVENT",
            Self::Date(_) => "DATE",
        }
    }
}

/// The day on which a date comes back in a year. Who was born on 29 February has the 28th in
/// years without one: the day stays in its month, and nobody's comes a day late.
pub fn anniversary(date: NaiveDate, year: i32) -> Option<NaiveDate> {
    date.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}

impl OnDate {
    /// The dates, as an attribute says them, that are due on a day: those of one day, and on
    /// 28 February of a year without a 29th those of both.
    pub fn due_on(&self, day: NaiveDate) -> Vec<NaiveDate> {
        let shifted = match self.days {
            days @ 0.. => day.checked_sub_days(Days::new(days.unsigned_abs().into())),
            days => day.checked_add_days(Days::new(days.unsigned_abs().into())),
        };
        let Some(on) = shifted else { return Vec::new() };
        let is_short = NaiveDate::from_ymd_opt(on.year(), 2, 29).is_none();
        match (self.yearly && is_short && (on.month(), on.day()) == (2, 28))
            .then(|| NaiveDate::from_ymd_opt(2000, 2, 29))
            .flatten()
        {
            Some(leap) => vec![on, leap],
            None => vec![on],
        }
    }

    /// Whether a person with this date is due on a day.
    pub fn is_due(&self, date: NaiveDate, day: NaiveDate) -> bool {
        self.due_on(day).iter().any(|due| match self.yearly {
            true => (due.month(), due.day()) == (date.month(), date.day()) && date.year() <= day.year() + 1,
            false => *due == date,
        })
    }
}

super::super::terms::term!(
    /// Why somebody left a journey before its end.
    Reason {
        OptedOut = "opted_out",
        Goal = "goal",
        LeftSegment = "left_segment",
        Erased = "erased",
        Staff = "staff",
        Cancelled = "cancelled",
        Completed = "completed",
        StepGone = "step_gone",
    }
);

impl Reason {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OptedOut => "Opted out",
            Self::Goal => "Reached the goal",
            Self::LeftSegment => "Left the segment",
            Self::Erased => "Erased",
            Self::Staff => "Taken out by staff",
            Self::Cancelled => "The campaign was cancelled",
            Self::Completed => "The campaign was finished",
            Self::StepGone => "The step was not there",
        }
    }
}
