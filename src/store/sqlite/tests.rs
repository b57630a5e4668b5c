use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::conformance::{a_conversation, a_message, append, started};
use super::*;
use crate::data;
use crate::graph::Order;
use crate::run::{Event, EventKind};
use crate::store::{Asking, converse, releases};

/// A file that is gone when the test is over.
struct File(PathBuf);

impl File {
    fn new() -> File {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "interpret-sqlite-{}-{}.sqlite",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        File(std::env::temp_dir().join(name))
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.0).unwrap()
    }

    /// As another program sees it.
    fn raw(&self) -> Connection {
        Connection::open(&self.0).unwrap()
    }

    fn count(&self, query: &str) -> i64 {
        self.raw().query_row(query, [], |row| row.get(0)).unwrap()
    }
}

/// How much is kept of any run.
const LEFT: &str = "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM batches) \
     + (SELECT count(*) FROM blobs) + (SELECT count(*) FROM blob_uses)";

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn note(text: &str) -> Event {
    Event {
        at: Timestamp(2),
        kind: EventKind::EventReceived {
            event: "note".into(),
            data: data!(text),
        },
    }
}

#[test]
fn conforms() {
    let files = std::sync::Mutex::new(Vec::new());
    let checked = block_on(super::super::conformance::run(async || {
        let file = File::new();
        let store: Arc<dyn Store> = Arc::new(file.open());
        files.lock().unwrap().push(file);
        store
    }));
    assert_eq!(checked, Ok(()));
}

/// A file as an earlier version has made it.
fn of_version(version: usize) -> File {
    let file = File::new();
    let raw = file.raw();
    for migration in &schema::MIGRATIONS[..version] {
        migration.apply(&raw).unwrap();
    }
    let mark = format!("PRAGMA application_id = 0x696e7470; PRAGMA user_version = {version}");
    raw.execute_batch(&mark).unwrap();
    file
}

#[test]
fn a_file_of_an_earlier_version_is_brought_to_this_one() {
    let long = note(&"x".repeat(20_000));
    let events = [started("a", 1), note("short"), long.clone(), long];
    // Those that had a table of events.
    for version in 1..=2 {
        let file = of_version(version);
        let raw = file.raw();
        let run = "INSERT INTO runs (number, id, workflow, status, created, updated, seq, program) \
             VALUES (3, 'a', 'orders', 'suspended', 1, 2, 4, 'program')";
        raw.execute_batch(run).unwrap();
        for (seq, event) in events.iter().enumerate() {
            let payload = serde_json::to_string(&event.kind).unwrap();
            let blob = (payload.len() > 16_384).then(|| write::hash(payload.as_bytes()));
            if let Some(hash) = &blob {
                let spill = "INSERT OR IGNORE INTO blobs (hash, value) VALUES (?, ?)";
                raw.execute(spill, [hash, &payload]).unwrap();
            }
            let payload = blob.is_none().then_some(payload);
            let insert = "INSERT INTO events (key, at, type, payload, blob) VALUES (3 << 32 | ?, ?, 'any', ?, ?)";
            raw.execute(insert, rusqlite::params![seq, event.at.0, payload, blob])
                .unwrap();
        }
        drop(raw);
        block_on(async {
            let store = file.open();
            assert_eq!(store.requests().await, Ok(vec![]));
            let run: Name = "a".into();
            for from in 0..4 {
                let batches = store.load(&run, from).await.unwrap();
                let found: Vec<Event> = batches.iter().flat_map(|batch| batch.events.to_vec()).collect();
                assert_eq!(found, events[from as usize..]);
            }
            let read = "SELECT count(*) FROM journal WHERE run = 'a' AND (seq = 0) = (type = 'runStarted')";
            assert_eq!(file.count(read), 4);
            // It goes on, and takes what it has spilled with it.
            let end = append("a", 4, vec![note("end")], Status::Completed);
            assert_eq!(store.append(end).await, Ok(()));
            assert_eq!(store.entry(&run).await.unwrap().unwrap().seq, 5);
            assert_eq!(store.prune(Timestamp(3), 10).await, Ok(1));
            assert_eq!(file.count(LEFT), 0);
        });
    }
}

#[test]
fn a_file_without_conversations_gets_them() {
    let file = of_version(3);
    block_on(async {
        let store = file.open();
        let (conversation, hello) = (a_conversation("c"), a_message("1", "Hello"));
        assert_eq!(store.say(conversation, vec![hello.clone()]).await, Ok(()));
        assert_eq!(store.message(&"c".into(), &"1".into()).await, Ok(Some(hello)));
    });
}

