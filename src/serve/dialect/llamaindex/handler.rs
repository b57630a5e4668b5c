//! Handlers: what a client knows executions by, and what it is told of them.
//!
//! A handler of one execution has that one's id. The second execution under the same id, and those behind it, have ids
//! that follow from the first and their number, so that the newest is found without a search, and of two that would go
//! on at once only one begins.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::classes::{stopped, unwrapped};
use crate::data::Data;
use crate::drive::{Rest, RunHandle};
use crate::graph::{Header, Name, Program, Timestamp};
use crate::run::{EventKind, RunEnd, Status};
use crate::serve::caller::{Caller, Scope};
use crate::serve::problem::Problem;
use crate::serve::service::Service;
use crate::store::{Entry, Filter, is_over};

/// The label of an execution that tells its handler, if that has another id.
pub(super) const HANDLER: &str = "interpret.handler";

/// What the id of a later execution of a handler begins with.
const LATER: &str = "turn-";
/// How many executions with the label of a handler are looked at where its first is forgotten.
const LABELLED: usize = 50;

/// The id of the handler of an execution. A replay has the labels of what it repeats, and yet is a handler of its own.
pub(super) fn id(entry: &Entry) -> &Name {
    let handler = entry.labels.get(HANDLER).filter(|_| entry.run.starts_with(LATER));
    handler.unwrap_or(&entry.run)
}

/// What a handler stands for.
pub(super) struct Found {
    /// Its newest execution.
    pub newest: Entry,
    /// Its first, unless that is forgotten.
    first: Option<Entry>,
    /// How many there have been since the first.
    number: u64,
}

impl Found {
    /// What a caller may know of by the id of a handler.
    pub async fn of(service: &Service, caller: &Caller, id: &Name) -> Result<Found, Problem> {
        caller.may(Scope::Read)?;
        let store = service.driver().store();
        let unknown = || Problem::UnknownExecution(id.to_string());
        let first = store.entry(id).await?;
        let Some(first) = first else {
            // What the first was is forgotten; that is rare, and so is asking for what has never been.
            let labelled = Filter {
                labels: [(HANDLER.into(), id.clone())].into(),
                limit: Some(LABELLED),
                ..Filter::default()
            };
            let labelled = service.list(caller, labelled).await?;
            let newest = labelled.into_iter().find(|entry| self::id(entry) == id);
            let newest = newest.ok_or_else(unknown)?;
            return Ok(Found {
                newest,
                first: None,
                number: 1,
            });
        };
        if self::id(&first) != id {
            return Err(unknown());
        }
        // Twice as far each time, until there is none: then it lies between the last two.
        let (mut number, mut beyond) = (1, 2);
        let mut newest = first.clone();
        while let Some(entry) = store.entry(&later(&first, beyond)).await? {
            (number, newest) = (beyond, entry);
            beyond *= 2;
        }
        while beyond - number > 1 {
            let between = number + (beyond - number) / 2;
            match store.entry(&later(&first, between)).await? {
                Some(entry) => (number, newest) = (between, entry),
                None => beyond = between,
            }
        }
        match caller.may_see(newest.user.as_deref()) {
            true => Ok(Found {
                newest,
                first: Some(first),
                number,
            }),
            false => Err(unknown()),
        }
    }

    /// The id of the execution behind the newest.
    pub fn next(&self) -> Name {
        later(self.first.as_ref().unwrap_or(&self.newest), self.number + 1)
    }

    /// Its executions, the newest first.
    pub fn all(&self) -> impl Iterator<Item = Name> {
        let first = self.first.iter();
        let later = first.flat_map(|first| (2..self.number).rev().map(|number| later(first, number)));
        let oldest = self.first.iter().filter(|_| self.number > 1);
        [self.newest.run.clone()]
            .into_iter()
            .chain(later)
            .chain(oldest.map(|first| first.run.clone()))
    }
}

/// The id of a later execution of the handler that a first one stands for.
fn later(first: &Entry, number: u64) -> Name {
    let mut digest = Sha256::new();
    digest.update(first.run.as_bytes());
    // Another execution may have that id once this one is forgotten.
    digest.update(first.started_at.0.to_le_bytes());
    digest.update(number.to_le_bytes());
    let digits = digest
        .finalize()
        .iter()
        .take(16)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{LATER}{digits}").into()
}

