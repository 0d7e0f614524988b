//! What is built is read back by another library, as a mail program would.

use super::*;
use mail_parser::{Message as Parsed, MessageParser, MimeHeaders as _};
use proptest::prelude::*;

fn outgoing() -> Outgoing {
    Outgoing {
        to: "ada@example.org".into(),
        to_name: "Ada Fairway".into(),
        from_name: "Links Golf Club".into(),
        from_email: "news@club.example".into(),
        reply_to: Some("office@club.example".into()),
        subject: "The spring cup".into(),
        html: "<p>Dear Ada</p>".into(),
        text: "Dear Ada".into(),
        message_id: "17.4@club.example".into(),
        list_id: Some(("Newsletter".into(), "newsletter.club.example".into())),
        unsubscribe_url: Some("https://club.example/u/abc".into()),
        date: 1_772_438_400,
        status_url: None,
        delivery: None,
        post: None,
    }
}

fn built(message: &Outgoing) -> String {
    String::from_utf8(build(message).unwrap().data).unwrap()
}

fn parsed(raw: &str) -> Parsed<'_> {
    MessageParser::default().parse(raw.as_bytes()).unwrap()
}

fn head(raw: &str) -> String {
    raw.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ")
}

/// What every mail keeps, whatever is in it.
fn assert_well_formed(raw: &str) {
    for line in raw.split("\r\n") {
        assert!(line.len() <= LONGEST_LINE, "a line of {}", line.len());
        assert!(
            !line.contains(['\r', '\n', '\0']),
            "a stray control character: {line:?}"
        );
    }
    assert!(raw.is_ascii());
}

#[test]
fn a_marketing_mail_has_every_header_it_needs() {
    let raw = built(&outgoing());
    let head = head(&raw);
    for line in [
        "From: \"Links Golf Club\" <news@club.example>",
        "To: \"Ada Fairway\" <ada@example.org>",
        "Reply-To: office@club.example",
        "Subject: The spring cup",
        "Date: Mon, 02 Mar 2026 08:00:00 +0000",
        "Message-ID: <17.4@club.example>",
        "List-Id: Newsletter <newsletter.club.example>",
        "List-Unsubscribe: <https://club.example/u/abc>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|found| found == line), "{line}\n— in —\n{head}");
    }
    assert_well_formed(&raw);
}

#[test]
fn a_transactional_mail_has_no_list_headers() {
    let raw = built(&Outgoing {
        list_id: None,
        unsubscribe_url: None,
        reply_to: None,
        ..outgoing()
    });
    let head = head(&raw);
    assert!(!head.contains("List-"), "{head}");
    assert!(!head.contains("Reply-To"), "{head}");
}

#[test]
fn text_comes_before_html_so_that_the_last_readable_part_is_the_richest() {
    let raw = built(&outgoing());
    let mail = parsed(&raw);
    let kind = mail.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("alternative")));
    let kinds: Vec<_> = mail.parts[1..]
        .iter()
        .map(|part| part.content_type().unwrap().subtype().unwrap())
        .collect();
    assert_eq!(kinds, ["plain", "html"]);
    for part in &mail.parts[1..] {
        assert_eq!(
            part.content_type().unwrap().attribute("charset").unwrap(),
            "utf-8"
        );
    }
}

#[test]
fn a_mail_without_html_is_plain_text_alone() {
    let raw = built(&Outgoing {
        html: String::new(),
        ..outgoing()
    });
    let mail = parsed(&raw);
    assert_eq!(mail.content_type().unwrap().ctype(), "text");
    assert_eq!(mail.body_text(0).unwrap().trim_end(), "Dear Ada");
    assert!(raw.contains("MIME-Version: 1.0"));
}

