//! Calendars as other programs read them (RFC 5545): events with a beginning, a title and an address.

use chrono::{DateTime, TimeDelta, Utc};

/// The longest line, in bytes without its end (RFC 5545 §3.1).
const LONGEST_LINE: usize = 75;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for the same event whenever it is asked.
    pub uid: String,
    pub at: DateTime<Utc>,
    pub lasts: TimeDelta,
    pub title: String,
    pub description: String,
    pub url: String,
    /// `CONFIRMED`, `TENTATIVE` or `CANCELLED`.
    pub status: &'static str,
    /// When it was last changed.
    pub changed: DateTime<Utc>,
}

/// Writes a calendar, its lines folded and ended as they must be.
pub fn write(name: &str, events: &[Event]) -> String {
    let mut text = String::new();
    let mut line = |content: String| fold(&mut text, &content);
    for start in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Fairway//Calendar//EN",
        "METHOD:PUBLISH",
    ] {
        line(start.to_owned());
    }
    line(format!("X-WR-CALNAME:{}", escaped(name)));
    line("REFRESH-INTERVAL;VALUE=DURATION:PT1H".to_owned());
    for event in events {
        line("BEGIN:VEVENT".to_owned());
        line(format!("UID:{}", escaped(&event.uid)));
        line(format!("DTSTAMP:{}", instant(event.changed)));
        line(format!("DTSTART:{}", instant(event.at)));
        line(format!("DTEND:{}", instant(event.at + event.lasts)));
        line(format!("SUMMARY:{}", escaped(&event.title)));
        line(format!("DESCRIPTION:{}", escaped(&event.description)));
        line(format!("URL:{}", event.url));
        line(format!("STATUS:{}", event.status));
        line("TRANSP:TRANSPARENT".to_owned());
        line("END:VEVENT".to_owned());
    }
    line("END:VCALENDAR".to_owned());
    text
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value (RFC 5545 §3.3.11).
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => written.extend(['\\', c]),
            '\n' => written.push_str("\\n"),
            c if c.is_control() => {}
            c => written.push(c),
        }
    }
    written
}

/// Appends a line; a long one goes on in the next behind a space, never within a character.
fn fold(text: &mut String, line: &str) {
    let mut room = LONGEST_LINE;
    for c in line.chars() {
        if c.len_utf8() > room {
            text.push_str("\r\n ");
            room = LONGEST_LINE - 1;
        }
        text.push(c);
        room -= c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unfolded(text: &str) -> String {
        text.replace("\r\n ", "")
    }

    #[test]
    fn an_event_is_written_as_calendar_programs_read_it() {
        let at: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
        let event = Event {
            uid: "campaign-1@club.example".into(),
            at,
            lasts: TimeDelta::minutes(15),
            title: "Cup; men, women \\ juniors".into(),
            description: "Scheduled\nfor members".into(),
            url: "https://club.example/campaigns/1".into(),
            status: "CONFIRMED",
            changed: at,
        };
        let text = write("The club", &[event]);
        for line in [
            "BEGIN:VCALENDAR\r\n",
            "UID:campaign-1@club.example\r\n",
            "DTSTART:20260302T080000Z\r\n",
            "DTEND:20260302T081500Z\r\n",
            "SUMMARY:Cup\\; men\\, women \\\\ juniors\r\n",
            "DESCRIPTION:Scheduled\\nfor members\r\n",
            "END:VCALENDAR\r\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_character_is_torn(title in "\\PC{0,200}") {
            let mut text = String::new();
            fold(&mut text, &title);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LONGEST_LINE));
            prop_assert_eq!(unfolded(&text), format!("{title}\r\n"));
        }
    }
}
