//! What can be done with workflows and executions, whatever protocol asks for it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::caller::{Caller, Scope};
use super::catalog::{Catalog, Environment, Served};
use super::dialect::dify;
use super::problem::Problem;
use crate::data::{Data, Map};
use crate::drive::{self, Driver, Follow, Rest, RunHandle, SendError, new_run_id};
use crate::graph::{Name, Timestamp};
use crate::load::Loaded;
use crate::run::{EventKind, Labels, Run, Start, Status};
use crate::secret::Secrets;
use crate::store::{self, Entry, Filter, Request};

/// The label that tells what an execution with an idempotency key was asked for.
const ASKED: &str = "interpret.idempotency";
/// The longest id that a caller may give to an execution.
const LONGEST_ID: usize = 200;

/// Workflows and executions, as every protocol sees them.
pub struct Service {
    driver: Driver,
    catalog: RwLock<Arc<Catalog>>,
    environment: Box<Environment>,
    /// How many executions may go on at once.
    most_running: usize,
    /// How long a body may take to arrive.
    body_time: Duration,
    stopping: watch::Receiver<bool>,
    /// Told when something else is served.
    changed: watch::Sender<()>,
    secrets: Arc<Secrets>,
    dify: dify::Kept,
}

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

/// An execution as it stands.
#[derive(Debug)]
pub struct Look {
    /// What listings know of it.
    pub entry: Entry,
    /// Where it stands.
    pub run: Run,
}

impl Service {
    pub(super) fn new(
        driver: Driver,
        environment: Box<Environment>,
        most_running: usize,
        body_time: Duration,
        stopping: watch::Receiver<bool>,
        secrets: Arc<Secrets>,
    ) -> Service {
        Service {
            driver,
            catalog: RwLock::default(),
            environment,
            most_running,
            body_time,
            stopping,
            changed: watch::Sender::new(()),
            secrets,
            dify: dify::Kept::new(dify::Dify::default()),
        }
    }

    /// The same with what Dify's protocol needs to know.
    pub(super) fn with_dify(self, dify: dify::Dify) -> Service {
        Service {
            dify: dify::Kept::new(dify),
            ..self
        }
    }

    /// What is kept of Dify's protocol.
    pub(super) fn dify(&self) -> &dify::Kept {
        &self.dify
    }

    /// How long a body may take to arrive.
    pub(super) fn body_time(&self) -> Duration {
        self.body_time
    }

    /// Tells when something else is served.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The secrets that deliveries are signed with.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Whether the server is about to end; streams end then.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// The driver below.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// What is served at the moment.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves what was loaded from now on; what goes on goes on as it began. Gives what is wrong with workflows that
    /// are not served, or are served as they were before.
    ///
    /// # Errors
    ///
    /// When the store does not keep the definitions; then nothing has changed.
    pub async fn serve(&self, loaded: &Loaded) -> Result<Vec<String>, store::Error> {
        let (catalog, wrong) = Catalog::new(loaded, &self.catalog(), &*self.environment);
        for served in catalog.all() {
            self.driver.store().keep(served.definition.clone()).await?;
            self.driver.learn(served.program.clone());
        }
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        self.changed.send_replace(());
        Ok(wrong)
    }

    /// Keeps what is served again, since what nothing has used for long is forgotten.
    ///
    /// # Errors
    ///
    /// When the store does not keep it.
    pub async fn keep(&self) -> Result<(), store::Error> {
        for served in self.catalog().all() {
            self.driver.store().keep(served.definition.clone()).await?;
        }
        Ok(())
    }

    /// A workflow that is served.
    ///
    /// # Errors
    ///
    /// There is none of that id and version.
    pub fn workflow(&self, id: &str, version: Option<&str>) -> Result<Arc<Served>, Problem> {
        let catalog = self.catalog();
        let found = catalog.get(id, version).cloned();
        found.ok_or_else(|| Problem::UnknownWorkflow(id.to_owned()))
    }