#[test]
fn letters_of_every_script_come_back_as_they_were() {
    let message = Outgoing {
        to_name: "Søren “Birdie” Ångström, Jr.".into(),
        from_name: "Golfclub Mühlbach (Süd)".into(),
        subject: "Frühlingsturnier am 3. März — 春のトーナメント 🏌️‍♀️".into(),
        html: "<p>Grüße, 春 🏌️</p>".into(),
        text: "Grüße, 春 🏌️".into(),
        list_id: Some((
            "Neuigkeiten für Ältere, monatlich".into(),
            "n.club.example".into(),
        )),
        ..outgoing()
    };
    let raw = built(&message);
    let mail = parsed(&raw);
    assert_eq!(mail.subject(), Some(message.subject.as_str()));
    let name = |address: &mail_parser::Address<'_>| address.first().unwrap().name().unwrap().to_owned();
    assert_eq!(name(mail.from().unwrap()), message.from_name);
    assert_eq!(name(mail.to().unwrap()), message.to_name);
    assert_eq!(mail.body_text(0).unwrap().trim_end(), message.text);
    assert_eq!(mail.body_html(0).unwrap().trim_end(), message.html);
    let head = head(&raw);
    assert!(
        head.lines()
            .any(|line| line.starts_with("List-Id: ") && line.ends_with(" <n.club.example>")),
        "{head}"
    );
    assert_well_formed(&raw);
}

#[test]
fn a_long_subject_is_folded_and_comes_back_whole() {
    for word in ["tournament", "Frühlingsturnier", "春"] {
        let subject = vec![word; 60].join(" ");
        let raw = built(&Outgoing {
            subject: subject.clone(),
            ..outgoing()
        });
        assert_eq!(parsed(&raw).subject(), Some(subject.as_str()));
        let longest = raw
            .split_once("\r\n\r\n")
            .unwrap()
            .0
            .split("\r\n")
            .map(str::len)
            .max()
            .unwrap();
        assert!(longest <= 78, "a header line of {longest} with {word}");
    }
}

#[test]
fn a_header_that_cannot_be_folded_is_refused_and_not_sent_too_long() {
    let subject = "x".repeat(1200);
    assert!(
        build(&Outgoing {
            subject,
            ..outgoing()
        })
        .is_err()
    );
}

#[test]
fn long_lines_in_a_body_are_encoded() {
    for text in ["word ".repeat(2000), "x".repeat(5000), "ü".repeat(5000)] {
        let raw = built(&Outgoing {
            html: format!("<p>{text}</p>"),
            text: text.clone(),
            ..outgoing()
        });
        assert_well_formed(&raw);
        let mail = parsed(&raw);
        assert_eq!(mail.body_text(0).unwrap().trim_end(), text.trim_end());
        assert_eq!(mail.body_html(0).unwrap().trim_end(), format!("<p>{text}</p>"));
    }
}

#[test]
fn line_ends_of_any_kind_become_those_of_mail() {
    let raw = built(&Outgoing {
        text: "one\ntwo\r\nthree\rfour\0".into(),
        html: String::new(),
        ..outgoing()
    });
    assert!(raw.contains("one\r\ntwo\r\nthree\r\nfour"), "{raw}");
    assert_well_formed(&raw);
}

#[test]
fn no_field_can_start_a_header_of_its_own() {
    let evil = "x\r\nBcc: everyone@example.org";
    let with = |change: fn(&mut Outgoing, String)| {
        let mut results = Vec::new();
        for text in [
            evil,
            "x\nBcc: y@example.org",
            "x\rBcc: y",
            "x\u{2028}y",
            "x\0y",
            "x\ty",
        ] {
            let mut message = outgoing();
            change(&mut message, text.to_owned());
            results.push(build(&message).is_err());
        }
        results
    };
    for results in [
        with(|message, text| message.subject = text),
        with(|message, text| message.from_name = text),
        with(|message, text| message.to_name = text),
        with(|message, text| message.to = format!("{text}@example.org")),
        with(|message, text| message.from_email = format!("a@{text}")),
        with(|message, text| message.reply_to = Some(format!("{text}@example.org"))),
        with(|message, text| message.message_id = format!("{text}@example.org")),
        with(|message, text| message.list_id = Some((text, "n.club.example".into()))),
        with(|message, text| message.list_id = Some(("n".into(), text))),
        with(|message, text| message.unsubscribe_url = Some(format!("https://club.example/{text}"))),
    ] {
        assert_eq!(results, [true; 6]);
    }
}

