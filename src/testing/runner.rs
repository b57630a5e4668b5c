//! Running cases, several at a time, with results in the order of the files.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::play::{Ending, Played, play};
use super::snapshot::{self, Compared, Mode};
use super::suite::{Case, Kept, Suite};
use super::trace;
use super::trace::{Told, result, tell};
use super::verdict::{Difference, Kind, Problem, judge};

/// More threads than this wait for memory more than they compute.
const MOST_THREADS: usize = 8;

/// How cases are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is done about snapshots.
    pub mode: Mode,
    /// How many cases run at once; as many as there are processors, if it is not said.
    pub jobs: Option<NonZero<usize>>,
    /// Only cases whose name, or the path of whose file, contains this.
    pub filter: Option<String>,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Which suite it belongs to.
    pub suite: usize,
    /// Which case of it it is.
    pub case: usize,
    /// Its run.
    pub played: Played,
    /// What is wrong; nothing if it passed.
    pub problems: Vec<Problem>,
    /// What became of its snapshot, if it has one.
    pub snapshot: Option<Compared>,
}

impl CaseResult {
    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Runs all cases that the options select. Each result is handed over as soon as it and all before it are there.
pub fn run(suites: &[Suite], options: &Options, mut done: impl FnMut(CaseResult)) {
    let selected: Vec<(usize, usize)> = selected(suites, options.filter.as_deref()).collect();
    let one = |(suite, case): (usize, usize)| run_case(suites, suite, case, options.mode);
    let processors = || {
        thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST_THREADS)
    };
    let jobs = options.jobs.map_or_else(processors, NonZero::get).min(selected.len());
    if jobs <= 1 {
        return selected.into_iter().map(one).for_each(done);
    }
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            let (next, selected, one) = (&next, &selected, &one);
            scope.spawn(move || {
                while let Some(which) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    selected.get(at).map(|which| (at, *which))
                } {
                    let (at, which) = which;
                    // Whoever waits for the results waits for all of them.
                    let _ = sender.send((at, one(which)));
                }
            });
        }
        drop(sender);
        let mut waiting = std::collections::BTreeMap::new();
        let mut turn = 0;
        for (at, result) in results {
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&turn) {
                done(result);
                turn += 1;
            }
        }
    });
}

/// The cases that a filter selects.
pub fn selected<'s>(suites: &'s [Suite], filter: Option<&'s str>) -> impl Iterator<Item = (usize, usize)> + 's {
    let wanted = move |suite: &Suite, case: &Case| {
        filter.is_none_or(|filter| case.name.contains(filter) || suite.path.to_string_lossy().contains(filter))
    };
    let all = suites.iter().enumerate();
    all.flat_map(move |(at, suite)| {
        let cases = suite.cases.iter().enumerate();
        cases
            .filter(move |(_, case)| wanted(suite, case))
            .map(move |(case, _)| (at, case))
    })
}

/// Runs one case.
fn run_case(suites: &[Suite], at: usize, index: usize, mode: Mode) -> CaseResult {
    let suite = &suites[at];
    let case = &suite.cases[index];
    let played = play(&suite.program, case);
    let told = tell(&played);
    let mut problems = judge(case, &played, &told);
    // Nothing is kept of a run that went wrong, but where it parted from what it was says more than all else.
    let wrong = !problems.is_empty();
    let how = if wrong { Mode::Check } else { mode };
    let kept = case.snapshot.filter(|_| !matches!(played.ending, Ending::Stuck(_)));
    let snapshot = kept.map(|kept| {
        let text = match kept {
            Kept::Trace => told.text.clone(),
            Kept::Result => result(&played),
        };
        let compared = snapshot::compare(suite, case, &text, how);
        let tell = !wrong || mode == Mode::Check || matches!(compared, Compared::Different { .. });
        problems.extend(problem(suite, case, &told, &compared, text, how).filter(|_| tell));
        compared
    });
    CaseResult {
        suite: at,
        case: index,
        played,
        problems,
        snapshot,
    }
}

fn problem(suite: &Suite, case: &Case, told: &Told, compared: &Compared, text: String, mode: Mode) -> Option<Problem> {
    const ACCEPT: &str = "if this is what is meant, `interpret test --accept` keeps it";
    let file = snapshot::file(suite, case);
    let new = |place, message: String| Problem::new(Kind::Snapshot, place, message);
    match compared {
        Compared::Same | Compared::Accepted => None,
        Compared::Missing => {
            let problem = new(Some(case.place), format!("there is no snapshot {} yet", file.display()));
            let difference = Difference {
                old: String::new(),
                new: text,
            };
            let shown = (mode == Mode::Review).then_some(difference);
            Some(Problem {
                difference: shown,
                ..problem.note(ACCEPT)
            })
        }
        Compared::Pending(pending) => {
            let message = format!("{} waits for review", pending.display());
            Some(new(Some(case.place), message).note("accept or remove it"))
        }
        Compared::Failed(message) => Some(new(Some(case.place), format!("the snapshot cannot be used: {message}"))),
        Compared::Different { old } => {
            let (line, parted) = parted(old, &text);
            let step = parted.as_deref().and_then(trace::subject);
            let place = step.and_then(|step| told.place(&suite.program, step));
            let message = match (case.snapshot, step) {
                (Some(Kept::Trace), Some(step)) => {
                    format!(
                        "the trace is another than in {} from line {line} on, at the step `{step}`",
                        file.display()
                    )
                }
                (Some(Kept::Trace), None) => {
                    format!("the trace is another than in {} from line {line} on", file.display())
                }
                _ => format!("the result is another than in {}", file.display()),
            };
            let difference = Difference {
                old: old.clone(),
                new: text,
            };
            Some(Problem {
                difference: Some(difference),
                ..new(place.or(Some(case.place)), message).note(ACCEPT)
            })
        }
    }
}

/// The first line in which two texts differ: its number, and what stands there now, or what stood there.
fn parted(old: &str, new: &str) -> (usize, Option<String>) {
    let (mut before, mut after) = (old.lines(), new.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (before.next(), after.next()) {
            (None, None) => return (number, None),
            (old, new) if old == new => {}
            (old, new) => {
                // The end tells nothing about a step; what should have come before it does.
                let about_a_step = new.filter(|line| trace::subject(line).is_some());
                return (number, about_a_step.or(old).map(str::to_owned));
            }
        }
    }
}
