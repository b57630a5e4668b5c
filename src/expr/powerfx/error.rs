//! Errors as values: a formula can look at them, and goes on without what they spoil.

use std::ops::Range;
use std::sync::Arc;

use super::value::Value;

/// The kinds of errors, with the numbers of the `ErrorKind` enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(pub i64);

impl Kind {
    pub const DIV0: Kind = Kind(13);
    pub const BAD_LANGUAGE: Kind = Kind(14);
    pub const BAD_REGEX: Kind = Kind(15);
    pub const USAGE: Kind = Kind(16);
    pub const NOT_SUPPORTED: Kind = Kind(20);
    pub const NUMERIC: Kind = Kind(24);
    pub const INVALID: Kind = Kind(25);
    pub const NOT_APPLICABLE: Kind = Kind(27);
    pub const INVALID_JSON: Kind = Kind(30);
    pub const CUSTOM: Kind = Kind(1000);
}

/// One error.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub kind: Kind,
    pub message: Arc<str>,
    /// What the author of `Error(…)` gave besides.
    pub details: Option<Value>,
    /// The bytes of the part of the formula that failed.
    pub range: Option<Range<usize>>,
}

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Errors a formula can catch; never empty.
    Errors(Arc<Vec<Fault>>),
    /// A limit of the evaluation, which nothing catches.
    Limit(&'static str),
}

/// The result of an expression.
pub(super) type Eval<T = Value> = Result<T, Failure>;

impl Failure {
    pub fn new(kind: Kind, message: impl Into<Arc<str>>) -> Failure {
        let message = message.into();
        Failure::Errors(Arc::new(vec![Fault {
            kind,
            message,
            details: None,
            range: None,
        }]))
    }

    pub fn invalid(message: impl Into<Arc<str>>) -> Failure {
        Failure::new(Kind::INVALID, message)
    }

    pub fn numeric(message: impl Into<Arc<str>>) -> Failure {
        Failure::new(Kind::NUMERIC, message)
    }

    pub fn div0() -> Failure {
        Failure::new(Kind::DIV0, "division by zero")
    }

    /// The same with its place, for errors that have none yet.
    pub fn at(mut self, range: &Range<usize>) -> Failure {
        if let Failure::Errors(faults) = &mut self
            && faults.iter().any(|fault| fault.range.is_none())
        {
            for fault in Arc::make_mut(faults) {
                fault.range.get_or_insert_with(|| range.clone());
            }
        }
        self
    }

    /// The place of the first error.
    pub fn range(&self) -> Option<Range<usize>> {
        match self {
            Failure::Errors(faults) => faults.first().and_then(|fault| fault.range.clone()),
            Failure::Limit(_) => None,
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Failure::Errors(_))
    }

    /// Both, the first one first; a limit goes before everything.
    pub fn and(self, other: Failure) -> Failure {
        match (self, other) {
            (Failure::Limit(limit), _) | (_, Failure::Limit(limit)) => Failure::Limit(limit),
            (Failure::Errors(mut errors), Failure::Errors(more)) => {
                Arc::make_mut(&mut errors).extend(more.iter().cloned());
                Failure::Errors(errors)
            }
        }
    }
}

/// Both results, or all that failed.
pub(super) fn both<A, B>(left: Eval<A>, right: Eval<B>) -> Eval<(A, B)> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(left.and(right)),
        (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => Err(failure),
    }
}

/// All results, or all that failed.
pub(super) fn all<T>(results: impl IntoIterator<Item = Eval<T>>) -> Eval<Vec<T>> {
    let mut values = Vec::new();
    let mut failure: Option<Failure> = None;
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(limit @ Failure::Limit(_)) => return Err(limit),
            Err(found) => {
                failure = Some(match failure {
                    Some(before) => before.and(found),
                    None => found,
                })
            }
        }
    }
    failure.map_or(Ok(values), Err)
}
