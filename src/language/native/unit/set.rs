//! `set`: a new value.

use super::{Done, Task};
use crate::graph::Op;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::{At, Reader};

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let at = At {
        step: Some(task.step),
        field: Field::Own,
    };
    let value = reader.value("set", &task.entry.value, at, Expects::Anything)?;
    Done::new(Op::Set(value.clone()), ResultOutline::Value(value))
}
