//! Files and folders to checked definitions.
//!
//! [`load`] reads everything it is given as a whole: ids are unique across it, and references between files are checked.
//! It never stops at the first mistake; [`Loaded`] holds what could be read and every finding.
#![allow(
    clippy::disallowed_methods,
    reason = "loading is where definitions are read from files"
)]

mod cross;
mod find;
mod folder;
mod spread;
mod suites;
mod texts;
mod version;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use find::{Found, find};
pub use suites::load_tests;
pub use texts::reload;

use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::agent_id;
use crate::graph::{Agent, Graph, LinkError, Name, Node, Op, Program};
use crate::language::foundry;
use crate::language::native::Outline;
use crate::language::native::check::Callee;
use crate::language::{self, Definition, Files, NoFiles};
use crate::source::{FileId, Sources, Span};
use crate::yaml;
use folder::{Folder, Origin, Wanted};
use texts::{Recorded, Taken};

/// Bounds of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What one file may cost.
    pub limits: yaml::Limits,
    /// Whether a folder stands for the test files in it too.
    pub tests: bool,
    /// Texts that stand for those of files, such as ones that are not saved yet; by the path under which a file is
    /// found. One that belongs to a folder or is named is loaded even if there is no such file.
    pub overlay: HashMap<PathBuf, Arc<str>>,
}

/// Everything that was loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The texts.
    pub sources: Sources,
    /// The findings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    workflows: Vec<Arc<Graph>>,
    agents: Vec<Arc<Agent>>,
    tests: Vec<Tests>,
    /// What is declared, definitions with errors included.
    declared: Vec<Declared>,
    outlines: Vec<Outline>,
    /// What schemas have taken in.
    taken: Vec<Taken>,
}

/// A document with test cases.
#[derive(Clone, Debug)]
pub struct Tests {
    /// The file it stands in.
    pub file: FileId,
    /// The document.
    pub document: yaml::Document,
}

/// A definition's name, known although it may have errors.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub kind: Kind,
    pub id: Name,
    pub version: Option<Name>,
    /// The place of the id.
    pub span: Span,
}

/// What a document can declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Workflow,
    Agent,
}

impl Kind {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Workflow => "workflow",
            Kind::Agent => "agent",
        }
    }
}

/// Why there is no program for an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No workflow of that id was loaded.
    #[error("there is no workflow `{id}`{}", closest.as_ref().map(|id| format!("; did you mean `{id}`?")).unwrap_or_default())]
    Unknown {
        /// The id that was asked for.
        id: String,
        /// The id that was probably meant.
        closest: Option<Name>,
    },
    /// It, or a workflow it calls, has errors.
    #[error("the workflow `{0}` has errors")]
    Broken(String),
    /// An agent that it asks is missing, or has errors.
    #[error("the agent `{0}` is not among the loaded files, or has errors")]
    Agent(String),
    /// A workflow that it calls is missing.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Loads files and folders.
///
/// A folder stands for all `*.yaml` and `*.yml` files in it, at any depth; hidden files, `*.test.yaml`, `*.answers.yaml`
/// and the configuration `interpret.yaml` are left out.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Loaded {
    load_with(paths, &Options::default())
}

/// Loads files and folders within limits.
pub fn load_with<P: AsRef<Path>>(paths: &[P], options: &Options) -> Loaded {
    let mut loader = Loader::new(options.clone());
    let paths = paths.iter().map(AsRef::as_ref);
    let wanted = match options.tests {
        true => Wanted::Both,
        false => Wanted::Workflows,
    };
    let origins = folder::expand(paths, wanted, &options.overlay, &mut loader.loaded.diagnostics);
    loader.files(&origins);
    loader.finish()
}

/// The files that paths stand for, as in [`load`], each once; tests of workflows too.
///
/// # Errors
///
/// A finding for each path that is not there or holds no workflow files.
pub fn files<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let paths = paths.iter().map(AsRef::as_ref);
    let origins = folder::expand(paths, Wanted::Both, &HashMap::new(), &mut diagnostics);
    match diagnostics.is_empty() {
        true => Ok(origins.into_iter().map(|origin| origin.path).collect()),
        false => Err(diagnostics),
    }
}

