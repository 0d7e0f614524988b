//! Hostile templates, hostile values, and what comes out.

use super::*;
use crate::accounts::Club;
use crate::domain::Purpose;
use serde_json::json;
use std::time::{Duration, Instant};

fn version(kind: BodyKind, body: &str) -> template_versions::Model {
    template_versions::Model {
        id: 1,
        template_id: 1,
        number: 1,
        subject: "Hello {{ contact.first_name | default('golfer') }}".into(),
        preheader: String::new(),
        body_kind: kind,
        body: body.into(),
        text: None,
        created_by: None,
        created_at: chrono::DateTime::UNIX_EPOCH.into(),
    }
}

fn html(body: &str) -> template_versions::Model {
    version(BodyKind::Html, body)
}

fn club() -> Club {
    Club {
        name: "Fynbos <Golf> & Co".into(),
        postal_address: "1 Fairway\nHermanus".into(),
        ..Club::default()
    }
}

fn anna() -> Recipient {
    Recipient {
        email: Some("anna@example.org".into()),
        first_name: "Anna".into(),
        attributes: json!({"handicap": 12, "joined": "2020-05-01"})
            .as_object()
            .unwrap()
            .clone(),
        ..Recipient::default()
    }
}

fn values(recipient: Recipient) -> Values {
    let urls = RenderUrls {
        unsubscribe: "https://f.example/u/abc".into(),
        preferences: "https://f.example/preferences/abc".into(),
        view: "https://f.example/v/abc".into(),
        pixel: Some("https://f.example/t/o/abc.gif".into()),
    };
    Values::new(recipient, &club(), Purpose::Marketing, "Spring", urls, None)
}

fn render(version: &template_versions::Model, recipient: Recipient) -> Rendered {
    let compiled = compile(version).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled
        .render(&values(recipient), &|index, url| {
            format!("https://f.example/t/c/{index}?{}", url.len())
        })
        .unwrap()
}

/// The mail with its links as they are.
fn plainly(version: &template_versions::Model, recipient: Recipient) -> Rendered {
    let compiled = compile(version).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled
        .render(&values(recipient), &|_, url| url.to_owned())
        .unwrap()
}

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
fn an_unknown_variable_is_a_problem_at_its_line() {
    let vocabulary = Vocabulary::of([("handicap".to_owned(), crate::domain::AttributeKind::Number)]);
    for (body, line, says) in [
        (
            "<p>\n\n{{ contact.frist_name }}</p>",
            3,
            "Did you mean contact.first_name?",
        ),
        ("<p>{{ foo }}</p>", 1, "no variable “foo”"),
        (
            "a\n{{ contact.attributes.handicp }}",
            2,
            "contact.attributes.handicap?",
        ),
        ("a\n\n{% if nothing %}b{% endif %}", 3, "no variable “nothing”"),
        ("a\n{{ contact }}", 2, "Say which field"),
        ("a\n{{ contact.first_name | shout }}", 2, "no such filter"),
        ("a\n{% if x %}", 2, "cannot be understood"),
        ("a\n\n{{ contact.first_name ", 3, "cannot be understood"),
    ] {
        let problems = compile_with(&html(body), &vocabulary).unwrap_err();
        assert_eq!(problems[0].line, line, "{body}: {problems:?}");
        assert!(problems[0].message.contains(says), "{body}: {problems:?}");
    }
}

