//! The first quarter of an hour: an administrator, the club's name and address.

use super::Story;

const EMAIL: &str = "thandi@brookmere.example";
const PASSWORD: &str = "links and bunkers 1911";

/// What mail comes from, and what the law wants at its end.
pub const SENDER: &str = "news@brookmere.example";
pub const POSTAL_ADDRESS: &str = "1 Fairway Drive, Brookmere, 2196";

impl Story {
    /// By the link that the first start prints, good once.
    pub async fn becomes_the_first_administrator(&mut self) {
        let mut link = String::new();
        while !link.starts_with("http") {
            link = self.club.line().await.trim().to_owned();
        }
        assert!(link.starts_with(&self.url("/setup/")), "{link}");
        let browser = &self.browser;
        browser.goto(&link).await;
        browser.is_accessible().await;
        browser.fill("[name=club_name]", "Brookmere").await;
        browser.choose("[name=timezone]", "Africa/Johannesburg").await;
        browser.fill("[name=name]", "Thandi Nel").await;
        browser.fill("[name=email]", EMAIL).await;
        browser.fill("[name=password]", PASSWORD).await;
        browser.click("main form .btn.primary").await;
        browser.sees("Sign out").await;
        browser.is_accessible().await;
        // The link is spent.
        browser.goto(&link).await;
        browser.is_accessible().await;
        assert!(
            !browser
                .text()
                .await
                .contains("You become the first administrator")
        );
    }

    /// Every empty page says what it is for and leads on.
    pub async fn finds_nothing_but_what_to_do_next(&self) {
        for (path, button) in [
            ("/campaigns", "a[href='/campaigns/new']"),
            ("/contacts", ".empty a[href='/contacts/import']"),
            ("/segments", ".empty a[href='/segments/new']"),
            ("/templates", ".empty a[href='/templates/new']"),
            ("/mailbox", ".empty a[href='/campaigns']"),
        ] {
            self.visit(path).await;
            self.browser.find(button).await;
        }
        for path in [
            "/contacts/new",
            "/segments/new?kind=list",
            "/settings/users",
            "/settings/keys",
            "/settings/topics",
            "/settings/attributes",
            "/settings/suppressions",
            "/settings/activity",
            "/profile",
        ] {
            self.visit(path).await;
        }
    }

    pub async fn says_who_the_club_is(&self) {
        let browser = &self.browser;
        self.visit("/settings").await;
        browser.fill("[name=clubName]", "Brookmere Golf Club").await;
        browser.choose("[name=timezone]", "Africa/Johannesburg").await;
        browser.fill("[name=website]", &self.website).await;
        browser.fill("[name=postalAddress]", POSTAL_ADDRESS).await;
        browser.fill("[name='sender.name']", "Brookmere Golf Club").await;
        browser
            .fill("[name='sender.email']", "news..letter@brookmere.example")
            .await;
        browser.click("main form .btn.primary").await;
        // Refused, and nothing that was typed is lost.
        browser.find("[name='sender.email'][aria-invalid]").await;
        browser.is_accessible().await;
        assert_eq!(browser.value("[name=postalAddress]").await, POSTAL_ADDRESS);
        browser.fill("[name='sender.email']", SENDER).await;
        browser.click("main form .btn.primary").await;
        browser.sees("saved").await;
        assert_eq!(browser.value("[name='sender.email']").await, SENDER);
    }

    pub async fn signs_out_and_in(&self) {
        let browser = &self.browser;
        browser.click(".wide .who form button").await;
        browser.find("[name=password]").await;
        browser.is_accessible().await;
        browser.fill("[name=email]", EMAIL).await;
        browser.fill("[name=password]", PASSWORD).await;
        browser.click("main form button").await;
        browser.sees("Thandi Nel").await;
    }
}
