//! What is written, each within a transaction of the writer.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::lease::{Lease, now};
use super::{Definition, Error, Head, status_of, unavailable};
use crate::graph::{Name, Timestamp};
use crate::run::{Event, EventKind, Started, Status};
use crate::store::Register;

/// Events longer than this do not stand in the row of their batch.
const LARGEST_EVENT: usize = 16 * 1024;

/// So many events stand in one row at most: who reads on from one of them does not have to read many before it.
const LARGEST_BATCH: usize = 1024;

/// What nearly every append needs.
pub(super) const FIND: &str = "SELECT number, seq, owner, status = 'running' FROM runs WHERE id = ?";
pub(super) const REACHED: &str = "SELECT coalesce(max(next), 0) FROM batches WHERE run = ?";
pub(super) const INSERT: &str = "INSERT INTO batches (run, next, at, events) VALUES (?, ?, ?, ?)";

/// An append, written out outside the writer's thread.
pub(super) struct Encoded {
    run: Name,
    expected_seq: u64,
    /// One row, unless there are very many events.
    batches: Vec<Batch>,
    started: Option<(Timestamp, Arc<Started>, Option<String>)>,
    updated: Timestamp,
    head: Head,
    snapshot: Option<(String, Arc<[u8]>)>,
}

/// Events as a row.
struct Batch {
    count: u64,
    /// When the last of them happened.
    at: Timestamp,
    /// All of them as one JSON array.
    events: String,
    /// What does not stand in it, with its hash.
    blobs: Vec<(String, String)>,
}

impl Batch {
    fn of(events: &[Event]) -> Result<Batch, Error> {
        let at = events.last().map_or(Timestamp(0), |event| event.at);
        let mut text = String::with_capacity(512);
        let mut blobs = Vec::new();
        for event in events {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&format!("[{},", at.0.saturating_sub(event.at.0)));
            let kind = serde_json::to_string(&event.kind).map_err(unwritable)?;
            if kind.len() > LARGEST_EVENT {
                let hash = hash(kind.as_bytes());
                text.push_str(&format!("\"{hash}\""));
                blobs.push((hash, kind));
            } else {
                text.push_str(&kind);
            }
            text.push(']');
        }
        text.push(']');
        Ok(Batch {
            count: events.len() as u64,
            at,
            events: text,
            blobs,
        })
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::Damaged(format!("an event cannot be written: {error}"))
}

impl Encoded {
    pub fn of(append: super::Append) -> Result<Encoded, Error> {
        let updated = append.events.last().map_or(Timestamp(0), |event| event.at);
        let started = match append.events.first() {
            Some(Event {
                at,
                kind: EventKind::RunStarted(started),
            }) => {
                let labels = (!started.labels.is_empty()).then(|| serde_json::to_string(&started.labels));
                Some((*at, started.clone(), labels.transpose().map_err(unwritable)?))
            }
            _ => None,
        };
        Ok(Encoded {
            run: append.run,
            expected_seq: append.expected_seq,
            batches: append
                .events
                .chunks(LARGEST_BATCH)
                .map(Batch::of)
                .collect::<Result<_, _>>()?,
            started,
            updated,
            head: append.head,
            snapshot: append.snapshot.map(|state| (hash(&state), state)),
        })
    }

