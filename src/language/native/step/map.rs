//! `andMap`: a new object.

use super::{Lowered, Step};
use crate::graph::Op;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    let entry = step.fields.required("map", "{ total: =input.amount }")?;
    if entry.value.as_map().is_none() {
        let help = "write for example `map: { total: =input.amount }`; a value that is no object is `andThen` with `set`";
        reader.wrong_type("map", &entry.value, "a mapping", help);
        return None;
    }
    let map = step.fields.value(reader, "map", Field::Own, Expects::Object)?;
    Some(Lowered::new(Op::Set(map.clone()), ResultOutline::Value(map)))
}
