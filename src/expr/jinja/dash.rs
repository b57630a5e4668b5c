//! Names with dashes, which the language reads as subtractions (rule 8).

use std::ops::Range;
use std::sync::Arc;

use super::lower::Lower;
use super::node::Node;
use crate::expr::ProblemKind;

/// A subtraction that looks like a name with a dash, such as `data.first-name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtraction {
    /// The bytes of the whole of it, links behind the name included.
    pub range: Range<usize>,
    /// The name that was probably meant: `first-name`.
    pub name: Arc<str>,
    /// What to write for it: `data['first-name']`.
    pub replacement: String,
}

impl Lower<'_> {
    /// Records `a.b-c` written without spaces, which subtracts but hardly means to (rule 8). Problems from position
    /// `known` on came from its operands and give way to it.
    pub(super) fn dashed_name(&mut self, left: &Node, right: &Node, known: usize) {
        let source = self.source;
        if source.get(left.range.end..right.range.start) != Some("-") {
            return;
        }
        let start = left.range.start;
        let before = self
            .analysis
            .subtractions
            .last()
            .filter(|last| last.range.start == start)
            .cloned();
        let (prefix, first) = match &before {
            // `a.b-c-d`: the name so far goes on, if nothing stands between it and the dash.
            Some(last) if last.replacement.ends_with("']") => (
                last.replacement.split("['").next().unwrap_or_default().to_owned(),
                last.name.to_string(),
            ),
            Some(_) => return,
            None => match source[left.range.clone()].rsplit_once('.') {
                Some((prefix, name)) if is_word(name) => (prefix.to_owned(), name.to_owned()),
                _ => return,
            },
        };
        let rest = &source[right.range.start..];
        let word = word_length(rest);
        if word == 0 {
            return;
        }
        let tail = tail_length(&rest[word..]);
        let end = right.range.start + word + tail;
        if before.is_some() {
            self.analysis.subtractions.pop();
        }
        let name = format!("{first}-{}", &rest[..word]);
        let replacement = format!("{prefix}['{name}']{}", &rest[word..word + tail]);
        if prefix == "steps" {
            self.analysis.problems.truncate(known);
            let message = format!("`{}` is a subtraction", &source[start..end]);
            self.problem(
                start..end,
                ProblemKind::StepPath,
                message,
                Some(format!("write `{replacement}`")),
            );
        }
        self.analysis.subtractions.push(Subtraction {
            range: start..end,
            name: name.into(),
            replacement,
        });
    }
}

fn word_length(text: &str) -> usize {
    text.bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count()
}

/// The length of the links `.x` and `[x]` at the beginning of a text.
fn tail_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let link = match rest.as_bytes().first() {
            Some(b'.') => 1 + word_length(&rest[1..]),
            Some(b'[') => rest.find(']').map_or(0, |close| close + 1),
            _ => 0,
        };
        if link < 2 {
            return length;
        }
        length += link;
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
