//! `--watch`: the tests again whenever a file changes.

use std::sync::mpsc;

use super::{Arguments, once};
use crate::cli::{Exit, output, watch};

/// Runs the tests, and again with every change, until the program is interrupted.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let (sender, changes) = mpsc::channel();
    // A pending snapshot is written by the tests themselves, and is no change.
    let known = &["yaml", "yml", "json", "snap"];
    let changed = move || {
        // When nobody listens any more, the program is about to end.
        let _ = sender.send(());
    };
    let _watcher = match watch::files(&arguments.paths, known, changed) {
        Ok(watcher) => watcher,
        Err(exit) => return exit,
    };
    loop {
        once(arguments);
        output::say("\nwaiting for changes; Ctrl-C ends\n");
        if changes.recv().is_err() {
            return Exit::Success;
        }
        while changes.recv_timeout(watch::QUIET).is_ok() {}
        output::say("\n");
    }
}
