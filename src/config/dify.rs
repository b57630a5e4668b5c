//! What Dify's protocol is served with: which key is for which workflow.

use super::read::Reader;
use crate::data::Sealed;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::source::Span;
use crate::yaml::{Entry, Node};

const KEYS: &[&str] = &["keys", "statuses"];
/// How a digest of a key begins.
const DIGEST: &str = "sha256:";
const EXAMPLE: &str = "write the digest that `interpret token` tells, or for example `=secrets.GREET_KEY`";

/// What Dify's protocol is served with.
#[derive(Clone, Debug, Default)]
pub struct Dify {
    /// Which key is for which workflow.
    pub keys: Vec<DifyKey>,
    /// Whether clients are told of statuses that some do not know, such as `paused`.
    pub all_statuses: bool,
}

/// A key for a workflow.
#[derive(Clone, Debug)]
pub struct DifyKey {
    /// The id of the workflow.
    pub workflow: Name,
    /// What it is known by.
    pub known_by: KnownBy,
    /// Where it was written.
    pub place: Span,
}

/// What a key is known by; the key itself stands in no file.
#[derive(Clone, Debug)]
pub enum KnownBy {
    /// Its digest: `sha256:` and 64 digits.
    Digest(Name),
    /// A secret.
    Secret(Sealed),
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>, section: &Entry) -> Dify {
    let entries = reader.entries(&section.value, "`dify`", KEYS);
    let find = |key: &str| {
        entries
            .iter()
            .find(|entry| &*entry.key == key)
            .map(|entry| &entry.value)
    };
    let mut dify = Dify::default();
    for entry in find("keys")
        .map(|node| reader.mapping(node, "keys"))
        .unwrap_or_default()
    {
        let one = std::slice::from_ref(&entry.value);
        for node in entry.value.as_list().unwrap_or(one) {
            dify.keys.extend(known_by(reader, node).map(|known_by| DifyKey {
                workflow: entry.key.clone(),
                known_by,
                place: node.span,
            }));
        }
    }
    if let Some(node) = find("statuses")
        && let Some(word) = reader.text("statuses", node)
    {
        match &*word {
            "known" => {}
            "all" => dify.all_statuses = true,
            _ => {
                let message = format!("`statuses` is `known` or `all`, not `{word}`");
                let finding = Diagnostic::error(Code::InvalidValue, node.span, message);
                reader.diagnostics.push(finding.suggest(&word, ["known", "all"]));
            }
        }
    }
    dify
}

fn known_by(reader: &mut Reader<'_>, node: &Node) -> Option<KnownBy> {
    let text = reader.text("keys", node)?;
    if let Some(digits) = text.strip_prefix(DIGEST) {
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(KnownBy::Digest(text));
        }
        let message = "this is no digest of a key: `sha256:` and 64 hexadecimal digits";
        reader.report(Code::InvalidValue, node.span, message, EXAMPLE);
        return None;
    }
    let sealed = reader.sealed("keys", node)?;
    if sealed.plain().is_some() {
        // What stands there may be a key, so it is not repeated.
        let message = "a key stands here as it is, where everybody reads it who reads the file";
        reader.report(Code::InvalidValue, node.span, message, EXAMPLE);
        return None;
    }
    Some(KnownBy::Secret(sealed))
}
