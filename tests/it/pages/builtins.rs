//! The tables of filters, tests and functions: each has a row, and each row with an example gives what it says.

use std::collections::BTreeSet;

use interpret::data::Data;
use interpret::expr::{Builtin, builtins};
use interpret::run::RunEnd;

use super::markdown::{blocks, codes, rows};
use super::play::{Given, play, value};
use super::read;

const PAGE: &str = "docs/expressions.md";

/// What an expression gives, or the code of the error it ends with.
fn evaluate(place: &str, expression: &str, input: &Data) -> Result<Data, String> {
    let text = serde_json::to_string(&format!("={expression}")).unwrap();
    let workflow = format!("kind: Workflow\nid: row\nsteps:\n  - {{ kind: andThen, id: value, set: {text} }}\n");
    let loaded = interpret::load::load_text(place, &workflow);
    if let Some(finding) = loaded.diagnostics.first() {
        return Err(format!("{place}: {}", finding.message));
    }
    let given = Given {
        input: input.clone(),
        ..Given::default()
    };
    match play(place, &loaded, &given, false).end {
        Some(RunEnd::Completed(data)) => Ok(data),
        Some(RunEnd::Failed(failure)) => Err(failure.code.to_string()),
        end => Err(format!("{end:?}")),
    }
}

/// Rows that end with an expression and what it gives: `… | `expression` | `result` |`.
#[test]
fn every_expression_gives_what_its_row_says() {
    let page = read(PAGE);
    let input = blocks(&page)
        .into_iter()
        .find(|block| block.label.starts_with("The `input`"));
    let input = value(PAGE, &input.expect("the page shows the input of the rows").text);
    let (mut evaluated, mut wrong) = (0, Vec::new());
    for row in rows(&page) {
        let [_, .., expression, result] = &row[..] else {
            continue;
        };
        let (&[expression], &[result]) = (&codes(expression)[..], &codes(result)[..]) else {
            continue;
        };
        let place = format!("{PAGE}: {expression}");
        let expected = match result.strip_prefix("error ") {
            Some(code) => Err(code.to_owned()),
            None => Ok(value(&place, result)),
        };
        let is = evaluate(&place, expression, &input);
        if is != expected {
            wrong.push(format!("{expression}: {is:?}"));
        }
        evaluated += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(evaluated > 80, "the rows were not found: {evaluated}");
}

#[test]
fn every_filter_test_and_function_has_a_row() {
    let page = read(PAGE);
    for (kind, heading) in [
        (Builtin::Filter, "Filters"),
        (Builtin::Test, "Tests"),
        (Builtin::Function, "Functions"),
    ] {
        let (_, behind) = page.split_once(&format!("\n## {heading}\n")).unwrap();
        let section = behind.split("\n## ").next().unwrap();
        let mut rowed = BTreeSet::new();
        for row in rows(section) {
            let example = codes(&row[row.len() - 2]).join(" ");
            for name in codes(&row[0]) {
                // A name in the first cell stands for all ways to write it; the first one is shown.
                assert!(
                    !rowed.is_empty() || example.contains(name) || name == "d",
                    "{name}: {example}"
                );
                rowed.insert(name.to_owned());
            }
        }
        let known = builtins().filter(|(of, _)| *of == kind);
        let mut known: BTreeSet<String> = known.map(|(_, name)| name.to_owned()).collect();
        if kind == Builtin::Function {
            known.insert("now".to_owned());
        }
        assert_eq!(rowed, known, "the rows of {heading}, and what the program knows");
    }
}
