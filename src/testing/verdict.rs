//! What is wrong with a case's run.

use super::matcher::shown;
use super::missing;
use super::play::{Ending, Played, Trouble, Waiting};
use super::suite::{Case, Expect, Expected};
use super::trace::{Told, duration};
use crate::graph::Name;
use crate::provider::step_fits;
use crate::run::{Failure, RunEnd, Status};
use crate::source::Span;

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What kind of thing.
    pub kind: Kind,
    /// One sentence.
    pub message: String,
    /// Where to look: in the workflow, or in the test file.
    pub place: Option<Span>,
    /// More about it, one line each.
    pub notes: Vec<String>,
    /// Lines to add to the case.
    pub add: Option<String>,
    /// What a snapshot holds, and what there is instead.
    pub difference: Option<Difference>,
}

/// Two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was kept.
    pub old: String,
    /// What there is now.
    pub new: String,
}

/// The kinds of things that can be wrong, which reports call by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call has no mock.
    MissingMock,
    /// The case does what the run does not take.
    Refused,
    /// The run does not come to an end.
    Endless,
    /// The status is another.
    Status,
    /// The result is another.
    Result,
    /// The error is another.
    Error,
    /// Other steps ran, or did not.
    Steps,
    /// Others wait.
    Waiting,
    /// It took longer or shorter.
    Took,
    /// The snapshot is missing, another, or waits for review.
    Snapshot,
}

impl Kind {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::MissingMock => "missing-mock",
            Kind::Refused => "refused",
            Kind::Endless => "endless",
            Kind::Status => "status",
            Kind::Result => "result",
            Kind::Error => "error",
            Kind::Steps => "steps",
            Kind::Waiting => "waiting",
            Kind::Took => "took",
            Kind::Snapshot => "snapshot",
        }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, place: impl Into<Option<Span>>, message: impl Into<String>) -> Problem {
        Problem {
            kind,
            message: message.into(),
            place: place.into(),
            notes: Vec::new(),
            add: None,
            difference: None,
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Problem {
        self.notes.push(note.into());
        self
    }

    fn add(mut self, lines: String) -> Problem {
        self.add = Some(lines);
        self
    }
}

/// Everything that is not as a case expects.
pub(super) fn judge(case: &Case, played: &Played, told: &Told) -> Vec<Problem> {
    let judge = Judge { played, told };
    if let Ending::Stuck(trouble) = &played.ending {
        return vec![judge.trouble(trouble)];
    }
    let mut problems = Vec::new();
    let Some(expect) = &case.expect else {
        return problems;
    };
    // A run that ended otherwise than expected has no result to compare.
    if let Some(problem) = judge.status(expect) {
        problems.push(problem);
    } else {
        judge.outcome(expect, &mut problems);
        judge.waiting(expect, &mut problems);
        judge.took(expect, &mut problems);
    }
    judge.steps(expect, &mut problems);
    problems
}

struct Judge<'a> {
    played: &'a Played,
    told: &'a Told,
}

