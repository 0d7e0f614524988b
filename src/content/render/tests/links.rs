//! Links found, counted and listed.

use super::*;

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
