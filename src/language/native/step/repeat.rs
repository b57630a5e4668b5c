//! What `andDoWhile` and `andDoUntil` share.

use super::{Lowered, Step};
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::graph::{Loop, OnLimit, Op};
use crate::language::native::outline::{Expects, Field, Part, ResultOutline};
use crate::language::native::reader::Reader;

/// The iterations of a loop that does not say how many (rule 14).
const MAX_ITERATIONS: i64 = 1000;

/// Reads a loop that ends when its condition is `ends_on`.
pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>, ends_on: bool) -> Option<Lowered> {
    let max_iterations = match step.fields.has("maxIterations") {
        false => {
            step.fields.knows("maxIterations");
            Some(Build::Literal(Data::Int(MAX_ITERATIONS)))
        }
        true => limit(reader, step),
    };
    let on_limit = [("fail", OnLimit::Fail), ("continue", OnLimit::Continue)];
    let on_limit = step.fields.choice(reader, "onLimit", &on_limit).unwrap_or_default();
    let block = step.steps(reader, Part::Body);
    step.fields.required("condition", "=data.left > 0");
    let condition = step
        .fields
        .expression(reader, "condition", Field::LoopCondition, Expects::Boolean);
    let repeat = Loop {
        block: block?,
        condition: condition?,
        ends_on,
        max_iterations: max_iterations?,
        on_limit,
    };
    Some(Lowered::new(Op::Loop(Box::new(repeat)), ResultOutline::Loop))
}

fn limit(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Build> {
    let limit = step
        .fields
        .value(reader, "maxIterations", Field::Own, Expects::Number)?;
    if let Build::Literal(data) = &limit {
        let fits = data
            .as_i64()
            .and_then(|count| u32::try_from(count).ok())
            .is_some_and(|count| count > 0);
        if !fits {
            let span = step.fields.entry("maxIterations").map(|entry| entry.value.span);
            let message = format!(
                "`maxIterations` must be a whole number from 1 to {}, not {data}",
                u32::MAX
            );
            reader.report(Diagnostic::error(Code::InvalidValue, span, message).help("a loop runs at least once"));
            return None;
        }
    }
    Some(limit)
}
