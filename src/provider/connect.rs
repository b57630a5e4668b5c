//! From the configuration to connections.
#![allow(
    clippy::disallowed_methods,
    reason = "the answers of scripts are files beside the configuration"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt;

use super::Provider;
use super::model::{Answering, Model, ModelTurn, Models};
use super::script::{Script, Scripted};
use crate::clock::Clock;
use crate::config::{self, Config, ConnectionKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::permit::Permit;
use crate::run::{Failure, ModelRequest};
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

    /// The connections; what a kind needs besides is handed on here.
    pub fn models(&self, clock: &Arc<dyn Clock>) -> Models {
        let mut models = Models::new();
        for (name, connection) in &self.config.connections {
            let model: Arc<dyn Model> = match connection.kind {
                ConnectionKind::Scripted => {
                    let script = self.scripts.by_connection.get(name).cloned().unwrap_or_default();
                    Arc::new(Scripted::new(script, clock.clone()))
                }
                kind @ (ConnectionKind::ChatCompletions | ConnectionKind::Responses | ConnectionKind::Anthropic) => {
                    Arc::new(NotBuiltIn(kind))
                }
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
                std::future::ready(super::failed(Failure::new("mcp.unavailable", message))).boxed()
            }
        }
        Arc::new(LeftOut)
    }
}

/// A kind of connection that nothing here speaks.
struct NotBuiltIn(ConnectionKind);

impl Model for NotBuiltIn {
    fn answer(&self, turn: ModelTurn) -> Answering {
        let message = format!(
            "connections of the kind `{}` are not built in; use a `scripted` one, or run with `--mocks FILE` and an \
             answer for step `{}`",
            self.0.word(),
            turn.effect.call.step
        );
        std::future::ready(Err(Failure::new("agent.unavailable", message))).boxed()
    }
}

impl std::fmt::Debug for NotBuiltIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.word())
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
