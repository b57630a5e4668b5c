//! Mocks: answers from a file instead of the outside world.
//!
//! ```yaml
//! rate-risk: { output: { score: 0.9 } }           # the step with this id
//! "load-*":                                       # steps whose id fits the pattern
//!   - { error: { code: http.network } }           # first
//!   - { output: [1, 2], after: 2s }               # then, and from then on
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use super::{Performing, failed};
use crate::clock::Clock;
use crate::data::Data;
use crate::graph::{Millis, Name, parse_duration};
use crate::run::{Answer, Failure, Outcome};

/// Answers by step.
#[derive(Debug)]
pub struct Mocks {
    /// In the order of the file.
    rules: Vec<(Name, Vec<Mock>)>,
    /// How many answers each step has had.
    given: Mutex<BTreeMap<Name, usize>>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Mock {
    outcome: Outcome,
    after: Millis,
}

/// What is wrong with a file of mocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MockError {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What, and what to write instead.
    pub message: String,
}

const SHAPE: &str = "an answer is an object with `output` or `error`, and `after` if it takes a while";

impl Mocks {
    /// Reads mocks: an object of step ids or patterns (`*` stands for any characters), each with an answer or a list of
    /// answers that are given one after the other, the last again and again.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, with its place.
    pub fn from_data(data: &Data) -> Result<Mocks, Vec<MockError>> {
        let mut errors = Vec::new();
        let mut rules = Vec::new();
        match data {
            Data::Map(map) => {
                for (step, answers) in map.iter() {
                    let pointer = format!("/{}", step.replace('~', "~0").replace('/', "~1"));
                    rules.push((step.clone(), read_answers(answers, &pointer, &mut errors)));
                }
            }
            Data::Null => {}
            other => errors.push(MockError {
                pointer: String::new(),
                message: format!("mocks are an object of step ids and answers, not {}", other.a_kind()),
            }),
        }
        match errors.is_empty() {
            true => Ok(Mocks {
                rules,
                given: Mutex::default(),
            }),
            false => Err(errors),
        }
    }

    /// The ids and patterns that fit none of these steps: mistyped, most likely.
    pub fn unmatched<'s>(&self, steps: impl Iterator<Item = &'s str> + Clone) -> Vec<Name> {
        let misses = |pattern: &Name| !steps.clone().any(|step| fits(pattern, step));
        self.rules
            .iter()
            .map(|(pattern, _)| pattern.clone())
            .filter(misses)
            .collect()
    }

    /// The next answer for a step: by its id if that is there, else by the first pattern that fits.
    pub(super) fn answer(&self, step: &Name) -> Option<Mock> {
        let exact = self.rules.iter().find(|(pattern, _)| pattern == step);
        let (_, answers) = exact.or_else(|| self.rules.iter().find(|(pattern, _)| fits(pattern, step)))?;
        // A counter cannot be left half counted by a panic.
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let at = given.entry(step.clone()).or_default();
        let answer = answers.get(*at).or(answers.last())?;
        *at += 1;
        Some(answer.clone())
    }
}

impl Mock {
    pub(super) fn perform(self, clock: &dyn Clock) -> Performing {
        if self.after == Millis(0) {
            return std::future::ready(self.outcome).boxed();
        }
        clock
            .sleep_until(clock.now().after(self.after))
            .map(|()| self.outcome)
            .boxed()
    }
}

fn read_answers(answers: &Data, pointer: &str, errors: &mut Vec<MockError>) -> Vec<Mock> {
    let Data::List(list) = answers else {
        return Vec::from_iter(read_answer(answers, pointer, errors));
    };
    if list.is_empty() {
        errors.push(MockError {
            pointer: pointer.to_owned(),
            message: "the list holds no answer".to_owned(),
        });
    }
    let each = list.iter().enumerate();
    each.filter_map(|(at, answer)| read_answer(answer, &format!("{pointer}/{at}"), errors))
        .collect()
}

