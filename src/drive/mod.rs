//! The driver: makes the outside world equal to what runs ask for.
//!
//! One loop drives a run: it hands an input and the time to the run, stores the events that follow, publishes them, and
//! then starts and stops calls until those in flight are those of [`Run::calls`]. Nothing is published or started
//! before it is stored. If storing fails, the run in memory is worth nothing: it is dropped and replayed from its
//! journal, and outcomes of calls that were not stored are handed to it again.
//!
//! Calls in flight are futures in the loop's own task, so whatever drops the loop stops them all.
#![allow(clippy::disallowed_methods, reason = "a run may be driven in a task of its own")]

mod again;
mod calls;
mod conversation;
mod follow;
mod handle;
mod live;
mod observe;
mod outside;
mod recover;
mod session;
mod snapshot;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::clock::{Clock, SystemClock, VirtualClock};
pub use again::{REPLAYED_FROM, REPLAYED_STEP, Replay, ReplayError};
pub use follow::Follow;
pub use handle::{Events, Rest, RunHandle, SendError};
pub use live::{Listener, Live, Piece};
pub use observe::{Following, Observer, incoming, within};
pub use outside::{AskError, ask};
pub use recover::{Programs, Recovered};
pub use session::Session;

use tokio::sync::{Notify, oneshot, watch};

use crate::graph::{Name, Program};
use crate::permit::{Denied, Permit};
use crate::provider::Provider;
use crate::run::{Event, Rejection, Run, Start};
use crate::store::{self, Store};

/// Drives runs. Cloning it is a reference count.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    provider: Arc<dyn Provider>,
    clock: Arc<dyn Clock>,
    permit: Option<Arc<Permit>>,
    observer: Option<Arc<dyn Observer>>,
    /// The runs that are driven in tasks of their own.
    runs: Mutex<HashMap<Name, RunHandle>>,
    programs: Option<Programs>,
    /// Who waits for runs to be driven here.
    awaited: Mutex<HashMap<Name, Vec<oneshot::Sender<RunHandle>>>>,
    /// Programs that were made again from their definitions.
    known: Mutex<HashMap<Name, Arc<Program>>>,
    /// Told when a run has been unloaded.
    unloaded: Notify,
    /// All runs that are driven here, in whatever task, for requests of others.
    sessions: Mutex<HashMap<Name, RunHandle>>,
    /// Held while requests are done and answered.
    answering: tokio::sync::Mutex<()>,
    /// Whether nothing new is to be called.
    draining: watch::Sender<bool>,
}

/// Why a run did not begin.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StartError {
    /// Its files ask for what the operator has not granted (rule 40).
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotPermitted(Vec<Denied>),
    /// The input does not fit.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is a run of that id.
    #[error("there is a run `{0}` already")]
    Exists(Name),
    /// It could not be stored, so it is as if it had never begun.
    #[error(transparent)]
    Store(store::Error),
}

/// Why a run is no longer driven, though it is not over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Its events cannot be stored.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Its journal does not fit its definition, or is damaged.
    #[error("the run cannot be continued: {0}")]
    Corrupt(Rejection),
    /// It was started with another definition.
    #[error("the run was started with the definition {pinned}, not {given}")]
    WrongDefinition {
        /// The hash it is pinned to.
        pinned: Name,
        /// The hash of what it was to be continued with.
        given: Name,
    },
    /// Its files ask for what the operator has not granted (rule 40).
    #[error("the workflow asks for what is not granted: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotPermitted(Vec<Denied>),
    /// The store does not keep the definition it is pinned to.
    #[error("the definition {0} is not kept")]
    NoDefinition(Name),
    /// No program can be made of that definition.
    #[error("the definition {hash} cannot be used: {why}")]
    Definition {
        /// Its hash.
        hash: Name,
        /// Why.
        why: String,
    },
    /// Whoever drove it is gone.
    #[error("the run is no longer driven")]
    Gone,
}