#[test]
fn what_was_said_before_messages_had_ids_is_known_and_not_said_twice() {
    let file = of_version(5);
    let said = |effect: &str, role: &str, text: &str| {
        let message = format!(r#"{{"role":"{role}","content":"{text}"}}"#);
        file.raw()
            .execute(
                "INSERT INTO conversation_messages (conversation, effect, message) VALUES ('c', ?, ?)",
                [effect, &message],
            )
            .unwrap();
    };
    said("a/x[remember:]#1", "user", "Hello");
    said("a/x[remember:]#1", "assistant", "Good day");
    said("b/x[remember:]#1", "user", "Again");
    block_on(async {
        let store = file.open();
        let texts = async || {
            let said = store.recall(&"c".into(), 10).await.unwrap();
            let texts = said.iter().map(|said| said.to_data().get("content").unwrap().to_text());
            texts.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(texts().await, "Hello, Good day, Again");
        // The effect was in flight when the file was brought to this version.
        let asking = Asking {
            effect: "a/x[remember:]#1".to_owned(),
            user: None,
            at: Timestamp(5),
        };
        let request = crate::run::RememberRequest {
            conversation: "c".into(),
            agent: Some("x".into()),
            messages: store.recall(&"c".into(), 10).await.unwrap()[..2].to_vec(),
        };
        let done = converse(&store, &asking, &crate::run::Request::Remember(request)).await;
        assert!(matches!(done, crate::run::Outcome::Done(_)), "{done:?}");
        assert_eq!(texts().await, "Hello, Good day, Again");
    });
}

#[test]
fn a_newer_file_and_a_foreign_one_are_refused() {
    let file = File::new();
    drop(file.open());
    let known = schema::MIGRATIONS.len();
    let newer = format!("PRAGMA user_version = {}", known + 1);
    file.raw().execute_batch(&newer).unwrap();
    let message = Sqlite::open(&file.0).unwrap_err().to_string();
    let told = format!(
        "newer version of interpret (tables of version {}; this one knows {known})",
        known + 1
    );
    assert!(message.contains(&told), "{message}");
    let file = File::new();
    file.raw().execute_batch("CREATE TABLE other (id)").unwrap();
    let message = Sqlite::open(&file.0).unwrap_err().to_string();
    assert!(message.contains("no file of interpret's"), "{message}");
    let file = File::new();
    std::fs::write(&file.0, "something else".repeat(100)).unwrap();
    let message = Sqlite::open(&file.0).unwrap_err().to_string();
    assert!(message.contains("no file of interpret's"), "{message}");
}

#[test]
fn a_person_can_read_the_journal() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        let long = "x".repeat(100_000);
        let events = vec![started("a", 1_000), note(&long), note(&long)];
        store
            .append(append("a", 0, events.clone(), Status::Running))
            .await
            .unwrap();
        let raw = file.raw();
        let line: (String, u64, String, String) = raw
            .query_row("SELECT run, seq, at, type FROM journal WHERE seq = 0", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        assert_eq!(
            line,
            ("a".into(), 0, "1970-01-01T00:00:01.000Z".into(), "runStarted".into())
        );
        let count = |query: &str| file.count(query);
        assert_eq!(count("SELECT count(*) FROM batches WHERE length(events) > 16384"), 0);
        assert_eq!(
            count("SELECT count(*) FROM blobs"),
            1,
            "two events share what is long in them"
        );
        assert_eq!(count("SELECT count(*) FROM journal WHERE payload LIKE '%xxx%'"), 2);
        assert_eq!(store.load(&"a".into(), 0).await.unwrap()[0].events[..], events[..]);
        store
            .append(append("a", 3, vec![note("end")], Status::Completed))
            .await
            .unwrap();
        assert_eq!(store.prune(Timestamp(2), 10).await, Ok(0));
        assert_eq!(store.prune(Timestamp(3), 10).await, Ok(1));
        assert_eq!(count(LEFT), 0);
    });
}

