//! Scripts: what a model says, from a file.
//!
//! ```yaml
//! - { agent: sorter, prompt: refund, output: { topic: billing } }
//! - { agent: researcher, turn: 0, calls: [{ search: { words: tea } }], usage: { inputTokens: 90, outputTokens: 12 } }
//! - { agent: researcher, output: Tea is a drink., after: 200ms }
//! ```
//!
//! The first rule that fits answers. A script has no memory: the same question gets the same answer, also after a crash.

use std::sync::Arc;

use futures_util::FutureExt;

use super::mock::read_answer;
use super::model::{Answering, Model, ModelTurn};
use super::{Mock, MockError};
use crate::clock::Clock;
use crate::data::Data;
use crate::expr::{Expression, Root};
use crate::graph::{Millis, Name};
use crate::run::{Failure, Message, ModelRequest, Outcome, Reply, Request};

/// The keys of a rule besides those of an answer.
const KEYS: &[&str] = &["agent", "model", "turn", "prompt"];

/// Rules by which a model answers.
#[derive(Clone, Debug, Default)]
pub struct Script {
    rules: Arc<[Rule]>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// The id of the agent, or a pattern of it.
    agent: Option<Name>,
    /// The model, or a pattern of it.
    model: Option<Name>,
    turn: Option<u32>,
    /// What the last question contains, in letters of any case.
    prompt: Option<String>,
    when: Option<Arc<Expression>>,
    answer: Mock,
}

impl Script {
    /// Reads a list of rules.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, with its place.
    pub fn from_data(data: &Data) -> Result<Script, Vec<MockError>> {
        let wrong = |pointer: String, message: String| MockError {
            pointer,
            message,
            known: &[],
        };
        let list = match data {
            Data::Null => return Ok(Script::default()),
            Data::List(list) => list,
            other => {
                let message = format!("a script is a list of rules, not {}", other.a_kind());
                return Err(vec![wrong(String::new(), message)]);
            }
        };
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for (at, rule) in list.iter().enumerate() {
            let pointer = format!("/{at}");
            let Some(map) = rule.as_map() else {
                errors.push(wrong(pointer, format!("a rule is an object, not {}", rule.a_kind())));
                continue;
            };
            let mut text = |key: &str| match map.get(key) {
                None => None,
                Some(Data::Text(text)) => Some(text.clone()),
                Some(other) => {
                    let message = format!("`{key}` is a text, not {}", other.a_kind());
                    errors.push(wrong(format!("{pointer}/{key}"), message));
                    None
                }
            };
            let (agent, model, prompt) = (text("agent"), text("model"), text("prompt"));
            let turn = match map
                .get("turn")
                .map(|turn| turn.as_i64().and_then(|turn| u32::try_from(turn).ok()))
            {
                None => None,
                Some(Some(turn)) => Some(turn),
                Some(None) => {
                    let message = "`turn` is the number of a turn, from 0 on".to_owned();
                    errors.push(wrong(format!("{pointer}/turn"), message));
                    None
                }
            };
            let rest = KEYS.iter().fold(map.as_ref().clone(), |rest, key| rest.without(key));
            match read_answer(&Data::Map(Arc::new(rest)), &pointer) {
                Ok((when, answer)) => rules.push(Rule {
                    agent,
                    model,
                    turn,
                    prompt: prompt.map(|prompt| prompt.to_lowercase()),
                    when,
                    answer,
                }),
                Err(found) => errors.extend(found),
            }
        }
        match errors.is_empty() {
            true => Ok(Script { rules: rules.into() }),
            false => Err(errors),
        }
    }

    /// The rules of several scripts, one after the other.
    pub fn joined(scripts: Vec<Script>) -> Script {
        let rules = scripts.iter().flat_map(|script| script.rules.iter().cloned());
        Script { rules: rules.collect() }
    }

    /// The answer to a turn.
    ///
    /// # Errors
    ///
    /// A condition that cannot be evaluated, or `agent.unscripted` if no rule fits.
    pub fn answer(&self, request: &Arc<ModelRequest>) -> Result<Mock, Failure> {
        for rule in self.rules.iter() {
            if rule.fits(request)? {
                return Ok(rule.answer.clone());
            }
        }
        let message = format!(
            "no rule of the script fits turn {} of the agent `{}`, which was asked: {}",
            request.turn,
            request.agent,
            question(request).unwrap_or_default()
        );
        Err(Failure::new("agent.unscripted", message))
    }
}

