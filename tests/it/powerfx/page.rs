//! The page of Power Fx: each function has a row, and each row gives what it says.

use std::collections::BTreeMap;

use interpret::data::Data;
use interpret::expr::powerfx::{Context, Family, Formula, Options, enumerations, functions};

use crate::pages::markdown::{codes, rows};

const PAGE: &str = "docs/powerfx.md";

fn evaluated(formula: &str) -> String {
    let formula = match Formula::compile_with(formula, &Options::default()) {
        Ok(formula) => formula,
        Err(problems) => return format!("{problems:?}"),
    };
    let nothing = |_: &str| None::<Data>;
    let context = Context {
        globals: &nothing,
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::UTC,
        locale: "en-US",
        seed: 1,
    };
    formula.show(&context).formula
}

fn heading(family: Family) -> &'static str {
    match family {
        Family::Logical => "Choices, blanks and errors",
        Family::Text => "Texts",
        Family::Number => "Numbers",
        Family::Statistics => "Sums and averages",
        Family::Table => "Tables and records",
        Family::Date => "Dates and times",
        Family::Json => "JSON",
        Family::Pattern => "Regular expressions",
        Family::Color => "Colors",
        Family::Message => "Messages of Foundry",
        Family::Information => "Others",
    }
}

/// The tables of functions as the program knows them.
fn generated() -> String {
    let mut families: BTreeMap<Family, String> = BTreeMap::new();
    for function in functions() {
        let cell = |text: &str| format!("`{}`", text.replace('|', "\\|").replace('\n', "\\n"));
        let row = format!(
            "| `{}` | {} | {} |\n",
            function.name,
            cell(function.example),
            cell(function.gives)
        );
        families.entry(function.family).or_default().push_str(&row);
    }
    let sections = families.iter().map(|(family, rows)| {
        format!(
            "\n### {}\n\n| function | example | gives |\n| --- | --- | --- |\n{rows}",
            heading(*family)
        )
    });
    sections.collect()
}

#[test]
fn every_function_has_a_row_that_tells_the_truth() {
    let wrong: Vec<String> = functions()
        .iter()
        .filter_map(|function| {
            let is = evaluated(function.example);
            let shown = function.example.contains(function.name) && is == function.gives;
            (!shown).then(|| {
                format!(
                    "{}: {} gives {is}, not {}",
                    function.name, function.example, function.gives
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    keep("functions", &generated());
}

#[test]
fn every_enumeration_has_a_row() {
    let rows = enumerations().into_iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        format!("| `{name}` | {} |\n", values.join(" "))
    });
    let table: String = rows.collect();
    keep(
        "enumerations",
        &format!("\n| enumeration | values |\n| --- | --- |\n{table}"),
    );
}

/// Compares what stands between the marks of a name with what it is to be, or makes it that. One at a time, since tests
/// run side by side.
fn keep(name: &str, expected: &str) {
    static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = page.split_once(&open).expect("the page has a mark");
    let (_, after) = rest.split_once(&close).expect("the page has an end mark");
    let expected = format!("{before}{open}{expected}\n{close}{after}");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(PAGE, &expected).unwrap();
    } else {
        assert!(
            page == expected,
            "the {name} on {PAGE} are not those of the program; INSTA_UPDATE=always cargo test --test it powerfx"
        );
    }
}

/// The other rows of the page: `| … | formula | result |`.
#[test]
fn every_formula_on_the_page_gives_what_its_row_says() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for row in rows(&page) {
        let [_, .., formula, result] = &row[..] else { continue };
        let (&[formula], &[result]) = (&codes(formula)[..], &codes(result)[..]) else {
            continue;
        };
        let is = evaluated(formula).replace('\n', "\\n");
        if is != result {
            wrong.push(format!("{formula}: {is}, not {result}"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "the rows were not found: {seen}");
}
