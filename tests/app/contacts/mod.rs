//! `/contacts`, and what is behind its pages.

mod at_once;
mod list;
mod person;
mod pressure;

use crate::segments::pages::texts;
use crate::support::TestApp;
use crate::support::staff::SignedIn;
use chrono::TimeDelta;
use fairway::domain::Channel;
use fairway::entity::contacts;

/// The names in the list at an address.
async fn names(staff: &SignedIn, path: &str) -> Vec<String> {
    texts(&staff.page(path).await, "tbody th")
}

/// Ada of the juniors who wants e-mail, Bo of the juniors who does not, and Cy without a name.
async fn three(app: &TestApp) -> [contacts::Model; 3] {
    let ada = app
        .contact()
        .key("M_1")
        .email("ada@club.example")
        .name("Ada", "Zulu");
    let ada = ada.tag("juniors").subscribed(Channel::Email).create().await;
    app.advance(TimeDelta::seconds(1));
    let bo = app.contact().email("bo@club.example").name("Bo", "Abel");
    let bo = bo.tag("juniors").unsubscribed(Channel::Email).create().await;
    app.advance(TimeDelta::seconds(1));
    let cy = app.contact().key("MX1").phone("+27821234567").create().await;
    [ada, bo, cy]
}
