//! `emit`: a named event in the stream of the run.

use super::{Done, Task};
use crate::data::Data;
use crate::expr::Build;
use crate::graph::Op;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let mut fields = task.fields(reader, "{ event: Progress, data: { percent: 50 } }")?;
    let when = fields.when(reader, "when", Field::Own);
    fields.required("event", "Progress");
    let event = reader.event("event", &mut fields, None);
    let data = match fields.has("data") {
        true => fields.value(reader, "data", Field::Own, Expects::Anything),
        false => {
            fields.knows("data");
            Some(Build::Literal(Data::Null))
        }
    };
    fields.close(reader);
    let op = Op::Emit {
        when: when.ok()?,
        event: event.name?,
        data: data?,
        schema: event.schema,
    };
    Done::new(op, ResultOutline::Nothing)
}
