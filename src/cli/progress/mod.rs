//! The progress of a run on stderr: a tree of steps with state and time on a terminal, plain lines elsewhere.

mod screen;
mod tree;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use super::output;
use crate::run::{Status, TraceEvent, What};
use tree::Tree;

/// How often the times on a terminal are brought up to date.
const TICK: Duration = Duration::from_millis(100);

/// Shows what happens to the steps of a run.
pub(super) enum Progress {
    /// Nothing is shown.
    Silent,
    /// A line for each step that ends.
    Lines(Lines),
    /// A tree that is drawn anew.
    Tree(Tree),
}

/// What plain lines need to know.
pub(super) struct Lines {
    workflow: String,
    begun: Instant,
    started: HashMap<String, Instant>,
}

impl Progress {
    /// What suits stderr.
    pub fn for_stderr(workflow: &str) -> Progress {
        // Elsewhere than on Unix a terminal has to be told first that it is to obey escape codes.
        let obeys = cfg!(unix) && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        match obeys && std::io::stderr().is_terminal() {
            true => Progress::Tree(Tree::new(workflow)),
            false => Progress::Lines(Lines {
                workflow: workflow.to_owned(),
                begun: Instant::now(),
                started: HashMap::new(),
            }),
        }
    }

    /// Takes in what happened.
    pub fn follow(&mut self, event: &TraceEvent) {
        let Some(step) = &event.step else { return };
        match self {
            Progress::Silent => {}
            Progress::Lines(lines) => lines.follow(step, event),
            Progress::Tree(tree) => tree.follow(step, event),
        }
    }

    /// How long until [`Progress::tick`] has something to do; `None` if it never has.
    pub fn pause(&self) -> Option<Duration> {
        matches!(self, Progress::Tree(_)).then_some(TICK)
    }

    /// Brings the times up to date.
    pub fn tick(&mut self) {
        if let Progress::Tree(tree) = self {
            tree.draw();
        }
    }

    /// Says something about the run as a whole.
    pub fn notice(&mut self, text: &str) {
        match self {
            Progress::Tree(tree) => tree.notice(text),
            Progress::Silent | Progress::Lines(_) => output::say(&format!("{text}\n")),
        }
    }

    /// Leaves what is drawn standing: something else is to be written below it.
    pub fn rest(&mut self) {
        if let Progress::Tree(tree) = self {
            tree.leave();
        }
    }

    /// Draws the last state, and how the run ended unless it was cut off.
    pub fn finish(&mut self, status: Option<Status>) {
        match self {
            Progress::Silent => {}
            Progress::Lines(lines) => {
                if let Some(status) = status {
                    let took = time(lines.begun.elapsed());
                    output::say(&format!("{}: {} ({took})\n", lines.workflow, ended(status)));
                }
            }
            Progress::Tree(tree) => tree.finish(status),
        }
    }
}

impl Lines {
    fn follow(&mut self, step: &str, event: &TraceEvent) {
        match event.what {
            What::CallStarted if event.is_turn() => {
                self.started.insert(step.to_owned(), Instant::now());
                return;
            }
            What::CallCompleted | What::CallFailed if event.is_turn() => {}
            What::StepStarted => {
                self.started.insert(step.to_owned(), Instant::now());
                return;
            }
            What::EventEmitted => {
                if let Some(text) = said(event) {
                    output::say(&format!("{step}: says: {}\n", output::tame(&text)));
                }
                return;
            }
            What::CallStarted | What::CallRepeated | What::CallCompleted | What::CallFailed => return,
            _ => {}
        }
        let took = match event.what {
            What::StepCompleted | What::StepFailed | What::StepCancelled | What::CallCompleted | What::CallFailed => {
                self.started.remove(step)
            }
            _ => None,
        };
        let what = match event.what {
            What::WaitResumed => "resumed",
            what => what.words(),
        };
        let took = took.map(|since| format!(" ({})", time(since.elapsed())));
        let note = note(event);
        let colon = if note.is_empty() { "" } else { ": " };
        let took = took.unwrap_or_default();
        output::say(&format!("{step}: {what}{took}{colon}{}\n", output::tame(&note)));
    }
}

/// The word for how a run ended.
fn ended(status: Status) -> &'static str {
    match status {
        Status::Error => "failed",
        other => other.as_str(),
    }
}

/// What is worth knowing besides the state.
fn note(event: &TraceEvent) -> String {
    let data = event.data.as_ref();
    let field = |key: &str| data.and_then(|data| data.get(key)).and_then(|value| value.as_str());
    match event.what {
        // The tools that a model calls.
        What::CallCompleted => {
            let calls = data
                .and_then(|data| data.get("calls"))
                .and_then(|calls| calls.as_list());
            let names = calls
                .into_iter()
                .flat_map(|calls| calls.iter())
                .filter_map(|call| call.as_map());
            let names: Vec<&str> = names.flat_map(|call| call.keys().map(|name| &**name)).collect();
            match names.is_empty() {
                true => String::new(),
                false => format!("calls of {}", names.join(", ")),
            }
        }
        What::StepFailed | What::CallFailed | What::AttemptFailed | What::AttemptCaught => {
            let message = field("message").unwrap_or_default();
            format!("{}: {message}", field("code").unwrap_or_default())
        }
        What::WaitStarted => match (field("reason"), field("event")) {
            (Some(reason), _) => reason.to_owned(),
            (None, Some(event)) => format!("for the event {event}"),
            (None, None) => String::new(),
        },
        What::SleepStarted => match data.and_then(|until| until.as_str()) {
            Some(until) => format!("until {until}"),
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// The text that a person is shown, where an event is that of a message.
fn said(event: &TraceEvent) -> Option<String> {
    let text = event.data.as_ref()?.get("message")?.get("text")?.as_str()?;
    Some(text.to_owned())
}

/// A time for people, in at most eight characters up to a thousand hours.
fn time(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{} s", took.subsec_millis() / 100),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let times = [5, 999, 1_000, 59_950, 60_000, 3_599_000, 360_000_000].map(|ms| time(Duration::from_millis(ms)));
        assert_eq!(
            times,
            ["5 ms", "999 ms", "1.0 s", "59.9 s", "1m 00s", "59m 59s", "100h 00m"]
        );
    }
}
