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
        "only valid inside a block",
        "a `[` or `{` is not closed",
        "close it on the same line, or put quotes around a text that holds brackets",
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
    if let Some(diagnostic) = mapping_value(file, source, offset).filter(|_| info.contains("mapping values")) {
        return diagnostic;
    }
    let told_late = info.contains("simple key expect") || info.contains("only valid inside a block");
    let span = match told_late {
        true => line_before(file, source, offset),
        false => point(offset),
    };
    let line = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    if let (true, Some((key, value))) = (info.contains("simple key expect"), line.split_once(':')) {
        let message = "`:` ends a key only with a space behind it";
        return Diagnostic::error(Code::Syntax, span, message).help(format!("write `{key}: {value}`"));
    }
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

/// A key that is indented further than the one above, although that one has a value already.
fn mapping_value(file: FileId, source: &str, offset: usize) -> Option<Diagnostic> {
    let start = source.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let key = source.get(start..offset)?;
    let above = line_before(file, source, start);
    let above_start = source[..above.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let line = source.get(above.start as usize..above.end as usize)?;
    // Behind the dashes of a list.
    let first = line.trim_start_matches(['-', ' ']);
    let column = above.start as usize - above_start + line.len() - first.len();
    let indent = key.len() - key.trim_start_matches(' ').len();
    let has_value = first
        .split_once(": ")
        .is_some_and(|(_, value)| !value.trim().is_empty());
    let word = key.trim_start();
    let is_key = !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (has_value && is_key && indent > column).then(|| {
        let message = format!("`{word}` is indented further than the key above, which has a value already");
        Diagnostic::error(Code::Syntax, Span::new(file, start + indent, offset), message)
            .help(format!(
                "begin it {} further left, in the column of the key above",
                spaces(indent - column)
            ))
            .label(
                Span::new(file, above.start as usize, above.end as usize),
                "has a value already",
            )
    })
}

fn spaces(count: usize) -> String {
    match count {
        1 => "one space".to_owned(),
        count => format!("{count} spaces"),
    }
}

/// The content of the last line before an offset that has any: a missing `:` is only noticed on the next line.
fn line_before(file: FileId, source: &str, offset: usize) -> Span {
    let before = source.get(..offset).unwrap_or_default().trim_end();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = &before[start..];
    Span::new(file, start + line.len() - line.trim_start().len(), before.len())
}