/// Loads a text, such as standard input; `name` is shown in messages.
///
/// ```
/// let text = "
/// kind: Workflow
/// id: hello
/// steps:
///   - { kind: andThen, id: greet, set: { text: 'Hello, {{ input.name }}' } }
/// ";
/// let loaded = interpret::load::load_text("<text>", text);
/// assert!(loaded.diagnostics.is_empty());
/// assert!(loaded.program("hello", None).is_ok());
/// ```
pub fn load_text(name: &str, text: &str) -> Loaded {
    let mut loader = Loader::new(Options::default());
    let text: Arc<str> = text.into();
    let file = loader.loaded.sources.add(name, text.clone());
    loader.texts(&[Text {
        file,
        text,
        files: &NoFiles,
        named: true,
    }]);
    loader.finish()
}

/// The workflows of a text as far as they can be read, by itself and without findings: for texts that are being written.
/// `root` is the folder that its schemas may refer to.
pub(crate) fn outlines(path: &Path, root: &Path, text: &Arc<str>) -> Vec<Outline> {
    let origin = Origin {
        path: path.to_owned(),
        root: root.to_owned(),
        named: true,
    };
    let text = Text {
        file: Sources::new().add(path.display().to_string(), text.clone()),
        text: text.clone(),
        files: &Folder::of(&origin),
        named: true,
    };
    text.read(&yaml::Limits::default()).outlines
}

impl Loaded {
    /// The workflows without errors, in the order they were read.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Graph>> {
        self.workflows.iter()
    }

    /// The agents without errors, in the order they were read.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<Agent>> {
        self.agents.iter()
    }

    /// The documents with test cases.
    pub fn tests(&self) -> impl Iterator<Item = &Tests> {
        self.tests.iter()
    }

    /// The ids of the workflows that are declared, those with errors included, once for each version.
    pub(crate) fn declared_workflows(&self) -> impl Iterator<Item = &Name> {
        let workflows = self.declared.iter().filter(|one| one.kind == Kind::Workflow);
        workflows.map(|one| &one.id)
    }

    /// What is declared, definitions with errors included.
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The workflows as the checks see them, those with errors included.
    pub(crate) fn outlines(&self) -> &[Outline] {
        &self.outlines
    }

    /// What is known of a workflow that is called; without a version, the highest (rule 42).
    pub(crate) fn callee(&self, id: &str, version: Option<&str>) -> Option<Callee> {
        let named = self.outlines.iter().filter(|outline| *outline.id == *id);
        let found = version::choose(named, version, |outline| {
            outline.root.get("version").and_then(|version| version.as_str())
        })?;
        Some(Callee {
            input: found.input.clone(),
            output: found.output.as_ref().map(|schema| schema.ty()),
        })
    }

    /// Whether there are errors among the findings.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// A workflow by its id; without a version, the highest (rule 42).
    pub fn workflow(&self, id: &str, version: Option<&str>) -> Option<&Arc<Graph>> {
        let named = self.workflows.iter().filter(|graph| *graph.header.id == *id);
        version::choose(named, version, |graph| graph.header.version.as_deref())
    }

    /// An agent by its id; without a version, the highest (rule 42).
    pub fn agent(&self, id: &str, version: Option<&str>) -> Option<&Arc<Agent>> {
        let named = self.agents.iter().filter(|agent| *agent.id == *id);
        version::choose(named, version, |agent| agent.version.as_deref())
    }

    /// An agent by its id, or by a name that means the same or that it is shown with, as Foundry names agents.
    pub(crate) fn agent_named(&self, name: &str) -> Option<&Arc<Agent>> {
        let wanted = agent_id(name);
        let is_meant = |text: &str| agent_id(text) == wanted;
        self.agent(name, None).or_else(|| {
            let mut named = self.agents.iter().filter(|agent| is_meant(&agent.id));
            let shown = || {
                self.agents
                    .iter()
                    .find(|agent| agent.name.as_deref().is_some_and(is_meant))
            };
            let found = named.next().or_else(shown)?;
            self.agent(&found.id, None)
        })
    }

    /// Each agent once, in its highest version.
    fn newest_agents(&self) -> Vec<Arc<Agent>> {
        let mut ids: Vec<&Name> = self.agents.iter().map(|agent| &agent.id).collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.agent(id, None).cloned()).collect()
    }

    /// A workflow, linked with the workflows it calls.
    ///
    /// # Errors
    ///
    /// No such workflow, or one of them has errors.
    pub fn program(&self, id: &str, version: Option<&str>) -> Result<Program, ProgramError> {
        let declared = |id: &str| {
            self.declared
                .iter()
                .any(|one| one.kind == Kind::Workflow && *one.id == *id)
        };
        let Some(graph) = self.workflow(id, version) else {
            if declared(id) {
                return Err(ProgramError::Broken(id.to_owned()));
            }
            let known = self.workflows.iter().map(|graph| &*graph.header.id);
            return Err(ProgramError::Unknown {
                id: id.to_owned(),
                closest: crate::diagnostic::closest(id, known).map(Name::from),
            });
        };
        let find = |id: &str, version: Option<&str>| self.workflow(id, version).map(|graph| self.with_agents(graph));
        let mut program = Program::link(self.with_agents(graph), find).map_err(|error| match error {
            LinkError::UnknownWorkflow { missing, .. } if declared(&missing) => {
                ProgramError::Broken(missing.to_string())
            }
            error => ProgramError::Link(error),
        })?;
        let missing = program.steps.iter().find_map(|step| match &step.node.op {
            Op::Agent(ask) if ask.definition.is_none() => Some(&ask.agent),
            _ => None,
        });
        if let Some(agent) = missing {
            return Err(ProgramError::Agent(agent.to_string()));
        }
        self.pin_agents(&mut program);
        Ok(program)
    }

    /// A workflow with the agents in it that it asks.
    pub fn with_agents(&self, graph: &Arc<Graph>) -> Arc<Graph> {
        let asks = |node: &Node| matches!(node.op, Op::Agent(_));
        match graph.nodes.node_weights().any(asks) {
            true => Arc::new(graph.with_agents(|name| self.agent_named(name).cloned(), &self.newest_agents())),
            false => graph.clone(),
        }
    }
}

