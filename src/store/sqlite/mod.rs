//! Journals in an SQLite file.
//!
//! One thread writes, and everything that was asked for while it was at a transaction goes into the next one, so that
//! many runs share one wait for the disk; nobody is answered before the transaction is on it. Other threads read beside
//! it. The tables are made to be looked at: `sqlite3 runs.sqlite 'SELECT * FROM journal'`.

mod conversation;
mod cursor;
mod lease;
mod process;
mod read;
mod readers;
mod register;
mod request;
mod schema;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    Append, Batch, Conversation, Cursor, Definition, Entry, Error, Filter, Head, Page, Reply, Request, Said, Snapshot,
    Store,
};
use super::{Expected, KeyPage, Register, Registered};
use crate::data::Data;
use crate::graph::{Name, Timestamp};
use crate::run::Status;
use lease::Lease;
use process::Process;
use readers::Readers;
use write::Encoded;
use writer::Writer;

/// How many threads read.
const READERS: usize = 2;
/// How long another process may hold the file before it counts as not available.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps journals in a file.
pub struct Sqlite {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
}

/// How a file is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is on disk when an append is answered.
    pub synchronous: Synchronous,
    /// How long a process that gives no sign of life keeps its runs, where it cannot be seen from here that it is gone.
    pub lease: Duration,
    /// How many pages of 4 KiB the file may have.
    pub max_pages: Option<u32>,
    /// The name of this host in leases; by default its own.
    pub host: Option<String>,
}

/// What is on disk when an append is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// All of it.
    Full,
    /// Nothing need be: the last appends may be lost when the power fails, though not when the process ends.
    Normal,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            synchronous: Synchronous::Full,
            lease: Duration::from_secs(15),
            max_pages: None,
            host: None,
        }
    }
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A later version of this program has written it.
    #[error(
        "it was written by a newer version of interpret (tables of version {found}; this one knows {known}): \
         use that version, or another file"
    )]
    Newer {
        /// The version of its tables.
        found: usize,
        /// The newest that is known here.
        known: usize,
    },
    /// It is something else.
    #[error("it is no file of interpret's; name another one")]
    Foreign,
    /// It cannot be opened or written.
    #[error("{0}")]
    Failed(String),
    /// One of the above, about this file.
    #[error("the store {} cannot be used: {why}", path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// Why.
        why: Box<OpenError>,
    },
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> OpenError {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign,
            _ => OpenError::Failed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> OpenError {
        OpenError::Failed(error.to_string())
    }
}

impl Sqlite {
    /// The store in a file, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Sqlite, OpenError> {
        Sqlite::open_with(path, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_with(path: &Path, options: Options) -> Result<Sqlite, OpenError> {
        start(path, options).map_err(|why| OpenError::At {
            path: path.to_owned(),
            why: Box::new(why),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn start(path: &Path, options: Options) -> Result<Sqlite, OpenError> {
    make_private(path)?;
    let mut connection = connect(path)?;
    connection.execute_batch("PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;")?;
    connection.execute_batch(match options.synchronous {
        Synchronous::Full => "PRAGMA synchronous = full",
        Synchronous::Normal => "PRAGMA synchronous = normal",
    })?;
    schema::migrate(&mut connection)?;
    if let Some(pages) = options.max_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let reader = connect(path)?;
        reader.execute_batch("PRAGMA query_only = on")?;
        readers.push(reader);
    }
    let lease = Lease::new(Process::this(options.host), options.lease);
    Ok(Sqlite {
        path: path.to_owned(),
        writer: Writer::start(connection, lease)?,
        readers: Readers::start(readers)?,
    })
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    // Names such as `file:` or `:memory:` mean nothing special.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(Path::new(".").join(path), flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise SQLite compiles a statement anew whenever a value is bound that its plan might depend on.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Makes the file, for nobody else to read: journals hold what people said.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new();
    file.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop)
}

impl Store for Sqlite {
    fn append(&self, append: Append) -> Reply<'_, ()> {
        match Encoded::of(append) {
            Ok(encoded) => self
                .writer
                .ask(move |connection, lease| encoded.append(connection, lease)),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }

    fn load(&self, run: &Name, from: u64) -> Reply<'_, Vec<Batch>> {
        let run = run.clone();
        self.readers.ask(move |connection| read::load(connection, &run, from))
    }

    fn entry(&self, run: &Name) -> Reply<'_, Option<Entry>> {
        let run = run.clone();
        self.readers.ask(move |connection| read::entry(connection, &run))
    }

    fn list(&self, filter: Filter) -> Reply<'_, Vec<Entry>> {
        self.readers.ask(move |connection| read::list(connection, &filter))
    }

