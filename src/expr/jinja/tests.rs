//! The rules of the language, one by one.

use std::sync::Arc;

use super::*;
use crate::data;
use crate::data::{Data, Part, Sealed};
use crate::expr::{Build, EvalError, Problem, ProblemKind, Reference, Root, Segment, StepPart};

mod bounds;
mod checks;
mod properties;

/// Names in scope for all tests.
fn names(root: &Root) -> Option<Data> {
    Some(match root {
        Root::Input => data!({ "amount": 1500, "name": "Ada", "tags": ["a", "b"], "none": null, "ok": true }),
        Root::Data => data!({
            "n": 41, "ok": true, "ratio": 2.0, "half": 0.5, "text": "<b>", "list": [3, 1, 2], "none": null,
            "object": { "b": 1, "a": [null, 2.0] }, "first-name": "Grace", "if": "keyword", "empty": "",
            "big": u64::MAX, "max": i64::MAX, "items": [{ "sku": "x", "n": 2 }, { "sku": "y", "n": 3 }],
        }),
        Root::Now => data!("2026-03-28T23:30:00Z"),
        Root::Local(name) if &**name == "item" => data!({ "sku": "pen" }),
        Root::Step {
            id,
            part: StepPart::Output,
        } if &**id == "done" || &**id == "a-b" || &**id == "if" => {
            data!({ "approved": false })
        }
        Root::Step {
            part: StepPart::Status, ..
        } => data!("skipped"),
        Root::Index => data!(1),
        _ => return None,
    })
}

fn eval(source: &str) -> Result<Data, EvalError> {
    Expression::compile(source)
        .unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
        .eval(&names)
}

fn value(source: &str) -> Data {
    eval(source).unwrap_or_else(|error| panic!("{source}: {error:?}"))
}

fn code(source: &str) -> &'static str {
    match eval(source) {
        Ok(data) => panic!("{source} gives {data}"),
        Err(error) => error.code,
    }
}

fn render(source: &str) -> String {
    let text = Text::compile(source).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
    text.eval(&names)
        .unwrap_or_else(|error| panic!("{source}: {error:?}"))
        .to_string()
}

fn problem(source: &str) -> Problem {
    Expression::compile(source).expect_err(source).remove(0)
}

fn template_problem(source: &str) -> Problem {
    Text::compile(source).expect_err(source).remove(0)
}

#[test]
fn rule_02_an_expression_keeps_its_type() {
    assert!(matches!(value("data.n + 1"), Data::Int(42)));
    assert!(matches!(value("data.ratio * 2"), Data::Float(4.0)));
    assert_eq!(value("data.object"), data!({ "b": 1, "a": [null, 2.0] }));
    assert_eq!(value("[data.n, {'k': data.none}]"), data!([41, { "k": null }]));
    assert_eq!(value("data.list | sort"), data!([1, 2, 3]));
    assert_eq!(value("(1, 2)"), data!([1, 2]));
    assert_eq!(value("none"), data!(null));
    assert_eq!(value("data.n >\n 40"), data!(true));
}

#[test]
fn rule_02_texts_are_classified_by_their_beginning() {
    let build = |text| Build::from_scalar(text).unwrap();
    assert!(matches!(build("=data.n"), Build::Expression(_)));
    assert!(matches!(build("{{ data.n }}"), Build::Text(_)));
    assert!(matches!(build("{% if data.ok %}x{% endif %}"), Build::Text(_)));
    assert!(matches!(build("a{# b #}c"), Build::Text(_)));
    assert_eq!(build("==SUM(A1)").literal(), Some(&data!("=SUM(A1)")));
    assert_eq!(build("a = b").literal(), Some(&data!("a = b")));
    assert_eq!(build("").literal(), Some(&data!("")));
    let problem = Build::from_scalar("=data.n +").unwrap_err().remove(0);
    assert_eq!(problem.kind, ProblemKind::Syntax);
    assert!(problem.range.end <= "=data.n +".len());
    let Build::Expression(expression) = build("=data.n") else {
        panic!()
    };
    assert_eq!(
        (expression.source(), expression.references()[0].range.clone()),
        ("data.n", 1..7)
    );
}

