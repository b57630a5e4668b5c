//! Values that YAML reads otherwise than they look: expressions and templates that needed quotes.
//!
//! The four traps are an unquoted `{{ x }}` (nested mappings to YAML), an expression with `: ` (a key), with ` #` (a
//! comment), and one in `[...]` or `{...}` with a bracket or a comma (the end of the value). What was meant is found by
//! reading on in the *source* with the brackets and quotes of the expression language, to the end of the line at most.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// What YAML made of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// `{{` began a mapping.
    Braces,
    /// A comma or bracket ended the value.
    Flow,
    /// ` #` began a comment.
    Comment,
    /// `: ` made a key of it.
    Colon,
}

/// A value that needs quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trap {
    pub(super) cause: Cause,
    /// What was meant, in the source.
    pub(super) range: Range<usize>,
    /// Whether the end of what was meant is certain.
    pub(super) complete: bool,
}

impl Trap {
    pub(super) fn diagnostic(&self, file: FileId, source: &str) -> Diagnostic {
        let span = Span::new(file, self.range.start, self.range.end);
        let meant = source.get(self.range.clone()).unwrap_or_default();
        let what = if meant.starts_with('=') {
            "expression"
        } else {
            "template"
        };
        let message = match self.cause {
            Cause::Braces => format!("YAML reads this unquoted {what} as a mapping"),
            Cause::Flow => format!("YAML ends this unquoted {what} at a comma or bracket"),
            Cause::Comment => format!("YAML reads the ` #` in this unquoted {what} as a comment"),
            Cause::Colon => format!("YAML reads the `: ` in this unquoted {what} as the end of a key"),
        };
        let diagnostic = Diagnostic::error(Code::NeedsQuotes, span, message).here("needs quotes");
        match self.complete {
            true => {
                let quoted = quoted(meant);
                diagnostic.help(format!("write {quoted}")).fix(span, quoted)
            }
            false => diagnostic.help(format!("put quotes around the whole {what}")),
        }
    }
}

/// The trap that a plain scalar fell into, judged by its text and by what follows it in the source.
pub(super) fn after_scalar(source: &str, range: Range<usize>, text: &str, in_flow: bool) -> Option<Trap> {
    let opens = text.starts_with('=') || text.contains("{{") || text.contains("{%");
    if !opens || scan(text, false, true).1 {
        return None;
    }
    let rest = source.get(range.end..)?;
    let next = rest.trim_start_matches([' ', '\t']);
    let cause = match next.chars().next() {
        Some('#') if next.len() < rest.len() => Cause::Comment,
        Some(',' | '[' | ']' | '{' | '}') if in_flow => Cause::Flow,
        _ => return None,
    };
    Some(meant(source, range.start, in_flow, cause))
}

/// The trap of a plain scalar that became a key although it is the beginning of an expression or template.
pub(super) fn at_key(source: &str, range: Range<usize>, text: &str, in_flow: bool) -> Option<Trap> {
    let opens = text.starts_with('=') || text.contains("{{") || text.contains("{%");
    if !opens || scan(text, false, true).1 {
        return None;
    }
    let trap = meant(source, range.start, in_flow, Cause::Colon);
    (trap.range.end > range.end).then_some(trap)
}

/// The trap that explains a syntax error at an offset, if one on its line does.
pub(super) fn at_error(source: &str, offset: usize, in_flow: bool) -> Option<Trap> {
    let line_start = source.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let line_end = source.get(offset..)?.find('\n').map_or(source.len(), |at| offset + at);
    let line = source.get(line_start..line_end)?;
    let mut brackets = 0usize;
    for (at, keyed) in value_starts(line) {
        let start = line_start + at;
        if start > offset {
            break;
        }
        brackets += line[..at].matches(['[', '{']).count();
        let flow = in_flow || brackets > 0;
        let (length, _) = scan(&source[start..line_end], flow, false);
        let text = &source[start..start + length];
        let opens = text.starts_with('=')
            || text.starts_with("{{")
            || text.starts_with("{%")
            || (keyed && (text.contains("{{") || text.contains("{%")));
        if !opens || offset > start + length {
            continue;
        }
        let cause = if text.starts_with('{') {
            Cause::Braces
        } else if flow && text.contains([',', '[', ']', '{', '}']) {
            Cause::Flow
        } else if text.contains(": ") || text.ends_with(':') {
            Cause::Colon
        } else if text.contains(" #") {
            Cause::Comment
        } else {
            continue;
        };
        return Some(meant(source, start, flow, cause));
    }
    None
}

/// The text as a quoted YAML scalar on one line.
pub(super) fn quoted(text: &str) -> String {
    match text.contains(['"', '\\']) {
        false => format!("\"{text}\""),
        true => format!("'{}'", text.replace('\'', "''")),
    }
}

