use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::{
    Append, Batch, Conversation, Cursor, Definition, Entry, Error, Filter, Page, Reply, Said, Snapshot, Store, is_over,
};
use super::{Expected, KeyPage, Register, Registered};
use crate::data::Data;
use crate::graph::{Name, Order, Timestamp};
use crate::run::{Event, EventKind, Outcome, RunEnd, Status, StepEnd};

/// How many batches one [`Store::load`] gives.
const PAGE: usize = 64;

/// Keeps everything in memory, unserialised, and forgets finished runs when there are many.
#[derive(Debug, Default)]
pub struct Memory {
    limits: Limits,
    inner: Mutex<Inner>,
}

/// What a [`Memory`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many finished runs; the oldest are forgotten first.
    pub finished_runs: usize,
    /// About how many bytes of finished runs.
    pub finished_bytes: usize,
    /// About how many bytes of one run; beyond that the beginning of its journal is forgotten. What events share is
    /// counted for each of them, so the memory in use is lower.
    pub run_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            finished_runs: 1_000,
            finished_bytes: 64 << 20,
            run_bytes: 64 << 20,
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    runs: HashMap<Name, Journal>,
    /// Finished runs in the order of their ends.
    finished: VecDeque<Name>,
    finished_bytes: usize,
    definitions: BTreeMap<Name, Arc<Definition>>,
    conversations: HashMap<Name, (Conversation, Vec<Said>)>,
    cursors: BTreeMap<Name, Cursor>,
    registers: BTreeMap<(Register, Name), Registered>,
}

#[derive(Debug)]
struct Journal {
    entry: Entry,
    batches: VecDeque<(Batch, usize)>,
    snapshot: Option<Snapshot>,
    bytes: usize,
}

impl Memory {
    /// A store without runs.
    pub fn new(limits: Limits) -> Memory {
        Memory {
            limits,
            inner: Mutex::default(),
        }
    }

    /// What a panic leaves behind is whole: every method changes it in one go.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn do_append(&self, append: Append) -> Result<(), Error> {
        let Append {
            run,
            expected_seq,
            events,
            head,
            snapshot,
        } = append;
        let weight = events.iter().map(weigh).sum::<usize>();
        let over = is_over(head.status);
        let mut inner = self.lock();
        let inner = &mut *inner;
        let found = inner.runs.get(&run).map_or(0, |journal| journal.entry.seq);
        if found != expected_seq {
            return Err(Error::Conflict {
                expected: expected_seq,
                found,
            });
        }
        let Some(last) = events.last() else { return Ok(()) };
        let updated_at = last.at;
        let journal = match inner.runs.get_mut(&run) {
            Some(journal) => journal,
            None => {
                let Some(Event {
                    at,
                    kind: EventKind::RunStarted(started),
                }) = events.first()
                else {
                    return Err(Error::NoSuchRun(run));
                };
                let entry = Entry {
                    run: run.clone(),
                    head: head.clone(),
                    program: started.program.clone(),
                    user: started.user.clone(),
                    conversation: started.conversation.clone(),
                    labels: started.labels.clone(),
                    started_at: *at,
                    updated_at,
                    seq: 0,
                };
                inner.runs.entry(run.clone()).or_insert(Journal {
                    entry,
                    batches: VecDeque::new(),
                    snapshot: None,
                    bytes: 0,
                })
            }
        };
        if is_over(journal.entry.head.status) && expected_seq > 0 {
            inner.finished.retain(|finished| *finished != run);
            inner.finished_bytes -= journal.bytes;
        }
        journal.entry.head = head;
        journal.entry.updated_at = updated_at;
        journal.entry.seq += events.len() as u64;
        if let Some(state) = snapshot {
            let seq = journal.entry.seq;
            journal.snapshot = Some(Snapshot { seq, state });
        }
        let batch = Batch {
            first: expected_seq,
            events,
        };
        journal.batches.push_back((batch, weight));
        journal.bytes += weight;
        // The last batch stays, so that readers at the end of the journal always can go on.
        while journal.bytes > self.limits.run_bytes && journal.batches.len() > 1 {
            journal.bytes -= journal.batches.pop_front().map_or(0, |(_, weight)| weight);
        }
        if over {
            inner.finished_bytes += journal.bytes;
            inner.finished.push_back(run);
            self.forget(inner);
        }
        Ok(())
    }

    /// Forgets the oldest finished runs beyond the limits, the last one excepted.
    fn forget(&self, inner: &mut Inner) {
        while inner.finished.len() > self.limits.finished_runs.max(1)
            || (inner.finished_bytes > self.limits.finished_bytes && inner.finished.len() > 1)
        {
            let Some(oldest) = inner.finished.pop_front() else {
                return;
            };
            if let Some(journal) = inner.runs.remove(&oldest) {
                inner.finished_bytes -= journal.bytes;
            }
        }
    }

    fn do_load(&self, run: &Name, from: u64) -> Result<Vec<Batch>, Error> {
        let inner = self.lock();
        let journal = inner.runs.get(run).ok_or_else(|| Error::NoSuchRun(run.clone()))?;
        let first = journal.batches.front().map_or(0, |(batch, _)| batch.first);
        if from < first {
            return Err(Error::Truncated { first });
        }
        let skipped = journal.batches.partition_point(|(batch, _)| batch.end() <= from);
        Ok(journal
            .batches
            .range(skipped..)
            .take(PAGE)
            .map(|(batch, _)| batch.clone())
            .collect())
    }

    fn do_list(&self, filter: &Filter) -> Vec<Entry> {
        let inner = self.lock();
        let matching = inner
            .runs
            .values()
            .map(|journal| &journal.entry)
            .filter(|entry| filter.matches(entry));
        let mut found: Vec<&Entry> = matching.collect();
        found.sort_by(|a, b| (b.started_at, &b.run).cmp(&(a.started_at, &a.run)));
        found
            .into_iter()
            .take(filter.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect()
    }
}

