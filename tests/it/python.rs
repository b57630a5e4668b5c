//! Programs from PyPI that tests drive, at the versions of the lists in `tests/python`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// The folder of a Python environment with what a list names; none where Python is not there. With `CI` set that is a
/// failure.
pub fn install(list: &str) -> Option<PathBuf> {
    // Tests run side by side, and may need the same one.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 must be there where CI is set"
        );
        println!("skipped: {list} needs python3");
        return None;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/python/{list}.txt"));
    let wanted = std::fs::read(&file).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(list);
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
        .arg(&file));
    std::fs::write(done, wanted).unwrap();
    Some(folder)
}

/// What a program has said, on both streams.
pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
