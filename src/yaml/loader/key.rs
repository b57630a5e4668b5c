//! What may be a key.

use std::collections::hash_map;

use super::{Frame, Key, Loader};
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Node, Style, Value, trap};

impl Loader<'_> {
    /// Judges a node in the place of a key.
    pub(super) fn key(&mut self, node: Node, frame: &mut Frame) -> Key {
        let span = node.span;
        let (start, in_flow) = (frame.start, frame.in_flow);
        let Value::Scalar(scalar) = node.value else {
            let braces = frame.bracketed && span.start as usize == start + 1 && self.slice(start, start + 2) == "{{";
            if braces {
                frame.meant = Some(trap::braces(self.text, start..span.end as usize, in_flow));
            } else {
                let kind = if matches!(node.value, Value::List(_)) {
                    "list"
                } else {
                    "mapping"
                };
                self.diagnostics.push(
                    Diagnostic::error(Code::BadKey, span, format!("a key must be a text, not a {kind}"))
                        .help("put quotes around the key if it is a text"),
                );
            }
            return Key::Refused;
        };
        if scalar.style == Style::Plain {
            // Only a recovered template begins so; its mapping began with it.
            if scalar.text.starts_with('{') && !in_flow {
                frame.meant = Some(trap::braces(self.text, start..span.end as usize, in_flow));
                return Key::Refused;
            }
            let range = span.start as usize..span.end as usize;
            if let Some(trap) = trap::at_key(self.text, range, &scalar.text, in_flow) {
                match frame.bracketed || frame.meant.is_some() {
                    // Between brackets the other entries stay, so the mapping stays one.
                    true => drop(self.recover(&trap, in_flow)),
                    false => frame.meant = Some(trap),
                }
                return Key::Refused;
            }
            if &*scalar.text == "<<" {
                self.diagnostics.push(
                    Diagnostic::error(Code::UnsupportedYaml, span, "the merge key `<<` is not supported")
                        .help("repeat the keys; `*name` as a whole value works")
                        .help("write \"<<\" for a key of that name"),
                );
                return Key::Refused;
            }
        }
        match frame.keys.entry(scalar.text.clone()) {
            hash_map::Entry::Occupied(first) => {
                let message = format!("the key `{}` stands twice in this mapping", shortened(&scalar.text));
                let help = match &*scalar.text {
                    "kind" | "id" => "remove one of them; what comes next in a list begins with a dash of its own",
                    _ => "remove one of them",
                };
                self.diagnostics.push(
                    Diagnostic::error(Code::DuplicateKey, span, message)
                        .here("second")
                        .label(*first.get(), "first")
                        .help(help),
                );
                Key::Refused
            }
            hash_map::Entry::Vacant(entry) => {
                entry.insert(span);
                Key::Read(scalar.text, span)
            }
        }
    }
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