impl Store for Memory {
    fn append(&self, append: Append) -> Reply<'_, ()> {
        ready(self.do_append(append))
    }

    fn load(&self, run: &Name, from: u64) -> Reply<'_, Vec<Batch>> {
        ready(self.do_load(run, from))
    }

    fn entry(&self, run: &Name) -> Reply<'_, Option<Entry>> {
        ready(Ok(self.lock().runs.get(run).map(|journal| journal.entry.clone())))
    }

    fn list(&self, filter: Filter) -> Reply<'_, Vec<Entry>> {
        ready(Ok(self.do_list(&filter)))
    }

    /// There is no other store on the same journals.
    fn claim(&self, run: &Name) -> Reply<'_, ()> {
        let found = self.lock().runs.contains_key(run);
        ready(found.then_some(()).ok_or_else(|| Error::NoSuchRun(run.clone())))
    }

    fn snapshot(&self, run: &Name) -> Reply<'_, Option<Snapshot>> {
        let inner = self.lock();
        let journal = inner.runs.get(run);
        ready(Ok(journal.and_then(|journal| journal.snapshot.clone())))
    }

    fn due(&self, until: Timestamp, limit: usize) -> Reply<'_, Vec<(Timestamp, Name)>> {
        let inner = self.lock();
        let waking = |entry: &Entry| Some((entry.head.wake_at?, entry.run.clone()));
        let suspended = |journal: &&Journal| journal.entry.head.status == Status::Suspended;
        let waking = inner
            .runs
            .values()
            .filter(suspended)
            .filter_map(|journal| waking(&journal.entry));
        let mut due: Vec<_> = waking.filter(|(at, _)| *at <= until).collect();
        due.sort();
        due.truncate(limit);
        ready(Ok(due))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let old = |run: &Name| {
            let journal = inner.runs.get(run);
            journal.is_some_and(|journal| journal.entry.updated_at < before)
        };
        let old: Vec<Name> = inner
            .finished
            .iter()
            .filter(|run| old(run))
            .take(limit)
            .cloned()
            .collect();
        inner.finished.retain(|run| !old.contains(run));
        for run in &old {
            if let Some(journal) = inner.runs.remove(run) {
                inner.finished_bytes -= journal.bytes;
            }
        }
        ready(Ok(old.len()))
    }

    fn forget(&self, run: &Name) -> Reply<'_, bool> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let over = inner
            .runs
            .get(run)
            .is_some_and(|journal| is_over(journal.entry.head.status));
        if over {
            inner.finished.retain(|finished| finished != run);
            inner.finished_bytes -= inner.runs.remove(run).map_or(0, |journal| journal.bytes);
        }
        ready(Ok(over))
    }

    fn say(&self, conversation: Conversation, messages: Vec<Said>) -> Reply<'_, ()> {
        let mut inner = self.lock();
        let known = inner.conversations.entry(conversation.id.clone());
        let (_, said) = known.or_insert_with(|| (conversation, Vec::new()));
        for message in messages {
            // What is said twice was said lately.
            if !said.iter().rev().any(|known| known.id == message.id) {
                said.push(message);
            }
        }
        ready(Ok(()))
    }

    fn conversation(&self, id: &Name) -> Reply<'_, Option<Conversation>> {
        let inner = self.lock();
        ready(Ok(inner.conversations.get(id).map(|(known, _)| known.clone())))
    }

    fn said(&self, conversation: &Name, page: Page) -> Reply<'_, Vec<Said>> {
        let inner = self.lock();
        let said = inner.conversations.get(conversation).map_or(&[][..], |(_, said)| said);
        ready(Ok(messages(said, &page)))
    }

    fn message(&self, conversation: &Name, id: &Name) -> Reply<'_, Option<Said>> {
        let inner = self.lock();
        let found = inner.conversations.get(conversation).and_then(|(_, said)| {
            let found = said.iter().find(|message| message.id == *id);
            found.cloned()
        });
        ready(Ok(found))
    }

    fn unsay(&self, conversation: &Name, id: &Name) -> Reply<'_, bool> {
        let mut inner = self.lock();
        let said = inner.conversations.get_mut(conversation).map(|(_, said)| said);
        ready(Ok(said.is_some_and(|said| {
            let before = said.len();
            said.retain(|message| message.id != *id);
            said.len() < before
        })))
    }

    fn forget_conversation(&self, conversation: &Name) -> Reply<'_, bool> {
        ready(Ok(self.lock().conversations.remove(conversation).is_some()))
    }

    fn cursor(&self, trigger: &Name) -> Reply<'_, Option<Cursor>> {
        ready(Ok(self.lock().cursors.get(trigger).cloned()))
    }

    fn move_cursor(&self, trigger: &Name, expected: Option<Cursor>, to: Cursor) -> Reply<'_, bool> {
        let mut inner = self.lock();
        let moves = inner.cursors.get(trigger) == expected.as_ref();
        if moves {
            inner.cursors.insert(trigger.clone(), to);
        }
        ready(Ok(moves))
    }

    fn registered(&self, register: Register, key: &Name) -> Reply<'_, Option<Registered>> {
        ready(Ok(self.lock().registers.get(&(register, key.clone())).cloned()))
    }

    fn list_registered(&self, register: Register, page: KeyPage) -> Reply<'_, Vec<Registered>> {
        let inner = self.lock();
        let from = page.after.clone().unwrap_or_default().max(page.prefix.as_str().into());
        let found = inner
            .registers
            .range((register, from)..)
            .take_while(|((of, key), _)| *of == register && key.starts_with(&page.prefix))
            .filter(|((_, key), _)| page.after.as_ref() != Some(key))
            .take(page.limit);
        ready(Ok(found.map(|(_, registered)| registered.clone()).collect()))
    }

    fn put_registered(
        &self,
        register: Register,
        key: &Name,
        expected: Expected,
        value: Option<Data>,
    ) -> Reply<'_, bool> {
        let mut inner = self.lock();
        let place = (register, key.clone());
        let found = inner.registers.get(&place).map(|registered| registered.revision);
        if !expected.allows(found) {
            return ready(Ok(false));
        }
        match value {
            Some(value) => {
                let registered = Registered {
                    key: key.clone(),
                    revision: found.unwrap_or_default() + 1,
                    value,
                };
                inner.registers.insert(place, registered);
            }
            None => {
                inner.registers.remove(&place);
            }
        }
        ready(Ok(true))
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn size(&self) -> Reply<'_, u64> {
        let bytes: usize = self.lock().runs.values().map(|journal| journal.bytes).sum();
        ready(Ok(bytes as u64))
    }

    fn keep(&self, definition: Arc<Definition>) -> Reply<'_, ()> {
        self.lock()
            .definitions
            .entry(definition.hash.clone())
            .or_insert(definition);
        ready(Ok(()))
    }

    fn definition(&self, hash: &Name) -> Reply<'_, Option<Arc<Definition>>> {
        ready(Ok(self.lock().definitions.get(hash).cloned()))
    }
}