fn read_answer(answer: &Data, pointer: &str, errors: &mut Vec<MockError>) -> Option<Mock> {
    let mut wrong = |pointer: String, message: String| errors.push(MockError { pointer, message });
    let Data::Map(map) = answer else {
        wrong(pointer.to_owned(), format!("{SHAPE}, not {}", answer.a_kind()));
        return None;
    };
    let mut sound = true;
    for key in map
        .keys()
        .filter(|key| !["output", "response", "error", "after"].contains(&&***key))
    {
        wrong(
            format!("{pointer}/{key}"),
            format!("`{key}` is not known here; {SHAPE}"),
        );
        sound = false;
    }
    let after = match map.get("after") {
        None | Some(Data::Int(0)) => Ok(Millis(0)),
        Some(Data::Text(text)) => parse_duration(text).map_err(|error| error.to_string()),
        Some(other) => Err(format!("`after` is a duration such as `2s`, not {}", other.a_kind())),
    };
    if let Err(message) = &after {
        wrong(format!("{pointer}/after"), message.clone());
    }
    let outcome = match (map.get("output"), map.get("error")) {
        (Some(_), Some(_)) => {
            wrong(
                pointer.to_owned(),
                "an answer has `output` or `error`, not both".to_owned(),
            );
            None
        }
        (output, None) => Some(Outcome::Done(Answer {
            result: output.cloned(),
            response: map.get("response").cloned(),
        })),
        (None, Some(error)) => match read_failure(error) {
            Some(failure) => Some(failed(failure)),
            None => {
                wrong(
                    format!("{pointer}/error"),
                    "an error is an object with `code`, `message`, `data`".to_owned(),
                );
                None
            }
        },
    };
    Some(Mock {
        outcome: outcome?,
        after: after.ok()?,
    })
    .filter(|_| sound)
}

fn read_failure(error: &Data) -> Option<Failure> {
    let known = |map: &crate::data::Map| map.keys().all(|key| ["code", "message", "data"].contains(&&**key));
    let text = |key: &str| match error.get(key) {
        None => Some(None),
        Some(Data::Text(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let code = text("code")??;
    let message: Name = text("message")?.unwrap_or_else(|| Arc::from(format!("mocked `{code}`")));
    let data = error.get("data").cloned().unwrap_or_default();
    error
        .as_map()
        .is_some_and(|map| known(map))
        .then(|| Failure::new(code, message).with_data(data))
}

/// Whether an id fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &str, id: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == id;
    };
    let Some(mut left) = id.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn outcome(mocks: &Mocks, step: &str) -> Option<Outcome> {
        mocks.answer(&step.into()).map(|mock| mock.outcome)
    }

    fn done(result: Data) -> Option<Outcome> {
        Some(Outcome::Done(Answer {
            result: Some(result),
            response: None,
        }))
    }

    #[test]
    fn answers_go_by_id_then_by_pattern_one_after_the_other() {
        let mocks = Mocks::from_data(&data!({
            "load-*": [{ "error": { "code": "http.network" } }, { "output": 1 }],
            "load-b": { "output": null },
            "ping": {},
        }))
        .unwrap();
        let failure = outcome(&mocks, "load-a");
        assert!(matches!(failure, Some(Outcome::Failed(failure)) if &*failure.code == "http.network"));
        assert_eq!(outcome(&mocks, "load-a"), done(data!(1)));
        assert_eq!(outcome(&mocks, "load-a"), done(data!(1)));
        assert!(matches!(outcome(&mocks, "load-c"), Some(Outcome::Failed(_))));
        assert_eq!(outcome(&mocks, "load-b"), done(Data::Null));
        assert_eq!(outcome(&mocks, "ping"), Some(Outcome::Done(Answer::default())));
        assert_eq!(outcome(&mocks, "other"), None);
        assert_eq!(mocks.unmatched(["load-x", "load-b"].into_iter()), [Name::from("ping")]);
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let wrong = data!({
            "a": 1,
            "b": { "outptu": 1 },
            "c": [{ "output": 1, "after": "soon" }, { "output": 1, "error": { "code": "x" } }],
            "d": { "error": { "message": "no code" } },
            "e": [],
        });
        let errors = Mocks::from_data(&wrong).unwrap_err();
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b/outptu", "/c/0/after", "/c/1", "/d/error", "/e"]);
    }

    #[test]
    fn patterns_match_any_characters() {
        for (pattern, id, expected) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*c", "a-c-b", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, id), expected, "{pattern} {id}");
        }
    }
}