impl Driver {
    /// A driver over a store, with a provider for calls and a clock.
    pub fn new(store: Arc<dyn Store>, provider: Arc<dyn Provider>, clock: Arc<dyn Clock>) -> Driver {
        Driver {
            shared: Arc::new(Shared {
                store,
                provider,
                clock,
                permit: None,
                observer: None,
                runs: Mutex::default(),
                awaited: Mutex::default(),
                programs: None,
                known: Mutex::default(),
                unloaded: Notify::new(),
                sessions: Mutex::default(),
                answering: tokio::sync::Mutex::default(),
                draining: watch::Sender::new(false),
            }),
        }
    }

    /// The same, which refuses runs whose files ask for more than a permit grants.
    #[must_use]
    pub fn with_permit(self, permit: Arc<Permit>) -> Driver {
        self.with(|shared| shared.permit = Some(permit))
    }

    /// The same, whose runs somebody follows.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Driver {
        self.with(|shared| shared.observer = Some(observer))
    }

    /// Lets go of what calls have left open, and has whoever follows the runs pass on what is known so far. To be called
    /// before the program ends.
    ///
    /// # Errors
    ///
    /// Why nobody could be told.
    pub async fn close(&self) -> Result<(), String> {
        self.shared.provider.close().await;
        match &self.shared.observer {
            Some(observer) => observer.flush().await,
            None => Ok(()),
        }
    }

    /// The same, which finds programs by the definitions that its store keeps. It unloads runs that wait for somebody:
    /// they then cost nothing but disk; [`Driver::send`] and [`Driver::tend`] take them up again.
    #[must_use]
    pub fn with_programs(self, programs: Programs) -> Driver {
        self.with(|shared| shared.programs = Some(programs))
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Driver {
        let Shared {
            store,
            provider,
            clock,
            permit,
            observer,
            programs,
            ..
        } = &*self.shared;
        let mut shared = Shared {
            store: store.clone(),
            provider: provider.clone(),
            clock: clock.clone(),
            permit: permit.clone(),
            observer: observer.clone(),
            runs: Mutex::default(),
            awaited: Mutex::default(),
            programs: programs.clone(),
            known: Mutex::default(),
            unloaded: Notify::new(),
            sessions: Mutex::default(),
            answering: tokio::sync::Mutex::default(),
            draining: watch::Sender::new(false),
        };
        change(&mut shared);
        Driver {
            shared: Arc::new(shared),
        }
    }

    /// Begins a run that the caller drives, in its own task. `observe` is told of every batch of events once it is
    /// stored.
    ///
    /// # Errors
    ///
    /// [`StartError`]; then there is no such run.
    pub async fn open(
        &self,
        program: Arc<Program>,
        start: Start,
        observe: &mut impl FnMut(&[Event], &Run),
    ) -> Result<Session, StartError> {
        let missing = self.shared.missing(&program);
        if !missing.is_empty() {
            return Err(StartError::NotPermitted(missing));
        }
        Session::start(self.shared.clone(), program, start, observe).await
    }

    /// Takes up a run from its journal, for the caller to drive in its own task.
    ///
    /// # Errors
    ///
    /// When the journal cannot be loaded, or is not one of this program, or somebody else drives the run, or its files
    /// ask for what is not granted here: going on would only make it fail.
    pub async fn reopen(&self, program: Arc<Program>, run: &Name) -> Result<Session, Error> {
        let missing = self.shared.missing(&program);
        if !missing.is_empty() {
            return Err(Error::NotPermitted(missing));
        }
        Session::replay(self.shared.clone(), program, run).await
    }

    /// Begins a run and drives it in a task of its own until it is over.
    ///
    /// Needs to be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`]; then there is no such run.
    pub async fn start(&self, program: Arc<Program>, start: Start) -> Result<RunHandle, StartError> {
        let session = self.open(program, start, &mut |_, _| {}).await?;
        // Most short runs are over before they would have a task.
        if session.is_settled() {
            let handle = session.handle().clone();
            drop(session);
            self.shared.is_unloaded(&handle);
            return Ok(handle);
        }
        Ok(self.spawn(session))
    }

    /// Takes up a run from its journal and drives it in a task of its own until it is over; a run that is driven already
    /// is only found.
    ///
    /// Needs to be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the journal cannot be loaded, or is not one of this program.
    pub async fn recover(&self, program: Arc<Program>, run: &Name) -> Result<RunHandle, Error> {
        if let Some(driven) = self.find(run) {
            return Ok(driven);
        }
        let session = self.reopen(program, run).await?;
        Ok(self.spawn(session))
    }

    /// Begins a run and drives it in the caller's task until it is over or suspended; then it is given back.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it does not begin; the inner error when it cannot be driven on.
    pub async fn run_to_rest(
        &self,
        program: Arc<Program>,
        start: Start,
        mut observe: impl FnMut(&[Event], &Run),
    ) -> Result<Result<Session, Error>, StartError> {
        let mut session = self.open(program, start, &mut observe).await?;
        Ok(session.to_rest(&mut observe).await.map(|_| session))
    }

    /// A run that is driven in a task of its own.
    pub fn find(&self, run: &str) -> Option<RunHandle> {
        self.shared.runs().get(run).cloned()
    }

    /// How many runs are driven in tasks of their own.
    pub fn running(&self) -> usize {
        self.shared.runs().len()
    }

    /// The runs that are driven in tasks of their own.
    pub fn driven(&self) -> Vec<RunHandle> {
        self.shared.runs().values().cloned().collect()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn spawn(&self, mut session: Session) -> RunHandle {
        let handle = session.handle().clone();
        match self.shared.runs().entry(handle.id().clone()) {
            // Somebody was faster; their session and this one stand at the same event, and this one has done nothing.
            Entry::Occupied(driven) => return driven.get().clone(),
            Entry::Vacant(vacant) => vacant.insert(handle.clone()),
        };
        self.shared.arrived(&handle);
        let registered = Registered {
            shared: self.shared.clone(),
            handle: handle.clone(),
        };
        let unloads = self.shared.programs.is_some();
        let mut draining = self.shared.draining.subscribe();
        tokio::spawn(async move {
            // How it went is told through the handle.
            let driven = async {
                match unloads {
                    true => while let Ok(false) = session.until_unloaded().await {},
                    false => drop(session.to_end(&mut |_, _| {}).await),
                }
            };
            let drains = tokio::select! {
                () = driven => false,
                _ = draining.wait_for(|draining| *draining) => true,
            };
            if drains {
                let _ = session.until_drained().await;
            }
            drop(session);
            drop(registered);
        });
        handle
    }
}

/// A run's place among those that are driven, until its task ends, be it by a panic of a provider.
struct Registered {
    shared: Arc<Shared>,
    handle: RunHandle,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.runs().remove(self.handle.id());
        self.shared.is_unloaded(&self.handle);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("clock", &self.shared.clock)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// What the files of a program ask for and is not granted.
    fn missing(&self, program: &Program) -> Vec<Denied> {
        let Some(permit) = &self.permit else { return Vec::new() };
        let asked = program.workflows.iter().map(|workflow| &workflow.header.permissions);
        let mut missing: Vec<Denied> = Vec::new();
        for denied in asked.flat_map(|asked| permit.missing(asked)) {
            if !missing.contains(&denied) {
                missing.push(denied);
            }
        }
        missing
    }

    /// Nobody drives a run any more. Unless it is over, it may have to be woken.
    fn is_unloaded(&self, handle: &RunHandle) {
        if !store::is_over(handle.status()) {
            self.unloaded.notify_one();
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Name, RunHandle>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while the map is held leaves it whole: handles are put in and taken out one by one.
    fn runs(&self) -> MutexGuard<'_, HashMap<Name, RunHandle>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new id for a run: unique, and in the order of time.
pub fn new_run_id() -> Name {
    uuid::Uuid::now_v7().to_string().into()
}
