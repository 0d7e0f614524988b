//! The frame around every staff page: navigation, club, person, messages.

use crate::domain::Role;

/// Which entry of the navigation is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Campaigns,
    Calendar,
    Contacts,
    Segments,
    Templates,
    Mailbox,
    Settings,
    None,
}

/// A message shown once, on the page after a write.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Flash {
    /// `ok`, `info`, `warn` or `error`.
    pub kind: String,
    pub text: String,
}

/// Who is signed in, as the shell shows it.
#[derive(Clone, Debug)]
pub struct Badge {
    pub name: String,
    pub role: Role,
}

#[derive(Clone, Debug)]
pub struct Shell {
    pub title: String,
    pub section: Section,
    pub club: String,
    /// `#rrggbb`, the club's accent colour.
    pub accent: String,
    pub badge: Option<Badge>,
    /// The token that every form carries as `_csrf` and htmx as `X-CSRF-Token`.
    pub csrf: String,
    pub flashes: Vec<Flash>,
    /// Whether mail goes to the capture mailbox because no SMTP server is set.
    pub is_captured: bool,
}

impl Shell {
    /// A frame for a page without a session: sign-in, errors, set-up.
    pub fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            section: Section::None,
            club: "Fairway".to_owned(),
            accent: DEFAULT_ACCENT.to_owned(),
            badge: None,
            csrf: String::new(),
            flashes: Vec::new(),
            is_captured: false,
        }
    }

    /// For `{% if shell.is(Section::Campaigns) %}` in the navigation.
    pub fn is(&self, section: &Section) -> bool {
        self.section == *section
    }

    /// The first of the settings' pages that the person signed in may see.
    pub fn settings_href(&self) -> &'static str {
        match self.may(&Role::Admin) {
            true => "/settings",
            false => "/settings/topics",
        }
    }

    /// Whether the person signed in may do what `role` may.
    pub fn may(&self, role: &Role) -> bool {
        self.badge.as_ref().is_some_and(|badge| badge.role >= *role)
    }
}

pub const DEFAULT_ACCENT: &str = "#1f6f4a";
