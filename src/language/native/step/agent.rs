//! `andAgent`: a question to an agent.

use std::sync::Arc;

use super::{Lowered, Step};
use crate::graph::{Ask, Op};
use crate::language::native::agent;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;
use crate::language::native::tool::{self, Owner};

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let entry = step.fields.required("agent", "writer");
    let inline = match entry.filter(|entry| entry.value.as_map().is_some()) {
        Some(entry) => Some(agent::inline(reader, &entry.value, &step.id, step.index)),
        None => None,
    };
    let named = match (entry, &inline) {
        (Some(_), None) => step.fields.name(reader, "agent"),
        _ => None,
    };
    if let (Some(agent), Some(entry)) = (&named, entry) {
        reader.outline.steps[step.index.0].agent = Some((agent.clone(), entry.value.span));
    }
    let prompt = match step.fields.has("messages") {
        true => step.fields.entry("prompt"),
        false => step.fields.required("prompt", "\"Summarise: {{ data.text }}\""),
    };
    let has_prompt = prompt.is_some();
    let prompt = step.fields.value(reader, "prompt", Field::Own, Expects::Anything);
    let has_messages = step.fields.has("messages");
    let messages = step.fields.value(reader, "messages", Field::Own, Expects::List);
    let conversation = step.fields.value(reader, "conversation", Field::Own, Expects::Anything);
    let owner = Owner {
        id: &step.id,
        step: Some(step.index),
    };
    let mut tools = match step.fields.entry("tools") {
        Some(entry) => tool::tools(reader, &entry.value, owner),
        None => Vec::new(),
    };
    let schema = match step.fields.has("schema") {
        true => Some(step.fields.schema(reader, "schema")?),
        false => {
            step.fields.knows("schema");
            // Without a mapping the answer is the output (rule 21).
            step.schemas.output.clone().filter(|_| !step.fields.has("output"))
        }
    };
    // A broken one has been reported.
    let definition = match inline {
        Some(agent) => Some(agent?),
        None => None,
    };
    let answer = schema.as_ref().or(definition.as_ref().and_then(|agent| agent.schema.as_ref()));
    let result = match answer {
        Some(schema) => ResultOutline::Typed(schema.ty()),
        None => ResultOutline::Unknown,
    };
    if prompt.is_some() != has_prompt || messages.is_some() != has_messages {
        return None;
    }
    if let Some(agent) = &definition {
        let own: Vec<_> = tools.iter().map(|tool| tool.name.clone()).collect();
        tools.extend(agent.tools.iter().filter(|tool| !own.contains(&tool.name)).cloned());
    }
    let agent = match &definition {
        Some(agent) => agent.id.clone(),
        None => named?,
    };
    let ask = Ask {
        chosen: None,
        otherwise: None,
        agent,
        definition: definition.map(Arc::new),
        prompt,
        messages,
        conversation,
        schema,
        tools,
        defaulted: false,
    };
    Some(Lowered::new(Op::Agent(Box::new(ask)), result))
}