#[test]
fn a_name_cannot_smuggle_in_another_address() {
    let raw = built(&Outgoing {
        to_name: "\"Ada\" <eve@example.net>, ".into(),
        ..outgoing()
    });
    let mail = parsed(&raw);
    let addresses: Vec<_> = mail
        .to()
        .unwrap()
        .iter()
        .map(|one| one.address().unwrap())
        .collect();
    assert_eq!(addresses, ["ada@example.org"]);
}

#[test]
fn what_is_no_address_is_refused_by_name() {
    for (to, sentence) in [
        ("", "The recipient's address “” is no e-mail address."),
        ("ada", "The recipient's address “ada” is no e-mail address."),
        ("ada@", "The recipient's address “ada@” is no e-mail address."),
        (
            "a b@example.org",
            "The recipient's address “a b@example.org” is no e-mail address.",
        ),
        (
            "a@b@c.example",
            "The recipient's address “a@b@c.example” is no e-mail address.",
        ),
    ] {
        let refusal = build(&Outgoing {
            to: to.into(),
            ..outgoing()
        })
        .unwrap_err();
        assert_eq!(refusal.to_string(), sentence);
        assert!(matches!(SendError::from(refusal), SendError::Permanent { .. }));
    }
}

#[test]
fn a_domain_outside_ascii_goes_out_in_its_ascii_form() {
    let mail = build(&Outgoing {
        to: "ada@bücher.example".into(),
        ..outgoing()
    })
    .unwrap();
    assert_eq!(mail.to.to_string(), "ada@xn--bcher-kva.example");
    assert!(mail.data.is_ascii());
}

#[test]
fn words_outside_ascii_do_not_run_together_over_several_spaces() {
    let mail = build(&Outgoing {
        subject: "Ό  ㄅ".into(),
        to_name: "Žofie   Nováková".into(),
        ..outgoing()
    })
    .unwrap();
    let raw = String::from_utf8(mail.data).unwrap();
    let mail = parsed(&raw);
    assert_eq!(mail.subject(), Some("Ό ㄅ"));
    assert_eq!(mail.to().unwrap().first().unwrap().name(), Some("Žofie Nováková"));
}

proptest! {
    #[test]
    fn any_subject_and_name_come_back_or_are_refused(
        subject in "\\PC{0,120}",
        name in "\\PC{0,60}",
        text in "(?s).{0,300}",
    ) {
        let message = Outgoing {
            subject: subject.clone(),
            to_name: name.clone(),
            text: text.clone(),
            html: format!("<p>{text}</p>"),
            ..outgoing()
        };
        let Ok(mail) = build(&message) else {
            return Ok(());
        };
        let raw = String::from_utf8(mail.data).unwrap();
        assert_well_formed(&raw);
        let mail = parsed(&raw);
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(squeezed(mail.subject().unwrap_or_default()), squeezed(&subject));
        let to = mail.to().unwrap();
        prop_assert_eq!(to.iter().count(), 1);
        prop_assert_eq!(to.first().unwrap().address(), Some("ada@example.org"));
        prop_assert_eq!(mail.headers_raw().filter(|(name, _)| name.eq_ignore_ascii_case("bcc")).count(), 0);
    }
}

#[test]
fn headers_that_a_server_asks_for_stand_among_the_others() {
    let message = outgoing();
    let mail = build_for(&message, &[("X-PM-Metadata-fairway", &message.message_id)]).unwrap();
    let text = String::from_utf8(mail.data).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    assert!(
        head.contains("\r\nX-PM-Metadata-fairway: 17.4@club.example"),
        "{head}"
    );
    assert!(build_for(&message, &[("X-A", "b\r\nBcc: eve@club.example")]).is_err());
}
