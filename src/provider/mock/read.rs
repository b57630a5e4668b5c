//! Reading mocks: the same for `--mocks` files and for test cases.

use std::sync::Arc;

use super::{Mock, MockError, Mocks, REQUEST, Rule, reply};
use crate::data::{Data, Map};
use crate::expr::{Build, Expression, Root};
use crate::graph::{Millis, Name, parse_duration};
use crate::provider::failed;
use crate::run::{Answer, Failure, Outcome, Reply};

/// The keys of an answer.
const KEYS: &[&str] = &["output", "response", "calls", "usage", "error", "after", "when"];

/// The keys of an error.
const ERROR_KEYS: &[&str] = &["code", "message", "data"];

const SHAPE: &str = "an answer is an object with `output` or `error`, and `after` if it takes a while";

impl Mocks {
    /// The keys that an answer may have.
    pub const KEYS: &'static [&'static str] = KEYS;

    /// The keys that the error of an answer may have.
    pub const ERROR_KEYS: &'static [&'static str] = ERROR_KEYS;

    /// Reads mocks: an object of step ids, addresses or patterns (`*` stands for any characters), each with an answer or
    /// a list of answers. Of a list, the first answer whose `when` holds is given; where none does, those without `when`
    /// one after the other, the last again and again.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, with its place.
    pub fn from_data(data: &Data) -> Result<Mocks, Vec<MockError>> {
        let mut reader = Reader::default();
        let mut rules = Vec::new();
        match data {
            Data::Map(map) => {
                for (step, answers) in map.iter() {
                    let pointer = format!("/{}", step.replace('~', "~0").replace('/', "~1"));
                    rules.push(reader.rule(step, answers, &pointer));
                }
            }
            Data::Null => {}
            other => reader.wrong(
                String::new(),
                format!("mocks are an object of step ids and answers, not {}", other.a_kind()),
            ),
        }
        match reader.errors.is_empty() {
            true => Ok(Mocks {
                rules: rules.into(),
                ..Mocks::default()
            }),
            false => Err(reader.errors),
        }
    }
}

/// Reads one answer, with the condition on which it is given.
///
/// # Errors
///
/// Everything that is wrong, with its place.
pub(in crate::provider) fn read_answer(
    answer: &Data,
    pointer: &str,
) -> Result<(Option<Arc<Expression>>, Mock), Vec<MockError>> {
    let mut reader = Reader::default();
    match reader.answer(answer, pointer) {
        Some(read) if reader.errors.is_empty() => Ok(read),
        _ => Err(reader.errors),
    }
}

#[derive(Default)]
struct Reader {
    errors: Vec<MockError>,
}

impl Reader {
    fn wrong(&mut self, pointer: String, message: String) {
        self.errors.push(MockError {
            pointer,
            message,
            known: &[],
        });
    }

    fn rule(&mut self, pattern: &Name, answers: &Data, pointer: &str) -> Rule {
        let read = match answers {
            Data::List(list) => {
                if list.is_empty() {
                    self.wrong(pointer.to_owned(), "the list holds no answer".to_owned());
                }
                let each = list.iter().enumerate();
                each.filter_map(|(at, answer)| self.answer(answer, &format!("{pointer}/{at}")))
                    .collect()
            }
            answer => Vec::from_iter(self.answer(answer, pointer)),
        };
        let mut rule = Rule {
            pattern: pattern.clone(),
            conditional: Vec::new(),
            sequence: Vec::new(),
        };
        for (when, mock) in read {
            match when {
                Some(when) => rule.conditional.push((when, mock)),
                None => rule.sequence.push(mock),
            }
        }
        rule
    }