/// The template that the nested mappings in a range really are, with the text behind them on the line.
pub(super) fn braces(source: &str, range: Range<usize>, in_flow: bool) -> Trap {
    let trap = meant(source, range.start, in_flow, Cause::Braces);
    match trap.range.end < range.end {
        // Several lines.
        true => Trap {
            range,
            complete: false,
            ..trap
        },
        false => trap,
    }
}

fn meant(source: &str, start: usize, in_flow: bool, cause: Cause) -> Trap {
    let rest = source.get(start..).unwrap_or_default();
    let (length, balanced) = scan(rest, in_flow, false);
    let after = rest[length..].trim_start_matches([' ', '\t']);
    let ends_well = match after.chars().next() {
        None | Some('\n' | '\r' | '#') => true,
        Some(next) => in_flow && matches!(next, ',' | ']' | '}'),
    };
    Trap {
        cause,
        range: start..start + length,
        complete: balanced && ends_well,
    }
}

/// Where values can begin on a line: behind dashes, keys and flow indicators; with whether a key stands before.
fn value_starts(line: &str) -> Vec<(usize, bool)> {
    let mut starts = Vec::new();
    let mut at = line.len() - line.trim_start().len();
    while line[at..].starts_with("- ") {
        at += 2;
        at += line[at..].len() - line[at..].trim_start().len();
    }
    starts.push((at, false));
    let bytes = line.as_bytes();
    for (index, byte) in bytes.iter().enumerate().skip(at) {
        let keyed = *byte == b':' && matches!(bytes.get(index + 1), Some(b' ' | b'\t'));
        if keyed || matches!(byte, b',' | b'[' | b'{') {
            let rest = &line[index + 1..];
            let start = index + 1 + rest.len() - rest.trim_start().len();
            starts.push((start, keyed));
        }
    }
    starts
}

/// Reads an expression (`=`) or a text with templates. Gives the length of what was read, without white space at its
/// end, and whether all quotes, brackets and braces were closed. `folded` texts have no lines to end at.
fn scan(source: &str, flow: bool, folded: bool) -> (usize, bool) {
    let expression = source.starts_with('=');
    let bytes = source.as_bytes();
    let mut quote = None;
    let mut depth = 0usize;
    let mut inside = expression;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b'\n' | b'\r') && !folded {
            break;
        }
        let pair = &bytes[at..bytes.len().min(at + 2)];
        let mut width = 1;
        match (quote, byte) {
            (Some(_), b'\\') => width = 2,
            (Some(open), _) => quote = Some(open).filter(|open| *open != byte),
            (None, b'#') if (depth == 0 || !inside) && at > 0 && matches!(bytes[at - 1], b' ' | b'\t') => break,
            _ if !inside => match pair {
                b"{{" | b"{%" => (inside, width) = (true, 2),
                [b',' | b']' | b'}', ..] if flow => break,
                _ => {}
            },
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if depth > 0 => depth -= 1,
            (None, b'}' | b'%') if !expression && matches!(pair, b"}}" | b"%}") => (inside, width) = (false, 2),
            (None, b',' | b']' | b'}') if flow && expression && depth == 0 => break,
            _ => {}
        }
        at += width;
    }
    // A backslash may have stepped behind the end, or into a character.
    at = at.min(bytes.len());
    while !source.is_char_boundary(at) {
        at += 1;
    }
    let length = source[..at].trim_end().len();
    (length, quote.is_none() && depth == 0 && (expression || !inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_expressions_to_their_end() {
        assert_eq!(scan("=f(1, 2), b: 3 }", true, false), (8, true));
        assert_eq!(scan("=f(1, 2), b", false, false), (11, true));
        assert_eq!(scan("=a['x]'] }", true, false), (8, true));
        assert_eq!(scan("=a # why", false, false), (2, true));
        assert_eq!(scan("=a == 'x #1'\nb", false, false), (12, true));
        assert_eq!(scan("=f(1", true, false), (4, false));
        assert_eq!(scan("Hi {{ a }}, {{ b }}, c", true, false), (10, true));
        assert_eq!(scan("{{ {'a': {}}.a }}/x", false, false), (19, true));
        assert_eq!(scan("{{ a", false, false), (4, false));
    }

    #[test]
    fn quotes_what_holds_quotes() {
        assert_eq!(quoted("=a"), "\"=a\"");
        assert_eq!(quoted("=a[\"x\"]"), "'=a[\"x\"]'");
        assert_eq!(quoted("=a[\"it's\"]"), "'=a[\"it''s\"]'");
    }
}
