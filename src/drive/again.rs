//! Runs again: a failed one from the step that failed, and the beginning of one as the beginning of another.

use std::sync::Arc;

use super::{Driver, Error, RunHandle, SendError, Session, StartError};
use crate::data::Data;
use crate::graph::{Name, Program, Timestamp};
use crate::run::{Event, EventKind, Input, Instead, Run, ScopeId, Started, Tracer};
use crate::store;

/// The label with the run of which another one has the beginning.
pub const REPLAYED_FROM: &str = "interpret.replayed-from";
/// The label with the step that it goes on with.
pub const REPLAYED_STEP: &str = "interpret.replayed-step";

/// Where a run begins that has the beginning of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The other run.
    pub of: Name,
    /// The step before which it begins, for the first time: its address, or its id.
    pub step: Name,
    /// The `data` that this step is to begin on; what it was by default.
    pub data: Option<Data>,
    /// The state of its workflow; what it was by default.
    pub state: Option<Data>,
}

impl Replay {
    /// A beginning before a step, where everything is as it was.
    pub fn new(of: Name, step: Name) -> Replay {
        Replay {
            of,
            step,
            data: None,
            state: None,
        }
    }
}

/// Why a run is not begun with the beginning of another.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// The other run cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
    /// No step of that name has begun in it.
    #[error("no step `{step}` has begun in the run `{run}`")]
    NoSuchStep {
        /// What was asked for.
        step: Name,
        /// The run.
        run: Name,
    },
    /// The new one does not begin.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<store::Error> for ReplayError {
    fn from(error: store::Error) -> ReplayError {
        ReplayError::Unreadable(Error::Store(error))
    }
}

impl Driver {
    /// Goes on with a stored run that has failed, from the step that failed, in a task of its own. When this returns,
    /// that is stored.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing has changed.
    pub async fn retry(&self, run: &Name) -> Result<RunHandle, SendError> {
        let unreadable = |error| SendError::Unreadable(Box::new(error));
        let program = self.program_of(run).await.map_err(unreadable)?;
        let mut session = self.reopen(program, run).await.map_err(unreadable)?;
        session.send(Input::Retry, &mut |_, _| {}).await?;
        Ok(self.spawn(session))
    }

    /// Begins a run with what happened in another one before a step began for the first time. Times stay what they were.
    /// The caller drives it in its own task.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]; then there is no such run.
    pub async fn replay(
        &self,
        program: Arc<Program>,
        replay: &Replay,
        id: Name,
        observe: &mut impl FnMut(&[Event], &Run),
    ) -> Result<Session, ReplayError> {
        let missing = self.shared.missing(&program);
        if !missing.is_empty() {
            return Err(Error::NotPermitted(missing).into());
        }
        let (events, scope) = self.up_to(&program, replay, &id).await?;
        let run = Run::replay(program, &events).map_err(|corrupt| Error::Corrupt(corrupt.into()))?;
        let since = events.last().map_or(Timestamp(i64::MIN), |event| event.at);
        let Replay { of, data, state, .. } = replay.clone();
        let instead = (data.is_some() || state.is_some()).then(|| Box::new(Instead { scope, data, state }));
        let goes_on = Input::Replay { of, since, instead };
        Ok(Session::begin_with(self.shared.clone(), run, events, goes_on, id, observe).await?)
    }

    /// The same, driven in a task of its own.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]; then there is no such run.
    pub async fn start_replay(
        &self,
        program: Arc<Program>,
        replay: &Replay,
        id: Name,
    ) -> Result<RunHandle, ReplayError> {
        let session = self.replay(program, replay, id, &mut |_, _| {}).await?;
        Ok(self.spawn(session))
    }

    /// The events of a run before a step of it began, as those of a run with another id, and where it began.
    async fn up_to(
        &self,
        program: &Arc<Program>,
        replay: &Replay,
        id: &Name,
    ) -> Result<(Vec<Event>, ScopeId), ReplayError> {
        let Replay { of, step, .. } = replay;
        let mut tracer = Tracer::new(program.clone());
        let mut events = Vec::new();
        loop {
            let page = self.shared.store.load(of, events.len() as u64).await?;
            if page.is_empty() {
                let (step, run) = (step.clone(), of.clone());
                return Err(ReplayError::NoSuchStep { step, run });
            }
            for batch in page {
                for event in batch.from(events.len() as u64).events.iter() {
                    let told = tracer.follow(event);
                    let told = told.map_err(|corrupt| Error::Corrupt(corrupt.into()))?;
                    if let EventKind::StepStarted { scope, node, .. } | EventKind::StepSkipped { scope, node } =
                        &event.kind
                        && (program.step(*node).node.id == *step
                            || told.is_some_and(|told| told.step.as_deref() == Some(&**step)))
                    {
                        return Ok((events, *scope));
                    }
                    events.push(renamed(event, id, replay));
                }
            }
        }
    }
}

/// An event as one of a run with another id.
fn renamed(event: &Event, id: &Name, replay: &Replay) -> Event {
    match &event.kind {
        EventKind::RunStarted(started) => {
            let mut started = Started::clone(started);
            started.run = id.clone();
            started.labels.insert(REPLAYED_FROM.into(), replay.of.clone());
            started.labels.insert(REPLAYED_STEP.into(), replay.step.clone());
            // It is no part of what the other belonged to.
            started.trace = None;
            let kind = EventKind::RunStarted(Arc::new(started));
            Event { at: event.at, kind }
        }
        _ => event.clone(),
    }
}
