//! How long a text message is as the network counts it: its alphabet, its parts, and which
//! character makes it dear.
//!
//! 3GPP TS 23.038 §6.2.1 gives the 7-bit alphabet and its extension table, 3GPP TS 23.040
//! §9.2.3.24.1 the header that joins the parts of a long message.

mod keyword;

pub use keyword::{Keyword, OwnWords};

use super::money::Currency;

/// The 7-bit default alphabet without its escape. Each character takes one septet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table: an escape and a character, two septets.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a message is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits a character: 160 in one part, 153 in each of several.
    Gsm7,
    /// Sixteen bits: 70 in one part, 67 in each of several.
    Ucs2,
}

impl Alphabet {
    /// The name that providers show.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// Units in a message of one part, and in each part of a longer one.
    pub const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// A message, measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    pub alphabet: Alphabet,
    /// Septets of GSM-7 or 16-bit units of UCS-2.
    pub units: usize,
    /// Messages that are paid for; 0 of an empty text.
    pub parts: usize,
    /// The first character that GSM-7 does not have.
    pub forced_by: Option<char>,
}

impl Measure {
    /// Units that still fit into the last part.
    pub const fn left(&self) -> usize {
        let (one, many) = self.alphabet.room();
        match self.parts {
            0 | 1 => one - self.units,
            // A character that does not fit begins the next part, so this is an upper bound.
            parts => (parts * many).saturating_sub(self.units),
        }
    }
}

/// What one part costs, in millionths of the club's currency: providers' prices are finer than
/// its smallest coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(i64);

impl Price {
    /// Reads `0.35`: digits with at most one point (or comma) and six decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace(',', ".");
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_price = !whole.is_empty()
            && is_digits(whole)
            && is_digits(decimals)
            && whole.len() <= 6
            && decimals.len() <= 6;
        match is_price {
            true => format!("{whole}{decimals:0<6}").parse().ok().map(Self),
            false => None,
        }
    }

    /// What so many parts cost, as people read it: `EUR 24.15`.
    pub fn of(self, parts: i64, currency: Currency) -> String {
        currency.write(currency.of_millionths(self.0.saturating_mul(parts)))
    }

    /// What one part costs, with all of its decimals: `EUR 0.0079`.
    pub fn of_one(self, currency: Currency) -> String {
        let decimals = format!("{:06}", self.0 % 1_000_000);
        let kept = decimals.trim_end_matches('0').len().max(2);
        format!("{} {}.{}", currency.code(), self.0 / 1_000_000, &decimals[..kept])
    }
}

/// What texts cost at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub price: Price,
    pub currency: Currency,
}

impl Cost {
    /// A sentence about one text.
    pub fn of(&self, text: &str) -> String {
        let one = self.price.of_one(self.currency);
        match measure(text).parts {
            0 | 1 => format!("Costs {one} for each person."),
            parts => {
                let sum = self
                    .price
                    .of(i64::try_from(parts).unwrap_or(i64::MAX), self.currency);
                format!("Costs {sum} for each person: {parts} parts at {one}.")
            }
        }
    }
}

/// Septets of a character; `None` where the alphabet lacks it.
fn septets(c: char) -> Option<usize> {
    match (BASIC.contains(c), EXTENSION.contains(c)) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    }
}

/// Measures a message as it is sent.
pub fn measure(text: &str) -> Measure {
    let forced_by = text.chars().find(|c| septets(*c).is_none());
    let alphabet = match forced_by {
        None => Alphabet::Gsm7,
        Some(_) => Alphabet::Ucs2,
    };
    let sizes = text.chars().map(|c| match alphabet {
        Alphabet::Gsm7 => septets(c).unwrap_or(1),
        Alphabet::Ucs2 => c.len_utf16(),
    });
    let (one, many) = alphabet.room();
    let units = sizes.clone().sum();
    let parts = match units {
        0 => 0,
        units if units <= one => 1,
        _ => parts_of(sizes, many),
    };
    Measure {
        alphabet,
        units,
        parts,
        forced_by,
    }
}

