//! What the user is shown.

use crate::language::foundry::reader::{Action, Fields, Reader};

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    fields.required(reader, &["activity", "message", "text"], "Hello {Local.Name}");
    let text = fields.prompt(reader, &["activity", "message", "text"])?;
    reader.flow.push(super::show(action, "", text, None));
    Some(())
}