    /// Begins an execution; when this returns, it is stored. With an idempotency key that was used for the same
    /// request, the execution of then is given.
    ///
    /// # Errors
    ///
    /// [`Problem`]; then there is no such execution.
    pub async fn begin(&self, caller: &Caller, begin: Begin) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        let served = self.workflow(&begin.workflow, begin.version.as_deref())?;
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

    /// Waits until an execution is over or waits for somebody, and tells what it has come to.
    ///
    /// # Errors
    ///
    /// When it cannot be driven on here.
    pub async fn rest(&self, handle: &RunHandle) -> Result<Arc<Rest>, Problem> {
        match handle.rest().await {
            Ok(rest) => Ok(rest),
            // It was unloaded, or goes on already.
            Err(drive::Error::Gone) => {
                let run = self.driver.look(handle.id()).await?;
                let entry = self.driver.store().entry(handle.id()).await?;
                let at = entry.map_or_else(|| self.driver.clock().now(), |entry| entry.updated_at);
                match Rest::of(&run, at) {
                    Some(rest) => Ok(Arc::new(rest)),
                    None => Ok(self.driver.take_up(handle.id()).await?.rest().await?),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What listings know of an execution that the caller may know of.
    ///
    /// # Errors
    ///
    /// There is none, or it is of another workflow.
    pub async fn entry(&self, caller: &Caller, workflow: Option<&str>, run: &Name) -> Result<Entry, Problem> {
        caller.may(Scope::Read)?;
        let unknown = || Problem::UnknownExecution(run.to_string());
        let entry = self.driver.store().entry(run).await?.ok_or_else(unknown)?;
        let of = workflow.is_none_or(|workflow| *entry.head.workflow == *workflow);
        match of && caller.may_see(entry.user.as_deref()) {
            true => Ok(entry),
            false => Err(unknown()),
        }
    }

    /// An execution as it stands.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    pub async fn look(&self, caller: &Caller, workflow: Option<&str>, run: &Name) -> Result<Look, Problem> {
        let entry = self.entry(caller, workflow, run).await?;
        let run = self.driver.look(run).await?;
        Ok(Look { entry, run })
    }

    /// Executions that the caller may know of, the youngest first.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    pub async fn list(&self, caller: &Caller, mut filter: Filter) -> Result<Vec<Entry>, Problem> {
        caller.may(Scope::Read)?;
        match (caller.only(), &filter.user) {
            (Some(own), Some(asked)) if own != asked => return Ok(Vec::new()),
            (Some(own), _) => filter.user = Some(own.clone()),
            (None, _) => {}
        }
        Ok(self.driver.store().list(filter).await?)
    }

    /// Answers what an execution waits for, or lets one go on that is held; when this returns, that is stored.
    ///
    /// # Errors
    ///
    /// [`Problem::Conflict`] when somebody else has answered already; [`Problem::NotSuspended`] when it has never waited.
    pub async fn resume(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
        step: Option<Name>,
        payload: Option<Data>,
    ) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        let look = self.look(caller, workflow, run).await?;
        let held = look.run.state().suspension().is_some();
        let waits = look.run.waits().next().is_some();
        if held {
            let handle = self.tell(run, Request::Continue).await?;
            if payload.is_none() || !waits {
                return Ok(handle);
            }
        }
        let request = Request::Resume {
            step: step.clone(),
            payload: payload.unwrap_or_default(),
        };
        match self.tell(run, request).await {
            Err(Problem::Conflict(why)) => match self.has_waited(run).await? {
                true => Err(Problem::Conflict(why)),
                false => Err(Problem::NotSuspended(run.to_string())),
            },
            told => told,
        }
    }

    /// Delivers a named event to an execution.
    ///
    /// # Errors
    ///
    /// There is no such execution, or it is over.
    pub async fn deliver(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
        event: Name,
        data: Data,
    ) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        self.entry(caller, workflow, run).await?;
        self.tell(run, Request::Deliver { event, data }).await
    }

