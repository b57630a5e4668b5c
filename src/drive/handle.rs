//! What others hold of a run that is being driven.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::{mpsc, oneshot, watch};

use super::Error;
use crate::data::Data;
use crate::graph::{Name, Program, Timestamp};
use crate::run::{EventKind, Input, PendingWait, Rejection, Run, RunEnd, Spent, Status, Suspension, Tally, Target};
use crate::store::{self, Batch, Store, is_over};

/// A run that is being driven, or was. Cloning it is a reference count.
#[derive(Clone)]
pub struct RunHandle {
    pub(super) id: Name,
    pub(super) program: Arc<Program>,
    pub(super) store: Arc<dyn Store>,
    /// Boxed, since there is room for many and mostly none comes.
    pub(super) inbox: mpsc::Sender<Box<Message>>,
    pub(super) progress: watch::Receiver<Progress>,
}

/// What a run is told, or asked, by others.
pub(super) enum Message {
    Input(Input, oneshot::Sender<Result<(), SendError>>),
    Inspect(Box<dyn FnOnce(&Run) + Send>),
}

/// How far a run is: everything up to here is stored.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub seq: u64,
    pub status: Status,
    /// What it has come to, unless something is going on.
    pub rest: Option<Arc<Rest>>,
    /// Why it is no longer driven, though it is not over.
    pub failed: Option<Error>,
}

/// What a run has come to when nothing is going on in it: its end, or what it waits for.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Its status; never [`Status::Running`].
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
    /// When it came to rest.
    pub at: Timestamp,
    /// How it ended; `None` while it is suspended.
    pub end: Option<RunEnd>,
    /// What it waits for, the oldest first.
    pub waits: Vec<PendingWait>,
    /// The hold from outside, if there is one.
    pub suspension: Option<Suspension>,
    /// What its turns of models have taken so far.
    pub spent: Spent,
    /// How many steps there were.
    pub tally: Tally,
}

impl Rest {
    /// What a run has come to; `None` while something is going on.
    pub fn of(run: &Run, at: Timestamp) -> Option<Rest> {
        let status = run.status();
        (status != Status::Running).then(|| Rest {
            status,
            started_at: run.state().started_at(),
            at,
            end: run.state().end().cloned(),
            waits: run.waits().collect(),
            suspension: run.state().suspension().cloned(),
            spent: run.spent().clone(),
            tally: run.tally(),
        })
    }
}

/// Why an input was not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SendError {
    /// It does not fit; nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It could not be stored. It may be sent again.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It cannot be taken up.
    #[error(transparent)]
    Unreadable(Box<Error>),
    /// The run is over, or nobody drives it.
    #[error("the run is over, or nobody drives it")]
    Gone,
}

impl RunHandle {
    /// The id of the run.
    pub fn id(&self) -> &Name {
        &self.id
    }

    /// Its program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Its status, as far as it is stored.
    pub fn status(&self) -> Status {
        self.progress.borrow().status
    }

    /// How many events are stored.
    pub fn seq(&self) -> u64 {
        self.progress.borrow().seq
    }

    /// Whether somebody drives it still.
    pub(super) fn is_driven(&self) -> bool {
        self.progress.has_changed().is_ok()
    }

    /// Tells the run something. When this returns, what followed is stored.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing has changed.
    pub async fn send(&self, input: Input) -> Result<(), SendError> {
        let (reply, answer) = oneshot::channel();
        self.inbox
            .send(Box::new(Message::Input(input, reply)))
            .await
            .map_err(|_| SendError::Gone)?;
        answer.await.unwrap_or(Err(SendError::Gone))
    }

    /// The same for a run that nobody drives yet: it is the first thing it will hear.
    pub(super) fn tell(&self, input: Input) -> impl Future<Output = Result<(), SendError>> + use<> {
        let (reply, answer) = oneshot::channel();
        // A new inbox has room; were there none, the answer would be that it is gone.
        let _ = self.inbox.try_send(Box::new(Message::Input(input, reply)));
        async move { answer.await.unwrap_or(Err(SendError::Gone)) }
    }

