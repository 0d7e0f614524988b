//! Blocks that templates share: a header, a footer, whatever a club says more than once. Edited in
//! one place; each template that takes one in gets a new version when it changes.

pub mod check;
pub mod commands;
pub mod store;

use crate::domain::BodyKind;
use crate::web::FormErrors;

/// The longest block, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;

/// What a block is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlock {
    pub name: String,
    pub kind: BodyKind,
    pub body: String,
}

impl NewBlock {
    /// Tidied, or everything that is wrong with it.
    pub fn checked(self) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, super::draft::LONGEST_NAME);
        let body = self.body.replace("\r\n", "\n");
        if body.trim().is_empty() {
            errors.add("body", "Fill this in.");
        }
        if body.len() > LONGEST_BODY {
            errors.add("body", "A block has at most 64 kB.");
        }
        if self.kind == BodyKind::Text {
            errors.add("kind", "A block is written in MJML or HTML.");
        }
        if !super::render::blocks::named(&body).is_empty() {
            errors.add("body", "A block cannot take in another one.");
        }
        errors.or(|| Self {
            name,
            kind: self.kind,
            body,
        })
    }
}

/// Those that the designed templates take in: made where they are not there yet.
pub const DEFAULTS: [(&str, &str, &str); 2] = [
    ("header", "Header", super::starters::HEADER),
    ("footer", "Footer", super::starters::FOOTER),
];
