//! Journals of runs, and the definitions they are pinned to.
//!
//! A run is its events. A driver appends them in batches, each with the sequence number it expects the journal to have
//! reached, so that no two drivers can both continue a run. Nothing a driver does is seen or acted on before its append
//! has succeeded. Every store passes [`conformance::run`].

#![allow(
    clippy::disallowed_methods,
    reason = "a store has threads of its own, and leases look at the clock and at processes"
)]

pub mod actuals;
pub mod conformance;
mod conversation;
mod converse;
mod memory;
mod open;
mod register;
pub mod releases;
mod retention;
pub mod sqlite;

use std::pin::Pin;
use std::sync::Arc;

pub use crate::graph::Definition;
pub use conversation::{Conversation, Page, Said, message_id};
pub use converse::{Asking, converse};
pub use memory::{Limits, Memory};
pub use open::{OpenError, open};
pub use register::{Expected, KeyPage, Register, Registered};
pub use retention::{PORTION, forget, forget_definitions};
pub use sqlite::Sqlite;

use crate::data::Data;
use crate::graph::{Name, Order, Timestamp};
use crate::run::{Event, Labels, Message, Status};

/// What a store answers, in time.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps journals and definitions.
///
/// Several stores, in several processes, may be open on the same journals. A run that is [`Status::Running`] belongs to
/// the store that made it so, until that store is gone; one that is suspended belongs to nobody, and whose append comes
/// first has it.
pub trait Store: Send + Sync {
    /// Appends to the journal of a run; the first append, at sequence 0, makes the run. When the reply comes, the
    /// events are kept as well as this store can; when it is an error, none of them is, or all of them are and the
    /// reply was lost.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when the journal has not reached exactly the expected sequence; [`Error::Owned`] when the run
    /// belongs to another store, or this one was taken for dead.
    fn append(&self, append: Append) -> Reply<'_, ()>;

    /// Events of a run from a sequence number on, oldest first. The first batch may begin before it; batches beyond a
    /// reasonable amount are left for the next call; none means that there are no more.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchRun`], [`Error::Truncated`].
    fn load(&self, run: &Name, from: u64) -> Reply<'_, Vec<Batch>>;

    /// What is known of a run without its journal; `None` if there is no such run.
    fn entry(&self, run: &Name) -> Reply<'_, Option<Entry>>;

    /// Runs, the youngest first.
    fn list(&self, filter: Filter) -> Reply<'_, Vec<Entry>>;

    /// Makes sure that a run is this store's to drive on: takes it over when its owner is gone. A run that is not running
    /// stays nobody's.
    ///
    /// # Errors
    ///
    /// [`Error::Owned`] when somebody else drives it, [`Error::NoSuchRun`].
    fn claim(&self, run: &Name) -> Reply<'_, ()>;

    /// The state of a run that was appended last, from which a replay can begin.
    fn snapshot(&self, run: &Name) -> Reply<'_, Option<Snapshot>>;

    /// The runs that want to be driven on by themselves no later than that moment, the first to wake first, no more than
    /// `limit`.
    fn due(&self, until: Timestamp, limit: usize) -> Reply<'_, Vec<(Timestamp, Name)>>;

    /// Forgets up to `limit` runs that are over and in which nothing has happened since `before`, the oldest first; how
    /// many there were.
    fn prune(&self, before: Timestamp, limit: usize) -> Reply<'_, usize>;

    /// Forgets one run that is over; false when there is none of that id, or it goes on.
    fn forget(&self, run: &Name) -> Reply<'_, bool>;

