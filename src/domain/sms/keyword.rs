//! What a person who answers a text may say: the words that every network knows, and a club's own.

/// What is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    Stop,
    Start,
    Help,
}

/// Words that networks and regulators know everywhere (CTIA Short Code Monitoring Handbook).
const STOP: &[&str] = &[
    "STOP",
    "STOPALL",
    "STOP ALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "OPTOUT",
    "OPT OUT",
    "REVOKE",
];
const START: &[&str] = &["START", "UNSTOP"];
const HELP: &[&str] = &["HELP", "INFO"];

/// The club's own words beside these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnWords {
    pub stop: Vec<String>,
    pub start: Vec<String>,
    pub help: Vec<String>,
}

impl OwnWords {
    /// Each a list with commas or line breaks between.
    pub fn parse(stop: &str, start: &str, help: &str) -> Self {
        let list = |text: &str| {
            let words = text.split([',', '\n']).map(plain);
            words.filter(|word| !word.is_empty()).collect()
        };
        Self {
            stop: list(stop),
            start: list(start),
            help: list(help),
        }
    }
}

impl Keyword {
    /// How it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Start => "START",
            Self::Help => "HELP",
        }
    }

    /// The word that a message is; `None` where it says more than that: “stop by at nine” stops
    /// nothing. A word that would stop comes before any other reading.
    pub fn of(text: &str, own: &OwnWords) -> Option<Self> {
        let text = plain(text);
        let is = |known: &[&str], own: &[String]| known.contains(&text.as_str()) || own.contains(&text);
        if text.is_empty() {
            None
        } else if is(STOP, &own.stop) {
            Some(Self::Stop)
        } else if is(START, &own.start) {
            Some(Self::Start)
        } else if is(HELP, &own.help) {
            Some(Self::Help)
        } else {
            None
        }
    }
}

/// Capital letters, one space between words, no marks around them.
fn plain(text: &str) -> String {
    let is_mark = |c: char| !c.is_alphanumeric();
    let words = text.split_whitespace().map(|word| word.trim_matches(is_mark));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_written_and_a_sentence_is_none() {
        let own = OwnWords::parse("Stopp, uit\nniks meer", "ja", "hulp");
        for (text, word) in [
            ("STOP", Some(Keyword::Stop)),
            (" stop. ", Some(Keyword::Stop)),
            ("“Stop!”", Some(Keyword::Stop)),
            ("Opt  out", Some(Keyword::Stop)),
            ("UIT", Some(Keyword::Stop)),
            ("Niks meer.", Some(Keyword::Stop)),
            ("Start", Some(Keyword::Start)),
            ("Ja", Some(Keyword::Start)),
            ("help?", Some(Keyword::Help)),
            ("Hulp", Some(Keyword::Help)),
            ("stop by at nine", None),
            ("See you at the start", None),
            ("", None),
            ("!!!", None),
        ] {
            assert_eq!(Keyword::of(text, &own), word, "{text}");
        }
        assert_eq!(Keyword::of("ja", &OwnWords::default()), None);
        let both = OwnWords::parse("ja", "ja", "");
        assert_eq!(
            Keyword::of("ja", &both),
            Some(Keyword::Stop),
            "no is taken before yes"
        );
    }
}
