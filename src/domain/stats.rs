//! The counts of a campaign and the rates between them. Counts are of people, once each, for a run
//! and channel.

use serde::Serialize;

/// The seven counts, and those beside them that say where the others are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All in the segment, the skipped ones too.
    #[serde(rename = "targetCount")]
    pub target: i64,
    /// Taken by the mail server or provider.
    #[serde(rename = "sentCount")]
    pub sent: i64,
    /// Confirmed delivered: by the provider, or by an open or click, which prove it.
    #[serde(rename = "deliveredCount")]
    pub delivered: i64,
    #[serde(rename = "openedCount")]
    pub opened: i64,
    #[serde(rename = "clickedCount")]
    pub clicked: i64,
    #[serde(rename = "convertedCount")]
    pub converted: i64,
    /// Opted out after this message.
    #[serde(rename = "unsubscribedCount")]
    pub unsubscribed: i64,
    #[serde(rename = "bouncedCount")]
    pub bounced: i64,
    #[serde(rename = "failedCount")]
    pub failed: i64,
    /// Not sent to, for want of an address or consent, or because of an opt-out.
    #[serde(rename = "skippedCount")]
    pub skipped: i64,
    /// Still to go, those on a connection just now too.
    #[serde(rename = "queuedCount")]
    pub queued: i64,
    #[serde(rename = "cancelledCount")]
    pub cancelled: i64,
    /// In flight during a crash; nobody knows.
    #[serde(rename = "unknownCount")]
    pub unknown: i64,
    #[serde(rename = "complainedCount")]
    pub complained: i64,
    /// What the conversions were worth together, in minor units of the club's currency.
    #[serde(rename = "convertedValue")]
    pub converted_value: i64,
}

/// The four rates, each between 0 and 1; `None` where nothing can be divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Delivered of sent.
    #[serde(rename = "deliveryRate")]
    pub delivery: Option<f64>,
    /// Opened of delivered.
    #[serde(rename = "openRate")]
    pub open: Option<f64>,
    /// Clicked of opened.
    #[serde(rename = "clickRate")]
    pub click: Option<f64>,
    /// Converted of clicked.
    #[serde(rename = "conversionRate")]
    pub conversion: Option<f64>,
}

/// `part / whole`; a rate whose denominator is 0 has no value.
fn rate(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

impl Counts {
    pub fn rates(&self) -> Rates {
        Rates {
            delivery: rate(self.delivered, self.sent),
            open: rate(self.opened, self.delivered),
            click: rate(self.clicked, self.opened),
            // A goal may count after an open alone, so there may be more conversions than clicks.
            conversion: rate(self.converted.min(self.clicked), self.clicked),
        }
    }

    /// The share of those to be sent to that is done with, for a progress bar; `None` before the
    /// audience is known.
    pub fn progress(&self) -> Option<f64> {
        rate(self.target - self.queued, self.target)
    }
}

/// What is done to each of the counts alike, from one list of them.
macro_rules! each_count {
    ($($name:ident),*) => {
        impl Counts {
            /// Each with its name, which is its column's too.
            pub const fn named(&self) -> [(&'static str, i64); 15] {
                [$((stringify!($name), self.$name)),*]
            }
        }

        impl std::ops::AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl std::ops::Sub for Counts {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self { $($name: self.$name - other.$name),* }
            }
        }
    };
}

each_count!(
    target,
    sent,
    delivered,
    opened,
    clicked,
    converted,
    unsubscribed,
    bounced,
    failed,
    skipped,
    queued,
    cancelled,
    unknown,
    complained,
    converted_value
);

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut total, counts| {
            total += counts;
            total
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Counts as the ledger makes them: a click is an open, an open a delivery, a delivery a send.
    fn consistent() -> impl Strategy<Value = Counts> {
        proptest::array::uniform6(0_i64..1_000_000).prop_map(|mut steps| {
            steps.sort_unstable_by(|a, b| b.cmp(a));
            let [target, sent, delivered, opened, clicked, converted] = steps;
            Counts {
                target,
                sent,
                delivered,
                opened,
                clicked,
                converted,
                queued: target - sent,
                ..Counts::default()
            }
        })
    }

    proptest! {
        #[test]
        fn every_rate_lies_between_0_and_1(parts in proptest::collection::vec(consistent(), 0..5)) {
            let total: Counts = parts.into_iter().sum();
            let rates = total.rates();
            for rate in [rates.delivery, rates.open, rates.click, rates.conversion, total.progress()].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&rate), "{} of {:?}", rate, total);
            }
        }
    }

    #[test]
    fn a_rate_of_nothing_has_no_value() {
        assert_eq!(Counts::default().rates(), Rates::default());
        let sent = Counts {
            sent: 4,
            ..Counts::default()
        };
        assert_eq!(sent.rates().delivery, Some(0.0));
        assert_eq!(sent.rates().open, None);
    }

    #[test]
    fn the_counts_have_the_documents_names() {
        let json = serde_json::to_value(Counts::default()).unwrap();
        for name in [
            "targetCount",
            "sentCount",
            "deliveredCount",
            "openedCount",
            "clickedCount",
            "convertedCount",
            "unsubscribedCount",
        ] {
            assert_eq!(json[name], 0, "{name}");
        }
        assert!(serde_json::to_value(Rates::default()).unwrap()["openRate"].is_null());
    }
}
