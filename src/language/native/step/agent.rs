//! `andAgent`: a question to an agent.

use super::{Lowered, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Call, Op, Target};
use crate::language::native::agent;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let span = step.fields.required("agent", "writer").map(|entry| entry.value.span);
    let agent = step.fields.name(reader, "agent");
    if let (Some(agent), Some(span)) = (&agent, span) {
        reader.outline.steps[step.index.0].agent = Some((agent.clone(), span));
    }
    let prompt = match step.fields.has("messages") {
        true => step.fields.entry("prompt"),
        false => step.fields.required("prompt", "\"Summarise: {{ data.text }}\""),
    };
    let has_prompt = prompt.is_some();
    let prompt = step.fields.value(reader, "prompt", Field::Own, Expects::Anything);
    let has_messages = step.fields.has("messages");
    let messages = step.fields.value(reader, "messages", Field::Own, Expects::List);
    if let Some(entry) = step.fields.entry("tools") {
        agent::tools(reader, &entry.value, Some(step.index));
        let message = "`tools` of a step are not offered to the agent";
        let help = "list them in the agent itself, the document with `kind: Agent`";
        reader.report(Diagnostic::warning(Code::InvalidValue, entry.key_span, message).help(help));
    }
    let schema = match step.fields.has("schema") {
        true => Some(step.fields.schema(reader, "schema")?),
        false => {
            step.fields.knows("schema");
            // Without a mapping the answer is the output (rule 21).
            step.schemas.output.clone().filter(|_| !step.fields.has("output"))
        }
    };
    let result = match &schema {
        Some(schema) => ResultOutline::Typed(schema.ty()),
        None => ResultOutline::Unknown,
    };
    if prompt.is_some() != has_prompt || messages.is_some() != has_messages {
        return None;
    }
    let call = Call {
        target: Target::Agent {
            agent: agent?,
            prompt,
            messages,
            schema: schema.clone(),
        },
        result_schema: schema,
    };
    Some(Lowered::new(Op::Call(Box::new(call)), result))
}
