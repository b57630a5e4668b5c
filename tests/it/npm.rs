//! Programs from npm that tests drive, at the versions of the lock files in `tests/npm`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The folder a package is installed in; none where npm is not there. With `CI` set that is a failure.
pub fn install(package: &str) -> Option<PathBuf> {
    // Tests run side by side, and may need the same one.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let found = |program: &str| {
        let status = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !found("npm") || !found("node") {
        assert!(std::env::var_os("CI").is_none(), "npm must be there where CI is set");
        println!("skipped: {package} needs npm");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm").join(package);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package);
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::read(source.join("package-lock.json")).unwrap();
    // Written at the end, so that what was interrupted is done again.
    let done = folder.join("installed.json");
    if std::fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Some(folder);
    }
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    let output = npm.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(done, lock).unwrap();
    Some(folder)
}
