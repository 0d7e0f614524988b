//! What is wrong with a template, said at its place.

use minijinja::ErrorKind;

/// Which of a version's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Subject,
    Preheader,
    Body,
    Text,
}

impl Part {
    /// The form's field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::Body => "body",
            Self::Text => "text",
        }
    }

    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Subject => "Subject",
            Self::Preheader => "Preheader",
            Self::Body => "Body",
            Self::Text => "Plain text",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Keeps the version from being sent.
    Error,
    /// Worth a look.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub part: Part,
    /// From 1; `None` where nobody can tell, so that no line is blamed for another.
    pub line: Option<usize>,
    /// One or two sentences: what is wrong, and what to write instead.
    pub message: String,
}

impl Problem {
    pub fn error(part: Part, line: usize, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            part,
            line: Some(line.max(1)),
            message: message.into(),
        }
    }

    /// Of which nobody can tell the line.
    pub fn somewhere(part: Part, message: impl Into<String>) -> Self {
        Self {
            line: None,
            ..Self::error(part, 1, message)
        }
    }

    pub fn warning(part: Part, line: usize, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(part, line, message)
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(super) fn of_engine(part: Part, error: &minijinja::Error) -> Self {
        match error.line() {
            Some(line) => Self::error(part, line, sentence(error)),
            None => Self::somewhere(part, sentence(error)),
        }
    }

    /// `Body, line 3`. The subject and the preheader are one line, which needs no number.
    pub fn place(&self) -> String {
        let part = self.part.label();
        match (self.part, self.line) {
            (Part::Subject | Part::Preheader, _) => part.to_owned(),
            (Part::Body | Part::Text, Some(line)) => format!("{part}, line {line}"),
            (Part::Body | Part::Text, None) => format!("{part}, somewhere in the text"),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}

/// The engine's error as a sentence for the author.
pub(super) fn sentence(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => {
            "This asks for more work than a mail may take. Remove the loop or make it shorter.".into()
        }
        ErrorKind::SyntaxError => format!("This cannot be understood: {detail}."),
        ErrorKind::UnknownFilter => format!(
            "There is no such filter ({detail}). There are: {}.",
            super::filters::NAMES.join(", ")
        ),
        ErrorKind::UndefinedError => {
            "A variable here has no value. Give it one with | default(\"…\").".into()
        }
        kind if detail.is_empty() => format!("This cannot be rendered: {kind}."),
        _ => format!("This cannot be rendered: {detail}."),
    }
}
