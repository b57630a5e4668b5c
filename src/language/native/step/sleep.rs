//! `andSleep`: a durable timer.

use super::{Lowered, Step};
use crate::graph::{Op, Sleep};
use crate::language::native::outline::{Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    step.fields.required("duration", "30s");
    let duration = step.fields.timing(reader, "duration", Field::Own, false)?;
    Some(Lowered::new(Op::Sleep(Sleep::For(duration)), ResultOutline::Nothing))
}
