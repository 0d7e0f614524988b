//! Money as the reports sum it: whole minor units (cents) of the club's currency, never a float.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The largest amount of one event, in minor units: what is more is a mistake.
pub const LARGEST: i64 = 10_000_000_000_000;

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    code: &'static str,
    name: &'static str,
    /// Digits of the minor unit.
    digits: u32,
}

macro_rules! currencies {
    ($($code:literal $name:literal $digits:literal),* $(,)?) => {
        /// Those that a club may keep its money in (ISO 4217), by code.
        pub const CURRENCIES: &[Currency] = &[$(Currency { code: $code, name: $name, digits: $digits }),*];
    };
}

currencies! {
    "AED" "UAE dirham" 2, "ARS" "Argentine peso" 2, "AUD" "Australian dollar" 2, "BGN" "Bulgarian lev" 2,
    "BHD" "Bahraini dinar" 3, "BRL" "Brazilian real" 2, "BWP" "Botswana pula" 2, "CAD" "Canadian dollar" 2,
    "CHF" "Swiss franc" 2, "CLP" "Chilean peso" 0, "CNY" "Chinese yuan" 2, "COP" "Colombian peso" 2,
    "CZK" "Czech koruna" 2, "DKK" "Danish krone" 2, "EGP" "Egyptian pound" 2, "EUR" "Euro" 2,
    "GBP" "Pound sterling" 2, "HKD" "Hong Kong dollar" 2, "HUF" "Hungarian forint" 2,
    "IDR" "Indonesian rupiah" 2, "ILS" "Israeli shekel" 2, "INR" "Indian rupee" 2, "ISK" "Icelandic krona" 0,
    "JOD" "Jordanian dinar" 3, "JPY" "Japanese yen" 0, "KES" "Kenyan shilling" 2, "KRW" "South Korean won" 0,
    "KWD" "Kuwaiti dinar" 3, "MAD" "Moroccan dirham" 2, "MUR" "Mauritian rupee" 2, "MXN" "Mexican peso" 2,
    "MYR" "Malaysian ringgit" 2, "NAD" "Namibian dollar" 2, "NGN" "Nigerian naira" 2, "NOK" "Norwegian krone" 2,
    "NZD" "New Zealand dollar" 2, "OMR" "Omani rial" 3, "PEN" "Peruvian sol" 2, "PHP" "Philippine peso" 2,
    "PLN" "Polish zloty" 2, "QAR" "Qatari riyal" 2, "RON" "Romanian leu" 2, "RSD" "Serbian dinar" 2,
    "SAR" "Saudi riyal" 2, "SEK" "Swedish krona" 2, "SGD" "Singapore dollar" 2, "THB" "Thai baht" 2,
    "TND" "Tunisian dinar" 3, "TRY" "Turkish lira" 2, "TWD" "New Taiwan dollar" 2, "UAH" "Ukrainian hryvnia" 2,
    "UGX" "Ugandan shilling" 0, "USD" "US dollar" 2, "UYU" "Uruguayan peso" 2, "VND" "Vietnamese dong" 0,
    "ZAR" "South African rand" 2, "ZMW" "Zambian kwacha" 2,
}

impl Currency {
    /// By its code.
    pub fn parse(code: &str) -> Option<Self> {
        CURRENCIES.iter().copied().find(|currency| currency.code == code)
    }

    pub const fn code(&self) -> &'static str {
        self.code
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// An amount as people read it, such as `EUR 1,234.50`.
    pub fn write(&self, minor: i64) -> String {
        let digits = self.digits as usize;
        let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
        let (whole, rest) = text.split_at(text.len() - digits);
        let mut grouped = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let (sign, point) = (
            if minor < 0 { "-" } else { "" },
            if digits > 0 { "." } else { "" },
        );
        format!("{} {sign}{grouped}{point}{rest}", self.code)
    }

    /// An amount as spreadsheets read it, such as `1234.50`.
    pub fn plain(&self, minor: i64) -> String {
        self.write(minor)
            .chars()
            .skip(self.code.len() + 1)
            .filter(|c| *c != ',')
            .collect()
    }

