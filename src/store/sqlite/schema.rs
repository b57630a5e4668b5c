//! The tables, and how a file of an earlier version comes to have them.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{OpenError, conversation};

/// Marks a file as one of ours: "intp".
const APPLICATION: i32 = 0x696e_7470;

/// What leads from each version of the tables to the next; a file without tables has version 0.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration::Batch(FIRST),
    Migration::Batch(REQUESTS),
    Migration::Batch(BATCHES),
    Migration::Batch(conversation::FIRST),
    Migration::Batch(CURSORS),
    Migration::Made(conversation::migrate),
    Migration::Batch(super::register::TABLE),
];

/// A step from a version to the next.
pub(super) enum Migration {
    /// Statements.
    Batch(&'static str),
    /// What statements alone cannot do.
    Made(fn(&Connection) -> rusqlite::Result<()>),
}

impl Migration {
    pub fn apply(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self {
            Migration::Batch(statements) => connection.execute_batch(statements),
            Migration::Made(make) => make(connection),
        }
    }
}

/// Times are milliseconds since 1970 in UTC.
const FIRST: &str = "
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    wake_at INTEGER,
    seq INTEGER NOT NULL,
    program TEXT NOT NULL,
    user TEXT,
    conversation TEXT,
    labels TEXT,
    owner INTEGER
);
CREATE INDEX runs_by_time ON runs (created, id);
CREATE INDEX runs_by_status ON runs (status, created, id);
CREATE INDEX runs_by_workflow ON runs (workflow, created, id);
CREATE INDEX runs_by_user ON runs (user, created, id) WHERE user IS NOT NULL;
CREATE INDEX runs_by_wake ON runs (wake_at, id) WHERE wake_at IS NOT NULL AND status = 'suspended';

CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    payload TEXT,
    blob TEXT,
    run INTEGER GENERATED ALWAYS AS (key >> 32) VIRTUAL,
    seq INTEGER GENERATED ALWAYS AS (key & 4294967295) VIRTUAL
);
CREATE INDEX events_by_blob ON events (blob) WHERE blob IS NOT NULL;

CREATE TABLE blobs (
    hash TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL
);

CREATE TABLE snapshots (
    run INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    state BLOB NOT NULL
);

CREATE TABLE definitions (
    hash TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    version TEXT
);
CREATE TABLE definition_files (
    definition TEXT NOT NULL,
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (definition, role, position)
);

CREATE TABLE processes (
    token INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    pid INTEGER NOT NULL,
    begun TEXT NOT NULL,
    expires INTEGER NOT NULL
);

CREATE VIEW journal AS
SELECT runs.id AS run, events.seq AS seq,
    strftime('%Y-%m-%dT%H:%M:%fZ', events.at / 1000.0, 'unixepoch') AS at,
    events.type AS type, coalesce(events.payload, blobs.value) AS payload
FROM runs
JOIN events ON events.key BETWEEN runs.number << 32 AND (runs.number << 32) + 4294967295
LEFT JOIN blobs ON blobs.hash = events.blob;
";

/// What processes ask of each other: `answer` is null until there is one, and empty when it was done. A definition has
/// when it was last kept: a run of it may be about to begin.
const REQUESTS: &str = "
CREATE TABLE requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    asked INTEGER NOT NULL,
    request TEXT NOT NULL,
    answer TEXT
);
ALTER TABLE definitions ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
";

/// An append is one row, or several where it has very many events, and rows stand in the order in which they were written: what many runs append at the same time
/// lies on a few pages behind each other, not on one page for each run. Its events are those before `next`, each as
/// `[how many milliseconds before "at", the event]`, or its hash instead, where it stands in `blobs`. The row of a run
/// that is running has `seq` and `updated` of the time when it began to run; the last of its batches has the present ones.
const BATCHES: &str = "
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    next INTEGER NOT NULL,
    at INTEGER NOT NULL,
    events TEXT NOT NULL,
    UNIQUE (run, next)
);
CREATE TABLE blob_uses (
    hash TEXT NOT NULL,
    run INTEGER NOT NULL,
    UNIQUE (hash, run)
);
CREATE INDEX blob_uses_by_run ON blob_uses (run);

INSERT INTO batches (run, next, at, events)
SELECT run, seq + 1, at, '[[0,' || coalesce(payload, '\"' || blob || '\"', 'null') || ']]' FROM events ORDER BY key;
INSERT INTO blob_uses (hash, run) SELECT DISTINCT blob, run FROM events WHERE blob IS NOT NULL;
DROP VIEW journal;
DROP TABLE events;

CREATE VIEW journal AS
SELECT runs.id AS run, batches.next - json_array_length(batches.events) + event.key AS seq,
    strftime('%Y-%m-%dT%H:%M:%fZ', (batches.at - json_extract(event.value, '$[0]')) / 1000.0, 'unixepoch') AS at,
    json_extract(coalesce(blobs.value, json_extract(event.value, '$[1]')), '$.type') AS type,
    coalesce(blobs.value, json_extract(event.value, '$[1]')) AS payload
FROM runs
CROSS JOIN batches ON batches.run = runs.number
CROSS JOIN json_each(batches.events) AS event
LEFT JOIN blobs ON blobs.hash = json_extract(event.value, '$[1]');
";

/// How far triggers have been acted on; `pending` is a JSON list of times for which a run is still to be started.
const CURSORS: &str = "
CREATE TABLE trigger_cursors (
    trigger TEXT PRIMARY KEY,
    through INTEGER NOT NULL,
    pending TEXT NOT NULL
);
";

/// Brings a file to the present version.
///
/// # Errors
///
/// When it is none of ours, newer than this program, or cannot be written.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let newest = MIGRATIONS.len();
    if version(connection)? == newest && is_ours(connection)? {
        return Ok(());
    }
    // Two processes may make the file at the same time; the second finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (found > 0 || tables > 0) && !is_ours(&transaction)? {
        return Err(OpenError::Foreign);
    }
    if found > newest {
        return Err(OpenError::Newer { found, known: newest });
    }
    for migration in MIGRATIONS.iter().skip(found) {
        migration.apply(&transaction)?;
    }
    mark(&transaction, newest)?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(application == APPLICATION)
}

fn mark(transaction: &Transaction<'_>, version: usize) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version};"
    ))
}
