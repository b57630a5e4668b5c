//! From a range in a scalar's text back to the file.
//!
//! Unquoting, unescaping and folding keep the order of all characters that are not white space, so walking text and
//! source side by side finds each of them again without repeating the rules for the white space in between.

use std::ops::Range;

use super::{Scalar, Style};
use crate::source::Span;

pub(super) fn place(span: Span, scalar: &Scalar, source_text: &str, range: Range<usize>) -> Span {
    let Some(source) = source_text.get(span.start as usize..span.end as usize) else {
        return span;
    };
    match walk(source, scalar, &range) {
        Some((start, end)) => Span::new(span.file, span.start as usize + start, span.start as usize + end),
        None => span,
    }
}

fn walk(source: &str, scalar: &Scalar, range: &Range<usize>) -> Option<(usize, usize)> {
    let mut at = match scalar.style {
        Style::Plain => 0,
        Style::SingleQuoted | Style::DoubleQuoted => 1,
        Style::Literal | Style::Folded => source.find('\n')? + 1,
    };
    let mut start = None;
    let mut end = at;
    for (offset, wanted) in scalar.text.char_indices() {
        if offset >= range.end && start.is_some() {
            break;
        }
        let (from, to) = step(source, at, wanted, scalar.style)?;
        if offset >= range.start && start.is_none() {
            start = Some(from);
            end = from;
        }
        if offset < range.end {
            end = to;
        }
        at = to;
    }
    let start = start.unwrap_or(at);
    Some((start, end.max(start)))
}

/// The place of one character of the text, looked for from `at` on.
fn step(source: &str, mut at: usize, wanted: char, style: Style) -> Option<(usize, usize)> {
    if wanted.is_whitespace() {
        let rest = source.get(at..)?;
        let next = rest.chars().next();
        return match next {
            Some('\\') if style == Style::DoubleQuoted && continuation(rest).is_none() => {
                Some((at, at + escape_length(rest)))
            }
            Some(found) if found == wanted => Some((at, at + found.len_utf8())),
            // A line break that became a space, or the white space around one.
            Some(_) => Some((at, at + rest.len() - rest.trim_start().len())),
            None => Some((at, at)),
        };
    }
    loop {
        let rest = source.get(at..)?;
        let found = rest.chars().next()?;
        if found.is_whitespace() {
            at += found.len_utf8();
            continue;
        }
        let length = match (style, found) {
            (Style::DoubleQuoted, '\\') => match continuation(rest) {
                Some(length) => {
                    at += length;
                    continue;
                }
                None => escape_length(rest),
            },
            (Style::SingleQuoted, '\'') => 2,
            _ if found == wanted => found.len_utf8(),
            _ => return None,
        };
        return source.get(at..at + length).map(|_| (at, at + length));
    }
}

/// The length of a backslash with the line break behind it, which together stand for nothing.
fn continuation(rest: &str) -> Option<usize> {
    ["\\\r\n", "\\\n", "\\\r"]
        .iter()
        .find(|escape| rest.starts_with(**escape))
        .map(|escape| escape.len())
}

fn escape_length(rest: &str) -> usize {
    match rest[1..].chars().next() {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some(other) => 1 + other.len_utf8(),
        None => 1,
    }
}