struct Loader {
    options: Options,
    loaded: Loaded,
}

/// A text to read.
struct Text<'f> {
    file: FileId,
    text: Arc<str>,
    /// What its schemas may refer to.
    files: &'f (dyn Files + Sync),
    /// Whether somebody asked for this very text.
    named: bool,
}

impl Loader {
    fn new(options: Options) -> Loader {
        Loader {
            options,
            loaded: Loaded::default(),
        }
    }

    fn files(&mut self, origins: &[Origin]) {
        let folders: Vec<Folder> = origins.iter().map(Folder::of).collect();
        let mut texts = Vec::with_capacity(origins.len());
        for (origin, folder) in origins.iter().zip(&folders) {
            let name = origin.path.display().to_string();
            let read = match self.options.overlay.get(&origin.path) {
                Some(text) => Ok(text.clone()),
                None => folder::read(&origin.path, self.options.limits.bytes),
            };
            match read {
                Ok(text) => texts.push(Text {
                    file: self.loaded.sources.add(name, text.clone()),
                    text,
                    files: folder,
                    named: origin.named,
                }),
                Err(unreadable) => {
                    let diagnostic = unreadable.diagnostic(&name, &mut self.loaded.sources);
                    self.loaded.diagnostics.push(diagnostic);
                }
            }
        }
        self.texts(&texts);
    }

