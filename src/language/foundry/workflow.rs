//! The top level of a workflow.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::action;
use super::action::Kind;
use super::flow::Label;
use super::reader::{Action, Fields, Reader, computed};
use super::source;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::Compute;
use crate::graph::{Converse, Header, Name};
use crate::language::{Definition, Read};
use crate::source::Span;
use crate::yaml::{Node, Value};

/// How many jumps backwards there may be where the file does not say.
const MOST_JUMPS: u32 = 10_000;

/// Whether a document is a workflow of Foundry, by its shape.
pub(crate) fn is_workflow(root: &Node) -> bool {
    let kind = root.get("kind").map(|kind| kind.as_str().unwrap_or_default());
    let started = root.get("trigger").is_some() || root.get("actions").is_some();
    started && root.get("steps").is_none() && kind.is_none_or(source::is_workflow)
}

/// The id of a workflow and where it is written: its own, its name, the name of its file, or the id of its trigger.
pub(crate) fn id(root: &Node, file: Option<&str>) -> Option<(Name, Span)> {
    let text = |node: Option<&Node>| {
        let node = node?;
        let text = node.as_scalar()?.text.trim();
        (!text.is_empty() && !node.is_null()).then(|| (Name::from(text), node.span))
    };
    let start = root
        .as_map()
        .and_then(|entries| entries.first())
        .map_or(root.span, |entry| entry.key_span);
    text(root.get("id"))
        .or_else(|| text(root.get("name")))
        .or_else(|| Some((Name::from(file.filter(|file| !file.is_empty())?), start)))
        .or_else(|| text(root.get("trigger").and_then(|trigger| trigger.get("id"))))
}

/// Reads a workflow; `file` is the name of its file without what tells its format.
pub(crate) fn read(root: &Node, source: &Arc<str>, file: Option<&str>) -> Read {
    let mut reader = Reader::new(source, talks(root));
    reader.taken = ids(root);
    let header = header(&mut reader, root, file);
    let (header, limit) = match header {
        Some((header, limit)) => (Some(header), limit),
        None => (None, MOST_JUMPS),
    };
    gotos(&mut reader);
    clear_all(&mut reader);
    let mut diagnostics = std::mem::take(&mut reader.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.file, span.start)));
    let errors = diagnostics.iter().any(Diagnostic::is_error);
    let definition = header.filter(|_| !errors).map(|mut header| {
        header.permissions.env = std::mem::take(&mut reader.env).into_iter().collect();
        header.permissions.http = std::mem::take(&mut reader.hosts).into_iter().collect();
        let (flow, builder) = (std::mem::take(&mut reader.flow), std::mem::take(&mut reader.builder));
        Definition::Workflow(Arc::new(flow.finish(builder, header, limit)))
    });
    Read {
        definition,
        outline: None,
        diagnostics,
    }
}

fn header(reader: &mut Reader<'_>, root: &Node, file: Option<&str>) -> Option<(Header, u32)> {
    let entries = root.as_map()?;
    let anchor = root.entry("kind").map_or(root.span, |entry| entry.value.span);
    let mut fields = Fields::new(entries, "a workflow", anchor);
    let name = fields
        .text(reader, &["name"])
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty());
    let description = fields
        .text(reader, &["description"])
        .map(|(text, _)| text)
        .filter(|text| !text.is_empty());
    // What the runtime for Python declares, and what editors leave.
    for more in ["inputs", "outputs", "beginDialog", "schemaName", "version"] {
        fields.get(match more {
            "inputs" => &["inputs"],
            "outputs" => &["outputs"],
            "beginDialog" => &["beginDialog"],
            "schemaName" => &["schemaName"],
            _ => &["version"],
        });
    }
    let limit = match fields.get(&["maxTurns"]) {
        None => Some(MOST_JUMPS),
        Some(entry) => {
            let turns = entry.value.as_scalar().and_then(|scalar| scalar.data.as_i64());
            let turns = turns
                .and_then(|turns| u32::try_from(turns).ok())
                .filter(|turns| *turns > 0);
            if turns.is_none() {
                reader.wrong_type(
                    "maxTurns",
                    &entry.value,
                    "a whole number from 1",
                    "write for example `maxTurns: 500`",
                );
            }
            turns
        }
    };
    let trigger = fields.get(&["trigger"]);
    let beside = fields.get(&["actions"]);
    fields.close(reader);
    let id = id(root, file).map(|(id, _)| id);
    let action = match trigger {
        Some(entry) => trigger_actions(reader, &entry.value, entry.key_span, beside.map(|entry| &entry.value)),
        None => {
            let action = begins(None, root.span);
            begin(reader, &action);
            if let Some(actions) = beside {
                action::list(reader, "actions", &actions.value);
            }
            Some(action)
        }
    };
    let id = id.or(action.map(|action| action.id));
    let mut header = Header::new(id?, root.span);
    header.name = name;
    header.description = description;
    header.hash = hash(reader.source, root.span);
    header.is_dialogue = true;
    header.state = Some(computed(Compute::Opening));
    header.output = Some(super::result());
    Some((header, limit?))
}

