//! What every store has to do, as checks that run against any of them.

use std::sync::Arc;

use super::{Append, Batch, Conversation, Cursor, Definition, Error, Filter, Head, Page, Said, Snapshot, Store};
use super::{Expected, KeyPage, Register, Registered};
use crate::data;
use crate::data::Data;
use crate::graph::{Name, Order, Role, Timestamp};
use crate::run::{Event, EventKind, Started, Status};

/// A check that a store did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {what}")]
pub struct Breach {
    /// The check.
    pub check: &'static str,
    /// What the store did.
    pub what: String,
}

type Checked = Result<(), String>;

/// Runs every check, each against a store that `open` makes for it, without runs.
///
/// # Errors
///
/// The first check that fails.
pub async fn run(open: impl AsyncFn() -> Arc<dyn Store>) -> Result<(), Breach> {
    let breach = |check| move |what| Breach { check, what };
    appended_events_are_loaded(&*open().await)
        .await
        .map_err(breach("appended events are loaded"))?;
    sequences_decide_who_writes(&*open().await)
        .await
        .map_err(breach("sequences decide who writes"))?;
    one_of_two_writers_wins(&*open().await)
        .await
        .map_err(breach("one of two writers wins"))?;
    long_journals_are_loaded_in_pages(&*open().await)
        .await
        .map_err(breach("long journals are loaded in pages"))?;
    runs_are_listed(&*open().await)
        .await
        .map_err(breach("runs are listed"))?;
    who_waits_is_found_by_its_time(&*open().await)
        .await
        .map_err(breach("who waits is found by its time"))?;
    a_replay_can_begin_at_a_snapshot(&*open().await)
        .await
        .map_err(breach("a replay can begin at a snapshot"))?;
    old_runs_are_forgotten(&*open().await)
        .await
        .map_err(breach("old runs are forgotten"))?;
    runs_are_claimed(&*open().await)
        .await
        .map_err(breach("runs are claimed"))?;
    a_run_that_was_over_goes_on(&*open().await)
        .await
        .map_err(breach("a run that was over goes on"))?;
    definitions_are_kept(&*open().await)
        .await
        .map_err(breach("definitions are kept"))?;
    conversations_are_kept(&*open().await)
        .await
        .map_err(breach("conversations are kept"))?;
    conversations_are_listed_in_pages(&*open().await)
        .await
        .map_err(breach("conversations are listed in pages"))?;
    cursors_move_from_where_they_are(&*open().await)
        .await
        .map_err(breach("cursors move from where they are"))?;
    registers_are_kept(&*open().await)
        .await
        .map_err(breach("registers are kept"))
}

async fn conversations_are_kept(store: &dyn Store) -> Checked {
    let (one, other): (Name, Name) = ("c-1".into(), "c-2".into());
    expect(store.conversation(&one).await, Ok(None))?;
    expect(store.recall(&one, 10).await, Ok(vec![]))?;
    let made = Conversation {
        user: Some("ann".into()),
        metadata: data!({ "topic": "tea" }),
        ..a_conversation("c-1")
    };
    expect(store.say(made.clone(), vec![]).await, Ok(()))?;
    let full = Said {
        role: Role::Assistant,
        author: Some("desk".into()),
        content: data!({ "score": 1.5 }),
        metadata: data!({ "kind": "answer" }),
        ..a_message("b", "")
    };
    let (first, last) = (a_message("a", "Hello"), a_message("c", "Bye"));
    expect(store.say(made.clone(), vec![first.clone(), full.clone()]).await, Ok(()))?;
    // An id is one message's only in its conversation.
    expect(
        store.say(a_conversation("c-2"), vec![a_message("a", "z")]).await,
        Ok(()),
    )?;
    // Who did not hear the answer says it again; and what is known of the conversation stays.
    let again = vec![a_message("a", "something else"), last.clone()];
    expect(store.say(a_conversation("c-1"), again).await, Ok(()))?;
    expect(store.conversation(&one).await, Ok(Some(made)))?;
    let all = Page::of(Order::Ascending, 10);
    expect(
        store.said(&one, all.clone()).await,
        Ok(vec![first, full.clone(), last.clone()]),
    )?;
    expect(store.message(&one, &"b".into()).await, Ok(Some(full.clone())))?;
    expect(store.message(&other, &"b".into()).await, Ok(None))?;
    let told = vec![full.clone().for_model(), last.for_model()];
    expect(store.recall(&one, 2).await, Ok(told))?;
    expect(store.unsay(&one, &"a".into()).await, Ok(true))?;
    expect(store.unsay(&one, &"a".into()).await, Ok(false))?;
    expect(store.said(&one, all.clone()).await.map(|said| said.len()), Ok(2))?;
    expect(store.forget_conversation(&one).await, Ok(true))?;
    expect(store.forget_conversation(&one).await, Ok(false))?;
    expect(store.conversation(&one).await, Ok(None))?;
    expect(store.said(&one, all.clone()).await, Ok(vec![]))?;
    expect(store.said(&other, all).await.map(|said| said.len()), Ok(1))
}

