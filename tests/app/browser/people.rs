//! The members come out of a spreadsheet, and those with a low handicap become a segment.

use super::Story;

/// How many people the file has, besides a line that cannot be one.
const MEMBERS: usize = 60;

/// A handicap below this is in the segment.
const LIMIT: usize = 24;

struct Member {
    number: usize,
    handicap: usize,
    /// As the file has it: most said yes, some no, some were never asked.
    wants_mail: &'static str,
}

fn members() -> Vec<Member> {
    (1..=MEMBERS)
        .map(|number| Member {
            number,
            handicap: number * 7 % 36,
            wants_mail: match number {
                _ if number % 9 == 0 => "no",
                _ if number % 13 == 0 => "",
                _ => "yes",
            },
        })
        .collect()
}

fn file() -> String {
    let mut text = "Member no,E-mail,First name,Surname,Handicap,Mail from us\n".to_owned();
    for member in members() {
        let Member {
            number,
            handicap,
            wants_mail,
        } = member;
        text += &format!(
            "B{number},{},Player{number},Nkosi,{handicap},{wants_mail}\n",
            address(number)
        );
        if number == 30 {
            text += "B99,no address at all,Sam,Smit,12,yes\n";
        }
    }
    text
}

fn address(number: usize) -> String {
    format!("player{number}@members.example")
}

/// How many people are in the segment.
pub fn in_the_segment() -> usize {
    members().iter().filter(|member| member.handicap < LIMIT).count()
}

/// The addresses of those in it who want mail.
pub fn reached() -> Vec<String> {
    let wants = |member: &Member| member.handicap < LIMIT && member.wants_mail == "yes";
    let members = members();
    let reached = members.iter().filter(|member| wants(member));
    reached.map(|member| address(member.number)).collect()
}

impl Story {
    pub async fn imports_the_members(&self) {
        let browser = &self.browser;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("members.csv");
        std::fs::write(&path, file()).unwrap();
        self.visit("/contacts/import").await;
        browser.attach("[name=file]", &path).await;
        browser.click("main form .btn.primary").await;

        // The columns: most are understood by their names, one is told.
        browser.sees("What the columns hold").await;
        browser.is_accessible().await;
        assert_eq!(browser.value("#column-1").await, "key");
        assert_eq!(browser.value("#column-2").await, "email");
        assert_eq!(browser.value("#column-4").await, "last_name");
        browser.choose("#column-6", "consent_email").await;
        browser.fill("[name=source]", "membership form 2026").await;
        browser.click("main form .btn.primary").await;

        // Looked at, and nothing written yet.
        browser.sees("Nothing is written yet").await;
        browser.find_in_time("form[action$='/confirm'] button").await;
        browser.is_accessible().await;
        let preview = browser.stats("dl.stats").await;
        assert_eq!(preview["New"], MEMBERS.to_string());
        assert_eq!(preview["Refused"], "1");
        let refused = browser.download("a[href$='refused.csv']").await;
        assert!(refused.contains("no address at all"), "{refused}");
        // Line 1 names the columns, and the line stands behind the 30th member.
        assert!(refused.contains("\n32,"), "{refused}");
        browser.click("form[action$='/confirm'] button").await;
        browser.sees("The contacts are imported").await;
        browser.is_accessible().await;
        self.visit("/contacts").await;
        browser.sees(&format!("{MEMBERS} people")).await;
    }

    /// By a rule, which says while it is made how many people fit.
    pub async fn makes_a_segment(&self) {
        let browser = &self.browser;
        self.visit("/segments/new").await;
        browser.fill("[name=name]", "Low handicaps").await;
        browser.choose("[name='r.0.field']", "attributes.handicap").await;
        self.looks_again("Show what can be compared").await;
        browser.choose("[name='r.0.op']", "lt").await;
        browser.fill("[name='r.0.value']", &LIMIT.to_string()).await;
        self.looks_again("Count again").await;
        browser
            .shows("#preview", &format!("In the segment\n{}", in_the_segment()))
            .await;
        browser
            .shows("#preview", &format!("Reached by e-mail\n{}", reached().len()))
            .await;
        browser.is_accessible().await;
        browser.click("[name=do][value=save]").await;
        browser.sees("The segment “Low handicaps” is there").await;
        browser.is_accessible().await;
    }

    /// What htmx does by itself takes a button where there is no JavaScript.
    async fn looks_again(&self, button: &str) {
        if !self.browser.has_scripts {
            self.browser.press(button).await;
        }
    }
}
