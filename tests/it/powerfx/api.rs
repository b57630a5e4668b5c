//! What a language on top of Power Fx relies on: references, problems, conversions, templates.

use interpret::data;
use interpret::data::Data;
use interpret::expr::powerfx::{Context, Formula, Globals, Options, Template};
use interpret::expr::{EvalError, Problem, ProblemKind};

fn options() -> Options {
    Options {
        globals: Globals::Named(["Local", "System"].map(Into::into).into()),
        number_is_float: false,
    }
}

fn local(name: &str) -> Option<Data> {
    (name == "Local").then(|| {
        data!({
            "Name": "Ada",
            "Items": ["a", "b"],
            "Rows": [{ "n": 1, "t": "x" }, { "n": 2.5, "t": null }],
            "sub-category": "Billing",
            "Done": true
        })
    })
}

fn context() -> Context<'static> {
    Context {
        globals: &local,
        now: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::get("Asia/Tokyo").unwrap(),
        locale: "en-US",
        seed: 1,
    }
}

fn evaluate(formula: &str) -> Result<Data, EvalError> {
    let formula =
        Formula::compile_with(formula, &options()).unwrap_or_else(|problems| panic!("{formula}: {problems:?}"));
    formula.evaluate(&context())
}

fn problem(formula: &str) -> Problem {
    let mut problems = Formula::compile_with(formula, &options()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn references_say_what_is_read_and_where() {
    let formula = Formula::compile_with(
        "Concat(Filter(Local.Rows, n > System.Limit), t) & Local.'sub-category'",
        &options(),
    );
    let read: Vec<String> = formula
        .unwrap()
        .references()
        .iter()
        .map(|found| {
            let path: Vec<&str> = found.path.iter().map(|(name, _)| &**name).collect();
            format!("{}.{}", found.name, path.join("."))
        })
        .collect();
    assert_eq!(read, ["Local.Rows", "System.Limit", "Local.sub-category"]);
    // The bytes are those of the whole path.
    let formula = Formula::compile("1 + Local.A.B * 2").unwrap();
    assert_eq!(&"1 + Local.A.B * 2"[formula.references()[0].range.clone()], "Local.A.B");
}

#[test]
fn mistakes_have_a_place_and_a_way_out() {
    let found = problem("1 + Lenght(\"x\")");
    assert_eq!((found.kind, found.range), (ProblemKind::UnknownFunction, 4..10));
    assert_eq!(problem("upper(\"x\")").help.as_deref(), Some("did you mean `Upper`?"));
    assert_eq!(problem("Locl.X").help.as_deref(), Some("did you mean `Local`?"));
    assert_eq!(
        problem("TimeUnit.Day").help.as_deref(),
        Some("did you mean `TimeUnit.Days`?")
    );
    assert_eq!(
        problem("Filter([{amount: 1}], amuont > 0)").help.as_deref(),
        Some("did you mean `amount`?")
    );
    assert_eq!(
        problem("1 == 2").help.as_deref(),
        Some("write `=` to compare and `<>` for unequal")
    );
    assert_eq!(problem("Left(\"x\")").kind, ProblemKind::Arguments);
    assert_eq!(problem("\"a\" < 1").kind, ProblemKind::Type);
    assert_eq!(problem("UserMessage(\"x").kind, ProblemKind::Syntax);
    assert_eq!(problem("null").help.as_deref(), Some("write `Blank()`"));
}

#[test]
fn values_of_workflows_go_in_and_come_out() {
    assert_eq!(
        evaluate("Local.Rows").unwrap(),
        data!([{ "n": 1, "t": "x" }, { "n": 2.5, "t": null }])
    );
    assert_eq!(
        evaluate("Local.Items").unwrap(),
        data!([{ "Value": "a" }, { "Value": "b" }])
    );
    assert_eq!(evaluate("Sum(Local.Rows, n)").unwrap(), data!(3.5));
    assert_eq!(
        evaluate("{a: 0.1 + 0.2, b: [1], c: Blank()}").unwrap(),
        data!({ "a": 0.3, "b": [{ "Value": 1 }], "c": null })
    );
    assert_eq!(evaluate("Date(2026, 1, 2)").unwrap(), data!("2026-01-02"));
    assert_eq!(
        evaluate("DateTime(2026, 1, 2, 9, 0, 0)").unwrap(),
        data!("2026-01-02T00:00:00.000Z")
    );
    assert_eq!(
        evaluate("ParseJSON(\"{\"\"a\"\":[1,null]}\")").unwrap(),
        data!({ "a": [1, null] })
    );
    assert_eq!(evaluate("Now()").unwrap(), data!("2026-01-02T03:04:05.678Z"));
    assert_eq!(
        evaluate("Rand()").unwrap(),
        evaluate("Rand()").unwrap(),
        "chance is that of the seed"
    );
}

#[test]
fn an_error_that_nothing_catches_is_that_of_the_evaluation() {
    let error = evaluate("1 / 0").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (EvalError::FAILED, "division by zero")
    );
    // Its place is the part that failed.
    assert_eq!(evaluate("1 + Value(\"x\") * 2").unwrap_err().range, Some(4..14));
    // Also where it stands in a field.
    assert_eq!(evaluate("{a: 1 / 0}").unwrap_err().code, EvalError::FAILED);
    assert_eq!(
        evaluate("IfError(Text(1 / 0), FirstError.Message)").unwrap(),
        data!("division by zero")
    );
}

fn render(text: &str) -> (String, usize) {
    let (template, warnings) = Template::compile(text, &options());
    (template.render(&context()).unwrap(), warnings.len())
}

#[test]
fn templates_show_values_as_foundry_does() {
    assert_eq!(render("Hello {Local.Name}!"), ("Hello Ada!".to_owned(), 0));
    assert_eq!(
        render("{Local.Done} {1/4} [{Local.Missing}]"),
        ("True 0.25 []".to_owned(), 0)
    );
    assert_eq!(render("{First(Local.Rows)}").0, "{\"n\":1,\"t\":\"x\"}");
    assert_eq!(render("{Upper(\"}\" & Local.Name)}"), ("}ADA".to_owned(), 0));
    assert_eq!(render("#{Local.Name}\n${Text(1)}"), ("#Ada\n$1".to_owned(), 0));
}

#[test]
fn braces_without_a_formula_stay_text_and_are_warned_of() {
    assert_eq!(render("a { b"), ("a { b".to_owned(), 1));
    assert_eq!(render("{} {Local.Name}"), ("{} Ada".to_owned(), 1));
    assert_eq!(
        render("{\"json\": 1} {Local.Name}"),
        ("{\"json\": 1} Ada".to_owned(), 1)
    );
    assert_eq!(render("close } only"), ("close } only".to_owned(), 0));
    let (_, warnings) = Template::compile("{Locl.Name}", &options());
    assert_eq!(
        (warnings[0].kind, warnings[0].range.clone()),
        (ProblemKind::UnknownName, 1..5)
    );
}
