//! Shared blocks put in the place of their names. A version keeps the text that this makes, so
//! what was sent stays as it was when a block changes.

use super::placeholders::{Piece, pieces};
use crate::domain::BodyKind;
use std::collections::{BTreeMap, BTreeSet};

/// The blocks that there are: their kind and text by key.
pub type Blocks = BTreeMap<String, (BodyKind, String)>;

/// The keys of the blocks that a text takes in.
pub fn named(source: &str) -> BTreeSet<String> {
    let found = pieces(source);
    found.iter().filter_map(name_of).map(str::to_owned).collect()
}

/// The block that `{% include "footer" %}` takes in.
pub(super) fn name_of<'s>(piece: &Piece<'s>) -> Option<&'s str> {
    if piece.block_word() != Some("include") {
        return None;
    }
    let inside = piece.source.strip_prefix("{%")?.strip_suffix("%}")?;
    let inside = inside.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace());
    let name = inside.strip_prefix("include")?.trim();
    let name = ['"', '\''].into_iter().find_map(|quote| {
        let name = name.strip_prefix(quote)?.strip_suffix(quote)?;
        (!name.contains(quote)).then_some(name)
    })?;
    (!name.is_empty()).then_some(name)
}

/// The text with its blocks in their places; `None` where it names none. A block that is not there,
/// or is written in something else, stays a name, and is said to be a problem when the text is
/// compiled. A block comes in on one line, so that the lines of the text keep their numbers.
pub fn expand(kind: BodyKind, source: &str, blocks: &Blocks) -> Option<String> {
    if kind == BodyKind::Text {
        return None;
    }
    let mut has_names = false;
    let mut whole = String::with_capacity(source.len());
    for piece in pieces(source) {
        let name = name_of(&piece);
        has_names |= name.is_some();
        match name.and_then(|name| blocks.get(name)) {
            Some((written, body)) if *written == kind => {
                whole.extend(body.trim().lines().flat_map(|line| [line.trim_start(), " "]));
            }
            _ => whole.push_str(piece.source),
        }
    }
    has_names.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Blocks {
        [
            (
                "foot".to_owned(),
                (BodyKind::Mjml, "<mj-section>\n  a\n</mj-section>\n".to_owned()),
            ),
            ("plain".to_owned(), (BodyKind::Html, "<p>b</p>".to_owned())),
        ]
        .into()
    }

    #[test]
    fn a_block_stands_where_it_is_named_and_lines_keep_their_numbers() {
        let source = "<mj-body>\n{% include \"foot\" %}\n{%- include 'foot' -%}\n</mj-body>";
        let whole = expand(BodyKind::Mjml, source, &blocks()).unwrap();
        assert_eq!(
            whole,
            "<mj-body>\n<mj-section> a </mj-section> \n<mj-section> a </mj-section> \n</mj-body>"
        );
        assert_eq!(whole.lines().count(), source.lines().count());
        assert_eq!(named(source), BTreeSet::from(["foot".to_owned()]));
    }

    #[test]
    fn what_is_no_block_of_this_kind_stays_as_it_was_written() {
        for source in [
            "{% include \"plain\" %}",
            "{% include \"gone\" %}",
            "{% include foot %}",
        ] {
            let whole = expand(BodyKind::Mjml, source, &blocks());
            assert!(whole.is_none_or(|whole| whole == source), "{source}");
        }
        assert_eq!(
            expand(BodyKind::Mjml, "<mj-text>includes</mj-text>", &blocks()),
            None
        );
        assert_eq!(expand(BodyKind::Text, "{% include \"foot\" %}", &blocks()), None);
        assert!(named("{% raw %}{% include \"foot\" %}{% endraw %}").is_empty());
    }
}
