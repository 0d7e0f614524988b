//! Colours written as `#rrggbb`: what may be read on them, and what is mixed of them.

/// The three parts of a colour; `None` where the text is none.
fn parts(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// The contrast of white on a colour, 1 to 21 (WCAG 2.2); `None` where it is no colour.
pub fn contrast_with_white(colour: &str) -> Option<f64> {
    let [red, green, blue] = parts(colour)?.map(|part| {
        let value = f64::from(part) / 255.0;
        match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    });
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(1.05 / (luminance + 0.05))
}

/// A colour with `percent` of another in it. What is no colour stays as it is.
pub fn mixed(colour: &str, with: &str, percent: u8) -> String {
    let (Some(base), Some(other)) = (parts(colour), parts(with)) else {
        return colour.to_owned();
    };
    let share = u32::from(percent.min(100));
    let mix = |at: usize| (u32::from(base[at]) * (100 - share) + u32::from(other[at]) * share + 50) / 100;
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_reckoned_as_the_guidelines_do() {
        let of = |colour| contrast_with_white(colour).map(|contrast| (contrast * 100.0).round() / 100.0);
        assert_eq!(of("#000000"), Some(21.0));
        assert_eq!(of("#ffffff"), Some(1.0));
        assert_eq!(of("#767676"), Some(4.54));
        assert_eq!(of("#12345"), None);
        assert_eq!(of("#ä2345"), None);
    }

    #[test]
    fn colours_are_mixed_part_by_part() {
        assert_eq!(mixed("#000000", "#ffffff", 50), "#808080");
        assert_eq!(mixed("#1f6f4a", "#ffffff", 0), "#1f6f4a");
        assert_eq!(mixed("#1f6f4a", "#ffffff", 100), "#ffffff");
        assert_eq!(mixed("green", "#ffffff", 50), "green");
    }
}
