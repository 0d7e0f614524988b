//! Hostile values, and what comes out.

use super::*;

#[test]
fn an_empty_name_is_greeted_by_the_default() {
    let mail = html(
        "<p>{{ contact.first_name | default(\"golfer\") }}, handicap {{ contact.attributes.handicap | default('unknown') }}</p>",
    );
    assert!(
        plainly(&mail, Recipient::default())
            .html
            .contains("<p>golfer, handicap unknown</p>")
    );
    let known = plainly(&mail, anna());
    assert!(known.html.contains("<p>Anna, handicap 12</p>"), "{}", known.html);
    assert_eq!(known.subject, "Hello Anna");
    assert!(known.text.contains("Anna, handicap 12"), "{}", known.text);
}

#[test]
fn hostile_values_come_out_escaped() {
    let mail = html(
        "<p title=\"{{ contact.first_name }}\">{{ contact.first_name }}</p><a href=\"https://x.example/?q={{ contact.first_name }}\">go</a>",
    );
    for name in [
        "<script>alert(1)</script>",
        "{{7*7}}",
        "\"><img src=x onerror=y>",
        "' onclick='x",
        "&amp;",
        "\u{F5A0}0\u{F5A1}x\u{F5A2}",
    ] {
        let person = Recipient {
            first_name: name.into(),
            ..Recipient::default()
        };
        let mail = plainly(&mail, person);
        assert!(
            !mail.html.contains("<script") && !mail.html.contains("<img src=x") && !mail.html.contains("49"),
            "{}",
            mail.html
        );
        assert!(
            !mail.html.contains("title=\"\"") && !mail.html.contains("?q=\""),
            "{}",
            mail.html
        );
        assert!(!mail.html.contains("' onclick"), "{}", mail.html);
        assert!(
            mail.text.contains(
                name.trim_matches(super::super::links::MARKS)
                    .split('\u{F5A1}')
                    .next()
                    .unwrap()
            ),
            "{}",
            mail.text
        );
    }
    let person = Recipient {
        first_name: "Anna\r\nBcc: all@example.org\0".into(),
        ..Recipient::default()
    };
    let subject = plainly(&mail, person).subject;
    assert_eq!(subject, "Hello Anna Bcc: all@example.org");
}

#[test]
fn a_variable_cannot_become_a_script_link() {
    let mail = html("<a href=\"{{ contact.attributes.link }}\">x</a>");
    for (link, href) in [
        ("javascript:alert(1)", "href=\"#\""),
        ("JAVASCRIPT:alert(1)", "href=\"#\""),
        ("java\nscript:alert(1)", "href=\"#\""),
        ("", "href=\"#\""),
        (
            "https://ok.example/?a=1&b=2",
            "href=\"https://ok.example/?a=1&amp;b=2\"",
        ),
    ] {
        let mut person = anna();
        person.attributes.insert("link".into(), link.into());
        let page = plainly(&mail, person).html;
        assert!(page.contains(href), "{link}: {page}");
    }
}

#[test]
fn values_inside_a_url_are_encoded() {
    let mail = html("<a href=\"https://x.example/s?name={{ contact.first_name }}&amp;n=1\">x</a>");
    let person = Recipient {
        first_name: "A&b=c d#é".into(),
        ..Recipient::default()
    };
    let page = plainly(&mail, person).html;
    assert!(page.contains("s?name=A%26b%3Dc%20d%23%C3%A9&amp;n=1"), "{page}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_template_panics(body in "(<p>|</p>|<a href=\"|\">|\\{\\{ ?|\\}\\}|\\{% if |%\\}|contact.first_name|\\||default\\('|'\\)|<!--|-->|<style>|é|\n| |[a-z0-9&;#{}%]){0,24}") {
        for kind in [BodyKind::Html, BodyKind::Text] {
            if let Ok(compiled) = compile(&version(kind, &body)) {
                compiled.render(&values(anna()), &|_, url| url.to_owned()).ok();
            }
        }
        compile(&version(BodyKind::Mjml, &format!("<mjml><mj-body><mj-section><mj-column><mj-text>{body}</mj-text></mj-column></mj-section></mj-body></mjml>"))).ok();
    }

    #[test]
    fn values_never_add_an_element_or_end_an_attribute(name in "\\PC{0,40}|[<>&\"'{}%\\x00-\\x1f\u{F5A0}-\u{F5A5}a]{0,20}") {
        let mail = html("<p title=\"{{ contact.first_name }}\">{{ contact.first_name | upper }}</p><a href=\"https://x.example/{{ contact.first_name }}\">x</a>");
        let person = |name: &str| Recipient { first_name: name.into(), ..Recipient::default() };
        let count = |page: &str| (page.matches('<').count(), page.matches('"').count());
        let shown = plainly(&mail, person(&name));
        proptest::prop_assert_eq!(count(&shown.html), count(&plainly(&mail, person("x")).html));
        proptest::prop_assert!(!shown.subject.contains(|c: char| c.is_control()));
    }
}
