//! `--record FILE`: the run as a case of a test file, or as its journal.

use std::path::Path;

use super::Prepared;
use crate::cli::{Exit, complain, exported, output};
use crate::load;
use crate::run::Event;
use crate::testing::{self, Options};

/// Writes what was recorded: a test file, or with `.ndjson` the journal that `interpret replay` takes.
pub(super) fn write(prepared: &Prepared, file: &Path, events: &[Event]) -> Result<(), Exit> {
    let failed = |message: String| {
        complain(format!("--record: {message}"));
        Exit::Error
    };
    let keep = |text: &str| {
        std::fs::write(file, text).map_err(|error| failed(format!("cannot write {}: {error}", file.display())))
    };
    if let (true, Some(definition)) = (is_journal(file), &prepared.recorded) {
        return keep(&exported::text(definition, events).map_err(failed)?);
    }
    let name = match events.first() {
        Some(first) => format!("recorded {}", first.at.to_rfc3339()),
        None => return Ok(()),
    };
    let program = &prepared.program;
    let record = |again: Option<&testing::Played>| {
        testing::record(program, events, &name, again).map_err(|error| failed(error.to_string()))
    };
    keep(&record(None)?)?;
    // What depends on the run itself comes out another way when the case is played.
    let loaded = load::load_tests(&[file]);
    let (suites, _) = testing::read(&loaded);
    let options = Options {
        mode: testing::Mode::Check,
        jobs: None,
        filter: None,
    };
    let mut again = None;
    testing::run(&suites, &options, |result| again = Some(result));
    match again {
        Some(again) if !again.passed() => keep(&record(Some(&again.played))?),
        Some(_) => Ok(()),
        None => {
            let id = &program.main().header.id;
            output::say(&format!(
                "warning: {} is to lie beside the file of the workflow `{id}`, or in a folder around it\n",
                file.display()
            ));
            Ok(())
        }
    }
}

/// Whether a name is wanted for a journal.
fn is_journal(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "ndjson")
}

/// Whether a name is one for either.
pub(super) fn checked(text: &str) -> Result<std::path::PathBuf, String> {
    let file = std::path::PathBuf::from(text);
    match is_journal(&file) || text.ends_with(".test.yaml") || text.ends_with(".test.yml") {
        true => Ok(file),
        false => {
            Err("write NAME.test.yaml for a test file, or NAME.ndjson for what `interpret replay` takes".to_owned())
        }
    }
}
