//! The tutorial, followed to the letter: its files are written, its commands run, and what they say is what it shows.

use std::path::Path;
use std::process::Command;

use super::Folder;

const PAGE: &str = "docs/testing-tutorial.md";

/// The page with what its commands say today.
fn followed(page: &str, folder: &Folder) -> (String, usize) {
    let mut told = String::new();
    let mut commands = 0;
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("```") {
        let (block, behind) = behind.split_once("```").expect("a block is closed");
        rest = behind;
        told.push_str(before);
        let (language, text) = block.split_once('\n').unwrap();
        let name = text.strip_prefix("# ").and_then(|text| text.lines().next());
        match (language, name) {
            ("console", _) => {
                let command = text.lines().next().unwrap();
                let said = run(command.strip_prefix("$ ").unwrap(), folder);
                told.push_str(&format!("```console\n{command}\n{said}```"));
                commands += 1;
            }
            (_, Some(name)) => {
                folder.write(name, text);
                told.push_str(&format!("```{block}```"));
            }
            _ => told.push_str(&format!("```{block}```")),
        }
    }
    told.push_str(rest);
    (told, commands)
}

/// What a command says: errors and progress first, as there is no telling how they mingle.
fn run(command: &str, folder: &Folder) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_interpret")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(&folder.0).env("PATH", path);
    for variable in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        shell.env_remove(variable);
    }
    let output = shell.output().unwrap();
    let text = [output.stderr, output.stdout].concat();
    String::from_utf8(text).unwrap().trim_start_matches('\n').to_owned()
}

#[test]
fn every_command_says_what_the_tutorial_shows() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let folder = Folder::new(&[]);
    let (now, commands) = followed(&page, &folder);
    if std::env::var_os("INTERPRET_UPDATE").is_some() {
        std::fs::write(PAGE, &now).unwrap();
    }
    assert!(commands >= 8, "the commands were not found");
    assert!(now == page, "INTERPRET_UPDATE=1 writes {PAGE} anew:\n{now}");
    // What it leads to is what it says.
    let ended = folder.test(&["--check", "--fail-under", "90"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(
        folder.files(""),
        ["refund.test.yaml", "refund.yaml", "snapshots", "waits.test.yaml"]
    );
}
