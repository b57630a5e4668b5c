//! Reading mappings with a fixed set of keys: one that is not known is a finding, never ignored.

use std::sync::Arc;

use super::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::source::Span;

/// The findings of one document, and its text.
pub(crate) struct Reader<'s> {
    /// The text of the file, to point into scalars.
    pub source: &'s str,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// One mapping with the keys it may have.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    what: &'static str,
    anchor: Span,
    known: &'static [&'static str],
}

impl Reader<'_> {
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, key: &str, node: &Node, needs: &str, help: impl Into<String>) {
        let found = match node.kind() {
            "null" => "is empty".to_owned(),
            "object" => "is a mapping".to_owned(),
            kind => format!("is a {kind}"),
        };
        let message = format!("`{key}` needs {needs}, but {found}");
        self.report(Diagnostic::error(Code::WrongType, node.span, message).help(help));
    }

    /// A mapping; unknown keys and what is no mapping at all are reported.
    pub fn fields<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        what: &'static str,
        known: &'static [&'static str],
    ) -> Option<Fields<'n>> {
        let Some(entries) = node.as_map() else {
            let help = format!("{what} is a mapping with the keys {}", listed(known));
            self.wrong_type(key, node, "a mapping", help);
            return None;
        };
        for entry in entries {
            if known.contains(&&*entry.key) || entry.key.starts_with("x-") {
                continue;
            }
            let message = format!("`{}` is not a key of {what}", entry.key);
            let mut diagnostic =
                Diagnostic::error(Code::UnknownKey, entry.key_span, message).suggest(&entry.key, known.iter().copied());
            if diagnostic.help.is_empty() {
                diagnostic = diagnostic.help(format!("its keys are {}", listed(known)));
            }
            self.report(diagnostic);
        }
        Some(Fields {
            entries,
            what,
            // The first key stands for a mapping that may be many lines long.
            anchor: entries.first().map_or(node.span, |entry| entry.key_span),
            known,
        })
    }

    /// A text.
    pub fn text(&mut self, key: &str, node: &Node) -> Option<Arc<str>> {
        if let Some(text) = node.as_str() {
            return Some(text.into());
        }
        let written = node.as_scalar().filter(|scalar| !scalar.data.is_null());
        match written {
            Some(scalar) => {
                let quoted = format!("\"{}\"", scalar.text);
                let message = format!("`{key}` needs a text, but YAML reads this as a {}", node.kind());
                self.report(
                    Diagnostic::error(Code::WrongType, node.span, message)
                        .help(format!("put it in quotes: `{key}: {quoted}`"))
                        .fix(node.span, quoted),
                );
            }
            None => self.wrong_type(key, node, "a text", format!("write for example `{key}: some-text`")),
        }
        None
    }

    /// An item, or a list of items.
    pub fn one_or_more<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        match node.as_list() {
            Some(items) => items.iter().collect(),
            None => vec![node],
        }
    }

    /// A list of texts; one text alone is a list of one.
    pub fn texts(&mut self, key: &str, node: &Node) -> Vec<(Arc<str>, Span)> {
        let items = self.one_or_more(node);
        let texts = items.into_iter().map(|item| Some((self.text(key, item)?, item.span)));
        texts.collect::<Vec<_>>().into_iter().flatten().collect()
    }
}

impl<'n> Fields<'n> {
    /// The value of a key.
    pub fn get(&self, key: &'static str) -> Option<&'n Node> {
        debug_assert!(self.known.contains(&key), "`{key}` is not in the list of keys");
        self.entries
            .iter()
            .find(|entry| &*entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The value of a key that must be there; `example` is what could stand there.
    pub fn required(&self, reader: &mut Reader<'_>, key: &'static str, example: &str) -> Option<&'n Node> {
        let found = self.get(key);
        let mistyped = || {
            let unknown = |entry: &&Entry| !self.known.contains(&&*entry.key);
            let mut unknown = self.entries.iter().filter(unknown);
            unknown.any(|entry| closest(&entry.key, self.known.iter().copied()) == Some(key))
        };
        // A mistyped key is one mistake, not two.
        if found.is_none() && !mistyped() {
            let message = format!("{} needs `{key}`", self.what);
            let diagnostic = Diagnostic::error(Code::MissingKey, self.anchor, message);
            reader.report(
                diagnostic
                    .here(format!("`{key}` is missing"))
                    .help(format!("add for example `{key}: {example}`")),
            );
        }
        found
    }
}

/// "`a`, `b`".
pub(crate) fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
