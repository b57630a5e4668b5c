//! The workflow API of Dify: one key for each workflow, blocking and streamed runs, files, forms and logs.
//!
//! What Dify calls an app is a workflow here, a published version one of its definitions, a task a run, and a node a
//! step. See `docs/dialect-dify.md`.

mod about;
mod answer;
mod body;
mod fields;
mod files;
mod frames;
mod human;
mod ids;
mod keys;
mod logs;
mod node;
mod reply;
mod routes;
mod stream;
mod upload;

pub(in crate::serve) use keys::caller;
pub use keys::{KeyError, Keys};
pub(in crate::serve) use reply::refusal;
pub(in crate::serve) use routes::{is_route, router};

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::serve::files::Files;
use crate::serve::service::Service;

/// How many uploads may come at once; more wait.
const UPLOADS: usize = 16;

/// What this protocol is told besides the workflows.
#[derive(Debug, Default)]
pub struct Dify {
    /// Which key is for which workflow. Without any, and where nobody is asked who they are, `app-` and the id of a
    /// workflow is a key for it.
    pub keys: Keys,
    /// Which words there are for where a run stands.
    pub statuses: Statuses,
    /// The folder where files are kept; without one they are kept in memory, and not for long.
    pub files: Option<PathBuf>,
}

/// Which words there are for where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statuses {
    /// The four that every client knows: `running`, `succeeded`, `failed`, `stopped`.
    #[default]
    Known,
    /// Also `paused` and `partial-succeeded`, which clients with a closed list of words choke on.
    All,
}

/// What is kept of it while the server runs.
#[derive(Debug)]
pub(in crate::serve) struct Kept {
    keys: Keys,
    statuses: Statuses,
    files: Arc<Files>,
    uploads: Semaphore,
}

impl Kept {
    pub fn new(dify: Dify) -> Kept {
        Kept {
            keys: dify.keys,
            statuses: dify.statuses,
            files: Arc::new(Files::new(dify.files)),
            uploads: Semaphore::new(UPLOADS),
        }
    }
}

/// What is kept of this protocol.
fn kept(service: &Service) -> &Kept {
    service.dify()
}