#[test]
fn rule_03_templates_write_values_as_promised() {
    assert_eq!(
        render("[{{ data.none }}|{{ data.ok }}|{{ data.ratio }}|{{ data.half }}]"),
        "[|true|2|0.5]"
    );
    assert_eq!(
        render("{{ data.object }} {{ data.list }}"),
        r#"{"b":1,"a":[null,2.0]} [3,1,2]"#
    );
    assert_eq!(render("{{ [1, 'x', none] }}"), r#"[1,"x",null]"#);
    assert_eq!(render("{{ data.text }}{{ data.text | tojson }}"), "<b>\"<b>\"");
    assert_eq!(render("{{ data.big }} {{ 1e3 }}"), "18446744073709551615 1000");
    assert_eq!(render("a\n"), "a\n");
    assert_eq!(render("{{ data.n }}\n"), "41\n");
    assert_eq!(render("x{{ 'y' if data.n < 0 }}z"), "xz");
}

#[test]
fn rule_03_statements_write_the_same() {
    let each = "{% for x in [data.none, data.ok, data.ratio, data.object, 'a'] %}{{ x }},{% endfor %}";
    assert_eq!(render(each), r#",true,2,{"b":1,"a":[null,2.0]},a,"#);
    assert_eq!(
        render("{% if data.ok %}\n  yes\n{% else %}\n  no\n{% endif %}\n"),
        "  yes\n"
    );
    assert_eq!(render("  {% if data.ok %}\nyes\n  {% endif %}\nend\n"), "yes\nend\n");
    assert_eq!(
        render("{% raw %}{{ x }}{% endraw %}{% if true %}{% endif %}\"\\"),
        "{{ x }}\"\\"
    );
    assert_eq!(
        render("{% set x = data.n %}{{ x + 1 }}{% with y = 2 %}{{ y }}{% endwith %}"),
        "422"
    );
    assert_eq!(
        render("{% for a, b in data.object | items %}{{ a }}{{ loop.index }}{% endfor %}"),
        "b1a2"
    );
    assert_eq!(
        render("{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}"),
        "1213"
    );
    assert_eq!(
        render("{% macro m() %}[{{ caller(1) }}]{% endmacro %}{% call(x) m() %}{{ x }}{% endcall %}"),
        "[1]"
    );
    assert_eq!(render("{% filter upper | trim %} a{{ data.n }} {% endfilter %}"), "A41");
    assert_eq!(render("{% set x %}a{{ data.n }}{% endset %}{{ x | length }}"), "3");
    assert_eq!(
        render("{% for x in data.list if x > 1 %}{{ x }}{% else %}-{% endfor %}"),
        "32"
    );
    assert_eq!(render("{% for x in [] %}{% else %}-{% endfor %}"), "-");
    assert_eq!(
        render("{% for x in [1,2,3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}"),
        "13"
    );
    let namespace =
        "{% set ns = namespace(n=0) %}{% for x in data.list %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}";
    assert_eq!(render(namespace), "6");
    let elif = "{% if data.n < 0 %}a{% elif data.n == 41 %}b{% else %}c{% endif %}";
    assert_eq!(render(elif), "b");
    assert_eq!(
        render(
            "{% for x in [[1,[2]]] recursive %}{% if x is sequence %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}"
        ),
        "(1(2))"
    );
}

#[test]
fn rule_03_string_and_join_agree() {
    assert_eq!(
        value("[none, true, 2.0, 1, 'a', [1.0]] | join('|')"),
        data!("|true|2|1|a|[1.0]")
    );
    assert_eq!(value("data.ratio | string"), data!("2"));
    assert_eq!(value("data.object | string"), data!(r#"{"b":1,"a":[null,2.0]}"#));
    assert_eq!(value("'a' ~ data.ratio ~ data.none ~ data.ok"), data!("a2true"));
    assert_eq!(value("data.items | join(',', attribute='sku')"), data!("x,y"));
    assert_eq!(value("data.items | map(attribute='sku') | join"), data!("xy"));
}

#[test]
fn rule_04_paths_are_strict() {
    for source in [
        "input.amuont",
        "input.amuont > 1000",
        "nope",
        "nope.x",
        "data.n.x",
        "data.none.x",
        "data.list[7]",
        "[input.amuont]",
        "{'a': input.amuont}",
        "input.amuont | length",
        "[input.amuont] | length",
        "resume.action",
        "input.amuont or true",
        "true and input.amuont",
        "input.amuont is none",
        "'x' if input.amuont else 'y'",
        "data[input.amuont]",
        "steps.gone.output.x",
        "not input.amuont",
        "[1] + [input.amuont]",
        "1 if false",
        "data.items | map(attribute='gone') | list",
        "(data.list | first).x",
    ] {
        assert_eq!(code(source), EvalError::UNDEFINED, "{source}");
    }
    for source in [
        "{{ input.amuont }}",
        "{% for x in input.amuont %}{% endfor %}",
        "{% if input.amuont %}{% endif %}",
    ] {
        let error = Text::compile(source).unwrap().eval(&names).unwrap_err();
        assert_eq!(error.code, EvalError::UNDEFINED, "{source}");
        assert_eq!(&source[error.range.unwrap()], "input.amuont");
    }
}

#[test]
fn rule_04_the_message_names_what_is_missing() {
    let message = |source| eval(source).unwrap_err().message;
    assert_eq!(
        message("input.amuont > 1000"),
        "`input` has no `amuont`; did you mean `amount`?"
    );
    assert_eq!(message("resume.action"), "`resume` is undefined");
    assert_eq!(message("data.object.zzzzzz"), "`data.object` has no `zzzzzz`");
    assert_eq!(message("data.list[7]"), "`data.list` has no element 7, only 3 elements");
    assert_eq!(message("input.name.first"), "`input.name` is a text and has no `first`");
    assert_eq!(message("steps.gone.output.x"), "`steps.gone.output` is undefined");
    let source = "1 + steps['gone'] . output.x";
    let error = eval(source).unwrap_err();
    assert_eq!(&source[error.range.unwrap()], "steps['gone'] . output");
    let template = "{% for x in data.items %}{{ x.sko }}{% endfor %}";
    let error = Text::compile(template).unwrap().eval(&names).unwrap_err();
    assert_eq!(error.message, "`x` has no `sko`; did you mean `sku`?");
    assert_eq!(&template[error.range.unwrap()], "x.sko");
}

#[test]
fn rule_04_every_link_is_optional_under_default_and_defined() {
    assert_eq!(value("steps.gone.output.approved | default(true)"), data!(true));
    assert_eq!(value("steps.done.output.approved | default(true)"), data!(false));
    assert_eq!(value("resume.action | default('no')"), data!("no"));
    assert_eq!(value("resume.a.b[0].c | d('no')"), data!("no"));
    assert_eq!(value("data.none.x | default(1)"), data!(1));
    assert_eq!(value("data.none | default(1)"), data!(null));
    assert_eq!(value("data.empty | default(1)"), data!(""));
    assert_eq!(value("data.empty | default(1, true)"), data!(1));
    assert_eq!(value("data.none | default(1, true)"), data!(1));
    assert_eq!(value("resume.x is defined"), data!(false));
    assert_eq!(value("resume.x is undefined"), data!(true));
    assert_eq!(value("resume.x is not defined"), data!(true));
    assert_eq!(value("data.n is defined and data.n > 1"), data!(true));
    assert_eq!(value("(data.list | first).x | default(3)"), data!(3));
    assert_eq!(
        render("{% for x in data.items %}{{ x.gone.deep | default('-') }}{% endfor %}"),
        "--"
    );
    assert_eq!(code("(input.x + 1) | default(1)"), EvalError::UNDEFINED);
    assert_eq!(code("data[resume.x] | default(1)"), EvalError::UNDEFINED);
}

#[test]
fn rule_05_null_is_none_and_values_have_no_methods() {
    assert_eq!(value("data.none is none"), data!(true));
    assert_eq!(value("data.none == none"), data!(true));
    assert_eq!(value("data.none == null and null is defined"), data!(true));
    assert_eq!(value("[null, data.n if false else null]"), data!([null, null]));
    assert_eq!(value("data.n is none"), data!(false));
    let found = problem("input.name.upper()");
    assert_eq!(
        (found.kind, found.help.as_deref()),
        (ProblemKind::UnknownFunction, Some("use the filter: `x | upper`"))
    );
    assert_eq!(problem("data.object.items()").kind, ProblemKind::UnknownFunction);
    assert_eq!(template_problem("{{ self.x() }}").kind, ProblemKind::UnknownFunction);
    assert_eq!(problem("(1)(2)").kind, ProblemKind::UnknownFunction);
}

#[test]
fn rule_05_extra_filters() {
    assert_eq!(
        value("data.object | merge({'b': 2}, {'c': 3})"),
        data!({ "b": 2, "a": [null, 2.0], "c": 3 })
    );
    assert_eq!(value("'{\"a\": [1.0]}' | fromjson"), data!({ "a": [1.0] }));
    assert_eq!(code("'{' | fromjson"), EvalError::FAILED);
    assert_eq!(code("[1] | merge({})"), EvalError::TYPE);
    assert_eq!(
        value("now() | date('%Y-%m-%d %H:%M', 'Europe/Berlin')"),
        data!("2026-03-29 00:30")
    );
    assert_eq!(value("now() | date('%d.%m.%Y')"), data!("28.03.2026"));
    assert_eq!(value("'2026-01-31' | date('%d.%m.')"), data!("31.01."));
    assert_eq!(value("now() | shift('-1d')"), data!("2026-03-27T23:30:00Z"));
    assert_eq!(value("'2026-01-31' | shift('1 month')"), data!("2026-02-28"));
    assert_eq!(
        value("'2026-01-31T10:00:00+02:00' | shift('90m')"),
        data!("2026-01-31T11:30:00+02:00")
    );
    assert_eq!(code("'x' | date('%Y')"), EvalError::FAILED);
    assert_eq!(code("now() | date('%Y', 'Mars/Base')"), EvalError::FAILED);
    assert_eq!(code("now() | date('%!')"), EvalError::FAILED);
    assert_eq!(code("'2026-01-31' | date('%H')"), EvalError::FAILED);
    assert_eq!(code("now() | shift('soon')"), EvalError::FAILED);
    assert_eq!(code("1 | date('%Y')"), EvalError::TYPE);
    assert_eq!(value("{'a b': 1} | tojson(indent=2)"), data!("{\n  \"a b\": 1\n}"));
    assert_eq!(value("'a b&c/ä' | urlencode"), data!("a%20b%26c/%C3%A4"));
    assert_eq!(value("data.list | batch(2) | list"), data!([[3, 1], [2]]));
}

#[test]
fn rule_06_conditions_are_boolean_and_order_needs_one_type() {
    let condition = |source| Expression::compile(source).unwrap().eval_bool(&names);
    assert_eq!(condition("data.ok and data.n > 40"), Ok(true));
    let error = condition("data.text").unwrap_err();
    assert_eq!(error.message, "this must give true or false, but gives a text");
    assert_eq!(error.code, EvalError::TYPE);
    for source in [
        "input.name > 5",
        "5 <= input.name",
        "1 < input.name < 3",
        "none < 1",
        "[1] < [2]",
        "[1, 'a'] | sort",
    ] {
        assert_eq!(code(source), EvalError::TYPE, "{source}");
    }
    assert_eq!(code("input.name + 1"), EvalError::TYPE);
    assert_eq!(code("data.list | select('gt', 'a') | list"), EvalError::TYPE);
    assert_eq!(value("1 < data.n <= 41"), data!(true));
    assert_eq!(value("'a' < 'b'"), data!(true));
    assert_eq!(
        eval("input.name + 1").unwrap_err().message,
        "`+` does not work on a text and a number"
    );
}

#[test]
fn rule_08_keywords_may_follow_a_dot() {
    assert_eq!(value("data.if"), data!("keyword"));
    assert_eq!(value("steps.if.output.approved"), data!(false));
    assert_eq!(
        render("{{ data.if }}{% if data.if %}{{ data.if }}{% endif %}"),
        "keywordkeyword"
    );
}

#[test]
fn rule_40_secrets_are_references() {
    let sealed = |text| Build::from_scalar(text).unwrap().eval_sealed(&names).unwrap();
    let secret = |name: &str| Part::Secret(name.into());
    assert_eq!(sealed("=secrets.KEY"), Sealed::Text(vec![secret("KEY")]));
    let header = Sealed::Text(vec![
        Part::Text("Bearer ".into()),
        secret("KEY"),
        Part::Text("!41".into()),
    ]);
    assert_eq!(sealed("Bearer {{ secrets.KEY }}!{{ data.n }}"), header);
    assert_eq!(
        sealed("{% if data.ok %}Bearer {{ secrets.KEY }}{% endif %}!{{ data.n }}"),
        header
    );
    assert_eq!(
        sealed("{% if not data.ok %}{{ secrets.KEY }}{% endif %}x"),
        Sealed::Plain(data!("x"))
    );
    let build = Build::map(vec![("a".into(), Build::from_scalar("=secrets.KEY").unwrap())]);
    assert!(matches!(build.eval_sealed(&names).unwrap(), Sealed::Map(_)));
    assert_eq!(build.eval(&names).unwrap_err().code, EvalError::FAILED);
    assert_eq!(build.references()[0].root, Root::Secrets);
    for source in [
        "secrets.KEY ~ 'x'",
        "[secrets.KEY]",
        "secrets",
        "secrets.KEY | upper",
        "secrets.KEY | default('x')",
        "secrets.KEY == 'x'",
        "secrets[data.n]",
        "'a' if secrets.KEY else 'b'",
        "secrets.KEY.x",
        "secrets['a b']",
    ] {
        assert_eq!(problem(source).kind, ProblemKind::SecretNotAllowed, "{source}");
    }
    for source in [
        "{% set x = secrets.KEY %}",
        "{% set x %}{{ secrets.KEY }}{% endset %}{{ x | length }}",
        "{% filter upper %}{{ secrets.KEY }}{% endfilter %}",
        "{{ secrets.KEY | upper }}",
        "{% macro m() %}{{ secrets.KEY }}{% endmacro %}{{ m() }}",
        "{% for s in secrets %}{% endfor %}",
    ] {
        assert_eq!(template_problem(source).kind, ProblemKind::SecretNotAllowed, "{source}");
    }
}

#[test]
fn rule_40_no_data_can_pass_for_a_secret() {
    let forged = |root: &Root| match root {
        Root::Input => Some(data!("\u{FDD0}KEY\u{FDD1}")),
        _ => None,
    };
    let template = Text::compile("{% if true %}{{ input }}{{ secrets.OTHER }}{% endif %}").unwrap();
    assert_eq!(template.eval_sealed(&forged).unwrap_err().code, EvalError::FAILED);
    let pieces = Text::compile("{{ input }}{{ secrets.OTHER }}").unwrap();
    let expected = vec![Part::Text("\u{FDD0}KEY\u{FDD1}".into()), Part::Secret("OTHER".into())];
    assert_eq!(pieces.eval_sealed(&forged).unwrap(), Sealed::Text(expected));
    let plain = Text::compile("{% if true %}{{ input }}{% endif %}").unwrap();
    assert_eq!(
        plain.eval_sealed(&forged).unwrap(),
        Sealed::Plain(data!("\u{FDD0}KEY\u{FDD1}"))
    );
    let raw = Text::compile("{% if true %}\u{FDD0}KEY\u{FDD1}{{ secrets.OTHER }}{% endif %}");
    assert_eq!(raw.unwrap_err()[0].kind, ProblemKind::SecretNotAllowed);
}

#[test]
fn operators_bind_as_in_the_source() {
    assert_eq!(value("2 + 3 * 4 - 1"), data!(13));
    assert_eq!(value("(2 + 3) * (4 - 1)"), data!(15));
    assert_eq!(value("10 - (3 - 2)"), data!(9));
    assert_eq!(value("2 * (3 + 4) // (1 + 1)"), data!(7));
    assert_eq!(value("not (true and false) or false"), data!(true));
    assert_eq!(value("(1 == 1) == true"), data!(true));
    assert_eq!(value("-(2 + 3) | abs"), data!(5));
    assert_eq!(value("(1 if false else 2) + 1"), data!(3));
    assert_eq!(value("1 not in [2]"), data!(true));
    assert_eq!(value("not 1 in [1]"), data!(false));
    assert_eq!(value("'b' in data.object"), data!(true));
    assert_eq!(value("(data.n is odd) == true"), data!(true));
    assert_eq!(value("data.n is divisibleby 41"), data!(true));
    assert_eq!(value("data.list[1:] | list"), data!([1, 2]));
    assert_eq!(value("data.list[-1]"), data!(2));
    assert_eq!(value("data.list[:-1] | list"), data!([3, 1]));
    assert_eq!(value("data.list[data.list[1]]"), data!(1));
    assert_eq!(value("{'a': 1}.a + {'b': [5]}['b'][0]"), data!(6));
    assert_eq!(value("\"q'\\\"\\\\\\n\" ~ 'x'"), data!("q'\"\\\nx"));
    assert_eq!(value("dict(a=1, b=data.n)"), data!({ "a": 1, "b": 41 }));
    assert_eq!(value("range(3) | list"), data!([0, 1, 2]));
    assert_eq!(value("data.items | sum(attribute='n')"), data!(5));
    assert_eq!(
        value("data.items | selectattr('n', 'gt', 2) | map(attribute='sku') | list"),
        data!(["y"])
    );
    assert_eq!(value("data.items | groupby('sku') | list | length"), data!(2));
    assert_eq!(value("'%s=%d' | format('a', 1)"), data!("a=1"));
    assert_eq!(value("data.object | dictsort | first"), data!(["a", [null, 2.0]]));
    assert_eq!(value("item.sku"), data!("pen"));
    assert_eq!(value("input.name | default('x') | upper"), data!("ADA"));
}

#[test]
fn builds_evaluate_in_place_and_are_walked_with_paths() {
    let scalar = |text: &str| Build::from_scalar(text).unwrap();
    let build = Build::map(vec![
        ("n".into(), scalar("=data.n")),
        ("list".into(), Build::list(vec![scalar("a"), scalar("{{ data.n }}!")])),
    ]);
    assert_eq!(build.eval(&names).unwrap(), data!({ "n": 41, "list": ["a", "41!"] }));
    let mut paths = Vec::new();
    build.walk(&mut |path, _| paths.push(path.to_vec()));
    let (list, n): (Arc<str>, Arc<str>) = ("list".into(), "n".into());
    let key = |name: &Arc<str>| Segment::Key(name.clone());
    assert_eq!(
        paths,
        [
            vec![],
            vec![key(&n)],
            vec![key(&list)],
            vec![key(&list), Segment::Index(0)],
            vec![key(&list), Segment::Index(1)]
        ]
    );
    assert_eq!(Build::list(vec![scalar("a")]).literal(), Some(&data!(["a"])));
}