#[test]
fn hostile_templates_are_refused_fast_and_with_a_line() {
    let nested = format!(
        "{}x{}",
        "{% for a in range(1000) %}".repeat(8),
        "{% endfor %}".repeat(8)
    );
    let doubling = format!("{{% set a = 'aaaaaaaa' %}}{}", "{% set a = a ~ a %}".repeat(60));
    let replaced = format!("{{{{ 'aaaa'{} }}}}", "|replace('a','aaaa')".repeat(40));
    for body in [
        nested.as_str(),
        doubling.as_str(),
        replaced.as_str(),
        "{{ \"x\" * 10**9 }}",
        "{{ 'x' * 100000000 * 100000000 }}",
        "{% for a in range(100000000) %}x{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{{ debug() }}",
        "{{ namespace() }}",
        "{{ contact.first_name | safe }}",
        "{{ contact | tojson }}",
        "{% autoescape false %}{{ contact.first_name }}{% endautoescape %}",
        "{{ contact.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ self }}",
        "{{ zone }}",
        "{{ 1 // 0 }}",
        "{{ range(10**18) }}",
        "<script>x</script>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\" jAvaScript:alert(1)\">x</a>",
        "<a href=\"/relative\">x</a>",
        "<a href=\"data:text/html,x\">x</a>",
    ] {
        let started = Instant::now();
        let refused = compile(&html(&format!("<p>\n{body}</p>")));
        assert!(started.elapsed() < Duration::from_secs(5), "{body:.60}: slow");
        let problems = refused.err().unwrap_or_else(|| panic!("{body:.60} was accepted"));
        assert!(problems[0].line == 2, "{body:.60}: {problems:?}");
    }
    let deep = format!(
        "{}1{}",
        "{{ ".to_owned() + &"(".repeat(5000),
        ")".repeat(5000) + " }}"
    );
    assert!(compile(&html(&deep)).is_err());
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
                name.trim_matches(super::links::MARKS)
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
fn links_are_counted_in_order_and_own_urls_are_left() {
    let mail = html(
        "<a href=\"https://a.example/?x=1&amp;y=2\">One <b>two</b></a><a href=\"mailto:a@b.example\">m</a><a href='tel:+27'>t</a><a href=\"#top\">h</a>\
         <a href=\"{{ unsubscribe_url }}\">u</a><a class=\"b\" href=\"https://b.example/{{ contact.attributes.handicap }}\"><img src=\"https://c.example/x.png\" alt=\"Picture\"></a>",
    );
    let compiled = compile(&mail).unwrap();
    assert_eq!(
        compiled.links(),
        [
            "https://a.example/?x=1&y=2",
            "https://b.example/{{ contact.attributes.handicap }}"
        ]
    );
    assert_eq!(compiled.labels(), ["One two", "Picture"]);
    let seen = std::sync::Mutex::new(Vec::new());
    let page = compiled
        .render(&values(anna()), &|index, url| {
            seen.lock().unwrap().push((index, url.to_owned()));
            format!("https://f.example/t/c/{index}")
        })
        .unwrap()
        .html;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (0, "https://a.example/?x=1&y=2".to_owned()),
            (1, "https://b.example/12".to_owned())
        ]
    );
    for left in [
        "mailto:a@b.example",
        "tel:+27",
        "#top",
        "https://f.example/u/abc",
        "https://f.example/t/c/1",
    ] {
        assert!(page.contains(&format!("href=\"{left}\"")), "{left}: {page}");
    }
    assert!(page.contains("<img src=\"https://f.example/t/o/abc.gif\" width=\"1\" height=\"1\" alt=\"\""));
    assert!(page.find("t/o/abc.gif").unwrap() < page.find("</body>").unwrap());
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

#[test]
fn loops_and_conditions_survive_tables_and_styles() {
    let mail = html(
        "<style>td{color:red}@media (max-width:400px){#x{color:blue}}</style><table>{% for tag in contact.tags %}<tr><td>{{ tag }}</td></tr>{% endfor %}</table>\
         {% if contact.attributes.handicap is number and contact.attributes.handicap < 18 and 2 > 1 %}<p>Low</p>{% endif %}",
    );
    let mut person = anna();
    person.tags = vec!["one".into(), "two".into()];
    let mail = plainly(&mail, person);
    assert!(
        mail.html.contains(
            "<tr><td style=\"color: red;\">one</td></tr><tr><td style=\"color: red;\">two</td></tr>"
        ),
        "{}",
        mail.html
    );
    assert!(
        mail.html.contains("<p>Low</p>") && mail.html.contains("@media"),
        "{}",
        mail.html
    );
    assert!(
        mail.text.contains("one") && mail.text.contains("Low"),
        "{}",
        mail.text
    );
}

