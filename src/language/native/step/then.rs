//! `andThen`: one unit of work.

use super::{Lowered, Step};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    step.unit(reader, &[])
}
