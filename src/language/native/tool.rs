//! `tools`: what an agent may call (rule 35).
//!
//! A tool is a block of its own: the question whether it may be called, where there is one, and then the unit. So a call
//! of a tool is done as a step is, with its attempts, its time limit and its effect.

use std::sync::Arc;

use super::fields::Fields;
use super::keys::{self, Schemas};
use super::outline::{Expects, Field, Part, StepIndex};
use super::reader::{At, Reader};
use super::unit::{self, Task, UnitKind};
use crate::contract::Schema;
use crate::data;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Expression};
use crate::graph::{Approve, Enter, Keys, Name, Node, Op, Target, Tool};
use crate::source::Span;
use crate::yaml;

/// Whose tools are read.
#[derive(Clone, Copy)]
pub(super) struct Owner<'o> {
    /// The id of the agent, or of the step, behind which those of its tools stand.
    pub id: &'o Name,
    /// The step that has them; an agent of its own is in none.
    pub step: Option<StepIndex>,
}

/// What a tool can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mcp,
    Workflow,
    Function,
    Http,
    Exec,
}

const KINDS: [(&str, Kind); 5] = [
    ("mcp", Kind::Mcp),
    ("workflow", Kind::Workflow),
    ("function", Kind::Function),
    ("http", Kind::Http),
    ("exec", Kind::Exec),
];

const HELP: &str = "write for example `- mcp: { server: helpdesk, tool: search }`";

/// What was read of a tool itself, before the nodes are made.
struct Read {
    op: Op,
    name: Option<Name>,
    server: Option<(Name, Name)>,
    workflow: Option<(Name, Span)>,
    /// A name made of what is called, where none is given.
    given: Name,
    kind: &'static str,
}

/// Reads `tools`.
pub(super) fn tools(reader: &mut Reader, node: &yaml::Node, owner: Owner<'_>) -> Vec<Tool> {
    let example = "[{ mcp: { server: helpdesk, tool: search } }]";
    let nodes = reader.list("tools", node, example).unwrap_or_default();
    let mut tools: Vec<Tool> = Vec::new();
    let mut places: Vec<(Name, Span)> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let Some(tool) = tool(reader, node, owner, at) else {
            continue;
        };
        if let Some((_, first)) = places.iter().find(|(name, _)| *name == tool.name) {
            let message = format!("two tools are called `{}`", tool.name);
            let finding = Diagnostic::error(Code::DuplicateId, node.span, message);
            reader.report(
                finding
                    .label(*first, "the first is here")
                    .help("give one of them another `name`"),
            );
            continue;
        }
        places.push((tool.name.clone(), node.span));
        tools.push(tool);
    }
    tools
}

fn tool(reader: &mut Reader, node: &yaml::Node, owner: Owner<'_>, at: usize) -> Option<Tool> {
    let parent = owner.step.map(|step| (step, Part::Tool(at)));
    let index = reader.outline_tool(node.span, parent, at);
    let mut fields = Fields::of(reader, "tools", node, HELP)?
        .called("a tool")
        .in_step(Some(index));
    let found = target(reader, &mut fields, index);
    let name_entry = fields.entry("name");
    let name = name_entry.and_then(|entry| {
        let name = reader.literal_text("name", &entry.value)?;
        is_name(&name).then(|| name.clone()).or_else(|| {
            let message = format!("`{name}` is no name for a tool");
            let help = "it has at most 64 letters, digits, `_` and `-`";
            reader.report(Diagnostic::error(Code::InvalidValue, entry.value.span, message).help(help));
            None
        })
    });
    if let (Some(read), None) = (&found, name_entry)
        && read.name.is_none()
        && read.given.is_empty()
    {
        fields.required("name", "search");
    }
    let description = fields.name(reader, "description");
    let parameters = fields.schema(reader, "inputSchema");
    let approval = match fields.entry("approval") {
        None => Ok(None),
        Some(entry) => {
            if reader.around.finally {
                let message = "`approval` waits for a person, and nothing may wait inside `finally`";
                let help = "ask an agent whose tools need no approval";
                reader.report(Diagnostic::error(Code::WaitNotAllowed, entry.key_span, message).help(help));
            }
            let place = At {
                step: Some(index),
                field: Field::Approval,
            };
            let condition = reader.expression("approval", &entry.value, place, Expects::Boolean);
            condition.map(Some).ok_or(())
        }
    };
    let timeout = fields.timing(reader, "timeout", Field::Own, true);
    let retry = fields.retry(reader);
    fields.close(reader);

    let Read {
        mut op,
        given,
        kind,
        server,
        workflow,
        ..
    } = found?;
    let name = match name_entry {
        Some(_) => name?,
        None => given,
    };
    if name.is_empty() {
        return None;
    }
    let approval = approval.ok()?;
    let mut keys = Keys {
        timeout,
        retry,
        ..Keys::default()
    };
    reader.defaults.apply(&mut op, &mut keys);
    let asks = approval.is_some();
    let approve = approval.map(|when| approve(&name, when)).transpose().ok()?;
    let node_of = |suffix: String, kind: &'static str, op: Op, keys: Keys| Node {
        id: format!("{}/{suffix}", owner.id).into(),
        kind,
        name: None,
        purpose: description.clone(),
        origin: node.span,
        named: false,
        op,
        keys: keys::some(keys),
    };
    let approve = approve.map(|approve| {
        let op = Op::Approve(Box::new(approve));
        node_of(format!("approve.{name}"), "approval", op, Keys::default())
    });
    let unit = node_of(name.to_string(), kind, op, keys);
    let nodes: Vec<_> = approve
        .into_iter()
        .chain([unit])
        .map(|node| reader.builder.node(node))
        .collect();
    let block = reader.builder.block(nodes);
    if let Some((workflow, span)) = &workflow {
        reader.outline.steps[index.0].tool = Some((workflow.clone(), *span));
    }
    let (server, remote) = server.unzip();
    Some(Tool {
        name,
        description,
        parameters,
        server,
        remote,
        workflow,
        asks,
        block,
    })
}

