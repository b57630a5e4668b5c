//! The workflows that are served: those that were loaded without errors, and of those that have errors now what was
//! served before.

use std::sync::Arc;

use indexmap::IndexMap;

use super::trigger::{Armed, conflicts};
use crate::data::{Data, Map};
use crate::graph::{Definition, Name, Program};
use crate::load::Loaded;

/// Words that stand in routes where an id could, and so are no ids.
const RESERVED: &[&str] = &["executions"];

/// The workflows that are served, by id.
#[derive(Debug, Default)]
pub struct Catalog {
    workflows: IndexMap<Name, Versions>,
}

/// The versions of a workflow.
#[derive(Clone, Debug)]
struct Versions {
    all: Vec<Arc<Served>>,
    /// The one that is meant where none is named.
    default: Arc<Served>,
}

/// A workflow that is served.
#[derive(Debug)]
pub struct Served {
    /// What runs.
    pub program: Arc<Program>,
    /// What it is made of, for the store.
    pub definition: Arc<Definition>,
    /// The environment variables that it may read.
    pub env: Data,
    /// What starts it by itself.
    pub(super) triggers: Vec<Arc<Armed>>,
}

/// Tells which environment variables a program may read.
pub(super) type Environment = dyn Fn(&Program) -> Data + Send + Sync;

impl Catalog {
    /// The workflows of a load; also what is wrong with those that are not served, or served as they were before.
    pub(super) fn new(loaded: &Loaded, before: &Catalog, environment: &Environment) -> (Catalog, Vec<String>) {
        let mut workflows: IndexMap<Name, Versions> = IndexMap::new();
        let mut wrong = Vec::new();
        for declared in loaded.declared_workflows() {
            if workflows.contains_key(declared) {
                continue;
            }
            if RESERVED.contains(&&**declared) {
                wrong.push(format!(
                    "the workflow `{declared}` is not served: its id is a word of the routes; give it another id"
                ));
                continue;
            }
            match Versions::of(loaded, declared, environment) {
                Ok(versions) => {
                    workflows.insert(declared.clone(), versions);
                }
                Err(error) => {
                    let kept = before.workflows.get(declared);
                    let as_before = if kept.is_some() { " and stays as it was" } else { "" };
                    wrong.push(format!("{error}{as_before}"));
                    workflows.extend(kept.map(|kept| (declared.clone(), kept.clone())));
                }
            }
        }
        // What cannot even be read may be what was served before.
        if loaded.has_errors() {
            for (id, versions) in &before.workflows {
                if !workflows.contains_key(id) {
                    wrong.push(format!(
                        "the workflow `{id}` is not among what could be read, and stays as it was"
                    ));
                    workflows.insert(id.clone(), versions.clone());
                }
            }
        }
        let catalog = Catalog { workflows };
        wrong.extend(conflicts(catalog.triggers()));
        (catalog, wrong)
    }

    /// A workflow; without a version, the highest.
    pub fn get(&self, id: &str, version: Option<&str>) -> Option<&Arc<Served>> {
        let versions = self.workflows.get(id)?;
        match version {
            None => Some(&versions.default),
            Some(wanted) => versions
                .all
                .iter()
                .find(|served| served.program.main().header.version.as_deref() == Some(wanted)),
        }
    }

    /// The workflows, each in its highest version, in the order they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.workflows.values().map(|versions| &versions.default)
    }

    /// All versions of all workflows.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.workflows.values().flat_map(|versions| &versions.all)
    }

    /// What starts the workflows by itself, of each in its highest version.
    pub(super) fn triggers(&self) -> impl Iterator<Item = &Arc<Armed>> {
        self.iter().flat_map(|served| &served.triggers)
    }

    /// How many workflows there are.
    pub fn len(&self) -> usize {
        self.workflows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.workflows.is_empty()
    }
}

impl Versions {
    fn of(loaded: &Loaded, id: &Name, environment: &Environment) -> Result<Versions, String> {
        let served = |version: Option<&str>| {
            let program = loaded.program(id, version).map_err(|error| error.to_string())?;
            let env = environment(&program);
            Ok::<_, String>(Arc::new(Served {
                definition: Arc::new(loaded.definition(&program)),
                triggers: Armed::all(loaded, &program.main().header, &env),
                env,
                program: Arc::new(program),
            }))
        };
        let default = served(None)?;
        let mut all = vec![default.clone()];
        let chosen = default.program.main().header.version.clone();
        for graph in loaded.workflows().filter(|graph| graph.header.id == *id) {
            if graph.header.version != chosen {
                all.push(served(graph.header.version.as_deref())?);
            }
        }
        Ok(Versions { all, default })
    }
}

/// No environment variables.
pub(super) fn nothing(_: &Program) -> Data {
    Data::from(Map::new())
}
