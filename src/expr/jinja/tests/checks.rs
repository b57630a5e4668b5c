//! What is known of a source without values.

use super::*;

#[test]
fn rule_08_dashes_subtract_and_are_recognised() {
    let found = problem("steps.a-b.output.approved");
    assert_eq!(found.kind, ProblemKind::StepPath);
    assert_eq!(found.help.as_deref(), Some("write `steps['a-b'].output.approved`"));
    assert_eq!(
        problem("steps.a-b-c.output.x").help.as_deref(),
        Some("write `steps['a-b-c'].output.x`")
    );
    assert_eq!(
        problem("steps.step-1.output").help.as_deref(),
        Some("write `steps['step-1'].output`")
    );
    let expression = Expression::compile("data.first-name ~ '!'").unwrap();
    let [hint] = expression.subtraction_hints() else {
        panic!()
    };
    assert_eq!(
        (&*hint.name, hint.replacement.as_str(), hint.range.clone()),
        ("first-name", "data['first-name']", 0..15)
    );
    assert!(
        Expression::compile("data.n - index")
            .unwrap()
            .subtraction_hints()
            .is_empty()
    );
    assert_eq!(value("data['first-name']"), data!("Grace"));
}

#[test]
fn references_name_roots_paths_and_places() {
    let source = "steps['a-b'].output.approved and input.tags[0] and data[index].x and order.id | default(1)";
    let expression = Expression::compile(source).unwrap();
    let written: Vec<&str> = expression
        .references()
        .iter()
        .map(|r| &source[r.range.clone()])
        .collect();
    assert_eq!(
        written,
        [
            "steps['a-b'].output.approved",
            "input.tags[0]",
            "index",
            "data[index].x",
            "order.id"
        ]
    );
    let Reference {
        root,
        path,
        optional,
        name,
        segments,
        ..
    } = &expression.references()[0];
    assert_eq!(
        *root,
        Root::Step {
            id: "a-b".into(),
            part: StepPart::Output
        }
    );
    assert_eq!((path, *optional), (&vec![Segment::Key("approved".into())], false));
    assert_eq!(
        (&source[name.clone()], &source[segments[0].clone()]),
        ("['a-b']", "approved")
    );
    let dynamic = expression.references().iter().find(|r| r.root == Root::Data).unwrap();
    assert_eq!(dynamic.path, [Segment::Dynamic, Segment::Key("x".into())]);
    let local = expression
        .references()
        .iter()
        .find(|r| r.root == Root::Local("order".into()))
        .unwrap();
    assert!(local.optional);
    assert_eq!(problem("steps[input.name].output").kind, ProblemKind::StepPath);
    assert_eq!(
        problem("steps.a.outptu").help.as_deref(),
        Some("did you mean `output`?")
    );
    assert_eq!(problem("steps.a").kind, ProblemKind::StepPath);
    assert_eq!(problem("steps | length").kind, ProblemKind::StepPath);
}

#[test]
fn references_leave_out_names_bound_in_the_template() {
    let source = "{% for item in input.tags %}{{ item.x }}{{ data.n }}{% endfor %}{{ item.sku }}\
                  {% set data = {'n': 1} %}{{ data.n }}{% macro m(state) %}{{ state }}{{ loop }}{% endmacro %}";
    let text = Text::compile(source).unwrap();
    let written: Vec<&str> = text.references().iter().map(|r| &source[r.range.clone()]).collect();
    assert_eq!(written, ["input.tags", "data.n", "item.sku", "loop"]);
    assert_eq!(
        render("{% if data.n < 0 %}{% set data = {'n': 1} %}{% endif %}{{ data.n }}"),
        "41"
    );
    assert_eq!(template_problem("{% set steps = 1 %}").kind, ProblemKind::ReservedName);
    assert_eq!(template_problem("{% set __path = 1 %}").kind, ProblemKind::ReservedName);
    assert_eq!(problem("__path(0, 1)").kind, ProblemKind::UnknownFunction);
    assert_eq!(problem("__step0").kind, ProblemKind::ReservedName);
}

#[test]
fn unknown_functions_are_problems_at_compile() {
    let found = problem("input.name | uper");
    assert_eq!(
        (found.message.as_str(), found.help.as_deref()),
        ("there is no filter `uper`", Some("did you mean `upper`?"))
    );
    assert_eq!(found.range, 13..17);
    assert_eq!(
        problem("input.name is defind").help.as_deref(),
        Some("did you mean `defined`?")
    );
    assert_eq!(problem("rnge(3)").help.as_deref(), Some("did you mean `range`?"));
    assert_eq!(
        problem("upper(input.name)").help.as_deref(),
        Some("`upper` is a filter: write `x | upper`")
    );
    assert_eq!(problem("data.list | map('uper')").kind, ProblemKind::UnknownFunction);
    assert_eq!(problem("data.list | select('od')").kind, ProblemKind::UnknownFunction);
    for source in ["debug()", "lipsum()", "data.list | pprint", "data.list | random"] {
        assert_eq!(problem(source).kind, ProblemKind::UnknownFunction, "{source}");
    }
    for source in [
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% import 'x' as y %}",
    ] {
        assert_eq!(template_problem(source).kind, ProblemKind::Unsupported, "{source}");
    }
}

#[test]
fn several_problems_are_reported_together() {
    let problems = Text::compile("{{ a | uper }}{{ steps.x }}{{ secrets.K | upper }}").unwrap_err();
    let kinds: Vec<ProblemKind> = problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(
        kinds,
        [
            ProblemKind::UnknownFunction,
            ProblemKind::StepPath,
            ProblemKind::SecretNotAllowed
        ]
    );
}

#[test]
fn shapes_describe_expressions() {
    let expression = Expression::compile("input.amount > 'x' and not data.ok").unwrap();
    let Shape::Logic {
        operator: Operator::And,
        left,
        right,
    } = expression.shape()
    else {
        panic!()
    };
    let Shape::Compare {
        operator: Operator::Greater,
        left: path,
        right: literal,
        range,
    } = &**left
    else {
        panic!()
    };
    assert_eq!(
        (&**path, &**literal, range.clone()),
        (&Shape::Path(0), &Shape::Literal(data!("x")), 0..18)
    );
    assert_eq!(**right, Shape::Not(Box::new(Shape::Path(1))));
    let expression = Expression::compile("{'a': [data.n | default(1)]}").unwrap();
    let Shape::Map(entries) = expression.shape() else {
        panic!()
    };
    let Shape::List(items) = &entries[0].1 else { panic!() };
    assert!(matches!(&items[0], Shape::Filter { name, args, .. } if &**name == "default" && args.len() == 1));
}

#[test]
fn a_lone_expression_is_recognised() {
    let is_lone = |source| Text::compile(source).unwrap().lone_expression();
    assert_eq!(
        [
            is_lone("{{ data.n }}"),
            is_lone(" {{ data.n }}"),
            is_lone("x"),
            is_lone("{% if 1 %}{% endif %}")
        ],
        [true, false, false, false]
    );
}

#[test]
fn compiled_values_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Expression>();
    shared::<Text>();
    shared::<Build>();
}