#[test]
fn what_two_runs_have_spilled_is_kept_for_the_one_that_is_left() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        let long = note(&"x".repeat(100_000));
        for run in ["a", "b"] {
            let events = vec![started(run, 1), long.clone()];
            store.append(append(run, 0, events, Status::Completed)).await.unwrap();
        }
        assert_eq!(file.count("SELECT count(*) FROM blobs"), 1);
        assert_eq!(store.prune(Timestamp(3), 1).await, Ok(1));
        let left = store.list(Filter::default()).await.unwrap();
        let batches = store.load(&left[0].run, 1).await.unwrap();
        assert_eq!(batches[0].events[..], [long]);
        assert_eq!(store.prune(Timestamp(3), 1).await, Ok(1));
        assert_eq!(file.count(LEFT), 0);
    });
}

#[test]
fn a_run_that_is_driven_is_listed_as_far_as_it_has_come() {
    block_on(async {
        let file = File::new();
        let (store, other) = (file.open(), file.open());
        let at = |at| Event {
            at: Timestamp(at),
            ..note("x")
        };
        let run: Name = "a".into();
        let write = |seq, events: Vec<Event>, status| store.append(append("a", seq, events, status));
        write(0, vec![started("a", 1)], Status::Running).await.unwrap();
        write(1, vec![at(4), at(5)], Status::Running).await.unwrap();
        for store in [&store, &other] {
            let entry = store.entry(&run).await.unwrap().unwrap();
            assert_eq!((entry.seq, entry.updated_at), (3, Timestamp(5)));
            assert_eq!(store.list(Filter::default()).await, Ok(vec![entry]));
        }
        write(3, vec![at(9)], Status::Completed).await.unwrap();
        let entry = other.entry(&run).await.unwrap().unwrap();
        assert_eq!((entry.seq, entry.updated_at), (4, Timestamp(9)));
        assert_eq!(store.prune(Timestamp(9), 1).await, Ok(0));
    });
}

#[test]
fn each_event_keeps_its_time() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        let times = [5, 7, -3, 7];
        let events: Vec<Event> = times
            .map(|at| Event {
                at: Timestamp(at),
                ..started("a", 0)
            })
            .to_vec();
        store
            .append(append("a", 0, events.clone(), Status::Running))
            .await
            .unwrap();
        assert_eq!(store.load(&"a".into(), 0).await.unwrap()[0].events[..], events[..]);
        let third = "SELECT count(*) FROM journal WHERE seq = 2 AND at = '1969-12-31T23:59:59.997Z'";
        assert_eq!(file.count(third), 1);
    });
}

#[test]
fn many_events_at_once_are_read_from_any_of_them() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        let mut events = vec![started("a", 1)];
        events.extend((0..3_000).map(|at| note(&at.to_string())));
        store
            .append(append("a", 0, events.clone(), Status::Running))
            .await
            .unwrap();
        store
            .append(append("a", 3_001, vec![note("end")], Status::Running))
            .await
            .unwrap();
        events.push(note("end"));
        assert_eq!(file.count("SELECT count(*) FROM batches"), 4);
        // What stands before is not looked at.
        file.raw()
            .execute_batch("UPDATE batches SET events = 'x' WHERE next < 2000")
            .unwrap();
        for from in [1_024, 2_000, 3_000, 3_001, 3_002] {
            let batches = store.load(&"a".into(), from).await.unwrap();
            let found: Vec<Event> = batches.iter().flat_map(|batch| batch.events.to_vec()).collect();
            assert_eq!(found, events[from as usize..]);
        }
        let unreadable = store.load(&"a".into(), 1_023).await;
        assert!(matches!(unreadable, Err(Error::Damaged(_))), "{unreadable:?}");
    });
}

#[test]
fn a_run_belongs_to_who_drives_it_until_that_is_gone() {
    block_on(async {
        let file = File::new();
        let elsewhere = || {
            let options = Options {
                host: Some("elsewhere".into()),
                ..Options::default()
            };
            Sqlite::open_with(&file.0, options).unwrap()
        };
        let (one, two) = (elsewhere(), file.open());
        let run: Name = "a".into();
        one.append(append("a", 0, vec![started("a", 1)], Status::Running))
            .await
            .unwrap();
        let owned = |answer: Result<(), Error>| matches!(answer, Err(Error::Owned { .. }));
        assert!(owned(two.claim(&run).await));
        assert!(owned(
            two.append(append("a", 1, vec![note("x")], Status::Running)).await
        ));
        one.append(append("a", 1, vec![note("x")], Status::Suspended))
            .await
            .unwrap();
        assert_eq!(two.claim(&run).await, Ok(()), "who waits is nobody's");
        two.append(append("a", 2, vec![note("x")], Status::Running))
            .await
            .unwrap();
        assert!(owned(
            one.append(append("a", 3, vec![note("x")], Status::Running)).await
        ));
        drop(two);
        assert_eq!(one.claim(&run).await, Ok(()), "who leaves frees its runs");
        // It gives no sign of life.
        file.raw().execute_batch("UPDATE processes SET expires = 0").unwrap();
        let three = file.open();
        assert_eq!(three.claim(&run).await, Ok(()));
        assert!(owned(
            one.append(append("a", 3, vec![note("late")], Status::Running)).await
        ));
        assert_eq!(
            three.append(append("a", 3, vec![note("x")], Status::Running)).await,
            Ok(())
        );
        assert_eq!(
            one.append(append("b", 0, vec![started("b", 1)], Status::Running)).await,
            Ok(())
        );
    });
}

