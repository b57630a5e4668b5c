//! The values that actions compute.

use std::sync::Arc;

use super::entity::Entity;
use super::message::{self, Role, message};
use super::parse::ValueType;
use super::table::{self, Change};
use super::world::{conversation_id, variable};
use super::{failed, is_blank, render, shown, value};
use crate::data::{Data, Map};
use crate::expr::powerfx::{Formula, Template};
use crate::expr::{Build, EvalError, Names, Root};

/// A value of an action.
#[derive(Clone, Debug)]
pub enum Compute {
    /// The value of a formula an author wrote.
    Formula(Formula),
    /// A text with formulas between braces.
    Template(Template),
    /// A value as Foundry shows it in a text, without white space around it if so wanted.
    Text(Box<Build>, bool),
    /// Texts one behind the other.
    Joined(Vec<Build>),
    /// The entries of two objects; those of the second count.
    Merged(Box<Build>, Box<Build>),
    /// Texts as lines.
    Lines(Vec<Build>),
    /// A formula that cannot be read, with what is wrong with it.
    Broken(Arc<str>),
    /// What is known at this moment of a step, or a field of it.
    Part(Part, &'static str),
    /// What a variable holds, by its key.
    Variable(Arc<str>),
    /// What the record under a key holds at a path.
    Field(Arc<str>, Vec<Arc<str>>),
    /// What the record under a key holds, with the field at a path replaced.
    Put(Arc<str>, Vec<Arc<str>>, Box<Build>),
    /// The first that has a value.
    First(Vec<Build>),
    /// One more than the number under a key.
    More(Arc<str>),
    /// The variables a run begins with.
    Opening,
    /// The messages a run begins with, as they are kept in its conversation.
    Beginning,
    /// Of some messages, those that are not kept in the conversation of the run yet: kept ones have an id.
    Unkept(Box<Build>),
    /// The conversation of the run.
    Conversation,
    /// A conversation of the run's own, for one action.
    Aside(Arc<str>),
    /// The items of a table, as a loop goes through them.
    Items(Box<Build>),
    /// The item that a loop is at, of the list and the position under these keys.
    Item(Arc<str>, Arc<str>),
    /// A text read as a value of a type.
    Parse(Box<Build>, ValueType),
    /// A table changed: `{table, result}`.
    Edit(Box<Build>, Change, Option<Box<Build>>),
    /// The answer to a question: `{message, text, value, valid}`.
    Answer(Entity),
    /// What a person said unasked: `{messages, message, text}`, with what counts if that is nothing.
    Heard(Option<Box<Build>>),
    /// The answer to the question whether a tool may be called: `{approved}`.
    Approval,
    /// What an agent is told: inputs it may use, and messages.
    Told(Option<Box<Build>>, Vec<Build>),
    /// What an agent has answered: `{messages, text, object}`.
    Replied(Arc<str>),
    /// What a tool has answered: `{value, text, messages}`; of that of a function that the host runs, its `result`.
    Called,
    /// What a server has answered: `{value, text, headers, messages}`.
    Fetched,
    /// A message of a conversation, as formulas see it.
    Said,
    /// Messages of a conversation, as formulas see them.
    SaidAll,
}

/// What is known at a moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the step received.
    Received,
    /// What it has come to.
    Output,
}

fn record<const N: usize>(entries: [(&str, Data); N]) -> Data {
    Data::from(
        entries
            .into_iter()
            .map(|(key, value)| (Arc::from(key), value))
            .collect::<Map>(),
    )
}

fn table(rows: Vec<Data>) -> Data {
    Data::from(rows)
}

