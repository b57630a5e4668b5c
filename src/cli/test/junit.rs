//! Results as JUnit XML, which most build servers read.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::{Report, text};
use crate::diagnostic::render;

/// A suite for each file. No times: a case takes none worth telling, and the same results are the same text.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut junit = Junit::new("interpret");
    for (at, suite) in report.suites.iter().enumerate() {
        let name = suite.path.display().to_string();
        let mut told = TestSuite::new(&name);
        for result in report.results.iter().filter(|result| result.suite == at) {
            let status = match result.problems.first() {
                None => TestCaseStatus::success(),
                Some(first) => {
                    let details = result
                        .problems
                        .iter()
                        .map(|problem| text::detail(problem, report.sources, false));
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_type(first.kind.as_str()).set_message(&first.message);
                    status.set_description(details.collect::<String>());
                    status
                }
            };
            let mut case = TestCase::new(&*suite.cases[result.case].name, status);
            case.set_classname(&name);
            told.add_test_case(case);
        }
        if !told.test_cases.is_empty() {
            junit.add_test_suite(told);
        }
    }
    // What could not be tested is a failure too, and stands where people look for failures.
    let errors: Vec<_> = report
        .diagnostics
        .iter()
        .filter(|finding| finding.is_error())
        .cloned()
        .collect();
    let mut others = TestSuite::new("definitions");
    for finding in &errors {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(finding.code.name()).set_message(&finding.message);
        status.set_description(render::text::render(
            std::slice::from_ref(finding),
            report.sources,
            false,
        ));
        others.add_test_case(TestCase::new(&*finding.message, status));
    }
    if report.orphaned() {
        for orphan in &report.orphans {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type("orphan")
                .set_message("this snapshot belongs to no case");
            others.add_test_case(TestCase::new(orphan.display().to_string(), status));
        }
    }
    if !others.test_cases.is_empty() {
        junit.add_test_suite(others);
    }
    // Writing to memory does not fail.
    junit.to_string().unwrap_or_default()
}