    /// Leaves a request for whoever drives a run, be it in another process; the number to ask for the answer by. A store
    /// that only one process can open needs none of this.
    fn ask(&self, run: &Name, request: Request) -> Reply<'_, u64> {
        let _ = (run, request);
        let refused = Err(Error::Unavailable("it takes no requests".to_owned()));
        Box::pin(std::future::ready(refused))
    }

    /// The requests that nobody has answered.
    fn requests(&self) -> Reply<'_, Vec<(u64, Name, Request)>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Says what has come of a request: nothing more, or why it is refused.
    fn answer(&self, number: u64, answer: Result<(), String>) -> Reply<'_, ()> {
        let _ = (number, answer);
        Box::pin(std::future::ready(Ok(())))
    }

    /// What has come of a request, if that is known by now.
    fn answered(&self, number: u64) -> Reply<'_, Option<Result<(), String>>> {
        let _ = number;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Takes a request back, answered or not.
    fn withdraw(&self, number: u64) -> Reply<'_, ()> {
        let _ = number;
        Box::pin(std::future::ready(Ok(())))
    }

    /// Keeps messages at the end of a conversation, but for those whose ids it has already. Where there is no such
    /// conversation it is made, as it is given; else it stays as it is.
    fn say(&self, conversation: Conversation, messages: Vec<Said>) -> Reply<'_, ()> {
        let _ = (conversation, messages);
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// What is known of a conversation; `None` if there is none.
    fn conversation(&self, id: &Name) -> Reply<'_, Option<Conversation>> {
        let _ = id;
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// Messages of a conversation; none if there is no such conversation.
    fn said(&self, conversation: &Name, page: Page) -> Reply<'_, Vec<Said>> {
        let _ = (conversation, page);
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// One message of a conversation.
    fn message(&self, conversation: &Name, id: &Name) -> Reply<'_, Option<Said>> {
        let _ = (conversation, id);
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// Forgets one message of a conversation; whether there was one.
    fn unsay(&self, conversation: &Name, id: &Name) -> Reply<'_, bool> {
        let _ = (conversation, id);
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// Forgets a conversation with all that was said in it; whether there was one.
    fn forget_conversation(&self, conversation: &Name) -> Reply<'_, bool> {
        let _ = conversation;
        Box::pin(std::future::ready(Err(no_conversations())))
    }

    /// What was said in a conversation last, at most so many messages, the oldest first, for a model.
    fn recall(&self, conversation: &Name, limit: usize) -> Reply<'_, Vec<Message>> {
        let said = self.said(conversation, Page::of(Order::Descending, limit));
        Box::pin(async move { Ok(said.await?.into_iter().rev().map(Said::for_model).collect()) })
    }

    /// How far a trigger has been acted on; `None` if it has never been looked at. A store that keeps no such thing has
    /// no triggers that fire by themselves.
    fn cursor(&self, trigger: &Name) -> Reply<'_, Option<Cursor>> {
        let _ = trigger;
        Box::pin(std::future::ready(Err(no_cursors())))
    }

    /// Moves a cursor from where it is expected to be; false, and nothing is changed, when it is elsewhere, because
    /// somebody else was faster.
    fn move_cursor(&self, trigger: &Name, expected: Option<Cursor>, to: Cursor) -> Reply<'_, bool> {
        let _ = (trigger, expected, to);
        Box::pin(std::future::ready(Err(no_cursors())))
    }

    /// What stands in a register under a key.
    fn registered(&self, register: Register, key: &Name) -> Reply<'_, Option<Registered>> {
        let _ = (register, key);
        Box::pin(std::future::ready(Err(no_registers())))
    }

    /// A page of a register, in the order of the bytes of its keys.
    fn list_registered(&self, register: Register, page: KeyPage) -> Reply<'_, Vec<Registered>> {
        let _ = (register, page);
        Box::pin(std::future::ready(Err(no_registers())))
    }

    /// Writes into a register, or removes what stands there; false, and nothing is changed, when something else stands
    /// there than is expected.
    fn put_registered(
        &self,
        register: Register,
        key: &Name,
        expected: Expected,
        value: Option<Data>,
    ) -> Reply<'_, bool> {
        let _ = (register, key, expected, value);
        Box::pin(std::future::ready(Err(no_registers())))
    }

    /// Whether journals outlive this process; then it pays to append snapshots.
    fn is_durable(&self) -> bool;

    /// How many bytes everything takes.
    fn size(&self) -> Reply<'_, u64>;

    /// Forgets the definitions that were last kept before a moment, that no run is pinned to and no release has; how many
    /// there were. A store that does not outlive its process need not.
    fn prune_definitions(&self, before: Timestamp) -> Reply<'_, usize> {
        let _ = before;
        Box::pin(std::future::ready(Ok(0)))
    }

    /// Keeps a definition under its hash, for runs that begin soon. Keeping it again makes it as young as a new one and
    /// changes nothing else: whoever begins runs of it for longer than [`prune_definitions`](Store::prune_definitions) is
    /// patient keeps it again from time to time.
    fn keep(&self, definition: Arc<Definition>) -> Reply<'_, ()>;

    /// The definition with a hash.
    fn definition(&self, hash: &Name) -> Reply<'_, Option<Arc<Definition>>>;
}

fn no_conversations() -> Error {
    Error::Unavailable("it keeps no conversations".to_owned())
}

fn no_cursors() -> Error {
    Error::Unavailable("it keeps nothing of triggers".to_owned())
}

fn no_registers() -> Error {
    Error::Unavailable("it keeps nothing beside runs".to_owned())
}

/// How far a trigger with a schedule has been acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// It is decided what becomes of every time up to here.
    pub through: Timestamp,
    /// Times for which a run is still to be started, the oldest first.
    pub pending: Vec<Timestamp>,
}

