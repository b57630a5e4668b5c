//! `andForEach`: steps for each item of a list.

use super::{Lowered, Step};
use crate::graph::{ForEach, Op};
use crate::language::native::outline::{Expects, Field, Part, ResultOutline};
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    step.fields.required("items", "=input.items");
    let items = step.fields.expression(reader, "items", Field::Own, Expects::List);
    let item = match step.fields.entry("as") {
        Some(entry) => reader.item_name(&entry.value),
        None => Some("item".into()),
    };
    // As in VoltAgent: one after the other, unless more are asked for.
    let concurrency = step.fields.whole(reader, "concurrency", 1).unwrap_or(1);
    let settle = step.fields.flag(reader, "settle");
    let outline = &mut reader.outline.steps[step.index.0];
    outline.item.clone_from(&item);
    outline.items.clone_from(&items);
    let depth = reader.around.items.len();
    reader.around.items.extend(item.clone());
    let block = step.steps(reader, Part::Item);
    reader.around.items.truncate(depth);
    let each = ForEach {
        items: items?,
        item: item?,
        concurrency,
        block: block?,
        settle,
    };
    Some(Lowered::new(Op::ForEach(Box::new(each)), ResultOutline::Items { settle }))
}
