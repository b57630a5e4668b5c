//! `andDoWhile`: steps again as long as a condition holds.

use super::{Lowered, Step, repeat};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    repeat::read(reader, step, false)
}
