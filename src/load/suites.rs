//! Test files, and the workflows they are about.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::folder::{self, Origin, Wanted};
use super::{Loaded, load};

/// Loads the test files that some paths stand for, and all workflows in the folders they lie in: a folder stands for the
/// test files in it at any depth, a workflow file for those beside it. If these workflows refer to others, the paths
/// themselves are loaded too.
pub fn load_tests<P: AsRef<Path>>(paths: &[P]) -> Loaded {
    let mut diagnostics = Vec::new();
    let beside = |path: &Path| match path.is_file() && !folder::is_test_file(path) {
        true => parent(path),
        false => path.to_owned(),
    };
    let meant: Vec<PathBuf> = paths.iter().map(|path| beside(path.as_ref())).collect();
    let meant_paths = meant.iter().map(PathBuf::as_path);
    let origins = folder::expand(meant_paths, Wanted::Tests, &HashMap::new(), &mut diagnostics);
    let tests: Vec<PathBuf> = origins.into_iter().map(|Origin { path, .. }| path).collect();
    let mut folders: Vec<PathBuf> = tests.iter().map(|test| parent(test)).collect();
    folders.sort();
    folders.dedup();
    // A folder stands for those inside it.
    let outer = |folder: &PathBuf| !folders.iter().any(|other| other != folder && folder.starts_with(other));
    let mut wanted: Vec<PathBuf> = folders.iter().filter(|folder| outer(folder)).cloned().collect();
    wanted.extend(tests.iter().cloned());
    let mut loaded = match wanted.is_empty() {
        true => Loaded::default(),
        false => load(&wanted),
    };
    let elsewhere = loaded
        .diagnostics
        .iter()
        .any(|finding| super::cross::leads_to_other_files(finding.code));
    if elsewhere && meant.iter().any(|path| path.is_dir()) {
        let folders = meant.iter().filter(|path| path.is_dir()).cloned();
        loaded = load(&folders.chain(wanted).collect::<Vec<_>>());
    }
    loaded.diagnostics.splice(0..0, diagnostics);
    loaded
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
