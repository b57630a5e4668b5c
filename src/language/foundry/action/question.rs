//! A question to the user: asked until the answer is one, or often enough.

use super::input::{said, wait};
use super::variable::{null, output, output_field};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Compute, Entity, Test, Variable};
use crate::language::foundry::LAST;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed};
use crate::yaml::Node;

/// When a question is not asked.
#[derive(Clone, Copy, PartialEq)]
enum Skip {
    First,
    Always,
    Never,
}

struct Question {
    variable: Variable,
    prompt: Build,
    entity: Entity,
    skip: Skip,
    repeat: Option<Build>,
    invalid: Build,
    default: Option<Build>,
    default_response: Option<Build>,
    tells: bool,
    choices: Option<Build>,
}

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let question = question(reader, fields)?;
    let Question {
        variable,
        prompt,
        entity,
        skip,
        repeat,
        invalid,
        default,
        default_response,
        tells,
        choices,
    } = question;
    let [asked, attempts, answer] = ["asked", "attempts", "answer"].map(|what| action.own(what));
    let (begin, after) = (reader.flow.label(), reader.flow.label());
    let filled = Test::Filled(variable.key.to_string());
    let skips = match skip {
        Skip::Never => None,
        Skip::Always => Some(filled),
        Skip::First => {
            let first = Test::Not(Box::new(Test::Filled(asked.to_string())));
            Some(Test::Both(Box::new(first), Box::new(filled)))
        }
    };
    if let Some(skips) = skips {
        let skipped = reader.flow.label();
        reader
            .flow
            .jump(action.jump("skip"), vec![(skips, skipped)], Some(begin));
        reader.flow.place(skipped);
        let keep = vec![(asked.clone(), Build::Literal(true.into()))];
        reader.flow.push(action.set("skipped", null(), keep));
        reader.flow.jump(action.jump("past"), Vec::new(), Some(after));
    }
    reader.flow.place(begin);
    let begun = vec![
        (asked, Build::Literal(true.into())),
        (attempts.clone(), Build::Literal(0.into())),
    ];
    reader.flow.push(action.set("begin", null(), begun));
    let again = reader.flow.here();
    reader.flow.push(super::show(action, "prompt", prompt.clone(), None));
    let more = choices.map(|choices| ("choices".into(), choices)).into_iter().collect();
    let keep = vec![
        (answer.clone(), output()),
        (attempts.clone(), computed(Compute::More(attempts.clone()))),
    ];
    let parsed = computed(Compute::Answer(entity));
    reader
        .flow
        .push(wait(action, "", "question", Some(prompt), more, parsed, keep));

    let (accept, give_up, wrong) = (reader.flow.label(), reader.flow.label(), reader.flow.label());
    let mut arms = vec![(Test::Kept(answer.to_string(), "valid"), accept)];
    match &repeat {
        Some(most) => {
            let often = Test::Reached(attempts.to_string(), most.clone(), "asked often enough".to_owned());
            arms.push((often, give_up));
        }
        // Who says nothing takes what is offered.
        None if default.is_some() => {
            arms.push((Test::Not(Box::new(Test::Said(answer.to_string()))), give_up));
        }
        None => {}
    }
    reader.flow.jump(action.jump("check"), arms, Some(wrong));
    reader.flow.place(wrong);
    reader.flow.push(super::show(action, "invalid", invalid, None));
    reader.flow.jump_back(action.jump("again"), again);
    reader.flow.place(give_up);
    if repeat.is_some() || default.is_some() {
        let keep = vec![assign(variable.clone(), output())];
        reader
            .flow
            .push(action.set("default", default.unwrap_or_else(null), keep));
        if let Some(response) = default_response {
            reader.flow.push(super::show(action, "defaulted", response, None));
        }
        reader.flow.jump(action.jump("given"), Vec::new(), Some(after));
    }
    reader.flow.place(accept);
    let mut keep = vec![assign(variable, output_field("value"))];
    if tells {
        keep.push((LAST.into(), output_field("message")));
    }
    let accepted = computed(Compute::Field(answer, Vec::new()));
    reader.flow.push(action.set("accept", accepted, keep));
    if tells && reader.talks {
        reader
            .flow
            .push(said(action, "keep", computed(Compute::Conversation), "message"));
    }
    reader.flow.place(after);
    Some(())
}

fn question(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Question> {
    let variable = fields.required_variable(reader, &["variable", "property"]);
    fields.required(reader, &["prompt", "question", "text"], "What is your name?");
    let prompt = fields.prompt(reader, &["prompt", "question", "text"]);
    let entity = match fields.get(&["entity"]) {
        Some(entry) => entity(reader, &entry.value),
        None => Some(Entity::String),
    };
    let always = fields.get(&["alwaysPrompt"]).and_then(|entry| entry.value.as_scalar());
    let always = always.and_then(|scalar| scalar.data.as_bool()).unwrap_or(false);
    let skip = match fields.text(reader, &["skipQuestionMode"]) {
        _ if always => Some(Skip::Never),
        None => Some(Skip::First),
        Some((word, span)) => {
            let modes = [
                ("SkipOnFirstExecutionIfVariableHasValue", Skip::First),
                ("AlwaysSkipIfVariableHasValue", Skip::Always),
                ("AlwaysAsk", Skip::Never),
            ];
            let found = modes.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
            if found.is_none() {
                let message = format!("`{word}` is no way to skip a question");
                let finding =
                    Diagnostic::error(Code::InvalidValue, span, message).suggest(&word, modes.map(|(name, _)| name));
                reader.report(finding);
            }
            found.map(|(_, mode)| *mode)
        }
    };
    let repeat = fields.value(reader, &["repeatCount"]);
    let invalid = fields.prompt(reader, &["invalidPrompt"]);
    let unrecognized = fields.prompt(reader, &["unrecognizedPrompt"]);
    let invalid = invalid
        .or(unrecognized)
        .unwrap_or_else(|| Build::Literal("Invalid response".into()));
    let default = fields.value(reader, &["defaultValue", "default"]);
    let default_response = fields.prompt(reader, &["defaultValueResponse"]);
    let tells = fields.get(&["autoSend"]).and_then(|entry| entry.value.as_scalar());
    let tells = tells.and_then(|scalar| scalar.data.as_bool()).unwrap_or(true);
    let choices = fields.value(reader, &["choices"]);
    Some(Question {
        variable: variable?,
        prompt: prompt?,
        entity: entity?,
        skip: skip?,
        repeat,
        invalid,
        default,
        default_response,
        tells,
        choices,
    })
}

fn entity(reader: &mut Reader<'_>, node: &Node) -> Option<Entity> {
    let word = node.get("kind").unwrap_or(node);
    let text = word.as_str().unwrap_or_default();
    let found = Entity::parse(text);
    if found.is_none() {
        let message = format!("answers cannot be read as `{text}`");
        let finding = Diagnostic::error(Code::InvalidValue, word.span, message).suggest(text, Entity::NAMES);
        reader.report(finding.help("take `StringPrebuiltEntity` and look at the text with a formula"));
    }
    found
}
