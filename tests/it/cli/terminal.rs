//! In a terminal: progress is drawn in place, and a run that waits asks. `script` of util-linux or python3 gives the
//! terminal.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{APPROVE, Ended, Folder, NAP, Started, workflow};

/// Runs the program in a terminal of 60 columns and 20 rows: `steps` are what the terminal waits for, and what is
/// typed then. All that the program writes comes back as the terminal got it.
const DRIVER: &str = r#"
import os, pty, sys, json, select, time, fcntl, termios, struct, signal
command, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.execv(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
seen, at, deadline = b"", 0, time.time() + 50
def read():
    global seen
    if not select.select([fd], [], [], 0.05)[0]:
        return True
    try:
        piece = os.read(fd, 65536)
    except OSError:
        return False
    seen += piece
    return piece != b""
for sign, typed in steps:
    while sign.encode() not in seen[at:] and time.time() < deadline and read():
        pass
    if sign.encode() not in seen[at:]:
        break
    at = seen.index(sign.encode(), at) + len(sign.encode())
    os.write(fd, typed.encode())
while time.time() < deadline and read():
    pass
if time.time() >= deadline:
    os.kill(pid, signal.SIGKILL)
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

/// `None` where there is no python3 to make a terminal with; in CI there has to be one.
fn in_terminal(
    folder: &Folder,
    arguments: &[&str],
    variables: &[(&str, &str)],
    steps: &[(&str, &str)],
) -> Option<Ended> {
    let found = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 is needed for the tests in a terminal"
        );
        eprintln!("SKIPPED: the tests in a terminal need python3");
        return None;
    }
    let command: Vec<&str> = [&[env!("CARGO_BIN_EXE_interpret")], arguments].concat();
    let mut driver = Command::new("python3");
    driver.args([
        "-c",
        DRIVER,
        &serde_json::to_string(&command).unwrap(),
        &serde_json::to_string(steps).unwrap(),
    ]);
    folder.prepare(&mut driver);
    driver.env("TERM", "xterm-256color").envs(variables.iter().copied());
    Some(Started::new(driver).end())
}

/// What stands on a terminal after all that was written to it, with what has scrolled away.
fn screen(written: &str) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut letters = written.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\u{1b}' if letters.next_if_eq(&'[').is_some() => {
                let mut arguments = String::new();
                let end = loop {
                    match letters.next().unwrap() {
                        end @ ('A'..='Z' | 'a'..='z') => break end,
                        other => arguments.push(other),
                    }
                };
                match end {
                    'A' => row -= arguments.parse::<usize>().unwrap(),
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    'm' | 'h' | 'l' => {}
                    other => panic!("unexpected escape code {arguments}{other}"),
                }
            }
            letter => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
    }
    lines
        .into_iter()
        .map(|line| line.into_iter().collect::<String>().trim_end().to_owned())
        .collect()
}

/// Times are not the same twice.
fn timeless(lines: &[String]) -> Vec<String> {
    let time = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut kept = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let number = words[at].parse::<f64>().is_ok();
            match number && words.get(at + 1).is_some_and(|unit| ["ms", "s"].contains(unit)) {
                true => at += 2,
                false => {
                    kept.push(words[at]);
                    at += 1;
                }
            }
        }
        kept.join(" ")
    };
    lines.iter().map(time).collect()
}

#[test]
fn a_waiting_run_asks_by_the_schema() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let steps = [
        ("approved (y/n): ", "maybe\n"),
        ("approved (y/n): ", "yes\n"),
        ("optional): ", "fine\n"),
    ];
    let Some(ended) = in_terminal(&folder, &["run", "approval"], &[("NO_COLOR", "1")], &steps) else {
        return;
    };
    let lines = timeless(&screen(&ended.expect(0).out));
    let expected = [
        "approval",
        "◌ approve Please approve",
        "",
        "approve waits: Please approve",
        "amount: 3",
        "approved (y/n): maybe",
        "`maybe` is no y/n",
        "approved (y/n): yes",
        "note (text, optional): fine",
        "",
        "approval",
        "✓ approve",
        "✓ last",
        "✓ completed in",
        "{",
        "\"approved\": true",
        "}",
        "",
    ];
    assert_eq!(lines, expected, "{}", ended.out);
}

