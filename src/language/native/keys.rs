//! The keys that every step may have.

use super::fields::Fields;
use super::outline::{Expects, Field, Part, StepIndex};
use super::reader::Reader;
use super::step::{Step, StepKind};
use super::unit;
use crate::contract::Schema;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Handler, Keys, Name};
use crate::source::Span;

/// The schemas of a step, which are read before what it does.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemas {
    pub input: Option<Schema>,
    pub output: Option<Schema>,
    pub suspend: Option<Schema>,
    /// The key `suspendSchema`.
    pub suspend_span: Option<Span>,
    pub resume: Option<Schema>,
    /// The key `resumeSchema`.
    pub resume_span: Option<Span>,
}

impl Schemas {
    pub fn read(reader: &mut Reader, fields: &mut Fields<'_>, index: StepIndex) -> Schemas {
        let schemas = Schemas {
            input: fields.schema(reader, "inputSchema"),
            output: fields.schema(reader, "outputSchema"),
            suspend: fields.schema(reader, "suspendSchema"),
            suspend_span: fields.entry("suspendSchema").map(|entry| entry.key_span),
            resume: fields.schema(reader, "resumeSchema"),
            resume_span: fields.entry("resumeSchema").map(|entry| entry.key_span),
        };
        let outline = &mut reader.outline.steps[index.0];
        outline.input_schema.clone_from(&schemas.input);
        outline.output_schema.clone_from(&schemas.output);
        schemas
    }
}

/// Reads the common keys, `catch` and `finally` in the order in which they are documented to run.
pub(super) fn read(reader: &mut Reader, step: &mut Step<'_>) -> Keys {
    let timeout = step.fields.timing(reader, "timeout", Field::Own, true);
    let retry = step.fields.retry(reader);
    let catch = handlers(reader, step);
    let cleanup = match step.kind {
        StepKind::Try => step.fields.entry("finally").map(|entry| {
            let outer = std::mem::replace(&mut reader.around.finally, true);
            let block = reader.block("finally", &entry.value, Some((step.index, Part::Finally)));
            reader.around.finally = outer;
            block
        }),
        _ => None,
    };
    let output = step.fields.value(reader, "output", Field::Output, Expects::Anything);
    let into = step.fields.name(reader, "into");
    let set_state = set_state(reader, step);
    unused(reader, &mut step.fields);
    let outline = &mut reader.outline.steps[step.index.0];
    outline.catches = !catch.is_empty();
    outline.output.clone_from(&output);
    outline.into.clone_from(&into);
    Keys {
        condition: None,
        tap: false,
        input_schema: step.schemas.input.clone(),
        timeout,
        limit: None,
        retry,
        catch,
        cleanup,
        output,
        output_schema: step.schemas.output.clone(),
        into,
        set_state,
    }
}

/// The keys, unless none is set.
pub(super) fn some(keys: Keys) -> Option<Box<Keys>> {
    let Keys {
        condition,
        tap,
        input_schema,
        timeout,
        limit,
        retry,
        catch,
        cleanup,
        output,
        output_schema,
        into,
        set_state,
    } = &keys;
    let none = condition.is_none()
        && !tap
        && input_schema.is_none()
        && timeout.is_none()
        && limit.is_none()
        && retry.is_none()
        && catch.is_empty()
        && cleanup.is_none()
        && output.is_none()
        && output_schema.is_none()
        && into.is_none()
        && set_state.is_empty();
    (!none).then(|| Box::new(keys))
}

fn set_state(reader: &mut Reader, step: &mut Step<'_>) -> Vec<(Name, crate::expr::Build)> {
    let Some(entry) = step.fields.entry("setState") else {
        return Vec::new();
    };
    let at = super::reader::At {
        step: Some(step.index),
        field: Field::SetState,
    };
    let help = "write for example `setState: { count: =state.count + 1 }`";
    reader.entries("setState", &entry.value, at, help).unwrap_or_default()
}

/// `catch`: the handlers of a step (rule 27).
fn handlers(reader: &mut Reader, step: &mut Step<'_>) -> Vec<Handler> {
    const EXAMPLE: &str = "[{ on: [timeout], set: null }]";
    let nodes = step.fields.list(reader, "catch", EXAMPLE).unwrap_or_default();
    let mut handlers = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let help = "write for example `- on: [timeout]` and below it `  set: null`";
        let Some(fields) = Fields::of(reader, "catch", node, help) else {
            continue;
        };
        let mut fields = fields.called("a `catch` handler").in_step(Some(step.index));
        handlers.extend(handler(reader, step, &mut fields, at));
        fields.close(reader);
    }
    handlers
}

fn handler(reader: &mut Reader, step: &Step<'_>, fields: &mut Fields<'_>, at: usize) -> Option<Handler> {
    let on = fields.codes(reader);
    let when = fields.when(reader, "when", Field::HandlerWhen);
    let part = Part::Handler(at);
    let block = match fields.entry("steps") {
        Some(entry) => {
            unit::none(reader, fields, "steps");
            reader.block("steps", &entry.value, Some((step.index, part)))
        }
        None => {
            let (kind, entry) = unit::only(reader, fields, &["steps"])?;
            let suffix = format!("catch.{at}");
            let node = reader.bare_unit(&step.id, step.index, kind, entry, &suffix, part, Schemas::default());
            reader.builder.block(node.into_iter().collect())
        }
    };
    Some(Handler {
        on,
        when: when.ok()?,
        block,
    })
}

/// Reports the schemas of a wait on a step that has none.
fn unused(reader: &mut Reader, fields: &mut Fields<'_>) {
    const WAIT: &str = "suspend";
    let other = fields.get("else");
    if fields.get(WAIT).is_some() || other.is_some_and(|other| other.get(WAIT).is_some()) {
        return;
    }
    for key in ["suspendSchema", "resumeSchema"] {
        let Some(entry) = fields.entry(key) else { continue };
        let message = format!("`{key}` has no effect: this step has no `suspend`");
        let help = "put it on the step that waits, or remove it";
        reader.report(Diagnostic::warning(Code::InvalidValue, entry.key_span, message).help(help));
    }
}
