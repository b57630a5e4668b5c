//! Conversations, and messages in them.

use super::input::talk;
use super::variable::{output, output_field};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Compute, Variable};
use crate::graph::{Converse, Keys, Order, Role};
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed, keeping, message_text};
use crate::yaml::Node;

pub(super) fn create(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, &["conversationId"])?;
    let metadata = fields.value(reader, &["metadata"]);
    let node = action.node("", talk(Converse::Create { metadata }));
    reader
        .flow
        .push(keeping(node, vec![assign(variable, output_field("id"))]));
    Some(())
}

pub(super) fn add(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, &["message"]);
    let conversation = conversation(reader, fields);
    let role = match fields.text(reader, &["role"]) {
        None => Some(Role::User),
        Some((word, span)) => {
            let role = Role::named(&word);
            if role.is_none() {
                let message = format!("`{word}` is no role");
                let finding = Diagnostic::error(Code::InvalidValue, span, message);
                reader.report(finding.help("write `User` or `Agent`"));
            }
            role
        }
    };
    let content = fields.required(reader, &["content"], "[{ type: Text, value: Hello }]");
    let text = content.and_then(|entry| content_text(reader, &entry.value));
    let metadata = fields.value(reader, &["metadata"]);
    let converse = Converse::Add {
        conversation: conversation?,
        role: role?,
        text: text?,
        author: None,
        metadata,
    };
    finish(reader, action, converse, Compute::Said, variable?)
}

pub(super) fn copy(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let conversation = conversation(reader, fields);
    let messages = fields.required(reader, &["messages"], "=Local.Messages");
    let messages = messages.and_then(|entry| reader.value("messages", &entry.value));
    let converse = Converse::Copy {
        conversation: conversation?,
        messages: messages?,
    };
    let mut node = action.node("", talk(converse));
    node.keys = answered(Compute::SaidAll);
    reader.flow.push(node);
    Some(())
}

pub(super) fn retrieve(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, &["message"]);
    let conversation = conversation(reader, fields);
    let message = fields.required(reader, &["messageId"], "=Local.Message.Id");
    let message = message.and_then(|entry| reader.value("messageId", &entry.value));
    let converse = Converse::Retrieve {
        conversation: conversation?,
        message: message?,
    };
    finish(reader, action, converse, Compute::Said, variable?)
}

pub(super) fn list(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.required_variable(reader, &["messages"]);
    let conversation = conversation(reader, fields);
    let order = match fields.text(reader, &["sortOrder"]) {
        None => Some(Order::Ascending),
        Some((word, span)) => {
            let orders = [
                ("OldestFirst", Order::Ascending),
                ("Ascending", Order::Ascending),
                ("asc", Order::Ascending),
                ("NewestFirst", Order::Descending),
                ("Descending", Order::Descending),
                ("desc", Order::Descending),
            ];
            let found = orders.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
            if found.is_none() {
                let message = format!("`{word}` is no order of messages");
                let finding =
                    Diagnostic::error(Code::InvalidValue, span, message).suggest(&word, orders.map(|(name, _)| name));
                reader.report(finding.help("write `OldestFirst` or `NewestFirst`"));
            }
            found.map(|(_, order)| *order)
        }
    };
    let converse = Converse::List {
        conversation: conversation?,
        order: order?,
        limit: fields.value(reader, &["limit"]),
        after: fields.value(reader, &["messageAfter"]),
        before: fields.value(reader, &["messageBefore"]),
    };
    finish(reader, action, converse, Compute::SaidAll, variable?)
}

fn conversation(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Build> {
    let entry = fields.required(reader, &["conversationId"], "=System.ConversationId")?;
    reader.value("conversationId", &entry.value)
}

fn answered(compute: Compute) -> Option<Box<Keys>> {
    Some(Box::new(Keys {
        output: Some(computed(compute)),
        ..Keys::default()
    }))
}

fn finish(
    reader: &mut Reader<'_>,
    action: &Action,
    converse: Converse,
    answer: Compute,
    variable: Variable,
) -> Option<()> {
    let mut node = action.node("", talk(converse));
    node.keys = answered(answer);
    reader.flow.push(keeping(node, vec![assign(variable, output())]));
    Some(())
}

/// The text of a message's parts.
fn content_text(reader: &mut Reader<'_>, node: &Node) -> Option<Build> {
    let Some(parts) = node.as_list() else {
        return message_text(reader, "content", node);
    };
    let mut lines = Vec::new();
    for part in parts {
        if part.as_map().is_none() {
            lines.push(reader.template("content", part, false)?);
            continue;
        }
        let mut fields = Fields::of(reader, "content", part, "a part of a message")?;
        fields.get(&["type", "kind"]);
        fields.get(&["mediaType"]);
        let value = fields.required(reader, &["value", "text"], "Hello");
        fields.close(reader);
        let value = value?;
        lines.push(reader.template(&value.key, &value.value, false)?);
    }
    Some(computed(Compute::Lines(lines)))
}
