//! Conversations: what people and models have said, beyond the runs in which they said it.

use rusqlite::{Connection, params};

use super::{Error, unavailable};
use crate::graph::Name;
use crate::run::Message;

/// Each message with the effect that it came of, so that what is sent again is not kept twice.
pub(super) const TABLE: &str = "
CREATE TABLE conversation_messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    effect TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX conversation_messages_in_order ON conversation_messages (conversation, number);
CREATE INDEX conversation_messages_by_effect ON conversation_messages (conversation, effect);
";

pub(super) fn recall(connection: &Connection, conversation: &Name, limit: usize) -> Result<Vec<Message>, Error> {
    let read = || {
        let mut select = connection.prepare_cached(
            "SELECT message FROM conversation_messages WHERE conversation = ? ORDER BY number DESC LIMIT ?",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![&**conversation, limit], |row| row.get::<_, String>(0))?;
        rows.collect::<rusqlite::Result<Vec<String>>>()
    };
    let texts = read().map_err(unavailable)?;
    let messages = texts.iter().rev().map(|text| serde_json::from_str(text));
    let messages: Result<Vec<Message>, serde_json::Error> = messages.collect();
    messages.map_err(|error| Error::Damaged(error.to_string()))
}

pub(super) fn remember(
    connection: &Connection,
    conversation: &Name,
    effect: &str,
    messages: &[Message],
) -> Result<(), Error> {
    let texts: Result<Vec<String>, serde_json::Error> = messages.iter().map(serde_json::to_string).collect();
    let texts = texts.map_err(|error| Error::Damaged(error.to_string()))?;
    let write = || {
        let mut known = connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM conversation_messages WHERE conversation = ? AND effect = ?)",
        )?;
        if known.query_row(params![&**conversation, effect], |row| row.get::<_, bool>(0))? {
            return Ok(());
        }
        let mut insert = connection
            .prepare_cached("INSERT INTO conversation_messages (conversation, effect, message) VALUES (?, ?, ?)")?;
        texts.iter().try_for_each(|text| {
            insert.execute(params![&**conversation, effect, text])?;
            Ok(())
        })
    };
    write().map_err(unavailable)
}
