//! Why a request is not done, whatever protocol it came in.

use super::caller::Scope;
use crate::contract::Violation;
use crate::drive::{self, ReplayError, SendError, StartError};
use crate::permit::Denied;
use crate::run::Rejection;
use crate::store;

/// Why a request is not done. A dialect gives it the shape and the status of its protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// No workflow of that id is served.
    #[error("Workflow {0} not found")]
    UnknownWorkflow(String),
    /// The workflow has no such release.
    #[error("Workflow {0} has no release {1}")]
    UnknownRelease(String, String),
    /// There is no such execution, or the caller may not know of it.
    #[error("Execution {0} not found")]
    UnknownExecution(String),
    /// The step that is named is none of the execution's.
    #[error("{0}")]
    UnknownStep(String),
    /// What was sent does not match its schema.
    #[error("{} validation failed: {}", capitalised(.what), list(.violations))]
    Invalid {
        /// What was sent: `input`, `payload`, `context`, `state`, `event`.
        what: &'static str,
        /// Everything that is wrong with it.
        violations: Vec<Violation>,
    },
    /// The request itself makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// The caller has not said who it is.
    #[error("{0}")]
    Unauthorized(String),
    /// What the caller has sent does not tell who it is.
    #[error("{0}")]
    BadToken(String),
    /// A delivery is not signed as it should be.
    #[error("{0}")]
    BadSignature(String),
    /// Who asks from there has sent too many wrong tokens; the seconds to wait.
    #[error("too many wrong tokens have come from this address; try again in {0} s")]
    TooManyFailures(u64),
    /// The request names another server.
    #[error("{0}")]
    ForeignHost(String),
    /// The request comes from a page of somebody else.
    #[error("{0}")]
    ForeignOrigin(String),
    /// The caller lacks what this needs.
    #[error("this needs the scope `{}`, which the token does not have", .0.as_str())]
    MissingScope(Scope),
    /// The caller may not do that.
    #[error("{0}")]
    Forbidden(String),
    /// The files of the workflow ask for what the operator has not granted.
    #[error("the workflow asks for what is not granted here: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotPermitted(Vec<Denied>),
    /// The execution waits for nobody, and never has.
    #[error("Execution {0} is not suspended")]
    NotSuspended(String),
    /// The execution is over or suspended already.
    #[error("{0}")]
    NotSuspendable(String),
    /// Somebody else was faster, or it is too late.
    #[error("{0}")]
    Conflict(String),
    /// What was sent is larger than it may be.
    #[error("the body is larger than this server takes")]
    TooLarge,
    /// There are more headers than there may be.
    #[error("the request has more headers than this server takes")]
    HeadersTooLarge,
    /// It was sent too slowly.
    #[error("the request did not arrive in time")]
    TooSlow,
    /// Too much is going on.
    #[error("too many executions are running; try again later")]
    Busy,
    /// The server cannot do it now.
    #[error("{0}")]
    Unavailable(String),
    /// Something is wrong here. The text is for the log only.
    #[error("{0}")]
    Internal(String),
}

