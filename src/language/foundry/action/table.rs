//! Actions that change tables.

use super::variable::output_field;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Change, Compute, Variable};
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed};
use crate::source::Span;

const CHANGES: [(&str, Change); 10] = [
    ("Add", Change::Add),
    ("AddItemOperation", Change::Add),
    ("Remove", Change::Remove),
    ("RemoveItemOperation", Change::Remove),
    ("Clear", Change::Clear),
    ("ClearItemsOperation", Change::Clear),
    ("TakeFirst", Change::TakeFirst),
    ("TakeFirstItemOperation", Change::TakeFirst),
    ("TakeLast", Change::TakeLast),
    ("TakeLastItemOperation", Change::TakeLast),
];
const ITEMS: &[&str] = &["itemsVariable", "table"];

pub(super) fn edit(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let table = fields.required_variable(reader, ITEMS);
    fields.required(reader, &["changeType", "operation"], "Add");
    let change = fields.text(reader, &["changeType", "operation"]);
    let change = change.and_then(|(word, span)| change_of(reader, &word, span));
    let value = fields.value(reader, &["value", "row"]);
    let result = fields.variable(reader, &["resultVariable"]);
    finish(reader, action, table?, change?, value, result)
}

pub(super) fn edit_v2(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let table = fields.required_variable(reader, ITEMS);
    let entry = fields.required(reader, &["changeType", "operation"], "{ kind: ClearItemsOperation }")?;
    if entry.value.as_scalar().is_some() {
        return edit(reader, action, fields);
    }
    let mut inner = Fields::of(reader, "changeType", &entry.value, "a change of a table")?;
    inner.required(reader, &["kind"], "AddItemOperation");
    let change = inner.text(reader, &["kind"]);
    let change = change.and_then(|(word, span)| change_of(reader, &word, span));
    let value = inner.value(reader, &["value"]);
    let result = inner.variable(reader, &["resultVariable"]);
    inner.close(reader);
    finish(reader, action, table?, change?, value, result)
}

fn finish(
    reader: &mut Reader<'_>,
    action: &Action,
    table: Variable,
    change: Change,
    value: Option<Build>,
    result: Option<Variable>,
) -> Option<()> {
    let before = computed(Compute::Field(table.key.clone(), table.path.clone()));
    let edited = computed(Compute::Edit(Box::new(before), change, value.map(Box::new)));
    let mut keep = vec![assign(table, output_field("table"))];
    keep.extend(result.map(|result| assign(result, output_field("result"))));
    reader.flow.push(action.set("", edited, keep));
    Some(())
}

fn change_of(reader: &mut Reader<'_>, word: &str, span: Span) -> Option<Change> {
    let found = CHANGES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    if found.is_none() {
        let message = format!("`{word}` is no change of a table");
        let finding = Diagnostic::error(Code::InvalidValue, span, message).suggest(word, CHANGES.map(|(name, _)| name));
        reader.report(finding.help("a table can be changed by `Add`, `Remove`, `Clear`, `TakeFirst` and `TakeLast`"));
    }
    found.map(|(_, change)| *change)
}
