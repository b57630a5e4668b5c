//! The loop over the rows of a table.

use super::variable::null;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Compute, Test};
use crate::language::foundry::flow::Label;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed};

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let items = fields.required(reader, &["items", "source", "itemsSource"], "=Local.Rows");
    let items = items.and_then(|entry| reader.value(&entry.key, &entry.value));
    let value = fields.required(reader, &["value", "itemName"], "Local.Row");
    let value = value.and_then(|entry| reader.variable(&entry.key, &entry.value));
    let index = fields.variable(reader, &["index", "indexName"]);
    let body = fields.get(&["actions"]);
    let (items, value) = (items?, value?);
    let (list, at) = (action.own("items"), action.own("at"));

    // The items are evaluated once.
    let items = computed(Compute::Items(Box::new(items)));
    let begun = vec![
        (list.clone(), super::variable::output()),
        (at.clone(), Build::Literal(0.into())),
    ];
    reader.flow.push(action.set("", items, begun));
    let (next, round, done) = (reader.flow.here(), reader.flow.label(), reader.flow.label());
    let left = Test::Left(list.to_string(), at.to_string());
    reader.flow.jump(action.jump("next"), vec![(left, round)], Some(done));
    reader.flow.place(round);
    let mut keep = vec![assign(value.clone(), super::variable::output())];
    keep.extend(
        index
            .clone()
            .map(|index| assign(index, computed(Compute::Variable(at.clone())))),
    );
    keep.push((at.clone(), computed(Compute::More(at.clone()))));
    let item = computed(Compute::Item(list.clone(), at.clone()));
    reader.flow.push(action.set("item", item, keep));

    reader.loops.push((next, done));
    if let Some(body) = body {
        super::list(reader, "actions", &body.value);
    }
    reader.loops.pop();

    if reader.flow.is_reached() {
        reader.flow.jump_back(action.jump("again"), next);
    }
    reader.flow.place(done);
    let mut keep = vec![assign(value, null()), (list, null()), (at, null())];
    keep.extend(index.map(|index| assign(index, null())));
    reader.flow.push(action.set("done", null(), keep));
    Some(())
}

pub(super) fn leave(reader: &mut Reader<'_>, action: &Action, _: &mut Fields<'_>) -> Option<()> {
    let target = reader.loops.last().map(|(_, done)| *done);
    steer(reader, action, target)
}

pub(super) fn next(reader: &mut Reader<'_>, action: &Action, _: &mut Fields<'_>) -> Option<()> {
    let target = reader.loops.last().map(|(next, _)| *next);
    steer(reader, action, target)
}

fn steer(reader: &mut Reader<'_>, action: &Action, target: Option<Label>) -> Option<()> {
    if target.is_none() {
        let message = format!("`{}` stands in no `Foreach`, so it does nothing", action.kind);
        let finding = Diagnostic::warning(Code::InvalidValue, action.origin, message);
        reader.report(finding.help("to leave other actions, use `GotoAction`"));
    }
    reader.flow.jump(action.jump(""), Vec::new(), target);
    Some(())
}
