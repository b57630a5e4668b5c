//! The texts a program was made of, so that it can be made again when its files have changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Loaded, Loader, Options, ProgramError, Text};
use crate::graph::{Agent, Definition, Name, Op, Program};
use crate::language::Files;
use crate::source::{FileId, Sources};

/// A file that a schema has taken in.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// By a schema of this file.
    by: FileId,
    /// As it is named there.
    path: String,
    text: Arc<str>,
}

/// Makes a program again from its definition, without a look at any file; also its texts, for messages.
///
/// # Errors
///
/// The definition is not one of this version: what was right once has errors now.
pub fn reload(definition: &Definition) -> Result<(Arc<Program>, Sources), ProgramError> {
    let loaded = loaded(definition);
    let program = loaded.program(&definition.workflow, definition.version.as_deref())?;
    Ok((Arc::new(program), loaded.sources))
}

fn loaded(texts: &Definition) -> Loaded {
    let mut loader = Loader::new(Options::default());
    let kept: Vec<Kept> = texts
        .files
        .iter()
        .map(|(name, _)| Kept {
            schemas: &texts.schemas,
            beside: name,
        })
        .collect();
    let mut all = Vec::with_capacity(kept.len());
    for ((name, text), files) in texts.files.iter().zip(&kept) {
        all.push(Text {
            file: loader.loaded.sources.add(name.clone(), text.clone()),
            text: text.clone(),
            files,
            named: true,
        });
    }
    loader.texts(&all);
    loader.finish()
}

impl Loaded {
    /// What a program of this load is made of: [`reload`] gives the same program again.
    pub fn definition(&self, program: &Program) -> Definition {
        let agents = self.agents_of(program);
        let workflows = program.workflows.iter().map(|workflow| workflow.header.origin.file);
        let mut files: Vec<FileId> = Vec::new();
        for file in workflows.chain(agents.iter().map(|agent| agent.origin.file)) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let name = |file: FileId| self.sources.file(file).name();
        let mut schemas: Vec<(Name, Arc<str>)> = Vec::new();
        for taken in self.taken.iter().filter(|taken| files.contains(&taken.by)) {
            let path = beside(name(taken.by), &taken.path);
            if !schemas.iter().any(|(known, _)| *known == path) {
                schemas.push((path, taken.text.clone()));
            }
        }
        let text = |file: &FileId| (Name::from(name(*file)), Arc::from(self.sources.file(*file).text()));
        let header = &program.main().header;
        Definition {
            hash: program.hash.clone(),
            workflow: header.id.clone(),
            version: header.version.clone(),
            files: files.iter().map(text).collect(),
            schemas,
        }
    }

    /// Makes the agents that a program asks a part of its hash.
    pub(super) fn pin_agents(&self, program: &mut Program) {
        let agents = self.agents_of(program);
        if agents.is_empty() {
            return;
        }
        let mut digest = Sha256::new();
        digest.update(program.hash.as_bytes());
        for agent in agents {
            digest.update(format!("\nagent {} {}", agent.id, agent.hash));
        }
        let hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        program.hash = hash.into();
    }

    /// The agents that a program asks, by their ids.
    fn agents_of(&self, program: &Program) -> Vec<&Arc<Agent>> {
        let asked = program.steps.iter().filter_map(|step| match &step.node.op {
            Op::Agent(ask) => ask.definition.as_ref(),
            _ => None,
        });
        let asked: Vec<&Arc<Agent>> = asked.collect();
        // One that is written in its step is pinned with the workflow.
        let mut agents: Vec<&Arc<Agent>> = self.agents.iter().collect();
        agents.retain(|agent| asked.iter().any(|asked| Arc::ptr_eq(asked, agent)));
        agents.sort_by(|one, other| (&one.id, &one.version).cmp(&(&other.id, &other.version)));
        agents
    }
}

/// Remembers what was taken from some files.
pub(super) struct Recorded<'f> {
    files: &'f (dyn Files + Sync),
    taken: Mutex<Vec<(String, Arc<str>)>>,
}

impl<'f> Recorded<'f> {
    pub fn new(files: &'f (dyn Files + Sync)) -> Recorded<'f> {
        Recorded {
            files,
            taken: Mutex::default(),
        }
    }

    pub fn taken(self, by: FileId) -> Vec<Taken> {
        let taken = self.taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        let taken = taken.into_iter().map(|(path, text)| Taken { by, path, text });
        taken.collect()
    }
}

impl Files for Recorded<'_> {
    fn name(&self) -> Option<&str> {
        self.files.name()
    }

    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        let text = self.files.text(path)?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push((path.to_owned(), text.clone()));
        Ok(text)
    }
}

/// The schema files of a definition, as they were.
struct Kept<'t> {
    schemas: &'t [(Name, Arc<str>)],
    beside: &'t str,
}

impl Files for Kept<'_> {
    fn name(&self) -> Option<&str> {
        Some(stem(self.beside))
    }

    fn text(&self, path: &str) -> Result<Arc<str>, String> {
        let path = beside(self.beside, path);
        let found = self.schemas.iter().find(|(name, _)| *name == path);
        let found = found.map(|(_, text)| text.clone());
        found.ok_or_else(|| "is not among the files that were kept".to_owned())
    }
}

/// The name of a file without its folder and without what tells its format.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.split_once(".workflow.").map_or(name, |(name, _)| name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

/// The name of a file as another one refers to it.
fn beside(file: &str, path: &str) -> Name {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let joined: PathBuf = folder.join(path);
    joined.to_string_lossy().into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;

    #[test]
    fn a_program_is_made_again_from_its_texts() {
        let folder = std::env::temp_dir().join(format!("interpret-texts-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("schemas")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write(
            "main.yaml",
            "kind: Workflow\nid: main\ninputSchema: { $ref: schemas/order.yaml }\nsteps:\n  \
             - { kind: andWorkflow, id: child, workflow: child }\n",
        );
        write(
            "child.yaml",
            "kind: Workflow\nid: child\nsteps: [{ kind: andThen, id: a, set: 1 }]\n",
        );
        write(
            "other.yaml",
            "kind: Workflow\nid: other\nsteps: [{ kind: andThen, id: a, set: 1 }]\n",
        );
        write(
            "schemas/order.yaml",
            "type: object\nproperties: { line: { $ref: line.json } }\n",
        );
        write("schemas/line.json", "{ \"type\": \"string\" }");
        let found = load::find(folder.join("main.yaml").to_str().unwrap()).unwrap();
        let program = found.loaded.program("main", None).unwrap();
        let texts = found.loaded.definition(&program);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((texts.files.len(), texts.schemas.len()), (2, 2));
        assert_eq!(reload(&texts).unwrap().0.hash, program.hash);
        let mut changed = texts.clone();
        changed.schemas[1].1 = "{}".into();
        assert_ne!(reload(&changed).unwrap().0.hash, program.hash);
    }
}
