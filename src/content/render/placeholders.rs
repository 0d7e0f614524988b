//! Hides `{{ … }}` and `{% … %}` from the tools that read HTML, and puts them back afterwards.
//! Without it a `<` in a condition or a loop around table rows would be torn apart.

/// A stretch of a template's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'s> {
    pub kind: Kind,
    pub source: &'s str,
    /// Where it begins, from 1.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// `{{ … }}`
    Value,
    /// `{% … %}`, and `{% raw %} … {% endraw %}` whole.
    Block,
}

impl<'s> Piece<'s> {
    /// The first word of a block: `if`, `for`, `endif`.
    pub fn block_word(&self) -> Option<&'s str> {
        (self.kind == Kind::Block).then(|| first_word(self.source))
    }
}

fn first_word(block: &str) -> &str {
    let inside = block[2..].trim_start_matches(['-', '+']).trim_start();
    let end = inside
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(inside.len());
    &inside[..end]
}

/// A source without the engine's comments: `{#` stands in many a stylesheet (`@media x{#id{…}}`),
/// and HTML has comments of its own.
pub(super) fn without_comments(source: &str) -> String {
    source.replace("{#", "{ #")
}

/// Splits a source. Joined again, the pieces are the source.
pub(super) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    let mut push = |kind, text: &mut usize, end: usize| {
        if *text < end {
            let piece = &source[*text..end];
            found.push(Piece {
                kind,
                source: piece,
                line,
            });
            line += piece.matches('\n').count();
            *text = end;
        }
    };
    while let Some(open) = next_opening(source, at) {
        push(Kind::Plain, &mut at, open);
        let (kind, end) = match &source[open..open + 2] {
            "{{" => (Kind::Value, end_of(source, open + 2, "}}")),
            _ => (Kind::Block, end_of(source, open + 2, "%}")),
        };
        let Some(mut end) = end else { break };
        if kind == Kind::Block && first_word(&source[open..end]) == "raw" {
            end = end_of_raw(source, end).unwrap_or(source.len());
        }
        push(kind, &mut at, end);
    }
    push(Kind::Plain, &mut at, source.len());
    found
}

fn next_opening(source: &str, from: usize) -> Option<usize> {
    source.as_bytes()[from..]
        .windows(2)
        .position(|pair| matches!(pair, b"{{" | b"{%"))
        .map(|i| from + i)
}

/// The end of an expression: the closing mark outside of quotes and braces.
fn end_of(source: &str, from: usize, closing: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let (mut quote, mut braces, mut i) = (None, 0usize, from);
    while i < bytes.len() {
        match (quote, bytes[i]) {
            (Some(_), b'\\') => i += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, _) if braces == 0 && bytes[i..].starts_with(closing.as_bytes()) => {
                return Some(i + 2);
            }
            (None, b'{') => braces += 1,
            (None, b'}') => braces = braces.saturating_sub(1),
            _ => {}
        }
        i += 1;
    }
    None
}

fn end_of_raw(source: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(open) = source[at..].find("{%").map(|i| at + i) {
        let end = end_of(source, open + 2, "%}")?;
        if first_word(&source[open..end]) == "endraw" {
            return Some(end);
        }
        at = open + 2;
    }
    None
}

/// A source whose expressions are words that HTML tools leave alone.
#[derive(Debug)]
pub(super) struct Hidden {
    pub html: String,
    /// What each word stands for, and where it stands in `html`.
    expressions: Vec<(Kind, String, usize)>,
}

const OPEN: &str = "fwx";
const CLOSE: &str = "xwf";
/// A word's length: `fwx`, six digits, `xwf`.
const WORD: usize = 12;

/// Hides the expressions of a source.
pub(super) fn hide(source: &str) -> Hidden {
    let mut hidden = Hidden {
        html: String::with_capacity(source.len()),
        expressions: Vec::new(),
    };
    let mut place = Place::Text;
    for piece in pieces(source) {
        if piece.kind == Kind::Plain {
            place = place.after(piece.source);
            hidden.html.push_str(piece.source);
            continue;
        }
        let word = word(hidden.expressions.len());
        let at = hidden.html.len();
        hidden.expressions.push((piece.kind, piece.source.to_owned(), at));
        // As a comment a block may stand anywhere, even between table rows.
        match (piece.kind, place) {
            (Kind::Value, _) | (_, Place::Tag | Place::Comment | Place::Raw) => hidden.html.push_str(&word),
            _ => {
                hidden.html.push_str("<!--");
                hidden.html.push_str(&word);
                hidden.html.push_str("-->");
            }
        }
    }
    hidden
}

fn word(index: usize) -> String {
    format!("{OPEN}{index:06}{CLOSE}")
}

/// The index of the word at the start of `text`.
fn index_of(text: &str) -> Option<usize> {
    let word = text.get(..WORD)?;
    word.strip_prefix(OPEN)?.strip_suffix(CLOSE)?.parse().ok()
}

impl Hidden {
    /// Whether more than values stand in it: conditions or loops.
    pub fn has_blocks(&self) -> bool {
        self.expressions.iter().any(|(kind, ..)| *kind == Kind::Block)
    }

    /// Puts the expressions back where their words stand.
    pub fn restore(&self, text: &str) -> String {
        self.restore_as(text, |expression| expression.to_owned())
    }

