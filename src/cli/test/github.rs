//! Results as annotations of GitHub Actions, which stand beside the lines they are about.

use std::fmt::Write;

use super::Report;
use crate::source::Span;

/// A command for each problem, and a summary.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut text = String::new();
    for finding in report.diagnostics.iter().filter(|finding| finding.is_error()) {
        let message = std::iter::once(&finding.message)
            .chain(&finding.help)
            .cloned()
            .collect::<Vec<_>>();
        annotate(
            &mut text,
            report,
            finding.span,
            finding.code.name(),
            &message.join("\n"),
        );
    }
    for result in report.failed() {
        let name = &report.suites[result.suite].cases[result.case].name;
        for problem in &result.problems {
            let mut message = problem.message.clone();
            for more in problem.notes.iter().chain(&problem.add) {
                message.push('\n');
                message.push_str(more);
            }
            annotate(&mut text, report, problem.place, name, &message);
        }
    }
    if report.orphaned() {
        for orphan in &report.orphans {
            let message = format!("{} belongs to no case", orphan.display());
            annotate(&mut text, report, None, "snapshot", &message);
        }
    }
    let failed = report.failed().count();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{} passed, {failed} failed", report.results.len() - failed);
    text
}

fn annotate(text: &mut String, report: &Report<'_>, place: Option<Span>, title: &str, message: &str) {
    let mut properties = Vec::new();
    if let Some(place) = place {
        let file = report.sources.file(place.file);
        let at = file.line_column(place.start);
        properties.push(format!("file={}", property(file.name())));
        properties.push(format!("line={},col={}", at.line, at.column));
    }
    properties.push(format!("title={}", property(title)));
    let _ = writeln!(text, "::error {}::{}", properties.join(","), escaped(message));
}

fn escaped(text: &str) -> String {
    text.trim_end()
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_ends_a_property_is_escaped() {
        assert_eq!(super::property("a, b: 100%\nc"), "a%2C b%3A 100%25%0Ac");
    }
}
