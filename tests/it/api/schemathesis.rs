//! Schemathesis, which makes thousands of requests out of the description and looks for answers that it does not allow.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use interpret::data;

use super::{ORDER, Served};

/// A workflow that takes everything, and waits if it is told to.
const ANY: &str = "
kind: Workflow
id: any
steps:
  - { kind: andWhen, id: ask, condition: =input is mapping and 'wait' in input, suspend: {} }
";

#[test]
fn no_request_fails_the_server_or_gets_an_answer_that_is_not_described() {
    let Some(python) = install() else { return };
    let served = Served::new(&[("any.yaml", ANY), ("order.yaml", ORDER)]);
    for id in ["waiting", "over"] {
        let input = if id == "over" {
            data!({})
        } else {
            data!({ "wait": true })
        };
        let body = data!({ "input": input, "options": { "executionId": id } });
        served.post("/workflows/any/execute", &body).data();
    }
    let mut command = Command::new(python.join("bin/st"));
    command
        .args(["run", &format!("{}/openapi.json", served.base)])
        .args([
            "--max-examples",
            "30",
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--no-color",
        ])
        // What is not described (a workflow's own schema) can refuse what is.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .current_dir(served.folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The folder of a Python environment with Schemathesis, in the versions that the list names.
fn install() -> Option<PathBuf> {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 must be there where CI is set"
        );
        println!("skipped: Schemathesis needs python3");
        return None;
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/schemathesis.txt");
    let wanted = std::fs::read(&list).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
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
