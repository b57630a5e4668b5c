//! Executions that begin.

use sha2::{Digest, Sha256};

use super::Service;
use crate::data::{Data, Map};
use crate::drive::{self, RunHandle, new_run_id};
use crate::graph::Name;
use crate::run::{Labels, Start};
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::problem::Problem;

/// The label that tells what an execution with an idempotency key was asked for.
const ASKED: &str = "interpret.idempotency";
/// The longest id that a caller may give to an execution.
const LONGEST_ID: usize = 200;

/// With what an execution begins.
#[derive(Debug)]
pub struct Begin {
    /// The id of the workflow.
    pub workflow: Name,
    /// Its version; the highest if it is absent.
    pub version: Option<Name>,
    /// Its input.
    pub input: Data,
    /// The id it is to have.
    pub execution: Option<Name>,
    /// For whom it runs.
    pub user: Option<Name>,
    /// The conversation it belongs to.
    pub conversation: Option<Name>,
    /// What the caller says besides.
    pub context: Data,
    /// State from an earlier execution.
    pub state: Option<Data>,
    /// What it is marked with.
    pub labels: Labels,
    /// With the same key, the same request is done once.
    pub idempotency: Option<String>,
}

impl Begin {
    /// A beginning with an input and nothing else.
    pub fn new(workflow: impl Into<Name>, input: Data) -> Begin {
        Begin {
            workflow: workflow.into(),
            version: None,
            input,
            execution: None,
            user: None,
            conversation: None,
            context: Data::from(Map::new()),
            state: None,
            labels: Labels::new(),
            idempotency: None,
        }
    }
}

impl Service {
    /// Begins an execution; when this returns, it is stored. With an idempotency key that was used for the same
    /// request, the execution of then is given.
    ///
    /// # Errors
    ///
    /// [`Problem`]; then there is no such execution.
    pub async fn begin(&self, caller: &Caller, begin: Begin) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        let served = self.workflow(&begin.workflow, begin.version.as_deref())?;
        self.begin_with(caller, &served, begin).await
    }

    /// The same with a definition of the workflow, be it served or not.
    pub(in crate::serve) async fn begin_with(
        &self,
        caller: &Caller,
        served: &Served,
        begin: Begin,
    ) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        if self.driver.running() >= self.most_running {
            return Err(Problem::Busy);
        }
        let user = caller.acts_for(begin.user.clone())?;
        if let Some(id) = &begin.execution {
            check_id(id)?;
        }
        let mut labels = begin.labels;
        let key = begin.idempotency.as_ref().map(|key| Key {
            id: idempotent_id(key, &begin.workflow, user.as_deref()),
            asked: hash(&[&begin.input.to_string(), &begin.context.to_string()]),
        });
        let run = match (&begin.execution, &key) {
            (Some(id), _) => id.clone(),
            (None, Some(key)) => key.id.clone(),
            (None, None) => new_run_id(),
        };
        if let Some(key) = &key {
            labels.insert(ASKED.into(), format!("{} {}", key.id, key.asked).into());
        }
        let start = Start {
            run: run.clone(),
            input: begin.input,
            context: begin.context,
            state: begin.state,
            env: served.env.clone(),
            user,
            conversation: begin.conversation,
            labels,
            trace: drive::incoming(),
        };
        match self.driver.start(served.program.clone(), start).await {
            Ok(handle) => Ok(handle),
            Err(drive::StartError::Exists(_)) if key.is_some() => self.begun(caller, &run, key).await,
            Err(error) => Err(error.into()),
        }
    }

    /// The execution that the same request has begun before.
    async fn begun(&self, caller: &Caller, run: &Name, key: Option<Key>) -> Result<RunHandle, Problem> {
        let entry = self.entry(caller, None, run).await?;
        let asked = key.map(|key| format!("{} {}", key.id, key.asked));
        if entry.labels.get(ASKED).map(|label| &**label) != asked.as_deref() {
            return Err(Problem::Conflict(
                "the Idempotency-Key was used for another request".to_owned(),
            ));
        }
        Ok(self.driver.take_up(run).await?)
    }
}

/// An idempotency key, as it is kept.
struct Key {
    /// The id of the execution, unless the caller names one.
    id: Name,
    /// What was asked.
    asked: String,
}

fn idempotent_id(key: &str, workflow: &str, user: Option<&str>) -> Name {
    format!("key-{}", &hash(&[key, workflow, user.unwrap_or_default()])[..32]).into()
}

fn hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Ids of executions stand in URLs, logs and headers.
fn check_id(id: &str) -> Result<(), Problem> {
    let fits = |char: char| char.is_ascii_alphanumeric() || "-_.:".contains(char);
    match !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(fits) {
        true => Ok(()),
        false => Err(Problem::Malformed(format!(
            "an execution id has up to {LONGEST_ID} letters, digits, `-`, `_`, `.` and `:`"
        ))),
    }
}
