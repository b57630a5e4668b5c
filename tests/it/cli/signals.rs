//! Interrupts: the first cancels, the second ends at once.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{Ended, Folder, NAP, Started, workflow};

/// A run that is told something while it goes on.
struct Told {
    started: Started,
    /// What is on stderr, line by line.
    lines: Receiver<String>,
}

impl Told {
    /// Starts it and waits until a line with `sign` is on stderr.
    fn new(folder: &Folder, arguments: &[&str], sign: &str) -> Told {
        let mut command = folder.command(arguments);
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        let read = move || {
            let mut all = String::new();
            for line in stderr.lines().map(Result::unwrap) {
                all.push_str(&line);
                all.push('\n');
                // The test may have seen enough.
                let _ = sender.send(line);
            }
            all
        };
        let told = Told {
            started: Started {
                child,
                out: std::thread::spawn(|| std::io::read_to_string(stdout).unwrap()),
                err: std::thread::spawn(read),
                since: Instant::now(),
            },
            lines,
        };
        told.until(sign);
        told
    }

    /// Waits for a line with `sign` on stderr.
    fn until(&self, sign: &str) {
        loop {
            match self.lines.recv_timeout(super::PATIENCE) {
                Ok(line) if line.contains(sign) => return,
                Ok(_) => {}
                Err(error) => panic!("`{sign}` never came: {error}"),
            }
        }
    }

    fn signal(&self, name: &str) {
        signal(&self.started, name);
    }

    fn end(self) -> Ended {
        self.started.end()
    }
}

fn signal(started: &Started, name: &str) {
    let id = started.child.id().to_string();
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {id}")])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn an_interrupt_cancels_and_cleans_up() {
    let folder = Folder::new(&[("nap.yaml", NAP)]);
    for signal in ["INT", "TERM"] {
        let run = Told::new(&folder, &["run", "nap"], "sleeping: sleeps");
        run.signal(signal);
        let ended = run.end();
        ended.expect(4).says(&[
            "cancelling; interrupt again to end at once",
            "guarded/tidy: completed",
            "nap: cancelled",
            "cancelled: interrupted",
        ]);
        assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
    }
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let text = NAP.replace(
        "{ kind: andThen, id: tidy, emit: { event: Tidied } }",
        "{ kind: andSleep, id: tidy, duration: 20s }",
    );
    let folder = Folder::new(&[("nap.yaml", &text)]);
    let run = Told::new(&folder, &["run", "nap"], "sleeping: sleeps");
    run.signal("INT");
    run.until("guarded/tidy: sleeps");
    run.signal("INT");
    let ended = run.end();
    ended.expect(4).says(&["guarded/tidy: sleeps"]);
    assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
}

#[test]
fn a_second_interrupt_ends_the_programs_that_were_started() {
    let text = "
kind: Workflow
id: long
permissions: { exec: [sh] }
steps:
  - kind: andTry
    id: guarded
    steps: [{ kind: andSleep, id: sleeping, duration: 10m }]
    finally: [{ kind: andThen, id: tidy, exec: { command: [sh, -c, 'echo $$ > pid; exec sleep 25'] } }]
";
    let folder = Folder::new(&[("long.yaml", text)]);
    let run = Told::new(&folder, &["run", "long", "--allow-exec=sh"], "sleeping: sleeps");
    run.signal("INT");
    let pid_file = folder.path().join("pid");
    let begun = Instant::now();
    let pid = loop {
        match std::fs::read_to_string(&pid_file) {
            Ok(pid) if pid.ends_with('\n') => break pid,
            // Between two looks at the condition.
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
        assert!(begun.elapsed() < super::PATIENCE);
    };
    run.signal("INT");
    run.end().expect(4);
    let alive = || {
        let probe = format!("kill -0 {} 2>/dev/null", pid.trim());
        Command::new("sh").args(["-c", &probe]).status().unwrap().success()
    };
    while alive() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{pid} is still there");
        // Between two looks at the condition.
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_endless_loop_can_be_cancelled() {
    let steps = [
        "{ kind: andThen, id: begin, set: { n: 0 } }",
        "{ kind: andDoWhile, id: on, condition: =true, maxIterations: 4000000000, \
         steps: [{ kind: andThen, id: more, assign: { n: =data.n + 1 } }] }",
    ];
    let folder = Folder::new(&[("on.yaml", &workflow("on", &steps))]);
    let run = Told::new(&folder, &["run", "on"], "on[1000]/more: completed");
    run.signal("INT");
    let ended = run.end();
    ended.expect(4);
    assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
}

#[test]
fn an_interrupt_ends_a_batch_in_order() {
    let text = "
kind: Workflow
id: nap
permissions: { exec: [touch] }
steps:
  - { kind: andThen, id: begun, exec: { command: [touch, begun] } }
  - { kind: andSleep, id: sleeping, duration: 10m }
";
    let folder = Folder::new(&[("nap.yaml", text)]);
    folder.write("lines.ndjson", "{}\n".repeat(100).as_bytes());
    let arguments = [
        "run",
        "nap",
        "--allow-exec=touch",
        "--batch",
        "lines.ndjson",
        "--concurrency",
        "4",
    ];
    let started = Started::new(folder.command(&arguments));
    // A batch tells nothing before its first run is over.
    let begun = Instant::now();
    while !folder.path().join("begun").exists() {
        assert!(begun.elapsed() < super::PATIENCE);
        // Between two looks at the condition.
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&started, "INT");
    let ended = started.end();
    let lines: Vec<&str> = ended.expect(4).out.lines().collect();
    assert!(!lines.is_empty() && lines.len() < 100, "{}", ended.out);
    assert!(
        lines.iter().all(|line| line.contains("\"status\":\"cancelled\"")),
        "{}",
        ended.out
    );
}
