//! `andSleepUntil`: a durable timer with an end.

use super::{Lowered, Step};
use crate::graph::{Op, Sleep};
use crate::language::native::outline::ResultOutline;
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let until = step.fields.instant(reader, "until")?;
    Some(Lowered::new(Op::Sleep(Sleep::Until(until)), ResultOutline::Nothing))
}
