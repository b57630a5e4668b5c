//! Results for people: a line for each file, failures in detail, and a summary.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::cli::{colored_stderr, output};
use crate::diagnostic::render;
use crate::source::Sources;
use crate::testing::{CaseResult, Compared, Mode, Problem, Suite, render_difference};

/// Tells of a file as soon as its cases have run.
pub(super) struct Progress<'s> {
    suites: &'s [Suite],
    visible: bool,
    color: bool,
    /// The file that is being told of, and how many of its cases passed and failed.
    current: Option<(usize, usize, usize)>,
}

impl<'s> Progress<'s> {
    pub fn new(suites: &'s [Suite], visible: bool) -> Progress<'s> {
        Progress {
            suites,
            visible,
            color: colored_stderr(),
            current: None,
        }
    }

    pub fn push(&mut self, result: &CaseResult) {
        if self.current.is_some_and(|(suite, ..)| suite != result.suite) {
            self.finish();
        }
        let (_, passed, failed) = self.current.get_or_insert((result.suite, 0, 0));
        match result.passed() {
            true => *passed += 1,
            false => *failed += 1,
        }
    }

    pub fn finish(&mut self) {
        let Some((suite, passed, failed)) = self.current.take() else {
            return;
        };
        if self.visible {
            let path = self.suites[suite].path.display();
            output::say(&format!("{path} ... {}\n", counts(passed, failed, self.color)));
        }
    }
}

/// "3 passed, 1 failed"
fn counts(passed: usize, failed: usize, color: bool) -> String {
    let (red, green) = (paint(AnsiColor::Red, color), paint(AnsiColor::Green, color));
    match failed {
        0 => format!("{green}{passed} passed{green:#}"),
        failed => format!("{passed} passed, {red}{failed} failed{red:#}"),
    }
}

fn paint(color: AnsiColor, colored: bool) -> Style {
    match colored {
        true => Style::new().fg_color(Some(color.into())),
        false => Style::new(),
    }
}

/// Says what failed, and the summary.
pub(super) fn failures(report: &Report<'_>) {
    output::say(&render(report, colored_stderr()));
}

fn render(report: &Report<'_>, color: bool) -> String {
    let bold = match color {
        true => Style::new().bold(),
        false => Style::new(),
    };
    let mut text = String::new();
    // Writing to a string does not fail.
    for result in report.failed() {
        let suite = &report.suites[result.suite];
        let name = &suite.cases[result.case].name;
        let _ = writeln!(text, "\n{bold}--- {}: {name}{bold:#}\n", suite.path.display());
        for problem in &result.problems {
            text.push_str(&detail(problem, report.sources, color));
        }
    }
    if !report.orphans.is_empty() {
        let what = match report.mode {
            Mode::Accept => "removed, since they belong to no case",
            Mode::Check | Mode::Review => "these snapshots belong to no case; `interpret test --accept` removes them",
        };
        let _ = writeln!(text, "\n{bold}{what}:{bold:#}");
        for orphan in &report.orphans {
            let _ = writeln!(text, "  {}", orphan.display());
        }
    }
    let accepted = report
        .results
        .iter()
        .filter(|result| result.snapshot == Some(Compared::Accepted));
    let failed = report.failed().count();
    let _ = write!(text, "\n{}", counts(report.results.len() - failed, failed, color));
    for (number, what) in [(accepted.count(), "accepted"), (report.orphans.len(), "orphaned")] {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    text.push('\n');
    text
}

/// A problem in the look of findings.
pub(super) fn detail(problem: &Problem, sources: &Sources, color: bool) -> String {
    let mut text = render::text::failure(
        problem.kind.as_str(),
        &problem.message,
        problem.place,
        &problem.notes,
        sources,
        color,
    );
    text.push('\n');
    if let Some(add) = &problem.add {
        text.push_str("add to the case, for example:\n\n");
        for line in add.lines() {
            let _ = writeln!(text, "    {line}");
        }
        text.push('\n');
    }
    if let Some(difference) = &problem.difference {
        text.push_str(&render_difference(difference, color));
        text.push('\n');
    }
    text
}
