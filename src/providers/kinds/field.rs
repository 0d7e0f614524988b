//! What a kind of providers is asked for.

use std::collections::BTreeMap;

/// Fields that belong together.
pub struct Group {
    /// "" where they stand without one.
    pub title: &'static str,
    pub fields: &'static [Field],
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    /// Kept encrypted and never shown.
    pub is_secret: bool,
    pub is_required: bool,
    /// Whether it says to whom the secrets go: where it changes, they must be entered again, so
    /// that nobody has them sent elsewhere.
    pub leads: bool,
    /// In characters.
    pub max: usize,
    /// Lines that are shown; 0 for a single one.
    pub rows: usize,
    /// Values and their labels, where it is a choice.
    pub options: &'static [(&'static str, &'static str)],
    /// What it is until somebody writes something else.
    pub usual: &'static str,
}

impl Field {
    /// A line of text that may be left out.
    pub const fn new(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self {
            name,
            label,
            hint,
            is_secret: false,
            is_required: false,
            leads: false,
            max: 200,
            rows: 0,
            options: &[],
            usual: "",
        }
    }

    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    pub const fn leads(mut self) -> Self {
        self.leads = true;
        self
    }

    pub const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    pub const fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    pub const fn options(mut self, options: &'static [(&'static str, &'static str)]) -> Self {
        self.options = options;
        self
    }

    pub const fn usual(mut self, usual: &'static str) -> Self {
        self.usual = usual;
        self
    }
}

/// The pace, of every provider that carries messages.
pub const RATE: Field = Field::new(
    "rate",
    "Messages a second",
    "As many as your account may send, such as 10 or 0.5. Left empty, they go as fast as they can.",
)
.max(10);

/// The answers, secrets among them, by field. Its `Debug` names no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// "" where nothing was answered.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(answers: I) -> Self {
        Self(answers.into_iter().collect())
    }
}