/// Neither an escaped character nor a surrogate pair is cut in two: what does not fit goes into
/// the next part whole.
fn parts_of(sizes: impl Iterator<Item = usize>, room: usize) -> usize {
    let mut parts = 1;
    let mut filled = 0;
    for size in sizes {
        if filled + size > room {
            parts += 1;
            filled = 0;
        }
        filled += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_alphabet_has_127_characters_and_its_extension_ten() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
        assert!(BASIC.chars().all(|c| !EXTENSION.contains(c)));
    }

    #[test]
    fn messages_are_counted_as_the_network_counts_them() {
        use Alphabet::{Gsm7, Ucs2};
        let a = |number: usize| "a".repeat(number);
        #[rustfmt::skip]
        let cases = [
            (String::new(), Gsm7, 0, 0),
            ("Hi".into(), Gsm7, 2, 1),
            (a(160), Gsm7, 160, 1),
            (a(161), Gsm7, 161, 2),
            (a(306), Gsm7, 306, 2),
            (a(307), Gsm7, 307, 3),
            ("€".into(), Gsm7, 2, 1),
            ("€".repeat(80), Gsm7, 160, 1),
            // 76 euro signs take 152 of 153 septets; the 77th does not fit and is not cut.
            ("€".repeat(153), Gsm7, 306, 3),
            (format!("{}€", a(159)), Gsm7, 161, 2),
            (format!("{}€{}", a(152), a(152)), Gsm7, 306, 3),
            ("“".into(), Ucs2, 1, 1),
            (format!("“{}", a(69)), Ucs2, 70, 1),
            (format!("“{}", a(70)), Ucs2, 71, 2),
            (format!("“{}", a(133)), Ucs2, 134, 2),
            (format!("“{}", a(134)), Ucs2, 135, 3),
            ("⛳".into(), Ucs2, 1, 1),
            ("🏌".into(), Ucs2, 2, 1),
            ("🏌".repeat(35), Ucs2, 70, 1),
            // 33 pairs fill 66 of 67 units; the 34th goes into the next part whole.
            ("🏌".repeat(67), Ucs2, 134, 3),
            ("é à ß Ω\n".into(), Gsm7, 8, 1),
            ("ç".into(), Ucs2, 1, 1),
        ];
        for (text, alphabet, units, parts) in cases {
            let found = measure(&text);
            assert_eq!(
                (found.alphabet, found.units, found.parts),
                (alphabet, units, parts),
                "{text}"
            );
        }
    }

    #[test]
    fn the_character_that_forces_the_wide_alphabet_is_named() {
        assert_eq!(measure("Tee off at 9 – bring a friend’s").forced_by, Some('–'));
        assert_eq!(measure("Tee off at 9 - bring {friends}").forced_by, None);
    }

    #[test]
    fn a_price_is_finer_than_the_smallest_coin_and_a_sum_is_not() {
        let eur = Currency::default();
        let price = Price::parse("0.0079").unwrap();
        assert_eq!(price.of_one(eur), "EUR 0.0079");
        assert_eq!(price.of(1, eur), "EUR 0.01");
        assert_eq!(price.of(3_000, eur), "EUR 23.70");
        assert_eq!(Price::parse("0,35").unwrap().of_one(eur), "EUR 0.35");
        assert_eq!(Price::parse("2").unwrap().of_one(eur), "EUR 2.00");
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(Price::parse("8.5").unwrap().of(3, yen), "JPY 26");
        for wrong in ["", "-1", "a", "1.2.3", ".5", "0.1234567", "1e3"] {
            assert_eq!(Price::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parts_hold_the_units_and_no_more_than_one_is_wasted_a_part(text in "[a-z€“🏌é]{0,700}") {
            let found = measure(&text);
            let (one, many) = found.alphabet.room();
            if found.units <= one {
                prop_assert!(found.parts <= 1);
            } else {
                prop_assert!(found.parts * many >= found.units);
                prop_assert!((found.parts - 1) * (many - 1) < found.units);
            }
        }

        #[test]
        fn a_longer_text_never_has_fewer_parts(text in "\\PC{0,300}", more in "\\PC{0,20}") {
            let longer = format!("{text}{more}");
            prop_assert!(measure(&longer).parts >= measure(&text).parts);
        }
    }
}
