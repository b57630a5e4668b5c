//! Tokens of a formula, read one at a time: what stands between the braces of `$"…{x}…"` is parsed where it stands.

use std::ops::Range;
use std::sync::Arc;

/// What the parser sees next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(Arc<str>),
    Text(Arc<str>),
    /// A name; `true` when it stands in single quotes and so is never a keyword.
    Name(Arc<str>, bool),
    /// `$"`, the beginning of an interpolated text.
    Interpolated,
    Symbol(Symbol),
    /// A character that begins nothing.
    Unknown(char),
    /// A text, quoted name or comment that does not end.
    Unclosed(&'static str),
    End,
}

macro_rules! symbols {
    ($($name:ident $text:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Symbol { $($name,)+ }

        impl Symbol {
            /// Longer ones first, so that the first that fits is the right one.
            const ALL: &'static [(Symbol, &'static str)] = &[$((Symbol::$name, $text),)+];

            pub fn text(self) -> &'static str {
                match self { $(Symbol::$name => $text,)+ }
            }
        }
    };
}

symbols! {
    AndAnd "&&", OrOr "||", NotEqual "<>", LessEqual "<=", GreaterEqual ">=",
    Plus "+", Minus "-", Star "*", Slash "/", Caret "^", Ampersand "&", Equal "=", Less "<", Greater ">",
    Bang "!", Percent "%", Dot ".", Comma ",", Colon ":", Semicolon ";", At "@",
    Open "(", Close ")", OpenBrace "{", CloseBrace "}", OpenBracket "[", CloseBracket "]",
}

/// The token at or behind a position, and its bytes.
pub(super) fn token(source: &str, from: usize) -> (Token, Range<usize>) {
    let start = match skip_blanks(source, from) {
        Ok(start) => start,
        Err(start) => return (Token::Unclosed("comment"), start..source.len()),
    };
    let rest = &source[start..];
    let Some(first) = rest.chars().next() else {
        return (Token::End, start..start);
    };
    let second = rest[first.len_utf8()..].chars().next();
    let (token, length) = match (first, second) {
        ('"', _) => quoted(rest, '"', Token::Text, "text"),
        ('\'', _) => quoted(rest, '\'', |name| Token::Name(name, true), "name"),
        ('$', Some('"')) => (Token::Interpolated, 2),
        ('0'..='9', _) | ('.', Some('0'..='9')) => number(rest),
        _ if starts_name(first) => {
            let length = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
            (Token::Name(rest[..length].into(), false), length)
        }
        _ => match Symbol::ALL.iter().find(|(_, text)| rest.starts_with(text)) {
            Some((symbol, text)) => (Token::Symbol(*symbol), text.len()),
            None => (Token::Unknown(first), first.len_utf8()),
        },
    };
    (token, start..start + length)
}

fn starts_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_numeric()
}

/// The position behind white space and comments, or the beginning of a comment that does not end.
pub(super) fn skip_blanks(source: &str, from: usize) -> Result<usize, usize> {
    let mut at = from;
    loop {
        let rest = &source[at..];
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        } else if let Some(comment) = trimmed.strip_prefix("/*") {
            at += comment.find("*/").ok_or(at)? + 4;
        } else {
            return Ok(at);
        }
    }
}

/// A text between quotes, in which a doubled quote stands for one.
fn quoted(rest: &str, quote: char, make: impl Fn(Arc<str>) -> Token, what: &'static str) -> (Token, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return (make(text.into()), at + 1);
        }
    }
    (Token::Unclosed(what), rest.len())
}

fn number(rest: &str) -> (Token, usize) {
    let digits = |at: usize| {
        rest[at..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |n| at + n)
    };
    let mut end = digits(0);
    if rest[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let signed = end + 1 + usize::from(rest[end + 1..].starts_with(['+', '-']));
        if rest[signed..].starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(signed);
        }
    }
    (Token::Number(rest[..end].into()), end)
}
