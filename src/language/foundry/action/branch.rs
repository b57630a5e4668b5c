//! Actions that choose what goes on.

use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::Test;
use crate::language::foundry::flow::Label;
use crate::language::foundry::reader::{Action, Fields, Reader};
use crate::yaml::{Entry, Node};

pub(super) fn group(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let entry = fields.required(
        reader,
        &["conditions"],
        "[{ condition: =Local.Count > 3, actions: [] }]",
    )?;
    for wrong in ["else", "default"] {
        if let Some(entry) = fields.get(match wrong {
            "else" => &["else"],
            _ => &["default"],
        }) {
            let message = format!("`ConditionGroup` has no `{wrong}`, so these actions would never run");
            let finding = Diagnostic::error(Code::UnknownKey, entry.key_span, message);
            reader.report(finding.help("write `elseActions`").fix(entry.key_span, "elseActions"));
        }
    }
    let Some(items) = entry.value.as_list() else {
        reader.wrong_type(
            "conditions",
            &entry.value,
            "a list",
            "each item has `condition` and `actions`",
        );
        return None;
    };
    let mut arms: Vec<(Test, Label)> = Vec::new();
    let mut bodies: Vec<(Label, Option<&Entry>)> = Vec::new();
    for item in items {
        let Some(mut fields) = Fields::of(reader, "conditions", item, "a condition") else {
            continue;
        };
        let label = reader.flow.label();
        let id = fields.text(reader, &["id"]);
        fields.get(&["kind", "displayName", "description"]);
        fields.get(&["displayName"]);
        fields.get(&["description"]);
        if let Some((id, span)) = id.filter(|(id, _)| !id.is_empty()) {
            reader.target(id, label, span);
        }
        let has_condition = fields.get(&["condition"]);
        let test = fields.test(reader, &["condition"]);
        match (test, has_condition) {
            (Some(test), _) => arms.push((test, label)),
            (None, Some(_)) => {}
            (None, None) => {
                let message = "this item has no `condition`, so its actions never run";
                reader.report(Diagnostic::warning(Code::Unreachable, item.span, message).help("add `condition: =…`"));
            }
        }
        bodies.push((label, fields.get(&["actions"])));
        fields.close(reader);
    }
    let otherwise = fields.get(&["elseActions"]);
    choose(reader, action, arms, bodies, otherwise);
    Some(())
}

pub(super) fn when(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    fields.required(reader, &["condition"], "=Local.Count > 3");
    let test = fields.test(reader, &["condition"]);
    let label = reader.flow.label();
    let bodies = vec![(label, fields.get(&["then", "actions"]))];
    let otherwise = fields.get(&["else", "elseActions"]);
    choose(
        reader,
        action,
        test.into_iter().map(|test| (test, label)).collect(),
        bodies,
        otherwise,
    );
    Some(())
}

/// The jump to the actions of a condition, and all those actions, each of which goes on behind the whole.
fn choose(
    reader: &mut Reader<'_>,
    action: &Action,
    arms: Vec<(Test, Label)>,
    bodies: Vec<(Label, Option<&Entry>)>,
    otherwise: Option<&Entry>,
) {
    let (other, after) = (reader.flow.label(), reader.flow.label());
    reader.flow.jump(action.jump(""), arms, Some(other));
    for (at, (label, body)) in bodies.into_iter().enumerate() {
        reader.flow.place(label);
        if let Some(body) = body {
            super::list(reader, "actions", &body.value);
        }
        if reader.flow.is_reached() {
            reader
                .flow
                .jump(action.jump(&format!("end.{at}")), Vec::new(), Some(after));
        }
    }
    reader.flow.place(other);
    if let Some(body) = otherwise {
        super::list(reader, &body.key, actions(&body.value));
    }
    reader.flow.place(after);
}

/// The list of actions: itself, or what a mapping has under `actions`.
fn actions(node: &Node) -> &Node {
    node.get("actions").unwrap_or(node)
}
