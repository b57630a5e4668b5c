//! Who is told of runs besides their callers: telemetry. It follows what is stored and changes nothing.

use std::pin::Pin;
use std::sync::Arc;

use crate::graph::{Name, Program};
use crate::run::{Event, Run, Ticket, TraceParent};

/// Follows the runs of a driver.
pub trait Observer: Send + Sync {
    /// Begins to follow a run.
    fn follow(&self, run: &Name, program: &Arc<Program>) -> Box<dyn Following>;

    /// Passes on what has been gathered, in bounded time, or says why that cannot be.
    fn flush(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// Follows one run.
pub trait Following: Send {
    /// Events that have been stored, of which the first has this number; `run` stands behind them. Those that are not
    /// new happened before this process drove the run.
    fn follow(&mut self, first: u64, events: &[Event], run: Option<&Run>, new: bool);

    /// What a call in flight belongs to in its trace.
    fn parent_of(&self, call: Ticket) -> Option<TraceParent>;
}

tokio::task_local! {
    /// What the request belongs to in the trace of whoever sends it.
    static INCOMING: Option<TraceParent>;
}

/// Does something for a request that belongs to a trace.
pub async fn within<T>(parent: Option<TraceParent>, doing: impl Future<Output = T>) -> T {
    INCOMING.scope(parent, doing).await
}

/// What the request belongs to that this is done for.
pub fn incoming() -> Option<TraceParent> {
    INCOMING.try_with(|parent| *parent).ok().flatten()
}
