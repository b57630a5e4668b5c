//! From the configuration to connections.
#![allow(
    clippy::disallowed_methods,
    reason = "the answers of scripts are files beside the configuration"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::cassette::{Recording, Tape};
use super::model::{Model, Models};
use super::script::{Script, Scripted};
use super::wire::{Protocol, Wire};
use super::{Provider, Providers};
use crate::config::{self, Config, ConnectionKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::permit::Permit;
use crate::run::ModelRequest;
use crate::secret::Secrets;
use crate::source::Sources;
use crate::yaml;

/// The scripts of a configuration, by the names of their connections.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    by_connection: BTreeMap<Name, Script>,
}

/// A configuration with its scripts, and what is wrong with either.
#[derive(Debug, Default)]
pub struct Configured {
    /// What was configured.
    pub config: Config,
    /// What scripted connections answer.
    pub scripts: Scripts,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that places of findings are in.
    pub sources: Sources,
    /// What is done with exchanges with providers.
    tape: Option<Tape>,
}

impl Scripts {
    /// The script that answers a request; none if its connection is no script.
    pub fn of(&self, request: &ModelRequest) -> Option<&Script> {
        self.by_connection.get(&request.model.connection)
    }
}

impl Configured {
    /// The configuration of the first of some folders that has one, with its scripts.
    pub fn find(folders: &[PathBuf]) -> Configured {
        Configured::of(config::find(folders))
    }

    /// A configuration with its scripts.
    pub fn of(found: config::Found) -> Configured {
        let mut configured = Configured {
            config: found.config,
            diagnostics: found.diagnostics,
            sources: found.sources,
            ..Configured::default()
        };
        let connections = configured.config.connections.clone();
        for (name, connection) in connections {
            if connection.kind == ConnectionKind::Scripted {
                let scripts = connection
                    .answers
                    .iter()
                    .map(|path| configured.script(path, connection.place));
                let script = Script::joined(scripts.collect());
                configured.scripts.by_connection.insert(name, script);
            }
        }
        configured
    }

    /// The same, where exchanges with providers are recorded, or answered from a recording. Scripts are not concerned.
    #[must_use]
    pub fn with_tape(mut self, tape: Option<Tape>) -> Configured {
        self.tape = tape;
        self
    }

    /// Whether it cannot be used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    fn script(&mut self, path: &PathBuf, asked: crate::source::Span) -> Script {
        let name = path.display().to_string();
        let limits = yaml::Limits::default();
        let text: Arc<str> = match std::fs::read_to_string(path) {
            Ok(text) => text.into(),
            Err(error) => {
                let message = format!("cannot read the answers in {name}: {error}");
                self.diagnostics
                    .push(Diagnostic::error(Code::Unreadable, asked, message));
                return Script::default();
            }
        };
        let file = self.sources.add(name, text.clone());
        let (documents, diagnostics) = yaml::parse(file, &text, &limits);
        self.diagnostics.extend(diagnostics);
        let Some(root) = documents.first().map(|document| &document.root) else {
            return Script::default();
        };
        let (data, errors) = match Script::from_data(&root.data()) {
            Ok(script) => (script, Vec::new()),
            Err(errors) => (Script::default(), errors),
        };
        for error in errors {
            let code = if error.known.is_empty() {
                Code::InvalidValue
            } else {
                Code::UnknownKey
            };
            let place = root.locate(&error.pointer);
            self.diagnostics.push(Diagnostic::error(code, place, error.message));
        }
        data
    }

    /// The connections, over the HTTP client of some providers and with what those may reach.
    pub fn models(&self, providers: &Providers) -> Models {
        let mut models = Models::new();
        if let Some(Tape::Replay(replay)) = &self.tape {
            models = models.with_otherwise(replay.clone());
        }
        for (name, connection) in &self.config.connections {
            let wire = |protocol| -> Arc<dyn Model> {
                let wire = Wire::new(
                    name.clone(),
                    protocol,
                    connection.clone(),
                    providers.http.clone(),
                    providers.secrets.clone(),
                    providers.clock.clone(),
                );
                match &self.tape {
                    None => Arc::new(wire),
                    Some(Tape::Replay(replay)) => replay.clone(),
                    Some(Tape::Record(recorder)) => Arc::new(Recording {
                        model: Arc::new(wire),
                        recorder: recorder.clone(),
                        secrets: providers.secrets.clone(),
                    }),
                }
            };
            let model = match connection.kind {
                ConnectionKind::Scripted => {
                    let script = self.scripts.by_connection.get(name).cloned().unwrap_or_default();
                    Arc::new(Scripted::new(script, providers.clock.clone()))
                }
                ConnectionKind::ChatCompletions => wire(Protocol::Chat),
                ConnectionKind::Responses => wire(Protocol::Responses),
                ConnectionKind::Anthropic => wire(Protocol::Anthropic),
            };
            models = models.with(name.clone(), model, connection.prices.clone());
        }
        models
    }
}

impl Configured {
    /// The MCP servers, of which none is opened yet.
    #[cfg(feature = "mcp")]
    pub fn mcp(&self, permit: &Arc<Permit>, secrets: &Arc<Secrets>) -> Arc<dyn Provider> {
        Arc::new(super::Mcp::new(&self.config, permit, secrets))
    }

    /// In place of MCP servers, which this build knows nothing of: a provider that says so.
    #[cfg(not(feature = "mcp"))]
    pub fn mcp(&self, _: &Arc<Permit>, _: &Arc<Secrets>) -> Arc<dyn Provider> {
        struct LeftOut;
        impl Provider for LeftOut {
            fn perform(&self, _: super::Effect) -> super::Performing {
                let message = "this build of interpret speaks to no MCP servers: it lacks the cargo feature `mcp`";
                let failure = crate::run::Failure::new("mcp.unavailable", message);
                Box::pin(std::future::ready(super::failed(failure)))
            }
        }
        Arc::new(LeftOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_from_its_file_and_mistakes_have_places() {
        let folder = std::env::temp_dir().join(format!("interpret-connect-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write(
            "interpret.yaml",
            "connections: { one: { kind: scripted, answers: said.yaml } }\n",
        );
        write("said.yaml", "- { output: Hello }\n- { outptu: Hello }\n");
        let configured = Configured::find(std::slice::from_ref(&folder));
        let found: Vec<String> = configured
            .diagnostics
            .iter()
            .map(|finding| {
                format!(
                    "{} {}",
                    finding.code,
                    configured.sources.file(finding.span.unwrap().file).name()
                )
            })
            .collect();
        assert_eq!(found, [format!("unknown-key {}", folder.join("said.yaml").display())]);
        write("said.yaml", "- { output: Hello }\n");
        assert!(!Configured::find(std::slice::from_ref(&folder)).has_errors());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
