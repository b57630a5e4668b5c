//! Mocks: answers from a file instead of the outside world.
//!
//! ```yaml
//! rate-risk: { output: { score: 0.9 } }           # the step with this id
//! "load-*":                                       # steps whose id or address fits the pattern
//!   - { error: { code: http.network } }           # first
//!   - { output: [1, 2], after: 2s }               # then, and from then on
//! research:                                       # an agent: what its model says, turn by turn
//!   - { calls: [{ search: { words: tea } }] }
//!   - { output: Tea is a drink. }
//! research/search: { output: [a page] }           # a tool of that agent
//! charge:
//!   - { when: =request.body.cents > 1000, error: { code: http.status } }   # whenever that holds
//!   - { output: { receipt: r-1 } }                                         # else
//! ```

mod read;
pub(super) mod reply;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use super::Performing;
use crate::clock::Clock;
use crate::data::Data;
use crate::expr::{Expression, Root};
use crate::graph::{Millis, Name};
use crate::run::{Failure, Outcome, PendingCall, Request};

/// Answers by step.
#[derive(Debug, Default)]
pub struct Mocks {
    /// In the order of the file.
    rules: Arc<[Rule]>,
    /// How many answers of each rule a step has had.
    given: Mutex<BTreeMap<(usize, Name), usize>>,
}

/// What is answered to the steps that fit a pattern.
#[derive(Debug)]
struct Rule {
    /// An id, an address, or a pattern of either.
    pattern: Name,
    /// The answers with a condition, each given whenever it holds.
    conditional: Vec<(Arc<Expression>, Mock)>,
    /// The others, given one after the other, the last again and again.
    sequence: Vec<Mock>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Mock {
    /// What the call comes to.
    pub outcome: Outcome,
    /// How long that takes.
    pub after: Millis,
}

/// What is wrong with a file of mocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MockError {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What, and what to write instead.
    pub message: String,
    /// For a key that is not known: the keys that are.
    pub known: &'static [&'static str],
}

impl Mocks {
    /// The same answers, none of which has been given.
    #[must_use]
    pub fn afresh(&self) -> Mocks {
        Mocks {
            rules: self.rules.clone(),
            given: Mutex::default(),
        }
    }

    /// The ids and patterns that fit none of these steps: mistyped, most likely.
    pub fn unmatched<'s>(&self, steps: impl Iterator<Item = &'s str> + Clone) -> Vec<Name> {
        // An address ends in an id.
        let misses = |pattern: &Name| {
            let id = pattern.rsplit(['/', ':']).next().unwrap_or_default();
            !steps.clone().any(|step| fits(id, step) || fits(pattern, step))
        };
        self.rules
            .iter()
            .map(|rule| rule.pattern.clone())
            .filter(misses)
            .collect()
    }

    /// The next answer to a call: by its address or the id of its step if that is there, else by the first pattern that
    /// fits and has an answer.
    ///
    /// # Errors
    ///
    /// A condition that cannot be evaluated.
    pub fn answer(&self, call: &PendingCall) -> Result<Option<Mock>, Failure> {
        let address = call.address();
        // What a server tells of its tools is no turn of the agent, whose answers go by the id of the step.
        if let Request::McpTools(_) = *call.request {
            let mut rules = self.rules.iter().enumerate();
            let rule = rules.find(|(_, rule)| *rule.pattern == *address);
            return rule.map_or(Ok(None), |(at, rule)| self.answer_of(at, rule, call));
        }
        let exact = |rule: &Rule| *rule.pattern == *address || rule.pattern == call.step;
        let rules = || self.rules.iter().enumerate();
        let by_name = rules().filter(|(_, rule)| exact(rule));
        let by_pattern = rules().filter(|(_, rule)| !exact(rule) && step_fits(&rule.pattern, &call.step, address));
        for (at, rule) in by_name.chain(by_pattern) {
            if let Some(mock) = self.answer_of(at, rule, call)? {
                return Ok(Some(mock));
            }
        }
        Ok(None)
    }

    fn answer_of(&self, at: usize, rule: &Rule, call: &PendingCall) -> Result<Option<Mock>, Failure> {
        for (condition, mock) in &rule.conditional {
            let names = |root: &Root| match root {
                Root::Local(name) if **name == *REQUEST => Some(call.request.to_data()),
                Root::Attempt => Some(Data::Int(call.attempt().into())),
                _ => None,
            };
            if condition.eval_bool(&names)? {
                return Ok(Some(mock.clone()));
            }
        }
        // A counter cannot be left half counted by a panic.
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = given.entry((at, call.step.clone())).or_default();
        let mock = rule.sequence.get(*next).or(rule.sequence.last());
        *next += 1;
        Ok(mock.cloned())
    }
}

