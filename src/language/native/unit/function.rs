//! `function`: a function of the embedding program.

use super::{Done, Task};
use crate::graph::{Call, Op, Target};
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let mut fields = task.fields(reader, "{ name: price, arguments: { item: =input.item } }")?;
    let name = fields.required_name(reader, "name", "price");
    let arguments = fields.value(reader, "arguments", Field::Own, Expects::Anything);
    fields.close(reader);
    let target = Target::Function { name: name?, arguments };
    let call = Call {
        target,
        result_schema: None,
    };
    Done::new(Op::Call(Box::new(call)), ResultOutline::Unknown)
}
