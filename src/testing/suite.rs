//! A test file as data.

use std::path::PathBuf;
use std::sync::Arc;

use super::matcher::Matcher;
use crate::data::Data;
use crate::graph::{Millis, Name, Program, Timestamp};
use crate::provider::{Cassette, Mocks, Scripts};
use crate::run::Status;
use crate::source::{FileId, Span};

/// The cases of one document, all about one workflow.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The file it stands in.
    pub path: PathBuf,
    /// The same among the sources.
    pub file: FileId,
    /// The workflow, linked with those it calls.
    pub program: Arc<Program>,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
}

impl Suite {
    /// Lets a recording answer to agents that are neither mocked nor on a script, in each case from its beginning.
    pub fn replay(&mut self, cassette: &Arc<Cassette>) {
        for case in &mut self.cases {
            case.cassette = Some(cassette.clone());
        }
    }
}

/// One run of the workflow, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique in its file.
    pub name: Name,
    /// Where the name stands.
    pub place: Span,
    /// The input.
    pub input: Data,
    /// What the caller says besides the input.
    pub context: Data,
    /// The environment variables; there are no others.
    pub env: Data,
    /// When the run begins.
    pub now: Timestamp,
    /// What a snapshot is kept of.
    pub snapshot: Option<Kept>,
    /// Its own mocks, then those of the file.
    pub(super) mocks: Vec<Arc<Mocks>>,
    /// What scripted connections answer to agents that are not mocked.
    pub(super) scripts: Arc<Scripts>,
    /// A recording that answers to those that are on no script either.
    pub(super) cassette: Option<Arc<Cassette>>,
    /// The payloads for waits.
    pub(super) resume: Vec<Resume>,
    /// What happens from outside, in the order of time.
    pub(super) script: Vec<Scripted>,
    /// What is expected; absent when only a snapshot is.
    pub(super) expect: Option<Expect>,
}

/// What a snapshot is kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Every event, one line each.
    Trace,
    /// The result, or the error.
    Result,
}

/// The payloads for the waits of the steps that fit a pattern.
#[derive(Clone, Debug)]
pub(super) struct Resume {
    /// An id, an address, or a pattern of either.
    pub pattern: Name,
    pub place: Span,
    /// For the first wait of a step, the second, ...; nobody answers where there is none.
    pub payloads: Vec<Option<Payload>>,
}

/// An answer to a wait.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub data: Data,
    /// How long after the wait began.
    pub after: Millis,
    pub place: Span,
}

/// Something that happens from outside.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    /// How long after the start.
    pub at: Millis,
    pub act: Act,
    pub place: Span,
}

/// What can happen from outside, besides answers.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Deliver { event: Name, data: Data },
    Suspend { reason: Option<Name> },
    Continue,
    Cancel { reason: Option<Name> },
}

/// What is expected of a run.
#[derive(Clone, Debug)]
pub(super) struct Expect {
    pub place: Span,
    /// The status, and where it is written; if it is not, the other expectations say which is meant.
    pub status: (Expected, Option<Span>),
    pub result: Option<Matcher>,
    pub error: Option<Matcher>,
    /// Steps that have run, in this order.
    pub ran: Vec<(Name, Span)>,
    /// Steps that have not run.
    pub skipped: Vec<(Name, Span)>,
    /// All that wait at the end.
    pub waiting: Option<(Vec<(Name, Span)>, Span)>,
    /// How long the run took, in virtual time.
    pub took: Option<(Millis, Span)>,
}

/// The status that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Run(Status),
    /// The run does not even start with this input.
    Rejected,
}

impl Expected {
    /// The words of a test file.
    pub const ALL: [(&'static str, Expected); 5] = [
        ("completed", Expected::Run(Status::Completed)),
        ("error", Expected::Run(Status::Error)),
        ("cancelled", Expected::Run(Status::Cancelled)),
        ("suspended", Expected::Run(Status::Suspended)),
        ("rejected", Expected::Rejected),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Expected::Run(status) => status.as_str(),
            Expected::Rejected => "rejected",
        }
    }
}

impl Case {
    pub(super) fn expects(&self) -> Option<Expected> {
        self.expect.as_ref().map(|expect| expect.status.0)
    }
}
