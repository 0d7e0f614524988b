//! Messages that are text alone: their links, and their way out.

use super::*;
use crate::accounts::Club;
use crate::domain::Purpose;

fn version(body: &str) -> template_versions::Model {
    template_versions::Model {
        id: 1,
        template_id: 1,
        number: 1,
        subject: String::new(),
        preheader: String::new(),
        body_kind: BodyKind::Text,
        body: body.into(),
        text: None,
        whole: None,
        note: None,
        attachments: None,
        created_by: None,
        created_at: chrono::DateTime::UNIX_EPOCH.into(),
    }
}

fn anna() -> Values {
    values("Anna")
}

fn values(first_name: &str) -> Values {
    let person = Recipient {
        first_name: first_name.into(),
        ..Recipient::default()
    };
    let urls = RenderUrls {
        unsubscribe: "https://f.example/u/abc".into(),
        ..RenderUrls::default()
    };
    Values::new(person, &Club::default(), Purpose::Marketing, "", urls, None)
}

fn render(version: &template_versions::Model, values: Values) -> Rendered {
    let compiled = compile(version).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled.render(&values, &|_, url| url.to_owned()).unwrap()
}

#[test]
fn a_mail_of_text_alone_has_the_clubs_footer_too() {
    let mail = version("Hi {{ contact.first_name }} & co\n");
    let shown = render(&mail, anna());
    assert_eq!(shown.html, "");
    assert!(shown.text.starts_with("Hi Anna & co\n\n-- \n"), "{}", shown.text);
    assert!(shown.text.contains("\nUnsubscribe: https://"), "{}", shown.text);
}

#[test]
fn a_text_message_ends_with_the_shortest_way_out() {
    let mail = version("Hi {{ contact.first_name }} & co\n");
    let shown = render(&mail, anna().brief());
    let (text, stop) = shown.text.split_once('\n').unwrap();
    assert_eq!(text, "Hi Anna & co");
    assert!(
        stop.starts_with("Stop: https://") && !stop.contains('\n'),
        "{stop}"
    );

    let own = version("Out: {{ unsubscribe_url }}");
    assert_eq!(render(&own, anna().brief()).text.lines().count(), 1);
}

#[test]
fn links_of_a_text_are_tracked_whole_and_without_the_stop_behind_them() {
    #[rustfmt::skip]
    let cases = [
        ("Enter: https://club.example/cup.", &["https://club.example/cup"][..], "Enter: <0>."),
        ("(see http://a.example/x?y=1#z), or https://b.example", &["http://a.example/x?y=1#z", "https://b.example"], "(see <0>), or <1>"),
        ("https://club.example/{{ contact.first_name }}/in now", &["https://club.example/{{ contact.first_name }}/in"], "<0> now"),
        ("https://club.example/?n={{ contact.first_name | upper }}!", &["https://club.example/?n={{ contact.first_name | upper }}"], "<0>!"),
        ("{{ contact.first_name | default(\"https://no.example/\") }} at https://b.example", &["https://b.example"], "Anna at <0>"),
        ("No address: httpx://club, http:/x", &[], "No address: httpx://club, http:/x"),
        ("{% if contact.first_name %}https://a.example{% endif %}", &["https://a.example"], "<0>"),
    ];
    for (source, urls, expected) in cases {
        let compiled = compile(&version(&format!("{source}\n{{{{ unsubscribe_url }}}}"))).unwrap();
        assert_eq!(compiled.links(), urls, "{source}");
        let shown = compiled
            .render(&anna(), &|index, _| format!("<{index}>"))
            .unwrap();
        assert!(shown.text.starts_with(expected), "{source}: {}", shown.text);
    }
}

#[test]
fn a_value_in_a_texts_link_stays_within_its_part() {
    let text = version("https://club.example/{{ contact.first_name }}");
    let seen = std::cell::RefCell::new(String::new());
    compile(&text)
        .unwrap()
        .render(&values("A b/c?d=é"), &|_, url| {
            *seen.borrow_mut() = url.to_owned();
            url.to_owned()
        })
        .unwrap();
    assert_eq!(seen.into_inner(), "https://club.example/A%20b/c%3Fd%3D%C3%A9");
}
