//! One workflow by what a person types: a file, or an id.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Kind, Loaded, folder, load};
use crate::diagnostic::Code;
use crate::graph::{Graph, Name};
use crate::source::FileId;

/// Where workflows are looked for by id, besides the files that lie in the current folder itself.
const FOLDER: &str = "workflows";

/// How many unreadable files are named where an id is not found.
const MOST_UNREADABLE: usize = 5;

/// A workflow that was asked for, with all that was loaded on the way.
#[derive(Debug)]
pub struct Found {
    /// Everything that was loaded.
    pub loaded: Loaded,
    /// The id of the workflow; `None` if the file defines none that can be read.
    pub id: Option<Name>,
}

impl Found {
    /// The workflow; `None` if it has errors.
    pub fn graph(&self) -> Option<Arc<Graph>> {
        let graph = self.loaded.workflow(self.id.as_deref()?, None)?;
        Some(self.loaded.with_agents(graph))
    }
}

/// Finds a workflow: by the path of a file, whose first workflow is meant, or by an id, first in the files of this folder
/// and then in `workflows/` at any depth. Only what was found about the workflow and those it calls is reported.
///
/// # Errors
///
/// A message that says where was looked, and what was probably meant.
pub fn find(name: &str) -> Result<Found, String> {
    let path = Path::new(name);
    if folder::is_apart(path) {
        return Err(format!("{name} belongs to the configuration and holds no workflow"));
    }
    if path.is_file() {
        return of_file(path);
    }
    let looks_like_path = name.contains(['/', '\\']) || name.ends_with(".yaml") || name.ends_with(".yml");
    if looks_like_path && !path.is_dir() {
        let loaded = load(&[path]);
        let found = loaded.diagnostics.first();
        let message = found.map_or(format!("there is no file {name}"), |finding| {
            let help: Vec<String> = finding.help.iter().map(|help| format!("; {help}")).collect();
            format!("{}{}", finding.message, help.concat())
        });
        return Err(message);
    }
    if path.is_dir() {
        return Err(format!("{name} is a folder; give a file, or the id of a workflow"));
    }
    by_id(name)
}

fn by_id(name: &str) -> Result<Found, String> {
    let here = folder::directly_in(Path::new("."));
    let folder = Path::new(FOLDER);
    let mut known: Vec<Name> = Vec::new();
    let mut unreadable: Vec<String> = Vec::new();
    for step in [Some(&here), None] {
        let mut loaded = match step {
            Some(files) => load(files),
            None if folder.is_dir() => load(&[folder]),
            None => break,
        };
        known.extend(workflows(&loaded));
        if known.iter().any(|id| **id == *name) {
            if step.is_some() && calls_other_files(&loaded) && folder.is_dir() {
                let files: Vec<&Path> = here.iter().map(PathBuf::as_path).chain([folder]).collect();
                loaded = load(&files);
            }
            keep_findings_about(&mut loaded, name);
            let id = Some(name.into());
            return Ok(Found { loaded, id });
        }
        unreadable.extend(unreadable_files(&loaded));
    }
    let closest = crate::diagnostic::closest(name, known.iter().map(|id| &**id));
    let mut message = match (closest, known.is_empty()) {
        (Some(id), _) => format!("there is no workflow `{name}`; did you mean `{id}`?"),
        (None, true) => format!("there is no file {name}, and no workflow in this folder or in `{FOLDER}/`"),
        (None, false) => {
            known.sort();
            known.dedup();
            let ids: Vec<String> = known.iter().take(10).map(|id| format!("`{id}`")).collect();
            let more = if known.len() > ids.len() { ", ..." } else { "" };
            format!("there is no workflow `{name}`; there are {}{more}", ids.join(", "))
        }
    };
    // It may well be in one of these.
    for line in unreadable.iter().take(MOST_UNREADABLE) {
        message.push_str("\n  ");
        message.push_str(line);
    }
    Err(message)
}

fn workflows(loaded: &Loaded) -> impl Iterator<Item = Name> {
    let workflows = loaded.declared.iter().filter(|one| one.kind == Kind::Workflow);
    workflows.map(|one| one.id.clone())
}

/// Whether something is missing that other files may hold.
fn calls_other_files(loaded: &Loaded) -> bool {
    let mut findings = loaded.diagnostics.iter();
    findings.any(|finding| super::cross::leads_to_other_files(finding.code))
}

/// The errors in files of which nothing could be read, with their places.
fn unreadable_files(loaded: &Loaded) -> Vec<String> {
    let declares = |file: FileId| loaded.declared.iter().any(|one| one.span.file == file);
    let mut lines = Vec::new();
    for finding in loaded.diagnostics.iter().filter(|finding| finding.is_error()) {
        match finding.span {
            None if finding.code != Code::NoWorkflows => lines.push(finding.message.clone()),
            Some(span) if !declares(span.file) => {
                let file = loaded.sources.file(span.file);
                let place = file.line_column(span.start);
                lines.push(format!(
                    "{}:{}:{}: {}",
                    file.name(),
                    place.line,
                    place.column,
                    finding.message
                ));
            }
            _ => {}
        }
    }
    lines
}

/// What else is wrong in a folder is no concern of who asked for one workflow: this leaves the findings in the files of
/// it and of what it calls.
fn keep_findings_about(loaded: &mut Loaded, workflow: &str) {
    let mut names: Vec<Name> = vec![workflow.into()];
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        next += 1;
        for step in loaded
            .outlines
            .iter()
            .filter(|outline| outline.id == name)
            .flat_map(|outline| &outline.steps)
        {
            let called = step.calls.iter().map(|call| &call.workflow);
            let named = step.agent.iter().chain(&step.tool).map(|(name, _)| name);
            for callee in called.chain(named) {
                if !names.contains(callee) {
                    names.push(callee.clone());
                }
            }
        }
        // An agent calls workflows as its tools.
        for agent in loaded.agents.iter().filter(|agent| agent.id == name) {
            for (callee, _) in agent.tools.iter().filter_map(|tool| tool.workflow.as_ref()) {
                if !names.contains(callee) {
                    names.push(callee.clone());
                }
            }
        }
    }
    let declared = loaded.declared.iter().filter(|one| names.contains(&one.id));
    let files: HashSet<FileId> = declared.map(|one| one.span.file).collect();
    loaded
        .diagnostics
        .retain(|finding| finding.span.is_some_and(|span| files.contains(&span.file)));
}

/// Loads a file, and the folder it lies in if it refers to others.
fn of_file(path: &Path) -> Result<Found, String> {
    let alone = load(&[path]);
    let id = workflows(&alone).next();
    let Some(name) = id.as_deref().filter(|_| calls_other_files(&alone)) else {
        return Ok(Found { loaded: alone, id });
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The file comes first, so that its own definitions are not the duplicates.
    let mut loaded = load(&[path, folder]);
    keep_findings_about(&mut loaded, name);
    Ok(Found { loaded, id })
}
