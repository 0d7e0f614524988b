//! Keys that people read and scripts use: `active-golfers`, unique among their kind.

/// The longest key, in characters.
pub const LONGEST: usize = 100;

/// A key made of a name: its letters and digits in lower case, a hyphen between words. Empty
/// where the name has no Latin letter or digit.
pub fn of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match plain(c) {
            Some(text) => slug.push_str(text),
            None if c.is_ascii_alphanumeric() => slug.push(c),
            // An apostrophe does not part a word.
            None if matches!(c, '\'' | '’') => {}
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    slug.truncate(LONGEST);
    let slug = slug.trim_matches('-').to_owned();
    match slug.bytes().all(|b| b.is_ascii_digit()) && !slug.is_empty() {
        true => format!("n-{slug}"),
        false => slug,
    }
}

/// Whether a text may stand as a key. It needs a letter, so that it is never taken for a number
/// of the database.
pub fn check(key: &str) -> Result<(), String> {
    if key.chars().count() > LONGEST {
        return Err(format!("A key has at most {LONGEST} characters."));
    }
    let is_plain = key
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match is_plain
        && ends(key.chars().next())
        && ends(key.chars().next_back())
        && key.bytes().any(|b| b.is_ascii_lowercase())
    {
        true => Ok(()),
        false => {
            Err("A key is lower-case letters and digits with hyphens between, such as active-golfers.".into())
        }
    }
}

/// The plain spelling of the letters with marks that names have most.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'č' | 'ć' => "c",
        'ð' | 'ď' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ě' | 'ę' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'š' | 'ś' => "s",
        'ß' => "ss",
        'ù' | 'ú' | 'û' | 'ů' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ž' | 'ź' | 'ż' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_a_name() {
        for (name, key) in [
            ("Active golfers", "active-golfers"),
            ("  Ladies’ day — Spring!  ", "ladies-day-spring"),
            ("Señoras & Jünger", "senoras-juenger"),
            ("2026", "n-2026"),
            ("高尔夫", ""),
            ("---", ""),
        ] {
            assert_eq!(of(name), key, "{name}");
            assert!(key.is_empty() || check(&of(name)).is_ok(), "{name}");
        }
        assert!(of(&"word ".repeat(60)).len() <= LONGEST);
        assert!(check(&of(&"word ".repeat(60))).is_ok());
    }

    #[test]
    fn a_key_that_could_be_mistaken_is_refused() {
        for key in ["active-golfers-segment-id", "a", "a1", "vip_2026", "v1.2"] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
        for key in [
            "",
            "12",
            "Active",
            "a b",
            "-a",
            "a-",
            "a/b",
            "é",
            &"a".repeat(101),
        ] {
            assert!(check(key).is_err(), "{key}");
        }
    }
}
