//! `andTap`: side effects. What it does is an ordinary step whose result goes nowhere.

use super::{Lowered, Step};
use crate::graph::Op;
use crate::language::native::outline::{Part, ResultOutline};
use crate::language::native::reader::Reader;
use crate::language::native::unit;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let outer = std::mem::replace(&mut reader.around.tap, true);
    let lowered = match step.fields.has("steps") {
        true => {
            unit::none(reader, &mut step.fields, "steps");
            step.steps(reader, Part::Steps)
                .map(|block| Lowered::new(Op::Block(block), ResultOutline::Nothing))
        }
        false => {
            step.fields.knows("steps");
            step.unit(reader, &["steps"])
        }
    };
    reader.around.tap = outer;
    let lowered = lowered?;
    Some(Lowered {
        tap: true,
        result: ResultOutline::Nothing,
        ..lowered
    })
}
