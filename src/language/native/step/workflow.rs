//! `andWorkflow`: another workflow as a child.

use super::{Lowered, Step};
use crate::graph::{Enter, Op};
use crate::language::native::outline::{ChildOutline, Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let span = step.fields.required("workflow", "send-invoice").map(|entry| entry.value.span);
    let workflow = step.fields.name(reader, "workflow");
    let version = step.fields.name(reader, "version");
    let input_node = step.fields.entry("input").map(|entry| entry.value.clone());
    let input = step.fields.value(reader, "input", Field::Own, Expects::Anything);
    let (workflow, span) = (workflow?, span?);
    if input.is_none() && input_node.is_some() {
        return None;
    }
    reader.outline.steps[step.index.0].calls = Some(ChildOutline {
        workflow: workflow.clone(),
        span,
        version: version.clone(),
        input: input.clone(),
        input_node,
    });
    let enter = Enter {
        workflow,
        version,
        input,
        target: None,
    };
    Some(Lowered::new(Op::Enter(Box::new(enter)), ResultOutline::Child))
}
