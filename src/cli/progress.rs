//! The progress of a run on stderr: a tree of steps with state and time on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use crate::run::{TraceEvent, What};

/// How often the tree is drawn anew at most.
const REDRAW: Duration = Duration::from_millis(60);

/// Most rows of the tree that are kept; older ones scroll away.
const ROWS: usize = 400;

/// Shows what happens to the steps of a run.
pub(super) enum Progress {
    /// Nothing is shown.
    Silent,
    /// A line for each step that ends.
    Lines { started: HashMap<String, Instant> },
    /// A tree that is drawn anew.
    Tree(Tree),
}

/// The rows of the tree, as they are drawn.
pub(super) struct Tree {
    rows: Vec<Row>,
    /// Rows by address.
    places: HashMap<String, usize>,
    /// How many lines stand on the terminal.
    drawn: usize,
    last: Option<Instant>,
}

struct Row {
    address: String,
    state: State,
    started: Instant,
    took: Option<Duration>,
    note: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Waiting,
    Success,
    Skipped,
    Failed,
    Cancelled,
}

impl Progress {
    /// What suits stderr.
    pub fn for_stderr() -> Progress {
        if std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb") {
            return Progress::Tree(Tree {
                rows: Vec::new(),
                places: HashMap::new(),
                drawn: 0,
                last: None,
            });
        }
        Progress::Lines {
            started: HashMap::new(),
        }
    }

    /// Takes in what happened.
    pub fn follow(&mut self, event: &TraceEvent) {
        let Some(step) = &event.step else { return };
        match self {
            Progress::Silent => {}
            Progress::Lines { started } => {
                match event.what {
                    What::StepStarted => {
                        started.insert(step.clone(), Instant::now());
                        return;
                    }
                    What::CallStarted | What::CallCompleted | What::CallFailed | What::EventEmitted => return,
                    _ => {}
                }
                let took = match event.what {
                    What::StepCompleted | What::StepFailed | What::StepCancelled => started.remove(step),
                    _ => None,
                };
                let note = note(event);
                let took = took
                    .map(|since| format!(" ({})", time(since.elapsed())))
                    .unwrap_or_default();
                let colon = if note.is_empty() { "" } else { ": " };
                anstream::eprintln!("{step}: {}{took}{colon}{note}", event.what.words());
            }
            Progress::Tree(tree) => tree.follow(step, event),
        }
    }

    /// Draws what is still to be drawn and leaves it standing.
    pub fn finish(&mut self) {
        if let Progress::Tree(tree) = self {
            tree.draw();
            tree.drawn = 0;
        }
    }
}

impl Tree {
    fn follow(&mut self, step: &str, event: &TraceEvent) {
        let state = match event.what {
            What::StepStarted | What::AttemptFailed | What::WaitResumed | What::CallStarted => State::Running,
            What::StepSkipped => State::Skipped,
            What::StepCompleted => State::Success,
            What::StepFailed => State::Failed,
            What::StepCancelled => State::Cancelled,
            What::WaitStarted | What::SleepStarted => State::Waiting,
            _ => return,
        };
        let at = self.row(step);
        let row = &mut self.rows[at];
        row.state = state;
        if !matches!(state, State::Running | State::Waiting) {
            row.took = Some(row.started.elapsed());
        }
        if event.what != What::CallStarted {
            row.note = note(event);
        }
        if self.last.is_none_or(|last| last.elapsed() >= REDRAW) {
            self.draw();
        }
    }

    fn row(&mut self, step: &str) -> usize {
        if let Some(at) = self.places.get(step) {
            return *at;
        }
        if self.rows.len() == ROWS {
            self.rows.remove(0);
            self.places.clear();
        }
        // Behind everything that is inside the same parent.
        let parent = step.rsplit_once(['/', ':']).map(|(parent, _)| parent);
        let inside = |row: &Row| parent.is_some_and(|parent| row.address.starts_with(parent));
        let at = self
            .rows
            .iter()
            .rposition(inside)
            .map_or(self.rows.len(), |last| last + 1);
        let row = Row {
            address: step.to_owned(),
            state: State::Running,
            started: Instant::now(),
            took: None,
            note: String::new(),
        };
        self.rows.insert(at, row);
        self.places = self
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.address.clone(), at))
            .collect();
        at
    }

    fn draw(&mut self) {
        let height = terminal_height().saturating_sub(1).max(1);
        let mut text = String::new();
        if self.drawn > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, "\x1b[{}A", self.drawn);
        }
        let shown = &self.rows[self.rows.len().saturating_sub(height)..];
        for row in shown {
            let _ = writeln!(text, "\x1b[2K{}", row.line());
        }
        self.drawn = shown.len();
        self.last = Some(Instant::now());
        // Progress that cannot be shown is no reason to stop.
        let _ = anstream::stderr().write_all(text.as_bytes());
    }
}

impl Row {
    fn line(&self) -> String {
        let depth = self.address.matches(['/', ':']).count();
        let name = self.address.rsplit(['/', ':']).next().unwrap_or(&self.address);
        let index = match self
            .address
            .rsplit(['/', ':'])
            .nth(1)
            .and_then(|parent| parent.rsplit_once('['))
        {
            Some((_, index)) => format!("[{index} "),
            None => String::new(),
        };
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        let (sign, style) = match self.state {
            State::Running => ("●", color(AnsiColor::Cyan)),
            State::Waiting => ("◌", color(AnsiColor::Yellow)),
            State::Success => ("✓", color(AnsiColor::Green)),
            State::Skipped => ("-", Style::new().dimmed()),
            State::Failed => ("✗", color(AnsiColor::Red)),
            State::Cancelled => ("⊘", Style::new().dimmed()),
        };
        let dim = Style::new().dimmed();
        let took = self.took.map(time).unwrap_or_default();
        let note: String = self
            .note
            .chars()
            .filter(|letter| !letter.is_control())
            .take(60)
            .collect();
        format!(
            "{:1$}{style}{sign}{style:#} {index}{name} {dim}{took} {note}{dim:#}",
            "",
            depth * 2
        )
    }
}

/// What is worth knowing besides the state.
fn note(event: &TraceEvent) -> String {
    let field = |key: &str| {
        event
            .data
            .as_ref()
            .and_then(|data| data.get(key))
            .and_then(|value| value.as_str())
    };
    match event.what {
        What::StepFailed | What::AttemptFailed | What::AttemptCaught => {
            format!(
                "{}: {}",
                field("code").unwrap_or_default(),
                field("message").unwrap_or_default()
            )
        }
        What::WaitStarted => match (field("reason"), field("event")) {
            (Some(reason), _) => reason.to_owned(),
            (None, Some(event)) => format!("for event {event}"),
            (None, None) => String::new(),
        },
        What::SleepStarted => event
            .data
            .as_ref()
            .and_then(|until| until.as_str())
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}

fn time(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{} s", took.subsec_millis() / 100),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn terminal_height() -> usize {
    std::env::var("LINES")
        .ok()
        .and_then(|lines| lines.parse().ok())
        .unwrap_or(24)
}
