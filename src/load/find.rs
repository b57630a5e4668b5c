//! One workflow by what a person types: a file, or an id.

use std::path::Path;
use std::sync::Arc;

use super::{Loaded, load};
use crate::graph::{Graph, Name};

/// Where workflows are looked for by id.
const FOLDERS: [&str; 2] = ["workflows", "."];

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
        self.loaded.workflow(self.id.as_deref()?, None).cloned()
    }
}

/// Finds a workflow: by the path of a file, whose first workflow is meant, or by an id in `workflows/` or in this folder.
///
/// # Errors
///
/// A message that says where was looked, and what was probably meant.
pub fn find(name: &str) -> Result<Found, String> {
    let path = Path::new(name);
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
    let mut known: Vec<Name> = Vec::new();
    for folder in FOLDERS {
        if !Path::new(folder).is_dir() {
            continue;
        }
        let loaded = load(&[folder]);
        let ids = loaded
            .declared
            .iter()
            .filter(|one| one.kind == super::Kind::Workflow)
            .map(|one| one.id.clone());
        known.extend(ids);
        if known.iter().any(|id| **id == *name) {
            let id = Some(name.into());
            return Ok(Found { loaded, id });
        }
    }
    let closest = crate::diagnostic::closest(name, known.iter().map(|id| &**id));
    Err(match (closest, known.is_empty()) {
        (Some(id), _) => format!("there is no workflow `{name}`; did you mean `{id}`?"),
        (None, true) => format!("there is no file {name}, and no workflow in `workflows/` or in this folder"),
        (None, false) => {
            known.sort();
            known.dedup();
            let ids: Vec<String> = known.iter().take(10).map(|id| format!("`{id}`")).collect();
            let more = if known.len() > ids.len() { ", ..." } else { "" };
            format!("there is no workflow `{name}`; there are {}{more}", ids.join(", "))
        }
    })
}

/// Loads a file, and the folder it lies in if it refers to others.
fn of_file(path: &Path) -> Result<Found, String> {
    let alone = load(&[path]);
    let first = |loaded: &Loaded| {
        let workflows = loaded.declared.iter().filter(|one| one.kind == super::Kind::Workflow);
        workflows.map(|one| one.id.clone()).next()
    };
    let id = first(&alone);
    let refers = alone
        .diagnostics
        .iter()
        .any(|finding| super::cross::leads_to_other_files(finding.code));
    if !refers {
        return Ok(Found { loaded: alone, id });
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The file comes first, so that its own definitions are not the duplicates.
    let mut loaded = load(&[path, folder]);
    let name = path.display().to_string();
    let sources = &loaded.sources;
    // What else is wrong in the folder is no concern of who asked for this file.
    loaded
        .diagnostics
        .retain(|finding| finding.span.is_none_or(|span| sources.file(span.file).name() == name));
    Ok(Found { loaded, id })
}