    /// Looks at the run as it is between two turns.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`] when it is over: its journal tells everything.
    pub async fn inspect<T: Send + 'static>(&self, look: impl FnOnce(&Run) -> T + Send + 'static) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        // Who no longer waits for the answer does not need it.
        let look = Box::new(move |run: &Run| drop(reply.send(look(run))));
        let message = Box::new(Message::Inspect(look));
        self.inbox.send(message).await.map_err(|_| Error::Gone)?;
        answer.await.map_err(|_| Error::Gone)
    }

    /// The stored events from a sequence number on, as they come, to the last of the run. They are read from the
    /// journal, so a slow reader neither holds up the run nor takes memory.
    pub fn events(&self, from: u64) -> Events {
        Events {
            run: self.id.clone(),
            store: self.store.clone(),
            progress: self.progress.clone(),
            from,
            loaded: VecDeque::new(),
        }
    }

    /// Waits until the run is over.
    ///
    /// # Errors
    ///
    /// When it is no longer driven, though it is not over.
    pub async fn finished(&self) -> Result<Status, Error> {
        self.reached(is_over).await
    }

    /// Waits until the run is over, or suspended.
    ///
    /// # Errors
    ///
    /// When it is no longer driven, though it is not over.
    pub async fn rested(&self) -> Result<Status, Error> {
        self.reached(|status| status != Status::Running).await
    }

    /// Waits until the run is over, or suspended, and tells what it has come to.
    ///
    /// # Errors
    ///
    /// When it is no longer driven, though it is not over.
    pub async fn rest(&self) -> Result<Arc<Rest>, Error> {
        self.rested().await?;
        let rest = self.progress.borrow().rest.clone();
        // It may have gone on since.
        rest.ok_or(Error::Gone)
    }

    /// The end of the run: its result or error.
    ///
    /// # Errors
    ///
    /// When it is no longer driven, or its last event cannot be read.
    pub async fn end(&self) -> Result<RunEnd, Error> {
        self.finished().await?;
        let mut events = self.events(self.seq().saturating_sub(1));
        while let Some(batch) = events.next().await {
            let last = batch?.events.last().map(|event| event.kind.clone());
            if let Some(EventKind::RunEnded { end }) = last {
                return Ok(end);
            }
        }
        Err(Error::Gone)
    }

    /// Resumes the only wait, or that of a step: a shorthand for [`RunHandle::send`].
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing has changed.
    pub async fn resume(&self, step: Option<Name>, payload: Data) -> Result<(), SendError> {
        let target = step.map(Target::Step);
        self.send(Input::Resume { target, payload }).await
    }

    async fn reached(&self, wanted: impl Fn(Status) -> bool) -> Result<Status, Error> {
        let mut progress = self.progress.clone();
        let reached = progress
            .wait_for(|progress| wanted(progress.status) || progress.failed.is_some())
            .await;
        let reached = reached.map_err(|_| Error::Gone)?;
        match &reached.failed {
            Some(error) => Err(error.clone()),
            None => Ok(reached.status),
        }
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("id", &self.id)
            .field("progress", &*self.progress.borrow())
            .finish_non_exhaustive()
    }
}

/// The events of a run as they are stored.
pub struct Events {
    run: Name,
    store: Arc<dyn Store>,
    progress: watch::Receiver<Progress>,
    from: u64,
    loaded: VecDeque<Batch>,
}

impl Events {
    /// The next events; `None` behind the last of the run.
    ///
    /// # Errors
    ///
    /// When they cannot be read, as when they are no longer kept.
    pub async fn next(&mut self) -> Option<Result<Batch, store::Error>> {
        loop {
            if let Some(batch) = self.loaded.pop_front() {
                let batch = batch.from(self.from);
                self.from = batch.end();
                return Some(Ok(batch));
            }
            let (seq, ended) = {
                let progress = self.progress.borrow_and_update();
                (progress.seq, is_over(progress.status) || progress.failed.is_some())
            };
            if self.from < seq {
                match self.store.load(&self.run, self.from).await {
                    Ok(batches) if batches.is_empty() => {
                        let missing = format!("events from {} on are missing", self.from);
                        return Some(Err(store::Error::Damaged(missing)));
                    }
                    Ok(batches) => self.loaded.extend(batches),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            }
            // Who drove the run is gone without a word: nothing more will come.
            if ended || self.progress.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The same as a stream; it ends behind an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Batch, store::Error>> + Send {
        futures_util::stream::unfold(Some(self), async |events| {
            let mut events = events?;
            let next = events.next().await?;
            let rest = next.is_ok().then_some(events);
            Some((next, rest))
        })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("run", &self.run)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