impl Rule {
    fn fits(&self, request: &Arc<ModelRequest>) -> Result<bool, Failure> {
        let named = |pattern: &Option<Name>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| super::mock::fits(pattern, text))
        };
        let model = request.model.to_string();
        if !named(&self.agent, &request.agent)
            || !named(&self.model, &model)
            || self.turn.is_some_and(|turn| turn != request.turn)
        {
            return Ok(false);
        }
        if let Some(prompt) = &self.prompt {
            let asked = question(request).unwrap_or_default();
            if !asked.to_lowercase().contains(prompt) {
                return Ok(false);
            }
        }
        let Some(when) = &self.when else { return Ok(true) };
        let names = |root: &Root| match root {
            Root::Local(name) if **name == *super::mock::REQUEST => Some(Request::Model(request.clone()).to_data()),
            _ => None,
        };
        Ok(when.eval_bool(&names)?)
    }
}

/// What the model was last asked by a person.
fn question(request: &ModelRequest) -> Option<Name> {
    let mut backwards = request.messages.iter().rev();
    backwards.find_map(|message| match message {
        Message::User { content } => Some(content.to_text()),
        _ => None,
    })
}

/// A connection whose answers come from a script.
pub struct Scripted {
    script: Script,
    clock: Arc<dyn Clock>,
}

impl Scripted {
    /// A connection that answers by a script.
    pub fn new(script: Script, clock: Arc<dyn Clock>) -> Scripted {
        Scripted { script, clock }
    }
}

impl Model for Scripted {
    fn answer(&self, turn: ModelTurn) -> Answering {
        let answer = match self.script.answer(&turn.request) {
            Ok(answer) => answer,
            Err(failure) => return std::future::ready(Err(failure)).boxed(),
        };
        let clock = self.clock.clone();
        async move {
            if answer.after > Millis(0) {
                clock.sleep_until(clock.now().after(answer.after)).await;
            }
            let reply = match answer.outcome {
                Outcome::Failed(failure) => return Err(Failure::clone(&failure)),
                Outcome::Said(reply) => Reply::clone(&reply),
                Outcome::Done(answer) => Reply::of(answer.result),
            };
            if let Some(Data::Text(text)) = &reply.content {
                text.split_inclusive(' ').for_each(|word| turn.deltas.text(word));
            }
            Ok(reply)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::graph::{ModelName, Parameters};

    fn asked(agent: &str, turn: u32, prompt: &str) -> Arc<ModelRequest> {
        Arc::new(ModelRequest {
            agent: agent.into(),
            turn,
            model: ModelName::parse("one/small").unwrap(),
            instructions: None,
            earlier: 0,
            messages: vec![Message::User {
                content: Data::from(prompt),
            }],
            tools: Vec::new(),
            schema: None,
            parameters: Parameters::default(),
        })
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let script = Script::from_data(&data!([
            { "agent": "sorter", "prompt": "refund", "output": "billing" },
            { "agent": "sort*", "turn": 1, "calls": [{ "search": { "words": "tea" } }] },
            { "when": "=request.prompt | length > 20", "error": { "code": "agent.status" } },
            { "model": "one/*", "output": "else" },
        ]))
        .unwrap();
        let said = |agent, turn, prompt| script.answer(&asked(agent, turn, prompt)).unwrap().outcome;
        let text = |text: &str| {
            Outcome::Done(crate::run::Answer {
                result: Some(Data::from(text)),
                response: None,
            })
        };
        assert_eq!(said("sorter", 0, "A REFUND please"), text("billing"));
        assert!(matches!(said("sorter", 1, "?"), Outcome::Said(reply) if &*reply.calls[0].name == "search"));
        assert!(matches!(said("other", 0, "something rather long"), Outcome::Failed(_)));
        assert_eq!(said("other", 0, "?"), text("else"));
        let none = Script::default().answer(&asked("other", 3, "Why?")).unwrap_err();
        assert_eq!(&*none.code, "agent.unscripted");
        assert!(
            none.message.contains("turn 3") && none.message.contains("Why?"),
            "{}",
            none.message
        );
    }

    #[test]
    fn mistakes_are_found_with_their_places() {
        let errors = Script::from_data(&data!([
            { "agent": 1, "output": 2 },
            { "turn": -1 },
            { "calls": [] },
            { "outptu": 1 },
            5,
        ]))
        .unwrap_err();
        let places: Vec<&str> = errors.iter().map(|error| &*error.pointer).collect();
        assert_eq!(places, ["/0/agent", "/1/turn", "/2/calls", "/3/outptu", "/4"]);
    }
}
