//! What processes ask of each other: rows that the owner of a run looks for.

use rusqlite::{Connection, OptionalExtension, params};

use super::lease::now;
use super::{Error, Request, unavailable};
use crate::graph::Name;

/// How long a request is of interest, in milliseconds: who asked has left without taking it back.
const LIFE: i64 = 60_000;

pub(super) fn ask(connection: &Connection, run: &Name, request: &Request) -> Result<u64, Error> {
    let text = serde_json::to_string(request).map_err(|error| Error::Damaged(error.to_string()))?;
    let write = || {
        connection.execute("DELETE FROM requests WHERE asked < ?", [now() - LIFE])?;
        connection.execute(
            "INSERT INTO requests (run, asked, request) VALUES (?, ?, ?)",
            params![&**run, now(), text],
        )
    };
    write().map_err(unavailable)?;
    Ok(connection.last_insert_rowid().unsigned_abs())
}

pub(super) fn pending(connection: &Connection) -> Result<Vec<(u64, Name, Request)>, Error> {
    let read = || {
        let mut select = connection.prepare_cached(
            "SELECT number, run, request FROM requests WHERE answer IS NULL AND asked >= ? ORDER BY number",
        )?;
        let rows = select.query_map([now() - LIFE], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        rows.collect::<rusqlite::Result<Vec<(u64, String, String)>>>()
    };
    let rows = read().map_err(unavailable)?.into_iter();
    // One of a newer version that is not understood here stays unanswered.
    let known =
        |(number, run, text): (u64, String, String)| Some((number, run.into(), serde_json::from_str(&text).ok()?));
    Ok(rows.filter_map(known).collect())
}

pub(super) fn answer(connection: &Connection, number: u64, answer: &Result<(), String>) -> Result<(), Error> {
    let text = answer.as_ref().err().map_or("", |refusal| refusal);
    let written = connection.execute("UPDATE requests SET answer = ? WHERE number = ?", params![text, number]);
    written.map(drop).map_err(unavailable)
}

pub(super) fn answered(connection: &Connection, number: u64) -> Result<Option<Result<(), String>>, Error> {
    let found = connection
        .query_row("SELECT answer FROM requests WHERE number = ?", [number], |row| {
            row.get::<_, Option<String>>(0)
        })
        .optional();
    let text = found.map_err(unavailable)?.flatten();
    Ok(text.map(|text| if text.is_empty() { Ok(()) } else { Err(text) }))
}

pub(super) fn withdraw(connection: &Connection, number: u64) -> Result<(), Error> {
    let deleted = connection.execute("DELETE FROM requests WHERE number = ?", [number]);
    deleted.map(drop).map_err(unavailable)
}