#[test]
fn mjml_becomes_html_with_its_expressions() {
    let mail = version(
        BodyKind::Mjml,
        "<mjml><mj-head><mj-preview>Hi {{ contact.first_name }}</mj-preview></mj-head><mj-body>
        {% if contact.first_name %}<mj-section><mj-column><mj-text>Dear {{ contact.first_name | default(\"golfer\") }}{% if 1 < 2 %}!{% endif %}</mj-text>
        <mj-button href=\"https://x.example/{{ contact.attributes.handicap }}\">Book</mj-button></mj-column></mj-section>{% endif %}
        </mj-body></mjml>",
    );
    let compiled = compile(&mail).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(
        compiled.links(),
        ["https://x.example/{{ contact.attributes.handicap }}"]
    );
    let shown = plainly(&mail, anna());
    assert!(
        shown.html.contains("Dear Anna!") && shown.html.contains("Hi Anna"),
        "{}",
        shown.html
    );
    assert!(
        shown.html.contains("href=\"https://x.example/12\""),
        "{}",
        shown.html
    );
    assert!(!shown.html.contains("fonts.googleapis"), "{}", shown.html);
    assert!(!plainly(&mail, Recipient::default()).html.contains("Dear"));
    for (body, line) in [
        ("<mjml>\n<mj-body>\n<mj-wrong></mj-wrong></mj-body></mjml>", 3),
        (
            "<mjml><mj-body>\n<mj-include path=\"/etc/passwd\" /></mj-body></mjml>",
            2,
        ),
        (
            "<mjml><mj-body>\n{{ contact.first_name |\n default('x') }}\n<p>x</p></mj-body>\n",
            4,
        ),
    ] {
        let problems = compile(&version(BodyKind::Mjml, body)).unwrap_err();
        assert_eq!(problems[0].line, line, "{body}: {problems:?}");
    }
}

#[test]
fn a_mail_without_a_way_out_gets_the_clubs_footer() {
    let mail = html("<p>Hi</p>");
    let shown = render(&mail, anna());
    assert!(
        shown.html.contains("href=\"https://f.example/u/abc\""),
        "{}",
        shown.html
    );
    assert!(
        shown
            .html
            .contains("Fynbos &lt;Golf&gt; &amp; Co<br>1 Fairway<br>Hermanus"),
        "{}",
        shown.html
    );
    assert!(
        shown.text.contains("Unsubscribe: https://f.example/u/abc") && shown.text.contains("Hermanus"),
        "{}",
        shown.text
    );
    let own = render(
        &html("<p><a href=\"{{ unsubscribe_url }}\">leave</a></p>"),
        anna(),
    );
    assert!(!own.html.contains("Choose what you receive"), "{}", own.html);
    assert!(
        own.text.contains("https://f.example/u/abc") && !own.text.contains("Choose"),
        "{}",
        own.text
    );
    let mut service = values(anna());
    service = Values::new(
        anna(),
        &club(),
        Purpose::Transactional,
        "",
        service.urls().clone(),
        None,
    );
    let shown = compile(&mail)
        .unwrap()
        .render(&service, &|_, url| url.to_owned())
        .unwrap();
    assert!(
        !shown.html.contains("Unsubscribe") && shown.html.contains("Hermanus"),
        "{}",
        shown.html
    );
    assert!(
        !shown.text.contains("Unsubscribe") && shown.text.contains("Hermanus"),
        "{}",
        shown.text
    );
}

#[test]
fn a_preheader_is_there_and_hidden() {
    let mut mail = html("<p>Hi</p>");
    mail.preheader = "For {{ contact.first_name }} <3".into();
    let page = plainly(&mail, anna()).html;
    assert!(
        page.contains("mso-hide:all\">For Anna &lt;3</div><p>Hi</p>"),
        "{page}"
    );
}

#[test]
fn links_in_made_text_are_listed_with_their_addresses() {
    let shown = render(
        &html(
            "<h1>News</h1><p>Please <a href=\"https://x.example/a?b={{ contact.first_name }}\">book</a> &#123;&#123; 7*7 &#125;&#125;</p>",
        ),
        anna(),
    );
    assert!(
        shown.text.contains("https://x.example/a?b=Anna"),
        "{}",
        shown.text
    );
    assert!(
        !shown.text.contains("49") && !shown.html.contains("49"),
        "{}",
        shown.text
    );
}

#[test]
fn a_mail_of_ten_kilobytes_renders_in_microseconds() {
    let row = "<tr><td style=\"padding:8px\">Dear {{ contact.first_name | default('golfer') }}, your handicap is {{ contact.attributes.handicap }}. <a href=\"https://club.example/tee-times?member={{ contact.email }}\">Book a tee time</a> now, before the weekend fills up with visitors from the coast and the inland clubs.</td></tr>";
    let mail = html(&format!("<table>{}</table>", row.repeat(10_000 / row.len())));
    let compiled = compile(&mail).unwrap();
    let values = values(anna());
    let started = Instant::now();
    for _ in 0..200 {
        compiled
            .render(&values, &|index, _| format!("https://f.example/t/c/{index}"))
            .unwrap();
    }
    let each = started.elapsed() / 200;
    eprintln!("{each:?} a mail");
    assert!(each < Duration::from_millis(20), "{each:?}");
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

#[test]
fn broken_markup_is_a_problem_and_no_panic() {
    for body in ["é\">", "<p é\">", "<é\">"] {
        let version = template_versions::Model {
            id: 1,
            template_id: 1,
            number: 1,
            subject: "Hello".into(),
            preheader: String::new(),
            body_kind: BodyKind::Html,
            body: body.into(),
            text: None,
            created_by: None,
            created_at: chrono::DateTime::UNIX_EPOCH.into(),
        };
        for body_kind in [BodyKind::Html, BodyKind::Mjml] {
            // Either is an answer; a panic would end the test.
            let compiled = compile(&template_versions::Model {
                body_kind,
                ..version.clone()
            });
            assert!(body_kind == BodyKind::Html || compiled.is_err(), "{body}");
        }
    }
}
