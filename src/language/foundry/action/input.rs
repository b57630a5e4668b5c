//! Waiting for the user, and what all waits have in common.

use super::variable::output_field;
use crate::expr::Build;
use crate::expr::foundry::{Compute, Part};
use crate::graph::{Call, Converse, Keys, Name, Node, Op, Suspend, Target};
use crate::language::foundry::LAST;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed, keeping};

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let variable = fields.variable(reader, &["variable", "property"]);
    let prompt = fields.prompt(reader, &["prompt", "message"]);
    let default = fields.value(reader, &["default", "defaultValue"]);
    // Only the runtime for Python asks for the type of an input.
    fields.get(&["inputType"]);
    if let Some(prompt) = &prompt {
        reader.flow.push(super::show(action, "prompt", prompt.clone(), None));
    }
    // Only the runtime for Python has a prompt and a default, and gives the text; else it is messages, with all about them.
    let field = match prompt.is_some() || default.is_some() {
        true => "text",
        false => "messages",
    };
    let heard = computed(Compute::Heard(default.map(Box::new)));
    let mut keep = vec![(LAST.into(), output_field("message"))];
    keep.extend(variable.map(|variable| assign(variable, output_field(field))));
    reader
        .flow
        .push(wait(action, "", "input", prompt, Vec::new(), heard, keep));
    if reader.talks {
        reader
            .flow
            .push(said(action, "keep", computed(Compute::Conversation), "messages"));
    }
    Some(())
}

/// A node that waits for the user; `answer` is what becomes of the payload.
pub(super) fn wait(
    action: &Action,
    suffix: &str,
    kind: &str,
    prompt: Option<Build>,
    more: Vec<(Name, Build)>,
    answer: Build,
    keep: Vec<(Name, Build)>,
) -> Node {
    let literal = |text: &str| Build::Literal(text.into());
    let mut data: Vec<(Name, Build)> = vec![("type".into(), literal(kind)), ("action".into(), literal(&action.id))];
    data.extend(prompt.clone().map(|prompt| ("prompt".into(), prompt)));
    data.extend(more);
    let suspend = Suspend {
        reason: prompt,
        data: Some(Build::map(data)),
        ..Suspend::default()
    };
    let mut node = action.node(suffix, Op::Suspend(Box::new(suspend)));
    node.keys = Some(Box::new(Keys {
        output: Some(answer),
        ..Keys::default()
    }));
    keeping(node, keep)
}

/// A node that adds the messages under a field of what it receives to a conversation.
pub(super) fn said(action: &Action, suffix: &str, conversation: Build, field: &'static str) -> Node {
    let converse = Converse::Copy {
        conversation,
        messages: computed(Compute::Unkept(Box::new(computed(Compute::Part(
            Part::Received,
            field,
        ))))),
    };
    let mut node = action.node(suffix, talk(converse));
    // What is handed on stays.
    node.keys.get_or_insert_default().output = Some(computed(Compute::Part(Part::Received, "")));
    node
}

/// Something done with a conversation.
pub(in crate::language::foundry) fn talk(converse: Converse) -> Op {
    Op::Call(Box::new(Call {
        target: Target::Conversation(Box::new(converse)),
        result_schema: None,
    }))
}
