//! What is read, beside the writer.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde_json::value::RawValue;

use super::write::hash;
use super::{Batch, Definition, Entry, Error, Filter, Head, Snapshot, status_from, status_of, unavailable};
use crate::graph::{Name, Timestamp};
use crate::run::{Event, Labels, Status};

/// How many events one page of a journal has, and about how many bytes.
const PAGE: usize = 4096;
const PAGE_BYTES: usize = 8 << 20;

pub(super) fn load(connection: &Connection, run: &Name, from: u64) -> Result<Vec<Batch>, Error> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT number FROM runs WHERE id = ?")
        .and_then(|mut find| find.query_row([&**run], |row| row.get(0)).optional())
        .map_err(unavailable)?;
    let number = number.ok_or_else(|| Error::NoSuchRun(run.clone()))?;
    let mut select = connection
        .prepare_cached("SELECT next, at, events FROM batches WHERE run = ? AND next > ? ORDER BY next")
        .map_err(unavailable)?;
    let mut rows = select
        .query([number, i64::try_from(from).unwrap_or(i64::MAX)])
        .map_err(unavailable)?;
    let mut batches: Vec<Batch> = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    while count < PAGE
        && bytes < PAGE_BYTES
        && let Some(row) = rows.next().map_err(unavailable)?
    {
        let next: u64 = row.get(0).map_err(unavailable)?;
        let at: i64 = row.get(1).map_err(unavailable)?;
        let text = row.get_ref(2).map_err(unavailable)?;
        let text = text.as_str().map_err(|error| unreadable(run, next, &error))?;
        bytes += text.len();
        let stored: Vec<(i64, &RawValue)> =
            serde_json::from_str(text).map_err(|error| unreadable(run, next, &error))?;
        let first = next.saturating_sub(stored.len() as u64);
        let missing = match batches.last() {
            None => (first > from).then_some(from),
            Some(batch) => (first != batch.end()).then(|| batch.end()),
        };
        if let Some(seq) = missing {
            return Err(Error::Damaged(format!("event {seq} of the run `{run}` is missing")));
        }
        let skipped = stored
            .len()
            .min(usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX));
        let first = first + skipped as u64;
        let mut events = Vec::with_capacity(stored.len() - skipped);
        for (seq, (before, event)) in (first..).zip(stored.into_iter().skip(skipped)) {
            let kind = match event.get().strip_prefix('"') {
                Some(hash) => {
                    let spilt = blob(connection, hash.trim_end_matches('"'))?;
                    bytes += spilt.len();
                    serde_json::from_str(&spilt)
                }
                None => serde_json::from_str(event.get()),
            };
            events.push(Event {
                at: Timestamp(at.saturating_sub(before)),
                kind: kind.map_err(|error| unreadable(run, seq + 1, &error))?,
            });
        }
        count += events.len();
        batches.push(Batch {
            first,
            events: events.into(),
        });
    }
    Ok(batches)
}

/// Something is wrong with the last event before `next`, or with what it stands in.
fn unreadable(run: &str, next: u64, what: &dyn std::fmt::Display) -> Error {
    let seq = next.saturating_sub(1);
    Error::Damaged(format!("event {seq} of the run `{run}` cannot be read: {what}"))
}

/// What did not stand in the row of its batch; empty if it is gone, which cannot be read either.
fn blob(connection: &Connection, hash: &str) -> Result<String, Error> {
    let found = connection
        .prepare_cached("SELECT value FROM blobs WHERE hash = ?")
        .and_then(|mut find| find.query_row([hash], |row| row.get(0)).optional());
    found.map(Option::unwrap_or_default).map_err(unavailable)
}

/// How far the journal of a run has come, and when something was last written to it.
fn last(connection: &Connection, number: i64) -> rusqlite::Result<Option<(u64, Timestamp)>> {
    connection
        .prepare_cached("SELECT next, at FROM batches WHERE run = ? ORDER BY next DESC LIMIT 1")?
        .query_row([number], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
        .optional()
}

const ENTRY: &str = "id, workflow, status, created, updated, wake_at, seq, program, user, conversation, labels, number";

fn entry_of(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let name = |text: String| Name::from(text);
    let status: String = row.get(2)?;
    let labels: Option<String> = row.get(10)?;
    let unreadable = |column: usize, message: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, message.into())
    };
    let labels = match labels {
        Some(labels) => serde_json::from_str(&labels).map_err(|error| unreadable(10, error.to_string()))?,
        None => Labels::new(),
    };
    let status = status_from(&status).ok_or_else(|| unreadable(2, format!("there is no status `{status}`")))?;
    let (mut updated_at, mut seq) = (Timestamp(row.get(4)?), row.get(6)?);
    // A run whose journal is damaged is listed all the same.
    if status == Status::Running
        && let Ok(Some(last)) = last(connection, row.get(11)?)
    {
        (seq, updated_at) = last;
    }
    Ok(Entry {
        run: row.get(0).map(name)?,
        head: Head {
            workflow: row.get(1).map(name)?,
            status,
            wake_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        },
        program: row.get(7).map(name)?,
        user: row.get::<_, Option<String>>(8)?.map(name),
        conversation: row.get::<_, Option<String>>(9)?.map(name),
        labels,
        started_at: Timestamp(row.get(3)?),
        updated_at,
        seq,
    })
}

