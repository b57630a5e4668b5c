//! Where secrets come from, besides the environment: a file, a command.

use std::path::{Path, PathBuf};

use super::read::Reader;
use crate::diagnostic::Code;
use crate::graph::Name;
use crate::yaml::Node;

const KEYS: &[&str] = &["envFile", "command"];
/// What stands for the name of a secret among the arguments.
const PLACE: &str = "{name}";

/// Where secrets come from that are not in the environment, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretSources {
    /// A file of `NAME=value` lines, as it can be opened.
    pub env_file: Option<PathBuf>,
    /// A program that prints the value of one.
    pub command: Option<SecretCommand>,
}

/// A program that prints the value of a secret, such as a password manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretCommand {
    /// The program, as it was written.
    pub program: Name,
    /// Its arguments, in which `{name}` stands for the name.
    pub arguments: Vec<Name>,
    /// The folder it starts in, which a relative path of it starts from: that of the configuration.
    pub folder: PathBuf,
}

impl SecretCommand {
    /// The arguments with the name of a secret.
    pub fn arguments_for(&self, name: &str) -> Vec<String> {
        let filled = self.arguments.iter().map(|argument| argument.replace(PLACE, name));
        filled.collect()
    }

    /// The command as it is called for a secret.
    pub fn shown(&self, name: &str) -> String {
        let words = std::iter::once(self.program.to_string()).chain(self.arguments_for(name));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Reads `secrets`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> SecretSources {
    let mut sources = SecretSources::default();
    for entry in reader.entries(node, "`secrets`", KEYS) {
        match &*entry.key {
            "envFile" => {
                let path = reader.text("envFile", &entry.value);
                sources.env_file = path.map(|path| folder.join(&*path));
            }
            _ => sources.command = command(reader, &entry.value, folder),
        }
    }
    sources
}

fn command(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Option<SecretCommand> {
    let help = "write the program and its arguments, for example `[pass, show, \"interpret/{name}\"]`";
    let Some(words) = node.as_list() else {
        let message = format!("`command` needs a list, but is a {}", node.kind());
        reader.report(Code::WrongType, node.span, message, help);
        return None;
    };
    let words: Vec<Option<Name>> = words.iter().map(|word| reader.text("command", word)).collect();
    let words: Vec<Name> = words.into_iter().collect::<Option<_>>()?;
    match words.split_first() {
        Some((program, arguments)) if arguments.iter().any(|argument| argument.contains(PLACE)) => {
            Some(SecretCommand {
                program: program.clone(),
                arguments: arguments.to_vec(),
                folder: folder.to_owned(),
            })
        }
        _ => {
            let message = "`command` has no argument with `{name}`, where the name of the secret stands";
            reader.report(Code::InvalidValue, node.span, message, help);
            None
        }
    }
}