    /// Reads all documents of some texts.
    fn texts(&mut self, texts: &[Text<'_>]) {
        let limits = &self.options.limits;
        for read in spread::map(texts, |text| text.read(limits)) {
            self.loaded.diagnostics.extend(read.diagnostics);
            self.loaded.declared.extend(read.declared);
            self.loaded.outlines.extend(read.outlines);
            self.loaded.taken.extend(read.taken);
            for definition in read.definitions {
                match definition {
                    Definition::Workflow(graph) => self.loaded.workflows.push(graph),
                    Definition::Agent(agent) => self.loaded.agents.push(agent),
                    Definition::Test(document) => self.loaded.tests.push(Tests {
                        file: read.file,
                        document,
                    }),
                }
            }
        }
    }

    fn finish(mut self) -> Loaded {
        self.duplicates();
        let findings = cross::check(&self.loaded);
        self.loaded.diagnostics.extend(findings);
        self.loaded
            .diagnostics
            .sort_by_key(|finding| finding.span.map(|span| (span.file, span.start)));
        let broken = cross::broken(&self.loaded);
        self.loaded
            .workflows
            .retain(|graph| !broken.contains(&graph.header.origin));
        self.loaded
    }

    /// Ids are unique for each version (rule 42).
    fn duplicates(&mut self) {
        let mut first: HashMap<(&str, Name, Option<Name>), Span> = HashMap::new();
        let mut findings = Vec::new();
        for one in &self.loaded.declared {
            let key = (one.kind.word(), one.id.clone(), one.version.clone());
            let Some(known) = first.get(&key) else {
                first.insert(key, one.span);
                continue;
            };
            let version = match &one.version {
                Some(version) => format!(" in version {version}"),
                None => String::new(),
            };
            let message = format!("there are two {}s with the id `{}`{version}", one.kind.word(), one.id);
            let other = self.loaded.sources.file(known.file).name();
            findings.push(
                Diagnostic::error(Code::DuplicateId, one.span, message)
                    .label(*known, format!("the first is in {other}"))
                    .help("give one of them another `id`, or a `version` of its own"),
            );
        }
        self.loaded.diagnostics.extend(findings);
    }
}

/// What a text holds.
struct Contents {
    file: FileId,
    diagnostics: Vec<Diagnostic>,
    declared: Vec<Declared>,
    outlines: Vec<Outline>,
    definitions: Vec<Definition>,
    taken: Vec<Taken>,
}

impl Text<'_> {
    /// The documents. What is no YAML everywhere is made so first.
    fn parse(&self, limits: &yaml::Limits) -> (Vec<yaml::Document>, Vec<Diagnostic>) {
        if self.text.len() > limits.bytes || !foundry::sniff(&self.text) {
            return yaml::parse(self.file, &self.text, limits);
        }
        let source = foundry::Source::of(&self.text);
        let (mut documents, mut diagnostics) = yaml::parse(self.file, &source.text, limits);
        source.restore(&mut documents, &mut diagnostics);
        (documents, diagnostics)
    }

    fn read(&self, limits: &yaml::Limits) -> Contents {
        let (documents, diagnostics) = self.parse(limits);
        // An empty document is what is left behind a last `---`, or a file of comments; or of something unreadable,
        // about which enough is said.
        let may_be_empty = !self.named || documents.len() > 1 || !diagnostics.is_empty();
        let mut contents = Contents {
            file: self.file,
            diagnostics,
            declared: Vec::new(),
            outlines: Vec::new(),
            definitions: Vec::new(),
            taken: Vec::new(),
        };
        if documents.is_empty() && !may_be_empty {
            let nowhere = Span::new(self.file, 0, 0);
            let nothing = Diagnostic::error(Code::UnknownDocument, nowhere, "there is nothing in this text")
                .help("begin with `kind: Workflow`, `id` and `steps`");
            contents.diagnostics.push(nothing);
        }
        let files = Recorded::new(self.files);
        for document in documents {
            if document.root.is_null() && may_be_empty {
                continue;
            }
            let read = language::read_with(&document, &self.text, &files);
            contents.declared.extend(Declared::of(&document.root, files.name()));
            let diagnostics = read.diagnostics.into_iter().map(|finding| match self.named {
                true => finding,
                false => about_a_stranger(finding),
            });
            contents.diagnostics.extend(diagnostics);
            contents.outlines.extend(read.outline);
            contents.definitions.extend(read.definition);
        }
        contents.taken = files.taken(self.file);
        contents
    }
}

impl Declared {
    /// A definition's name, as far as it has one.
    fn of(root: &yaml::Node, file: Option<&str>) -> Option<Declared> {
        if foundry::is_workflow(root) {
            let (id, span) = foundry::id(root, file)?;
            return Some(Declared {
                kind: Kind::Workflow,
                id,
                version: None,
                span,
            });
        }
        let kind = match root.get("kind").and_then(yaml::Node::as_str) {
            Some("Workflow") => Kind::Workflow,
            Some("Agent") => Kind::Agent,
            _ => return None,
        };
        let id = root.get("id")?;
        Some(Declared {
            kind,
            id: id.as_str()?.into(),
            version: root.get("version").and_then(yaml::Node::as_str).map(Name::from),
            span: id.span,
        })
    }
}

/// A finding in a file that nobody named: in a folder, a document of no known kind may be anything.
fn about_a_stranger(finding: Diagnostic) -> Diagnostic {
    match finding.code {
        Code::UnknownDocument => Diagnostic {
            severity: crate::diagnostic::Severity::Warning,
            ..finding
        },
        _ => finding,
    }
}
