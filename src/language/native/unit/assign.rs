//! `assign`: `data` with other keys.

use super::{Done, Task};
use crate::graph::Op;
use crate::language::native::outline::{Field, ResultOutline};
use crate::language::native::reader::{At, Reader};

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let at = At {
        step: Some(task.step),
        field: Field::Own,
    };
    let help = "write for example `assign: { total: =data.total + 1 }`; for any other value use `set`";
    let entries = reader.entries("assign", &task.entry.value, at, help)?;
    Done::new(Op::Assign(entries.clone()), ResultOutline::Assign(entries))
}