    fn claim(&self, run: &Name) -> Reply<'_, ()> {
        let run = run.clone();
        self.writer
            .ask(move |connection, lease| write::claim(connection, lease, &run))
    }

    fn snapshot(&self, run: &Name) -> Reply<'_, Option<Snapshot>> {
        let run = run.clone();
        self.readers.ask(move |connection| read::snapshot(connection, &run))
    }

    fn due(&self, until: Timestamp, limit: usize) -> Reply<'_, Vec<(Timestamp, Name)>> {
        self.readers.ask(move |connection| read::due(connection, until, limit))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.writer
            .ask(move |connection, _| write::prune(connection, before, limit))
    }

    fn forget(&self, run: &Name) -> Reply<'_, bool> {
        let run = run.clone();
        self.writer.ask(move |connection, _| write::forget(connection, &run))
    }

    fn ask(&self, run: &Name, request: Request) -> Reply<'_, u64> {
        let run = run.clone();
        self.writer
            .ask(move |connection, _| request::ask(connection, &run, &request))
    }

    fn requests(&self) -> Reply<'_, Vec<(u64, Name, Request)>> {
        self.readers.ask(request::pending)
    }

    fn answer(&self, number: u64, answer: Result<(), String>) -> Reply<'_, ()> {
        self.writer
            .ask(move |connection, _| request::answer(connection, number, &answer))
    }

    fn answered(&self, number: u64) -> Reply<'_, Option<Result<(), String>>> {
        self.readers
            .ask(move |connection| request::answered(connection, number))
    }

    fn withdraw(&self, number: u64) -> Reply<'_, ()> {
        self.writer
            .ask(move |connection, _| request::withdraw(connection, number))
    }

    fn prune_definitions(&self, before: Timestamp) -> Reply<'_, usize> {
        self.writer
            .ask(move |connection, _| write::prune_definitions(connection, before))
    }

    fn say(&self, conversation: Conversation, messages: Vec<Said>) -> Reply<'_, ()> {
        self.writer
            .ask(move |connection, _| conversation::say(connection, &conversation, &messages))
    }

    fn conversation(&self, id: &Name) -> Reply<'_, Option<Conversation>> {
        let id = id.clone();
        self.readers
            .ask(move |connection| conversation::conversation(connection, &id))
    }

    fn said(&self, conversation: &Name, page: Page) -> Reply<'_, Vec<Said>> {
        let conversation = conversation.clone();
        self.readers
            .ask(move |connection| conversation::said(connection, &conversation, &page))
    }

    fn message(&self, conversation: &Name, id: &Name) -> Reply<'_, Option<Said>> {
        let (conversation, id) = (conversation.clone(), id.clone());
        self.readers
            .ask(move |connection| conversation::message(connection, &conversation, &id))
    }

    fn unsay(&self, conversation: &Name, id: &Name) -> Reply<'_, bool> {
        let (conversation, id) = (conversation.clone(), id.clone());
        self.writer
            .ask(move |connection, _| conversation::unsay(connection, &conversation, &id))
    }

    fn forget_conversation(&self, conversation: &Name) -> Reply<'_, bool> {
        let conversation = conversation.clone();
        self.writer
            .ask(move |connection, _| conversation::forget(connection, &conversation))
    }

    fn cursor(&self, trigger: &Name) -> Reply<'_, Option<Cursor>> {
        let trigger = trigger.clone();
        self.readers.ask(move |connection| cursor::cursor(connection, &trigger))
    }

    fn move_cursor(&self, trigger: &Name, expected: Option<Cursor>, to: Cursor) -> Reply<'_, bool> {
        let trigger = trigger.clone();
        self.writer
            .ask(move |connection, _| cursor::move_cursor(connection, &trigger, expected.as_ref(), &to))
    }

    fn registered(&self, register: Register, key: &Name) -> Reply<'_, Option<Registered>> {
        let key = key.clone();
        self.readers
            .ask(move |connection| register::registered(connection, register, &key))
    }

    fn list_registered(&self, register: Register, page: KeyPage) -> Reply<'_, Vec<Registered>> {
        self.readers
            .ask(move |connection| register::list(connection, register, &page))
    }

    fn put_registered(
        &self,
        register: Register,
        key: &Name,
        expected: Expected,
        value: Option<Data>,
    ) -> Reply<'_, bool> {
        let key = key.clone();
        self.writer
            .ask(move |connection, _| register::put(connection, register, &key, expected, value.as_ref()))
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn size(&self) -> Reply<'_, u64> {
        self.readers.ask(read::size)
    }

    fn keep(&self, definition: Arc<Definition>) -> Reply<'_, ()> {
        self.writer
            .ask(move |connection, _| write::keep(connection, &definition))
    }

    fn definition(&self, hash: &Name) -> Reply<'_, Option<Arc<Definition>>> {
        let hash = hash.clone();
        self.readers.ask(move |connection| read::definition(connection, &hash))
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn status_of(status: Status) -> &'static str {
    status.as_str()
}

fn status_from(text: &str) -> Option<Status> {
    let all = [
        Status::Running,
        Status::Suspended,
        Status::Completed,
        Status::Error,
        Status::Cancelled,
    ];
    all.into_iter().find(|status| status.as_str() == text)
}

/// What SQLite says, as an error of a store: a damaged file stays damaged, everything else may pass.
fn unavailable(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged(error.to_string()),
        None => Error::Damaged(error.to_string()),
        Some(_) => Error::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
