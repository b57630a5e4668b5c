//! What is given up really stops: somebody outside says so.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use interpret::drive::Driver;
use interpret::graph::{Join, Op};
use interpret::run::{Input, RunEnd};

use super::witness::Witness;
use super::*;

/// A folder that is gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("interpret-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn race(nodes: impl FnOnce() -> Vec<Node>) -> Arc<Program> {
    program(|builder| {
        let race = fork(builder, Join::FirstSettled, nodes());
        vec![step("race", race)]
    })
}

/// A shell that has a child which writes to a file ten times a second.
fn family(file: &str, stubborn: bool) -> Op {
    let trap = if stubborn { "trap '' TERM; " } else { "" };
    let child = format!("{trap}while :; do echo . >> {file}; sleep 0.1; done");
    call(exec(&["sh", "-c", &format!("{trap}({child}) & wait")]))
}

fn size(file: &str) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

async fn until_it_grows(file: &str) {
    let begun = Instant::now();
    while size(file) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the process did nothing");
        // Between two looks at the condition.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The file has stopped growing, at the latest after that time.
async fn assert_still(file: &str, within: Duration) {
    let begun = Instant::now();
    loop {
        let before = size(file);
        // That nothing is written can only be seen over a time; a process at work would write five times in this one.
        tokio::time::sleep(Duration::from_millis(500)).await;
        if size(file) == before {
            return;
        }
        assert!(begun.elapsed() < within, "a process is still at work");
    }
}

#[test]
fn the_connection_of_a_race_loser_is_closed() {
    let witness = Witness::silent();
    block_on(async {
        let driver = driver(permit());
        let program = race(|| vec![step("slow", call(get(&witness.url()))), step("quick", sleep(300))]);
        let (session, _) = rest(&driver, program).await;
        assert!(matches!(session.run().state().end(), Some(RunEnd::Completed(_))));
        // The session is still held: what closes the connection is that the race was lost.
        tokio::task::spawn_blocking(move || {
            let seen = witness.wait(|seen| seen.abandoned == 1);
            assert_eq!(seen.requests.len(), 1);
        })
        .await
        .unwrap();
        drop(session);
    });
}

#[test]
fn the_connection_of_an_attempt_that_takes_too_long_is_closed() {
    let witness = Witness::silent();
    block_on(async {
        let driver = driver(permit());
        let (session, _) = rest(
            &driver,
            program(|_| vec![limited("slow", call(get(&witness.url())), 300)]),
        )
        .await;
        let Some(RunEnd::Failed(failure)) = session.run().state().end() else {
            panic!()
        };
        assert_eq!(&*failure.code, "timeout");
        tokio::task::spawn_blocking(move || witness.wait(|seen| seen.abandoned == 1))
            .await
            .unwrap();
    });
}

#[test]
fn all_processes_of_a_race_loser_end() {
    let folder = Folder::new("race");
    let file = folder.file("beat");
    block_on(async {
        let driver = driver(permit());
        let program = race(|| vec![step("slow", family(&file, false)), step("quick", sleep(600))]);
        let (session, _) = rest(&driver, program).await;
        assert!(size(&file) > 0, "the loser was at work");
        assert_still(&file, Duration::from_secs(5)).await;
        drop(session);
    });
}

#[test]
fn all_processes_of_an_attempt_that_takes_too_long_end_even_if_they_do_not_want_to() {
    let folder = Folder::new("stubborn");
    let file = folder.file("beat");
    block_on(async {
        let driver = driver(permit());
        let failure = failure(&driver, program(|_| vec![limited("slow", family(&file, true), 600)])).await;
        assert_eq!(&*failure.code, "timeout");
        assert_still(&file, Duration::from_secs(10)).await;
        assert!(size(&file) > 0);
    });
}

#[test]
fn a_cancelled_run_ends_its_processes() {
    let folder = Folder::new("cancel");
    let file = folder.file("beat");
    block_on(async {
        let driver = driver(permit());
        let handle = driver.start(single(family(&file, false)), start()).await.unwrap();
        until_it_grows(&file).await;
        handle.send(Input::Cancel { reason: None }).await.unwrap();
        assert_eq!(handle.finished().await, Ok(interpret::run::Status::Cancelled));
        assert_still(&file, Duration::from_secs(5)).await;
    });
}

#[test]
fn no_process_outlives_the_runtime() {
    let folder = Folder::new("runtime");
    let file = folder.file("beat");
    block_on(async {
        let driver: Driver = driver(permit());
        driver.start(single(family(&file, true)), start()).await.unwrap();
        until_it_grows(&file).await;
    });
    // The runtime is gone, and with it whoever would have waited for a grace.
    block_on(assert_still(&file, Duration::from_secs(1)));
}

#[test]
fn what_a_finished_process_leaves_behind_ends_with_it() {
    let folder = Folder::new("left");
    let file = folder.file("beat");
    block_on(async {
        let driver = driver(permit());
        let child = format!("while :; do echo . >> {file}; sleep 0.1; done");
        let command = ["sh", "-c", &format!("({child}) & sleep 0.5; echo done")];
        // The child holds stdout open, and still the call ends.
        assert_eq!(result(&driver, single(call(exec(&command)))).await, Data::from("done"));
        assert!(size(&file) > 0);
        assert_still(&file, Duration::from_secs(5)).await;
    });
}