/// The trigger, and the actions in it or beside it.
fn trigger_actions(reader: &mut Reader<'_>, node: &Node, span: Span, beside: Option<&Node>) -> Option<Action> {
    let Some(entries) = node.as_map() else {
        reader.wrong_type(
            "trigger",
            node,
            "a mapping",
            "write `kind: OnConversationStart`, `id` and `actions` under it",
        );
        return None;
    };
    let mut fields = Fields::new(entries, "a trigger", span);
    let kind = fields.required(reader, &["kind"], "OnConversationStart");
    if let Some(entry) = kind {
        let word = entry.value.as_scalar().map_or("", |scalar| &*scalar.text);
        let known = ["OnConversationStart", "OnActivity", "OnUnknownIntent"];
        if !known.iter().any(|kind| kind.eq_ignore_ascii_case(word)) {
            let message = format!("`{word}` is no kind of trigger");
            let finding = Diagnostic::error(Code::UnknownKind, entry.value.span, message).suggest(word, known);
            reader.report(finding.help("a workflow begins with `OnConversationStart`"));
        }
    }
    let id = fields.required(reader, &["id"], "workflow_start");
    let actions = fields.get(&["actions"]).map(|entry| &entry.value);
    fields.close(reader);
    let id = id
        .and_then(|entry| entry.value.as_scalar())
        .map(|scalar| scalar.text.clone());
    let action = begins(id, node.span);
    begin(reader, &action);
    if actions.is_none() && beside.is_none() {
        let finding = Diagnostic::error(Code::MissingKey, span, "a trigger needs `actions`");
        reader.report(finding.help("add for example `actions: [{ kind: SendActivity, activity: Hello }]`"));
    }
    for actions in [actions, beside].into_iter().flatten() {
        action::list(reader, "actions", actions);
    }
    Some(action)
}

fn begins(id: Option<Name>, origin: Span) -> Action {
    Action {
        kind: "OnConversationStart",
        id: id.filter(|id| !id.is_empty()).unwrap_or_else(|| "start".into()),
        name: None,
        purpose: None,
        origin,
    }
}

/// What the user says is kept in the conversation of the run, where somebody may read it.
fn begin(reader: &mut Reader<'_>, action: &Action) {
    if !reader.talks {
        return;
    }
    let converse = Converse::Copy {
        conversation: computed(Compute::Conversation),
        messages: computed(Compute::Beginning),
    };
    reader.flow.push(action.node("begin", action::talk(converse)));
}

/// Whether anything in a document reads or writes conversations.
fn talks(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => false,
        Value::List(items) => items.iter().any(talks),
        Value::Map(entries) => entries.iter().any(|entry| {
            let kind = entry.value.as_str().filter(|_| &*entry.key == "kind");
            kind.is_some_and(Kind::talks) || talks(&entry.value)
        }),
    }
}

/// All ids that authors gave.
fn ids(node: &Node) -> HashSet<Name> {
    let mut found = HashSet::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => open.extend(items),
            Value::Map(entries) => {
                for entry in entries {
                    if &*entry.key == "id"
                        && let Some(scalar) = entry.value.as_scalar()
                    {
                        found.insert(scalar.text.clone());
                    }
                    open.push(&entry.value);
                }
            }
        }
    }
    found
}

/// Gotos lead to the places they name.
fn gotos(reader: &mut Reader<'_>) {
    for (own, target, label, span) in std::mem::take(&mut reader.gotos) {
        let finding = match reader.targets.get(&target) {
            Some(_) if own == target => {
                let message = format!("`{own}` goes to itself, without an end");
                Diagnostic::error(Code::InvalidValue, span, message).help("name another action")
            }
            Some((to, _)) => {
                let to: Label = *to;
                reader.flow.same(label, to);
                continue;
            }
            None => {
                let message = format!("there is no action `{target}`");
                let known: Vec<String> = reader.targets.keys().map(|id| id.to_string()).collect();
                Diagnostic::error(Code::UnknownStep, span, message).suggest(&target, known.iter().map(|id| &**id))
            }
        };
        reader.report(finding);
    }
}

/// Clears what the file writes anywhere.
fn clear_all(reader: &mut Reader<'_>) {
    let cleared: BTreeMap<Name, &'static str> = std::mem::take(&mut reader.cleared).into_iter().collect();
    if cleared.is_empty() {
        return;
    }
    let written = std::mem::take(&mut reader.written);
    for node in reader.flow.nodes_mut() {
        let Some(prefix) = cleared.get(&node.id).filter(|prefix| !prefix.is_empty()) else {
            continue;
        };
        let keys = written.iter().filter(|key| key.starts_with(*prefix));
        let null = || crate::expr::Build::Literal(Default::default());
        node.keys
            .get_or_insert_default()
            .set_state
            .extend(keys.map(|key| (key.clone(), null())));
    }
}

fn hash(source: &str, span: Span) -> Name {
    let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    hash.into()
}
