//! What protocols keep beside runs.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Error, unavailable};
use crate::data::Data;
use crate::graph::Name;
use crate::store::{Expected, KeyPage, Register, Registered};

/// Values are JSON.
pub(super) const TABLE: &str = "
CREATE TABLE registers (
    register TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (register, key)
);
";

pub(super) fn registered(connection: &Connection, register: Register, key: &str) -> Result<Option<Registered>, Error> {
    let found = connection
        .prepare_cached("SELECT key, revision, value FROM registers WHERE register = ? AND key = ?")
        .and_then(|mut select| select.query_row(params![register.as_str(), key], row).optional())
        .map_err(unavailable)?;
    found.map(read).transpose()
}

pub(super) fn list(connection: &Connection, register: Register, page: &KeyPage) -> Result<Vec<Registered>, Error> {
    let mut select = connection
        .prepare_cached(
            "SELECT key, revision, value FROM registers
             WHERE register = ? AND key >= ? AND key > ? ORDER BY key LIMIT ?",
        )
        .map_err(unavailable)?;
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let after = page.after.as_deref().unwrap_or_default();
    let rows = select
        .query_map(params![register.as_str(), page.prefix, after, limit], row)
        .map_err(unavailable)?;
    // All keys with the prefix stand behind each other.
    rows.take_while(|row| row.as_ref().map_or(true, |(key, ..)| key.starts_with(&page.prefix)))
        .map(|row| row.map_err(unavailable).and_then(read))
        .collect()
}

/// Within a transaction, so nobody comes in between.
pub(super) fn put(
    connection: &Connection,
    register: Register,
    key: &Name,
    expected: Expected,
    value: Option<&Data>,
) -> Result<bool, Error> {
    let write = || {
        let found: Option<u64> = connection
            .prepare_cached("SELECT revision FROM registers WHERE register = ? AND key = ?")?
            .query_row(params![register.as_str(), &**key], |row| row.get(0))
            .optional()?;
        if !expected.allows(found) {
            return Ok(false);
        }
        match value {
            Some(value) => connection.execute(
                "INSERT INTO registers (register, key, revision, value) VALUES (?, ?, 1, ?)
                 ON CONFLICT (register, key) DO UPDATE SET revision = revision + 1, value = excluded.value",
                params![register.as_str(), &**key, value.to_json().to_string()],
            )?,
            None => connection.execute(
                "DELETE FROM registers WHERE register = ? AND key = ?",
                params![register.as_str(), &**key],
            )?,
        };
        Ok(true)
    };
    write().map_err(unavailable)
}

type Row = (String, u64, String);

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read((key, revision, value): Row) -> Result<Registered, Error> {
    let value: Data = serde_json::from_str(&value).map_err(|error| Error::Damaged(error.to_string()))?;
    Ok(Registered {
        key: key.into(),
        revision,
        value,
    })
}
