//! The tutorial, followed to the letter in an empty folder.
//!
//! In a `console` block, lines that begin with `$ ` are commands and the others what is shown; `…` stands for any text, and
//! a line of `…` for any lines. A `diff` block changes the file that the line before it names, as its reader would.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::markdown::{Block, blocks, codes};
use super::read;
use crate::cli::Folder;

/// A command with what is shown.
struct Session {
    command: String,
    shown: String,
}

fn sessions(text: &str) -> Vec<Session> {
    let mut found: Vec<Session> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push(Session {
                command: command.to_owned(),
                shown: String::new(),
            }),
            (None, Some(last)) if goes_on => last.command += &format!("\n{line}"),
            (None, Some(last)) => last.shown += &format!("{line}\n"),
            (None, None) => panic!("a console begins with a command: {text}"),
        }
        goes_on = (goes_on || line.starts_with("$ ")) && line.ends_with('\\');
    }
    found
}

/// What a shell shows of a command.
fn shell(folder: &Folder, command: &str) -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_interpret"));
    let path = std::env::var("PATH").unwrap();
    let mut process = Command::new("sh");
    folder.prepare(&mut process);
    process.args(["-c", &format!("exec 2>&1\n{command}")]);
    process.env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
    let output = process.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a text is what is shown, in which `…` stands for anything.
fn fits(shown: &str, is: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = is.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        let found = if last {
            rest.ends_with(part).then(|| rest.len() - part.len())
        } else {
            rest.find(part)
        };
        let Some(place) = found else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.is_empty()
}

/// Changes a file as a difference says, which names no lines.
fn change(text: &str, difference: &str) -> String {
    let side = |other: char| -> String {
        let lines = difference.lines().filter(|line| !line.starts_with(other));
        lines
            .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
            .collect()
    };
    let (old, new) = (side('+'), side('-'));
    assert_eq!(text.matches(&old).count(), 1, "the file has to hold this once:\n{old}");
    text.replace(&old, &new)
}

/// Does what a page says, in order, and gives the commands.
fn follow(path: &str, folder: &Folder) -> Vec<String> {
    let mut commands = Vec::new();
    let mut at = String::new();
    for Block {
        language,
        label,
        text,
        line,
    } in blocks(&read(path))
    {
        let file = || {
            let name = codes(&label).last().map(|name| (*name).to_owned());
            folder
                .path()
                .join(&at)
                .join(name.unwrap_or_else(|| panic!("{path}:{line} names no file")))
        };
        match &*language {
            "console" => {
                for Session { command, shown } in sessions(&text) {
                    if let Some(into) = command.strip_prefix("cd ") {
                        into.clone_into(&mut at);
                        assert!(folder.path().join(&at).is_dir(), "{path}:{line}: {into}");
                        continue;
                    }
                    let is = shell(folder, &format!("cd './{at}'\n{command}"));
                    assert!(
                        fits(&shown, &is),
                        "{path}:{line}: $ {command}\n{is}\n--- is shown as\n{shown}"
                    );
                    commands.push(command);
                }
            }
            "diff" => {
                let file = file();
                std::fs::write(&file, change(&read(&file), &text)).unwrap();
            }
            // A file that the reader writes, or looks at.
            "yaml" if label.ends_with("`:") => match file() {
                path if path.exists() => assert!(read(&path).contains(&text), "{line}: not in {}", path.display()),
                path => std::fs::write(path, text).unwrap(),
            },
            _ => {}
        }
    }
    commands
}

#[test]
fn who_comes_from_foundry_sees_what_the_page_shows() {
    let commands = follow("docs/foundry-tutorial.md", &Folder::new(&[]));
    for word in ["validate", "run", "runs resume", "test"] {
        let called = format!("interpret {word} ");
        assert!(commands.iter().any(|command| command.starts_with(&called)), "{word}");
    }
}

#[test]
fn who_follows_the_tutorial_sees_what_it_shows() {
    let commands = follow("docs/tutorial.md", &Folder::new(&[]));
    for word in [
        "init",
        "run",
        "validate",
        "--fix",
        "graph",
        "--store",
        "runs resume",
        "test",
        "fmt --check",
    ] {
        assert!(
            commands.iter().any(|command| command.contains(word)),
            "the tutorial has no {word}"
        );
    }
}

#[test]
fn what_is_permitted_is_what_the_page_says() {
    assert!(follow("docs/permissions.md", &Folder::new(&[])).len() >= 5);
}

#[test]
fn what_is_shown_may_leave_something_out() {
    assert!(fits("a…c\n", "abbc\n") && fits("abc", "abc") && fits("a…b…c", "a1b2c"));
    assert!(!fits("a…c", "abd") && !fits("ab", "abc") && !fits("…b…", "a"));
}
