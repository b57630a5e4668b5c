//! A disk that is full, and one that is damaged.

use std::sync::Arc;

use futures_util::FutureExt;
use interpret::clock::SystemClock;
use interpret::data::Data;
use interpret::drive::{Error, SendError, StartError};
use interpret::provider::{Effect, Performing, Provider};
use interpret::run::{Answer, Input, Outcome, Start, Status};
use interpret::store::{self, Filter, Sqlite, Store, sqlite};

use super::{Place, block_on, define, driver};

/// Answers with a text of some length.
struct Long(usize);

impl Provider for Long {
    fn perform(&self, effect: Effect) -> Performing {
        let text = format!("{}:{}", effect.run, "x".repeat(self.0));
        let result = Some(Data::from(text));
        async move { Outcome::Done(Answer { result, response: None }) }.boxed()
    }
}

const WORK: &str = "
kind: Workflow
id: work
steps:
  - { kind: andThen, id: a, function: { name: work } }
  - { kind: andThen, id: b, suspend: {} }
  - { kind: andThen, id: c, function: { name: work } }
";

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest() {
    block_on(async {
        let place = Place::new();
        drop(place.open());
        let options = sqlite::Options {
            max_pages: Some(80),
            ..sqlite::Options::default()
        };
        let store = Arc::new(Sqlite::open_with(&place.file(), options).unwrap());
        let (program, definition) = define(WORK);
        store.keep(Arc::new(definition)).await.unwrap();
        let driver = driver(store.clone(), Arc::new(Long(8_000)), Arc::new(SystemClock));
        let mut begun = Vec::new();
        let refused = loop {
            let start = Start::new(format!("r{}", begun.len()), Data::Null);
            match driver.start(program.clone(), start).await {
                Ok(handle) => begun.push(handle),
                Err(refused) => break refused,
            }
        };
        assert!(
            matches!(refused, StartError::Store(store::Error::Unavailable(_))),
            "{refused:?}"
        );
        // What began is there, and nothing else.
        let listed = store.list(Filter::default()).await.unwrap();
        assert_eq!(listed.len(), begun.len());
    });
}

#[test]
fn a_damaged_page_spoils_no_more_than_what_is_on_it() {
    block_on(async {
        let place = Place::new();
        let (program, definition) = define(WORK);
        {
            let store = place.open();
            store.keep(Arc::new(definition)).await.unwrap();
            let driver = driver(store, Arc::new(Long(3_000)), Arc::new(SystemClock));
            for at in 0..40 {
                let start = Start::new(format!("run-{at:02}"), Data::Null);
                let handle = driver.start(program.clone(), start).await.unwrap();
                assert_eq!(handle.rested().await, Ok(Status::Suspended));
            }
            while !driver.driven().is_empty() {
                tokio::task::yield_now().await;
            }
        }
        let raw = rusqlite::Connection::open(place.file()).unwrap();
        raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        raw.close().unwrap();
        let mut bytes = std::fs::read(place.file()).unwrap();
        let marked = b"run-20:xxx";
        let at = bytes.windows(marked.len()).position(|window| window == marked).unwrap();
        let page = at / 4096 * 4096;
        bytes[page..page + 4096].fill(0xee);
        std::fs::write(place.file(), bytes).unwrap();
        let store = place.open();
        let driver = driver(store.clone(), Arc::new(Long(1)), Arc::new(SystemClock));
        let (mut completed, mut spoilt) = (0, 0);
        for at in 0..40 {
            let resume = Input::Resume {
                target: None,
                payload: Data::Null,
            };
            let ended = match driver.send(&format!("run-{at:02}").into(), resume).await {
                Ok(handle) => handle.rested().await,
                Err(SendError::Store(error)) => Err(Error::Store(error)),
                Err(other) => panic!("{other:?}"),
            };
            match ended {
                Ok(status) => {
                    assert_eq!(status, Status::Completed);
                    completed += 1;
                }
                Err(Error::Store(store::Error::Damaged(_))) => spoilt += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(spoilt >= 1 && completed >= 30, "{completed} completed, {spoilt} spoilt");
    });
}
