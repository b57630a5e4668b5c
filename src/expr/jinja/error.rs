//! Errors of the engine in the words of the language, at the author's places.

use std::fmt;
use std::ops::Range;

use minijinja::ErrorKind;

use super::lower::PathInfo;
use super::print::Printer;
use crate::expr::{EvalError, Problem, ProblemKind};

/// A path that leads nowhere, as the helper functions and the engine report it.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    /// The number of the path.
    pub path: usize,
    /// How many links were found before.
    pub link: usize,
    pub why: Why,
}

/// Why a link of a path does not exist.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// The base itself is undefined.
    Undefined,
    /// An object without the key, with a similar key that it has.
    Key { name: String, similar: Option<String> },
    /// A list that is too short.
    Index { index: i64, length: usize },
    /// A value that has nothing inside.
    Kind { name: String, kind: &'static str },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path leads nowhere")
    }
}

impl std::error::Error for Missing {}

impl Missing {
    fn explain(&self, source: &str, paths: &[PathInfo]) -> EvalError {
        let Some(info) = paths.get(self.path) else {
            return EvalError::new(EvalError::UNDEFINED, "a value is undefined");
        };
        let prefix = &source[info.start..info.ends[self.link.min(info.ends.len() - 1)]];
        let message = match &self.why {
            Why::Undefined => format!("`{prefix}` is undefined"),
            Why::Key {
                name,
                similar: Some(similar),
            } => {
                format!("`{prefix}` has no `{name}`; did you mean `{similar}`?")
            }
            Why::Key { name, similar: None } => format!("`{prefix}` has no `{name}`"),
            Why::Index { index, length } => format!("`{prefix}` has no element {index}, only {length} elements"),
            Why::Kind { name, kind } => format!("`{prefix}` is {kind} and has no `{name}`"),
        };
        let link = if matches!(self.why, Why::Undefined) {
            self.link
        } else {
            self.link + 1
        };
        let end = info.ends[link.min(info.ends.len() - 1)];
        EvalError::new(EvalError::UNDEFINED, message).at(info.start..end)
    }
}

/// Wraps an error for its way through the engine.
pub(super) fn to_engine(error: EvalError) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, error.message.clone()).with_source(error)
}

impl EvalError {
    pub(super) fn from_engine(error: minijinja::Error) -> EvalError {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(at) = cause {
            if let Some(own) = at.downcast_ref::<EvalError>() {
                return own.clone();
            }
            cause = at.source();
        }
        let detail = error.detail().unwrap_or_default();
        match error.kind() {
            ErrorKind::UndefinedError => EvalError::new(EvalError::UNDEFINED, "a value is undefined"),
            ErrorKind::OutOfFuel => EvalError::new(EvalError::LIMIT, "the evaluation takes too long"),
            _ if detail.contains("recursion")
                || detail.contains("too many elements")
                || detail.contains("too large") =>
            {
                EvalError::new(EvalError::LIMIT, detail)
            }
            _ => match unsupported_operation(detail) {
                Some(message) => EvalError::new(EvalError::TYPE, message),
                None if detail.is_empty() => EvalError::new(EvalError::FAILED, error.kind().to_string()),
                None => EvalError::new(EvalError::FAILED, detail),
            },
        }
    }

    /// The error with its place in the author's source.
    pub(super) fn locate(
        error: minijinja::Error,
        source: &str,
        paths: &[PathInfo],
        map: &[(Range<usize>, Range<usize>)],
    ) -> EvalError {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(at) = cause {
            if let Some(missing) = at.downcast_ref::<Missing>() {
                return missing.explain(source, paths);
            }
            cause = at.source();
        }
        let range = error.range().and_then(|range| Printer::author_range(map, &range));
        let found = EvalError::from_engine(error);
        match range {
            Some(range) => found.at(range),
            None => found,
        }
    }
}

/// The engine names its own kinds of values; the language has others.
fn unsupported_operation(detail: &str) -> Option<String> {
    let rest = detail.strip_prefix("tried to use ")?;
    let (operator, rest) = rest.split_once(" operator on unsupported type")?;
    let kinds = rest.trim_start_matches('s').trim_start().split(" (").next()?;
    let kinds: Vec<&str> = kinds.split(" and ").map(kind_name).collect();
    Some(format!("`{operator}` does not work on {}", kinds.join(" and ")))
}

fn kind_name(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "number" => "a number",
        "bool" => "a boolean",
        "sequence" | "iterator" | "iterable" => "a list",
        "map" => "an object",
        "none" => "null",
        other => other,
    }
}

/// A syntax error as a problem.
pub(super) fn syntax_problem(error: &minijinja::Error, source: &str) -> Problem {
    let range = error.range().unwrap_or(source.len()..source.len());
    // The engine marks single bytes, also of a letter that takes several.
    let start = source.floor_char_boundary(range.start);
    let range = start..source.ceil_char_boundary(range.end.max(start));
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    if message.contains("recursion") {
        let help = Some("compute it in several steps".to_owned());
        return Problem {
            range,
            kind: ProblemKind::TooLarge,
            message: "the brackets nest too deeply".to_owned(),
            help,
            fix: None,
        };
    }
    let help = syntax_help(source, range.start, &message).map(str::to_owned);
    Problem {
        range,
        kind: ProblemKind::Syntax,
        message,
        help,
        fix: None,
    }
}

/// What to write instead of what the parser does not know, mostly operators of other languages.
fn syntax_help(source: &str, at: usize, message: &str) -> Option<&'static str> {
    let (before, rest) = source.split_at_checked(at)?;
    let before = before.trim_end();
    Some(match rest.chars().next() {
        Some('&') => "write `and` for `&&`",
        Some('|') if before.ends_with('|') => "write `or` for `||`",
        Some('?') => "write `x if condition else y`",
        Some('!') => "write `not x` for `!x`",
        Some('=') if before.ends_with('=') => "`==` compares, also in place of `===`",
        Some('=') => "`==` compares two values; nothing is assigned in an expression",
        Some('$') => "names are written without `$`",
        _ if message.contains("end of string") => "close the quote",
        _ if message.contains("end of variable block") => "what `{{` opens, `}}` closes",
        _ if message.contains("end of input") => "something is missing at the end",
        _ => return None,
    })
}
