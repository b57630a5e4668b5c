//! Results for programs.

use serde_json::{Value, json};

use super::Report;
use crate::diagnostic::render;
use crate::testing::{CaseResult, Problem};

/// An object with `passed`, `failed`, `cases`, `orphans` and `diagnostics`.
pub(super) fn render(report: &Report<'_>) -> String {
    let failed = report.failed().count();
    let cases: Vec<Value> = report.results.iter().map(|result| case(report, result)).collect();
    let all = json!({
        "passed": report.results.len() - failed,
        "failed": failed,
        "cases": cases,
        "orphans": report.orphans.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "diagnostics": render::json::render(report.diagnostics, report.sources),
    });
    // Pretty, since people read it too.
    format!("{all:#}\n")
}

fn case(report: &Report<'_>, result: &CaseResult) -> Value {
    let suite = &report.suites[result.suite];
    let case = &suite.cases[result.case];
    json!({
        "file": suite.path.display().to_string(),
        "line": report.sources.file(suite.file).line_column(case.place.start).line,
        "workflow": suite.program.main().header.id,
        "name": case.name,
        "passed": result.passed(),
        "took": result.played.took.0,
        "problems": result.problems.iter().map(|found| problem(report, found)).collect::<Vec<_>>(),
    })
}

fn problem(report: &Report<'_>, problem: &Problem) -> Value {
    let file = problem.place.map(|place| report.sources.file(place.file));
    let place = file
        .zip(problem.place)
        .map(|(file, place)| file.line_column(place.start));
    json!({
        "kind": problem.kind.as_str(),
        "message": problem.message,
        "file": file.map(|file| file.name()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "notes": problem.notes,
        "add": problem.add,
        "difference": problem.difference.as_ref().map(|both| json!({ "old": both.old, "new": both.new })),
    })
}