    pub fn append(&self, connection: &Connection, lease: &mut Lease) -> Result<(), Error> {
        let known = find(connection, &self.run)?;
        let found = match &known {
            Some(known) if known.is_running => reached(connection, known.number)?,
            Some(known) => known.seq,
            None => 0,
        };
        if found != self.expected_seq {
            return Err(Error::Conflict {
                expected: self.expected_seq,
                found,
            });
        }
        if self.batches.is_empty() {
            return Ok(());
        }
        let seq = found + self.batches.iter().map(|batch| batch.count).sum::<u64>();
        // Who drives a run owns it; one that waits is nobody's.
        let owns = self.head.status == Status::Running;
        let number = match (known, &self.started) {
            (Some(known), _) => {
                lease.may_take(connection, known.owner)?;
                let owner = owns.then(|| lease.token(connection)).transpose()?;
                // Where it has run to is in the batch.
                if !(owns && known.is_running && known.owner == owner) {
                    self.update(connection, known.number, seq, owner)?;
                }
                known.number
            }
            (None, Some(started)) => {
                let owner = owns.then(|| lease.token(connection)).transpose()?;
                self.create(connection, started, seq, owner)?
            }
            (None, None) => return Err(Error::NoSuchRun(self.run.clone())),
        };
        let mut insert = connection.prepare_cached(INSERT).map_err(unavailable)?;
        let mut next = found;
        for Batch {
            count,
            at,
            events,
            blobs,
        } in &self.batches
        {
            next += count;
            insert
                .execute(params![number, next, at.0, events])
                .map_err(unavailable)?;
            for (hash, value) in blobs {
                spill(connection, number, hash, value)?;
            }
        }
        if let Some((hash, state)) = &self.snapshot {
            let snapshot = "INSERT OR REPLACE INTO snapshots (run, seq, hash, state) VALUES (?, ?, ?, ?)";
            let written = connection.execute(snapshot, params![number, seq, hash, &state[..]]);
            written.map_err(unavailable)?;
        }
        if super::super::is_over(self.head.status) {
            let dropped = connection
                .prepare_cached("DELETE FROM snapshots WHERE run = ?")
                .and_then(|mut drop| drop.execute([number]));
            dropped.map_err(unavailable)?;
        }
        Ok(())
    }

    fn update(&self, connection: &Connection, number: i64, seq: u64, owner: Option<i64>) -> Result<(), Error> {
        let status = status_of(self.head.status);
        let updated = connection
            .prepare_cached("UPDATE runs SET status = ?, updated = ?, wake_at = ?, seq = ?, owner = ? WHERE number = ?")
            .and_then(|mut update| update.execute(params![status, self.updated.0, self.wake_at(), seq, owner, number]));
        updated.map(drop).map_err(unavailable)
    }

