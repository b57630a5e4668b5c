//! `interpret init`: what it writes works as it is.

use std::path::Path;

use crate::cli::{Ended, Folder};

/// The commands in the fenced `sh` block of a README.
fn commands(readme: &str) -> Vec<String> {
    let block = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

/// Runs a command as it stands in a file.
#[track_caller]
fn run(folder: &Folder, command: &str) -> Ended {
    let words = crate::workflows::words(&format!("{command}\n"));
    assert_eq!(words[0], "interpret", "{command}");
    let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    folder.run(&arguments)
}

#[track_caller]
fn succeeds(folder: &Folder, command: &str) {
    let ended = run(folder, command);
    assert_eq!(ended.code, Some(0), "{command}\n{}{}", ended.out, ended.err);
}

fn made() -> Folder {
    let folder = Folder::new(&[]);
    succeeds(&folder, "interpret init");
    folder
}

fn read(folder: &Folder, path: &str) -> String {
    std::fs::read_to_string(folder.path().join(path)).unwrap()
}

#[test]
fn every_command_of_its_readme_succeeds() {
    let folder = made();
    let commands = commands(&read(&folder, "README.md"));
    assert!(commands.len() >= 4);
    for command in &commands {
        succeeds(&folder, command);
    }
    let ended = run(&folder, &commands[0]);
    assert!(ended.out.contains(r#""approvedBy": "policy""#), "{}", ended.out);
}

#[test]
fn its_pipeline_passes_and_fails_when_a_file_is_wrong() {
    let folder = made();
    let pipeline = read(&folder, ".github/workflows/workflows.yaml");
    let runs: Vec<&str> = pipeline
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "))
        .collect();
    let (install, checks): (Vec<&str>, Vec<&str>) =
        runs.into_iter().partition(|line| line.starts_with("cargo install"));
    assert_eq!(install.len(), 1);
    for word in ["validate --format github", "fmt --check", "test"] {
        assert!(checks.iter().any(|check| check.contains(word)), "{word}");
    }
    for check in &checks {
        succeeds(&folder, check);
    }
    let path = "workflows/expense-approval.yaml";
    let wrong = read(&folder, path).replace("=input.amount > 100", "=input.amuont > 100");
    folder.write(path, wrong.as_bytes());
    let ended = run(&folder, checks[0]);
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(
        ended.out.starts_with("::error file=workflows/expense-approval.yaml,"),
        "{}",
        ended.out
    );
}

#[test]
fn the_commands_in_its_workflow_do_what_they_say() {
    let folder = made();
    let workflow = read(&folder, "workflows/expense-approval.yaml");
    let header: String = workflow
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let header = header.replace("\\\n", " ");
    let commands: Vec<&str> = header
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("interpret "))
        .collect();
    let codes: Vec<Option<i32>> = commands.iter().map(|command| run(&folder, command).code).collect();
    assert_eq!(codes, [Some(0), Some(3), Some(0)], "{commands:?}");
}

#[test]
fn its_schemas_are_those_of_the_program_and_the_settings_name_them() {
    let folder = made();
    succeeds(&folder, "interpret schema --check");
    succeeds(&folder, "interpret schema test --check");
    let settings: serde_json::Value = serde_json::from_str(&read(&folder, ".vscode/settings.json")).unwrap();
    for path in settings["yaml.schemas"].as_object().unwrap().keys() {
        assert!(folder.path().join(path).is_file(), "{path}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new(&[("new/README.md", "mine"), ("new/.gitignore", "mine")]);
    let ended = folder.run(&["init", "new"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.starts_with("error: README.md, .gitignore are in new already"),
        "{}",
        ended.err
    );
    let left: Vec<_> = std::fs::read_dir(folder.path().join("new")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(read(&folder, "new/README.md"), "mine");
}

#[test]
fn a_folder_is_made_and_the_next_commands_are_told() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&["init", "deep/expenses"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let next: Vec<&str> = ended
        .err
        .split("\nnext:\n")
        .nth(1)
        .unwrap()
        .lines()
        .map(str::trim)
        .collect();
    let [into, commands @ ..] = &next[..] else {
        panic!("{next:?}")
    };
    assert_eq!((*into, commands.len()), ("cd deep/expenses", 2));
    for command in commands {
        let words = crate::workflows::words(&format!("{command}\n"));
        let mut process = folder.command(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
        let output = process
            .current_dir(folder.path().join("deep/expenses"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = Folder::new(&[("file", "")]);
    let ended = folder.run(&["init", "file/below"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("cannot be written"), "{}", ended.err);
    assert!(!Path::new(&folder.path().join("file/below")).exists());
}
