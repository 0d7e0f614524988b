//! Whole mails: MJML, footers, preheaders, texts, and how fast.

use super::*;

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
        assert_eq!(problems[0].line, Some(line), "{body}: {problems:?}");
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
