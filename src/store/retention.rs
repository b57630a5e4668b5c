//! Forgetting what is over.

use super::{Error, Store};
use crate::graph::Timestamp;

/// How many runs one transaction forgets: writers wait for it.
pub const PORTION: usize = 100;
/// How long a definition that no run has is kept, in milliseconds: a younger one may be there for a run to come.
const A_DAY: i64 = 24 * 60 * 60 * 1000;

/// Forgets the runs that are over and in which nothing has happened since `before`; how many there were.
///
/// # Errors
///
/// When the store cannot; what was forgotten by then is forgotten.
pub async fn forget(store: &dyn Store, before: Timestamp) -> Result<usize, Error> {
    let mut forgotten = 0;
    loop {
        let portion = store.prune(before, PORTION).await?;
        forgotten += portion;
        if portion < PORTION {
            return Ok(forgotten);
        }
    }
}

/// Forgets the definitions that no run has any more, behind the runs; how many there were.
///
/// # Errors
///
/// When the store cannot.
pub async fn forget_definitions(store: &dyn Store, now: Timestamp) -> Result<usize, Error> {
    store.prune_definitions(Timestamp(now.0.saturating_sub(A_DAY))).await
}
