//! Where in a document the cursor stands, also while the text around it is not finished: then a word is put there that
//! makes it YAML, and what is behind the line is left out if it still is not.

use std::ops::Range;
use std::sync::Arc;

use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Entry, Limits, Node, Value};

/// Stands where nothing is written yet.
const WORD: &str = "x-cursor";

/// A link of the way from the root of a document to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Key(Arc<str>),
    Index(usize),
}

/// The innermost value at an offset.
#[derive(Debug)]
pub(super) struct Found<'n> {
    pub way: Vec<Link>,
    /// The values on the way, from the root to the innermost.
    pub nodes: Vec<&'n Node>,
    /// The last entry on the way, if the offset lies in its key.
    pub key: Option<&'n Entry>,
}

impl<'n> Found<'n> {
    /// The innermost value.
    pub fn node(&self) -> Option<&'n Node> {
        self.nodes.last().copied()
    }

    /// The value around it.
    pub fn parent(&self) -> Option<&'n Node> {
        self.nodes.len().checked_sub(2).map(|at| self.nodes[at])
    }
}

/// Finds the innermost value at an offset.
pub(super) fn find(root: &Node, offset: usize) -> Found<'_> {
    let mut found = Found {
        way: Vec::new(),
        nodes: vec![root],
        key: None,
    };
    let mut node = root;
    loop {
        let next = match &node.value {
            Value::Scalar(_) => None,
            Value::List(items) => items
                .iter()
                .position(|item| holds(item.span, offset))
                .map(|at| (Link::Index(at), &items[at], None)),
            Value::Map(entries) => entries.iter().find_map(|entry| {
                let key = holds(entry.key_span, offset).then_some(entry);
                let here = key.is_some() || holds(entry.value.span, offset);
                here.then(|| (Link::Key(entry.key.clone()), &entry.value, key))
            }),
        };
        let Some((link, inner, key)) = next else {
            return found;
        };
        found.way.push(link);
        found.nodes.push(inner);
        found.key = key;
        if key.is_some() {
            return found;
        }
        node = inner;
    }
}

/// Whether an offset lies in a range or at its end.
pub(super) fn holds(span: Span, offset: usize) -> bool {
    span.start as usize <= offset && offset <= span.end as usize
}

/// The file that a text by itself is.
pub(super) fn alone() -> FileId {
    Sources::new().add("", "")
}

/// The document at an offset; if the text is no YAML there, that of the text up to the end of the line.
pub(super) fn document(text: &str, offset: usize) -> Option<Node> {
    [text, until(text, offset)].into_iter().find_map(|text| {
        let (documents, _) = yaml::parse(alone(), text, &Limits::default());
        let mut roots = documents.into_iter().map(|document| document.root);
        roots.find(|root| holds(root.span, offset))
    })
}

/// The text up to the end of the line of an offset.
pub(super) fn until(text: &str, offset: usize) -> &str {
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at + 1);
    &text[..end]
}

/// A text that can be read, and what the editor replaces.
#[derive(Debug)]
pub(super) struct Patched {
    pub text: String,
    /// The beginning of the word at the cursor, the same in both texts.
    pub at: usize,
    /// The word up to the cursor, in the text as it was.
    pub typed: Range<usize>,
    /// Whether a `:` is already there.
    pub complete: bool,
}

/// The text with a key at the cursor, if one may stand there.
pub(super) fn as_key(text: &str, offset: usize) -> Option<Patched> {
    let word = word(text, offset, |letter| {
        letter.is_alphanumeric() || "_-$".contains(letter)
    });
    let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let rest = text[word.end..].lines().next().unwrap_or_default().trim();
    let before = text[line..word.start].trim();
    let in_flow = before.ends_with(['{', ',']);
    let in_block = before.chars().all(|letter| letter == '-' || letter == ' ');
    let complete = rest.starts_with(':');
    let fits = match (in_block, in_flow) {
        _ if complete => in_block || in_flow,
        (true, _) => rest.is_empty() || rest.starts_with('#') || rest.starts_with(['}', ',']),
        (_, true) => rest.is_empty() || rest.starts_with(['}', ',', ']']),
        _ => false,
    };
    if !fits {
        return None;
    }
    let patched = match complete {
        true => text.to_owned(),
        // A key that is already there twice is none.
        false => [&text[..word.start], WORD, ": ", &text[word.end..]].concat(),
    };
    Some(Patched {
        text: patched,
        at: word.start,
        typed: word.start..offset,
        complete,
    })
}

/// The text with a value at the cursor, if one may stand there.
pub(super) fn as_value(text: &str, offset: usize) -> Option<Patched> {
    let word = word(text, offset, |letter| {
        letter.is_alphanumeric() || "_-.*/".contains(letter)
    });
    let patched = match word.is_empty() {
        true if text[..offset].ends_with(':') => return None,
        true => [&text[..offset], WORD, &text[offset..]].concat(),
        false => text.to_owned(),
    };
    Some(Patched {
        text: patched,
        at: word.start,
        typed: word.start..offset,
        complete: false,
    })
}

/// The word around an offset. A dash that begins an item is not a part of it.
pub(super) fn word(text: &str, offset: usize, is_part: impl Fn(char) -> bool) -> Range<usize> {
    let (before, behind) = text.split_at(offset);
    let start = before.trim_end_matches(&is_part).len();
    let end = offset + (behind.len() - behind.trim_start_matches(&is_part).len());
    let item = text[start..end] == *"-" && text[..start].trim_end_matches(' ').ends_with('\n');
    if item { offset..offset } else { start..end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(text: &str, patch: impl Fn(&str, usize) -> Option<Patched>) -> String {
        let (before, behind) = text.split_once('|').unwrap();
        let Some(patched) = patch(&format!("{before}{behind}"), before.len()) else {
            return "-".to_owned();
        };
        let Some(root) = document(&patched.text, patched.at) else {
            return "broken".to_owned();
        };
        let links = find(&root, patched.at).way.into_iter().map(|link| match link {
            Link::Key(key) => key.to_string(),
            Link::Index(at) => at.to_string(),
        });
        links.collect::<Vec<_>>().join("/")
    }

    #[test]
    fn a_key_is_found_where_one_is_being_written() {
        assert_eq!(way("steps:\n  - |\n", as_key), "steps/0/x-cursor");
        assert_eq!(way("steps:\n  - kind: a\n    |\nid: b\n", as_key), "steps/0/x-cursor");
        assert_eq!(
            way("steps:\n  - kind: a\n    re|\n  - kind: b\n", as_key),
            "steps/0/x-cursor"
        );
        assert_eq!(way("steps:\n  - { kind: a, | }\n", as_key), "steps/0/x-cursor");
        assert_eq!(way("a: 1\nre|try: 1\n", as_key), "retry");
        assert_eq!(way("a: b|\n", as_key), "-");
        // What is behind the line need not be right.
        assert_eq!(way("steps:\n  - kind: a\n    |\n  b: [\n", as_key), "steps/0/x-cursor");
    }

    #[test]
    fn a_value_is_found_where_one_is_being_written() {
        assert_eq!(way("steps:\n  - kind: |\n", as_value), "steps/0/kind");
        assert_eq!(way("steps:\n  - kind: and|T\n", as_value), "steps/0/kind");
        assert_eq!(way("on:\n  - |\n", as_value), "on/0");
        assert_eq!(way("on: [a, |]\n", as_value), "on/1");
        assert_eq!(way("on:|\n", as_value), "-");
    }
}
