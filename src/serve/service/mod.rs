//! What can be done with workflows and executions, whatever protocol asks for it.

mod act;
mod begin;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::Settings;
use super::caller::{Caller, Scope};
use super::catalog::{Catalog, Environment, Served};
use super::dialect::dify;
use super::problem::Problem;
use crate::data::Data;
use crate::drive::{self, Driver, Follow, Live, Rest, RunHandle};
use crate::graph::{Name, Timestamp};
use crate::load::Loaded;
use crate::run::Run;
use crate::secret::Secrets;
use crate::store::{self, Entry, Filter};

pub use begin::Begin;

/// Workflows and executions, as every protocol sees them.
pub struct Service {
    driver: Driver,
    catalog: RwLock<Arc<Catalog>>,
    environment: Box<Environment>,
    /// How many executions may go on at once.
    most_running: usize,
    /// The largest body of a request, in bytes.
    largest_body: usize,
    /// How long a body may take to arrive.
    body_time: Duration,
    stopping: watch::Receiver<bool>,
    /// Told when something else is served.
    changed: watch::Sender<()>,
    secrets: Arc<Secrets>,
    live: Live,
    dify: dify::Kept,
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
    pub(super) fn new(driver: Driver, settings: Settings, stopping: watch::Receiver<bool>) -> Service {
        Service {
            driver,
            catalog: RwLock::default(),
            environment: settings.environment,
            most_running: settings.most_running,
            largest_body: settings.largest_body,
            body_time: settings.body_time,
            stopping,
            changed: watch::Sender::new(()),
            secrets: settings.secrets,
            live: settings.live,
            dify: dify::Kept::new(settings.dify),
        }
    }

    /// The largest body of a request, in bytes.
    pub(super) fn largest_body(&self) -> usize {
        self.largest_body
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

    /// The text of agents while it comes.
    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    /// Whether the server is about to end; streams end then.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// The environment variables that a program may read.
    pub(super) fn environment(&self, program: &crate::graph::Program) -> Data {
        (self.environment)(program)
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
        self.release().await;
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

    /// Forgets executions that have been over for so long, and the definitions that no other has; how many executions
    /// there were.
    ///
    /// # Errors
    ///
    /// When the store does not forget them.
    pub async fn expire(&self, keep: Duration) -> Result<usize, store::Error> {
        let (store, now) = (self.driver.store(), self.driver.clock().now());
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let forgotten = store::forget(&**store, Timestamp(now.0.saturating_sub(keep))).await?;
        store::forget_definitions(&**store, now).await?;
        Ok(forgotten)
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
}
