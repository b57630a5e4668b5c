//! `fail`: an error, new or caught (rule 27).

use super::{Done, Task};
use crate::expr::Build;
use crate::graph::{Fail, Op};
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::{At, Reader};

/// The code of an error that names none.
const CODE: &str = "failed";

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let node = &task.entry.value;
    if node.as_str().is_some_and(|text| text.starts_with('=')) {
        let at = At {
            step: Some(task.step),
            field: Field::Own,
        };
        let Build::Expression(error) = reader.value("fail", node, at, Expects::Object)? else {
            return None;
        };
        let fail = Fail::Again(error);
        return Done::new(Op::Fail(Box::new(fail)), ResultOutline::Never);
    }
    let example = "{ code: REJECTED, message: nobody agreed }` or, to raise a caught error again, `fail: =error";
    let mut fields = task.optional_fields(reader, example)?;
    let when = fields.when(reader, "when", Field::Own);
    let code = fields.name(reader, "code");
    let message = fields.value(reader, "message", Field::Own, Expects::Anything);
    let data = fields.value(reader, "data", Field::Own, Expects::Anything);
    fields.close(reader);
    let when = when.ok()?;
    let result = match when.is_some() {
        true => ResultOutline::Nothing,
        false => ResultOutline::Never,
    };
    let fail = Fail::New {
        when,
        code: code.unwrap_or_else(|| CODE.into()),
        message,
        data,
    };
    Done::new(Op::Fail(Box::new(fail)), result)
}
