//! Feeds as other programs write them.

use super::{Asked, parse};
use crate::domain::feed::{Feed, Kind};

fn asked() -> Asked {
    Asked {
        url: "https://club.example/news/feed".into(),
        now: "2026-03-02T08:00:00Z".parse().unwrap(),
        days: 14,
        zone: chrono_tz::Europe::London,
    }
}

fn read(body: &str) -> Feed {
    parse(body.as_bytes(), &asked()).unwrap()
}

fn titles(feed: &Feed) -> Vec<&str> {
    feed.items.iter().map(|item| item.title.as_str()).collect()
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>The club &amp; its news</title><link>https://club.example/</link><description>d</description>
<item><title>Older</title><link>/news/1</link><guid isPermaLink="false">n-1</guid>
  <pubDate>Mon, 23 Feb 2026 09:00:00 GMT</pubDate>
  <description>&lt;p&gt;First.&lt;/p&gt;&lt;p&gt;Second &amp;amp; last.&lt;/p&gt;</description>
  <enclosure url="https://club.example/a.jpg" type="image/jpeg" length="1"/></item>
<item><title>Newer</title><link>https://club.example/news/2</link><guid>https://club.example/news/2</guid>
  <pubDate>Sun, 01 Mar 2026 09:00:00 +0200</pubDate><dc:creator>Anna</dc:creator>
  <category>Course</category><category>Juniors</category><description>Short.</description>
  <content:encoded><![CDATA[<p onclick="x()">Read <a href="/more" style="color:red">more</a><script>alert(1)</script>
    <a href="javascript:alert(1)">bad</a><img src="/b.png"></p>]]></content:encoded></item>
</channel></rss>"#;

#[test]
fn rss_is_read_newest_first_with_whole_addresses_and_nothing_in_it_can_act() {
    let feed = read(RSS);
    assert_eq!(
        (feed.kind, feed.title.as_str()),
        (Kind::News, "The club & its news")
    );
    assert_eq!(feed.url, "https://club.example/");
    assert_eq!(titles(&feed), ["Newer", "Older"]);
    let [newer, older] = feed.items.as_slice() else {
        panic!()
    };
    assert_eq!(older.url, "https://club.example/news/1");
    assert_eq!(older.id, "n-1");
    assert_eq!(older.summary, "First. Second & last.");
    assert_eq!(older.html, "<p>First.</p><p>Second &amp; last.</p>");
    assert_eq!(older.image, "https://club.example/a.jpg");
    assert_eq!(older.published, "2026-02-23T09:00:00Z");
    assert_eq!(newer.published, "2026-03-01T07:00:00Z");
    assert_eq!(
        (newer.author.as_str(), newer.summary.as_str()),
        ("Anna", "Short.")
    );
    assert_eq!(newer.categories, ["Course", "Juniors"]);
    assert!(
        newer
            .html
            .contains("<a href=\"https://club.example/more\">more</a>"),
        "{}",
        newer.html
    );
    for bad in ["script", "onclick", "style", "alert"] {
        assert!(!newer.html.contains(bad), "{}", newer.html);
    }
    assert_eq!(newer.image, "https://club.example/b.png");
}

#[test]
fn atom_rss_1_and_json_feed_are_read_too() {
    let atom = read(
        r#"<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">A &amp;amp; B</title><id>f</id>
        <updated>2026-03-01T00:00:00Z</updated><link rel="self" href="/atom"/><link href="https://club.example/"/>
        <entry><id>tag:1</id><title>One</title><updated>2026-03-01T10:00:00Z</updated>
        <link rel="enclosure" type="image/png" href="/p.png"/><link rel="alternate" href="/one"/>
        <summary>Plain &lt; text</summary></entry></feed>"#,
    );
    assert_eq!(atom.title, "A & B");
    assert_eq!(atom.url, "https://club.example/");
    let one = &atom.items[0];
    assert_eq!(
        (one.url.as_str(), one.image.as_str()),
        ("https://club.example/one", "https://club.example/p.png")
    );
    assert_eq!(
        (one.summary.as_str(), one.html.as_str()),
        ("Plain < text", "Plain &lt; text")
    );
    assert_eq!(one.published, "2026-03-01T10:00:00Z");
    let rdf = read(
        r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
        <channel rdf:about="https://club.example/"><title>T</title><link>https://club.example/</link><description>d</description></channel>
        <item rdf:about="https://club.example/1"><title>One</title><link>https://club.example/1</link></item></rdf:RDF>"#,
    );
    assert_eq!(titles(&rdf), ["One"]);
    let json = read(
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"J","home_page_url":"https://club.example/","items":[
        {"id":"1","title":"Old","content_text":"a\nb","date_published":"2026-02-01T00:00:00Z","image":"/old.png"},
        {"id":"2","url":"https://club.example/2","title":"New","content_html":"<b>Hi</b>","date_published":"2026-03-01T00:00:00Z","tags":["x"],"image":"/new.png"}]}"#,
    );
    assert_eq!(titles(&json), ["New", "Old"]);
    let pictures: Vec<_> = json.items.iter().map(|item| item.image.as_str()).collect();
    assert_eq!(
        pictures,
        ["https://club.example/new.png", "https://club.example/old.png"]
    );
    assert_eq!(json.items[0].html, "<b>Hi</b>");
}