/// The one thing that is called.
fn target(reader: &mut Reader, fields: &mut Fields<'_>, index: StepIndex) -> Option<Read> {
    let mut found: Vec<_> = KINDS
        .into_iter()
        .filter_map(|(key, kind)| Some((key, kind, fields.entry(key)?)))
        .collect();
    found.sort_by_key(|(_, _, entry)| entry.key_span.start);
    let (key, kind, entry) = match found[..] {
        [] => {
            let message = "a tool needs `mcp`, `workflow`, `function`, `http` or `exec`".to_owned();
            let kinds = KINDS.iter().map(|(key, _)| *key).collect();
            fields.missing("mcp", kinds, message, HELP.to_owned());
            return None;
        }
        [only] => only,
        [(_, _, first), (_, _, second), ..] => {
            let message = "a tool is one of `mcp`, `workflow`, `function`, `http` and `exec`";
            let diagnostic = Diagnostic::error(Code::ConflictingKeys, second.key_span, message)
                .label(first.key_span, "the first is here")
                .help("list them as two tools");
            reader.report(diagnostic);
            return None;
        }
    };
    let all = Build::Expression(Arc::new(Expression::compile("arguments").ok()?));
    let mut read = Read {
        op: Op::Block(crate::graph::BlockId(0)),
        name: None,
        server: None,
        workflow: None,
        given: "".into(),
        kind: key,
    };
    read.op = match kind {
        Kind::Mcp => {
            let (server, tool) = mcp(reader, &entry.value)?;
            read.given = as_name(&tool);
            read.server = Some((server.clone(), tool.clone()));
            Op::Call(Box::new(crate::graph::Call {
                target: Target::Mcp {
                    server,
                    tool,
                    arguments: Some(all),
                },
                result_schema: None,
            }))
        }
        Kind::Workflow => {
            let workflow = reader.literal_text("workflow", &entry.value)?;
            read.given = as_name(&workflow);
            read.workflow = Some((workflow.clone(), entry.value.span));
            Op::Enter(Box::new(Enter {
                workflow,
                version: None,
                input: Some(all),
                target: None,
            }))
        }
        Kind::Function => {
            let name = reader.literal_text("function", &entry.value)?;
            read.given = as_name(&name);
            Op::Call(Box::new(crate::graph::Call {
                target: Target::Function {
                    name,
                    arguments: Some(all),
                },
                result_schema: None,
            }))
        }
        Kind::Http | Kind::Exec => {
            let unit = match kind {
                Kind::Http => UnitKind::Http,
                _ => UnitKind::Exec,
            };
            let task = Task {
                kind: unit,
                entry,
                step: index,
                schemas: Schemas::default(),
            };
            let mut op = task.read(reader)?.op;
            if let Op::Call(call) = &mut op
                && let Target::Exec { stdin, .. } = &mut call.target
            {
                stdin.get_or_insert(all);
            }
            op
        }
    };
    Some(read)
}

fn mcp(reader: &mut Reader, node: &yaml::Node) -> Option<(Name, Name)> {
    let help = "write for example `mcp: { server: helpdesk, tool: search }`";
    let mut fields = Fields::of(reader, "mcp", node, help)?;
    let server = unit::read_server(reader, &mut fields);
    let tool = fields.required_name(reader, "tool", "search");
    fields.close(reader);
    Some((server?, tool?))
}

/// What a person who is asked has to answer.
fn approve(tool: &Name, when: Arc<Expression>) -> Result<Approve, ()> {
    let schema = Schema::new(&data!({
        "type": "object",
        "required": ["approved"],
        "properties": { "approved": { "type": "boolean" }, "reason": { "type": "string" } },
    }));
    Ok(Approve {
        tool: tool.clone(),
        when,
        schema: schema.map_err(|_| ())?,
    })
}

/// Whether models take a text as the name of a tool.
fn is_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

/// A name for a tool, made of that of what it calls.
fn as_name(text: &str) -> Name {
    let letters = text
        .chars()
        .take(64)
        .map(|letter| match letter.is_ascii_alphanumeric() || letter == '-' {
            true => letter,
            false => '_',
        });
    letters.collect::<String>().into()
}
