//! Files that are watched for changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Exit, complain};

/// Editors write a file in several goes; this long nothing more must happen.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// Calls somebody whenever a file with one of these extensions has changed in or beside some paths, until what is
/// returned is dropped. Reading a file is no change.
pub(super) fn files(
    paths: &[PathBuf],
    extensions: &'static [&'static str],
    changed: impl Fn() + Send + 'static,
) -> Result<RecommendedWatcher, Exit> {
    let concerns = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| extensions.contains(&extension))
    };
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(concerns)) {
            changed();
        }
    });
    let mut watcher = watcher.map_err(|error| complain(format!("cannot watch files: {error}")))?;
    for path in paths {
        // A file may be replaced by another of its name, so its folder is watched.
        let folder = match path.is_dir() {
            true => path,
            false => path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        };
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .map_err(|error| complain(format!("cannot watch {}: {error}", folder.display())))?;
    }
    Ok(watcher)
}
