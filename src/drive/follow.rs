//! The events of a run as they come, however often it is unloaded and taken up again meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Driver, Events, RunHandle, Shared};
use crate::graph::Name;
use crate::store::{self, Batch, is_over};

/// How often a run that another process may drive is looked for in the store.
const LOOK: Duration = Duration::from_secs(10);

/// The stored events of a run as they come, to its last. They are read from the journal, so a slow reader neither holds
/// up the run nor takes memory.
pub struct Follow {
    driver: Driver,
    run: Name,
    from: u64,
    driven: Option<Events>,
    loaded: VecDeque<Batch>,
}

/// Whether a run is driven here, or word when it will be.
enum Arrival {
    Driven(RunHandle),
    Awaited(oneshot::Receiver<RunHandle>),
}

impl Driver {
    /// The events of a stored run from a sequence number on, as they come, to its last.
    pub fn follow(&self, run: Name, from: u64) -> Follow {
        Follow {
            driver: self.clone(),
            run,
            from,
            driven: None,
            loaded: VecDeque::new(),
        }
    }
}

impl Follow {
    /// The run.
    pub fn run(&self) -> &Name {
        &self.run
    }

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
            if let Some(events) = &mut self.driven {
                match events.next().await {
                    Some(Ok(batch)) => {
                        self.from = batch.end();
                        return Some(Ok(batch));
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        self.driven = None;
                        // Whoever drove it takes its handle back behind this.
                        tokio::task::yield_now().await;
                    }
                }
            }
            let arrival = self.driver.shared.arrival(&self.run);
            if let Arrival::Driven(handle) = arrival {
                self.driven = Some(handle.events(self.from));
                continue;
            }
            match self.stored().await {
                Ok(true) => return None,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
            if !self.loaded.is_empty() {
                continue;
            }
            let Arrival::Awaited(arrival) = arrival else { continue };
            if let Some(handle) = self.awaited(arrival).await {
                self.driven = Some(handle.events(self.from));
            }
        }
    }

    /// Takes what is stored and was not told yet; true when there is nothing, and nothing will come.
    async fn stored(&mut self) -> Result<bool, store::Error> {
        let store = self.driver.store().clone();
        let entry = store.entry(&self.run).await?;
        let entry = entry.ok_or_else(|| store::Error::NoSuchRun(self.run.clone()))?;
        if entry.seq > self.from {
            self.loaded.extend(store.load(&self.run, self.from).await?);
            return Ok(false);
        }
        Ok(is_over(entry.head.status))
    }

    /// Waits until the run is driven here; `None` when it is time to look into the store.
    async fn awaited(&self, arrival: oneshot::Receiver<RunHandle>) -> Option<RunHandle> {
        match self.driver.store().is_durable() {
            // Another process may drive it on.
            true => tokio::time::timeout(LOOK, arrival).await.ok()?.ok(),
            false => arrival.await.ok(),
        }
    }
}

impl Shared {
    fn arrival(&self, run: &Name) -> Arrival {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        // With the lock held: who comes now finds this one waiting.
        if let Some(handle) = self.runs().get(run).filter(|handle| handle.is_driven()) {
            return Arrival::Driven(handle.clone());
        }
        let (sender, receiver) = oneshot::channel();
        let waiting = awaited.entry(run.clone()).or_default();
        waiting.retain(|sender| !sender.is_closed());
        waiting.push(sender);
        Arrival::Awaited(receiver)
    }

    /// Tells those who wait for a run that it is driven now.
    pub(super) fn arrived(&self, handle: &RunHandle) {
        let waiting = self
            .awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(handle.id());
        for sender in waiting.into_iter().flatten() {
            // Who has gone does not need to know.
            let _ = sender.send(handle.clone());
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let mut awaited = self
            .driver
            .shared
            .awaited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = awaited.get_mut(&self.run) {
            waiting.retain(|sender| !sender.is_closed());
            if waiting.is_empty() {
                awaited.remove(&self.run);
            }
        }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("run", &self.run)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
