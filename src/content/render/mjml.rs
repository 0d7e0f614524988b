//! MJML to HTML, with nothing loaded: no included files, no fonts of third parties, which would
//! tell them who reads.

use super::placeholders::Hidden;
use super::problem::{Part, Problem};
use mrml::prelude::parser::{Error, ParserOptions};
use mrml::prelude::render::RenderOptions;

/// What the translator knows; it passes over other elements in silence.
pub(super) const ELEMENTS: &[&str] = &[
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-body",
    "mj-breakpoint",
    "mj-button",
    "mj-carousel",
    "mj-carousel-image",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-font",
    "mj-group",
    "mj-head",
    "mj-hero",
    "mj-image",
    "mj-navbar",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
    "mj-wrapper",
];

pub(super) fn to_html(hidden: &Hidden) -> Result<String, Problem> {
    let parsed = mrml::parse_with_options(&hidden.html, &ParserOptions::default())
        .map_err(|error| problem(hidden, &error))?;
    let options = RenderOptions {
        fonts: Default::default(),
        ..RenderOptions::default()
    };
    parsed
        .element
        .render(&options)
        .map_err(|error| Problem::error(Part::Body, 1, format!("This MJML cannot be rendered: {error}.")))
}

fn problem(hidden: &Hidden, error: &Error) -> Problem {
    let at = |place: usize, message: &str| {
        let shown = hidden.html[place.min(hidden.html.len())..]
            .split(['>', '\n'])
            .next()
            .map(|text| super::single_line(&hidden.restore(text), 60))
            .unwrap_or_default();
        Problem::error(
            Part::Body,
            hidden.line_of(place),
            format!("{message}: “{shown}”."),
        )
    };
    match error {
        Error::UnexpectedElement { position, .. } => at(position.start, "MJML knows no such element here"),
        Error::UnexpectedToken { position, .. } => at(position.start, "MJML expects no such text here"),
        Error::InvalidAttribute { position, .. } => at(position.start, "This attribute cannot be read"),
        Error::InvalidFormat { position, .. } => at(position.start, "This cannot be read"),
        Error::MissingAttribute { name, position, .. } => {
            at(position.start, &format!("The attribute {name} is missing"))
        }
        Error::IncludeLoaderError { position, .. } => at(position.start, "A template cannot take in another"),
        Error::EndOfStream { .. } => Problem::error(
            Part::Body,
            hidden.line_of(hidden.html.trim_end().len()),
            "The MJML ends too early: an element is not closed.",
        ),
        Error::NoRootNode => Problem::error(Part::Body, 1, "MJML begins with <mjml>."),
        Error::SizeLimit { .. } => Problem::error(Part::Body, 1, "This is larger than can be read."),
        Error::ParserError { source, .. } => Problem::error(
            Part::Body,
            source.pos().row as usize,
            format!("This MJML cannot be read: {source}."),
        ),
    }
}
