//! What executions are told once they have begun.

use std::sync::Arc;

use super::Service;
use crate::data::Data;
use crate::drive::{self, Replay, Rest, RunHandle, SendError, new_run_id};
use crate::graph::{Name, Timestamp};
use crate::run::{EventKind, Status};
use crate::serve::caller::{Caller, Scope};
use crate::serve::problem::Problem;
use crate::store::{self, Request};

impl Service {
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
    pub async fn replay(&self, caller: &Caller, workflow: Option<&str>, replay: Replay) -> Result<RunHandle, Problem> {
        caller.may(Scope::Run)?;
        self.entry(caller, workflow, &replay.of).await?;
        let program = self.driver.program_of(&replay.of).await?;
        Ok(self.driver.start_replay(program, &replay, new_run_id()).await?)
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