    /// Holds an execution: nothing more starts.
    ///
    /// # Errors
    ///
    /// [`Problem::NotSuspendable`] when it is over or suspended already.
    pub async fn suspend(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
        reason: Option<Name>,
    ) -> Result<Timestamp, Problem> {
        caller.may(Scope::Run)?;
        let entry = self.entry(caller, workflow, run).await?;
        let not = |status: Status| Problem::NotSuspendable(format!("Execution {run} is {} already", status.as_str()));
        if entry.head.status != Status::Running {
            return Err(not(entry.head.status));
        }
        match self.tell(run, Request::Suspend { reason }).await {
            Ok(_) => {
                let held = self.driver.look(run).await?;
                let suspension = held.state().suspension();
                Ok(suspension.map_or_else(|| self.driver.clock().now(), |held| held.at))
            }
            Err(Problem::Conflict(_)) => Err(not(Status::Completed)),
            Err(problem) => Err(problem),
        }
    }

    /// Cancels an execution; when this returns, its cleanups are done.
    ///
    /// # Errors
    ///
    /// [`Problem::Conflict`] when it is over.
    pub async fn cancel(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
        reason: Option<Name>,
    ) -> Result<Arc<Rest>, Problem> {
        caller.may(Scope::Run)?;
        let entry = self.entry(caller, workflow, run).await?;
        if store::is_over(entry.head.status) {
            let status = entry.head.status.as_str();
            return Err(Problem::Conflict(format!("Execution {run} is over already: {status}")));
        }
        let handle = self.tell(run, Request::Cancel { reason }).await?;
        self.rest(&handle).await
    }

    /// Goes on with an execution that has failed, from the step that failed.
    ///
    /// # Errors
    ///
    /// [`Problem::Conflict`] when it has not failed.
    pub async fn retry(&self, caller: &Caller, workflow: Option<&str>, run: &Name) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        let entry = self.entry(caller, workflow, run).await?;
        if entry.head.status != Status::Error {
            return Err(Problem::Conflict(format!(
                "Execution {run} has not failed: it is {}",
                entry.head.status.as_str()
            )));
        }
        Ok(self.driver.retry(run).await?)
    }

    /// Begins an execution with what happened in another one before a step of it.
    ///
    /// # Errors
    ///
    /// No such execution, or that step has not begun in it.
    pub async fn replay(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
        step: &Name,
    ) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        self.entry(caller, workflow, run).await?;
        let program = self.driver.program_of(run).await?;
        Ok(self.driver.start_replay(program, run, new_run_id(), step).await?)
    }

    /// The events of an execution as they come.
    ///
    /// # Errors
    ///
    /// There is no such execution, or its definition is lost.
    pub async fn follow(
        &self,
        caller: &Caller,
        workflow: Option<&str>,
        run: &Name,
    ) -> Result<(Arc<crate::graph::Program>, Follow), Problem> {
        self.entry(caller, workflow, run).await?;
        let program = self.driver.program_of(run).await?;
        Ok((program, self.driver.follow(run.clone(), 0)))
    }

    /// Tells an execution something, whoever drives it.
    async fn tell(&self, run: &Name, request: Request) -> Result<RunHandle, Problem> {
        match self.driver.send(run, request.clone().into()).await {
            Ok(handle) => Ok(handle),
            Err(SendError::Store(store::Error::Owned { .. })) => {
                drive::ask(self.driver.store(), run, request)
                    .await
                    .map_err(|error| match error {
                        drive::AskError::Refused(why) => Problem::Conflict(why),
                        drive::AskError::Unanswered => Problem::Unavailable(error.to_string()),
                        drive::AskError::Store(error) => error.into(),
                    })?;
                Ok(self.driver.take_up(run).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an execution has ever waited for somebody.
    async fn has_waited(&self, run: &Name) -> Result<bool, Problem> {
        let mut from = 0;
        loop {
            let page = self.driver.store().load(run, from).await?;
            let Some(last) = page.last() else { return Ok(false) };
            from = last.end();
            let mut events = page.iter().flat_map(|batch| batch.events.iter());
            if events.any(|event| matches!(event.kind, EventKind::WaitStarted { .. } | EventKind::Suspended { .. })) {
                return Ok(true);
            }
        }
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
