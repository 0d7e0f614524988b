//! What is said of a file as a whole.

use crate::domain::contact;
use crate::web::FormErrors;
use serde::{Deserialize, Serialize};

/// The longest source of consent, in characters.
const LONGEST_SOURCE: usize = 200;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Where consent in the file comes from, such as `membership form 2026`; `import` when empty.
    pub source: String,
    /// Whether the file may subscribe again someone who unsubscribed.
    pub may_resubscribe: bool,
    /// Of numbers without a country: an ISO 3166 code.
    pub country: Option<String>,
    /// Put on everybody in the file, beside the tags that they have.
    pub tag: Option<String>,
}

impl Options {
    /// Reads what was typed; what is wrong is named by its field.
    pub fn parse(source: &str, may_resubscribe: bool, country: &str, tag: &str) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let source = errors.optional("source", source, LONGEST_SOURCE);
        let country = match country.trim() {
            "" => None,
            text => contact::country(text)
                .map_err(|message| errors.add("country", message))
                .ok(),
        };
        let tag = match tag.trim() {
            "" => None,
            text => contact::tag(text)
                .map_err(|message| errors.add("tag", message))
                .ok(),
        };
        errors.or(|| Self {
            source,
            may_resubscribe,
            country,
            tag,
        })
    }

    pub(super) fn source(&self) -> &str {
        match self.source.as_str() {
            "" => "import",
            source => source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_file_is_checked_field_by_field() {
        let options = Options::parse(" form ", true, "uk", " Spring Fair ").unwrap();
        assert_eq!(options.source, "form");
        assert_eq!(options.country.as_deref(), Some("GB"));
        assert_eq!(options.tag.as_deref(), Some("spring fair"));
        assert_eq!(Options::parse("", false, " ", "").unwrap(), Options::default());
        let errors = Options::parse(&"x".repeat(201), false, "Narnia", "a;b").unwrap_err();
        for field in ["source", "country", "tag"] {
            assert!(errors.of(field).is_some(), "{field}");
        }
    }
}
