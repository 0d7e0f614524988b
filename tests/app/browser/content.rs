//! What the mail says.

use super::Story;

impl Story {
    /// A template with a mistake in it, which is said at its line; then without.
    pub async fn writes_a_template(&self) {
        let browser = &self.browser;
        self.visit("/templates/new").await;
        browser.fill("[name=name]", "Stableford invitation").await;
        browser.click("[name=starter][value=html]").await;
        browser.click("main form .btn.primary").await;
        browser.find("textarea[name=body]").await;
        browser.is_accessible().await;

        let subject = "{{ contact.first_name | default(\"Golfer\") }}, play the stableford";
        browser.fill("[name=subject]", subject).await;
        browser.fill("[name=body]", &self.body("contact.first_nam")).await;
        if browser.has_scripts {
            // While it is written, before anything is saved.
            browser.shows("#problems", "Body, line 2").await;
        }
        browser.click("main form .btn.primary").await;
        browser.shows("#problems", "Body, line 2").await;
        browser.shows("#problems", "first_nam").await;
        browser.is_accessible().await;

        browser
            .fill("[name=body]", &self.body("contact.first_name"))
            .await;
        browser.click("main form .btn.primary").await;
        browser
            .shows("#problems", "Nothing keeps this from being sent")
            .await;
        let editor = browser.address().await;
        for view in ["desktop", "phone", "text"] {
            browser
                .goto(&format!(
                    "{editor}/preview?contact=player5@members.example&view={view}"
                ))
                .await;
            browser.sees("Player5, play the stableford").await;
            browser.is_accessible().await;
        }
        browser.sees("Dear Player5,").await;
    }

    fn body(&self, name: &str) -> String {
        let website = &self.website;
        format!(
            "<h1>Play the stableford</h1>\n\
             <p>Dear {{{{ {name} }}}},</p>\n\
             <p><a href=\"{website}/enter\">Enter here</a>.</p>\n\
             <p>{{{{ club.postal_address }}}}<br><a href=\"{{{{ unsubscribe_url }}}}\">Unsubscribe</a></p>\n"
        )
    }
}