#[test]
fn a_disk_that_is_full_is_an_error_and_no_more() {
    block_on(async {
        let file = File::new();
        drop(file.open());
        let options = Options {
            max_pages: Some(60),
            ..Options::default()
        };
        let store = Sqlite::open_with(&file.0, options).unwrap();
        store
            .append(append("a", 0, vec![started("a", 1)], Status::Running))
            .await
            .unwrap();
        let mut seq = 1;
        let full = loop {
            let note = note(&"x".repeat(10_000));
            match store.append(append("a", seq, vec![note], Status::Running)).await {
                Ok(()) => seq += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, Error::Unavailable(_)), "{full:?}");
        let events: usize = store
            .load(&"a".into(), 0)
            .await
            .unwrap()
            .iter()
            .map(|batch| batch.events.len())
            .sum();
        assert_eq!(events as u64, seq);
        assert_eq!(
            store
                .append(append("a", seq, vec![note("short")], Status::Running))
                .await,
            Ok(())
        );
    });
}

#[test]
fn one_write_that_fails_leaves_the_others_of_its_group() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        file.raw()
            .execute_batch(
                "CREATE TRIGGER poison BEFORE INSERT ON runs WHEN new.id = 'run-7' \
                 BEGIN SELECT raise(ABORT, 'poisoned'); END",
            )
            .unwrap();
        let runs: Vec<String> = (0..20).map(|at| format!("run-{at}")).collect();
        let appends = runs
            .iter()
            .map(|run| store.append(append(run, 0, vec![started(run, 1)], Status::Suspended)));
        let answers = futures_util::future::join_all(appends).await;
        for (run, answer) in runs.iter().zip(answers) {
            assert_eq!(answer.is_err(), run == "run-7", "{run}: {answer:?}");
            assert_eq!(
                store.entry(&run.as_str().into()).await.unwrap().is_some(),
                run != "run-7"
            );
        }
    });
}

#[test]
fn a_snapshot_that_was_damaged_is_none() {
    block_on(async {
        let file = File::new();
        let store = file.open();
        let mut first = append("a", 0, vec![started("a", 1)], Status::Running);
        first.snapshot = Some((*b"state").into());
        store.append(first).await.unwrap();
        let run: Name = "a".into();
        let snapshot = store.snapshot(&run).await.unwrap().unwrap();
        assert_eq!((snapshot.seq, &*snapshot.state), (1, &b"state"[..]));
        file.raw().execute_batch("UPDATE snapshots SET state = x'00'").unwrap();
        assert_eq!(store.snapshot(&run).await, Ok(None));
    });
}

#[test]
fn what_a_start_reads_and_pages_of_listings_are_found_by_index() {
    let file = File::new();
    let _store = file.open();
    let raw = connect(&file.0).unwrap();
    let plan = |query: &str, parameters: Vec<rusqlite::types::Value>| {
        let mut explain = raw.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = explain
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3))
            .unwrap();
        steps.collect::<rusqlite::Result<Vec<String>>>().unwrap().join("; ")
    };
    let by_index = |plan: String, index: &str| {
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
    };
    let numbers = |values: [i64; 2]| values.map(rusqlite::types::Value::Integer).to_vec();
    by_index(plan(read::DUE, numbers([1, 1])), "runs_by_wake");
    let listing = |filter: Filter| {
        let (query, values) = read::listing(&filter);
        plan(&query, values)
    };
    let after = Some((Timestamp(1), "a".into()));
    let page = Filter {
        after,
        limit: Some(50),
        ..Filter::default()
    };
    by_index(listing(page.clone()), "runs_by_time");
    let running = Filter {
        status: Some(Status::Running),
        ..page.clone()
    };
    by_index(listing(running), "runs_by_status");
    let of_one = Filter {
        workflow: Some("orders".into()),
        ..page.clone()
    };
    by_index(listing(of_one), "runs_by_workflow");
    let for_one = Filter {
        user: Some("ada".into()),
        ..page.clone()
    };
    by_index(listing(for_one), "runs_by_user");
    let of_talk = Filter {
        conversation: Some("c".into()),
        ..page
    };
    by_index(listing(of_talk), "runs_by_conversation");
    for order in [Order::Ascending, Order::Descending] {
        let page = Page {
            after: Some("a".into()),
            before: Some("b".into()),
            ..Page::of(order, 10)
        };
        let (query, values) = conversation::listing(&"c".into(), &page);
        by_index(plan(&query, values), "messages_in_order");
    }
}