async fn conversations_are_listed_in_pages(store: &dyn Store) -> Checked {
    let said: Vec<Said> = ["a", "b", "c", "d", "e"].map(|id| a_message(id, id)).into();
    expect(store.say(a_conversation("c"), said).await, Ok(()))?;
    let listed = async |order: Order, limit: usize, after: &str, before: &str| {
        let id = |id: &str| Some(Name::from(id)).filter(|id| !id.is_empty());
        let page = Page {
            after: id(after),
            before: id(before),
            ..Page::of(order, limit)
        };
        let said = store.said(&"c".into(), page).await?;
        Ok::<String, Error>(said.iter().map(|said| &*said.id).collect())
    };
    use Order::{Ascending, Descending};
    for (order, limit, after, before, expected) in [
        (Ascending, 10, "", "", "abcde"),
        (Descending, 10, "", "", "edcba"),
        (Ascending, 2, "", "", "ab"),
        (Descending, 2, "", "", "ed"),
        (Ascending, 2, "b", "", "cd"),
        (Descending, 2, "d", "", "cb"),
        (Ascending, 10, "", "c", "ab"),
        (Descending, 10, "", "c", "ed"),
        (Ascending, 10, "a", "d", "bc"),
        (Descending, 10, "d", "a", "cb"),
        (Ascending, 10, "e", "", ""),
        (Ascending, 10, "z", "", ""),
        (Descending, 10, "", "z", ""),
        (Ascending, 0, "", "", ""),
    ] {
        expect(listed(order, limit, after, before).await, Ok(expected.to_owned()))?;
    }
    Ok(())
}

pub(super) fn a_conversation(id: &str) -> Conversation {
    Conversation {
        id: id.into(),
        user: None,
        metadata: Data::Null,
        created_at: Timestamp(1),
    }
}

pub(super) fn a_message(id: &str, text: &str) -> Said {
    Said {
        id: id.into(),
        role: Role::User,
        author: None,
        content: data!(text),
        metadata: Data::Null,
        at: Timestamp(2),
    }
}

async fn cursors_move_from_where_they_are(store: &dyn Store) -> Checked {
    let (one, other): (Name, Name) = ("w/cron-1".into(), "w/cron-2".into());
    let at = |through, pending: &[i64]| Cursor {
        through: Timestamp(through),
        pending: pending.iter().copied().map(Timestamp).collect(),
    };
    expect(store.cursor(&one).await, Ok(None))?;
    expect(store.move_cursor(&one, Some(at(1, &[])), at(2, &[])).await, Ok(false))?;
    expect(store.cursor(&one).await, Ok(None))?;
    expect(store.move_cursor(&one, None, at(10, &[])).await, Ok(true))?;
    expect(store.move_cursor(&one, None, at(11, &[])).await, Ok(false))?;
    expect(
        store.move_cursor(&one, Some(at(10, &[])), at(30, &[20, 30])).await,
        Ok(true),
    )?;
    // Somebody who has not heard of it.
    expect(
        store.move_cursor(&one, Some(at(30, &[30])), at(40, &[])).await,
        Ok(false),
    )?;
    expect(store.cursor(&one).await, Ok(Some(at(30, &[20, 30]))))?;
    expect(store.cursor(&other).await, Ok(None))?;
    let race = || store.move_cursor(&other, None, at(50, &[]));
    let (first, second) = futures_util::future::join(race(), race()).await;
    expect([first, second].into_iter().filter(|won| *won == Ok(true)).count(), 1)
}

