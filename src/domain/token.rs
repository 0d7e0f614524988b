//! The signed tokens in recipients' URLs. A token names one delivery and one thing that may be
//! done with it; it cannot be made, changed or put to another use without the instance's key.
//! Nothing about the person is in it, unless a link itself was personalised.
//!
//! Form: base64url of `kind, varint delivery, [varint link, url], 16 bytes of HMAC-SHA-256`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How much of the code is kept: 128 bits of it (RFC 2104 §5 asks for at least 80).
const CODE: usize = 16;

/// No token that is longer is ours: a personalised address has at most 2,048 characters.
const LONGEST: usize = 4096;

/// What a token lets its holder do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that the mail was opened.
    Open,
    /// Follows a link of the run: the one that is registered under `link`, or the address in the
    /// token itself where the template made another for each person.
    Click {
        link: i64,
        url: Option<String>,
    },
    Unsubscribe,
    Preferences,
    /// Reads the message in the browser.
    View,
    /// Says on the club's website by which message somebody came.
    Visit,
    /// Reports what became of it, as its provider.
    Report,
}

impl Purpose {
    const fn kind(&self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Click { .. } => 2,
            Self::Unsubscribe => 3,
            Self::Preferences => 4,
            Self::View => 5,
            Self::Visit => 6,
            Self::Report => 7,
        }
    }
}

/// One delivery, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub delivery: i64,
    pub purpose: Purpose,
}