    fn create(
        &self,
        connection: &Connection,
        (created, started, labels): &(Timestamp, Arc<Started>, Option<String>),
        seq: u64,
        owner: Option<i64>,
    ) -> Result<i64, Error> {
        let mut insert = connection
            .prepare_cached(
                "INSERT INTO runs (id, workflow, status, created, updated, wake_at, seq, program, user, conversation, \
                 labels, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .map_err(unavailable)?;
        insert
            .insert(params![
                &*self.run,
                &*self.head.workflow,
                status_of(self.head.status),
                created.0,
                self.updated.0,
                self.wake_at(),
                seq,
                &*started.program,
                started.user.as_deref(),
                started.conversation.as_deref(),
                labels,
                owner,
            ])
            .map_err(unavailable)
    }

    /// Nobody else needs to know when a run that is driven wants to be woken.
    fn wake_at(&self) -> Option<i64> {
        let waits = self.head.status == Status::Suspended;
        self.head.wake_at.filter(|_| waits).map(|at| at.0)
    }
}

struct Known {
    number: i64,
    seq: u64,
    owner: Option<i64>,
    is_running: bool,
}

fn find(connection: &Connection, run: &str) -> Result<Option<Known>, Error> {
    let known = connection.prepare_cached(FIND).and_then(|mut find| {
        find.query_row([run], |row| {
            Ok(Known {
                number: row.get(0)?,
                seq: row.get(1)?,
                owner: row.get(2)?,
                is_running: row.get(3)?,
            })
        })
        .optional()
    });
    known.map_err(unavailable)
}

/// How many events a run has; the row of one that is running does not say.
fn reached(connection: &Connection, number: i64) -> Result<u64, Error> {
    let next = connection
        .prepare_cached(REACHED)
        .and_then(|mut find| find.query_row([number], |row| row.get(0)));
    next.map_err(unavailable)
}

fn spill(connection: &Connection, run: i64, hash: &str, value: &str) -> Result<(), Error> {
    let spilled = || {
        connection
            .prepare_cached("INSERT OR IGNORE INTO blobs (hash, value) VALUES (?, ?)")?
            .execute([hash, value])?;
        connection
            .prepare_cached("INSERT OR IGNORE INTO blob_uses (hash, run) VALUES (?, ?)")?
            .execute(params![hash, run])
    };
    spilled().map(drop).map_err(unavailable)
}

/// Makes a run that is running this store's, if its owner is gone.
pub(super) fn claim(connection: &Connection, lease: &mut Lease, run: &Name) -> Result<(), Error> {
    let known = find(connection, run)?.ok_or_else(|| Error::NoSuchRun(run.clone()))?;
    lease.may_take(connection, known.owner)?;
    let token = lease.token(connection)?;
    let claimed = connection.execute(
        "UPDATE runs SET owner = CASE status WHEN 'running' THEN ? END WHERE number = ?",
        params![token, known.number],
    );
    claimed.map(drop).map_err(unavailable)
}

pub(super) fn keep(connection: &Connection, definition: &Definition) -> Result<(), Error> {
    let write = || -> rusqlite::Result<()> {
        let Definition {
            hash,
            workflow,
            version,
            files,
            schemas,
        } = definition;
        let new = connection.execute(
            "INSERT OR IGNORE INTO definitions (hash, workflow, version, kept) VALUES (?, ?, ?, ?)",
            params![&**hash, &**workflow, version.as_deref(), now()],
        )?;
        if new == 0 {
            connection.execute(
                "UPDATE definitions SET kept = ? WHERE hash = ?",
                params![now(), &**hash],
            )?;
            return Ok(());
        }
        let mut insert = connection.prepare_cached(
            "INSERT INTO definition_files (definition, role, position, path, text) VALUES (?, ?, ?, ?, ?)",
        )?;
        for (role, files) in [("definition", files), ("schema", schemas)] {
            for (position, (path, text)) in files.iter().enumerate() {
                insert.execute(params![&**hash, role, position as i64, &**path, &**text])?;
            }
        }
        Ok(())
    };
    write().map_err(unavailable)
}

/// Deletes runs that are over; what only they have spilled goes with them.
pub(super) fn prune(connection: &Connection, before: Timestamp, limit: usize) -> Result<usize, Error> {
    let delete = || -> rusqlite::Result<usize> {
        let mut old = connection.prepare_cached(
            "SELECT number FROM runs WHERE status IN ('completed', 'error', 'cancelled') AND updated < ? \
             ORDER BY updated LIMIT ?",
        )?;
        let numbers = old
            .query_map(params![before.0, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                row.get(0)
            })?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        for number in &numbers {
            delete_run(connection, *number)?;
        }
        Ok(numbers.len())
    };
    delete().map_err(unavailable)
}

/// Deletes a run if it is over.
pub(super) fn forget(connection: &Connection, run: &Name) -> Result<bool, Error> {
    let delete = || -> rusqlite::Result<bool> {
        let mut over = connection
            .prepare_cached("SELECT number FROM runs WHERE id = ? AND status IN ('completed', 'error', 'cancelled')")?;
        let number = over.query_row([&**run], |row| row.get(0)).optional()?;
        number.map_or(Ok(false), |number| delete_run(connection, number).map(|()| true))
    };
    delete().map_err(unavailable)
}

fn delete_run(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    let mut blobs = connection.prepare_cached("DELETE FROM blob_uses WHERE run = ? RETURNING hash")?;
    let blobs = blobs
        .query_map([number], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    for blob in blobs {
        connection.execute(
            "DELETE FROM blobs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE hash = ?1)",
            [blob],
        )?;
    }
    connection.execute("DELETE FROM batches WHERE run = ?", [number])?;
    connection.execute("DELETE FROM snapshots WHERE run = ?", [number])?;
    connection.execute("DELETE FROM runs WHERE number = ?", [number])?;
    Ok(())
}

pub(super) fn prune_definitions(connection: &Connection, before: Timestamp) -> Result<usize, Error> {
    let delete = || {
        let forgotten = connection.execute(
            "DELETE FROM definitions WHERE kept < ? AND hash NOT IN (SELECT program FROM runs)
             AND hash NOT IN (
                SELECT json_extract(value, '$.definition') FROM registers
                WHERE register = ? AND json_extract(value, '$.definition') IS NOT NULL
             )",
            params![before.0, Register::Releases.as_str()],
        )?;
        if forgotten > 0 {
            connection.execute(
                "DELETE FROM definition_files WHERE definition NOT IN (SELECT hash FROM definitions)",
                [],
            )?;
        }
        Ok(forgotten)
    };
    delete().map_err(unavailable)
}

pub(super) fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
