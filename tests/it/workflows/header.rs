//! The comments at the top of the examples: the commands in them do what they say.
//!
//! A command begins with `interpret run`, and `\` continues it. Behind it stands what comes out, up to an empty line:
//! `=> exit 0, RESULT`, `=> exit 1, CODE`, or `=> exit 3, STEP waits`.

use std::path::Path;

use interpret::data::Data;
use interpret::permit::Permit;
use interpret::run::RunEnd;

use super::{Act, block_on, files, mocks_file, program, run, stem};

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
fn words(command: &str) -> Vec<String> {
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
fn outcome(words: &[String]) -> (u8, String) {
    let (mut input, mut mocks, mut acts) = (Data::Null, Data::Null, Vec::new());
    let mut permit = Permit::nothing();
    let mut rest = words[3..].iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word
            .split_once('=')
            .map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)))
        {
            ("--input", None) => input = serde_json::from_str(value()).unwrap(),
            ("--mocks", None) => mocks = mocks_file(value()),
            ("--resume", None) => {
                let (step, payload) = value().split_once('=').unwrap();
                let step: &'static str = step.to_owned().leak();
                acts.push(Act::Resume(step, serde_json::from_str(payload).unwrap()));
            }
            ("--allow-net", hosts) => permit = permit.allow_net(hosts).unwrap(),
            ("--allow-exec", programs) => permit = permit.allow_exec(programs),
            _ => panic!("{word} is not known here"),
        }
    }
    let program = program(&words[2]);
    for workflow in &program.workflows {
        let missing = permit.missing(&workflow.header.permissions);
        assert!(missing.is_empty(), "{words:?}: {missing:?}");
    }
    let told = block_on(run(program, input, &mocks, permit, acts));
    match told.end {
        Some(RunEnd::Completed(result)) => (0, result.to_string()),
        Some(RunEnd::Failed(failure)) => (1, failure.code.to_string()),
        Some(RunEnd::Cancelled(_)) => (4, String::new()),
        None if told.waits.len() == 1 => (3, format!("{} waits", told.waits[0])),
        None => (3, format!("{} wait", told.waits.join(", "))),
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
            let (exit, outcome) = outcome(&command.words);
            assert_eq!(exit, command.exit, "{shown}: {outcome}");
            match exit {
                0 => {
                    let expected: Data = serde_json::from_str(&command.outcome).unwrap();
                    let outcome: Data = serde_json::from_str(&outcome).unwrap();
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
