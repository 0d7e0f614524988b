//! Turns a template version into one person's mail. A version is compiled once (MJML to HTML,
//! styles inlined, links found, plain text made) and rendered for each recipient.
//!
//! Template text is written by staff, values by anyone: values are escaped wherever they land,
//! and the engine's fuel bounds time and memory whatever the template says.

pub mod blocks;
mod engine;
mod events;
mod feed;
mod filters;
mod html;
mod links;
mod mjml;
mod placeholders;
mod plain;
mod post;
mod problem;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
mod values;
pub mod variables;

pub use events::{mentions_event, sample_event};
pub use feed::{FeedValues, mentions_feed};
pub use filters::DATE_LETTERS;
pub use post::render_post;
pub use problem::{Part, Problem, Severity};
pub use values::{Happened, Recipient, RenderUrls, Values};

use crate::domain::BodyKind;
use crate::entity::template_versions;
use engine::{HTML, PLAIN, PREHEADER, SUBJECT, TEXT};
use minijinja::Environment;
use variables::Vocabulary;

/// The longest template source, in bytes.
pub const MAX_SOURCE: usize = 512 * 1024;
/// The longest part of a rendered mail, in bytes.
pub const MAX_RENDERED: usize = 1024 * 1024;
/// The longest subject, in characters, as written and as rendered.
pub const MAX_SUBJECT: usize = 200;

/// A version ready to be rendered, any number of times, from any thread.
#[derive(Debug)]
pub struct Compiled {
    engine: Environment<'static>,
    kind: BodyKind,
    links: Vec<String>,
    labels: Vec<String>,
    text: Text,
    has_own_unsubscribe: bool,
}

/// Where the plain-text part comes from.
#[derive(Debug, PartialEq, Eq)]
enum Text {
    /// A template: written by staff, or made of the HTML once.
    Template,
    /// Made of each person's HTML, because the body has `{% %}` blocks.
    OfHtml,
}

/// One person's message. `html` is empty for templates of kind TEXT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line, without control characters.
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// The template cannot be rendered for this person. Final: trying again gives the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template cannot be rendered: {0}")]
pub struct RenderError(pub String);

/// The body that is sent: with its shared blocks in their places.
pub fn body_of(version: &template_versions::Model) -> &str {
    version.whole.as_deref().unwrap_or(&version.body)
}

/// A version that was never kept, for looking at what is being written.
pub fn unkept(kind: BodyKind, body: String) -> template_versions::Model {
    template_versions::Model {
        id: 0,
        template_id: 0,
        number: 0,
        subject: String::new(),
        preheader: String::new(),
        body_kind: kind,
        body,
        text: None,
        whole: None,
        note: None,
        attachments: None,
        created_by: None,
        created_at: chrono::DateTime::UNIX_EPOCH.into(),
    }
}

/// Compiles a version, accepting any attribute name; what dispatch uses.
///
/// # Errors
/// Every problem that keeps the version from being sent, each with its part and line.
pub fn compile(version: &template_versions::Model) -> Result<Compiled, Vec<Problem>> {
    compile_with(version, &Vocabulary::default())
}

/// Compiles a version, refusing attributes that the club has not defined; what the editor and the
/// checklist use.
///
/// # Errors
/// Every problem that keeps the version from being sent, each with its part and line.
pub fn compile_with(
    version: &template_versions::Model,
    vocabulary: &Vocabulary,
) -> Result<Compiled, Vec<Problem>> {
    // The HTML parser below us panics on some broken markup, such as `é">`. Nobody's text may do
    // that to the editor or to a run, so it is a problem of the text like any other.
    std::panic::catch_unwind(|| compile_checked(version, vocabulary)).unwrap_or_else(|_| {
        let text = "The markup is broken in a way that cannot be read. Look for a stray quote or bracket.";
        Err(vec![Problem::somewhere(Part::Body, text)])
    })
}

