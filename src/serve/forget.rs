//! Forgetting an execution before its time.

use super::caller::{Caller, Scope};
use super::problem::Problem;
use super::service::Service;
use crate::graph::Name;

impl Service {
    /// Forgets an execution that is over.
    ///
    /// # Errors
    ///
    /// There is none, or it goes on.
    pub async fn forget(&self, caller: &Caller, run: &Name) -> Result<(), Problem> {
        caller.may(Scope::Run)?;
        self.entry(caller, None, run).await?;
        match self.driver().store().forget(run).await? {
            true => Ok(()),
            false => Err(Problem::Conflict(format!("Execution {run} goes on"))),
        }
    }
}