/// A page of messages, which stand in the order in which they were said.
fn messages(said: &[Said], page: &Page) -> Vec<Said> {
    let place = |id: &Name| said.iter().position(|message| message.id == *id);
    let (mut from, mut to) = (0, said.len());
    // In the order in which they were said, "after" is "before" where the last comes first.
    let (first, last) = match page.order {
        Order::Ascending => (&page.after, &page.before),
        Order::Descending => (&page.before, &page.after),
    };
    if let Some(id) = first {
        from = place(id).map_or(to, |at| at + 1);
    }
    if let Some(id) = last {
        to = place(id).unwrap_or(from).max(from);
    }
    let found = said[from..to].iter().cloned();
    match page.order {
        Order::Ascending => found.take(page.limit).collect(),
        Order::Descending => found.rev().take(page.limit).collect(),
    }
}

fn ready<'a, T: Send + 'a>(result: Result<T, Error>) -> Reply<'a, T> {
    std::future::ready(result).boxed()
}

/// About how many bytes an event takes.
fn weigh(event: &Event) -> usize {
    let of = |data: &Option<Data>| data.as_ref().map_or(0, Data::size);
    let payload = match &event.kind {
        EventKind::RunStarted(started) => started.input.size() + started.context.size() + started.state.size(),
        EventKind::CallEnded {
            outcome: Outcome::Done(answer),
            ..
        } => of(&answer.result) + of(&answer.response),
        EventKind::StepEnded {
            end: StepEnd::Success { data, state, .. },
            ..
        } => of(data) + state.iter().map(|(_, value)| value.size()).sum::<usize>(),
        EventKind::EachStarted { items: data, .. }
        | EventKind::ChildStarted { input: data, .. }
        | EventKind::Emitted { data, .. }
        | EventKind::EventReceived { data, .. }
        | EventKind::RunEnded {
            end: RunEnd::Completed(data),
        } => data.size(),
        _ => 0,
    };
    size_of::<Event>().saturating_add(payload)
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{append, started};
    use super::*;

    fn now<T>(reply: Reply<'_, T>) -> Result<T, Error> {
        reply.now_or_never().unwrap()
    }

    #[test]
    fn conforms() {
        let checked = super::super::conformance::run(async || Arc::new(Memory::default()) as Arc<dyn Store>);
        assert_eq!(checked.now_or_never().unwrap(), Ok(()));
    }

    #[test]
    fn finished_runs_are_forgotten_oldest_first() {
        let store = Memory::new(Limits {
            finished_runs: 2,
            ..Limits::default()
        });
        for run in ["a", "b", "c", "d"] {
            let status = if run == "a" { Status::Running } else { Status::Completed };
            now(store.append(append(run, 0, vec![started(run, 1)], status))).unwrap();
        }
        let kept = |run: &str| now(store.entry(&run.into())).unwrap().is_some();
        assert_eq!(["a", "b", "c", "d"].map(kept), [true, false, true, true]);
    }

    #[test]
    fn the_journal_of_one_run_is_bounded() {
        let store = Memory::new(Limits {
            run_bytes: 10 * size_of::<Event>(),
            ..Limits::default()
        });
        for seq in 0..100 {
            now(store.append(append("a", seq, vec![started("a", 1)], Status::Running))).unwrap();
        }
        assert!(matches!(now(store.load(&"a".into(), 0)), Err(Error::Truncated { first }) if first > 80));
        assert_eq!(now(store.load(&"a".into(), 99)).unwrap().len(), 1);
    }
}
