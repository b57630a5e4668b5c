//! `andTry`: steps with `catch` and `finally`, which are read with the common keys.

use super::{Lowered, Step};
use crate::graph::Op;
use crate::language::native::outline::{Part, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let block = step.steps(reader, Part::Steps)?;
    Some(Lowered::new(Op::Block(block), ResultOutline::Steps))
}
