//! The gallery: designed templates to begin with, in the club's colours, with its name or logo.
//! They are the club's own from the moment one is chosen.
//!
//! A file holds what is between header and footer. Where it says `art:` a picture of ours stands,
//! and where it says `site:` the club's website.

mod all;
#[cfg(test)]
mod tests;

use super::draft::NewTemplate;
use crate::accounts::Club;
use crate::domain::{BodyKind, Channel};

pub use all::STARTERS;

/// A template to begin with.
pub struct Starter {
    /// The key that its copy gets where that is free.
    pub key: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub subject: &'static str,
    pub preheader: &'static str,
    body: &'static str,
}

const HEAD: &str = include_str!("frame/head.mjml");

/// The head of every mail: the logo, or the name.
pub const HEADER: &str = include_str!("frame/header.mjml");

/// Its foot: who writes, from where, and how to leave.
pub const FOOTER: &str = include_str!("frame/footer.mjml");

/// What links lead to where the club has no website yet. The domain is reserved (RFC 2606).
const NO_WEBSITE: &str = "https://www.club.example";

impl Starter {
    /// As a template to be kept. `base` is our own public address.
    pub fn draft(&self, base: &str, club: &Club) -> NewTemplate {
        NewTemplate {
            channel: Channel::Email,
            name: self.name.to_owned(),
            subject: self.subject.to_owned(),
            preheader: self.preheader.to_owned(),
            kind: BodyKind::Mjml,
            body: self.whole(base, club),
            text: None,
        }
    }

    fn whole(&self, base: &str, club: &Club) -> String {
        let website = match club.website.trim_end_matches('/') {
            "" => NO_WEBSITE,
            website => website,
        };
        let body = self
            .body
            .replace("art:", &format!("{}/static/mail/", base.trim_end_matches('/')))
            .replace("site:", website);
        format!(
            "<mjml>\n{HEAD}  <mj-body css-class=\"page\" background-color=\"#eef1ed\" width=\"600px\">\n    {{% include \"header\" %}}\n{body}    {{% include \"footer\" %}}\n  </mj-body>\n</mjml>\n"
        )
    }
}

/// The starter of this key.
pub fn by_key(key: &str) -> Option<&'static Starter> {
    STARTERS.iter().find(|starter| starter.key == key)
}
