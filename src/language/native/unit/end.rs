//! `end`: the end of the workflow (rule 24).

use super::{Done, Task};
use crate::graph::Op;
use crate::language::native::outline::{EndOutline, Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    task.ends(reader);
    let mut fields = task.optional_fields(reader, "{ output: =data }")?;
    let when = fields.when(reader, "when", Field::Own);
    let output = fields.value(reader, "output", Field::Own, Expects::Anything);
    reader.outline.steps[task.step.0].ends = Some(EndOutline {
        output: fields.get("output").cloned(),
        span: task.entry.key_span,
    });
    fields.close(reader);
    let when = when.ok()?;
    let result = match when.is_some() {
        true => ResultOutline::Nothing,
        false => ResultOutline::Never,
    };
    Done::new(Op::End { when, output }, result)
}
