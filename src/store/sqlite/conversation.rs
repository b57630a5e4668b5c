//! Conversations: what people, agents and workflows have said, beyond the runs in which they said it.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::{Conversation, Error, Page, Said, unavailable};
use crate::data::Data;
use crate::graph::{Name, Order, Role, Timestamp};
use crate::run::Message;
use crate::store::message_id;

/// Each message with the effect that it came of, so that what is sent again is not kept twice. So it was once.
pub(super) const FIRST: &str = "
CREATE TABLE conversation_messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    effect TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX conversation_messages_in_order ON conversation_messages (conversation, number);
CREATE INDEX conversation_messages_by_effect ON conversation_messages (conversation, effect);
";

/// Messages in the order in which they were said. `content` and `metadata` are JSON. Runs are found by their conversation.
const TABLES: &str = "
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    user TEXT,
    metadata TEXT,
    created INTEGER NOT NULL
);
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    author TEXT,
    content TEXT NOT NULL,
    metadata TEXT,
    at INTEGER NOT NULL,
    UNIQUE (conversation, id)
);
CREATE INDEX messages_in_order ON messages (conversation, number);
CREATE INDEX runs_by_conversation ON runs (conversation, created, id) WHERE conversation IS NOT NULL;
";

/// Gives messages of an earlier version the ids that they would have been given, in their conversations.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    let mut select =
        connection.prepare("SELECT conversation, effect, message FROM conversation_messages ORDER BY number")?;
    let mut rows = select.query([])?;
    let mut last: Option<(String, String, usize)> = None;
    while let Some(row) = rows.next()? {
        let (conversation, effect, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let place = match &last {
            Some((same, of, place)) if *same == conversation && *of == effect => place + 1,
            _ => 0,
        };
        let message = serde_json::from_str::<Message>(&text).map_err(unreadable)?;
        let id = message_id(&effect, place);
        // It was not kept when it was said.
        if let Some(said) = Said::of_model(message, None, id, Timestamp(0)) {
            let conversation = Conversation {
                id: conversation.as_str().into(),
                user: None,
                metadata: Data::Null,
                created_at: Timestamp(0),
            };
            write(connection, &conversation, &[said])?;
        }
        last = Some((conversation, effect, place));
    }
    connection.execute_batch("DROP TABLE conversation_messages")
}

pub(super) fn say(connection: &Connection, conversation: &Conversation, messages: &[Said]) -> Result<(), Error> {
    write(connection, conversation, messages).map_err(unavailable)
}

fn write(connection: &Connection, conversation: &Conversation, messages: &[Said]) -> rusqlite::Result<()> {
    let json = |data: &Data| Some(data.to_string()).filter(|_| !data.is_null());
    connection
        .prepare_cached("INSERT OR IGNORE INTO conversations (id, user, metadata, created) VALUES (?, ?, ?, ?)")?
        .execute(params![
            &*conversation.id,
            conversation.user.as_deref(),
            json(&conversation.metadata),
            conversation.created_at.0
        ])?;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO messages (conversation, id, role, author, content, metadata, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    messages.iter().try_for_each(|said| {
        let written = insert.execute(params![
            &*conversation.id,
            &*said.id,
            said.role.as_str(),
            said.author.as_deref(),
            said.content.to_string(),
            json(&said.metadata),
            said.at.0
        ]);
        written.map(drop)
    })
}

pub(super) fn conversation(connection: &Connection, id: &Name) -> Result<Option<Conversation>, Error> {
    let read = || {
        let mut select = connection.prepare_cached("SELECT user, metadata, created FROM conversations WHERE id = ?")?;
        let found = select.query_row([&**id], |row| {
            Ok(Conversation {
                id: id.clone(),
                user: row.get::<_, Option<String>>(0)?.map(Name::from),
                metadata: json(row, 1)?,
                created_at: Timestamp(row.get(2)?),
            })
        });
        found.optional()
    };
    read().map_err(unavailable)
}

const MESSAGE: &str = "id, role, author, content, metadata, at";

pub(super) fn said(connection: &Connection, conversation: &Name, page: &Page) -> Result<Vec<Said>, Error> {
    let (query, values) = listing(conversation, page);
    let read = || {
        let mut select = connection.prepare_cached(&query)?;
        let rows = select.query_map(params_from_iter(values), message_of)?;
        rows.collect::<rusqlite::Result<Vec<Said>>>()
    };
    read().map_err(unavailable)
}

/// The query for a page of messages, and its parameters.
pub(super) fn listing(conversation: &Name, page: &Page) -> (String, Vec<Value>) {
    let text = |text: &str| Value::Text(text.to_owned());
    let (behind, before, order) = match page.order {
        Order::Ascending => (">", "<", "ASC"),
        Order::Descending => ("<", ">", "DESC"),
    };
    let mut query = format!("SELECT {MESSAGE} FROM messages WHERE conversation = ?");
    let mut values = vec![text(conversation)];
    for (than, id) in [(behind, &page.after), (before, &page.before)] {
        if let Some(id) = id {
            query.push_str(&format!(
                " AND number {than} (SELECT number FROM messages WHERE conversation = ? AND id = ?)"
            ));
            values.extend([text(conversation), text(id)]);
        }
    }
    query.push_str(&format!(" ORDER BY number {order} LIMIT ?"));
    values.push(Value::Integer(i64::try_from(page.limit).unwrap_or(i64::MAX)));
    (query, values)
}

pub(super) fn message(connection: &Connection, conversation: &Name, id: &Name) -> Result<Option<Said>, Error> {
    let query = format!("SELECT {MESSAGE} FROM messages WHERE conversation = ? AND id = ?");
    let read = || {
        let mut select = connection.prepare_cached(&query)?;
        select.query_row([&**conversation, &**id], message_of).optional()
    };
    read().map_err(unavailable)
}

pub(super) fn unsay(connection: &Connection, conversation: &Name, id: &Name) -> Result<bool, Error> {
    connection
        .execute(
            "DELETE FROM messages WHERE conversation = ? AND id = ?",
            [&**conversation, &**id],
        )
        .map(|count| count > 0)
        .map_err(unavailable)
}

pub(super) fn forget(connection: &Connection, conversation: &Name) -> Result<bool, Error> {
    let delete = || {
        connection.execute("DELETE FROM messages WHERE conversation = ?", [&**conversation])?;
        connection.execute("DELETE FROM conversations WHERE id = ?", [&**conversation])
    };
    delete().map(|count| count > 0).map_err(unavailable)
}

fn message_of(row: &Row<'_>) -> rusqlite::Result<Said> {
    let role: String = row.get(1)?;
    Ok(Said {
        id: row.get::<_, String>(0)?.into(),
        role: Role::named(&role).unwrap_or_default(),
        author: row.get::<_, Option<String>>(2)?.map(Name::from),
        content: json(row, 3)?,
        metadata: json(row, 4)?,
        at: Timestamp(row.get(5)?),
    })
}

/// A column with JSON, or with nothing.
fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Data> {
    match row.get::<_, Option<String>>(column)? {
        Some(text) => serde_json::from_str(&text).map_err(unreadable),
        None => Ok(Data::Null),
    }
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
}