#[test]
fn an_interrupt_at_the_question_cancels() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let steps = [("approved (y/n): ", "\u{3}")];
    let Some(ended) = in_terminal(&folder, &["run", "approval"], &[], &steps) else {
        return;
    };
    assert!(ended.expect(4).out.contains("cancelled: interrupted"), "{}", ended.out);
    assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
}

#[test]
fn the_end_of_the_answers_leaves_the_run_suspended() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let steps = [("approved (y/n): ", "\u{4}")];
    let Some(ended) = in_terminal(&folder, &["run", "approval"], &[], &steps) else {
        return;
    };
    assert!(
        ended.expect(3).out.contains("go on with --resume approve="),
        "{}",
        ended.out
    );
}

#[test]
fn the_time_of_a_wait_goes_on_while_it_asks() {
    let text = APPROVE.replace("reason: Please approve,", "reason: Please approve, timeout: 500ms,");
    let folder = Folder::new(&[("approval.yaml", &text)]);
    let steps = [("approved (y/n): ", "")];
    let Some(ended) = in_terminal(&folder, &["run", "approval"], &[], &steps) else {
        return;
    };
    assert!(ended.expect(1).out.contains("suspend.timeout"), "{}", ended.out);
}

#[test]
fn progress_is_drawn_in_place_and_fits() {
    let steps = [
        "{ kind: andForEach, id: each, items: '=range(40)', concurrency: 4, \
         steps: [{ kind: andSleep, id: an-item-with-a-name-that-is-far-too-long-for-such-a-small-terminal, duration: 20ms }] }",
        "{ kind: andWhen, id: never, condition: =false, set: 1 }",
        "{ kind: andThen, id: fails, fail: { code: BAD, message: \"a long message\\n日本語 that does not fit into the line \
         of such a terminal\" } }",
    ];
    let folder = Folder::new(&[("fan.yaml", &workflow("fan", &steps))]);
    let Some(ended) = in_terminal(&folder, &["run", "fan"], &[], &[]) else {
        return;
    };
    let out = &ended.expect(1).out;
    // Colour, frames that are shown at once, and nothing cleared before it is drawn over.
    assert!(
        out.contains("\u{1b}[32m") && out.contains("\u{1b}[?2026h") && !out.contains("\u{1b}[2J"),
        "{out}"
    );
    let lines = screen(out);
    let tree: Vec<&String> = lines.iter().take_while(|line| !line.starts_with("error[")).collect();
    let wide = |line: &str| {
        line.chars()
            .map(|letter| if letter > '\u{2e80}' { 2 } else { 1 })
            .sum::<usize>()
    };
    for line in &tree {
        assert!(wide(line) < 60, "{line}");
    }
    assert_eq!(tree[0], "fan");
    assert_eq!(
        tree.iter().filter(|line| line.contains("an-item-with")).count(),
        40,
        "{tree:#?}"
    );
    assert!(
        tree.iter()
            .any(|line| line.starts_with("  - never") && line.ends_with("skipped")),
        "{tree:#?}"
    );
    assert!(tree.last().unwrap().starts_with("✗ failed in "), "{tree:#?}");
    // While it went on no frame was higher than the terminal: a row that has scrolled away cannot be drawn over.
    let up = out
        .split("\u{1b}[")
        .filter_map(|code| code.split_once('A')?.0.parse::<usize>().ok());
    assert!(up.max().unwrap() < 20);
}

#[test]
fn without_colour_the_tree_is_still_drawn_in_place() {
    let folder = Folder::new(&[("nap.yaml", &NAP.replace("10m", "400ms"))]);
    let Some(ended) = in_terminal(&folder, &["run", "nap"], &[("NO_COLOR", "1")], &[]) else {
        return;
    };
    let out = &ended.expect(0).out;
    for style in ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m"] {
        assert!(!out.contains(style), "{out}");
    }
    let lines = timeless(&screen(out));
    assert_eq!(
        lines[..5],
        ["nap", "✓ guarded", "✓ sleeping", "✓ tidy", "✓ completed in"],
        "{out}"
    );
    assert!(out.matches("\u{1b}[?2026h").count() > 3, "the time goes on: {out}");
}

#[test]
fn a_simple_terminal_gets_plain_lines() {
    let folder = Folder::new(&[("nap.yaml", &NAP.replace("10m", "1ms"))]);
    let Some(ended) = in_terminal(&folder, &["run", "nap"], &[("TERM", "dumb")], &[]) else {
        return;
    };
    assert!(ended.expect(0).out.contains("guarded/tidy: completed"), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
}
