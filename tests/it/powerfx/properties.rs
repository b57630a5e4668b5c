//! What no formula may do: panic, take long, or make something large.

use interpret::data::Data;
use interpret::expr::EvalError;
use interpret::expr::powerfx::{Context, Formula, Globals, Options, Template, functions};
use proptest::prelude::*;

fn nothing(_: &str) -> Option<Data> {
    None
}

fn context() -> Context<'static> {
    Context {
        globals: &nothing,
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::get("Europe/Paris").unwrap(),
        locale: "de-DE",
        seed: 3,
    }
}

/// Compiles and evaluates a text in every way.
fn exercise(text: &str) {
    for number_is_float in [false, true] {
        let options = Options {
            globals: Globals::Any,
            number_is_float,
        };
        match Formula::compile_with(text, &options) {
            Ok(formula) => {
                let _ = formula.evaluate(&context());
                let _ = formula.evaluate_text(&context());
                let _ = formula.show(&context());
                for reference in formula.references() {
                    assert!(text.get(reference.range.clone()).is_some());
                }
            }
            Err(problems) => {
                assert!(!problems.is_empty());
                for problem in problems {
                    assert!(text.get(problem.range.clone()).is_some(), "{text}: {problem:?}");
                }
            }
        }
        let (template, _) = Template::compile(text, &options);
        let _ = template.render(&context());
    }
}

/// Pieces that formulas are made of.
fn piece() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = functions().iter().map(|function| function.name).collect();
    let values = vec![
        "1",
        "-1",
        "0",
        "2.5",
        "1e28",
        "1e300",
        "79228162514264337593543950335",
        "\"\"",
        "\"a\"",
        "\"é𝄞\"",
        "true",
        "Blank()",
        "[1, 2]",
        "[]",
        "{a: 1}",
        "[{a: 1, b: \"x\"}]",
        "Date(2026,1,2)",
        "Date(9999,12,31)",
        "Time(25,0,0)",
        "DateTime(1,1,1,0,0,0)",
        "1/0",
        "ParseJSON(\"[1,{\"\"a\"\":null}]\")",
        "Local.X",
        "Value",
        "ThisRecord",
        "TimeUnit.Months",
        "StartOfWeek.Monday",
        "SortOrder.Descending",
        "Float(\"1e308\")",
        "GUID()",
        "Color.Red",
        "\"#,##0.00;(0)\"",
        "\"yyyy-mm-dd\"",
        "\"(a+)+$\"",
    ];
    let operators = vec![
        " + ",
        " - ",
        " * ",
        " / ",
        " ^ ",
        " & ",
        " = ",
        " <> ",
        " < ",
        " >= ",
        " in ",
        " exactin ",
        " && ",
        " || ",
        ", ",
        "; ",
        ".a",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "%",
        "!",
        "-",
        "$\"{",
        "}\"",
        "'",
        "\"",
        "//",
        "/*",
        " As x",
    ];
    prop_oneof![
        3 => prop::sample::select(values).prop_map(str::to_owned),
        3 => prop::sample::select(operators).prop_map(str::to_owned),
        2 => prop::sample::select(names).prop_map(|name| format!("{name}(")),
        1 => ".{0,3}",
    ]
}

/// A call of a function with values that may or may not fit.
fn call() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = functions().iter().map(|function| function.name).collect();
    let value = piece().prop_filter("values only", |piece| {
        !piece.ends_with(['(', '{', '[', '\'', '"', '/', '*', ' '])
    });
    (prop::sample::select(names), prop::collection::vec(value, 0..5))
        .prop_map(|(name, values)| format!("{name}({})", values.join(", ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_panic(text in prop_oneof![
        ".{0,40}",
        prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat()),
        call(),
    ]) {
        exercise(&text);
    }

    #[test]
    fn no_format_makes_a_panic(format in "[0#,.%eE+;\\\\'ymdhsAP/: \"-]{0,12}", number in any::<f64>()) {
        let quoted = format.replace('"', "\"\"");
        exercise(&format!("Text(Float(\"{number}\"), \"{quoted}\")"));
        exercise(&format!("Text(Date(2026,1,2), \"{quoted}\" & \"\")"));
    }

    #[test]
    fn no_text_of_a_date_makes_a_panic(text in "[0-9/:TZ+., -]{0,24}|[0-9]{1,4} (Jan|März|août) [0-9]{1,30}") {
        exercise(&format!("DateTimeValue(\"{text}\", \"fr-FR\")"));
        exercise(&format!("TimeValue(\"{text}\")"));
        exercise(&format!("Value(\"{text}\")"));
    }
}

/// What ends with the error of a limit.
fn limited(formula: &str) -> bool {
    let compiled = Formula::compile(formula).unwrap_or_else(|problems| panic!("{formula}: {problems:?}"));
    let error = compiled.evaluate(&context()).err();
    error.is_some_and(|error| error.code == EvalError::LIMIT)
}

#[test]
fn evaluations_are_bounded() {
    let many = "Sequence(50000)";
    assert!(limited(&format!("ForAll({many}, ForAll({many}, 1))")));
    assert!(limited(&format!("Concat({many}, Concat({many}, \"0123456789\"))")));
    assert!(limited(&format!(
        "With({{t: Concat({many}, \"0123456789\")}}, Substitute(t, \"0\", t))"
    )));
    assert!(limited(&format!("CountIf({many}, Value in {many})")));
    assert!(limited(&format!("Sum({many}, Sum({many}, 1))")));
    // An error of a limit is caught by nothing.
    assert!(limited(&format!(
        "IfError(CountRows(ForAll({many}, ForAll({many}, 1))), 0)"
    )));
}

#[test]
fn deep_and_long_formulas_are_refused() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000 / 8), close.repeat(100_000 / 8));
    for formula in [
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("!", ""),
        deep("Abs(", ")"),
        deep("{a:", "}"),
        deep("$\"{", "}\""),
        "1+".repeat(40_000) + "1",
        "a.".repeat(40_000) + "a",
        " ".repeat(200_000),
    ] {
        assert!(Formula::compile(&formula).is_err());
    }
    // What is written in chains does not nest.
    assert!(Formula::compile(&("\"a\" & ".repeat(5_000) + "\"a\"")).is_ok());
    assert!(Formula::compile(&("true && ".repeat(5_000) + "true")).is_ok());
}
