//! What people do with the mail that they got, and how the club sees it.

use super::people::{in_the_segment, reached};
use super::servers::WEBSITE;
use super::{Story, url_in};
use std::time::Duration;

impl Story {
    /// One opens it, one follows its link, one unsubscribes.
    pub async fn people_read_it(&self, campaign: &str) {
        let browser = &self.browser;
        let mails = self.mail.mails();
        self.counts(campaign, [0, 0, 0]).await;

        browser.goto(&url_in(&mails[0].html, &self.url("/t/o/"))).await;
        self.counts(campaign, [1, 0, 0]).await;

        browser.goto(&url_in(&mails[1].html, &self.url("/t/c/"))).await;
        browser.sees(WEBSITE).await;
        assert_eq!(browser.address().await, format!("{}/enter", self.website));
        // Who clicked has opened it.
        self.counts(campaign, [2, 1, 0]).await;

        let unsubscribe = url_in(&mails[2].text, &self.url("/u/"));
        browser.goto(&unsubscribe).await;
        browser.shows("main", &mails[2].to).await;
        browser.is_accessible().await;
        // Looking changes nothing: mail scanners follow every link.
        self.counts(campaign, [2, 1, 0]).await;
        browser.goto(&unsubscribe).await;
        browser.click("main form button").await;
        browser.sees("You are unsubscribed").await;
        browser.is_accessible().await;
        self.counts(campaign, [2, 1, 1]).await;
    }

    /// The campaign's page has every number, the report its links, a person's page their part.
    pub async fn the_numbers_are_true(&self, campaign: &str) {
        let browser = &self.browser;
        let all = reached().len();
        browser.goto(campaign).await;
        browser.sees("Completed").await;
        let stats = browser.stats("#live dl.stats").await;
        for (label, number) in [
            ("In the segment", in_the_segment()),
            ("Sent", all),
            ("Delivered", all),
            ("Opened", 2),
            ("Clicked", 1),
            ("Converted", 0),
            ("Unsubscribed", 1),
        ] {
            assert_eq!(stats[label], number.to_string(), "{label}");
        }
        for (label, rate) in [("Delivery rate", "100"), ("Click rate", "50")] {
            assert!(stats[label].starts_with(rate), "{label}: {}", stats[label]);
        }
        let campaign_path = campaign.replace(&self.club.address, "");
        self.visit(&format!("{campaign_path}/report")).await;
        browser.sees(&format!("{}/enter", self.website)).await;
        self.visit(&format!("{campaign_path}/people?show=unsubscribed"))
            .await;
        let mails = self.mail.mails();
        browser.sees(&mails[2].to).await;
        assert!(!browser.text().await.contains(&mails[1].to));

        for (mail, told) in [
            (&mails[0], ["was sent by e-mail", "opened the message"].as_slice()),
            (
                &mails[1],
                &["was sent by e-mail", "followed the link “enter here”"],
            ),
            (&mails[2], &["was sent by e-mail", "unsubscribed"]),
        ] {
            self.visit("/contacts").await;
            browser.fill("[name=q]", &mail.to).await;
            browser.click("search button").await;
            browser.sees("1 person found").await;
            browser.click("tbody th a").await;
            browser.sees("How consent came to be").await;
            browser.is_accessible().await;
            let page = browser.text().await.to_lowercase();
            for word in told {
                assert!(page.contains(word), "“{word}”: {page}");
            }
            assert!(page.contains("spring stableford") && page.contains("membership form 2026"));
        }
    }

    /// Waits until the campaign's page has these numbers of opened, clicked and unsubscribed.
    async fn counts(&self, campaign: &str, expected: [usize; 3]) {
        let expected = expected.map(|number| number.to_string());
        let mut last = Vec::new();
        for _ in 0..50 {
            self.browser.goto(campaign).await;
            let stats = self.browser.stats("#live dl.stats").await;
            last = ["Opened", "Clicked", "Unsubscribed"]
                .map(|label| stats[label].clone())
                .into();
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("opened, clicked and unsubscribed are {last:?} and not {expected:?}");
    }
}
