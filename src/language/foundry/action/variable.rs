//! Actions that give variables values.

use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Compute, Part, ValueType};
use crate::graph::Name;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed};
use crate::source::Span;
use crate::yaml::Node;

const VARIABLE: &[&str] = &["variable", "path", "property"];

/// What a step has come to.
pub(super) fn output() -> Build {
    computed(Compute::Part(Part::Output, ""))
}

/// A field of what a step has come to.
pub(super) fn output_field(field: &'static str) -> Build {
    computed(Compute::Part(Part::Output, field))
}

pub(super) fn null() -> Build {
    Build::Literal(Default::default())
}

pub(super) fn set(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, VARIABLE);
    let value = match fields.get(&["value"]) {
        Some(entry) => reader.value("value", &entry.value),
        None => Some(null()),
    };
    let node = action.set("", value?, vec![assign(variable?, output())]);
    reader.flow.push(node);
    Some(())
}

pub(super) fn set_text(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, VARIABLE);
    let value = fields.required(reader, &["value", "text"], "Hello {Local.Name}")?;
    let value = reader.template(&value.key, &value.value, false);
    let node = action.set("", value?, vec![assign(variable?, output())]);
    reader.flow.push(node);
    Some(())
}

pub(super) fn set_multiple(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let entry = fields.required(reader, &["assignments"], "[{ variable: Local.A, value: 1 }]")?;
    let Some(items) = entry.value.as_list() else {
        reader.wrong_type(
            "assignments",
            &entry.value,
            "a list",
            "each item has `variable` and `value`",
        );
        return None;
    };
    for (at, item) in items.iter().enumerate() {
        let Some(mut fields) = Fields::of(reader, "assignments", item, "an assignment") else {
            continue;
        };
        let variable = fields.required_variable(reader, VARIABLE);
        let value = match fields.get(&["value"]) {
            Some(entry) => reader.value("value", &entry.value),
            None => Some(null()),
        };
        fields.close(reader);
        let suffix = if at == 0 { String::new() } else { at.to_string() };
        if let (Some(variable), Some(value)) = (variable, value) {
            let node = action.set(&suffix, value, vec![assign(variable, output())]);
            reader.flow.push(node);
        }
    }
    if items.is_empty() {
        reader.flow.push(action.set("", null(), Vec::new()));
    }
    Some(())
}

pub(super) fn reset(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, VARIABLE)?;
    let node = action.set("", null(), vec![assign(variable, null())]);
    reader.flow.push(node);
    Some(())
}

/// Which variables are cleared is known only when the whole file has been read: see `clear_all`.
pub(super) fn clear(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let scope = match fields.text(reader, &["variables"]) {
        None => "Local.",
        Some((text, span)) => match &*text.to_ascii_lowercase() {
            "conversationscopedvariables" => "Local.",
            "allglobalvariables" => "Global.",
            "conversationhistory" | "userscopedvariables" => "",
            _ => {
                unknown_scope(reader, &text, span);
                return None;
            }
        },
    };
    reader.flow.push(action.set("", null(), Vec::new()));
    reader.cleared.push((action.id.clone(), scope));
    Some(())
}

fn unknown_scope(reader: &mut Reader<'_>, text: &str, span: Span) {
    let known = [
        "ConversationScopedVariables",
        "AllGlobalVariables",
        "ConversationHistory",
        "UserScopedVariables",
    ];
    let message = format!("`{text}` is no group of variables");
    let finding = Diagnostic::error(Code::InvalidValue, span, message).suggest(text, known);
    reader.report(finding.help("write `ConversationScopedVariables` or `AllGlobalVariables`"));
}

pub(super) fn parse(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, VARIABLE);
    let value = fields.required(reader, &["value"], "=Local.Answer");
    let value = value.and_then(|entry| reader.value("value", &entry.value));
    let ty = fields.required(reader, &["valueType"], "Number");
    let ty = ty.and_then(|entry| value_type(reader, &entry.value));
    let parsed = computed(Compute::Parse(Box::new(value?), ty?));
    let node = action.set("", parsed, vec![assign(variable?, output())]);
    reader.flow.push(node);
    Some(())
}

/// A type by its name, or with the types of its fields.
fn value_type(reader: &mut Reader<'_>, node: &Node) -> Option<ValueType> {
    let word = match node.as_map() {
        None => node,
        Some(_) => match node.get("kind").or(node.get("type")) {
            Some(kind) => kind,
            None => {
                reader.wrong_type(
                    "valueType",
                    node,
                    "a `kind`",
                    "write for example `{ kind: Record, properties: { a: String } }`",
                );
                return None;
            }
        },
    };
    let text = word.as_str().unwrap_or_default();
    let Some(ty) = ValueType::parse(text) else {
        let message = format!("`{text}` is no type of values");
        let finding = Diagnostic::error(Code::InvalidValue, word.span, message).suggest(text, ValueType::NAMES);
        reader.report(finding.help(format!("the types are {}", ValueType::NAMES.join(", "))));
        return None;
    };
    let mut typed: Vec<(Name, ValueType)> = Vec::new();
    for entry in node.get("properties").and_then(Node::as_map).unwrap_or_default() {
        typed.push((entry.key.clone(), value_type(reader, &entry.value)?));
    }
    Some(match ty {
        ValueType::Record(_) => ValueType::Record(typed),
        ValueType::Table(_) => ValueType::Table(typed),
        ty => ty,
    })
}
