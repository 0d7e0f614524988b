//! One person's mail as it goes over the wire: headers, multipart/alternative, transfer encoding.
//!
//! Nothing that a template or a contact says can end a header early: a control character in one is
//! refused here, before anything is encoded.

use super::{Outgoing, SendError};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{self, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use std::time::{Duration, SystemTime};

/// The longest line that SMTP carries, without its end (RFC 5321, 4.5.3.1.6).
const LONGEST_LINE: usize = 998;

/// A message ready to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender, to which bounces go.
    pub from: Address,
    pub to: Address,
    /// Headers and body with CRLF at the end of each line, not dot-stuffed. ASCII, unless an
    /// address is not.
    pub data: Vec<u8>,
}

/// Why no mail can be made of a message. A sentence; trying again does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl From<Refusal> for SendError {
    fn from(refusal: Refusal) -> Self {
        Self::Permanent { reply: refusal.0 }
    }
}

/// Makes the mail of a message.
pub fn build(message: &Outgoing) -> Result<Mail, Refusal> {
    build_for(message, &[])
}

/// Makes the mail of a message with headers that its server asks for.
pub fn build_for(message: &Outgoing, extra: &[(&'static str, &str)]) -> Result<Mail, Refusal> {
    for (field, value) in [
        ("The subject", &message.subject),
        ("The sender's name", &message.from_name),
        ("The recipient's name", &message.to_name),
    ] {
        one_line(field, value)?;
    }
    let from = address("The sender's address", &message.from_email)?;
    let to = address("The recipient's address", &message.to)?;
    let mut builder = Message::builder()
        .envelope(
            Envelope::new(Some(from.clone()), vec![to.clone()])
                .map_err(|error| Refusal(error.to_string()))?,
        )
        .date(date(message.date))
        .from(mailbox(&message.from_name, from.clone()))
        .to(mailbox(&message.to_name, to.clone()))
        .header(header::MessageId::from(message_id(&message.message_id)?))
        .subject(single_spaced(&message.subject));
    if let Some(reply_to) = message.reply_to.as_deref().filter(|text| !text.is_empty()) {
        builder = builder.reply_to(Mailbox::new(None, address("The address for replies", reply_to)?));
    }
    if let Some((name, id)) = &message.list_id {
        builder = builder.raw_header(list_id(name, id)?);
    }
    if let Some(url) = &message.unsubscribe_url {
        let [url, one_click] = unsubscribe(url)?;
        builder = builder.raw_header(url).raw_header(one_click);
    }
    for (name, value) in extra {
        one_line(name, value)?;
        builder = builder.raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(name),
            (*value).to_owned(),
        ));
    }
    let text = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(lines(&message.text));
    let built = match message.html.is_empty() {
        true => builder.singlepart(text),
        false => builder.multipart(
            MultiPart::alternative().singlepart(text).singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_HTML)
                    .body(lines(&message.html)),
            ),
        ),
    };
    let data = built
        .map_err(|error| Refusal(format!("The mail cannot be put together: {error}.")))?
        .formatted();
    if data
        .split(|byte| *byte == b'\n')
        .any(|line| line.len() > LONGEST_LINE + 1)
    {
        return Err(Refusal(format!(
            "A header of the mail is longer than the {LONGEST_LINE} characters that mail servers take."
        )));
    }
    Ok(Mail { from, to, data })
}

/// Refuses what could end a header early or hide in one.
fn one_line(field: &str, value: &str) -> Result<(), Refusal> {
    match value
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        true => Err(Refusal(format!(
            "{field} holds a line break or another control character."
        ))),
        false => Ok(()),
    }
}

/// An address with its domain in the ASCII form that every server takes (RFC 5891).
fn address(field: &str, text: &str) -> Result<Address, Refusal> {
    one_line(field, text)?;
    let wrong = || Refusal(format!("{field} “{text}” is no e-mail address."));
    let (user, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let domain = match domain.is_ascii() {
        true => domain.to_owned(),
        false => url::Host::parse(domain).map_err(|_| wrong())?.to_string(),
    };
    Address::new(user, domain).map_err(|_| wrong())
}

fn mailbox(name: &str, address: Address) -> Mailbox {
    let name = single_spaced(name);
    Mailbox::new((!name.is_empty()).then_some(name), address)
}

/// Text of a header with one space between its words. Two would be left between encoded words,
/// where readers drop all white space (RFC 2047 §6.2), and the words would run together.
fn single_spaced(text: &str) -> String {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn date(seconds: i64) -> SystemTime {
    // 253402300799 is the last second of the year 9999, the last that a header can say.
    let seconds = seconds.clamp(0, 253_402_300_799).unsigned_abs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn message_id(id: &str) -> Result<String, Refusal> {
    let is_right = id.split_once('@').is_some_and(|(left, right)| {
        let atoms = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'@'))
        };
        atoms(left) && atoms(right)
    });
    match is_right {
        true => Ok(format!("<{id}>")),
        false => Err(Refusal(format!("“{id}” is no Message-ID."))),
    }
}

/// RFC 2919. The name is for people only, and loses the characters that would need quotes.
fn list_id(name: &str, id: &str) -> Result<HeaderValue, Refusal> {
    one_line("The list's name", name)?;
    if id.is_empty()
        || !id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    {
        return Err(Refusal(format!("“{id}” is no identifier of a list.")));
    }
    let name: String = name
        .chars()
        .map(
            |c| match c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '\'' | '&' | '!') {
                true => ' ',
                false => c,
            },
        )
        .collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let value = format!("{name} <{id}>").trim_start().to_owned();
    Ok(HeaderValue::new(HeaderName::new_from_ascii_str("List-Id"), value))
}

/// RFC 2369, and the one click of RFC 8058, which asks for https. Plain http is let through for
/// instances without TLS, where mail clients merely do not offer the button.
fn unsubscribe(url: &str) -> Result<[HeaderValue; 2], Refusal> {
    let is_right = (url.starts_with("https://") || url.starts_with("http://"))
        && url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
    if !is_right {
        return Err(Refusal(format!("“{url}” is no address to unsubscribe at.")));
    }
    Ok([
        HeaderValue::new(
            HeaderName::new_from_ascii_str("List-Unsubscribe"),
            format!("<{url}>"),
        ),
        HeaderValue::new(
            HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
            "List-Unsubscribe=One-Click".to_owned(),
        ),
    ])
}

/// A body with CRLF at the end of its lines and no other control character but tabs: a bare CR or a
/// NUL in a mail is what servers refuse or, worse, read differently from one another. Done here in
/// one pass, because the builder would move the rest of the body for each line.
fn lines(body: &str) -> String {
    let mut lines = String::with_capacity(body.len() + body.len() / 32);
    let mut characters = body.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                lines.push_str("\r\n");
            }
            '\n' => lines.push_str("\r\n"),
            '\t' => lines.push('\t'),
            control if control.is_control() => {}
            other => lines.push(other),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