    fn answer(&mut self, answer: &Data, pointer: &str) -> Option<(Option<Arc<Expression>>, Mock)> {
        let before = self.errors.len();
        let Data::Map(map) = answer else {
            self.wrong(pointer.to_owned(), format!("{SHAPE}, not {}", answer.a_kind()));
            return None;
        };
        self.keys(map, KEYS, pointer, SHAPE);
        let after = match map.get("after") {
            None | Some(Data::Int(0)) => Ok(Millis(0)),
            Some(Data::Text(text)) => parse_duration(text).map_err(|error| error.to_string()),
            Some(other) => Err(format!("`after` is a duration such as `2s`, not {}", other.a_kind())),
        };
        let after = after
            .map_err(|message| self.wrong(format!("{pointer}/after"), message))
            .ok();
        let when = map
            .get("when")
            .map(|when| self.condition(when, format!("{pointer}/when")));
        let outcome = match (map.get("output"), map.get("error")) {
            (Some(_), Some(_)) => {
                let message = "an answer has `output` or `error`, not both";
                self.wrong(pointer.to_owned(), message.to_owned());
                None
            }
            (output, None) if map.contains("calls") || map.contains("usage") => self.reply(map, output, pointer),
            (output, None) => Some(Outcome::Done(Answer {
                result: output.cloned(),
                response: map.get("response").cloned(),
            })),
            (None, Some(error)) => self.failure(error, &format!("{pointer}/error")).map(failed),
        };
        let mock = Mock {
            outcome: outcome?,
            after: after?,
        };
        (self.errors.len() == before).then_some((when.flatten(), mock))
    }

    /// What a model says.
    fn reply(&mut self, map: &Map, output: Option<&Data>, pointer: &str) -> Option<Outcome> {
        let mut reply = Reply::of(output.cloned());
        if let Some(calls) = map.get("calls") {
            match reply::calls(calls) {
                Ok(calls) => reply.calls = calls,
                Err(message) => self.wrong(format!("{pointer}/calls"), message),
            }
        }
        if let Some(usage) = map.get("usage") {
            match reply::usage(usage) {
                Ok((usage, cost)) => (reply.usage, reply.cost) = (Some(usage), cost),
                Err(message) => self.wrong(format!("{pointer}/usage"), message),
            }
        }
        Some(Outcome::Said(Arc::new(reply)))
    }

    fn keys(&mut self, map: &Map, known: &'static [&'static str], pointer: &str, shape: &str) {
        for key in map.keys().filter(|key| !known.contains(&&***key)) {
            self.errors.push(MockError {
                pointer: format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                message: format!("`{key}` is not known here; {shape}"),
                known,
            });
        }
    }

    fn condition(&mut self, when: &Data, pointer: String) -> Option<Arc<Expression>> {
        const HELP: &str = "a condition is an expression about `request` and `attempt`, such as \
                            `=request.body.amount > 100`";
        let Some(Ok(built)) = when.as_str().map(Build::from_scalar) else {
            let problems = when.as_str().map(Build::from_scalar).and_then(Result::err);
            let problem = problems.and_then(|problems| Some(problems.first()?.message.clone()));
            self.wrong(pointer, problem.unwrap_or_else(|| HELP.to_owned()));
            return None;
        };
        let Build::Expression(expression) = built else {
            self.wrong(pointer, HELP.to_owned());
            return None;
        };
        for root in expression.roots() {
            let known = match root {
                Root::Attempt => true,
                Root::Local(name) => **name == *REQUEST,
                _ => false,
            };
            if !known {
                self.wrong(pointer, format!("`{root}` is not known here; {HELP}"));
                return None;
            }
        }
        Some(expression)
    }

    fn failure(&mut self, error: &Data, pointer: &str) -> Option<Failure> {
        const SHAPE: &str = "an error is an object with `code`, `message`, `data`";
        let Data::Map(map) = error else {
            self.wrong(pointer.to_owned(), SHAPE.to_owned());
            return None;
        };
        self.keys(map, ERROR_KEYS, pointer, SHAPE);
        let text = |key: &str| match map.get(key) {
            None => Some(None),
            Some(Data::Text(text)) => Some(Some(text.clone())),
            Some(_) => None,
        };
        let (Some(Some(code)), Some(message)) = (text("code"), text("message")) else {
            self.wrong(pointer.to_owned(), SHAPE.to_owned());
            return None;
        };
        let message: Name = message.unwrap_or_else(|| Arc::from(format!("mocked `{code}`")));
        let data = map.get("data").cloned().unwrap_or_default();
        Some(Failure::new(code, message).with_data(data))
    }
}