#[test]
fn what_is_no_feed_is_refused_with_a_sentence() {
    for body in [
        "",
        "hello",
        "<html><body>Sign in</body></html>",
        "{\"a\":1}",
        "<rss version=\"2.0\"><channel>",
    ] {
        let refused = parse(body.as_bytes(), &asked()).unwrap_err();
        assert!(refused.contains("no feed"), "{body}: {refused}");
    }
    let large = "x".repeat(super::LARGEST + 1);
    assert!(parse(large.as_bytes(), &asked()).unwrap_err().contains("2 MB"));
}

#[test]
fn entities_are_not_expanded_and_depth_is_no_harm() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
        <rss version="2.0"><channel><title>t</title><link>https://x.example</link><description>d</description>
        <item><guid>1</guid><title>&b;&x;</title></item></channel></rss>"#;
    match parse(bomb.as_bytes(), &asked()) {
        Ok(feed) => assert!(
            feed.items[0].title.len() < 20 && !feed.items[0].title.contains("root"),
            "{feed:?}"
        ),
        Err(sentence) => assert!(sentence.contains("no feed")),
    }
    let deep = format!(
        "<rss version=\"2.0\"><channel><title>t</title><item><guid>1</guid><description>{}</description></item></channel></rss>",
        "&lt;div&gt;".repeat(100_000)
    );
    assert_eq!(read(&deep).items.len(), 1);
    let deep = format!("{}{}", "<rss version=\"2.0\"><channel>", "<item>".repeat(50_000));
    assert!(parse(deep.as_bytes(), &asked()).is_err());
    let deep = "BEGIN:VCALENDAR\n".repeat(100_000);
    assert!(parse(deep.as_bytes(), &asked()).is_err());
}

#[test]
fn of_very_many_items_only_the_first_are_read() {
    let items: String = (0..2_000)
        .map(|n| format!("<item><guid>{n}</guid><title>{n}</title></item>"))
        .collect();
    let feed = read(&format!(
        "<rss version=\"2.0\"><channel><title>t</title>{items}</channel></rss>"
    ));
    assert_eq!(feed.items.len(), super::MOST_ITEMS);
}

fn calendar(events: &str) -> String {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\nX-WR-CALNAME:Club events\nX-WR-TIMEZONE:Africa/Johannesburg\n\
         BEGIN:VTIMEZONE\nTZID:Africa/Johannesburg\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0200\nEND:STANDARD\nEND:VTIMEZONE\n{events}END:VCALENDAR\n"
    );
    text.replace('\n', "\r\n")
}

