//! `waitFor`: a wait for a named event (rule 34).

use super::{Done, Task};
use crate::graph::{Op, WaitFor};
use crate::language::native::outline::{Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    task.waits(reader);
    let mut fields = task.fields(reader, "{ event: PaymentReceived }")?;
    fields.required("event", "PaymentReceived");
    let event = reader.event("event", &mut fields, None);
    let filter = fields.when(reader, "where", Field::Where);
    let timeout = fields.timing(reader, "timeout", Field::Own, true);
    fields.close(reader);
    let result = match &event.schema {
        Some(schema) => ResultOutline::Typed(schema.ty()),
        None => ResultOutline::Unknown,
    };
    let wait = WaitFor {
        event: event.name?,
        filter: filter.ok()?,
        schema: event.schema,
        timeout,
    };
    Done::new(Op::WaitFor(Box::new(wait)), result)
}
