//! A stretch of the day by the clocks, such as 21:00–08:00. It may go over midnight.

use chrono::{Days, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

/// The shortest quiet hours, in minutes.
const SHORTEST: i64 = 30;

/// From one time of the day, included, to another, not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Hours {
    from: NaiveTime,
    to: NaiveTime,
}

/// As it stands in JSON: `{"from": "21:00", "to": "08:00"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: String,
    to: String,
}

impl TryFrom<Written> for Hours {
    type Error = &'static str;
    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Self::parse(&written.from, &written.to)
    }
}

impl From<Hours> for Written {
    fn from(hours: Hours) -> Self {
        Self {
            from: hours.from(),
            to: hours.to(),
        }
    }
}

impl Hours {
    /// Reads two times of the day.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(from: &str, to: &str) -> Result<Self, &'static str> {
        let time = |text: &str| {
            let text = text.trim();
            NaiveTime::parse_from_str(text, "%H:%M")
                .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"))
                .map_err(|_| "Write times of the day as hours and minutes, such as 21:00.")
        };
        let (from, to) = (time(from)?, time(to)?);
        if from == to {
            return Err("Quiet hours end at another time than they begin: something must be able to go out.");
        }
        let length = (to - from).num_minutes().rem_euclid(24 * 60);
        match length < SHORTEST {
            true => Err("Quiet hours last half an hour or more."),
            false => Ok(Self { from, to }),
        }
    }

    /// When they begin, as `21:00`.
    pub fn from(self) -> String {
        self.from.format("%H:%M").to_string()
    }

    /// When they end, as `08:00`.
    pub fn to(self) -> String {
        self.to.format("%H:%M").to_string()
    }

    /// Whether a time of the day is among them.
    pub fn holds(self, time: NaiveTime) -> bool {
        match self.from < self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        }
    }

    /// When they end by the clocks, where it is within them.
    pub fn end(self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        if !self.holds(wall.time()) {
            return None;
        }
        let day = match wall.time() < self.to {
            true => wall.date(),
            false => wall.date().checked_add_days(Days::new(1))?,
        };
        Some(day.and_time(self.to))
    }

    /// `21:00–08:00`
    pub fn words(self) -> String {
        format!("{}–{}", self.from(), self.to())
    }
}
