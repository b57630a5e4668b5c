//! The steps of a run as a tree, a row each.

use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};

use super::screen::{self, Screen, cut, width};
use super::{ended, note, time};
use crate::cli::{colored_stderr, output};
use crate::run::{Status, TraceEvent, What};

/// How often the tree is drawn anew at most.
const REDRAW: Duration = Duration::from_millis(60);

/// Most rows that are kept; of steps that ended, the oldest go first.
const ROWS: usize = 100;

/// Columns of a time.
const TIME: usize = 8;

/// The tree.
pub(in crate::cli) struct Tree {
    workflow: String,
    begun: Instant,
    rows: Vec<Row>,
    /// How many rows are gone.
    gone: usize,
    screen: Screen,
    last: Option<Instant>,
    /// Stands below the rows while the run goes on.
    notice: Option<String>,
    colored: bool,
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

impl State {
    fn is_over(self) -> bool {
        !matches!(self, State::Running | State::Waiting)
    }

    fn sign(self) -> (&'static str, Style) {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            State::Running => ("●", color(AnsiColor::Cyan)),
            State::Waiting => ("◌", color(AnsiColor::Yellow)),
            State::Success => ("✓", color(AnsiColor::Green)),
            State::Skipped => ("-", Style::new().dimmed()),
            State::Failed => ("✗", color(AnsiColor::Red)),
            State::Cancelled => ("⊘", Style::new().dimmed()),
        }
    }
}

impl Tree {
    /// A tree without rows.
    pub fn new(workflow: &str) -> Tree {
        Tree {
            workflow: workflow.to_owned(),
            begun: Instant::now(),
            rows: Vec::new(),
            gone: 0,
            screen: Screen::default(),
            last: None,
            notice: None,
            colored: colored_stderr(),
        }
    }

