//! The template engine, with everything taken out that could reach outside the mail, undo the
//! escaping, or run for ever.

use super::feed::Clean;
use super::links::MARKS;
use super::problem::{Part, Problem};
use super::values::Values;
use super::variables::{self, Vocabulary};
use super::{filters, placeholders};
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};

pub(super) const SUBJECT: &str = "subject";
pub(super) const PREHEADER: &str = "preheader";
pub(super) const HTML: &str = "html";
/// The HTML that each person's plain text is made of.
pub(super) const PLAIN: &str = "plain";
pub(super) const TEXT: &str = "text";

/// One unit is an instruction or 64 bytes made. This is some hundred times what a long
/// newsletter takes, and ends a hostile template within milliseconds and a few megabytes.
const FUEL: u64 = 60_000;

pub(super) fn environment() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(40);
    engine.set_debug(false);
    engine.set_auto_escape_callback(|name| match name {
        HTML | PLAIN => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    engine.set_formatter(write_value);
    for name in ["debug", "namespace", "dict"] {
        engine.remove_global(name);
    }
    // They make text that counts as HTML already.
    for name in ["safe", "tojson", "pprint"] {
        engine.remove_filter(name);
    }
    filters::add_to(&mut engine);
    engine
}

/// Writes a value where the template names it: escaped in HTML, and never with the characters
/// that mark links.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if matches!(value.kind(), ValueKind::Undefined | ValueKind::None) {
        return Ok(());
    }
    let is_html = *state.auto_escape() == AutoEscape::Html;
    if is_html
        && let Some(clean) = value.downcast_object_ref::<Clean>()
        && clean.write(state.name(), out).map_err(Error::from)?
    {
        return Ok(());
    }
    let text = value.to_str();
    let owned;
    let text = match &text {
        Some(text) => text.as_ref(),
        None => {
            owned = value.to_string();
            owned.as_str()
        }
    };
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let instead = match c {
            '&' if is_html => "&amp;",
            '<' if is_html => "&lt;",
            '>' if is_html => "&gt;",
            '"' if is_html => "&quot;",
            '\'' if is_html => "&#39;",
            c if MARKS.contains(&c) => "",
            _ => continue,
        };
        out.write_str(&text[start..at])
            .and_then(|()| out.write_str(instead))
            .map_err(Error::from)?;
        start = at + c.len_utf8();
    }
    out.write_str(&text[start..]).map_err(Error::from)
}

/// Checks one text as its author wrote it: it parses, names only known variables, and runs for a
/// person with every field and for one with none.
pub(super) fn check(part: Part, source: &str, vocabulary: &Vocabulary, problems: &mut Vec<Problem>) {
    if source.is_empty() {
        return;
    }
    for piece in placeholders::pieces(source) {
        if let Some(name) = super::blocks::name_of(&piece) {
            let message = format!(
                "There is no shared block “{name}” that can stand here. Blocks stand in the body of an e-mail, and are \
                 written in what it is written in, MJML or HTML."
            );
            problems.push(Problem::error(part, piece.line, message));
        } else if let Some(word) = piece.block_word()
            && let Some(message) = refused_block(word)
        {
            problems.push(Problem::error(part, piece.line, message));
        }
    }
    let mut engine = environment();
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    let template = match engine.template_from_named_str(part.field(), source) {
        Ok(template) => template,
        Err(error) => return problems.push(Problem::of_engine(part, &error)),
    };
    let before = problems.len();
    variables::check(part, source, &template, vocabulary, problems);
    super::feed::check(part, source, problems);
    if problems.len() > before {
        return;
    }
    let event = super::events::sample(&[source]);
    for values in [Values::example(&event), Values::bare(&event)] {
        if let Err(error) = template.render(values.scope()) {
            return problems.push(Problem::of_engine(part, &error));
        }
    }
}

/// Why a block is refused, if it is.
fn refused_block(word: &str) -> Option<&'static str> {
    match word {
        "autoescape" | "endautoescape" => Some("Values are always escaped in mails; remove this."),
        "include" => Some("A shared block is taken in by its key, in quotes: {% include \"footer\" %}."),
        "import" | "from" | "extends" => Some("A template stands by itself: it cannot take in another."),
        _ => None,
    }
}