    /// Puts the expressions back, each changed.
    pub fn restore_as(&self, text: &str, change: impl Fn(&str) -> String) -> String {
        let mut restored = String::with_capacity(text.len() * 5 / 4);
        let mut rest = text;
        while let Some(at) = rest.find(OPEN) {
            let Some((_, source, _)) = index_of(&rest[at..]).and_then(|index| self.expressions.get(index))
            else {
                push_inert(&mut restored, &rest[..at + OPEN.len()]);
                rest = &rest[at + OPEN.len()..];
                continue;
            };
            let (mut before, mut after) = (&rest[..at], &rest[at + WORD..]);
            for (open, close) in [("<!--", "-->"), ("&lt;!--", "--&gt;")] {
                if let (Some(b), Some(a)) = (before.strip_suffix(open), after.strip_prefix(close)) {
                    (before, after) = (b, a);
                    break;
                }
            }
            push_inert(&mut restored, before);
            restored.push_str(&change(source));
            rest = after.strip_prefix("=\"\"").unwrap_or(after);
        }
        push_inert(&mut restored, rest);
        restored
    }

    /// Moves a tag that a parser added behind a block to its front: a loop around table rows must
    /// not repeat the `tbody` that HTML implies.
    pub fn before_blocks(&self, html: &str, tag: &str) -> String {
        let mut html = html.to_owned();
        for (index, _) in self.expressions.iter().enumerate().rev() {
            let block = format!("<!--{}-->", word(index));
            html = html.replace(&format!("{block}{tag}"), &format!("{tag}{block}"));
        }
        html
    }

    /// Whether a text names a hidden expression.
    pub fn is_in(&self, text: &str) -> bool {
        text.match_indices(OPEN)
            .any(|(at, _)| index_of(&text[at..]).is_some_and(|index| index < self.expressions.len()))
    }

    /// The author's line of a place in `html`.
    pub fn line_of(&self, place: usize) -> usize {
        let plain = self.html.as_bytes()[..place.min(self.html.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let inside: usize = self
            .expressions
            .iter()
            .take_while(|(_, _, at)| *at < place)
            .map(|(_, source, _)| source.matches('\n').count())
            .sum();
        1 + plain + inside
    }
}

/// Appends text that holds no expression: a brace that would begin one is set apart. An entity
/// such as `&#123;`, or CSS such as `@media x{#id{…}}`, must not become one.
fn push_inert(to: &mut String, text: &str) {
    let mut start = 0;
    for (at, _) in text.match_indices('{') {
        if matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')) {
            to.push_str(&text[start..=at]);
            to.push(' ');
            start = at + 1;
        }
    }
    to.push_str(&text[start..]);
}

/// Where in HTML a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    Tag,
    Comment,
    /// Inside `style`, `title` and alike, where a comment is text.
    Raw,
}

const RAW: &[&str] = &[
    "style",
    "title",
    "textarea",
    "script",
    "mj-style",
    "mj-title",
    "mj-preview",
];

impl Place {
    fn after(mut self, text: &str) -> Self {
        let mut rest = text;
        loop {
            match self {
                Self::Text => {
                    let Some(at) = rest.find('<') else { return self };
                    rest = &rest[at + 1..];
                    if let Some(inside) = rest.strip_prefix("!--") {
                        self = Self::Comment;
                        rest = inside;
                    } else if is_raw(rest) {
                        self = Self::Raw;
                    } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
                        self = Self::Tag;
                    }
                }
                Self::Tag => {
                    let Some(at) = rest.find('>') else { return self };
                    rest = &rest[at + 1..];
                    self = Self::Text;
                }
                Self::Comment => {
                    let Some(at) = rest.find("-->") else { return self };
                    rest = &rest[at + 3..];
                    self = Self::Text;
                }
                Self::Raw => {
                    let Some(at) = rest.find("</") else { return self };
                    rest = &rest[at + 2..];
                    if is_raw(rest) {
                        self = Self::Tag;
                    }
                }
            }
        }
    }
}

fn is_raw(tag: &str) -> bool {
    RAW.iter().any(|name| {
        tag.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && tag[name.len()..].starts_with(|c: char| c == '>' || c.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_joined_are_the_source() {
        for source in [
            "",
            "{",
            "{{",
            "{{ a }} b",
            "a{% if x %}b{% endif %}c",
            "{# c #}",
            "{% raw %}{{ a }}{% endraw %}{{ b }}",
            "{{ \"}}\" }}x",
            "{{ {'a': {'b': 1}} }}",
            "ä{{ 'ü' }}ö",
        ] {
            let joined: String = pieces(source).iter().map(|piece| piece.source).collect();
            assert_eq!(joined, source);
        }
    }

    #[test]
    fn what_is_hidden_comes_back_in_place() {
        let source = "<table>{% for a in b %}<tr {% if c %}class=\"{{ d }}\"{% endif %}><td>{{ e }}</td></tr>{% endfor %}</table>";
        let hidden = hide(source);
        assert!(!hidden.html.contains("{{") && hidden.html.contains("<!--fwx000000xwf-->"));
        assert_eq!(hidden.restore(&hidden.html), source);
    }

    #[test]
    fn css_and_entities_do_not_become_expressions() {
        let hidden = hide("x");
        assert_eq!(
            hidden.restore("@media a{#b{}} {{ 7*7 }}"),
            "@media a{ #b{}} { { 7*7 }}"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_source_survives(source in "[a-z{}%#\"'<>!\\- \n/=\\\\ü]{0,60}") {
            let joined: String = pieces(&source).iter().map(|piece| piece.source).collect();
            proptest::prop_assert_eq!(&joined, &source);
            let hidden = hide(&source);
            hidden.restore(&hidden.html);
        }
    }
}
