//! Environments of Python with packages in the versions that a list in `tests/python/` names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// One test installs at a time; the others find it done.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder of an environment with the packages of a list. Where there is no Python, tests of it are skipped; where CI
/// is set, that is a failure.
pub(super) fn install(list: &str) -> Option<PathBuf> {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 must be there where CI is set"
        );
        println!("skipped: the packages of {list} need python3");
        return None;
    }
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// All that a program has said.
pub(super) fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
