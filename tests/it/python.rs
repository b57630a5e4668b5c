//! Python environments with what others have published, in the versions that a list names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// The folder of an environment with the packages of `tests/python/NAME.txt`; they are installed if they are not there.
///
/// Without Python the test is skipped with a line that says so; where `CI` is set that is a failure.
pub fn environment(name: &str) -> Option<PathBuf> {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 must be there where CI is set"
        );
        println!("skipped: {name} needs python3");
        return None;
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/python/{name}.txt"));
    let wanted = std::fs::read(&list).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Tests run side by side, and may need the same.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    // Written at the end, so that what was interrupted is done again.
    let done = folder.join("installed.txt");
    if std::fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Some(folder);
    }
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&list));
    std::fs::write(done, wanted).unwrap();
    Some(folder)
}

/// What a process has said.
pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
