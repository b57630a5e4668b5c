//! A store that fails: nothing is lost, nothing is done twice, nothing is done that was not stored.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use interpret::data;
use interpret::drive::{Error, SendError, StartError};
use interpret::provider::{Effect, Performing};
use interpret::run::{Answer, EventKind, Input, Outcome, Run, Status};
use interpret::store::{self, Append, Batch, Conversation, Definition, Entry, Filter, Page, Reply, Said, Snapshot};

use super::*;

/// How the n-th append goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Nothing is stored.
    Lost,
    /// All is stored, but nobody hears of it.
    Unheard,
    /// All is stored, but the reply never comes.
    Silent,
    /// Only the first event is stored, and nobody hears of it.
    Torn,
    /// All is stored and told, but late: behind what is asked meanwhile.
    Late,
    /// Another driver has been here.
    Overtaken,
}

pub(super) struct Faulty {
    pub(super) memory: Memory,
    pub(super) appends: AtomicUsize,
    /// The append that goes wrong, from 1.
    at: usize,
    fault: Fault,
}

impl Faulty {
    pub(super) fn new(at: usize, fault: Fault) -> Arc<Faulty> {
        Arc::new(Faulty {
            memory: Memory::default(),
            appends: AtomicUsize::new(0),
            at,
            fault,
        })
    }
}

impl Store for Faulty {
    fn say(&self, conversation: Conversation, messages: Vec<Said>) -> Reply<'_, ()> {
        self.memory.say(conversation, messages)
    }

    fn conversation(&self, id: &Name) -> Reply<'_, Option<Conversation>> {
        self.memory.conversation(id)
    }

    fn said(&self, conversation: &Name, page: Page) -> Reply<'_, Vec<Said>> {
        self.memory.said(conversation, page)
    }

    fn message(&self, conversation: &Name, id: &Name) -> Reply<'_, Option<Said>> {
        self.memory.message(conversation, id)
    }

    fn append(&self, append: Append) -> Reply<'_, ()> {
        let fails = self.appends.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
        if !fails {
            return self.memory.append(append);
        }
        let unavailable = || store::Error::Unavailable("the disk is full".to_owned());
        match self.fault {
            Fault::Lost => async move { Err(unavailable()) }.boxed(),
            Fault::Unheard => self
                .memory
                .append(append)
                .map(move |stored| stored.and(Err(unavailable())))
                .boxed(),
            Fault::Silent => {
                let stored = self.memory.append(append);
                async move {
                    stored.await?;
                    std::future::pending().await
                }
                .boxed()
            }
            Fault::Torn => {
                // As if another driver had come exactly so far; what the run stands at is told by its journal.
                let torn = Append {
                    events: append.events[..1].into(),
                    ..append
                };
                let stored = self.memory.append(torn);
                stored.map(move |stored| stored.and(Err(unavailable()))).boxed()
            }
            Fault::Late => async move {
                // Real time has to pass, in which the driver could wrongly go on without an answer.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                self.memory.append(append).await
            }
            .boxed(),
            Fault::Overtaken => async move {
                let conflict = store::Error::Conflict {
                    expected: append.expected_seq,
                    found: append.expected_seq + 1,
                };
                Err(conflict)
            }
            .boxed(),
        }
    }

    fn forget(&self, run: &Name) -> Reply<'_, bool> {
        self.memory.forget(run)
    }

    fn load(&self, run: &Name, from: u64) -> Reply<'_, Vec<Batch>> {
        self.memory.load(run, from)
    }

    fn entry(&self, run: &Name) -> Reply<'_, Option<Entry>> {
        self.memory.entry(run)
    }

    fn list(&self, filter: Filter) -> Reply<'_, Vec<Entry>> {
        self.memory.list(filter)
    }

    fn claim(&self, run: &Name) -> Reply<'_, ()> {
        self.memory.claim(run)
    }

    fn snapshot(&self, run: &Name) -> Reply<'_, Option<Snapshot>> {
        self.memory.snapshot(run)
    }

    fn due(&self, until: Timestamp, limit: usize) -> Reply<'_, Vec<(Timestamp, Name)>> {
        self.memory.due(until, limit)
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Reply<'_, usize> {
        self.memory.prune(before, limit)
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn size(&self) -> Reply<'_, u64> {
        self.memory.size()
    }

    fn keep(&self, definition: Arc<Definition>) -> Reply<'_, ()> {
        self.memory.keep(definition)
    }

    fn definition(&self, hash: &Name) -> Reply<'_, Option<Arc<Definition>>> {
        self.memory.definition(hash)
    }
}

