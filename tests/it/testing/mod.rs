//! `interpret test`, as a library and as a program.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests write test files and start the program"
)]

mod cases;
mod docs;
mod program;
mod snapshots;
mod stability;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use interpret::load;
use interpret::testing::{self, CaseResult, Mode, Options, Suite};

/// A folder with files; it is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(std::env::temp_dir().join(format!("interpret-test-{}-{number}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs `interpret test` in the folder.
    fn test(&self, arguments: &[&str]) -> Ended {
        interpret_test(&self.0, arguments)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What became of the program.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn interpret_test(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
    command.arg("test").args(arguments).current_dir(folder);
    for variable in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        command.env_remove(variable);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ended {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// The suites of a folder, which have no findings.
#[track_caller]
fn suites(folder: &Path) -> Vec<Suite> {
    let loaded = load::load_tests(&[folder]);
    let (suites, mut findings) = testing::read(&loaded);
    findings.extend(loaded.diagnostics.iter().cloned());
    let told = interpret::diagnostic::render::text::render(&findings, &loaded.sources, false);
    assert!(findings.is_empty(), "{told}");
    suites
}

fn results(suites: &[Suite], mode: Mode, jobs: usize) -> Vec<CaseResult> {
    let options = Options {
        mode,
        jobs: std::num::NonZero::new(jobs),
        filter: None,
    };
    let mut results = Vec::new();
    testing::run(suites, &options, |result| results.push(result));
    results
}

/// A workflow that calls, waits and sleeps.
const ORDER: &str = "\
kind: Workflow
id: order
inputSchema: { type: object, required: [amount], properties: { amount: { type: number } } }
permissions: { http: [bank.example.com], env: [CURRENCY] }
steps:
  - kind: andWhen
    id: approve
    condition: =input.amount > 100
    suspend: { reason: Please approve, timeout: 3d }
    resumeSchema: { type: object, required: [ok], properties: { ok: { type: boolean } } }
  - kind: andThen
    id: pay
    http: { method: POST, url: https://bank.example.com/pay, body: { amount: =input.amount, in: =env.CURRENCY } }
    timeout: 5s
    retry: { attempts: 2, delay: 1s }
    output: { paid: =result.id, at: =now(), run: =execution.id }
";