/// What somebody asks of a run that another process drives.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    /// To start nothing more.
    Suspend {
        /// Why.
        reason: Option<Name>,
    },
    /// To go on.
    Continue,
    /// To be cancelled.
    Cancel {
        /// Why.
        reason: Option<Name>,
    },
    /// To take an answer to a wait.
    Resume {
        /// Whose; may be left out when there is only one.
        step: Option<Name>,
        /// The answer.
        payload: Data,
    },
    /// To take a named event.
    Deliver {
        /// Its name.
        event: Name,
        /// Its data.
        data: Data,
    },
}

/// Why a store did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody else has continued the run, or made one of that name.
    #[error("the journal of the run has reached {found}, not {expected}: somebody else drives it")]
    Conflict {
        /// The sequence number the driver expected.
        expected: u64,
        /// The one the journal has reached.
        found: u64,
    },
    /// It belongs to another store.
    #[error("the run is driven by {by}")]
    Owned {
        /// Who that is.
        by: String,
    },
    /// There is no such run.
    #[error("there is no run `{0}`")]
    NoSuchRun(Name),
    /// The beginning of the journal is no longer kept.
    #[error("the journal is kept only from {first} on")]
    Truncated {
        /// The first sequence number that is kept.
        first: u64,
    },
    /// The store does not work at the moment.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Damaged(String),
}

/// Events to append.
#[derive(Clone, Debug)]
pub struct Append {
    /// The run.
    pub run: Name,
    /// How many events its journal has so far.
    pub expected_seq: u64,
    /// What happened; the first of all is [`EventKind::RunStarted`](crate::run::EventKind::RunStarted).
    pub events: Arc<[Event]>,
    /// Where the run stands behind them.
    pub head: Head,
    /// Its whole state behind them, so that a replay need not begin at the first event.
    pub snapshot: Option<Arc<[u8]>>,
}

/// The state of a run at a place in its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// How many events lead to it.
    pub seq: u64,
    /// What was appended.
    pub state: Arc<[u8]>,
}

/// Where a run stands: what listings and restarts go by, without its journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The id of its workflow.
    pub workflow: Name,
    /// Its status.
    pub status: Status,
    /// When it has to be driven on by itself.
    pub wake_at: Option<Timestamp>,
}

/// Events as they were appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The sequence number of the first.
    pub first: u64,
    /// The events.
    pub events: Arc<[Event]>,
}

impl Batch {
    /// The sequence number behind the last.
    pub fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// The part of the batch from a sequence number on.
    pub fn from(self, seq: u64) -> Batch {
        if seq <= self.first {
            return self;
        }
        let skipped = usize::try_from(seq - self.first)
            .unwrap_or(usize::MAX)
            .min(self.events.len());
        Batch {
            first: seq,
            events: self.events[skipped..].into(),
        }
    }
}

/// A run in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id.
    pub run: Name,
    /// Where it stands.
    pub head: Head,
    /// The hash of its program.
    pub program: Name,
    /// For whom it runs.
    pub user: Option<Name>,
    /// The conversation it belongs to.
    pub conversation: Option<Name>,
    /// What it is marked with.
    pub labels: Labels,
    /// When it began.
    pub started_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
    /// How many events it has.
    pub seq: u64,
}

/// Which runs to list. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of that workflow.
    pub workflow: Option<Name>,
    /// With that status.
    pub status: Option<Status>,
    /// For that user.
    pub user: Option<Name>,
    /// Of that conversation.
    pub conversation: Option<Name>,
    /// Marked with all of these.
    pub labels: Labels,
    /// Begun then or later.
    pub since: Option<Timestamp>,
    /// Begun before.
    pub until: Option<Timestamp>,
    /// Behind that run in the listing: the last of the page before.
    pub after: Option<(Timestamp, Name)>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether a run is meant, apart from the limit.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<Name>, found: Option<&Name>| wanted.is_none() || wanted.as_ref() == found;
        is(&self.workflow, Some(&entry.head.workflow))
            && is(&self.user, entry.user.as_ref())
            && is(&self.conversation, entry.conversation.as_ref())
            && self
                .labels
                .iter()
                .all(|(label, value)| entry.labels.get(label) == Some(value))
            && self.status.is_none_or(|status| status == entry.head.status)
            && self.since.is_none_or(|since| entry.started_at >= since)
            && self.until.is_none_or(|until| entry.started_at < until)
            && self
                .after
                .as_ref()
                .is_none_or(|(at, run)| (entry.started_at, &entry.run) < (*at, run))
    }
}

/// Whether a run with this status is over.
pub(crate) fn is_over(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Error | Status::Cancelled)
}
