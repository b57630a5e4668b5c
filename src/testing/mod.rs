//! Tests of workflows: test files, and running their cases under virtual time.
//!
//! [`read`] makes [`Suite`]s of the test files among what was loaded and checks them against their workflows. [`run`]
//! plays their cases: each is a run of the pure interpreter that reaches nothing but what the case says, so it takes no
//! time and is the same run every time. A [`CaseResult`] keeps the events of its run.

mod check;
mod coverage;
mod diff;
mod facts;
mod fields;
mod keys;
mod matcher;
mod missing;
mod play;
mod read;
mod record;
mod replay;
mod runner;
mod snapshot;
mod suite;
mod syntax;
mod trace;
mod verdict;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use coverage::{Condition, Coverage, Covered, Point, Share, Spot};
pub use diff::render as render_difference;
pub use missing::Missing;
pub use play::{Ending, Played, Trouble, Waiting, play};
pub use record::{Judged, record, record_judged};
pub use replay::{Parted, Replayed, replay};
pub use runner::{CaseResult, Options, run, selected};
pub use snapshot::{Compared, Mode, file as snapshot_file, orphans, remove_all};
pub use suite::{Case, Kept, Suite};
pub use syntax::schema;
pub use trace::{Ran, Told, result, tell};
pub use verdict::{Difference, Kind, Problem};

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Name, Program, Timestamp};
use crate::load::{Loaded, ProgramError};
use crate::provider::{Configured, Scripts};
use crate::source::{FileId, Span};

/// When the run of a case begins that does not say so: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600_000);

/// The test files among what was loaded: those without errors as suites, and all findings.
pub fn read(loaded: &Loaded) -> (Vec<Suite>, Vec<Diagnostic>) {
    let mut suites = Vec::new();
    let mut diagnostics = Vec::new();
    let mut programs: HashMap<(Name, Option<Name>), Arc<Program>> = HashMap::new();
    let mut names: HashMap<(FileId, String), (Name, Span)> = HashMap::new();
    let mut scripts = Beside::default();
    for tests in loaded.tests() {
        let file = loaded.sources.file(tests.file);
        let mut reader = fields::Reader {
            source: file.text(),
            diagnostics: Vec::new(),
        };
        if let Some(raw) = read::document(&mut reader, &tests.document.root) {
            distinct(&mut reader, tests.file, &raw, &mut names);
            let key = (raw.workflow.0.clone(), raw.version.clone());
            let program = programs.get(&key).cloned().or_else(|| {
                let program = program(&mut reader, loaded, &raw)?;
                Some(programs.entry(key).or_insert(program).clone())
            });
            if let Some(program) = program {
                check::check(&mut reader, &program, &raw);
                if !reader.diagnostics.iter().any(Diagnostic::is_error) {
                    let scripts = scripts.beside(Path::new(file.name()));
                    let case = |case: Case| Case {
                        scripts: scripts.clone(),
                        ..case
                    };
                    suites.push(Suite {
                        path: PathBuf::from(file.name()),
                        file: tests.file,
                        program,
                        cases: raw.cases.into_iter().map(|raw| case(raw.case)).collect(),
                    });
                }
            }
        }
        diagnostics.append(&mut reader.diagnostics);
    }
    (suites, diagnostics)
}

/// The scripts of the configurations beside test files, by folder.
#[derive(Default)]
struct Beside(HashMap<PathBuf, Arc<Scripts>>);

impl Beside {
    /// Those beside a file. What is wrong with a configuration is said where it is used.
    fn beside(&mut self, file: &Path) -> Arc<Scripts> {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let find = |folder: &PathBuf| Arc::new(Configured::find(&[folder.clone(), PathBuf::from(".")]).scripts);
        let scripts = self.0.entry(folder.clone()).or_insert_with(|| find(&folder));
        scripts.clone()
    }
}

/// The workflow that a document is about.
fn program(reader: &mut fields::Reader<'_>, loaded: &Loaded, raw: &read::Raw<'_>) -> Option<Arc<Program>> {
    let (id, place) = &raw.workflow;
    match loaded.program(id, raw.version.as_deref()) {
        Ok(program) => Some(Arc::new(program)),
        // Its findings are reported where they are.
        Err(ProgramError::Broken(_) | ProgramError::Agent(_)) => None,
        Err(ProgramError::Unknown { .. }) => {
            let version = raw.version.as_ref().map(|version| format!(" in version {version}"));
            let message = format!("there is no workflow `{id}`{}", version.unwrap_or_default());
            let known = loaded.workflows().map(|graph| &*graph.header.id);
            let mut diagnostic = Diagnostic::error(Code::UnknownWorkflow, *place, message).suggest(id, known);
            if diagnostic.help.is_empty() {
                diagnostic = diagnostic.help("tests lie beside the file of their workflow");
            }
            reader.report(diagnostic);
            None
        }
        Err(error @ ProgramError::Link(_)) => {
            reader.report(Diagnostic::error(Code::UnknownWorkflow, *place, error.to_string()));
            None
        }
    }
}

/// Names are unique in a file, and so are the files of snapshots.
fn distinct(
    reader: &mut fields::Reader<'_>,
    file: FileId,
    raw: &read::Raw<'_>,
    names: &mut HashMap<(FileId, String), (Name, Span)>,
) {
    for case in raw.cases.iter().map(|raw| &raw.case) {
        let key = (file, snapshot::slug(&case.name));
        let Some((first, place)) = names.get(&key) else {
            names.insert(key, (case.name.clone(), case.place));
            continue;
        };
        let message = match *first == case.name {
            true => format!("there are two cases with the name `{}`", case.name),
            false => format!(
                "the cases `{first}` and `{}` would share a snapshot: only letters and digits of a name count",
                case.name
            ),
        };
        reader.report(
            Diagnostic::error(Code::DuplicateId, case.place, message)
                .label(*place, "the first is here")
                .help("give one of them another `name`"),
        );
    }
}