impl Compute {
    /// The value.
    ///
    /// # Errors
    ///
    /// Those of formulas, and `expression.type` for values of which nothing can be made.
    pub fn eval(&self, names: &dyn Names) -> Result<Data, EvalError> {
        Ok(match self {
            Compute::Formula(formula) => value(formula, names)?,
            Compute::Template(template) => Data::from(render(template, names)?),
            Compute::Text(build, trimmed) => {
                let text = shown(&build.eval(names)?);
                match trimmed {
                    true => Data::from(text.trim()),
                    false => Data::Text(text),
                }
            }
            Compute::Joined(builds) => {
                let parts = builds.iter().map(|build| Ok(shown(&build.eval(names)?)));
                Data::from(parts.collect::<Result<Vec<Arc<str>>, EvalError>>()?.concat())
            }
            Compute::Merged(first, second) => {
                let [first, second] = [first.eval(names)?, second.eval(names)?];
                let maps = [&first, &second].into_iter().filter_map(|value| value.as_map());
                let entries = maps.flat_map(|map| map.iter().map(|(key, value)| (key.clone(), value.clone())));
                Data::from(entries.collect::<Map>())
            }
            Compute::Lines(builds) => {
                let lines = builds.iter().map(|build| Ok(shown(&build.eval(names)?)));
                Data::from(lines.collect::<Result<Vec<Arc<str>>, EvalError>>()?.join("\n"))
            }
            Compute::Broken(message) => return Err(failed(message.to_string())),
            Compute::Part(part, field) => {
                let root = match part {
                    Part::Received => Root::Data,
                    Part::Output => Root::Output,
                };
                let whole = names.get(&root).unwrap_or_default();
                match *field {
                    "" => whole,
                    field => whole.get(field).cloned().unwrap_or_default(),
                }
            }
            Compute::Variable(key) => variable(names, key),
            Compute::Field(key, path) => {
                let whole = variable(names, key);
                let field = path.iter().try_fold(&whole, |at, name| at.get(name));
                field.cloned().unwrap_or_default()
            }
            Compute::Put(key, path, build) => put(&variable(names, key), path, build.eval(names)?),
            Compute::First(builds) => {
                for build in builds {
                    let value = build.eval(names)?;
                    if !is_blank(&value) {
                        return Ok(value);
                    }
                }
                Data::Null
            }
            Compute::More(key) => Data::Int(variable(names, key).as_i64().unwrap_or(0).saturating_add(1)),
            Compute::Opening => {
                let input = names.get(&Root::Input).unwrap_or_default();
                match message::last(&input) {
                    Some(last) if message::last_text(&input).is_some() => record([(message::LAST, last)]),
                    _ => Data::from(Map::new()),
                }
            }
            Compute::Beginning => {
                let input = names.get(&Root::Input).unwrap_or_default();
                let said = match message::last_text(&input) {
                    Some(_) => message::received(&input),
                    None => Vec::new(),
                };
                table(message::unkept(&table(said)))
            }
            Compute::Unkept(build) => table(message::unkept(&build.eval(names)?)),
            Compute::Conversation => Data::Text(conversation_id(names)),
            Compute::Aside(action) => Data::from(format!("{}/{action}", conversation_id(names))),
            Compute::Items(build) => table(table::items(&build.eval(names)?)),
            Compute::Item(items, at) => {
                let at = variable(names, at).as_i64().and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| variable(names, items).index(at).cloned())
                    .unwrap_or_default()
            }
            Compute::Parse(build, ty) => ty.read(&build.eval(names)?)?,
            Compute::Edit(build, change, row) => {
                let row = match row {
                    Some(row) => row.eval(names)?,
                    None => Data::Null,
                };
                let (table, result) = change.apply(&build.eval(names)?, row)?;
                record([("table", table), ("result", result)])
            }
            Compute::Answer(entity) => {
                let payload = names.get(&Root::Resume).unwrap_or_default();
                let last = message::last(&payload).unwrap_or_else(|| user(""));
                let text = last.get("Text").map(Data::to_text).unwrap_or_default();
                let value = entity.read(&text);
                record([
                    ("message", last),
                    ("text", Data::Text(text)),
                    ("valid", Data::Bool(value.is_some())),
                    ("value", value.unwrap_or_default()),
                ])
            }
            Compute::Heard(otherwise) => {
                let payload = names.get(&Root::Resume).unwrap_or_default();
                let mut messages = message::received(&payload);
                let silent = messages.iter().all(|said| said.get("Text").is_none_or(is_blank));
                if let (true, Some(otherwise)) = (silent, otherwise) {
                    messages = vec![user(&shown(&otherwise.eval(names)?))];
                }
                let last = messages.last().cloned().unwrap_or_else(|| user(""));
                let text = last.get("Text").cloned().unwrap_or_default();
                record([("messages", table(messages)), ("message", last), ("text", text)])
            }
            Compute::Approval => {
                let payload = names.get(&Root::Resume).unwrap_or_default();
                let said = message::last_text(&payload).unwrap_or_default();
                let yes = ["yes", "y", "true", "approve", "approved", "ok"];
                let approved = match payload.get("approved") {
                    Some(approved) => approved.as_bool() == Some(true),
                    None => {
                        payload.as_bool() == Some(true) || yes.iter().any(|yes| said.trim().eq_ignore_ascii_case(yes))
                    }
                };
                record([("approved", Data::Bool(approved)), ("text", Data::Text(said))])
            }
            Compute::Told(inputs, messages) => {
                let mut told = Vec::new();
                if let Some(inputs) = inputs {
                    let inputs = inputs.eval(names)?;
                    let content = Data::from(format!("Inputs: {inputs}"));
                    told.push(record([("role", Data::from("system")), ("content", content)]));
                }
                for build in messages {
                    let said = message::told(&build.eval(names)?);
                    if !said.is_empty() {
                        told.extend(said);
                        break;
                    }
                }
                table(told)
            }
            Compute::Replied(agent) => {
                let answer = names.get(&Root::Result).unwrap_or_default();
                let text = answer.to_text();
                let object = match &answer {
                    Data::Text(text) => serde_json::from_str(text).ok(),
                    Data::Map(_) | Data::List(_) => Some(answer.clone()),
                    _ => None,
                };
                let said = message(Role::Agent, text.clone(), Data::Text(agent.clone()), "".into());
                record([
                    ("messages", table(vec![said])),
                    ("text", Data::Text(text)),
                    ("object", object.unwrap_or_default()),
                ])
            }
            Compute::Called => {
                let resumed = names.get(&Root::Resume);
                let answer = match resumed {
                    Some(payload) => payload.get("result").cloned().unwrap_or(payload),
                    None => names.get(&Root::Result).unwrap_or_default(),
                };
                let answer = parsed(answer);
                let text = shown(&answer);
                let said = message(Role::Agent, text.clone(), Data::Null, "".into());
                record([
                    ("value", answer),
                    ("text", Data::Text(text)),
                    ("messages", table(vec![said])),
                ])
            }
            Compute::Fetched => {
                let answer = parsed(names.get(&Root::Result).unwrap_or_default());
                let response = names.get(&Root::Response).unwrap_or_default();
                let said = message(Role::Agent, shown(&answer), Data::Null, "".into());
                record([
                    ("messages", table(vec![said])),
                    ("text", Data::Text(shown(&answer))),
                    ("value", answer),
                    ("headers", response.get("headers").cloned().unwrap_or_default()),
                ])
            }
            Compute::Said => message::one(&names.get(&Root::Result).unwrap_or_default()),
            Compute::SaidAll => table(message::all(&names.get(&Root::Result).unwrap_or_default())),
        })
    }
}

fn user(text: &str) -> Data {
    message(Role::User, text.into(), Data::Null, "".into())
}

/// What a tool answers is read as JSON where it is an object or a list in a text.
fn parsed(answer: Data) -> Data {
    match &answer {
        Data::Text(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(text).unwrap_or_else(|_| answer.clone())
        }
        _ => answer,
    }
}

/// A record with the field at a path replaced; what is no record on the way becomes one.
fn put(whole: &Data, path: &[Arc<str>], value: Data) -> Data {
    let Some((first, rest)) = path.split_first() else {
        return value;
    };
    let inner = put(whole.get(first).unwrap_or(&Data::Null), rest, value);
    match whole.as_map() {
        Some(map) => Data::from(map.with(first.clone(), inner)),
        None => Data::from([(first.clone(), inner)].into_iter().collect::<Map>()),
    }
}
