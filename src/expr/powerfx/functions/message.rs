//! The functions that Foundry adds for the messages of a conversation.

use std::ops::Range;
use std::sync::Arc;

use super::table::rows;
use super::{Family, Function, Param, Returns};
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::error::Eval;
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::Value;

const TEXT: Param = Param::Text(super::Blank::Zero);

macro_rules! messages {
    ($($name:literal $role:literal;)+) => {
        &[$(Function::plain($name, &[TEXT], Returns::Check(message_type), |_, values| Ok(message(&values[0], $role)))
            .family(Family::Message)
            .example(
                concat!($name, "(\"hello\").Role"),
                concat!("\"", $role, "\""),
            ),)+
        Function::plain("MessageText", &[Param::Any], Returns::Text, message_text)
            .family(Family::Message)
            .example("MessageText([UserMessage(\"a\"), UserMessage(\"b\")])", "\"a\nb\""),]
    };
}

pub(super) static FUNCTIONS: &[Function] = messages! {
    "AgentMessage" "Agent";
    "AssistantMessage" "Agent";
    "SystemMessage" "System";
    "UserMessage" "User";
};

/// The type of a message.
fn message_type(_: &mut Binder<'_>, _: &mut [Expr], _: &Range<usize>) -> Type {
    let content = vec![
        ("Type".into(), Type::Text),
        ("Value".into(), Type::Text),
        ("MediaType".into(), Type::Text),
    ];
    let Type::Record(content) = Type::record(content) else {
        return Type::Any;
    };
    Type::record(vec![
        ("Id".into(), Type::Text),
        ("Role".into(), Type::Text),
        ("Author".into(), Type::Text),
        ("Text".into(), Type::Text),
        ("Content".into(), Type::Table(content)),
        ("Metadata".into(), Type::Any),
    ])
}

/// A message of a text; blank of an empty one.
fn message(text: &Value, role: &str) -> Value {
    if text.is_blank_or_empty() {
        return Value::Blank;
    }
    let content = Value::record(vec![
        ("Type".into(), Value::text("Text")),
        ("Value".into(), text.clone()),
        ("MediaType".into(), Value::Blank),
    ]);
    Value::record(vec![
        ("Id".into(), Value::text("")),
        ("Role".into(), Value::text(role)),
        ("Author".into(), Value::Blank),
        ("Text".into(), text.clone()),
        ("Content".into(), Value::table(vec![content])),
        ("Metadata".into(), Value::record(Vec::new())),
    ])
}

/// The text of a message, or those of several, a line for each that has one.
fn message_text(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let text: Arc<str> = "Text".into();
    match &values[0] {
        value if value.is_blank() => Ok(Value::text("")),
        Value::Record(_) => {
            let value = cx.field(values[0].clone(), &text)?;
            cx.string(&value).map(Value::Text)
        }
        Value::Table(_) => {
            let mut texts: Vec<Arc<str>> = Vec::new();
            for row in rows(cx, &values[0])?.each() {
                let value = match row.read()? {
                    row @ Value::Record(_) => match cx.field(row.clone(), &text)? {
                        // A list of plain texts has them as its values.
                        Value::Blank => row.first_field().read()?,
                        value => value,
                    },
                    other => other,
                };
                let line = match value {
                    Value::Record(_) | Value::Table(_) => continue,
                    value => cx.string(&value)?,
                };
                if !line.is_empty() {
                    texts.push(line);
                }
            }
            cx.make_text(texts.join("\n"))
        }
        value => cx.string(value).map(Value::Text),
    }
}
