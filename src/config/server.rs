//! MCP servers: programs that are started, or addresses that are reached.

use std::path::{Path, PathBuf};

use super::read::Reader;
use crate::data::Sealed;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Millis, Name, parse_duration};
use crate::source::Span;
use crate::yaml::{Entry, Node};

const KEYS: &[&str] = &["command", "env", "url", "headers", "timeout"];
/// How long a server may take to open, where that is not written. Some are fetched from a registry first.
const PATIENCE: Millis = Millis(60_000);

/// An MCP server.
#[derive(Clone, Debug)]
pub struct McpServer {
    /// How it is reached.
    pub way: McpWay,
    /// How long it may take to open, and to tell of its tools.
    pub timeout: Millis,
    /// Where it was written, if it was in a configuration.
    pub place: Option<Span>,
}

impl McpServer {
    /// A server of which only the address is known, and headers of its requests.
    pub fn at(url: Sealed, headers: Vec<(Name, Sealed)>) -> McpServer {
        McpServer {
            way: McpWay::Http { url, headers },
            timeout: PATIENCE,
            place: None,
        }
    }
}

/// How an MCP server is reached.
#[derive(Clone, Debug)]
pub enum McpWay {
    /// By the standard input and output of a program.
    Process {
        /// The program, as it was written.
        program: Name,
        /// Its arguments.
        arguments: Vec<Sealed>,
        /// Environment variables.
        env: Vec<(Name, Sealed)>,
        /// The folder it starts in, which a relative path of it starts from: that of the configuration.
        folder: PathBuf,
    },
    /// By HTTP.
    Http {
        /// The address.
        url: Sealed,
        /// Headers of each request.
        headers: Vec<(Name, Sealed)>,
    },
}

/// Reads a server.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry, folder: &Path) -> Option<McpServer> {
    let name = &entry.key;
    let entries = reader.entries(&entry.value, &format!("the MCP server `{name}`"), KEYS);
    let find = |key: &str| entries.iter().find(|entry| &*entry.key == key).copied();
    let timeout = match find("timeout") {
        Some(entry) => timeout(reader, &entry.value),
        None => PATIENCE,
    };
    let way = match (find("command"), find("url")) {
        (Some(command), None) => {
            other(reader, name, find("headers"), "command");
            let env = find("env").map(|entry| reader.sealed_entries("env", &entry.value));
            let (program, arguments) = command_line(reader, &command.value)?;
            McpWay::Process {
                program,
                arguments,
                env: env.unwrap_or_default(),
                folder: folder.to_owned(),
            }
        }
        (None, Some(url)) => {
            other(reader, name, find("env"), "url");
            let headers = find("headers").map(|entry| reader.sealed_entries("headers", &entry.value));
            McpWay::Http {
                url: address(reader, &url.value)?,
                headers: headers.unwrap_or_default(),
            }
        }
        (Some(command), Some(url)) => {
            let message = format!("the MCP server `{name}` has `command` and `url`, but is reached in one way");
            let finding = Diagnostic::error(Code::ConflictingKeys, url.key_span, message);
            let finding = finding.label(command.key_span, "the first is here");
            reader.diagnostics.push(finding.help("remove one of them"));
            return None;
        }
        (None, None) => {
            let message = format!("the MCP server `{name}` needs `command` or `url`");
            let help = "write for example `command: [npx, -y, some-server]` or `url: https://mcp.example.com/mcp`";
            reader.report(Code::MissingKey, entry.key_span, message, help);
            return None;
        }
    };
    Some(McpServer {
        way,
        timeout,
        place: Some(entry.key_span),
    })
}

/// A key that belongs to the other way.
fn other(reader: &mut Reader<'_>, name: &Name, entry: Option<&Entry>, way: &str) {
    let Some(entry) = entry else { return };
    let message = format!(
        "`{}` has no meaning for the MCP server `{name}`, which has `{way}`",
        entry.key
    );
    reader.report(Code::ConflictingKeys, entry.key_span, message, "remove it");
}

fn timeout(reader: &mut Reader<'_>, node: &Node) -> Millis {
    let Some(text) = reader.text("timeout", node) else {
        return PATIENCE;
    };
    match parse_duration(&text) {
        Ok(timeout) => timeout,
        Err(error) => {
            reader.report(
                Code::InvalidDuration,
                node.span,
                error.to_string(),
                "write for example `2m`",
            );
            PATIENCE
        }
    }
}

/// The program, which is a text, and its arguments.
fn command_line(reader: &mut Reader<'_>, node: &Node) -> Option<(Name, Vec<Sealed>)> {
    let help = "write the program and its arguments, for example `[npx, -y, some-server]`";
    let Some(words) = node.as_list() else {
        let message = format!("`command` needs a list, but is a {}", node.kind());
        reader.report(Code::WrongType, node.span, message, help);
        return None;
    };
    let Some((first, rest)) = words.split_first() else {
        reader.report(Code::InvalidValue, node.span, "`command` is empty", help);
        return None;
    };
    let program = reader.text("command", first)?;
    let arguments: Vec<Option<Sealed>> = rest.iter().map(|word| reader.sealed("command", word)).collect();
    Some((program, arguments.into_iter().collect::<Option<_>>()?))
}

fn address(reader: &mut Reader<'_>, node: &Node) -> Option<Sealed> {
    let url = reader.sealed("url", node)?;
    if let Some(plain) = url.plain()
        && !plain
            .as_str()
            .is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"))
    {
        let message = format!("`url` needs an address of the web, not {plain}");
        reader.report(
            Code::InvalidValue,
            node.span,
            message,
            "write for example `https://mcp.example.com/mcp`",
        );
        return None;
    }
    Some(url)
}