impl Judge<'_> {
    fn trouble(&self, trouble: &Trouble) -> Problem {
        match trouble {
            Trouble::NoMock(missing) => {
                let message = format!(
                    "the step `{}` calls {}, and no mock answers",
                    missing.address, missing.what
                );
                Problem::new(Kind::MissingMock, missing.origin, message).add(missing.yaml.clone())
            }
            Trouble::Mock { address, failure } => {
                let message = format!(
                    "the `when` of a mock for `{address}` cannot be evaluated: {}",
                    failure.message
                );
                Problem::new(Kind::MissingMock, self.place(address), message)
            }
            Trouble::Refused { place, message } => Problem::new(Kind::Refused, *place, message.clone()),
            Trouble::Endless => {
                let last = self.told.ran.last();
                let place = last.and_then(|ran| self.place(&ran.address));
                let message = format!(
                    "the run does not end: {} events have happened",
                    self.played.events.len()
                );
                Problem::new(Kind::Endless, place, message)
            }
            Trouble::Corrupt(message) => Problem::new(Kind::Endless, None, format!("the run cannot go on: {message}")),
        }
    }

    fn place(&self, step: &str) -> Option<Span> {
        self.told.place(&self.played.program, step)
    }

    fn found(&self) -> Expected {
        match &self.played.ending {
            Ending::Over(RunEnd::Completed(_)) => Expected::Run(Status::Completed),
            Ending::Over(RunEnd::Failed(_)) => Expected::Run(Status::Error),
            Ending::Over(RunEnd::Cancelled(_)) => Expected::Run(Status::Cancelled),
            Ending::Resting { status, .. } => Expected::Run(*status),
            Ending::Rejected(_) | Ending::Stuck(_) => Expected::Rejected,
        }
    }

    fn status(&self, expect: &Expect) -> Option<Problem> {
        let (expected, written) = expect.status;
        if self.found() == expected {
            return None;
        }
        let place = written.unwrap_or(expect.place);
        let expected = expected.as_str();
        let problem = |place: Option<Span>, message: String| Problem::new(Kind::Status, place, message);
        Some(match &self.played.ending {
            Ending::Over(RunEnd::Completed(result)) => {
                let message = format!("the run completed, expected `{expected}`");
                problem(Some(place), message).note(format!("its result is {}", shown(Some(result))))
            }
            Ending::Over(RunEnd::Failed(failure)) => {
                let message = format!("the run failed, expected `{expected}`: {failure}");
                self.about(failure, problem(self.origin(failure).or(Some(place)), message))
            }
            Ending::Over(RunEnd::Cancelled(reason)) => {
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                problem(
                    Some(place),
                    format!("the run was cancelled, expected `{expected}`{reason}"),
                )
            }
            Ending::Resting { waiting, .. } => {
                let Some(first) = waiting.first() else {
                    return Some(problem(Some(place), format!("the run hangs, expected `{expected}`")));
                };
                let addresses: Vec<String> = waiting.iter().map(|wait| format!("`{}`", wait.address)).collect();
                let message = format!("the run waits at {}, expected `{expected}`", addresses.join(", "));
                problem(self.place(&first.address), message).add(self.answer(first))
            }
            Ending::Rejected(message) => problem(Some(place), format!("the run did not start: {message}")),
            Ending::Stuck(_) => problem(Some(place), "the run is stuck".to_owned()),
        })
    }

    /// Where an error arose.
    fn origin(&self, failure: &Failure) -> Option<Span> {
        self.place(failure.step.as_deref()?)
    }

    fn about(&self, failure: &Failure, mut problem: Problem) -> Problem {
        if let Some(attempt) = failure.attempt.filter(|attempt| *attempt > 1) {
            problem = problem.note(format!("it was attempt {attempt}"));
        }
        if !failure.data.is_null() {
            problem = problem.note(format!("with the data {}", shown(Some(&failure.data))));
        }
        problem
    }

    /// What a case would have to say for a wait to be answered.
    fn answer(&self, wait: &Waiting) -> String {
        if let Some(event) = &wait.event {
            return format!("events:\n  - {{ event: {event}, data: {{}}, at: 1h }}\n");
        }
        let mut steps = self.played.program.steps.iter();
        let schema = steps.find_map(|step| {
            let waits = super::check::owner(&step.node.id) == &*wait.step;
            step.node.op.resume_schema().filter(|_| waits).flatten().cloned()
        });
        missing::answer(&wait.step, schema.as_ref().map(|schema| schema.source()))
    }

    fn outcome(&self, expect: &Expect, problems: &mut Vec<Problem>) {
        let mut found = Vec::new();
        let (kind, place) = match &self.played.ending {
            Ending::Over(RunEnd::Completed(result)) => {
                if let Some(matcher) = &expect.result {
                    matcher.check("result", Some(result), &mut found);
                }
                (Kind::Result, None)
            }
            Ending::Over(RunEnd::Failed(failure)) => {
                if let Some(matcher) = &expect.error {
                    matcher.check("error", Some(&failure.to_data()), &mut found);
                }
                (Kind::Error, self.origin(failure))
            }
            _ => return,
        };
        for mismatch in found {
            let mut problem = Problem::new(kind, mismatch.span, mismatch.message);
            if let Some(Ending::Over(RunEnd::Failed(failure))) = place.map(|_| &self.played.ending) {
                problem = problem.note(format!("the error is {failure}"));
            }
            problems.push(problem);
        }
    }

    fn waiting(&self, expect: &Expect, problems: &mut Vec<Problem>) {
        let Some((expected, place)) = &expect.waiting else {
            return;
        };
        let waiting = match &self.played.ending {
            Ending::Resting { waiting, .. } => &**waiting,
            _ => &[],
        };
        let means = |name: &Name, wait: &Waiting| step_fits(name, &wait.step, &wait.address);
        for (name, place) in expected {
            if !waiting.iter().any(|wait| means(name, wait)) {
                problems.push(Problem::new(Kind::Waiting, *place, format!("`{name}` does not wait")));
            }
        }
        for wait in waiting {
            if !expected.iter().any(|(name, _)| means(name, wait)) {
                let message = format!("`{}` waits, which is not expected", wait.address);
                problems.push(Problem::new(Kind::Waiting, *place, message));
            }
        }
    }

    fn took(&self, expect: &Expect, problems: &mut Vec<Problem>) {
        if let Some((expected, place)) = expect.took
            && expected != self.played.took
        {
            let (took, expected) = (duration(self.played.took), duration(expected));
            problems.push(Problem::new(
                Kind::Took,
                place,
                format!("the run took {took}, expected {expected}"),
            ));
        }
    }

    fn steps(&self, expect: &Expect, problems: &mut Vec<Problem>) {
        let ran = &self.told.ran;
        let first = |name: &Name, from: usize| {
            let mut rest = ran.iter().enumerate().skip(from);
            rest.find(|(_, ran)| step_fits(name, &ran.id, &ran.address))
                .map(|(at, _)| at)
        };
        let told = || {
            let addresses: Vec<&str> = ran.iter().map(|ran| &*ran.address).take(50).collect();
            match addresses.is_empty() {
                true => "no step ran".to_owned(),
                false => format!("these ran, in this order: {}", addresses.join(", ")),
            }
        };
        let mut from = 0;
        for (name, place) in &expect.ran {
            match first(name, from) {
                Some(at) => from = at + 1,
                None => {
                    let message = match first(name, 0) {
                        None => format!("the step `{name}` did not run"),
                        Some(_) => format!("the step `{name}` ran, but not behind those before it in the list"),
                    };
                    problems.push(Problem::new(Kind::Steps, *place, message).note(told()));
                }
            }
        }
        for (name, place) in &expect.skipped {
            if first(name, 0).is_some() {
                let message = format!("the step `{name}` ran, expected it not to");
                problems.push(Problem::new(Kind::Steps, *place, message).note(told()));
            }
        }
    }
}
