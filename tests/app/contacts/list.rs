//! The list of people: search, order, pages.

use super::{names, three};
use crate::segments::pages::{attribute, count, texts};
use crate::support::TestApp;
use fairway::domain::Role;

#[actix_web::test]
async fn people_are_searched_by_words_tag_and_consent() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    three(&app).await;
    let (ada, bo, cy) = ("Ada Zulu", "Bo Abel", "(no name)");
    for (query, found) in [
        ("", &[cy, bo, ada][..]),
        ("q=ada", &[ada]),
        ("q=ZULU+ada", &[ada]),
        ("q=club.example", &[bo, ada]),
        ("q=8212345", &[cy]),
        ("q=m_1", &[ada]),
        ("q=%25", &[]),
        ("q=ada%00", &[ada]),
        ("tag=Juniors", &[bo, ada]),
        ("tag=juniors%00", &[bo, ada]),
        ("tag=junior", &[]),
        ("consent=SUBSCRIBED", &[ada]),
        ("consent=UNSUBSCRIBED", &[bo]),
        ("consent=NONE", &[cy]),
        ("tag=juniors&consent=SUBSCRIBED&q=ada", &[ada]),
        ("consent=nonsense&sort=nonsense&page=nonsense", &[cy, bo, ada]),
    ] {
        assert_eq!(
            names(&staff, &format!("/contacts?{query}")).await,
            found,
            "{query}"
        );
    }
    let nobody = staff.page("/contacts?q=nobody").await;
    assert_eq!(texts(&nobody, ".empty h2"), ["Nobody like that"]);
    assert_eq!(attribute(&nobody, "#q", "value").as_deref(), Some("nobody"));
}

#[actix_web::test]
async fn people_are_sorted_and_a_sort_keeps_the_search() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    three(&app).await;
    for (sort, order) in [
        ("newest", ["(no name)", "Bo Abel", "Ada Zulu"]),
        ("name", ["(no name)", "Bo Abel", "Ada Zulu"]),
        ("email", ["Ada Zulu", "Bo Abel", "(no name)"]),
    ] {
        let page = staff.page(&format!("/contacts?sort={sort}")).await;
        assert_eq!(texts(&page, "tbody th"), order, "{sort}");
        assert_eq!(count(&page, "th[aria-sort]"), 1);
    }
    let found = staff.page("/contacts?q=club.example&tag=juniors").await;
    let by_email = attribute(&found, "thead th:nth-child(2) a", "href").unwrap();
    assert_eq!(names(&staff, &by_email).await, ["Ada Zulu", "Bo Abel"]);
}

#[actix_web::test]
async fn the_list_has_pages_and_a_page_past_the_end_is_the_last() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    app.people(120).await;
    let first = staff.page("/contacts?sort=email").await;
    assert_eq!(count(&first, "tbody tr"), 50);
    assert_eq!(count(&first, "a[rel=prev]"), 0);
    let next = attribute(&first, "a[rel=next]", "href").unwrap();
    let second = staff.page(&next).await;
    assert_eq!(count(&second, "tbody tr"), 50);
    let last = staff
        .page(&attribute(&second, "a[rel=next]", "href").unwrap())
        .await;
    assert_eq!(count(&last, "tbody tr"), 20);
    assert_eq!(count(&last, "a[rel=next]"), 0);
    let mut seen: Vec<_> = [&first, &second, &last]
        .iter()
        .flat_map(|page| texts(page, "tbody td:nth-child(2)"))
        .collect();
    seen.dedup();
    assert_eq!(seen.len(), 120, "each is on one page");
    for page in ["3", "999999", "18446744073709551615"] {
        let page = staff.page(&format!("/contacts?sort=email&page={page}")).await;
        assert_eq!(texts(&page, "tbody th"), texts(&last, "tbody th"));
    }
}

#[actix_web::test]
async fn a_club_without_people_is_told_how_to_bring_them() {
    let app = TestApp::spawn().await;
    let page = app.sign_in_as(Role::Manager).await.page("/contacts").await;
    assert_eq!(texts(&page, ".empty h2"), ["No people yet"]);
    assert_eq!(count(&page, ".empty a[href='/contacts/import']"), 1);
    let page = app.sign_in_as(Role::Viewer).await.page("/contacts").await;
    assert_eq!(texts(&page, ".empty h2"), ["No people yet"]);
    assert_eq!(count(&page, "main a[href^='/contacts/']"), 0);
}
