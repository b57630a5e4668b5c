//! What reaches a driver from outside its runs: requests of other processes, and that it is to leave.

use std::sync::Arc;
use std::time::Duration;

use super::{Driver, RunHandle, SendError};
use crate::graph::Name;
use crate::run::{Input, Target};
use crate::store::{self, Request, Store};

/// How often a driver looks for requests, and who asked for the answer.
const LOOK: Duration = Duration::from_millis(200);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

impl Driver {
    /// Does what other processes ask of the runs that this driver drives, for as long as it is polled.
    pub async fn heed(&self) {
        if !self.shared.store.is_durable() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            if self.shared.sessions().is_empty() {
                continue;
            }
            // Where the store is not available now, it is asked again.
            let requests = self.shared.store.requests().await.unwrap_or_default();
            let _answering = self.shared.answering.lock().await;
            for (number, run, request) in requests {
                let Some(handle) = self.shared.sessions().get(&run).cloned() else {
                    continue;
                };
                let answer = handle.send(request.into()).await.map_err(|refused| refused.to_string());
                let _ = self.shared.store.answer(number, answer).await;
            }
        }
    }

    /// Waits until a request that is being done has been answered: whoever asked is to know before this process ends.
    pub async fn heeded(&self) {
        // A run that nobody drives on takes no request.
        let _ = tokio::time::timeout(5 * LOOK, self.shared.answering.lock()).await;
    }

    /// Makes the runs that are driven in tasks of their own come to a stand: calls in flight may end, within that time,
    /// and nothing new is called. What is still to be done is on disk, and whoever takes the runs up does it.
    pub async fn drain(&self, patience: Duration) {
        self.shared.draining.send_replace(true);
        let drained = async {
            for run in self.driven() {
                run.left().await;
            }
        };
        // Who is not done in time is stopped with this process.
        let _ = tokio::time::timeout(patience, drained).await;
    }
}

impl RunHandle {
    /// Waits until nobody drives the run here any more.
    async fn left(&self) {
        self.inbox.closed().await;
    }
}

/// Asks whoever drives a run for something; when this returns, it is done and stored.
///
/// # Errors
///
/// Why it is refused, or that nobody has answered.
pub async fn ask(store: &Arc<dyn Store>, run: &Name, request: Request) -> Result<(), AskError> {
    let number = store.ask(run, request).await?;
    let answered = async {
        loop {
            if let Some(answer) = store.answered(number).await? {
                return answer.map_err(AskError::Refused);
            }
            tokio::time::sleep(LOOK / 4).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answered).await;
    // It would be done later otherwise, when nobody expects it.
    store.withdraw(number).await?;
    answer.unwrap_or(Err(AskError::Unanswered))
}

/// Why a run that another process drives does not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// It does not fit.
    #[error("{0}")]
    Refused(String),
    /// Nobody has answered.
    #[error("the process that drives the run has not answered")]
    Unanswered,
    /// It could not be asked.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Request> for Input {
    fn from(request: Request) -> Input {
        match request {
            Request::Suspend { reason } => Input::Suspend { reason },
            Request::Continue => Input::Continue,
            Request::Cancel { reason } => Input::Cancel { reason },
            Request::Resume { step, payload } => Input::Resume {
                target: step.map(Target::Step),
                payload,
            },
            Request::Deliver { event, data } => Input::Deliver { event, data },
        }
    }
}

impl From<SendError> for super::Error {
    fn from(error: SendError) -> super::Error {
        match error {
            SendError::Rejected(rejection) => super::Error::Corrupt(rejection),
            SendError::Store(error) => super::Error::Store(error),
            SendError::Unreadable(error) => *error,
            SendError::Gone => super::Error::Gone,
        }
    }
}
