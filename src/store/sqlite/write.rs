//! What is written, each within a transaction of the writer.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::lease::{Lease, now};
use super::{Definition, Error, Head, key, status_of, unavailable};
use crate::graph::{Name, Timestamp};
use crate::run::{Event, EventKind, Started, Status};

/// Payloads longer than this do not stand in the row of their event.
const LARGEST_PAYLOAD: usize = 16 * 1024;

/// An append, written out outside the writer's thread.
pub(super) struct Encoded {
    run: Name,
    expected_seq: u64,
    events: Vec<Row>,
    started: Option<(Timestamp, Arc<Started>, Option<String>)>,
    updated: Timestamp,
    head: Head,
    snapshot: Option<(String, Arc<[u8]>)>,
}

/// An event as a row.
struct Row {
    at: Timestamp,
    payload: String,
    /// The hash of a payload that does not stand in the row.
    blob: Option<String>,
}

impl Row {
    fn of(event: &Event) -> Result<Row, Error> {
        let payload = serde_json::to_string(&event.kind).map_err(unwritable)?;
        let blob = (payload.len() > LARGEST_PAYLOAD).then(|| hash(payload.as_bytes()));
        Ok(Row {
            at: event.at,
            payload,
            blob,
        })
    }

    /// The payload begins with `{"type":"...`.
    fn kind(&self) -> &str {
        self.payload.split('"').nth(3).unwrap_or_default()
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
            events: append.events.iter().map(Row::of).collect::<Result<_, _>>()?,
            started,
            updated,
            head: append.head,
            snapshot: append.snapshot.map(|state| (hash(&state), state)),
        })
    }

    pub fn append(&self, connection: &Connection, lease: &mut Lease) -> Result<(), Error> {
        let known = find(connection, &self.run)?;
        let found = known.as_ref().map_or(0, |known| known.seq);
        if found != self.expected_seq {
            return Err(Error::Conflict {
                expected: self.expected_seq,
                found,
            });
        }
        if self.events.is_empty() {
            return Ok(());
        }
        let seq = found + self.events.len() as u64;
        // Who drives a run owns it; one that waits is nobody's.
        let owns = self.head.status == Status::Running;
        let number = match (known, &self.started) {
            (Some(known), _) => {
                lease.may_take(connection, known.owner)?;
                let owner = owns.then(|| lease.token(connection)).transpose()?;
                let status = status_of(self.head.status);
                let wake_at = self.wake_at();
                // SQLite writes the entries of all indices with a column that is named, be it the same as before.
                let updated = match known.status == status && known.wake_at == wake_at {
                    true => connection
                        .prepare_cached("UPDATE runs SET updated = ?, seq = ?, owner = ? WHERE number = ?")
                        .and_then(|mut update| update.execute(params![self.updated.0, seq, owner, known.number])),
                    false => connection
                        .prepare_cached(
                            "UPDATE runs SET status = ?, updated = ?, wake_at = ?, seq = ?, owner = ? WHERE number = ?",
                        )
                        .and_then(|mut update| {
                            update.execute(params![status, self.updated.0, wake_at, seq, owner, known.number])
                        }),
                };
                updated.map_err(unavailable)?;
                known.number
            }
            (None, Some(started)) => {
                let owner = owns.then(|| lease.token(connection)).transpose()?;
                self.create(connection, started, seq, owner)?
            }
            (None, None) => return Err(Error::NoSuchRun(self.run.clone())),
        };
        let mut insert = connection
            .prepare_cached("INSERT INTO events (key, at, type, payload, blob) VALUES (?, ?, ?, ?, ?)")
            .map_err(unavailable)?;
        for (seq, row) in (found..).zip(&self.events) {
            let payload = match &row.blob {
                None => Some(&row.payload),
                Some(hash) => {
                    spill(connection, hash, &row.payload)?;
                    None
                }
            };
            insert
                .execute(params![key(number, seq), row.at.0, row.kind(), payload, row.blob])
                .map_err(unavailable)?;
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
    status: String,
    wake_at: Option<i64>,
}

fn find(connection: &Connection, run: &str) -> Result<Option<Known>, Error> {
    let known = connection
        .prepare_cached("SELECT number, seq, owner, status, wake_at FROM runs WHERE id = ?")
        .and_then(|mut find| {
            find.query_row([run], |row| {
                Ok(Known {
                    number: row.get(0)?,
                    seq: row.get(1)?,
                    owner: row.get(2)?,
                    status: row.get(3)?,
                    wake_at: row.get(4)?,
                })
            })
            .optional()
        });
    known.map_err(unavailable)
}

fn spill(connection: &Connection, hash: &str, value: &str) -> Result<(), Error> {
    let spilled = connection
        .prepare_cached("INSERT OR IGNORE INTO blobs (hash, value) VALUES (?, ?)")
        .and_then(|mut insert| insert.execute([hash, value]));
    spilled.map(drop).map_err(unavailable)
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
            let (first, last) = (key(*number, 0), key(*number, u32::MAX.into()));
            let mut blobs = connection
                .prepare_cached("SELECT DISTINCT blob FROM events WHERE key BETWEEN ? AND ? AND blob IS NOT NULL")?;
            let blobs = blobs
                .query_map([first, last], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            connection.execute("DELETE FROM events WHERE key BETWEEN ? AND ?", [first, last])?;
            for blob in blobs {
                connection.execute(
                    "DELETE FROM blobs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM events WHERE blob = ?1)",
                    [blob],
                )?;
            }
            connection.execute("DELETE FROM snapshots WHERE run = ?", [number])?;
            connection.execute("DELETE FROM runs WHERE number = ?", [number])?;
        }
        Ok(numbers.len())
    };
    delete().map_err(unavailable)
}

pub(super) fn prune_definitions(connection: &Connection, before: Timestamp) -> Result<usize, Error> {
    let delete = || {
        let forgotten = connection.execute(
            "DELETE FROM definitions WHERE kept < ? AND hash NOT IN (SELECT program FROM runs)",
            [before.0],
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
