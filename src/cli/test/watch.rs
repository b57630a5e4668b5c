//! `--watch`: the tests again whenever a file changes.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};

use super::{Arguments, once};
use crate::cli::{Exit, complain, output};

/// Editors write a file in several goes; this long nothing more must happen.
const QUIET: Duration = Duration::from_millis(100);

/// Runs the tests, and again with every change, until the program is interrupted.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let (sender, changes) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // When nobody listens any more, the program is about to end.
        let _ = event.map(|event| sender.send(event));
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => return complain(format!("cannot watch files: {error}")),
    };
    for path in &arguments.paths {
        // A file may be replaced by another of its name, so its folder is watched.
        let folder = match path.is_dir() {
            true => path,
            false => path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        };
        if let Err(error) = watcher.watch(folder, RecursiveMode::Recursive) {
            return complain(format!("cannot watch {}: {error}", folder.display()));
        }
    }
    loop {
        once(arguments);
        output::say("\nwaiting for changes; Ctrl-C ends\n");
        loop {
            let Ok(event) = changes.recv() else {
                return Exit::Success;
            };
            if concerns_tests(&event) {
                break;
            }
        }
        while changes.recv_timeout(QUIET).is_ok() {}
        output::say("\n");
    }
}

/// Whether something has changed that a test depends on, which reading a file or writing a pending snapshot is not.
fn concerns_tests(event: &notify::Event) -> bool {
    let changed = !matches!(event.kind, EventKind::Access(_));
    let known = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml" | "json" | "snap"))
    };
    changed && event.paths.iter().any(|path| known(path))
}