    /// The minor units of an amount in millionths of the major one, half upwards.
    pub const fn of_millionths(&self, millionths: i64) -> i64 {
        let unit = 10_i64.pow(6 - self.digits);
        millionths.saturating_add(unit / 2) / unit
    }

    /// The minor units of an amount that a club system wrote, as a number or a text: `45.5` and
    /// `"45.50"` are 4550 cents. What is finer than the minor unit is rounded, half upwards, by its
    /// digits as they are written. `None` for what is no amount: negative, larger than `LARGEST`,
    /// or not digits with at most one point.
    pub fn minor_units(&self, amount: &Value) -> Option<i64> {
        let text = match amount {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let digits = self.digits as usize;
        let kept: String = fraction.chars().chain("000".chars()).take(digits).collect();
        let is_up = fraction
            .as_bytes()
            .get(digits)
            .is_some_and(|digit| *digit >= b'5');
        let minor = format!("{whole}{kept}").parse::<i64>().ok()? + i64::from(is_up);
        (minor <= LARGEST).then_some(minor)
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self {
            code: "EUR",
            name: "Euro",
            digits: 2,
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| {
            serde::de::Error::custom(format!("“{code}” is no currency’s code, such as EUR or ZAR"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn amounts_become_whole_minor_units() {
        #[rustfmt::skip]
        let cases = [
            ("EUR", json!(45), Some(4500)),
            ("EUR", json!(45.5), Some(4550)),
            ("EUR", json!(0.29), Some(29)),
            ("EUR", json!(1.005), Some(101)),
            ("EUR", json!(1.004_999), Some(100)),
            ("EUR", json!("45.50"), Some(4550)),
            ("EUR", json!(" 45.5 "), Some(4550)),
            ("EUR", json!(0), Some(0)),
            ("JPY", json!(4500), Some(4500)),
            ("JPY", json!(4500.5), Some(4501)),
            ("KWD", json!(1.5), Some(1500)),
            ("EUR", json!(-1), None),
            ("EUR", json!("-1"), None),
            ("EUR", json!("1,50"), None),
            ("EUR", json!("1.2.3"), None),
            ("EUR", json!(".5"), None),
            ("EUR", json!("EUR 5"), None),
            ("EUR", json!("٤٥"), None),
            ("EUR", json!(1e300), None),
            ("EUR", json!(1e-9), None),
            ("EUR", json!(100_000_000_000_i64), Some(LARGEST)),
            ("EUR", json!(100_000_000_001_i64), None),
            ("EUR", json!(true), None),
            ("EUR", json!(null), None),
        ];
        for (code, amount, expected) in cases {
            assert_eq!(of(code).minor_units(&amount), expected, "{code} {amount}");
        }
    }

    #[test]
    fn money_is_written_with_its_currency() {
        for (code, minor, written) in [
            ("EUR", 0, "EUR 0.00"),
            ("EUR", 5, "EUR 0.05"),
            ("EUR", 123_450, "EUR 1,234.50"),
            ("ZAR", 123_456_789, "ZAR 1,234,567.89"),
            ("JPY", 1_234, "JPY 1,234"),
            ("KWD", 1_500, "KWD 1.500"),
            ("EUR", -4_550, "EUR -45.50"),
        ] {
            assert_eq!(of(code).write(minor), written);
        }
        assert_eq!(of("EUR").plain(123_450), "1234.50");
    }

    #[test]
    fn every_currency_is_there_once_in_the_order_of_its_code() {
        assert!(CURRENCIES.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(CURRENCIES.contains(&Currency::default()));
    }

    proptest! {
        #[test]
        fn an_amount_survives_being_written_and_read(minor in 0..=LARGEST, at in 0..CURRENCIES.len()) {
            let currency = CURRENCIES[at];
            prop_assert_eq!(currency.minor_units(&json!(currency.plain(minor))), Some(minor));
        }
    }
}
