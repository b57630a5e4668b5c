use std::ops::Range;
use std::sync::Arc;

/// Something that is wrong with an expression or template, known before it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the source it is about.
    pub range: Range<usize>,
    /// What is wrong.
    pub kind: ProblemKind,
    /// One sentence for the author.
    pub message: String,
    /// What to do, if that can be said.
    pub help: Option<String>,
    /// What to write in place of the range, where nothing else can have been meant.
    pub fix: Option<String>,
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// It does not parse.
    Syntax,
    /// It is longer, or nests deeper, than the limits allow.
    TooLarge,
    /// A filter, test, function or method that does not exist.
    UnknownFunction,
    /// A name that nothing has.
    UnknownName,
    /// A function with the wrong number of arguments, or with arguments that contradict each other.
    Arguments,
    /// Values whose types do not go together.
    Type,
    /// A path from `steps` that names no step or no part of one.
    StepPath,
    /// A secret elsewhere than as a whole value or as the only thing between `{{` and `}}`.
    SecretNotAllowed,
    /// A name that may not be given a new meaning.
    ReservedName,
    /// A part of the language that has no meaning here, such as `{% include %}`.
    Unsupported,
}

/// An evaluation that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// The stable error code of the run: `expression.undefined`, `expression.type`, `expression.failed` or
    /// `expression.limit`.
    pub code: &'static str,
    /// One sentence for the author.
    pub message: String,
    /// The bytes of the source it is about, where they are known.
    pub range: Option<Range<usize>>,
    /// The source that the range counts in, if it is known here.
    pub text: Option<Arc<str>>,
}

impl EvalError {
    /// A name or property that does not exist.
    pub const UNDEFINED: &'static str = "expression.undefined";
    /// Values whose types do not go together.
    pub const TYPE: &'static str = "expression.type";
    /// Anything else that went wrong.
    pub const FAILED: &'static str = "expression.failed";
    /// A limit that was exceeded.
    pub const LIMIT: &'static str = "expression.limit";

    pub(super) fn new(code: &'static str, message: impl Into<String>) -> EvalError {
        EvalError {
            code,
            message: message.into(),
            range: None,
            text: None,
        }
    }

    /// The same with the source that the range counts in, unless it has one already.
    pub(super) fn within(mut self, text: &str) -> EvalError {
        self.text.get_or_insert_with(|| text.into());
        self
    }

    pub(super) fn at(mut self, range: Range<usize>) -> EvalError {
        self.range.get_or_insert(range);
        self
    }
}
