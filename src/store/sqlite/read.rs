//! What is read, beside the writer.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::write::hash;
use super::{Batch, Definition, Entry, Error, Filter, Head, Snapshot, key, status_from, status_of, unavailable};
use crate::graph::{Name, Timestamp};
use crate::run::{Event, Labels};

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
        .prepare_cached(
            "SELECT key, at, coalesce(payload, (SELECT value FROM blobs WHERE hash = blob)) \
             FROM events WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
        )
        .map_err(unavailable)?;
    let range = [key(number, from), key(number, u32::MAX.into()), PAGE as i64];
    let mut rows = select.query(range).map_err(unavailable)?;
    let mut events = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(unavailable)? {
        let seq = from + events.len() as u64;
        let found: i64 = row.get(0).map_err(unavailable)?;
        if found != key(number, seq) {
            return Err(Error::Damaged(format!("event {seq} of the run `{run}` is missing")));
        }
        let damaged = |what: &dyn std::fmt::Display| {
            Error::Damaged(format!("event {seq} of the run `{run}` cannot be read: {what}"))
        };
        let at = row.get(1).map_err(|error| damaged(&error))?;
        let payload = row.get_ref(2).map_err(unavailable)?;
        let payload = payload.as_str().map_err(|error| damaged(&error))?;
        bytes += payload.len();
        let kind = serde_json::from_str(payload).map_err(|error| damaged(&error))?;
        events.push(Event {
            at: Timestamp(at),
            kind,
        });
        if bytes > PAGE_BYTES {
            break;
        }
    }
    if events.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Batch {
        first: from,
        events: events.into(),
    }])
}

const ENTRY: &str = "id, workflow, status, created, updated, wake_at, seq, program, user, conversation, labels";

fn entry_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
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
    Ok(Entry {
        run: row.get(0).map(name)?,
        head: Head {
            workflow: row.get(1).map(name)?,
            status: status_from(&status).ok_or_else(|| unreadable(2, format!("there is no status `{status}`")))?,
            wake_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        },
        program: row.get(7).map(name)?,
        user: row.get::<_, Option<String>>(8)?.map(name),
        conversation: row.get::<_, Option<String>>(9)?.map(name),
        labels,
        started_at: Timestamp(row.get(3)?),
        updated_at: Timestamp(row.get(4)?),
        seq: row.get(6)?,
    })
}

pub(super) fn entry(connection: &Connection, run: &str) -> Result<Option<Entry>, Error> {
    let found = connection
        .prepare_cached(&format!("SELECT {ENTRY} FROM runs WHERE id = ?"))
        .and_then(|mut find| find.query_row([run], entry_of).optional());
    found.map_err(unavailable)
}

pub(super) fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Entry>, Error> {
    let (query, values) = listing(filter);
    let found = connection.prepare_cached(&query).and_then(|mut select| {
        select
            .query_map(params_from_iter(values), entry_of)?
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