/// What a condition knows the call by.
pub(super) const REQUEST: &str = "request";

pub(super) use read::read_answer;

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

/// Whether a step is meant by an id, an address, or a pattern of either in which `*` stands for any characters.
pub fn step_fits(pattern: &str, id: &str, address: &str) -> bool {
    fits(pattern, id) || fits(pattern, address)
}

/// Whether a text fits a pattern, in which `*` stands for any characters.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(first) else {
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
    use crate::run::{Answer, FunctionRequest, Request, Ticket};

    fn call(address: &str, attempt: u32, amount: i64) -> PendingCall {
        let step = address.rsplit('/').next().unwrap_or_default();
        PendingCall {
            ticket: Ticket(0),
            request: Arc::new(Request::Function(FunctionRequest {
                name: "pay".into(),
                arguments: data!({ "amount": amount }),
            })),
            step: step.split('[').next().unwrap_or_default().into(),
            effect: format!("{address}#{attempt}"),
        }
    }

    fn outcome(mocks: &Mocks, step: &str) -> Option<Outcome> {
        mocks.answer(&call(step, 1, 0)).unwrap().map(|mock| mock.outcome)
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
    fn conditions_go_before_the_sequence_and_addresses_before_ids() {
        let mocks = Mocks::from_data(&data!({
            "*/put": { "output": "any" },
            "load[1]/put": { "output": "second" },
            "pay": [
                { "output": 1 },
                { "when": "=request.arguments.amount > 9 and attempt == 1", "error": { "code": "large" } },
                { "output": 2 },
            ],
            "only": { "when": "=attempt > 1", "output": "again" },
        }))
        .unwrap();
        assert_eq!(outcome(&mocks, "load[0]/put"), done(data!("any")));
        assert_eq!(outcome(&mocks, "load[1]/put"), done(data!("second")));
        let pay = |attempt, amount| mocks.answer(&call("pay", attempt, amount)).unwrap().unwrap().outcome;
        assert!(matches!(pay(1, 10), Outcome::Failed(failure) if &*failure.code == "large"));
        assert_eq!(Some(pay(2, 10)), done(data!(1)));
        assert_eq!(Some(pay(1, 3)), done(data!(2)));
        assert_eq!(outcome(&mocks, "only"), None);
        assert_eq!(
            mocks.answer(&call("only", 2, 0)).unwrap().map(|mock| mock.outcome),
            done(data!("again"))
        );
        assert_eq!(outcome(&mocks.afresh(), "pay"), done(data!(1)), "none has been given");
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let wrong = data!({
            "a": 1,
            "b": { "outptu": 1 },
            "c": [{ "output": 1, "after": "soon" }, { "output": 1, "error": { "code": "x" } }],
            "d": { "error": { "message": "no code" } },
            "e": [],
            "f": [{ "when": true }, { "when": "=input.x" }, { "when": "=1 +" }],
            "g": { "error": { "code": "x", "mesage": "y" } },
        });
        let errors = Mocks::from_data(&wrong).unwrap_err();
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/a",
                "/b/outptu",
                "/c/0/after",
                "/c/1",
                "/d/error",
                "/e",
                "/f/0/when",
                "/f/1/when",
                "/f/2/when",
                "/g/error/mesage"
            ]
        );
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
