//! Going on at another action.

use crate::language::foundry::reader::{Action, Fields, Reader};

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    fields.required(reader, &["actionId", "target"], "first_action");
    let (target, span) = fields.text(reader, &["actionId", "target"])?;
    let label = reader.flow.label();
    reader.flow.jump(action.jump(""), Vec::new(), Some(label));
    // Where that is may be known only later.
    reader.gotos.push((action.id.clone(), target, label, span));
    Some(())
}
