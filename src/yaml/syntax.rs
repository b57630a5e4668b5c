//! What the parser's errors mean, in an author's words.

use saphyr_parser::ScanError;

use super::Limits;
use super::trap::{self, Trap};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// The parser's words, ours, and what to do; the first whose words are contained is taken.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "mapping values are not allowed",
        "a `: ` cannot stand here",
        "put quotes around a text that holds `: `, or check the indentation",
    ),
    (
        "simple key expect",
        "expected `key: value`",
        "add the `:` behind the key, or check the indentation",
    ),
    (
        "did not find expected key",
        "expected a key or the end of the mapping",
        "keys of one mapping stand in one column; put quotes around a text with special characters",
    ),
    (
        "did not find expected '-' indicator",
        "expected a `- ` item or the end of the list",
        "items of one list stand in one column",
    ),
    (
        "did not find expected ',' or '}'",
        "expected `,` or `}`",
        "inside `{ }` put quotes around texts with commas, brackets or braces",
    ),
    (
        "expected ',' or ']'",
        "expected `,` or `]`",
        "inside `[ ]` put quotes around texts with commas, brackets or braces",
    ),
    (
        "illegal placement of ':'",
        "a `:` cannot stand here",
        "close the `[` or `{` before it, or put quotes around the text",
    ),
    ("tab", "a tab stands where only spaces may", "indent with spaces"),
    (
        "unexpected end of stream",
        "this quote is never closed",
        "close the quote, or double it inside a text in single quotes",
    ),
    (
        "unexpected document indicator",
        "this quote is never closed",
        "close the quote before the document ends",
    ),
    (
        "trailing content after double-quoted",
        "nothing may follow a quoted text on its line",
        "put the whole value into the quotes",
    ),
    (
        "unknown escape character",
        "this backslash escape does not exist",
        "write `\\\\` for a backslash, or use single quotes, where nothing is escaped",
    ),
    (
        "comment intercepting the multiline",
        "a comment stands inside a text of several lines",
        "put quotes around the text, or use `|`",
    ),
    (
        "wrongly indented line in block scalar",
        "this line is indented less than the first line of its text",
        "indent all lines of the text alike",
    ),
    (
        "block sequence entries are not allowed",
        "a `- ` item cannot begin here",
        "put the list on its own lines below the key, or put quotes around the text",
    ),
    (
        "invalid indentation",
        "this line is indented less than the value it belongs to",
        "check the indentation",
    ),
    (
        "unexpected character",
        "no unquoted value begins with this character",
        "put quotes around the value",
    ),
    (
        "scanning an anchor or alias",
        "a name must follow `*` or `&`",
        "put quotes around a value that begins with `*` or `&`",
    ),
    (
        "unprintable character",
        "a control character stands here",
        "remove it, or escape it in double quotes",
    ),
    (
        "byte order mark",
        "a byte order mark stands inside the text",
        "remove it",
    ),
    (
        "handle wasn't declared",
        "no `%TAG` line declares this tag",
        "remove the tag",
    ),
];

/// The value without quotes that explains an error, if one does.
pub(super) fn trap(source: &str, error: &ScanError, offset: usize) -> Option<Trap> {
    let info = error.info();
    if info.contains("recursion limit") || info.contains("unknown anchor") {
        return None;
    }
    trap::at_error(source, offset, info.contains("flow"))
}

/// The diagnostic of text that is not YAML. The parser's position is moved to where the mistake is when it tells later.
pub(super) fn diagnostic(file: FileId, source: &str, error: &ScanError, offset: usize, limits: &Limits) -> Diagnostic {
    let info = error.info();
    let point = |at: usize| {
        let rest = source.get(at..).unwrap_or_default();
        let width = rest
            .chars()
            .next()
            .filter(|next| *next != '\n')
            .map_or(0, char::len_utf8);
        Span::new(file, at, at + width)
    };
    if info.contains("recursion limit") {
        return too_deep(point(offset), limits);
    }
    if info.contains("unknown anchor") {
        return Diagnostic::error(
            Code::UnsupportedYaml,
            point(offset),
            "no anchor `&…` has the name of this alias",
        )
        .help("put quotes around a text that begins with `*`");
    }
    let span = match info.contains("simple key expect") {
        true => line_before(file, source, offset),
        false => point(offset),
    };
    match MESSAGES.iter().find(|(words, ..)| info.contains(words)) {
        Some((_, message, help)) => Diagnostic::error(Code::Syntax, span, *message).help(*help),
        None => {
            let info = info.split_once(", ").map_or(info, |(_, what)| what);
            Diagnostic::error(Code::Syntax, span, format!("this is not YAML: {info}"))
        }
    }
}

/// The finding about lists and mappings that nest too deeply.
pub(super) fn too_deep(span: Span, limits: &Limits) -> Diagnostic {
    let message = format!("lists and mappings are nested more than {} levels deep", limits.depth);
    Diagnostic::error(Code::TooLarge, span, message)
}

/// The content of the last line before an offset that has any: a missing `:` is only noticed on the next line.
fn line_before(file: FileId, source: &str, offset: usize) -> Span {
    let before = source.get(..offset).unwrap_or_default().trim_end();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = &before[start..];
    Span::new(file, start + line.len() - line.trim_start().len(), before.len())
}
