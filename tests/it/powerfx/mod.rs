//! Power Fx: the public cases, the formulas of real workflows, the page, and what no formula may do.

mod api;
mod page;
mod properties;
mod samples;
mod suite;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use suite::Verdict;

use crate::suites;

/// How many cases of a file passed, failed and are out of scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Score {
    passed: usize,
    failed: usize,
    out_of_scope: usize,
}

const SCORES: &str = "tests/it/powerfx/scores.txt";

/// The scores as they are kept, one line for each file.
fn listed() -> BTreeMap<String, Score> {
    let text = std::fs::read_to_string(SCORES).unwrap_or_default();
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse().unwrap();
        let score = Score {
            passed: number(1),
            failed: number(2),
            out_of_scope: number(3),
        };
        (words[0].to_owned(), score)
    };
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(line).collect()
}

fn written(scores: &BTreeMap<String, Score>, total: Score) -> String {
    let mut text = String::from("# file passed failed out-of-scope\n");
    for (file, score) in scores {
        writeln!(text, "{file} {} {} {}", score.passed, score.failed, score.out_of_scope).unwrap();
    }
    writeln!(text, "# all: {} {} {}", total.passed, total.failed, total.out_of_scope).unwrap();
    text
}

/// What is worse than it was, and whether anything is better.
fn compare(found: &BTreeMap<String, Score>, listed: &BTreeMap<String, Score>) -> (Vec<String>, bool) {
    let mut worse = Vec::new();
    let mut better = found.len() != listed.len();
    for (file, score) in found {
        let before = listed.get(file).copied().unwrap_or_default();
        if score.passed < before.passed {
            worse.push(format!("{file}: {} passed, {} before", score.passed, before.passed));
        }
        better |= *score != before;
    }
    (worse, better)
}

#[test]
fn the_public_cases_pass_as_they_did() {
    let Some(folder) = suites::folder("power-fx") else {
        return;
    };
    let (mut scores, mut total) = (BTreeMap::new(), Score::default());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for file in suite::files(&folder) {
        let mut score = Score::default();
        match file.setting() {
            Err(why) => {
                score.out_of_scope = file.cases.len();
                *reasons.entry(why).or_default() += file.cases.len();
            }
            Ok(setting) => {
                for case in &file.cases {
                    match setting.run(case) {
                        Verdict::Passed => score.passed += 1,
                        Verdict::OutOfScope(why) => {
                            score.out_of_scope += 1;
                            *reasons.entry(why).or_default() += 1;
                        }
                        Verdict::Failed(is) => {
                            score.failed += 1;
                            println!(
                                "{}:{}: {} gives {is}, not {}",
                                file.name, case.line, case.formula, case.expected
                            );
                        }
                    }
                }
            }
        }
        println!(
            "{}: {} passed, {} failed, {} out of scope",
            file.name, score.passed, score.failed, score.out_of_scope
        );
        total.passed += score.passed;
        total.failed += score.failed;
        total.out_of_scope += score.out_of_scope;
        scores.insert(file.name, score);
    }
    for (why, count) in reasons {
        println!("out of scope: {count} because of {why}");
    }
    let all = total.passed + total.failed + total.out_of_scope;
    println!(
        "{} of {all} passed, {} failed, {} out of scope",
        total.passed, total.failed, total.out_of_scope
    );
    assert!(all > 26_000, "the cases were not found: {all}");
    let (worse, better) = compare(&scores, &listed());
    assert!(worse.is_empty(), "cases that passed fail now:\n{}", worse.join("\n"));
    let again = "INSTA_UPDATE=always cargo test --test it powerfx writes them anew";
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(SCORES, written(&scores, total)).unwrap();
    } else {
        assert!(!better, "the scores in {SCORES} are not those of the cases; {again}");
    }
}

#[test]
fn what_is_out_of_scope_is_no_function_that_exists() {
    for (name, _) in suite::OTHER_FUNCTIONS {
        assert!(
            !suite::is_ours(name),
            "{name} is a function, and its cases are in scope"
        );
    }
}

/// The comparison of scores notices what it is for.
#[test]
fn a_worse_score_is_noticed() {
    let score = |passed| Score {
        passed,
        failed: 1,
        out_of_scope: 0,
    };
    let list = |passed| BTreeMap::from([("Abs".to_owned(), score(passed))]);
    assert_eq!(compare(&list(2), &list(2)), (vec![], false));
    assert_eq!(compare(&list(3), &list(2)), (vec![], true));
    assert_eq!(compare(&list(1), &list(2)).0, ["Abs: 1 passed, 2 before"]);
    assert!(Path::new(SCORES).exists());
}

/// The runner fails a case whose expected value is another one.
#[test]
fn a_wrong_value_is_noticed() {
    let file = suite::File {
        name: "planted".to_owned(),
        setups: Vec::new(),
        cases: Vec::new(),
    };
    let run = |formula: &str, expected: &str| {
        let case = suite::Case {
            line: 1,
            formula: formula.to_owned(),
            expected: expected.to_owned(),
        };
        file.setting().unwrap().run(&case)
    };
    assert_eq!(run("1 + 1", "2"), Verdict::Passed);
    assert_eq!(run("1/3", "0.3333333333333333333333333333"), Verdict::Passed);
    assert_eq!(run("Pi()", "3.14159265"), Verdict::Passed);
    assert_eq!(run("Nope()", "Errors: Error 0-6: whatever"), Verdict::Passed);
    assert_eq!(
        run("1 + Nope()", "Errors: Warning 9-9: x|Error 4-10: whatever"),
        Verdict::Passed
    );
    let failed = |formula, expected| matches!(run(formula, expected), Verdict::Failed(_));
    assert!(failed("1 + 1", "3"));
    assert!(failed("1/3", "0.33333"));
    assert!(failed("Pi()", "3.14"));
    assert!(failed("\"2\"", "2"));
    assert!(failed("1 + 1", "Errors: Error 0-1: whatever"));
    assert!(failed("Nope()", "1"));
    assert!(failed("Nope() + 1", "Errors: Error 9-10: elsewhere"));
    assert!(failed("1/0", "Error({Kind:ErrorKind.Numeric})"));
    assert!(failed("DateTime(2026,1,1,0,0,0)", "DateTime(2026,1,1,0,0,1,0)"));
}
