//! The comments at the top of the examples: the commands in them do what they say.
//!
//! A command begins with `interpret run`, and `\` continues it. Behind it stands what comes out, up to an empty line:
//! `=> exit 0, RESULT`, `=> exit 1, CODE`, or `=> exit 3, STEP waits`.

use std::path::Path;
use std::process::{Command as Process, Stdio};

use interpret::data::Data;

use super::{files, stem};

/// A command with what it is to do.
#[derive(Debug, PartialEq)]
struct Command {
    words: Vec<String>,
    exit: u8,
    outcome: String,
}

fn header(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map_while(|line| line.strip_prefix('#'));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

fn commands(header: &str) -> Vec<Command> {
    let mut found = Vec::new();
    for paragraph in header.replace("\\\n", " ").split("\n\n") {
        let paragraph = paragraph.trim();
        if !paragraph.starts_with("interpret run ") {
            continue;
        }
        let (command, told) = paragraph
            .split_once("=> exit ")
            .unwrap_or_else(|| panic!("`{paragraph}` does not say what comes out"));
        let (exit, outcome) = told.split_once(',').unwrap();
        found.push(Command {
            words: words(command),
            exit: exit.parse().unwrap(),
            outcome: outcome.trim().replace('\n', " "),
        });
    }
    found
}

/// The words of a command as a shell takes them, as far as the examples need it.
pub(crate) fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' | '\n' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    assert!(!quoted && word.is_empty(), "{command}");
    words
}

/// Runs a command and says what comes out, in the words of the comments.
fn outcome(command: &Command) -> String {
    let mut process = Process::new(env!("CARGO_BIN_EXE_interpret"));
    let output = process.args(&command.words[1..]).stdin(Stdio::null()).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let shown = command.words.join(" ");
    assert_eq!(output.status.code(), Some(i32::from(command.exit)), "{shown}\n{stderr}");
    let data = || serde_json::from_str::<Data>(&stdout).unwrap_or_else(|error| panic!("{shown}: {error}\n{stdout}"));
    match command.exit {
        0 => data().to_string(),
        3 => {
            let address = |wait: &Data| wait.get("step").and_then(Data::as_str).unwrap().to_owned();
            let waiting: Vec<String> = data()
                .get("waiting")
                .unwrap()
                .as_list()
                .unwrap()
                .iter()
                .map(address)
                .collect();
            let steps: Vec<&str> = waiting
                .iter()
                .filter_map(|step| step.rsplit(['/', ':']).next())
                .collect();
            let verb = if steps.len() == 1 { "waits" } else { "wait" };
            format!("{} {verb}", steps.join(", "))
        }
        _ => {
            let code = stderr.split_once("error[").and_then(|(_, rest)| rest.split_once(']'));
            code.unwrap_or_else(|| panic!("{shown}: no error\n{stderr}"))
                .0
                .to_owned()
        }
    }
}

#[test]
fn every_command_does_what_its_comment_says() {
    for file in files() {
        let commands = commands(&header(&file));
        assert!(!commands.is_empty(), "{} names no command", file.display());
        for command in commands {
            let shown = command.words.join(" ");
            assert_eq!(command.words[2], stem(&file), "{shown}");
            let outcome = outcome(&command);
            match command.exit {
                0 => {
                    let [outcome, expected] =
                        [&outcome, &command.outcome].map(|json| serde_json::from_str::<Data>(json).unwrap());
                    assert_eq!(outcome, expected, "{shown}");
                }
                _ => assert_eq!(outcome, command.outcome, "{shown}"),
            }
        }
    }
}

#[test]
fn commands_are_found_with_their_outcomes() {
    let header =
        "Words.\n\ninterpret run a --input '{\"b\": 1}' \\\n--allow-net\n=> exit 0, {\n\"c\": 2}\n\nMore words.\n";
    let words = ["interpret", "run", "a", "--input", "{\"b\": 1}", "--allow-net"];
    let expected = Command {
        words: words.map(str::to_owned).to_vec(),
        exit: 0,
        outcome: "{ \"c\": 2}".to_owned(),
    };
    assert_eq!(commands(header), [expected]);
}