impl Problem {
    /// The status of HTTP that fits.
    pub fn status(&self) -> u16 {
        match self {
            Problem::Malformed(_) | Problem::Invalid { .. } | Problem::NotSuspendable(_) => 400,
            Problem::Unauthorized(_) | Problem::BadToken(_) | Problem::BadSignature(_) => 401,
            Problem::Forbidden(_)
            | Problem::NotPermitted(_)
            | Problem::MissingScope(_)
            | Problem::ForeignHost(_)
            | Problem::ForeignOrigin(_) => 403,
            Problem::UnknownWorkflow(_)
            | Problem::UnknownRelease(..)
            | Problem::UnknownExecution(_)
            | Problem::UnknownStep(_)
            | Problem::NotSuspended(_) => 404,
            Problem::Conflict(_) => 409,
            Problem::TooSlow => 408,
            Problem::TooLarge => 413,
            Problem::Busy | Problem::TooManyFailures(_) => 429,
            Problem::HeadersTooLarge => 431,
            Problem::Internal(_) => 500,
            Problem::Unavailable(_) => 503,
        }
    }

    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::UnknownWorkflow(_) => "workflow-not-found",
            Problem::UnknownRelease(..) => "release-not-found",
            Problem::UnknownExecution(_) => "execution-not-found",
            Problem::UnknownStep(_) => "step-not-found",
            Problem::Invalid { .. } => "invalid",
            Problem::Malformed(_) => "malformed",
            Problem::Unauthorized(_) => "unauthorized",
            Problem::BadToken(_) => "bad-token",
            Problem::BadSignature(_) => "bad-signature",
            Problem::TooManyFailures(_) => "too-many-failures",
            Problem::ForeignHost(_) => "foreign-host",
            Problem::ForeignOrigin(_) => "foreign-origin",
            Problem::MissingScope(_) => "missing-scope",
            Problem::Forbidden(_) => "forbidden",
            Problem::NotPermitted(_) => "not-permitted",
            Problem::NotSuspended(_) => "not-suspended",
            Problem::NotSuspendable(_) => "not-suspendable",
            Problem::Conflict(_) => "conflict",
            Problem::TooSlow => "too-slow",
            Problem::TooLarge => "too-large",
            Problem::HeadersTooLarge => "headers-too-large",
            Problem::Busy => "busy",
            Problem::Unavailable(_) => "unavailable",
            Problem::Internal(_) => "internal",
        }
    }

    /// What the caller is told: nothing of what is wrong inside.
    pub fn told(&self) -> String {
        match self {
            Problem::Internal(_) => "Failed to execute workflow".to_owned(),
            Problem::Unavailable(_) => "the server cannot do this at the moment; try again later".to_owned(),
            told => told.to_string(),
        }
    }
}

fn list(violations: &[Violation]) -> String {
    let each: Vec<String> = violations.iter().map(ToString::to_string).collect();
    each.join("; ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        match rejection {
            Rejection::Invalid { what, violations } => Problem::Invalid { what, violations },
            Rejection::NoSuchWait { .. } => Problem::UnknownStep(rejection.to_string()),
            Rejection::Ambiguous { .. } | Rejection::Unstartable(_) => Problem::Malformed(rejection.to_string()),
            Rejection::NothingWaits
            | Rejection::NotInProgress
            | Rejection::AlreadyStarted
            | Rejection::NotSuspended
            | Rejection::NotFailed
            | Rejection::FailedAsAWhole => Problem::Conflict(rejection.to_string()),
            Rejection::AlreadySuspended => Problem::NotSuspendable(rejection.to_string()),
            Rejection::Corrupt(_) => Problem::Internal(rejection.to_string()),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Problem {
        match error {
            StartError::NotPermitted(denied) => Problem::NotPermitted(denied),
            StartError::Rejected(rejection) => rejection.into(),
            StartError::Exists(run) => Problem::Conflict(format!("Execution {run} exists already")),
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Problem {
        match error {
            SendError::Rejected(rejection) => rejection.into(),
            SendError::Store(error) => error.into(),
            SendError::Unreadable(error) => (*error).into(),
            SendError::Gone => Problem::Conflict("the execution is over".to_owned()),
        }
    }
}

impl From<drive::Error> for Problem {
    fn from(error: drive::Error) -> Problem {
        match error {
            drive::Error::Store(error) => error.into(),
            drive::Error::NotPermitted(denied) => Problem::NotPermitted(denied),
            error => Problem::Internal(error.to_string()),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        match error {
            store::Error::NoSuchRun(run) => Problem::UnknownExecution(run.to_string()),
            store::Error::Conflict { .. } | store::Error::Owned { .. } => Problem::Conflict(error.to_string()),
            store::Error::Truncated { .. } => {
                Problem::Conflict("the beginning of the execution is no longer kept".to_owned())
            }
            store::Error::Unavailable(_) => Problem::Unavailable(error.to_string()),
            store::Error::Damaged(_) => Problem::Internal(error.to_string()),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Problem {
        match error {
            ReplayError::Unreadable(error) => error.into(),
            ReplayError::NoSuchStep { .. } => Problem::UnknownStep(error.to_string()),
            ReplayError::Start(error) => error.into(),
        }
    }
}