    /// Takes in what happened to a step.
    pub fn follow(&mut self, step: &str, event: &TraceEvent) {
        let state = match event.what {
            What::StepStarted | What::RunRetried | What::AttemptFailed | What::AttemptCaught | What::WaitResumed => {
                State::Running
            }
            What::CallStarted | What::CallRepeated if event.is_turn() => State::Running,
            What::CallCompleted if event.is_turn() => State::Success,
            What::CallFailed if event.is_turn() => State::Failed,
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
        row.took = state.is_over().then(|| row.started.elapsed());
        row.note = output::tame(&note(event));
        if self.last.is_none_or(|last| last.elapsed() >= REDRAW) {
            self.draw();
        }
    }

    /// Draws as much as the terminal holds, the end first.
    pub fn draw(&mut self) {
        let (columns, height) = screen::size();
        let most = height.saturating_sub(4).max(1);
        let lines = self.lines(columns, most, None);
        self.screen.draw(&lines);
        self.last = Some(Instant::now());
    }

    /// Shows a line below the rows.
    pub fn notice(&mut self, text: &str) {
        self.notice = Some(text.to_owned());
        self.draw();
    }

    /// Leaves what is drawn standing. Steps that ended are not drawn again.
    pub fn leave(&mut self) {
        self.draw();
        self.screen.leave();
        self.rows.retain(|row| !row.state.is_over());
        self.gone = 0;
    }

    /// Draws the whole tree a last time, with a line that says how the run ended.
    pub fn finish(&mut self, status: Option<Status>) {
        let (columns, _) = screen::size();
        let lines = self.lines(columns, usize::MAX, status);
        self.screen.draw(&lines);
        self.screen.leave();
    }

    fn row(&mut self, step: &str) -> usize {
        if let Some(at) = self.rows.iter().rposition(|row| row.address == step) {
            return at;
        }
        if self.rows.len() >= ROWS {
            let oldest = self.rows.iter().position(|row| row.state.is_over()).unwrap_or(0);
            self.rows.remove(oldest);
            self.gone += 1;
        }
        let at = self.place(step);
        let row = Row {
            address: step.to_owned(),
            state: State::Running,
            started: Instant::now(),
            took: None,
            note: String::new(),
        };
        self.rows.insert(at, row);
        at
    }

    /// Behind everything that is inside the same parent: the same iteration of it, if there are several.
    fn place(&self, step: &str) -> usize {
        let mut parent = step;
        while let Some(end) = parent.rfind(['/', ':', '[']) {
            parent = &parent[..end];
            let inside = |row: &Row| {
                let rest = row.address.strip_prefix(parent);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '[']))
            };
            if let Some(last) = self.rows.iter().rposition(inside) {
                return last + 1;
            }
        }
        self.rows.len()
    }

    fn lines(&self, columns: usize, most: usize, end: Option<Status>) -> Vec<String> {
        // The last column is left alone: a letter in it makes some terminals begin a new line.
        let columns = columns.saturating_sub(1).max(20);
        let shown = self.shown(most);
        let hidden = self.gone + self.rows.len() - shown.len();
        let names: Vec<String> = shown.iter().map(|row| row.name()).collect();
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        let widest = widest.min(columns.saturating_sub(TIME + 6).min(columns * 2 / 3));
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        let mut lines = vec![self.paint(bold, &cut(&self.workflow, columns))];
        if hidden > 0 {
            let plural = if hidden == 1 { "" } else { "s" };
            let line = format!("  … {hidden} more step{plural}");
            lines.push(self.paint(dim, &cut(&line, columns)));
        }
        for (row, name) in shown.iter().zip(names) {
            let (sign, style) = row.state.sign();
            let indent = " ".repeat(2 + (name.len() - name.trim_start().len()).min(widest / 2));
            let name = cut(name.trim_start(), (widest + 2).saturating_sub(indent.len()));
            let fill = " ".repeat((widest + 2).saturating_sub(indent.len() + width(&name)));
            let took = row
                .took
                .or_else(|| Some(row.started.elapsed()).filter(|took| *took >= Duration::from_millis(100)));
            let took = match row.state {
                State::Skipped => "skipped".to_owned(),
                _ => took.map(time).unwrap_or_default(),
            };
            let mut line = format!("{indent}{} {name}{fill} {took:>TIME$}", self.paint(style, sign));
            let left = columns.saturating_sub(widest + TIME + 7);
            if !row.note.is_empty() && left > 3 {
                line.push_str("  ");
                line.push_str(&self.paint(dim, &cut(&row.note, left)));
            }
            lines.push(line.trim_end().to_owned());
        }
        if let Some(notice) = self.notice.as_ref().filter(|_| end.is_none()) {
            lines.push(self.paint(dim, &cut(notice, columns)));
        }
        if let Some(status) = end {
            let state = match status {
                Status::Completed => State::Success,
                Status::Error => State::Failed,
                Status::Cancelled => State::Cancelled,
                Status::Suspended | Status::Running => State::Waiting,
            };
            let (sign, style) = state.sign();
            let line = format!("{sign} {} in {}", ended(status), time(self.begun.elapsed()));
            lines.push(self.paint(style, &line));
        }
        lines
    }

    /// The rows that are shown where there is room for so many: what goes on, then what ended last.
    fn shown(&self, most: usize) -> Vec<&Row> {
        let (over, open): (Vec<usize>, Vec<usize>) =
            (0..self.rows.len()).partition(|at| self.rows[*at].state.is_over());
        let last = |of: &[usize], most: usize| of[of.len().saturating_sub(most)..].to_vec();
        let mut chosen = last(&open, most);
        chosen.extend(last(&over, most - chosen.len()));
        chosen.sort_unstable();
        chosen.into_iter().map(|at| &self.rows[at]).collect()
    }

    fn paint(&self, style: Style, text: &str) -> String {
        match self.colored {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

impl Row {
    /// The last part of the address, behind its iteration, indented by its depth.
    fn name(&self) -> String {
        let mut parts = self.address.rsplit(['/', ':']);
        let name = parts.next().unwrap_or(&self.address);
        let index = parts.next().and_then(|parent| parent.find('[').map(|at| &parent[at..]));
        let space = if index.is_some() { " " } else { "" };
        let depth = self.address.matches(['/', ':']).count();
        format!("{:1$}{2}{space}{name}", "", depth * 2, index.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new("order-approval");
        tree.colored = false;
        tree
    }

    fn add(tree: &mut Tree, step: &str, state: State, took: u64, note: &str) {
        let at = tree.row(step);
        tree.rows[at].state = state;
        tree.rows[at].took = Some(Duration::from_millis(took));
        tree.rows[at].note = note.to_owned();
    }

    fn sample() -> Tree {
        let mut tree = tree();
        add(&mut tree, "check", State::Success, 3, "");
        add(&mut tree, "ship", State::Running, 1500, "");
        add(&mut tree, "ship[0]/pack", State::Success, 20, "");
        add(
            &mut tree,
            "ship[1]/pack",
            State::Failed,
            61_000,
            "http.status: the answer was 500 Internal Server Error",
        );
        add(&mut tree, "ship[0]/send", State::Waiting, 400, "until tomorrow");
        add(&mut tree, "notify", State::Skipped, 0, "");
        tree
    }

    #[test]
    fn rows_stand_below_their_parents_with_aligned_times() {
        let lines = sample().lines(60, usize::MAX, None);
        assert_eq!(
            lines,
            [
                "order-approval",
                "  ✓ check          3 ms",
                "  ● ship          1.5 s",
                "    ✓ [0] pack    20 ms",
                "    ◌ [0] send   400 ms  until tomorrow",
                "    ✗ [1] pack   1m 01s  http.status: the answer was 500 I…",
                "  - notify      skipped",
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut tree = sample();
        add(
            &mut tree,
            &"deep/".repeat(40),
            State::Running,
            1,
            "a note 日本語 ".repeat(9).as_str(),
        );
        add(&mut tree, &"x".repeat(300), State::Running, 1, "");
        for columns in 20..120 {
            for line in tree.lines(columns, usize::MAX, Some(Status::Completed)) {
                assert!(width(&line) < columns.max(21), "{columns}: {} {line}", width(&line));
            }
        }
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_rows() {
        let mut tree = tree();
        add(&mut tree, "loop", State::Running, 0, "");
        for index in 0..10_000 {
            add(&mut tree, &format!("loop[{index}]/body"), State::Success, 0, "");
        }
        assert_eq!(tree.rows.len(), ROWS);
        let lines = tree.lines(80, 3, None);
        assert_eq!(lines[1], "  … 9998 more steps");
        assert!(lines[2].contains("● loop"), "{lines:?}");
        assert!(lines[4].contains("[9999] body"), "{lines:?}");
    }
}
