//! Ids and the names of items (rule 8).

use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::source::Span;
use crate::yaml::Node;

/// Names that mean something in expressions. An item must not hide them.
const RESERVED: [&str; 22] = [
    "input",
    "data",
    "steps",
    "state",
    "context",
    "execution",
    "env",
    "secrets",
    "index",
    "resume",
    "error",
    "result",
    "response",
    "winner",
    "attempt",
    "event",
    "arguments",
    "trigger",
    "output",
    "now",
    "loop",
    "self",
];

/// Words of the expression language.
const KEYWORDS: [&str; 27] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "block",
    "macro",
    "call",
    "filter",
    "with",
    "recursive",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "null",
    "import",
];

impl Reader<'_> {
    /// An id: `[A-Za-z][A-Za-z0-9_-]*`.
    pub fn id(&mut self, key: &str, node: &Node) -> Option<Name> {
        let text = self.literal_text(key, node)?;
        self.well_formed(key, &text, node.span, true).then_some(text)
    }

    /// The id of a step, which no other step of the workflow may have.
    pub fn step_id(&mut self, node: &Node) -> Option<Name> {
        let id = self.id("id", node)?;
        match self.ids.get(&id.replace('-', "_")) {
            None => {
                self.ids.insert(id.replace('-', "_"), (id.clone(), node.span));
            }
            Some((first, span)) => {
                let message = match *first == id {
                    true => format!("two steps have the id `{id}`"),
                    false => format!("the ids `{first}` and `{id}` mean the same step in expressions"),
                };
                let diagnostic = Diagnostic::error(Code::DuplicateId, node.span, message)
                    .label(*span, format!("`{first}` is here first"))
                    .help("every step of a workflow has an id of its own; `-` and `_` count as equal");
                self.report(diagnostic);
            }
        }
        Some(id)
    }

    /// `as`: the name of a loop's item.
    pub fn item_name(&mut self, node: &Node) -> Option<Name> {
        let name = self.literal_text("as", node)?;
        if !self.well_formed("as", &name, node.span, false) {
            return None;
        }
        let mut fault = None;
        if KEYWORDS.contains(&&*name) {
            fault = Some(format!("`{name}` is a word of the expression language"));
        } else if RESERVED.contains(&&*name) {
            fault = Some(format!("`{name}` already means something in expressions"));
        }
        for item in &self.around.items {
            if *item == name || format!("{item}_index") == *name {
                fault = Some(format!("`{name}` is already a name of the loop around this one"));
            }
        }
        match fault {
            None => Some(name),
            Some(message) => {
                let help = "choose another name, such as `order` or `row`";
                self.report(Diagnostic::error(Code::InvalidId, node.span, message).help(help));
                None
            }
        }
    }

    fn well_formed(&mut self, key: &str, text: &str, span: Span, dashes: bool) -> bool {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (dashes && c == '-');
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(allowed) {
            return true;
        }
        let rule = match dashes {
            true => "a letter, then letters, digits, `_` or `-`",
            false => "a letter, then letters, digits or `_`",
        };
        let message = match text.is_empty() {
            true => format!("`{key}` is empty"),
            false => format!("`{text}` cannot be used as `{key}`"),
        };
        let mut diagnostic = Diagnostic::error(Code::InvalidId, span, message).help(format!("it must be {rule}"));
        let mended: String = text.trim().chars().map(|c| if allowed(c) { c } else { '_' }).collect();
        if mended.starts_with(|c: char| c.is_ascii_alphabetic()) {
            diagnostic = diagnostic.help(format!("write for example `{key}: {mended}`"));
        }
        self.report(diagnostic);
        false
    }
}
