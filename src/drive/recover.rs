//! Runs that nobody drives: those whose process is gone go on, and those that wait are woken when their time comes.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Driver, Error, RunHandle, SendError, Session};
use crate::graph::{Name, Program, Timestamp};
use crate::run::{Input, Run, Status};
use crate::store::{self, Definition, Filter};

/// Makes a program of a definition, or says why it cannot.
pub type Programs = Arc<dyn Fn(&Definition) -> Result<Arc<Program>, String> + Send + Sync>;

/// How many runs are looked at in one go.
const PAGE: usize = 256;
/// How long somebody who sends to a run waits until it can be loaded again.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSES: usize = 400;
/// How long a store that is not available is left alone.
const UNAVAILABLE: Duration = Duration::from_secs(1);

/// What became of the runs that were going on when a process ended.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Those that are driven on.
    pub taken: Vec<RunHandle>,
    /// Those that somebody else drives.
    pub owned: Vec<Name>,
    /// Those that cannot be driven on, and why; they stay as they are.
    pub set_aside: Vec<(Name, Error)>,
}

impl Driver {
    /// The program that a stored run is pinned to.
    ///
    /// # Errors
    ///
    /// No such run, or its definition is not kept or cannot be used.
    pub async fn program_of(&self, run: &Name) -> Result<Arc<Program>, Error> {
        let entry = self.shared.store.entry(run).await?;
        let entry = entry.ok_or_else(|| store::Error::NoSuchRun(run.clone()))?;
        self.program(&entry.program).await
    }

    /// The program of a definition that is kept.
    ///
    /// # Errors
    ///
    /// The definition is not kept, or cannot be used.
    pub async fn program(&self, hash: &Name) -> Result<Arc<Program>, Error> {
        let known = || self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = known().get(hash) {
            return Ok(program.clone());
        }
        let no_definition = || Error::NoDefinition(hash.clone());
        let programs = self.shared.programs.as_ref().ok_or_else(no_definition)?;
        let definition = self.shared.store.definition(hash).await?.ok_or_else(no_definition)?;
        let unusable = |why: String| Error::Definition {
            hash: hash.clone(),
            why,
        };
        let program = programs(&definition).map_err(unusable)?;
        if program.hash != *hash {
            return Err(unusable(format!("its texts give the program {}", program.hash)));
        }
        known().insert(hash.clone(), program.clone());
        Ok(program)
    }

    /// Drives on all runs that were going on when whoever drove them ended, each in a task of its own. One that cannot
    /// be driven on holds up no other.
    ///
    /// # Errors
    ///
    /// When the store cannot tell which runs there are.
    pub async fn recover_all(&self) -> Result<Recovered, store::Error> {
        let mut recovered = Recovered::default();
        let mut page = Filter {
            status: Some(Status::Running),
            limit: Some(PAGE),
            ..Filter::default()
        };
        loop {
            let entries = self.shared.store.list(page.clone()).await?;
            let Some(last) = entries.last() else {
                return Ok(recovered);
            };
            page.after = Some((last.started_at, last.run.clone()));
            for entry in entries {
                match self.take_up(&entry.run).await {
                    Ok(handle) => recovered.taken.push(handle),
                    Err(Error::Store(store::Error::Owned { .. })) => recovered.owned.push(entry.run),
                    Err(error) => recovered.set_aside.push((entry.run, error)),
                }
            }
        }
    }

    /// Remembers a program, so that it need not be made again from its definition.
    pub fn learn(&self, program: Arc<Program>) {
        let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(program.hash.clone(), program);
    }

    /// A stored run as it stands, whoever drives it.
    ///
    /// # Errors
    ///
    /// No such run, or it cannot be read.
    pub async fn look(&self, run: &Name) -> Result<Run, Error> {
        if let Some(driven) = self.find(run)
            && let Ok(found) = driven.inspect(Run::clone).await
        {
            return Ok(found);
        }
        let program = self.program_of(run).await?;
        Session::look(self.shared.clone(), program, run).await
    }

    /// Takes up a stored run and drives it in a task of its own, until it is over or waits for somebody; one that is
    /// driven already is only found.
    ///
    /// # Errors
    ///
    /// When it cannot be driven on.
    pub async fn take_up(&self, run: &Name) -> Result<RunHandle, Error> {
        if let Some(driven) = self.find(run) {
            return Ok(driven);
        }
        let program = self.program_of(run).await?;
        self.recover(program, run).await
    }

