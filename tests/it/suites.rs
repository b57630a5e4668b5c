//! Test suites written by others, which are not part of this repository.

use std::path::PathBuf;

/// The folder of a suite below `$INTERPRET_SUITES/suites`.
///
/// Without the variable the suite is skipped with a line that says so; where `CI` is set that is a failure, so that a
/// misconfigured pipeline cannot pass by testing nothing.
pub fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("INTERPRET_SUITES") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "INTERPRET_SUITES must be set where CI is set"
        );
        println!("skipped: {name} needs INTERPRET_SUITES, the folder that holds suites/{name}");
        return None;
    };
    let folder = PathBuf::from(root).join("suites").join(name);
    assert!(folder.is_dir(), "{} is no folder", folder.display());
    Some(folder)
}