pub(super) fn entry(connection: &Connection, run: &str) -> Result<Option<Entry>, Error> {
    let found = connection
        .prepare_cached(&format!("SELECT {ENTRY} FROM runs WHERE id = ?"))
        .and_then(|mut find| find.query_row([run], |row| entry_of(connection, row)).optional());
    found.map_err(unavailable)
}

pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Entry>, Error> {
    let (query, values) = listing(filter);
    let found = connection.prepare_cached(&query).and_then(|mut select| {
        select
            .query_map(params_from_iter(values), |row| entry_of(connection, row))?
            .collect::<rusqlite::Result<Vec<Entry>>>()
    });
    found.map_err(unavailable)
}

/// The query for a listing, and its parameters.
pub(super) fn listing(filter: &Filter) -> (String, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut only = |condition: &'static str, wanted: Vec<Value>| {
        conditions.push(condition);
        values.extend(wanted);
    };
    let text = |text: &str| Value::Text(text.to_owned());
    if let Some(workflow) = &filter.workflow {
        only("workflow = ?", vec![text(workflow)]);
    }
    if let Some(status) = filter.status {
        only("status = ?", vec![text(status_of(status))]);
    }
    if let Some(user) = &filter.user {
        only("user = ?", vec![text(user)]);
    }
    if let Some(conversation) = &filter.conversation {
        only("conversation = ?", vec![text(conversation)]);
    }
    for (label, value) in &filter.labels {
        only(
            "EXISTS (SELECT 1 FROM json_each(labels) AS label WHERE label.key = ? AND label.value = ?)",
            vec![text(label), text(value)],
        );
    }
    if let Some(since) = filter.since {
        only("created >= ?", vec![Value::Integer(since.0)]);
    }
    if let Some(until) = filter.until {
        only("created < ?", vec![Value::Integer(until.0)]);
    }
    if let Some((at, run)) = &filter.after {
        only("(created, id) < (?, ?)", vec![Value::Integer(at.0), text(run)]);
    }
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    };
    let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok());
    values.push(Value::Integer(limit.unwrap_or(-1)));
    let query = format!("SELECT {ENTRY} FROM runs {conditions} ORDER BY created DESC, id DESC LIMIT ?");
    (query, values)
}

/// Only runs that nobody drives have to be woken; there is an index of just these, which has to be named: by itself
/// SQLite would look at all that are suspended.
pub(super) const DUE: &str = "SELECT wake_at, id FROM runs INDEXED BY runs_by_wake \
     WHERE wake_at IS NOT NULL AND status = 'suspended' AND wake_at <= ? ORDER BY wake_at, id LIMIT ?";

pub(super) fn due(connection: &Connection, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Name)>, Error> {
    let found = connection.prepare_cached(DUE).and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![until.0, limit], |row| {
            Ok((Timestamp(row.get(0)?), Name::from(row.get::<_, String>(1)?)))
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    found.map_err(unavailable)
}

/// One that is not as it was written is as good as none.
pub(super) fn snapshot(connection: &Connection, run: &str) -> Result<Option<Snapshot>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT snapshots.seq, hash, state FROM snapshots JOIN runs ON runs.number = snapshots.run WHERE id = ?",
        )
        .and_then(|mut select| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?));
            select.query_row([run], row).optional()
        })
        .map_err(unavailable)?;
    let whole = found.filter(|(_, written, state)| hash(state) == *written);
    Ok(whole.map(|(seq, _, state)| Snapshot {
        seq,
        state: state.into(),
    }))
}

pub(super) fn definition(connection: &Connection, hash: &Name) -> Result<Option<Arc<Definition>>, Error> {
    let read = || -> rusqlite::Result<Option<Definition>> {
        let found = connection
            .query_row(
                "SELECT workflow, version FROM definitions WHERE hash = ?",
                [&**hash],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)),
            )
            .optional()?;
        let Some((workflow, version)) = found else {
            return Ok(None);
        };
        let mut files = connection.prepare_cached(
            "SELECT path, text FROM definition_files WHERE definition = ? AND role = ? ORDER BY position",
        )?;
        let mut files = |role: &str| {
            files
                .query_map([&**hash, role], |row| {
                    Ok((
                        Name::from(row.get::<_, String>(0)?),
                        Arc::from(row.get::<_, String>(1)?),
                    ))
                })?
                .collect::<rusqlite::Result<Vec<(Name, Arc<str>)>>>()
        };
        Ok(Some(Definition {
            hash: hash.clone(),
            workflow: workflow.into(),
            version: version.map(Name::from),
            files: files("definition")?,
            schemas: files("schema")?,
        }))
    };
    read().map(|found| found.map(Arc::new)).map_err(unavailable)
}

pub(super) fn size(connection: &Connection) -> Result<u64, Error> {
    let size = connection.query_row(
        "SELECT (page_count - freelist_count) * page_size \
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
        [],
        |row| row.get(0),
    );
    size.map_err(unavailable)
}
