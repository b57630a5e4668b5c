//! How far triggers have been acted on.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Cursor, Error, unavailable};
use crate::graph::{Name, Timestamp};

pub(super) fn cursor(connection: &Connection, trigger: &str) -> Result<Option<Cursor>, Error> {
    let found = connection
        .prepare_cached("SELECT through, pending FROM trigger_cursors WHERE trigger = ?")
        .and_then(|mut select| {
            select
                .query_row([trigger], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
                .optional()
        })
        .map_err(unavailable)?;
    let read = |(through, pending): (i64, String)| {
        let pending = serde_json::from_str(&pending).map_err(|error| Error::Damaged(error.to_string()))?;
        Ok(Cursor {
            through: Timestamp(through),
            pending,
        })
    };
    found.map(read).transpose()
}

/// Within a transaction, so nobody comes in between.
pub(super) fn move_cursor(
    connection: &Connection,
    trigger: &Name,
    expected: Option<&Cursor>,
    to: &Cursor,
) -> Result<bool, Error> {
    if cursor(connection, trigger)?.as_ref() != expected {
        return Ok(false);
    }
    let pending = serde_json::to_string(&to.pending).map_err(|error| Error::Damaged(error.to_string()))?;
    let written = connection.execute(
        "INSERT INTO trigger_cursors (trigger, through, pending) VALUES (?, ?, ?)
         ON CONFLICT (trigger) DO UPDATE SET through = excluded.through, pending = excluded.pending",
        params![&**trigger, to.through.0, pending],
    );
    written.map(|_| true).map_err(unavailable)
}