#[test]
fn statements_are_compiled_once() {
    let file = File::new();
    drop(file.open());
    let connection = connect(&file.0).unwrap();
    let mut lease = Lease::new(Process::this(None), Duration::from_secs(60));
    let write = |seq: u64, lease: &mut Lease| {
        let events = vec![if seq == 0 { started("a", 1) } else { note("x") }];
        let append = append("a", seq, events, Status::Running);
        Encoded::of(append).unwrap().append(&connection, lease).unwrap();
    };
    (0..10).for_each(|seq| write(seq, &mut lease));
    for statement in [write::FIND, write::REACHED, write::INSERT] {
        let statement = connection.prepare_cached(statement).unwrap();
        let again = statement.get_status(rusqlite::StatementStatus::RePrepare);
        assert!(
            statement.get_status(rusqlite::StatementStatus::Run) >= 9 && again <= 1,
            "{again}"
        );
    }
}

#[test]
fn definitions_that_no_run_uses_are_forgotten() {
    let place = File::new();
    let store = place.open();
    let definition = |hash: &str| Definition {
        hash: hash.into(),
        workflow: "orders".into(),
        version: None,
        files: vec![("orders.yaml".into(), hash.into())],
        schemas: Vec::new(),
    };
    for hash in ["program", "unused", "released"] {
        block_on(store.keep(Arc::new(definition(hash)))).unwrap();
    }
    // A release can be asked for at any time.
    let (orders, released) = ("orders".into(), "released".into());
    block_on(releases::release(&store, &orders, &released, Timestamp(1))).unwrap();
    block_on(store.append(append("a", 0, vec![started("a", 1)], Status::Suspended))).unwrap();
    // Young ones may be there for a run that is about to begin.
    assert_eq!(block_on(store.prune_definitions(Timestamp(1))), Ok(0));
    // So may old ones that are kept again.
    place.raw().execute_batch("UPDATE definitions SET kept = 0").unwrap();
    block_on(store.keep(Arc::new(definition("unused")))).unwrap();
    assert_eq!(block_on(store.prune_definitions(Timestamp(1))), Ok(0));
    assert_eq!(block_on(store.prune_definitions(Timestamp(i64::MAX))), Ok(1));
    assert_eq!(block_on(store.definition(&"unused".into())), Ok(None));
    assert_eq!(
        block_on(store.definition(&"program".into())),
        Ok(Some(Arc::new(definition("program"))))
    );
    assert!(block_on(store.definition(&released)).unwrap().is_some());
}

#[test]
fn processes_ask_each_other() {
    let place = File::new();
    let (one, two) = (place.open(), place.open());
    let (run, request) = (
        Name::from("a"),
        Request::Cancel {
            reason: Some("late".into()),
        },
    );
    let number = block_on(one.ask(&run, request.clone())).unwrap();
    assert_eq!(
        block_on(two.requests()),
        Ok(vec![(number, run.clone(), request.clone())])
    );
    assert_eq!(block_on(one.answered(number)), Ok(None));
    block_on(two.answer(number, Err("no".to_owned()))).unwrap();
    assert_eq!(block_on(one.answered(number)), Ok(Some(Err("no".to_owned()))));
    assert_eq!(block_on(two.requests()), Ok(vec![]));
    block_on(one.withdraw(number)).unwrap();
    assert_eq!(block_on(one.answered(number)), Ok(None));
    let again = block_on(one.ask(&run, request)).unwrap();
    block_on(one.withdraw(again)).unwrap();
    assert_eq!(block_on(two.requests()), Ok(vec![]));
}
