//! `kind: Agent`: a language model with its instructions and tools (rules 35 and 42).

use std::sync::Arc;

use super::fields::Fields;
use super::outline::{Expects, Field, StepIndex};
use super::reader::{At, Reader};
use super::{check, workflow};
use crate::contract::Schema;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Expression};
use crate::graph::Name;
use crate::language::{Definition, Files, Read};
use crate::source::Span;
use crate::yaml::Node;

/// An agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The id that steps name.
    pub id: Name,
    /// Its version.
    pub version: Option<Name>,
    /// The display name.
    pub name: Option<Name>,
    /// What it is for.
    pub purpose: Option<Name>,
    /// The model, as `provider/model`.
    pub model: Name,
    /// The system message.
    pub instructions: Option<Build>,
    /// What it may call.
    pub tools: Vec<Tool>,
    /// The shape of its answers, where the step asks for none.
    pub schema: Option<Schema>,
    /// How freely it answers.
    pub temperature: Option<f64>,
    /// How many turns of the model one question may take.
    pub max_turns: Option<u32>,
    /// Where it was written.
    pub origin: Span,
    /// The hash of the text it was written in.
    pub hash: Name,
}

/// Something an agent may call.
#[derive(Clone, Debug)]
pub struct Tool {
    /// What is called.
    pub target: ToolTarget,
    /// True of `arguments`: a person has to approve the call.
    pub approval: Option<Arc<Expression>>,
}

/// What a tool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolTarget {
    /// A tool of an MCP server.
    Mcp {
        /// The server's name in the configuration.
        server: Name,
        /// The tool.
        tool: Name,
    },
    /// A workflow, by its id.
    Workflow(Name),
    /// A function that the embedding program registered.
    Function(Name),
}

/// Reads an agent.
pub(crate) fn read(root: &Node, source: &Arc<str>, files: &dyn Files) -> Read {
    let mut reader = Reader::new(source, files, workflow::empty(root, source));
    let agent = agent(&mut reader, root);
    let mut diagnostics = reader.diagnostics;
    diagnostics.extend(check::check(&reader.outline));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.file, span.start)));
    let errors = diagnostics.iter().any(Diagnostic::is_error);
    Read {
        definition: agent
            .filter(|_| !errors)
            .map(|agent| Definition::Agent(Arc::new(agent))),
        outline: None,
        diagnostics,
    }
}

fn agent(reader: &mut Reader, root: &Node) -> Option<Agent> {
    let anchor = root.entry("kind").map_or(root.span, |entry| entry.value.span);
    let mut fields = Fields::new(root.as_map()?, "an agent", root.span).anchored(anchor);
    fields.knows("kind");
    let id = fields
        .required("id", "writer")
        .and_then(|entry| reader.id("id", &entry.value));
    let version = fields.name(reader, "version");
    let name = fields.name(reader, "name");
    let purpose = fields.name(reader, "purpose");
    let model = fields.required_name(reader, "model", "openai/gpt-4o");
    let instructions = fields.value(reader, "instructions", Field::Agent, Expects::Anything);
    let tools = match fields.entry("tools") {
        Some(entry) => tools(reader, &entry.value, None),
        None => Vec::new(),
    };
    let schema = fields.schema(reader, "schema");
    let temperature = fields.number(reader, "temperature", 0.0..=2.0);
    let max_turns = fields.whole(reader, "maxTurns", 1);
    fields.close(reader);
    Some(Agent {
        id: id?,
        version,
        name,
        purpose,
        model: model?,
        instructions,
        tools,
        schema,
        temperature,
        max_turns,
        origin: root.span,
        hash: workflow::hash(reader, root.span),
    })
}

/// Reads `tools`.
pub(super) fn tools(reader: &mut Reader, node: &Node, step: Option<StepIndex>) -> Vec<Tool> {
    let example = "[{ mcp: { server: helpdesk, tool: search } }]";
    let nodes = reader.list("tools", node, example).unwrap_or_default();
    nodes.iter().filter_map(|node| tool(reader, node, step)).collect()
}

fn tool(reader: &mut Reader, node: &Node, step: Option<StepIndex>) -> Option<Tool> {
    let help = "write for example `- mcp: { server: helpdesk, tool: search }`";
    let mut fields = Fields::of(reader, "tools", node, help)?.called("a tool").in_step(step);
    let kinds = ["mcp", "workflow", "function"];
    let found: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| Some((kind, fields.entry(kind)?)))
        .collect();
    let target = match &found[..] {
        [(_, first), (_, second), ..] => {
            let message = "a tool is one of `mcp`, `workflow` and `function`";
            let diagnostic = Diagnostic::error(Code::ConflictingKeys, second.key_span, message)
                .label(first.key_span, "the first is here")
                .help("list them as two tools");
            reader.report(diagnostic);
            None
        }
        [("mcp", entry)] => mcp(reader, &entry.value),
        [(kind, entry)] => {
            let name = reader.literal_text(kind, &entry.value);
            name.map(|name| match *kind {
                "workflow" => ToolTarget::Workflow(name),
                _ => ToolTarget::Function(name),
            })
        }
        [] => {
            let message = "a tool needs `mcp`, `workflow` or `function`".to_owned();
            fields.missing("mcp", kinds.to_vec(), message, help.to_owned());
            None
        }
    };
    let approval = match fields.entry("approval") {
        None => Ok(None),
        Some(entry) => {
            let at = At {
                step,
                field: Field::Approval,
            };
            let condition = reader.expression("approval", &entry.value, at, Expects::Boolean);
            condition.map(Some).ok_or(())
        }
    };
    fields.close(reader);
    Some(Tool {
        target: target?,
        approval: approval.ok()?,
    })
}

fn mcp(reader: &mut Reader, node: &Node) -> Option<ToolTarget> {
    let help = "write for example `mcp: { server: helpdesk, tool: search }`";
    let mut fields = Fields::of(reader, "mcp", node, help)?;
    let server = fields.required_name(reader, "server", "helpdesk");
    let tool = fields.required_name(reader, "tool", "search");
    fields.close(reader);
    Some(ToolTarget::Mcp {
        server: server?,
        tool: tool?,
    })
}
