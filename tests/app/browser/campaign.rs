//! The wizard from its first step to its last, and a sending that is paused in the middle.

use super::people::{in_the_segment, reached};
use super::setup::{POSTAL_ADDRESS, SENDER};
use super::{Story, number_behind};
use std::collections::BTreeSet;
use std::time::Duration;

const NEXT: &str = "main form .btn.primary";

impl Story {
    /// Through the wizard, until it is confirmed. Answers the campaign's address.
    pub async fn makes_a_campaign(&self) -> String {
        let browser = &self.browser;
        self.visit("/campaigns/new").await;
        browser.fill("[name=name]", "Spring stableford").await;
        browser.click(NEXT).await;

        browser.find("[name=segmentId]").await;
        let campaign = browser.address().await.replace("/audience", "");
        browser.choose_named("[name=segmentId]", "Low handicaps").await;
        let reach = format!("{} of {} people", reached().len(), in_the_segment());
        if browser.has_scripts {
            browser.shows("#reach", &reach).await;
        }
        browser.is_accessible().await;
        browser.click(NEXT).await;

        browser.find("[name='email.templateId']").await;
        browser
            .choose_named("[name='email.templateId']", "Stableford invitation")
            .await;
        if browser.has_scripts {
            browser.find("[id^=preview] iframe").await;
        }
        browser.is_accessible().await;
        browser.click(NEXT).await;

        browser.click("[name=when][value=now]").await;
        browser.is_accessible().await;
        browser.click(NEXT).await;

        // What was chosen is kept, also where no script heard it.
        browser.sees("Everything is in place").await;
        browser.is_accessible().await;
        browser.goto(&format!("{campaign}/audience")).await;
        browser.shows("#reach", &reach).await;
        browser.goto(&format!("{campaign}/review")).await;
        browser.sees("Everything is in place").await;
        let people = number_behind(&browser.text().await, "Send to ");
        assert_eq!(people, reached().len() as i64);
        assert_eq!(self.mail.count(), 0, "nothing goes out before it is confirmed");
        browser.click(NEXT).await;
        campaign
    }

    pub async fn sends_it_with_a_pause(&self, campaign: &str) {
        let browser = &self.browser;
        let all = reached().len();
        self.arrived(4).await;
        browser.find_in_time("form[action$='/pause'] button").await;
        browser.click("form[action$='/pause'] button").await;
        browser.sees("Paused").await;
        browser.is_accessible().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = self.mail.count();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(self.mail.count(), before, "a paused campaign sends nothing");
        assert!(before < all, "it was paused too late to show anything");

        browser.click("form[action$='/resume'] button").await;
        self.arrived(all).await;
        browser.sees("Completed").await;
        browser.goto(campaign).await;
        browser.is_accessible().await;

        let mails = self.mail.mails();
        let got: BTreeSet<_> = mails.iter().map(|mail| mail.to.clone()).collect();
        assert_eq!(mails.len(), all, "everyone once");
        assert_eq!(got, reached().into_iter().collect());
        for mail in mails {
            let name = mail.to.split('@').next().unwrap().replace("player", "Player");
            assert_eq!(mail.from, SENDER);
            assert_eq!(mail.subject, format!("{name}, play the stableford"));
            assert!(mail.html.contains(&format!("Dear {name},")), "{}", mail.html);
            assert!(mail.text.contains(POSTAL_ADDRESS), "{}", mail.text);
            assert!(
                mail.raw
                    .contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
            );
        }
    }

    /// Waits until the mail server has so many messages.
    async fn arrived(&self, count: usize) {
        for _ in 0..600 {
            if self.mail.count() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{} of {count} messages arrived; the page:\n{}",
            self.mail.count(),
            self.browser.text().await
        );
    }
}