/// Counts what it performs, and looks whether that has been stored before.
struct Counting {
    store: Arc<Faulty>,
    performed: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Provider for Counting {
    fn perform(&self, effect: Effect) -> Performing {
        let batches = self.store.memory.load(&effect.run, 0).now_or_never().unwrap().unwrap();
        let asked =
            |event: &Event| matches!(event.kind, EventKind::CallStarted { ticket, .. } if ticket == effect.call.ticket);
        assert!(
            batches.iter().any(|batch| batch.events.iter().any(asked)),
            "performed before it was stored"
        );
        *self.performed.lock().unwrap().entry(effect.id()).or_default() += 1;
        let answer = Answer {
            result: Some(Data::from(effect.call.step.to_string())),
            response: None,
        };
        async move {
            // Some answer at once and some later, so that appends of all kinds occur.
            if effect.call.step.ends_with('2') {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            Outcome::Done(answer)
        }
        .boxed()
    }
}

fn work() -> Op {
    call(Target::Function {
        name: "work".into(),
        arguments: None,
    })
}

/// Two calls, two beside each other, a sleep, a wait, a call.
fn errands() -> Arc<Program> {
    program(|builder| {
        let both = fork(builder, Join::All, vec![step("c1", work()), step("c2", work())]);
        vec![
            step("a", work()),
            step("b2", work()),
            step("both", both),
            step("nap", sleep(1_000)),
            step("ask", Op::Suspend(Box::default())),
            step("d", work()),
            step(
                "sum",
                Op::Set(build(
                    "=[steps.a.output, steps.b2.output, steps.both.output, steps.ask.output, data]",
                )),
            ),
        ]
    })
}

/// Runs the errands over a store with one fault; the run with its result, what was observed, and what was performed.
async fn run_errands(
    at: usize,
    fault: Fault,
) -> (
    Arc<Faulty>,
    Result<Session, String>,
    Vec<Event>,
    BTreeMap<String, usize>,
) {
    let store = Faulty::new(at, fault);
    let performed = Arc::new(Mutex::default());
    let provider = Counting {
        store: store.clone(),
        performed: Arc::clone(&performed),
    };
    let driver = driver_with(store.clone(), Arc::new(provider));
    let mut observed = Vec::new();
    let mut observe = |events: &[Event], _: &Run| observed.extend_from_slice(events);
    let driven = async {
        let mut session = match driver.open(errands(), start(), &mut observe).await {
            Ok(session) => session,
            Err(error @ StartError::Store(_)) => return Err(error.to_string()),
            Err(error) => panic!("{error}"),
        };
        loop {
            match session.to_rest(&mut observe).await {
                Ok(Status::Suspended) => {}
                Ok(_) => return Ok(session),
                Err(error) => return Err(error.to_string()),
            }
            let payload = data!("yes");
            match session
                .send(Input::Resume { target: None, payload }, &mut observe)
                .await
            {
                // It may be sent again, unless it was stored after all.
                Ok(()) | Err(SendError::Store(_)) => {}
                Err(other) => return Err(other.to_string()),
            }
        }
    }
    .await;
    let performed = performed.lock().unwrap().clone();
    (store, driven, observed, performed)
}

#[test]
fn whichever_append_fails_nothing_is_lost_or_done_twice() {
    block_on(async {
        let (store, plain, expected, _) = run_errands(0, Fault::Lost).await;
        let appends = store.appends.load(Ordering::SeqCst);
        assert!(appends >= 8, "the run has appends of several kinds");
        let expected_end = plain.unwrap().run().state().end().cloned();
        assert_eq!(
            expected_end,
            Some(RunEnd::Completed(data!(["a", "b2", ["c1", "c2"], "yes", "d"])))
        );
        for fault in [Fault::Lost, Fault::Unheard, Fault::Late] {
            for at in 1..=appends {
                let (store, driven, observed, performed) = run_errands(at, fault).await;
                if at == 1 && fault != Fault::Late {
                    assert_eq!(driven.unwrap_err(), "the store is not available: the disk is full");
                    assert!(performed.is_empty());
                    continue;
                }
                let session = driven.unwrap();
                assert_eq!(
                    session.run().state().end().cloned(),
                    expected_end,
                    "append {at} {fault:?}"
                );
                assert_eq!(
                    performed.values().copied().collect::<Vec<_>>(),
                    [1; 5],
                    "append {at} {fault:?}: {performed:?}"
                );
                let mut stored = Vec::new();
                for batch in store.load(&"r1".into(), 0).await.unwrap() {
                    stored.extend_from_slice(&batch.events);
                }
                assert_eq!(
                    stored, observed,
                    "all that is stored is told, once, in order: append {at} {fault:?}"
                );
                assert_eq!(stored.len(), expected.len());
                let replayed = Run::replay(errands(), &stored).unwrap();
                assert_eq!(replayed.state(), session.run().state());
            }
        }
    });
}

#[test]
fn whichever_append_is_torn_the_run_goes_on_from_what_is_there() {
    block_on(async {
        let (store, ..) = run_errands(0, Fault::Lost).await;
        let appends = store.appends.load(Ordering::SeqCst);
        for at in 2..=appends {
            let (store, driven, observed, performed) = run_errands(at, Fault::Torn).await;
            let session = driven.unwrap_or_else(|error| panic!("append {at}: {error}"));
            assert_eq!(
                session.run().state().end().cloned(),
                Some(RunEnd::Completed(data!(["a", "b2", ["c1", "c2"], "yes", "d"]))),
                "append {at}"
            );
            assert_eq!(
                performed.values().copied().collect::<Vec<_>>(),
                [1; 5],
                "append {at}: {performed:?}"
            );
            let stored: Vec<Event> = (store.load(&"r1".into(), 0).await.unwrap().iter())
                .flat_map(|batch| batch.events.to_vec())
                .collect();
            assert_eq!(stored, observed, "append {at}");
        }
    });
}

#[test]
fn who_is_overtaken_by_another_driver_stops() {
    block_on(async {
        let (_, driven, _, performed) = run_errands(3, Fault::Overtaken).await;
        assert!(driven.unwrap_err().contains("somebody else drives it"));
        assert!(performed.len() <= 2);
        let store = Faulty::new(2, Fault::Overtaken);
        let provider = Counting {
            store: store.clone(),
            performed: Arc::default(),
        };
        let driver = driver_with(store, Arc::new(provider));
        let handle = driver.start(errands(), start()).await.unwrap();
        let conflict = handle.finished().await.unwrap_err();
        assert!(
            matches!(conflict, Error::Store(store::Error::Conflict { .. })),
            "{conflict:?}"
        );
        assert!(driver.recover(errands(), &"r1".into()).await.is_ok());
    });
}

#[test]
fn an_input_is_acknowledged_only_once_it_is_stored() {
    block_on(async {
        let store = Faulty::new(2, Fault::Lost);
        let driver = driver_with(
            store.clone(),
            Arc::new(Providers::new(Arc::default(), secrets(), Arc::new(SystemClock))),
        );
        let handle = driver
            .start(single(Op::Suspend(Box::default())), start())
            .await
            .unwrap();
        let refused = handle.resume(None, data!(1)).await;
        assert!(matches!(refused, Err(SendError::Store(_))), "{refused:?}");
        handle.resume(None, data!(2)).await.unwrap();
        assert_eq!(handle.end().await, Ok(RunEnd::Completed(data!(2))));
    });
}

#[test]
fn whoever_drives_a_run_may_drop_the_futures_of_its_session() {
    block_on(async {
        for at in 2..=8 {
            let store = Faulty::new(at, Fault::Silent);
            let performed = Arc::new(Mutex::new(BTreeMap::new()));
            let provider = Counting {
                store: store.clone(),
                performed: performed.clone(),
            };
            let driver = driver_with(store, Arc::new(provider));
            let mut observed = Vec::new();
            let mut observe = |events: &[Event], _: &Run| observed.extend_from_slice(events);
            let mut session = driver.open(errands(), start(), &mut observe).await.unwrap();
            while session.run().state().end().is_none() {
                let patience = std::time::Duration::from_millis(20);
                let _ = tokio::time::timeout(patience, session.to_rest(&mut observe)).await;
                let payload = data!("yes");
                let _ = tokio::time::timeout(
                    patience,
                    session.send(Input::Resume { target: None, payload }, &mut observe),
                )
                .await;
            }
            let stored: Vec<Event> = driver
                .store()
                .load(&"r1".into(), 0)
                .await
                .unwrap()
                .iter()
                .flat_map(|batch| batch.events.to_vec())
                .collect();
            assert_eq!(stored, observed);
            assert!(
                performed.lock().unwrap().values().all(|times| *times == 1),
                "{performed:?}"
            );
        }
    });
}