/// Writes a token. `key` is the instance's, derived for tracking.
pub fn sign(key: &[u8; 32], token: &Token) -> String {
    let mut bytes = vec![token.purpose.kind()];
    put_number(&mut bytes, token.delivery);
    if let Purpose::Click { link, url } = &token.purpose {
        put_number(&mut bytes, *link);
        bytes.extend_from_slice(url.as_deref().unwrap_or_default().as_bytes());
    }
    let code = code(key, &bytes);
    bytes.extend_from_slice(&code);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` for everything that `sign` did not write with this key. Takes the same
/// time wherever the code differs.
pub fn verify(key: &[u8; 32], text: &str) -> Option<Token> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (payload, given) = bytes.split_at_checked(bytes.len().checked_sub(CODE)?)?;
    if payload.is_empty() || !bool::from(code(key, payload).ct_eq(given)) {
        return None;
    }
    let (&kind, mut rest) = payload.split_first()?;
    let delivery = take_number(&mut rest)?;
    let purpose = match kind {
        1 => Purpose::Open,
        2 => Purpose::Click {
            link: take_number(&mut rest)?,
            url: match std::mem::take(&mut rest) {
                [] => None,
                url => Some(std::str::from_utf8(url).ok()?.to_owned()),
            },
        },
        3 => Purpose::Unsubscribe,
        4 => Purpose::Preferences,
        5 => Purpose::View,
        6 => Purpose::Visit,
        7 => Purpose::Report,
        _ => return None,
    };
    rest.is_empty().then_some(Token { delivery, purpose })
}

/// The code of a payload, under a key of its kind's own.
fn code(key: &[u8; 32], payload: &[u8]) -> [u8; CODE] {
    let own = mac(key, &[b"token kind ", &payload[..1]].concat());
    let full = mac(&own, payload);
    let mut short = [0; CODE];
    short.copy_from_slice(&full[..CODE]);
    short
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Seven bits a byte, the lowest first, as in LEB128.
fn put_number(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = number.cast_unsigned();
    while rest >= 0x80 {
        bytes.push((rest as u8 & 0x7f) | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number.cast_signed());
        }
    }
    None
}

/// Makes the URLs that go into a message.
#[derive(Clone)]
pub struct Urls {
    base: String,
    key: [u8; 32],
}

impl Urls {
    /// `base` is the instance's public address without a slash at the end, `key` the instance's,
    /// derived for `tracking`.
    pub fn new(base: impl Into<String>, key: [u8; 32]) -> Self {
        Self {
            base: base.into(),
            key,
        }
    }

    fn url(&self, path: &str, delivery: i64, purpose: Purpose) -> String {
        let token = sign(&self.key, &Token { delivery, purpose });
        format!("{}{path}{token}", self.base)
    }

    /// The picture that shows an open.
    pub fn open(&self, delivery: i64) -> String {
        self.url("/t/o/", delivery, Purpose::Open) + ".gif"
    }

    /// A link of the run. `url` is given where it differs from the registered one because the
    /// template made it for this person; it is carried, signed, in the token.
    pub fn click(&self, delivery: i64, link: i64, url: Option<&str>) -> String {
        let url = url.map(str::to_owned);
        self.url("/t/c/", delivery, Purpose::Click { link, url })
    }

    /// The unsubscribe page, and the target of one-click requests (RFC 8058).
    pub fn unsubscribe(&self, delivery: i64) -> String {
        self.url("/u/", delivery, Purpose::Unsubscribe)
    }

    pub fn preferences(&self, delivery: i64) -> String {
        self.url("/preferences/", delivery, Purpose::Preferences)
    }

    /// Where a provider reports what became of a message.
    pub fn report(&self, provider: &str, delivery: i64) -> String {
        self.url(&format!("/hooks/{provider}?d="), delivery, Purpose::Report)
    }

    /// The message as a web page.
    pub fn view(&self, delivery: i64) -> String {
        self.url("/v/", delivery, Purpose::View)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];

    fn any_token() -> impl Strategy<Value = Token> {
        let purpose = prop_oneof![
            Just(Purpose::Open),
            (any::<i64>(), proptest::option::of("[ -~é]{1,80}"))
                .prop_map(|(link, url)| Purpose::Click { link, url }),
            Just(Purpose::Unsubscribe),
            Just(Purpose::Preferences),
            Just(Purpose::View),
            Just(Purpose::Visit),
            Just(Purpose::Report),
        ];
        (any::<i64>(), purpose).prop_map(|(delivery, purpose)| Token { delivery, purpose })
    }

    proptest! {
        #[test]
        fn what_was_signed_is_read_back(token in any_token()) {
            prop_assert_eq!(verify(&KEY, &sign(&KEY, &token)), Some(token));
        }

        #[test]
        fn no_flipped_bit_is_accepted(token in any_token(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(sign(&KEY, &token)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert_eq!(verify(&KEY, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn no_other_character_is_accepted(token in any_token(), at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_=-]") {
            let text = sign(&KEY, &token);
            let at = at.index(text.len());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &other);
            prop_assume!(changed != text);
            prop_assert_eq!(verify(&KEY, &changed), None);
        }

        #[test]
        fn another_instances_token_is_refused(token in any_token()) {
            prop_assert_eq!(verify(&[8; 32], &sign(&KEY, &token)), None);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(verify(&KEY, &text), None);
            prop_assert_eq!(verify(&KEY, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }

    #[test]
    fn a_token_is_short_enough_for_a_text_message() {
        let token = Token {
            delivery: 4_000_000,
            purpose: Purpose::Open,
        };
        assert!(sign(&KEY, &token).len() <= 28);
    }

    #[test]
    fn a_token_of_one_kind_is_none_of_another() {
        let open = Token {
            delivery: 5,
            purpose: Purpose::Open,
        };
        let mut bytes = URL_SAFE_NO_PAD.decode(sign(&KEY, &open)).unwrap();
        bytes[0] = Purpose::Unsubscribe.kind();
        assert_eq!(verify(&KEY, &URL_SAFE_NO_PAD.encode(bytes)), None);
    }

    #[test]
    fn urls_stand_below_the_public_address() {
        let urls = Urls::new("https://mail.club.example", KEY);
        let url = urls.click(5, 9, None);
        let token = url.strip_prefix("https://mail.club.example/t/c/").unwrap();
        assert_eq!(
            verify(&KEY, token).unwrap().purpose,
            Purpose::Click { link: 9, url: None }
        );
        assert!(urls.open(5).ends_with(".gif"));
    }
}
