//! Test suites written by others, which are not part of this repository.

use std::path::PathBuf;

/// The folder of a suite below `$INTERPRET_SUITES/suites`.
///
/// Without the variable the suite is skipped with a line that says so; where `CI` is set that is a failure, so that a
/// misconfigured pipeline cannot pass by testing nothing.
pub fn folder(name: &str) -> Option<PathBuf> {
    let folder = root(&format!("suites/{name}"))?;
    assert!(folder.is_dir(), "{} is no folder", folder.display());
    Some(folder)
}

/// The text of a file below `$INTERPRET_SUITES`, which is skipped alike.
pub fn file(path: &str) -> Option<String> {
    let file = root(path)?;
    Some(std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

fn root(path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("INTERPRET_SUITES") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "INTERPRET_SUITES must be set where CI is set"
        );
        println!("skipped: this needs INTERPRET_SUITES, the folder that holds {path}");
        return None;
    };
    Some(PathBuf::from(root).join(path))
}
