//! Snapshots in the format of insta, so that its tools list, show and accept them.
//!
//! A snapshot `NAME__CASE.snap` lies in `snapshots/` beside `NAME.test.yaml`; one that waits for review is `.snap.new`.
#![allow(clippy::disallowed_methods, reason = "snapshots are files beside the test files")]

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::suite::{Case, Suite};

/// What is done about snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is new or different is written beside the snapshot, for review, and is a failure.
    Review,
    /// What is new or different becomes the snapshot.
    Accept,
    /// Nothing is written; what is new, different or waits for review is a failure.
    Check,
}

/// What became of the snapshot of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It is the same.
    Same,
    /// It was written.
    Accepted,
    /// There is none yet.
    Missing,
    /// It was something else.
    Different {
        /// What the snapshot holds.
        old: String,
    },
    /// It is the same, but another one waits for review.
    Pending(PathBuf),
    /// It cannot be read or written.
    Failed(String),
}

/// What insta's tools read about a snapshot. The source is the name of the test file alone, so that it is the same
/// wherever the tests are run from.
#[derive(serde::Serialize)]
struct Header<'h> {
    source: &'h str,
    expression: &'h str,
}

/// The name of a case as part of a file name.
pub(super) fn slug(name: &str) -> String {
    let words = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    // Some file systems do not tell `A` from `a`.
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// The file of a case's snapshot.
pub fn file(suite: &Suite, case: &Case) -> PathBuf {
    folder(&suite.path).join(format!("{}__{}.snap", stem(&suite.path), slug(&case.name)))
}

fn folder(test: &Path) -> PathBuf {
    test.parent().unwrap_or(Path::new("")).join("snapshots")
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn stem(test: &Path) -> String {
    let name = name(test);
    let stem = name
        .strip_suffix(".yaml")
        .or(name.strip_suffix(".yml"))
        .unwrap_or(&name);
    stem.strip_suffix(".test").unwrap_or(stem).to_owned()
}

/// Compares what a case gives with its snapshot.
pub(super) fn compare(suite: &Suite, case: &Case, text: &str, mode: Mode) -> Compared {
    let path = file(suite, case);
    let pending = path.with_extension("snap.new");
    let failed = |path: &Path, error: io::Error| Compared::Failed(format!("{}: {error}", path.display()));
    let old = match std::fs::read_to_string(&path) {
        Ok(content) => Some(contents(&content).to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return failed(&path, error),
    };
    let same = old.as_deref().is_some_and(|old| same(old, text));
    let written = match (same, mode) {
        (true, Mode::Check) if pending.exists() => return Compared::Pending(pending),
        (_, Mode::Check) => Ok(()),
        (true, _) => remove(&pending),
        (false, Mode::Review) => write(&pending, suite, case, text),
        (false, Mode::Accept) => write(&path, suite, case, text).and_then(|()| remove(&pending)),
    };
    match (written, same, mode, old) {
        (Err(error), ..) => failed(&path, error),
        (Ok(()), true, ..) => Compared::Same,
        (Ok(()), false, Mode::Accept, _) => Compared::Accepted,
        (Ok(()), false, _, None) => Compared::Missing,
        (Ok(()), false, _, Some(old)) => Compared::Different { old },
    }
}

fn same(old: &str, new: &str) -> bool {
    old.lines().eq(new.trim_end().lines())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(path: &Path, suite: &Suite, case: &Case, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let source = name(&suite.path);
    let header = Header {
        source: &source,
        expression: &case.name,
    };
    let header = serde_yaml::to_string(&header).map_err(io::Error::other)?;
    std::fs::write(path, format!("---\n{header}---\n{}\n", text.trim_end()))
}

/// What stands behind the header.
fn contents(file: &str) -> &str {
    let body = file
        .strip_prefix("---")
        .and_then(|behind| behind.split_once("\n---"))
        .and_then(|(_, behind)| behind.split_once('\n'));
    body.map_or(file, |(_, body)| body).trim_end()
}

/// The test file that a snapshot names in its header, if it is one of ours.
fn source(file: &str) -> Option<String> {
    let (header, _) = file.strip_prefix("---")?.split_once("\n---")?;
    let source = header.lines().find_map(|line| line.strip_prefix("source:"))?.trim();
    let source = source.trim_matches(['"', '\'']);
    (source.ends_with(".test.yaml") || source.ends_with(".test.yml")).then(|| source.to_owned())
}

/// The snapshots, pending ones included, that belong to no case: of test files that were read, and of some that are gone.
pub fn orphans(suites: &[Suite]) -> Vec<PathBuf> {
    let mut used = HashSet::new();
    for suite in suites {
        for case in suite.cases.iter().filter(|case| case.snapshot.is_some()) {
            used.insert(file(suite, case));
        }
    }
    let read: HashSet<&Path> = suites.iter().map(|suite| &*suite.path).collect();
    let folders: HashSet<PathBuf> = suites.iter().map(|suite| folder(&suite.path)).collect();
    let mut found = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let kept = match name(&path).strip_suffix(".snap.new") {
                Some(stem) => folder.join(format!("{stem}.snap")),
                None if name(&path).ends_with(".snap") => path.clone(),
                None => continue,
            };
            if used.contains(&kept) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let Some(source) = source(&text) else { continue };
            let test = folder.parent().unwrap_or(Path::new("")).join(source);
            if read.contains(&*test) || !test.exists() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Removes files.
///
/// # Errors
///
/// The first that cannot be removed.
pub fn remove_all(paths: &[PathBuf]) -> Result<(), String> {
    for path in paths {
        remove(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files() {
        assert_eq!(slug("Two pages, one retry!"), "two_pages_one_retry");
        assert_eq!(stem(Path::new("a/b.test.yaml")), "b");
        assert_eq!(folder(Path::new("a.test.yaml")), Path::new("snapshots"));
    }

    #[test]
    fn a_snapshot_is_what_stands_behind_the_header() {
        let file = "---\nsource: \"a.test.yaml\"\nexpression: x\n---\nrun: started\n--- not the end\n=> end\n";
        assert_eq!(contents(file), "run: started\n--- not the end\n=> end");
        assert_eq!(source(file).as_deref(), Some("a.test.yaml"));
        assert_eq!(source("---\nsource: src/lib.rs\n---\nx"), None);
        assert!(same("a\r\nb", "a\nb\n"));
    }
}
