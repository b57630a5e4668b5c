//! `kind: Agent`, and the agent that is written in a step: a language model with its instructions and tools (rule 42).

use std::sync::Arc;

use super::fields::Fields;
use super::outline::{Expects, Field, StepIndex};
use super::reader::{At, Reader};
use super::tool::{self, Owner};
use super::{check, workflow};
use crate::data::Map;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Agent, AgentLimits, Builder, Graph, Header, ModelName, Name, Parameters};
use crate::language::{Definition, Files, Read};
use crate::source::Span;
use crate::yaml::Node;

/// Reads a document with an agent.
pub(crate) fn read(root: &Node, source: &Arc<str>, files: &dyn Files) -> Read {
    let mut reader = Reader::new(source, files, workflow::empty(root, source));
    reader.outline.agent = true;
    let agent = document(&mut reader, root);
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

fn document(reader: &mut Reader, root: &Node) -> Option<Agent> {
    let anchor = root.entry("kind").map_or(root.span, |entry| entry.value.span);
    let mut fields = Fields::new(root.as_map()?, "an agent", root.span).anchored(anchor);
    fields.knows("kind");
    let id = fields
        .required("id", "writer")
        .and_then(|entry| reader.id("id", &entry.value));
    let version = fields.name(reader, "version");
    let named = id.clone().unwrap_or_else(|| "".into());
    let agent = agent(reader, &mut fields, named, None, root.span);
    fields.close(reader);
    let graph = std::mem::replace(&mut reader.builder, Builder::new());
    Some(Agent {
        id: id?,
        version,
        graph: in_graph(graph, root.span),
        ..agent?
    })
}

/// An agent that is written in a step; its tools are nodes beside the step.
pub(super) fn inline(reader: &mut Reader, node: &Node, id: &Name, step: StepIndex) -> Option<Agent> {
    let help = "write for example `agent: { model: openai/gpt-4o }`";
    let fields = Fields::of(reader, "agent", node, help)?;
    let mut fields = fields.called("an agent in a step").in_step(Some(step));
    let agent = agent(reader, &mut fields, id.clone(), Some(step), node.span);
    fields.close(reader);
    agent
}

/// Everything but the id and the version.
fn agent(reader: &mut Reader, fields: &mut Fields<'_>, id: Name, step: Option<StepIndex>, span: Span) -> Option<Agent> {
    let name = fields.name(reader, "name");
    let purpose = fields.name(reader, "purpose");
    let model = match fields.required("model", "openai/gpt-4o") {
        Some(entry) => model(reader, "model", &entry.value),
        None => None,
    };
    let example = "[anthropic/claude-sonnet-4-5]";
    let others = fields.list(reader, "fallbacks", example).unwrap_or_default();
    let fallbacks: Vec<ModelName> = others
        .iter()
        .filter_map(|node| self::model(reader, "fallbacks", node))
        .collect();
    let field = if step.is_some() { Field::Own } else { Field::Agent };
    let instructions = fields.value(reader, "instructions", field, Expects::Anything);
    let tools = match fields.entry("tools") {
        Some(entry) => tool::tools(reader, &entry.value, Owner { id: &id, step }),
        None => Vec::new(),
    };
    let schema = fields.schema(reader, "schema");
    let parameters = parameters(reader, fields);
    let limits = limits(reader, fields);
    let mut models: Vec<ModelName> = vec![model?];
    for fallback in fallbacks {
        // One that is asked already would only fail again.
        if !models.contains(&fallback) {
            models.push(fallback);
        }
    }
    Some(Agent {
        id,
        version: None,
        name,
        purpose,
        models: models.into(),
        instructions,
        tools,
        schema,
        parameters,
        limits,
        origin: span,
        hash: workflow::hash(reader, span),
        graph: in_graph(Builder::new(), span),
    })
}

fn in_graph(mut builder: Builder, span: Span) -> Arc<Graph> {
    let body = builder.block(Vec::new());
    Arc::new(builder.finish(Header::new("", span), body))
}

/// A model with its connection.
fn model(reader: &mut Reader, key: &str, node: &Node) -> Option<ModelName> {
    let text = reader.literal_text(key, node)?;
    let model = ModelName::parse(&text);
    if model.is_none() {
        let message = format!("`{text}` does not say which connection reaches the model");
        let help = "write the connection, a slash and the model: `openai/gpt-4o`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
    model
}

/// `temperature` and `parameters`.
fn parameters(reader: &mut Reader, fields: &mut Fields<'_>) -> Parameters {
    let temperature = fields.number(reader, "temperature", 0.0..=2.0);
    let mut parameters = Parameters {
        temperature,
        ..Parameters::default()
    };
    let Some(entry) = fields.entry("parameters") else {
        return parameters;
    };
    let help = "write for example `parameters: { maxTokens: 1000 }`";
    let Some(mut fields) = Fields::of(reader, "parameters", &entry.value, help) else {
        return parameters;
    };
    parameters.max_tokens = fields.whole(reader, "maxTokens", 1);
    parameters.top_p = fields.number(reader, "topP", 0.0..=1.0);
    parameters.stop = fields.names(reader, "stop", "[\"###\"]");
    parameters.seed = fields.whole(reader, "seed", 0).map(i64::from);
    if let Some(entry) = fields.entry("extra") {
        let at = At {
            step: None,
            field: Field::Agent,
        };
        let value = reader.value("extra", &entry.value, at, Expects::Object);
        match value
            .as_ref()
            .and_then(|value| value.literal())
            .and_then(|value| value.as_map())
        {
            Some(map) => parameters.extra = Map::clone(map),
            None if value.is_some() => {
                let message = "`extra` goes to the provider as it is written: no expression is evaluated in it";
                reader.report(Diagnostic::error(Code::NotLiteral, entry.value.span, message));
            }
            None => {}
        }
    }
    fields.close(reader);
    parameters
}

/// `limits`, and `maxTurns`, which is one of them by another name.
fn limits(reader: &mut Reader, fields: &mut Fields<'_>) -> AgentLimits {
    let mut limits = AgentLimits::default();
    let most = fields.entry("maxTurns");
    let max_turns = fields.whole(reader, "maxTurns", 1);
    if let Some(entry) = fields.entry("limits") {
        let help = "write for example `limits: { tokens: 50000, time: 5m }`";
        if let Some(mut fields) = Fields::of(reader, "limits", &entry.value, help) {
            if let (Some(most), Some(turns)) = (most, fields.entry("turns")) {
                let message = "`maxTurns` and `limits.turns` are the same, and both are there";
                let finding = Diagnostic::error(Code::ConflictingKeys, turns.key_span, message);
                reader.report(
                    finding
                        .label(most.key_span, "the first is here")
                        .help("remove one of them"),
                );
            }
            let turns = fields.whole(reader, "turns", 1);
            limits.turns = turns.unwrap_or(limits.turns);
            limits.tokens = fields.whole(reader, "tokens", 1).map(u64::from);
            limits.cost = fields.number(reader, "cost", 0.0..=f64::INFINITY);
            limits.time = fields.duration(reader, "time");
            limits.corrections = fields.whole(reader, "corrections", 0).unwrap_or(limits.corrections);
            fields.close(reader);
        }
    }
    limits.turns = max_turns.unwrap_or(limits.turns);
    limits
}
