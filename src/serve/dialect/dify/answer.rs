//! Where a run stands, as clients are told.

use super::{Statuses, human, ids};
use crate::data;
use crate::data::{Data, Map};
use crate::drive::{Rest, RunHandle};
use crate::graph::{Name, Timestamp};
use crate::run::{Failure, Run, RunEnd, Status, Tally, Wait};
use crate::store::{Entry, is_over};

/// Where a run stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub run: Name,
    /// The id of the version that it runs.
    pub version: String,
    status: Status,
    /// Whether it waits for a person.
    asks: bool,
    end: Option<RunEnd>,
    tokens: u64,
    tally: Tally,
    started: Timestamp,
    /// When it ended, or now.
    at: Timestamp,
}

impl Standing {
    /// A run at some moment.
    pub fn of(run: &Run, at: Timestamp) -> Standing {
        let id = run.state().started().map(|started| started.run.clone());
        Standing {
            run: id.unwrap_or_default(),
            version: ids::version(&run.program().hash),
            status: run.status(),
            asks: human::waits(run).next().is_some(),
            end: run.state().end().cloned(),
            tokens: run.spent().usage.total(),
            tally: run.tally(),
            started: run.state().started_at(),
            at,
        }
    }

    /// What a run has come to.
    pub fn at_rest(handle: &RunHandle, rest: &Rest) -> Standing {
        Standing {
            run: handle.id().clone(),
            version: ids::version(&handle.program().hash),
            status: rest.status,
            asks: rest.waits.iter().any(|wait| matches!(&*wait.wait, Wait::Resume { .. })),
            end: rest.end.clone(),
            tokens: rest.spent.usage.total(),
            tally: rest.tally,
            started: rest.started_at,
            at: rest.at,
        }
    }

    /// A run whose journal cannot be read: only what listings know.
    pub fn unreadable(entry: &Entry) -> Standing {
        Standing {
            run: entry.run.clone(),
            version: ids::version(&entry.program),
            status: entry.head.status,
            asks: false,
            end: None,
            tokens: 0,
            tally: Tally::default(),
            started: entry.started_at,
            at: entry.updated_at,
        }
    }

    /// Whether it waits for a person, and nothing else goes on.
    pub fn is_paused(&self) -> bool {
        self.status == Status::Suspended && self.asks
    }

    /// The word for where it stands.
    pub fn word(&self, statuses: Statuses) -> &'static str {
        let all = statuses == Statuses::All;
        match self.status {
            Status::Suspended if all && self.asks => "paused",
            Status::Running | Status::Suspended => "running",
            Status::Completed if all && self.tally.handled > 0 => "partial-succeeded",
            Status::Completed => "succeeded",
            Status::Error => "failed",
            Status::Cancelled => "stopped",
        }
    }

    /// The outputs: an object, or null when there are none.
    pub fn outputs(&self) -> Data {
        match &self.end {
            Some(RunEnd::Completed(Data::Null)) => data!({}),
            Some(RunEnd::Completed(result)) => as_object(result, "output"),
            _ => Data::Null,
        }
    }

    pub fn error(&self) -> Data {
        match &self.end {
            Some(RunEnd::Failed(failure)) => Data::from(told(failure)),
            Some(RunEnd::Cancelled(reason)) => Data::from(reason.clone()),
            _ => Data::Null,
        }
    }

    pub fn finished_at(&self) -> Data {
        Data::from(is_over(self.status).then(|| seconds(self.at)))
    }

    /// How long it took, or has taken so far, in seconds.
    pub fn elapsed(&self) -> f64 {
        took(self.started, self.at)
    }

    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    pub fn steps(&self) -> u32 {
        self.tally.steps
    }

    pub fn handled(&self) -> u32 {
        self.tally.handled
    }

    pub fn started(&self) -> i64 {
        seconds(self.started)
    }

    /// The entries that every description of a run has.
    pub fn common(&self, statuses: Statuses) -> Vec<(Name, Data)> {
        vec![
            ("id".into(), Data::Text(self.run.clone())),
            ("workflow_id".into(), Data::from(self.version.as_str())),
            ("status".into(), Data::from(self.word(statuses))),
            ("outputs".into(), self.outputs()),
            ("error".into(), self.error()),
            ("elapsed_time".into(), Data::from(self.elapsed())),
            ("total_tokens".into(), Data::from(self.tokens)),
            ("total_steps".into(), Data::from(self.tally.steps)),
            ("created_at".into(), Data::from(self.started())),
            ("finished_at".into(), self.finished_at()),
        ]
    }

    /// A run in full.
    pub fn detail(&self, run: &Run, statuses: Statuses) -> Data {
        let mut entries = self.common(statuses);
        for (key, value) in &mut entries {
            // Those who read this expect an object, whatever came of the run.
            if &**key == "outputs" && value.is_null() {
                *value = data!({});
            }
        }
        let input = run.state().started().map(|started| as_object(&started.input, "input"));
        entries.push(("inputs".into(), Data::from(input.unwrap_or_default().to_string())));
        if self.is_paused() {
            entries.extend(human::pause(run));
        }
        entries.into_iter().collect()
    }
}

/// An error in one line.
pub(super) fn told(failure: &Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

/// A value where only an object may stand: under a key, unless it is one.
pub(super) fn as_object(value: &Data, key: &str) -> Data {
    match value {
        Data::Map(_) => value.clone(),
        other => Data::from([(Name::from(key), other.clone())].into_iter().collect::<Map>()),
    }
}

/// A moment as Dify writes it: whole seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// Seconds between two moments.
pub(super) fn took(from: Timestamp, to: Timestamp) -> f64 {
    to.since(from).0 as f64 / 1000.0
}
