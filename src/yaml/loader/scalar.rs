//! Scalars: their place in the source, their value, and what is said about both.

use std::sync::Arc;

use saphyr_parser::{ScalarStyle, Tag};

use super::{Key, Kids, Loader};
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::yaml::core::{self, Unrepresentable};
use crate::yaml::{Node, Scalar, Style, Value, trap};

impl Loader<'_> {
    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        properties: bool,
        start: usize,
        end: usize,
    ) -> Node {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let (from, to) = self.extent(text, style, properties, start, end);
        self.end = self.end.max(to);
        let in_flow = self.frames.last().is_some_and(|frame| frame.in_flow);
        let span = self.span(from, to);
        let is_value = self
            .frames
            .last()
            .is_none_or(|frame| !matches!(frame.kids, Kids::Map { key: Key::Awaited, .. }));
        if let Some(patch) = self.patches.iter().find(|patch| patch.range.start == from) {
            return self.meant(patch, in_flow);
        }
        if style == Style::Plain && is_value && from >= self.swallowed.end {
            if let Some(trap) = trap::after_scalar(self.text, from..to, text, in_flow) {
                return self.recover(&trap, in_flow);
            }
            self.warn_of_comment(to);
        }
        let text: Arc<str> = text.into();
        let data = match tag {
            Some(tag) => self.tagged(&text, style, tag, span),
            None if style == Style::Plain && is_value => self.plain(&text, span),
            None => Data::Text(text.clone()),
        };
        Node {
            span,
            value: Value::Scalar(Scalar {
                text,
                data,
                style,
                in_flow,
            }),
        }
    }

    /// Where a scalar stands in the source, without its properties and the white space the parser counts to it.
    fn extent(&self, text: &str, style: Style, properties: bool, start: usize, end: usize) -> (usize, usize) {
        let content = match properties {
            true => skip_properties(self.text, start, end),
            false => start,
        };
        match style {
            Style::Plain if text.is_empty() => {
                let at = match () {
                    () if properties => start + self.slice(start, end).trim_end().len(),
                    // The parser places a missing value at the next token, which may be lines below.
                    () if self.slice(self.end, start).contains('\n') => self.end,
                    () if self.slice(start, start + 1) == ":" => start + 1,
                    () => start,
                };
                (at, at)
            }
            Style::Plain => (content, content + self.slice(content, end).trim_end().len()),
            Style::SingleQuoted | Style::DoubleQuoted => {
                let quoted = self.slice(content, end);
                (content, content + quoted_length(quoted))
            }
            Style::Literal | Style::Folded => {
                // The parser's place begins behind the header.
                let from = if properties { start } else { self.end };
                let header = skip_properties(self.text, skip_indicators(self.text, from), end);
                let header = match self.slice(header, header + 1) {
                    "|" | ">" => header,
                    _ => content,
                };
                (header, header + self.slice(header, end).trim_end().len())
            }
        }
    }

    fn plain(&mut self, text: &Arc<str>, span: Span) -> Data {
        core::resolve(text).unwrap_or_else(|reason| {
            self.refuse_number(text, reason, span);
            Data::Text(text.clone())
        })
    }

    fn refuse_number(&mut self, text: &str, reason: Unrepresentable, span: Span) {
        let message = match reason {
            Unrepresentable::NotFinite => format!("`{text}` is a number that JSON cannot hold"),
            Unrepresentable::TooLarge => "this number is too large to be kept exactly".to_owned(),
        };
        let quoted = trap::quoted(text);
        self.diagnostics
            .push(Diagnostic::error(Code::InvalidValue, span, message).help(format!("write {quoted} if it is a text")));
    }

    fn tagged(&mut self, text: &Arc<str>, style: Style, tag: &Tag, span: Span) -> Data {
        let name = core_tag(tag);
        let data = match name.as_deref() {
            Some("str" | "!") => Some(Ok(Data::Text(text.clone()))),
            Some("null") => core::null(text).map(Ok),
            Some("bool") => core::bool(text).map(Ok),
            Some("int") => core::int(text),
            Some("float") => core::float(text),
            _ => {
                self.refuse_tag(tag, span);
                return match style {
                    Style::Plain => self.plain(text, span),
                    _ => Data::Text(text.clone()),
                };
            }
        };
        match data {
            Some(Ok(data)) => data,
            Some(Err(reason)) => {
                self.refuse_number(text, reason, span);
                Data::Text(text.clone())
            }
            None => {
                let message = format!("this is no `!!{}`", name.unwrap_or_default());
                self.diagnostics
                    .push(Diagnostic::error(Code::InvalidValue, span, message));
                Data::Text(text.clone())
            }
        }
    }

    pub(super) fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        let shown = match core_tag(tag) {
            Some(name) => format!("!!{name}"),
            None => format!("{}{}", tag.handle, tag.suffix),
        };
        let mut diagnostic = Diagnostic::error(
            Code::UnsupportedYaml,
            span,
            format!("the tag `{shown}` has no meaning here"),
        )
        .help("remove the tag");
        if tag.handle == "!" {
            diagnostic = diagnostic.help("put quotes around a text that begins with `!`");
        }
        self.diagnostics.push(diagnostic);
    }

    /// `Order #{{ n }}` loses its template silently; a comment that begins so is more often a mistake than meant.
    fn warn_of_comment(&mut self, end: usize) {
        let rest = &self.text[end..];
        let comment = rest.trim_start_matches([' ', '\t']);
        if comment.len() < rest.len() && comment.starts_with("#{{") {
            let start = end + rest.len() - comment.len();
            let length = comment.find(['\n', '\r']).unwrap_or(comment.len());
            self.diagnostics.push(
                Diagnostic::warning(
                    Code::NeedsQuotes,
                    self.span(start, start + length),
                    "this template is a comment, because ` #` begins one",
                )
                .help("put quotes around the whole text; a comment reads better with a space behind `#`"),
            );
        }
    }
}

/// The name of a tag of the core schema, or `!` for the tag that means "no other type".
pub(super) fn core_tag(tag: &Tag) -> Option<String> {
    let full = format!("{}{}", tag.handle, tag.suffix);
    if full == "!" {
        return Some(full);
    }
    full.strip_prefix("tag:yaml.org,2002:").map(str::to_owned)
}

/// The offset of the content behind anchors and tags, at most `end`.
pub(super) fn skip_properties(text: &str, start: usize, end: usize) -> usize {
    let Some(source) = text.get(start..end) else {
        return start;
    };
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('#') && rest.len() < source.len() {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with(['&', '!']) {
            // A verbatim tag `!<...>` may hold any character but white space, so this also ends it.
            rest = rest.find(char::is_whitespace).map_or("", |at| &rest[at..]);
        } else {
            return start + source.len() - rest.len();
        }
    }
}

/// The offset behind the `:`, `-`, `?` and `---` that may stand between a value and what precedes it.
fn skip_indicators(text: &str, start: usize) -> usize {
    let source = text.get(start..).unwrap_or_default();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with([':', '-', '?']) {
            rest = &rest[1..];
        } else {
            return start + source.len() - rest.len();
        }
    }
}

/// The length of the quoted scalar that a text begins with.
fn quoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let Some(quote) = bytes.first() else {
        return 0;
    };
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' if *quote == b'"' => 2,
            b'\'' if *quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => 2,
            byte if byte == quote => return at + 1,
            _ => 1,
        };
    }
    text.len()
}