    /// Tells a stored run something, whether it is driven at the moment or not. When this returns, what followed is
    /// stored.
    ///
    /// # Errors
    ///
    /// [`SendError`]; then nothing has changed.
    pub async fn send(&self, run: &Name, input: Input) -> Result<RunHandle, SendError> {
        for _ in 0..PAUSES {
            let (handle, sent) = match self.find(run) {
                Some(handle) => {
                    let sent = handle.send(input.clone()).await;
                    (handle, sent)
                }
                None => self.take_up_with(run, input.clone()).await?,
            };
            match sent {
                Ok(()) => return Ok(handle),
                // It is just being unloaded.
                Err(SendError::Gone) if !store::is_over(handle.status()) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
        Err(SendError::Gone)
    }

    /// Takes up a stored run that has something to hear before it can be unloaded again.
    async fn take_up_with(&self, run: &Name, input: Input) -> Result<(RunHandle, Result<(), SendError>), SendError> {
        let opened = async {
            let program = self.program_of(run).await?;
            self.reopen(program, run).await
        };
        let session = match opened.await {
            Ok(session) => session,
            Err(Error::Store(error)) => return Err(SendError::Store(error)),
            Err(Error::Gone) => return Err(SendError::Gone),
            Err(other) => return Err(SendError::Unreadable(Box::new(other))),
        };
        let answer = session.handle().tell(input);
        let handle = self.spawn(session);
        Ok((handle, answer.await))
    }

    /// Takes up the runs whose time has come.
    ///
    /// # Errors
    ///
    /// When the store cannot tell which these are.
    pub async fn wake_due(&self) -> Result<Vec<Result<RunHandle, (Name, Error)>>, store::Error> {
        let due = self.shared.store.due(self.shared.clock.now(), usize::MAX).await?;
        let mut woken = Vec::with_capacity(due.len());
        for (_, run) in due {
            woken.push(self.wake(&run).await.map_err(|error| (run, error)));
        }
        Ok(woken)
    }

    /// Takes up a run whose time has come; that it has been woken is stored when this returns.
    async fn wake(&self, run: &Name) -> Result<RunHandle, Error> {
        let handle = self.take_up(run).await?;
        match handle.send(Input::Tick).await {
            // It has been woken already, and is over or waits again.
            Ok(()) | Err(SendError::Gone) => Ok(handle),
            Err(error) => Err(error.into()),
        }
    }

    /// Wakes the runs that wait when their time comes, for as long as it is polled. Only the next moment is kept in
    /// memory. `report` is told of runs that cannot be driven on, once each.
    pub async fn tend(&self, mut report: impl FnMut(&Name, &Error)) {
        let mut set_aside: HashSet<Name> = HashSet::new();
        loop {
            let limit = PAGE + set_aside.len();
            let due = match self.shared.store.due(Timestamp(i64::MAX), limit).await {
                Ok(due) => due,
                Err(_) => {
                    tokio::time::sleep(UNAVAILABLE).await;
                    continue;
                }
            };
            let now = self.shared.clock.now();
            let mut waiting = due.into_iter().filter(|(_, run)| !set_aside.contains(run));
            let mut next = None;
            let mut woken = Vec::new();
            for (at, run) in waiting.by_ref() {
                if at > now {
                    next = Some(at);
                    break;
                }
                woken.push(run);
            }
            drop(waiting);
            let any = !woken.is_empty();
            for run in woken {
                match self.take_up(&run).await {
                    Ok(_) => {}
                    Err(error) => {
                        report(&run, &error);
                        set_aside.insert(run);
                    }
                }
            }
            let unloaded = self.shared.unloaded.notified();
            match next {
                // What was woken leaves the list as soon as it has stored something.
                _ if any => tokio::time::sleep(PAUSE).await,
                Some(at) => {
                    let sleep = self.shared.clock.sleep_until(at);
                    tokio::select! {
                        () = sleep => {}
                        () = unloaded => {}
                    }
                }
                None => unloaded.await,
            }
        }
    }
}
