//! `kill -9` leaves what was written in the memory of the system, so it proves nothing about the disk. This looks at the
//! system calls: before anything is acknowledged, the log has been synchronised.

use std::collections::HashSet;
use std::process::Command;

use crate::cli::{Folder, Started, workflow};

const RUNS: usize = 100;

/// How many lines went to stdout, and before how many of them the log was not on disk.
fn acknowledged(trace: &str) -> (usize, usize) {
    let (mut lines, mut early) = (0, 0);
    let mut unsynchronised = false;
    let mut pending: HashSet<&str> = HashSet::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        let on_the_log = call.contains("-wal>");
        if call.starts_with("pwrite64(") && on_the_log {
            unsynchronised = true;
        } else if (call.starts_with("fdatasync(") || call.starts_with("fsync(")) && on_the_log {
            if call.contains("<unfinished") {
                pending.insert(thread);
            } else if call.ends_with("= 0") {
                unsynchronised = false;
            }
        } else if call.contains("sync resumed>") && pending.remove(thread) && call.ends_with("= 0") {
            unsynchronised = false;
        } else if call.starts_with("write(1<") {
            lines += 1;
            early += usize::from(unsynchronised);
        }
    }
    (lines, early)
}

fn traced(folder: &Folder, store: &str) -> (usize, usize) {
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", "trace"]);
    command.arg(env!("CARGO_BIN_EXE_interpret"));
    command.args([
        "run",
        "hello",
        "--batch",
        "lines.ndjson",
        "--concurrency",
        "1",
        "--store",
        store,
    ]);
    folder.prepare(&mut command);
    Started::new(command).end().expect(0);
    let trace = std::fs::read(folder.path().join("trace")).unwrap();
    acknowledged(&String::from_utf8_lossy(&trace))
}

#[test]
fn the_log_is_on_disk_before_anything_is_acknowledged() {
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing");
        println!("skipped: strace is missing");
        return;
    }
    let hello = workflow("hello", &["{ kind: andThen, id: greet, set: =input }"]);
    let folder = Folder::new(&[("hello.yaml", &hello)]);
    folder.write("lines.ndjson", "1\n".repeat(RUNS).as_bytes());
    assert_eq!(traced(&folder, "sqlite:full.sqlite"), (RUNS, 0));
    // The test would notice.
    let (lines, early) = traced(&folder, "sqlite:normal.sqlite?synchronous=normal");
    assert_eq!(lines, RUNS);
    assert!(early > RUNS / 2, "{early} of {lines}");
}
