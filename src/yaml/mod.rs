//! YAML text to a tree in which every key and value knows its place.
//!
//! [`parse`] makes the tree in one pass over the parser's events. It never stops at a mistake in *meaning* (a duplicate
//! key, a tag nobody knows, an unquoted `{{ x }}`): each becomes a diagnostic and the tree goes on with what was most
//! probably meant. It does stop at text that is not YAML, and keeps the documents before it.
//!
//! Scalars follow the core schema of YAML 1.2: `no`, `on` and `1_000` are texts. What JSON cannot hold (`.inf`, `.nan`,
//! integers beyond 64 bits) is refused rather than changed.

mod core;
pub(crate) mod fields;
mod format;
mod loader;
mod offsets;
mod place;
mod syntax;
mod trap;

pub use format::{Unformatted, format};
pub use loader::parse;

use std::ops::Range;
use std::sync::Arc;

use crate::data::{Data, Map};
use crate::source::Span;

/// What one text may cost. Each limit is an error when it is exceeded, never a silent cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the text.
    pub bytes: usize,
    /// Nesting of lists and mappings, aliases expanded.
    pub depth: usize,
    /// Values in the whole text, without those from aliases.
    pub nodes: usize,
    /// Values that all aliases together may expand to.
    pub alias_nodes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 16 * 1024 * 1024,
            depth: 128,
            nodes: 1_000_000,
            alias_nodes: 100_000,
        }
    }
}

/// One document of a text; a text may hold several, separated by `---`.
#[derive(Clone, Debug)]
pub struct Document {
    /// The value of the document; a null scalar when it is empty.
    pub root: Node,
}

/// A value with its place. What an alias stands for keeps the place of its anchor, where its text is.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value as written, without anchor and tag, with quotes or the header of a block.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the text; its keys differ from each other.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as text, whatever its style: `1: x` has the key `1`.
    pub key: Arc<str>,
    /// The place of the key.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A single value.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text after unquoting and unfolding.
    pub text: Arc<str>,
    /// The value by the core schema or by its tag.
    pub data: Data,
    /// How it was written.
    pub style: Style,
    /// Whether it stands inside `[...]` or `{...}`.
    pub in_flow: bool,
}

/// The ways to write a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'...'`
    SingleQuoted,
    /// `"..."`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Node {
    /// The value without its places.
    pub fn data(&self) -> Data {
        match &self.value {
            Value::Scalar(scalar) => scalar.data.clone(),
            Value::List(items) => Data::List(Arc::new(items.iter().map(Node::data).collect())),
            Value::Map(entries) => {
                let map: Map = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.data()))
                    .collect();
                Data::Map(Arc::new(map))
            }
        }
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, if it is a scalar that the schema reads as text.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().and_then(|scalar| scalar.data.as_str())
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether it is null: empty, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.data.is_null())
    }

    /// The type in the words that messages use, as [`Data::kind`].
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => scalar.data.kind(),
            Value::List(_) => "list",
            Value::Map(_) => "object",
        }
    }

    /// The value of a key; none if it is absent or this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with its value; none if it is absent or this is no mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| &*entry.key == key)
    }

    /// The value that a JSON pointer names.
    pub fn find(&self, pointer: &str) -> Option<&Node> {
        let steps = pointer.split('/').skip(1).count();
        let (node, _, found) = self.walk(pointer);
        (found == steps).then_some(node)
    }

    /// The place of the value that a JSON pointer names, or of its nearest ancestor that exists.
    pub fn locate(&self, pointer: &str) -> Span {
        self.walk(pointer).0.span
    }

    /// The place of the key (or list item) that a JSON pointer names, or of the nearest ancestor that exists.
    pub fn locate_key(&self, pointer: &str) -> Span {
        let (node, key, _) = self.walk(pointer);
        key.unwrap_or(node.span)
    }

    /// The place of a byte range of this scalar's *text* in the file.
    ///
    /// `source_text` is the text of the whole file. Exact for everything but white space that folding changed; where
    /// text and source cannot be matched, and for lists and mappings, it is the place of the whole value.
    pub fn place(&self, source_text: &str, range: Range<usize>) -> Span {
        match &self.value {
            Value::Scalar(scalar) => place::place(self.span, scalar, source_text, range),
            _ => self.span,
        }
    }

    /// The deepest existing node on the way, the key it stands under when the whole way exists, and how far it is.
    fn walk(&self, pointer: &str) -> (&Node, Option<Span>, usize) {
        let mut node = self;
        let mut key = None;
        for (depth, segment) in pointer.split('/').skip(1).enumerate() {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match &node.value {
                Value::Map(_) => node.entry(&segment).map(|entry| (&entry.value, Some(entry.key_span))),
                Value::List(items) => segment
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .map(|item| (item, None)),
                Value::Scalar(_) => None,
            };
            match next {
                Some((next, next_key)) => (node, key) = (next, next_key),
                None => return (node, None, depth),
            }
        }
        (node, key, pointer.split('/').skip(1).count())
    }
}

#[cfg(test)]
mod tests;
