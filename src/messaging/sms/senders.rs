//! Whom a text comes from, by the country that it goes to: a name that one country shows another
//! refuses, and a number is cheapest at home.

/// Senders: one for every country, and others for some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Senders {
    usual: String,
    /// The digits that a number begins with after its `+`, and the sender there; the longest first.
    abroad: Vec<(String, String)>,
}

impl Senders {
    /// `abroad` has a line for each country: its calling code and the sender, such as
    /// `+44 LinksGolf`.
    ///
    /// # Errors
    /// A sentence about the first line that is wrong.
    pub fn parse(usual: &str, abroad: &str) -> Result<Self, String> {
        let lines = abroad.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut parsed = lines.map(line).collect::<Result<Vec<_>, _>>()?;
        // The longest first, so that +1 340 comes before +1.
        parsed.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        if let Some(twice) = parsed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("+{} stands here twice.", twice[0].0));
        }
        Ok(Self {
            usual: usual.trim().to_owned(),
            abroad: parsed,
        })
    }

    /// The sender of a text to a number in E.164.
    pub fn of(&self, to: &str) -> &str {
        let digits = to.strip_prefix('+').unwrap_or(to);
        let there = self.abroad.iter().find(|(prefix, _)| digits.starts_with(prefix));
        there.map_or(&self.usual, |(_, sender)| sender)
    }

    /// All of them, the usual one first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let abroad = self.abroad.iter().map(|(_, sender)| sender.as_str());
        std::iter::once(self.usual.as_str()).chain(abroad)
    }
}

fn line(line: &str) -> Result<(String, String), String> {
    let wrong = || format!("“{line}” is no country’s code and a sender, such as +44 LinksGolf.");
    let (code, sender) = line.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let code: String = code
        .trim_end_matches(':')
        .strip_prefix('+')
        .unwrap_or_default()
        .into();
    let is_code = (1..=7).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    match is_code && !sender.trim().is_empty() {
        true => Ok((code, sender.trim().to_owned())),
        false => Err(wrong()),
    }
}

/// Whether a text can come from this: a number in E.164, a short code, or a name of at most eleven
/// letters, digits, spaces and `& _ -`, one letter at least (3GPP TS 23.040 §9.1.2.5).
pub fn is_sender(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return (3..=15).contains(&digits.len());
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '&' | '_' | '-' | '.');
    text.len() <= 11 && text.chars().all(is_plain) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_the_countrys_own_and_the_longest_code_wins() {
        let senders = Senders::parse("LinksGolf", "+1 +15005550006\n+1340: Links VI\n\n +44  Links").unwrap();
        for (to, sender) in [
            ("+27821234567", "LinksGolf"),
            ("+12125550100", "+15005550006"),
            ("+13405550100", "Links VI"),
            ("+447700900123", "Links"),
        ] {
            assert_eq!(senders.of(to), sender, "{to}");
        }
        assert_eq!(senders.all().next(), Some("LinksGolf"));
    }

    #[test]
    fn a_line_that_is_no_country_and_sender_is_named() {
        for wrong in ["44 Links", "+44", "GB Links", "+44x Links", "+ Links"] {
            let said = Senders::parse("Links", wrong).unwrap_err();
            assert!(said.contains(wrong), "{said}");
        }
        assert!(
            Senders::parse("Links", "+44 A\n+44 B")
                .unwrap_err()
                .contains("twice")
        );
    }

    #[test]
    fn a_sender_is_a_number_a_short_code_or_a_short_name() {
        for (text, right) in [
            ("+15005550006", true),
            ("27821234567", true),
            ("40404", true),
            ("LinksGolf", true),
            ("Links & Co", true),
            ("LinksGolfClub", false),
            ("12", false),
            ("", false),
            ("Größe", false),
            ("+27 82", false),
        ] {
            assert_eq!(is_sender(text), right, "{text}");
        }
    }
}
