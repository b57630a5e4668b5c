//! Snapshots bound what a replay has to go through, however long a run has been going on.

use std::io::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::graph::{Name, Program};
use crate::run::{Run, State};
use crate::store::Snapshot;

/// The form of a snapshot; one of another form is passed over.
const VERSION: u32 = 1;
/// How many events lie between two snapshots at least.
const EVENTS: u64 = 16 * 1024;
/// A snapshot of so many bytes is worth as much as one event more between two.
const BYTES_AN_EVENT: u64 = 64;
/// A larger state is not kept: what is shared in memory is not in a snapshot.
const LARGEST: usize = 16 << 20;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    program: &'a str,
    state: &'a State,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    program: Name,
    state: State,
}

/// When a run is to have its next snapshot.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// How many events there have been since the last.
    since: u64,
    /// How large the last was.
    bytes: u64,
}

impl Snapshots {
    /// The state of a run behind so many more events, if it is time for a snapshot.
    pub fn take(&mut self, run: &Run, events: usize) -> Option<Arc<[u8]>> {
        self.since += events as u64;
        if self.since < EVENTS.max(self.bytes / BYTES_AN_EVENT) {
            return None;
        }
        self.since = 0;
        let mut bytes = Bounded(Vec::new());
        let written = Written {
            version: VERSION,
            program: &run.program().hash,
            state: run.state(),
        };
        let written = serde_json::to_writer(&mut bytes, &written);
        self.bytes = bytes.0.len() as u64;
        written.ok().map(|()| bytes.0.into())
    }

    /// The state in a snapshot, if it is one of this program that can be read.
    pub fn read(&mut self, snapshot: &Snapshot, program: &Program) -> Option<State> {
        let read: Read = serde_json::from_slice(&snapshot.state).ok()?;
        self.bytes = snapshot.state.len() as u64;
        (read.version == VERSION && read.program == program.hash).then_some(read.state)
    }
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