#[test]
fn a_calendar_gives_the_events_that_start_within_the_coming_days() {
    let feed = read(&calendar(
        "BEGIN:VEVENT\nUID:past\nDTSTART:20260301T090000Z\nSUMMARY:Past\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:far\nDTSTART:20260320T090000Z\nSUMMARY:Far\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:dinner\nDTSTART;TZID=Africa/Johannesburg:20260305T183000\nDURATION:PT2H\nSUMMARY:Dinner\\, with\n  speeches\nLOCATION:Club house\\nBar\nDESCRIPTION:Bring friends\\; and a\n  smile\\nSee you\nURL:https://club.example/dinner\nCATEGORIES:SOCIAL,MEMBERS\nORGANIZER;CN=\"The Captain\":mailto:c@club.example\nBEGIN:VALARM\nTRIGGER:-PT15M\nACTION:DISPLAY\nDESCRIPTION:x\nEND:VALARM\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:today\nDTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260304\nSUMMARY:Open days\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:off\nSTATUS:CANCELLED\nDTSTART:20260304T090000Z\nSUMMARY:Off\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:floating\nDTSTART:20260306T090000\nDTEND:20260306T100000\nSUMMARY:Floating\nEND:VEVENT\n",
    ));
    assert_eq!((feed.kind, feed.title.as_str()), (Kind::Events, "Club events"));
    assert_eq!(titles(&feed), ["Open days", "Dinner, with speeches", "Floating"]);
    let [open, dinner, floating] = feed.items.as_slice() else {
        panic!()
    };
    assert_eq!(
        (open.starts.as_str(), open.ends.as_str()),
        ("2026-03-02", "2026-03-03")
    );
    assert_eq!(
        (dinner.starts.as_str(), dinner.ends.as_str()),
        ("2026-03-05T16:30:00Z", "2026-03-05T18:30:00Z")
    );
    assert_eq!(dinner.location, "Club house Bar");
    assert_eq!(dinner.summary, "Bring friends; and a smile See you");
    assert_eq!(dinner.url, "https://club.example/dinner");
    assert_eq!(
        (dinner.author.as_str(), dinner.categories.len()),
        ("The Captain", 2)
    );
    assert_eq!(floating.starts, "2026-03-06T07:00:00Z");
}

#[test]
fn an_event_that_repeats_is_told_of_each_time_but_those_that_are_off_or_moved() {
    let feed = read(&calendar(
        "BEGIN:VEVENT\nUID:roll\nDTSTART;TZID=Europe/London:20250107T180000\nDTEND;TZID=Europe/London:20250107T200000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260312\nEXDATE;TZID=Europe/London:20260305T180000\nSUMMARY:Roll up\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:roll\nRECURRENCE-ID;TZID=Europe/London:20260310T180000\nDTSTART;TZID=Europe/London:20260311T190000\nSUMMARY:Roll up, a day late\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:day\nDTSTART;VALUE=DATE:20240308\nRRULE:FREQ=YEARLY\nSUMMARY:Club day\nEND:VEVENT\n",
    ));
    let said: Vec<_> = feed
        .items
        .iter()
        .map(|item| format!("{} {}", item.title, item.starts))
        .collect();
    assert_eq!(
        said,
        [
            "Roll up 2026-03-03T18:00:00Z",
            "Club day 2026-03-08",
            "Roll up, a day late 2026-03-11T19:00:00Z",
            "Roll up 2026-03-12T18:00:00Z",
        ]
    );
    let ids: std::collections::HashSet<_> = feed.items.iter().map(|item| &item.id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_rule_that_never_ends_costs_little() {
    let feed = read(&calendar(
        "BEGIN:VEVENT\nUID:x\nDTSTART:20000101T000000Z\nRRULE:FREQ=SECONDLY\nSUMMARY:Tick\nEND:VEVENT\n",
    ));
    assert!(feed.items.len() <= super::MOST_ITEMS);
}
