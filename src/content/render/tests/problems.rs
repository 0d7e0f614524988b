//! What keeps a template from being sent, and where it is said to be.

use super::*;

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
        assert_eq!(problems[0].line, Some(line), "{body}: {problems:?}");
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
        assert!(problems[0].line == Some(2), "{body:.60}: {problems:?}");
    }
    let deep = format!(
        "{}1{}",
        "{{ ".to_owned() + &"(".repeat(5000),
        ")".repeat(5000) + " }}"
    );
    assert!(compile(&html(&deep)).is_err());
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
            whole: None,
            note: None,
            attachments: None,
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

#[test]
fn a_problem_without_a_line_blames_none() {
    for (problem, said) in [
        (
            Problem::somewhere(Part::Body, "Broken."),
            "Body, somewhere in the text: Broken.",
        ),
        (Problem::error(Part::Body, 3, "Broken."), "Body, line 3: Broken."),
        (Problem::error(Part::Subject, 1, "Broken."), "Subject: Broken."),
    ] {
        assert_eq!(problem.to_string(), said);
    }
}
