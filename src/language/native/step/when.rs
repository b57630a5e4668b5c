//! `andWhen`: steps or a unit of work if a condition holds, and perhaps others if not.
//!
//! Without `else` the condition becomes a key of the node, so that the common keys belong to what ran and none applies
//! when the step is skipped (rule 16).

use super::{Lowered, Step};
use crate::graph::{BlockId, Op};
use crate::language::native::outline::{Expects, Field, Part, ResultOutline};
use crate::language::native::reader::Reader;
use crate::language::native::unit;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    step.fields.required("condition", "=input.amount > 100");
    let condition = step.fields.expression(reader, "condition", Field::Own, Expects::Boolean);
    match step.fields.entry("else") {
        None => {
            reader.outline.steps[step.index.0].conditional = true;
            let mut lowered = match step.fields.has("steps") {
                true => {
                    unit::none(reader, &mut step.fields, "steps");
                    let block = step.steps(reader, Part::Steps)?;
                    Lowered::new(Op::Block(block), ResultOutline::Steps)
                }
                false => {
                    step.fields.knows("steps");
                    step.unit(reader, &["steps"])?
                }
            };
            lowered.condition = Some(condition?);
            Some(lowered)
        }
        Some(entry) => {
            let then = then(reader, step);
            let otherwise = reader.unit_or_steps(step, "else", &entry.value, "else", Part::Arm(1));
            let arms = vec![(condition?, then?)];
            let op = Op::Choose {
                arms,
                otherwise: Some(otherwise),
            };
            Some(Lowered::new(op, ResultOutline::OneOf))
        }
    }
}

fn then(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<BlockId> {
    if step.fields.has("steps") {
        unit::none(reader, &mut step.fields, "steps");
        return step.steps(reader, Part::Arm(0));
    }
    step.fields.knows("steps");
    let (kind, entry) = unit::only(reader, &mut step.fields, &["steps"])?;
    let schemas = step.schemas.clone();
    let node = reader.bare_unit(&step.id, step.index, kind, entry, "then", Part::Arm(0), schemas)?;
    Some(reader.builder.block(vec![node]))
}
