//! The configuration: `interpret.yaml` beside the workflows.
//!
//! Workflows say what they want to reach by name; here stands what the names mean. So the same workflow runs against a
//! script, a server of one's own and a provider, by one line here or by a variable of the environment.
#![allow(
    clippy::disallowed_methods,
    reason = "the configuration is a file, and variables of the environment override it"
)]

mod dify;
mod read;
mod secrets;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use dify::{Dify, DifyKey, KnownBy};
pub use secrets::{SecretCommand, SecretSources};
pub use server::{McpServer, McpWay};

use crate::data::Sealed;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::source::{Sources, Span};
use crate::yaml;

/// The names that the file may have.
pub const FILES: [&str; 2] = ["interpret.yaml", "interpret.yml"];

/// A configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Connections to models, by the name that stands before the slash in `model`.
    pub connections: BTreeMap<Name, Connection>,
    /// MCP servers, by the name that workflows and agents give as `server`.
    pub mcp: BTreeMap<Name, McpServer>,
    /// Where secrets come from, besides the environment.
    pub secrets: SecretSources,
    /// What Dify's protocol is served with.
    pub dify: Dify,
}

/// A connection to models.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What is spoken on it.
    pub kind: ConnectionKind,
    /// Where it leads; absent, it is up to the kind.
    pub base_url: Option<Name>,
    /// What it identifies itself with.
    pub key: Option<Sealed>,
    /// Headers of each request.
    pub headers: Vec<(Name, Sealed)>,
    /// What each request has behind `?`.
    pub query: Vec<(Name, Sealed)>,
    /// What models cost.
    pub prices: BTreeMap<Name, Price>,
    /// The files with the answers of a script, as they can be opened.
    pub answers: Vec<PathBuf>,
    /// Where it was written.
    pub place: Span,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionKind {
    /// Chat completions, as OpenAI and many others have them.
    ChatCompletions,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Anthropic,
    /// Nothing: answers come from a file.
    Scripted,
}

impl ConnectionKind {
    /// Every kind.
    pub const ALL: [ConnectionKind; 4] = [
        ConnectionKind::ChatCompletions,
        ConnectionKind::Responses,
        ConnectionKind::Anthropic,
        ConnectionKind::Scripted,
    ];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        match self {
            ConnectionKind::ChatCompletions => "chat-completions",
            ConnectionKind::Responses => "responses",
            ConnectionKind::Anthropic => "anthropic",
            ConnectionKind::Scripted => "scripted",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<ConnectionKind> {
        ConnectionKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Tokens of requests.
    pub input: f64,
    /// Tokens of answers.
    pub output: f64,
    /// Tokens of requests that came from a cache; the default is the price of input.
    pub cached: Option<f64>,
}

/// What came of looking for a configuration.
#[derive(Debug, Default)]
pub struct Found {
    /// The configuration; an empty one where there is no file.
    pub config: Config,
    /// The file it was read from.
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// Its text.
    pub sources: Sources,
}

impl Found {
    /// Whether it cannot be used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// The configuration of the first of some folders that has one.
pub fn find(folders: &[PathBuf]) -> Found {
    let candidates = folders.iter().flat_map(|folder| FILES.map(|name| folder.join(name)));
    match candidates.into_iter().find(|path| path.is_file()) {
        Some(path) => load(&path),
        None => Found::default(),
    }
}

/// The configuration of a file.
pub fn load(path: &Path) -> Found {
    let mut found = Found {
        path: Some(path.to_owned()),
        ..Found::default()
    };
    let limits = yaml::Limits::default();
    let name = path.display().to_string();
    let text = match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) if text.len() <= limits.bytes => text,
        Ok(Ok(_)) => {
            let message = format!("{name} is larger than {} bytes", limits.bytes);
            found.diagnostics.push(Diagnostic::error(Code::TooLarge, None, message));
            return found;
        }
        Ok(Err(_)) => {
            let message = format!("{name} is not UTF-8");
            found.diagnostics.push(Diagnostic::error(Code::NotUtf8, None, message));
            return found;
        }
        Err(error) => {
            let message = format!("cannot read {name}: {error}");
            found
                .diagnostics
                .push(Diagnostic::error(Code::Unreadable, None, message));
            return found;
        }
    };
    let text: Arc<str> = text.into();
    let file = found.sources.add(name, text.clone());
    let folder = path.parent().unwrap_or(Path::new(""));
    let (config, diagnostics) = read::read(file, &text, folder, &|name| std::env::var(name).ok());
    found.config = config;
    found.diagnostics = diagnostics;
    found
}
