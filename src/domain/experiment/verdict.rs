//! What an experiment showed: rates, their differences with what chance may have made of them, and
//! the winner.

use super::{Metric, letter};
use crate::domain::stats::Counts;

/// The 97.5th percentile of the normal distribution, for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// With fewer people in a variant a difference says little, whatever it is.
const FEW: i64 = 30;

/// What came of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Whom it reached.
    pub people: i64,
    /// How many of them did what counts.
    pub hits: i64,
}

impl Cell {
    /// Of those whom it was delivered to. All metrics have the same people below the line, so that
    /// a variant that few open does not win by the clicks of those few.
    pub const fn of(counts: &Counts, metric: Metric) -> Self {
        Self {
            people: counts.delivered,
            hits: match metric {
                Metric::Open | Metric::Manual => counts.opened,
                Metric::Click => counts.clicked,
                Metric::Conversion => counts.converted,
            },
        }
    }

    pub fn rate(self) -> Option<f64> {
        (self.people > 0).then(|| self.hits as f64 / self.people as f64)
    }

    /// An open can come before the receipt that counts the delivery.
    fn sound(self) -> (f64, f64) {
        let people = self.people.max(self.hits);
        (self.hits as f64, people as f64)
    }

    /// The score interval of a rate (E. B. Wilson, “Probable inference, the law of succession, and
    /// statistical inference”, Journal of the American Statistical Association 22, 1927).
    fn wilson(self) -> (f64, f64) {
        let (hits, people) = self.sound();
        let rate = hits / people;
        let middle = rate + Z * Z / (2.0 * people);
        let reach = Z * (rate * (1.0 - rate) / people + Z * Z / (4.0 * people * people)).sqrt();
        let whole = 1.0 + Z * Z / people;
        ((middle - reach) / whole, (middle + reach) / whole)
    }
}

/// How much higher one rate is than another, and between what and what it lies with 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Difference {
    /// Whether there may be none.
    pub fn is_chance(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// `one` less `other`; `None` where one of them reached nobody. The hybrid score interval, method
/// 10 of R. G. Newcombe, “Interval estimation for the difference between independent proportions:
/// comparison of eleven methods”, Statistics in Medicine 17 (1998), 873–890.
pub fn compare(one: Cell, other: Cell) -> Option<Difference> {
    let ((a, m), (b, n)) = (one.sound(), other.sound());
    if m == 0.0 || n == 0.0 {
        return None;
    }
    let (p1, p2) = (a / m, b / n);
    let value = p1 - p2;
    let ((l1, u1), (l2, u2)) = (one.wilson(), other.wilson());
    Some(Difference {
        value,
        low: value - ((p1 - l1).powi(2) + (u2 - p2).powi(2)).sqrt(),
        high: value + ((u1 - p1).powi(2) + (p2 - l2).powi(2)).sqrt(),
    })
}

/// The winner, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Counts from 1.
    pub variant: i32,
    /// A sentence or two for staff.
    pub why: String,
}

/// The variant with the highest rate. Where several have it, the first of them: that is what the
/// campaign would have said without the experiment.
pub fn choose(metric: Metric, cells: &[Cell]) -> Choice {
    let rate = |cell: &Cell| cell.rate().unwrap_or(0.0);
    let best = cells.iter().map(rate).fold(0.0, f64::max);
    let leaders: Vec<i32> = (1..)
        .zip(cells)
        .filter(|(_, cell)| rate(cell) >= best)
        .map(|(variant, _)| variant)
        .collect();
    let variant = leaders.first().copied().unwrap_or(1);
    let name = letter(variant);
    let why = if cells.iter().all(|cell| cell.people == 0) {
        format!("The test reached nobody, so the rest is sent {name}, the first.")
    } else if best == 0.0 {
        let did = match metric {
            Metric::Open | Metric::Manual => "opened",
            Metric::Click => "clicked",
            Metric::Conversion => "reached the goal",
        };
        format!("Nobody {did}, so the rest is sent {name}, the first.")
    } else if leaders.len() > 1 {
        let leaders: Vec<_> = leaders.iter().map(|variant| letter(*variant)).collect();
        format!(
            "{} had the same {}, {}. The rest is sent {name}, the first of them.",
            leaders.join(" and "),
            metric.label(),
            percent(best)
        )
    } else {
        decided(metric, cells, variant)
    };
    let few = cells.iter().any(|cell| cell.people < FEW);
    Choice {
        variant,
        why: match few && best > 0.0 {
            true => format!("{why} With so few people that says little."),
            false => why,
        },
    }
}

fn decided(metric: Metric, cells: &[Cell], variant: i32) -> String {
    let others = (1..).zip(cells).filter(|(other, _)| *other != variant);
    let second = others.max_by(|(_, one), (_, other)| {
        one.rate()
            .partial_cmp(&other.rate())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let winner = cells[usize::try_from(variant - 1).unwrap_or_default()];
    let Some((other, second)) = second else {
        return String::new();
    };
    let chance = match compare(winner, *second) {
        Some(difference) if !difference.is_chance() => "The difference is beyond chance.",
        _ => "The difference is within chance.",
    };
    format!(
        "{} had the best {}, {} against {} of {}. {chance}",
        letter(variant),
        metric.label(),
        percent(winner.rate().unwrap_or_default()),
        percent(second.rate().unwrap_or_default()),
        letter(other),
    )
}

fn percent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}
