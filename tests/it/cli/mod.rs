//! The program as scripts and people see it: what goes in on the command line, and what comes out on which stream.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests start the program on files they write"
)]

mod bad_input;
mod messages;
mod options;
mod signals;
#[cfg(unix)]
mod terminal;
mod validate;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Nothing in these tests takes longer, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with files, in which the program is started; it is gone when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(std::env::temp_dir().join(format!("interpret-cli-{}-{number}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    pub fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The program, about to be started in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    pub fn prepare(&self, command: &mut Command) {
        command
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(variable);
        }
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Started::new(self.command(arguments)).end()
    }

    /// Runs the program with a text on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut started = Started::new(command);
        let mut stdin = started.child.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || {
            // It may refuse the rest.
            let _ = stdin.write_all(&input);
        });
        let ended = started.end();
        writing.join().unwrap();
        ended
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program while it runs.
pub struct Started {
    pub child: Child,
    out: std::thread::JoinHandle<String>,
    err: std::thread::JoinHandle<String>,
    since: Instant,
}

impl Started {
    pub fn new(mut command: Command) -> Started {
        let since = Instant::now();
        let mut child = command.spawn().unwrap();
        let read = |mut from: Box<dyn Read + Send>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes).unwrap();
                String::from_utf8_lossy(&bytes).into_owned()
            })
        };
        Started {
            out: read(Box::new(child.stdout.take().unwrap())),
            err: read(Box::new(child.stderr.take().unwrap())),
            child,
            since,
        }
    }

    #[track_caller]
    pub fn end(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.since.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it goes on and on; stderr: {}", self.err.join().unwrap());
            }
            // Between two looks: the standard library cannot wait for a child with a time limit.
            std::thread::sleep(Duration::from_millis(2));
        };
        let ended = Ended {
            code: status.code(),
            out: self.out.join().unwrap(),
            err: self.err.join().unwrap(),
            took: self.since.elapsed(),
        };
        assert!(!ended.err.contains("panicked at"), "{}", ended.err);
        ended
    }
}

/// What the program has come to.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ended {
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Ended {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Nothing is on stdout, and all of these are on stderr.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Ended {
        assert_eq!(self.out, "", "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is missing in:\n{}", self.err);
        }
        self
    }

    /// The result.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A workflow of some steps, each in a line of its own from line 3 on.
pub fn workflow(id: &str, steps: &[&str]) -> String {
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    format!("kind: Workflow\nid: {id}\nsteps:\n{steps}")
}

const DOUBLE: &str = "
kind: Workflow
id: double
inputSchema: { type: object, required: [n], properties: { n: { type: number } } }
steps:
  - { kind: andThen, id: twice, set: { n: =input.n * 2 } }
";

pub const APPROVE: &str = "
kind: Workflow
id: approval
steps:
  - kind: andThen
    id: approve
    suspend: { reason: Please approve, data: { amount: 3 } }
    resumeSchema:
      type: object
      required: [approved]
      properties: { approved: { type: boolean }, note: { type: string } }
  - { kind: andThen, id: last, set: { approved: =data.approved } }
";

/// A run that sleeps for long inside a block with a cleanup.
const NAP: &str = "
kind: Workflow
id: nap
events: { Tidied: }
steps:
  - kind: andTry
    id: guarded
    steps: [{ kind: andSleep, id: sleeping, duration: 10m }]
    finally: [{ kind: andThen, id: tidy, emit: { event: Tidied } }]
";
