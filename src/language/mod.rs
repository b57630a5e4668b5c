//! Languages: a document of a file to a definition and findings.
//!
//! [`read`] looks at the shape of a document to know its language. Each language has a folder here and lowers to the
//! one [`Graph`]; nothing behind it sees a YAML shape.

pub(crate) mod foundry;
pub(crate) mod native;

use std::sync::Arc;

pub use foundry::kinds as actions;
pub use native::{step_kinds, units};

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Agent, Graph};
use crate::yaml;

/// What a document defines.
#[derive(Clone, Debug)]
pub enum Definition {
    /// A workflow.
    Workflow(Arc<Graph>),
    /// An agent.
    Agent(Arc<Agent>),
    /// Test cases, which their own reader understands.
    Test(yaml::Document),
}

/// What came of reading a document.
#[derive(Debug, Default)]
pub struct Read {
    /// The definition; absent when there are errors.
    pub definition: Option<Definition>,
    /// What the checks across files work on; present for every native workflow, errors or not.
    pub(crate) outline: Option<native::Outline>,
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// The files that a definition may refer to, by paths as they are written in it.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, as the end of a sentence that begins with its name.
    fn text(&self, path: &str) -> Result<Arc<str>, String>;

    /// The name of the file that refers to them, without what tells its format; none of a text that is no file's.
    fn name(&self) -> Option<&str> {
        None
    }
}

/// No files: for texts that do not come from a folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn text(&self, _path: &str) -> Result<Arc<str>, String> {
        Err("cannot be read, since this text does not come from a folder".to_owned())
    }
}

/// The kinds of documents that can be read.
const KINDS: [&str; 3] = ["Workflow", "Agent", "WorkflowTest"];

/// The JSON Schema of the documents, for editors and whoever else knows nothing of this crate: one for all kinds, which
/// it tells apart by their `kind`.
///
/// What it says of a key holds, but it says less than [`read`]: what is inside expressions, and whether names lead
/// anywhere, is beyond a schema.
pub fn schema() -> serde_json::Value {
    native::schema()
}

/// Reads a document; `source` is the text of the whole file. References to files stay unresolved.
pub fn read(document: &yaml::Document, source: &str) -> Read {
    read_with(document, &source.into(), &NoFiles)
}

/// Reads a document that may refer to files. The text is shared, so that a file of many documents is kept once.
pub fn read_with(document: &yaml::Document, source: &Arc<str>, files: &dyn Files) -> Read {
    match sniff(&document.root) {
        Ok(Language::Workflow) => native::read_workflow(&document.root, source, files),
        Ok(Language::Agent) => native::read_agent(&document.root, source, files),
        Ok(Language::Foundry) => foundry::read(&document.root, source, files.name()),
        Ok(Language::Test) => Read {
            definition: Some(Definition::Test(document.clone())),
            ..Read::default()
        },
        Err(diagnostic) => Read {
            diagnostics: vec![*diagnostic],
            ..Read::default()
        },
    }
}

enum Language {
    Workflow,
    Foundry,
    Agent,
    Test,
}

/// Finds the language by `kind` and shape.
fn sniff(root: &yaml::Node) -> Result<Language, Box<Diagnostic>> {
    let unknown = |span, message: &str| Diagnostic::error(Code::UnknownDocument, span, message);
    let Some(entries) = root.as_map() else {
        let diagnostic = match root.is_null() {
            true => unknown(root.span, "this document is empty"),
            false => unknown(
                root.span,
                "a workflow is a mapping of keys such as `kind`, `id` and `steps`",
            ),
        };
        return Err(Box::new(diagnostic.help("begin with `kind: Workflow`")));
    };
    if foundry::is_workflow(root) {
        return Ok(Language::Foundry);
    }
    let start = entries.first().map_or(root.span, |entry| entry.key_span);
    if root.get("app").is_some()
        && root
            .get("workflow")
            .is_some_and(|workflow| workflow.get("graph").is_some())
    {
        return Err(Box::new(
            unknown(start, "this is a Dify app, which this version does not read").help(ONLY_NATIVE),
        ));
    }
    let Some(kind) = root.entry("kind") else {
        let mut diagnostic = unknown(start, "this document has no `kind`, so its language is unknown");
        let close = entries.iter().find(|entry| entry.key.eq_ignore_ascii_case("kind"));
        if let Some(entry) = close {
            diagnostic = diagnostic
                .here("keys are written in lower case")
                .help("write `kind`")
                .fix(entry.key_span, "kind");
            diagnostic.span = Some(entry.key_span);
        } else if root.get("steps").is_some() {
            diagnostic = diagnostic.help("add `kind: Workflow` at the top");
        } else {
            diagnostic = diagnostic.help("a workflow begins with `kind: Workflow`, an agent with `kind: Agent`");
        }
        return Err(Box::new(diagnostic));
    };
    match kind.value.as_str() {
        Some("Workflow") => Ok(Language::Workflow),
        Some("Agent") => Ok(Language::Agent),
        Some("WorkflowTest") => Ok(Language::Test),
        Some(word) => {
            let message = format!("`{word}` is not a kind of document");
            let mut diagnostic = Diagnostic::error(Code::UnknownKind, kind.value.span, message).suggest(word, KINDS);
            if diagnostic.help.is_empty() {
                diagnostic = diagnostic.help("the kinds are `Workflow`, `Agent` and `WorkflowTest`");
            }
            if word.starts_with("and") {
                diagnostic = diagnostic.help(format!("`kind: {word}` is a step; it stands in the list `steps`"));
            }
            Err(Box::new(diagnostic))
        }
        None => Err(Box::new(
            unknown(kind.value.span, "`kind` must be a text").help("write `kind: Workflow`"),
        )),
    }
}

const ONLY_NATIVE: &str = "workflows are written with `kind: Workflow` and a list of `steps`";