/// A handler as clients are told it.
#[derive(Debug, Serialize)]
pub(super) struct Handler {
    handler_id: Name,
    workflow_name: Name,
    run_id: Name,
    error: Option<Name>,
    result: Option<Data>,
    /// Whether what it has come to can no longer be told.
    result_unreadable: bool,
    status: &'static str,
    started_at: String,
    updated_at: String,
    completed_at: Option<String>,
}

impl Handler {
    /// A handler whose newest execution stands as listings say.
    pub async fn of(service: &Service, entry: &Entry) -> Handler {
        let mut handler = Handler::new(entry);
        if is_over(entry.head.status) {
            match end(service, entry).await {
                Ok((end, program)) => handler.ended(&end, &program.main().header),
                // One that cannot be read hides no other.
                Err(error) => {
                    tracing::warn!(execution = %entry.run, %error, "the end of an execution cannot be read");
                    handler.result_unreadable = true;
                }
            }
        }
        handler
    }

    /// A handler as it begins, whatever has become of it by now: who has begun it is to ask.
    pub fn begun(entry: &Entry) -> Handler {
        Handler {
            status: status(Status::Running),
            updated_at: moment(entry.started_at),
            completed_at: None,
            ..Handler::new(entry)
        }
    }

    /// A handler of an execution that is over, as its driver says.
    pub fn driven(handle: &RunHandle, id: Name, rest: &Rest) -> Handler {
        let mut handler = Handler {
            handler_id: id,
            workflow_name: handle.program().main().header.id.clone(),
            run_id: handle.id().clone(),
            error: None,
            result: None,
            result_unreadable: false,
            status: status(rest.status),
            started_at: moment(rest.started_at),
            updated_at: moment(rest.at),
            completed_at: Some(moment(rest.at)),
        };
        if let Some(end) = &rest.end {
            handler.ended(end, &handle.program().main().header);
        }
        handler
    }

    fn new(entry: &Entry) -> Handler {
        Handler {
            handler_id: id(entry).clone(),
            workflow_name: entry.head.workflow.clone(),
            run_id: entry.run.clone(),
            error: None,
            result: None,
            result_unreadable: false,
            status: status(entry.head.status),
            started_at: moment(entry.started_at),
            updated_at: moment(entry.updated_at),
            completed_at: is_over(entry.head.status).then(|| moment(entry.updated_at)),
        }
    }

    fn ended(&mut self, end: &RunEnd, header: &Header) {
        match end {
            RunEnd::Completed(result) => self.result = Some(stopped(header, result, true)),
            RunEnd::Failed(failure) => self.error = Some(failure.message.clone()),
            RunEnd::Cancelled(reason) => self.error.clone_from(reason),
        }
    }

    /// The same with a result that has no event around it.
    pub fn unwrapped(mut self) -> Handler {
        self.result = self.result.as_ref().map(unwrapped);
        self
    }

    /// The status of HTTP for what it has come to.
    pub fn code(&self) -> StatusCode {
        match self.status {
            _ if self.result_unreadable => StatusCode::UNPROCESSABLE_ENTITY,
            "completed" => StatusCode::OK,
            "running" => StatusCode::ACCEPTED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// How an execution has ended: its last event.
async fn end(service: &Service, entry: &Entry) -> Result<(RunEnd, Arc<Program>), Problem> {
    let driver = service.driver();
    let batches = driver.store().load(&entry.run, entry.seq.saturating_sub(1)).await?;
    let last = batches.last().and_then(|batch| batch.events.last());
    match last.map(|event| &event.kind) {
        Some(EventKind::RunEnded { end }) => Ok((end.clone(), driver.program_of(&entry.run).await?)),
        _ => Err(Problem::Internal(format!("the journal of {} has no end", entry.run))),
    }
}

/// A status in the words of this protocol. Who waits for a person is still running.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Running | Status::Suspended => "running",
        Status::Completed => "completed",
        Status::Error => "failed",
        Status::Cancelled => "cancelled",
    }
}

/// A moment as Python writes it.
fn moment(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    match text.strip_suffix('Z') {
        Some(text) => format!("{text}000+00:00"),
        None => text,
    }
}
