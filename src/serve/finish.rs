//! Waiting for the end of an execution, however long it waits for somebody meanwhile.

use std::sync::Arc;

use super::problem::Problem;
use super::service::Service;
use crate::drive::{self, Rest, RunHandle};

impl Service {
    /// Waits until an execution is over, and tells what it has come to; `None` when it waited for somebody meanwhile, and
    /// only the store tells.
    ///
    /// # Errors
    ///
    /// When it cannot be driven on here, or the server is about to end; the execution goes on in that case.
    pub async fn finished(&self, handle: &RunHandle) -> Result<Option<Arc<Rest>>, Problem> {
        match handle.finished().await {
            Ok(_) => return Ok(Some(handle.rest().await?)),
            // It was unloaded, since it waits.
            Err(drive::Error::Gone) => {}
            Err(error) => return Err(error.into()),
        }
        let mut follow = self.driver().follow(handle.id().clone(), handle.seq());
        let mut stopping = self.stopping();
        loop {
            tokio::select! {
                next = follow.next() => match next {
                    Some(batch) => drop(batch?),
                    None => return Ok(None),
                },
                _ = stopping.wait_for(|stopping| *stopping) => {
                    let why = format!("the server is about to end, and {} goes on", handle.id());
                    return Err(Problem::Unavailable(why));
                }
            }
        }
    }
}