async fn registers_are_kept(store: &dyn Store) -> Checked {
    let (tags, files) = (Register::Tags, Register::Files);
    let key = |key: &str| Name::from(key);
    let put = |key: &str, expected, value: Option<Data>| store.put_registered(tags, &key.into(), expected, value);
    let stands = |key: &str, revision, value: Data| Registered {
        key: key.into(),
        revision,
        value,
    };
    expect(store.registered(tags, &key("a")).await, Ok(None))?;
    expect(put("a", Expected::Revision(1), Some(data!(1))).await, Ok(false))?;
    expect(
        put("a", Expected::Nothing, Some(data!({ "to": [1, null] }))).await,
        Ok(true),
    )?;
    expect(put("a", Expected::Nothing, Some(data!(2))).await, Ok(false))?;
    let first = stands("a", 1, data!({ "to": [1, null] }));
    expect(store.registered(tags, &key("a")).await, Ok(Some(first)))?;
    expect(put("a", Expected::Revision(1), Some(data!(3))).await, Ok(true))?;
    // Somebody who has not heard of it.
    expect(put("a", Expected::Revision(1), Some(data!(4))).await, Ok(false))?;
    expect(put("a", Expected::Anything, Some(data!(5))).await, Ok(true))?;
    expect(
        store.registered(tags, &key("a")).await,
        Ok(Some(stands("a", 3, data!(5)))),
    )?;
    expect(store.registered(files, &key("a")).await, Ok(None))?;
    for other in ["w/2", "w/1", "w/10", "wz", "w", "w/\u{10ffff}z"] {
        expect(put(other, Expected::Nothing, Some(data!(0))).await, Ok(true))?;
    }
    let page = |after: Option<&str>, limit| KeyPage {
        prefix: "w/".to_owned(),
        after: after.map(Name::from),
        limit,
    };
    let keys = |found: Result<Vec<Registered>, Error>| {
        found.map(|found| {
            found
                .iter()
                .map(|one| one.key.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let all = "w/1 w/10 w/2 w/\u{10ffff}z";
    expect(
        keys(store.list_registered(tags, page(None, 9)).await),
        Ok(all.to_owned()),
    )?;
    let two = store.list_registered(tags, page(Some("w/1"), 2)).await;
    expect(keys(two), Ok("w/10 w/2".to_owned()))?;
    expect(put("w/1", Expected::Revision(2), None).await, Ok(false))?;
    expect(put("w/1", Expected::Revision(1), None).await, Ok(true))?;
    expect(store.registered(tags, &key("w/1")).await, Ok(None))?;
    let race = || put("new", Expected::Nothing, Some(data!(0)));
    let (first, second) = futures_util::future::join(race(), race()).await;
    expect([first, second].into_iter().filter(|won| *won == Ok(true)).count(), 1)
}

async fn appended_events_are_loaded(store: &dyn Store) -> Checked {
    let run: Name = "a".into();
    let all = [
        started("a", 10),
        received(11, data!({ "n": [1, "x", null, 1.5] })),
        received(12, data!("y")),
    ];
    expect(
        store.append(append("a", 0, all[..2].to_vec(), Status::Running)).await,
        Ok(()),
    )?;
    expect(
        store.append(append("a", 2, all[2..].to_vec(), Status::Suspended)).await,
        Ok(()),
    )?;
    for from in 0..=3 {
        expect(events(store, &run, from).await, Ok(all[from..].to_vec()))?;
    }
    expect(store.load(&"b".into(), 0).await, Err(Error::NoSuchRun("b".into())))?;
    expect(store.entry(&"b".into()).await, Ok(None))?;
    let entry = store
        .entry(&run)
        .await
        .map_err(|error| error.to_string())?
        .ok_or("no entry")?;
    let seen = (
        entry.seq,
        entry.head.status,
        entry.started_at,
        entry.updated_at,
        &*entry.program,
    );
    expect(seen, (3, Status::Suspended, Timestamp(10), Timestamp(12), "program"))
}

async fn sequences_decide_who_writes(store: &dyn Store) -> Checked {
    let conflict = |expected, found| Err(Error::Conflict { expected, found });
    let write = |seq| store.append(append("a", seq, vec![started("a", 1)], Status::Running));
    expect(write(1).await, conflict(1, 0))?;
    expect(write(0).await, Ok(()))?;
    expect(write(0).await, conflict(0, 1))?;
    expect(write(2).await, conflict(2, 1))?;
    expect(write(1).await, Ok(()))?;
    expect(events(store, &"a".into(), 0).await.map(|events| events.len()), Ok(2))
}

async fn one_of_two_writers_wins(store: &dyn Store) -> Checked {
    for round in 0..50 {
        let one = || store.append(append("a", round, vec![started("a", 1)], Status::Running));
        let (first, second) = futures_util::future::join(one(), one()).await;
        expect(
            [first.is_ok(), second.is_ok()].into_iter().filter(|won| *won).count(),
            1,
        )?;
    }
    Ok(())
}

async fn long_journals_are_loaded_in_pages(store: &dyn Store) -> Checked {
    for seq in 0..500 {
        let event = if seq == 0 {
            started("a", 1)
        } else {
            received(1, data!(seq as i64))
        };
        expect(
            store.append(append("a", seq, vec![event], Status::Running)).await,
            Ok(()),
        )?;
    }
    expect(events(store, &"a".into(), 0).await.map(|events| events.len()), Ok(500))
}

async fn runs_are_listed(store: &dyn Store) -> Checked {
    let statuses = [Status::Running, Status::Suspended, Status::Completed];
    for at in 0..9_usize {
        let run = format!("run-{at}");
        // Pairs begin at the same moment.
        let event = labelled(&run, at as i64 / 2, if at < 3 { "sales" } else { "support" });
        expect(
            store.append(append(&run, 0, vec![event], statuses[at % 3])).await,
            Ok(()),
        )?;
    }
    let found = async |filter: Filter| -> Result<String, Error> {
        let entries = store.list(filter).await?;
        Ok(entries
            .iter()
            .map(|entry| entry.run.trim_start_matches("run-"))
            .collect())
    };
    let all = Filter::default();
    expect(found(all.clone()).await, Ok("876543210".to_owned()))?;
    let suspended = Filter {
        status: Some(Status::Suspended),
        ..all.clone()
    };
    expect(found(suspended).await, Ok("741".to_owned()))?;
    let between = Filter {
        since: Some(Timestamp(1)),
        until: Some(Timestamp(3)),
        ..all.clone()
    };
    expect(found(between).await, Ok("5432".to_owned()))?;
    let labelled = Filter {
        labels: [("team".into(), "sales".into())].into(),
        ..all.clone()
    };
    expect(found(labelled).await, Ok("210".to_owned()))?;
    let talked = Filter {
        conversation: Some("support talk".into()),
        ..all.clone()
    };
    expect(found(talked).await, Ok("876543".to_owned()))?;
    let other = Filter {
        workflow: Some("another".into()),
        ..all.clone()
    };
    expect(found(other).await, Ok(String::new()))?;
    let mut page = Filter { limit: Some(4), ..all };
    let mut pages = Vec::new();
    loop {
        let entries = store.list(page.clone()).await.map_err(|error| error.to_string())?;
        let Some(last) = entries.last() else { break };
        page.after = Some((last.started_at, last.run.clone()));
        pages.push(entries.len());
    }
    expect(pages, vec![4, 4, 1])
}

async fn who_waits_is_found_by_its_time(store: &dyn Store) -> Checked {
    let wakes = [Some(30), None, Some(10), Some(20)];
    for (run, wake_at) in ["a", "b", "c", "d"].into_iter().zip(wakes) {
        let mut first = append(run, 0, vec![started(run, 1)], Status::Suspended);
        first.head.wake_at = wake_at.map(Timestamp);
        expect(store.append(first).await, Ok(()))?;
    }
    let due = |at: i64, run: &str| (Timestamp(at), Name::from(run));
    expect(store.due(Timestamp(9), 10).await, Ok(vec![]))?;
    expect(store.due(Timestamp(20), 10).await, Ok(vec![due(10, "c"), due(20, "d")]))?;
    expect(store.due(Timestamp(i64::MAX), 1).await, Ok(vec![due(10, "c")]))?;
    // Whoever drives a run wakes it.
    let mut driven = append("c", 1, vec![received(2, data!(1))], Status::Running);
    driven.head.wake_at = Some(Timestamp(10));
    expect(store.append(driven).await, Ok(()))?;
    expect(store.due(Timestamp(i64::MAX), 1).await, Ok(vec![due(20, "d")]))
}

async fn a_replay_can_begin_at_a_snapshot(store: &dyn Store) -> Checked {
    let run: Name = "a".into();
    expect(store.snapshot(&run).await, Ok(None))?;
    let mut first = append("a", 0, vec![started("a", 1), received(1, data!(1))], Status::Running);
    first.snapshot = Some((*b"one").into());
    expect(store.append(first).await, Ok(()))?;
    let mut second = append("a", 2, vec![received(2, data!(2))], Status::Running);
    expect(store.append(second.clone()).await, Ok(()))?;
    let state = |seq: u64, state: &[u8]| {
        Ok(Some(Snapshot {
            seq,
            state: state.into(),
        }))
    };
    expect(store.snapshot(&run).await, state(2, b"one"))?;
    second.expected_seq = 3;
    second.snapshot = Some((*b"two").into());
    expect(store.append(second).await, Ok(()))?;
    expect(store.snapshot(&run).await, state(4, b"two"))
}

async fn old_runs_are_forgotten(store: &dyn Store) -> Checked {
    let statuses = [Status::Completed, Status::Suspended, Status::Error, Status::Cancelled];
    for (at, (run, status)) in ["a", "b", "c", "d"].into_iter().zip(statuses).enumerate() {
        let event = started(run, at as i64);
        expect(store.append(append(run, 0, vec![event], status)).await, Ok(()))?;
    }
    expect(store.prune(Timestamp(3), 1).await, Ok(1))?;
    expect(store.entry(&"a".into()).await, Ok(None))?;
    expect(store.prune(Timestamp(3), 10).await, Ok(1))?;
    expect(store.load(&"c".into(), 0).await, Err(Error::NoSuchRun("c".into())))?;
    for kept in ["b", "d"] {
        expect(events(store, &kept.into(), 0).await.map(|events| events.len()), Ok(1))?;
    }
    for (run, over) in [("b", false), ("d", true), ("d", false)] {
        expect(store.forget(&run.into()).await, Ok(over))?;
    }
    expect(store.load(&"d".into(), 0).await, Err(Error::NoSuchRun("d".into())))?;
    // Its name is free again.
    let again = append("a", 0, vec![started("a", 9)], Status::Running);
    expect(store.append(again).await, Ok(()))
}

async fn runs_are_claimed(store: &dyn Store) -> Checked {
    let run: Name = "a".into();
    expect(store.claim(&run).await, Err(Error::NoSuchRun(run.clone())))?;
    let first = append("a", 0, vec![started("a", 1)], Status::Running);
    expect(store.append(first).await, Ok(()))?;
    expect(store.claim(&run).await, Ok(()))?;
    let second = append("a", 1, vec![received(1, data!(1))], Status::Suspended);
    expect(store.append(second).await, Ok(()))?;
    expect(store.claim(&run).await, Ok(()))
}

async fn a_run_that_was_over_goes_on(store: &dyn Store) -> Checked {
    let write = |seq, status| store.append(append("a", seq, vec![started("a", 1)], status));
    expect(write(0, Status::Error).await, Ok(()))?;
    expect(write(1, Status::Running).await, Ok(()))?;
    expect(store.prune(Timestamp(i64::MAX), 10).await, Ok(0))?;
    expect(write(2, Status::Completed).await, Ok(()))?;
    expect(store.prune(Timestamp(i64::MAX), 10).await, Ok(1))
}

async fn definitions_are_kept(store: &dyn Store) -> Checked {
    let definition = Arc::new(Definition {
        hash: "abc".into(),
        workflow: "orders".into(),
        version: Some("1.0.0".into()),
        files: vec![("orders.yaml".into(), "kind: Workflow\n".into())],
        schemas: vec![("order.json".into(), "{}".into())],
    });
    expect(store.definition(&"abc".into()).await, Ok(None))?;
    expect(store.keep(definition.clone()).await, Ok(()))?;
    expect(store.keep(definition.clone()).await, Ok(()))?;
    expect(store.definition(&"abc".into()).await, Ok(Some(definition)))
}

fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Checked {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:?} instead of {expected:?}")),
    }
}

/// The whole journal from a sequence number on.
async fn events(store: &dyn Store, run: &Name, from: usize) -> Result<Vec<Event>, Error> {
    let mut seq = from as u64;
    let mut all = Vec::new();
    loop {
        let batches: Vec<Batch> = store.load(run, seq).await?;
        if batches.is_empty() {
            return Ok(all);
        }
        for batch in batches {
            let batch = batch.from(seq);
            seq = batch.end();
            all.extend(batch.events.iter().cloned());
        }
    }
}

pub(super) fn append(run: &str, expected_seq: u64, events: Vec<Event>, status: Status) -> Append {
    Append {
        run: run.into(),
        expected_seq,
        events: events.into(),
        head: Head {
            workflow: "orders".into(),
            status,
            wake_at: None,
        },
        snapshot: None,
    }
}

pub(super) fn started(run: &str, at: i64) -> Event {
    labelled(run, at, "sales")
}

fn labelled(run: &str, at: i64, team: &str) -> Event {
    Event {
        at: Timestamp(at),
        kind: EventKind::RunStarted(Arc::new(Started {
            run: run.into(),
            program: "program".into(),
            input: data!({ "amount": 12 }),
            context: Data::Null,
            state: data!({}),
            deadline: None,
            env: data!({}),
            user: None,
            conversation: Some(format!("{team} talk").into()),
            labels: [("team".into(), team.into())].into(),
            trace: None,
        })),
    }
}

fn received(at: i64, data: Data) -> Event {
    Event {
        at: Timestamp(at),
        kind: EventKind::EventReceived {
            event: "note".into(),
            data,
        },
    }
}