fn compile_checked(
    version: &template_versions::Model,
    vocabulary: &Vocabulary,
) -> Result<Compiled, Vec<Problem>> {
    let version = &template_versions::Model {
        subject: placeholders::without_comments(&version.subject),
        preheader: placeholders::without_comments(&version.preheader),
        body: placeholders::without_comments(body_of(version)),
        text: version.text.as_deref().map(placeholders::without_comments),
        ..version.clone()
    };
    let mut problems = check_sources(version, vocabulary);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut engine = engine::environment();
    let mut add = |name: &'static str, part: Part, source: String| {
        if let Err(error) = engine.add_template_owned(name, source) {
            problems.push(Problem::of_engine(part, &error));
        }
    };
    add(SUBJECT, Part::Subject, version.subject.clone());
    add(PREHEADER, Part::Preheader, version.preheader.clone());
    let (links, labels);
    let mut text = Text::Template;
    let has_own_unsubscribe = variables::mentions(&version.body, "unsubscribe_url");
    if version.body_kind == BodyKind::Text {
        let marked = links::mark_text(&version.body);
        add(TEXT, Part::Body, plain::with_own_footer(&marked.text));
        links = marked.urls.clone();
        labels = marked.urls;
    } else {
        let body = html::prepare(version.body_kind, &version.body).map_err(|problem| vec![problem])?;
        let written = version.text.as_deref().filter(|text| !text.trim().is_empty());
        match written {
            Some(written) => add(TEXT, Part::Text, plain::with_footer(written)),
            None if body.hidden.has_blocks() => {
                text = Text::OfHtml;
                add(PLAIN, Part::Body, body.hidden.restore(&body.html));
                add(TEXT, Part::Text, plain::footer_for_blocks(&version.body));
            }
            None => {
                let made = body.hidden.restore(&plain::of_html(&body.html));
                add(TEXT, Part::Text, plain::with_footer(&made));
            }
        }
        let marked = links::mark(&html::finish(&body.html), &body.hidden)?;
        links = marked.urls;
        labels = marked.labels;
        add(
            HTML,
            Part::Body,
            html::place_footer(&marked.html, !has_own_unsubscribe),
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let compiled = Compiled {
        engine,
        kind: version.body_kind,
        links,
        labels,
        text,
        has_own_unsubscribe,
    };
    // What the parser cannot know shows when it runs: for a person with everything, and one with
    // nothing but an address.
    let event = events::sample_event(version);
    for values in [Values::example(&event), Values::bare(&event)] {
        if let Err(error) = compiled.render(&values, &|_, url| url.to_owned()) {
            return Err(vec![Problem::error(Part::Body, 1, error.0)]);
        }
    }
    Ok(compiled)
}

/// What is wrong with the sources as they were written, so that lines are the author's.
fn check_sources(version: &template_versions::Model, vocabulary: &Vocabulary) -> Vec<Problem> {
    let mut problems = Vec::new();
    let text = version.text.as_deref().unwrap_or_default();
    let parts = [
        (Part::Subject, version.subject.as_str()),
        (Part::Preheader, version.preheader.as_str()),
        (Part::Body, version.body.as_str()),
        (Part::Text, text),
    ];
    for (part, source) in parts {
        if source.len() > MAX_SOURCE {
            problems.push(Problem::error(part, 1, "This is larger than 512 kB."));
        } else {
            engine::check(part, source, vocabulary, &mut problems);
        }
    }
    if version.subject.chars().count() > MAX_SUBJECT {
        problems.push(Problem::error(
            Part::Subject,
            1,
            format!("A subject has at most {MAX_SUBJECT} characters."),
        ));
    }
    if version.body_kind != BodyKind::Text && version.body.len() <= MAX_SOURCE {
        html::check(version.body_kind, &version.body, &mut problems);
    }
    problems
}

impl Compiled {
    /// Whether a version that names `feed` can be rendered where the feed has no items.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check_without_items(&self, version: &template_versions::Model) -> Result<(), Vec<Problem>> {
        let values = Values::bare(&events::sample_event(version)).with_feed(&FeedValues::empty());
        match self.render(&values, &|_, url| url.to_owned()) {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = format!("Where the feed has nothing new: {}", error.0);
                Err(vec![Problem::error(Part::Body, 1, text)])
            }
        }
    }

    /// The tracked links' URLs in order, as they are written, with their variables.
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// What each tracked link reads, in the order of `links`.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether the author placed an unsubscribe link; else the club's footer brings one.
    pub const fn has_own_unsubscribe(&self) -> bool {
        self.has_own_unsubscribe
    }

    /// Renders for one person. `links` is given each tracked link's index in `links()` and its
    /// URL for this person, and answers what stands in the mail instead. The plain-text part
    /// beside HTML and the unsubscribe, preferences and view links keep their own URLs, untracked:
    /// a reader of plain text sees where a link leads. Text that is the whole message is tracked,
    /// or nobody would know whether it was followed.
    ///
    /// # Errors
    /// Where the template cannot be rendered for this person, or grows beyond `MAX_RENDERED`.
    pub fn render(
        &self,
        values: &Values,
        links: &dyn Fn(usize, &str) -> String,
    ) -> Result<Rendered, RenderError> {
        let scope = values.scope();
        let subject = single_line(&self.part(SUBJECT, &scope)?, MAX_SUBJECT);
        let mut text = match self.text {
            Text::Template => self.part(TEXT, &scope)?,
            Text::OfHtml => {
                let page = self.part(PLAIN, &scope)?;
                plain::joined(&plain::of_html(&page), &self.part(TEXT, &scope)?)
            }
        };
        let mut html = String::new();
        if self.kind == BodyKind::Text {
            text = links::rewrite_text(text.trim_end(), links);
        } else {
            let preheader = match self.engine.get_template(PREHEADER) {
                Ok(template) if !template.source().is_empty() => {
                    single_line(&self.part(PREHEADER, &scope)?, MAX_SUBJECT)
                }
                _ => String::new(),
            };
            let marked = self.part(HTML, &scope)?;
            html = links::rewrite(&marked, values.urls().pixel.as_deref(), &preheader, links);
        }
        if html.len() > MAX_RENDERED {
            return Err(RenderError("the mail is larger than 1 MB".into()));
        }
        Ok(Rendered { subject, html, text })
    }

    fn part(&self, name: &str, scope: &minijinja::Value) -> Result<String, RenderError> {
        let rendered = self
            .engine
            .get_template(name)
            .and_then(|template| template.render(scope))
            .map_err(|error| RenderError(problem::sentence(&error)))?;
        match rendered.len() > MAX_RENDERED {
            true => Err(RenderError("the mail is larger than 1 MB".into())),
            false => Ok(rendered),
        }
    }
}

/// What may stand in a header: one line, no control characters (RFC 5322 §2.2), at most `max`
/// characters.
fn single_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(max) {
        Some((end, _)) => {
            line.truncate(end);
            line
        }
        None => line,
    }
}
