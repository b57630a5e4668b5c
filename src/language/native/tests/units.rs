//! Units of work.

use super::*;
use crate::data;
use crate::expr::Build;
use crate::graph::{Fail, OnTimeout, Op, Stdout, Target, Timing};
use crate::language::native::outline::ResultOutline;
use crate::language::native::unit::UnitKind;

/// The operation of one step with this unit, and its result.
fn unit(unit: &str) -> (Op, ResultOutline) {
    let (graph, mut outline) = good_steps(&format!("  - {{ kind: andThen, id: u, {unit} }}"));
    (
        node(&graph, "u").op.clone(),
        std::mem::take(&mut outline.steps[0].result),
    )
}

/// The one finding about a step with this unit.
fn bad(unit: &str) -> String {
    only(&format!("  - {{ kind: andThen, id: u, {unit} }}"))
}

#[test]
fn units_have_keys_and_a_documentation_each() {
    for kind in UnitKind::ALL {
        assert_eq!(UnitKind::parse(kind.key()), Some(*kind));
        assert!(kind.summary().ends_with('.'), "{kind:?}");
    }
}

#[test]
fn a_step_has_one_unit() {
    let found = bad("set: 1, http: { url: x }");
    assert!(
        found.starts_with("conflicting-keys @ http: an `andThen` step does one thing"),
        "{found}"
    );
    let found = bad("name: nothing");
    assert!(
        found.starts_with("missing-key @ andThen: an `andThen` step needs something to do"),
        "{found}"
    );
    // A mistyped unit is one mistake, not two.
    let found = bad("htpp: { url: x }");
    assert_eq!(
        found,
        "unknown-key @ htpp: `htpp` is not a key of an `andThen` step [did you mean `http`?]"
    );
    let found =
        only("  - { kind: andWhen, id: u, condition: true, set: 1, steps: [{ kind: andThen, id: a, set: 1 }] }");
    assert!(
        found.starts_with("conflicting-keys @ set: an `andWhen` step has either `steps` or `set`"),
        "{found}"
    );
    let found = only("  - { kind: andTap, id: u }");
    assert!(found.contains("add one of `steps`, `set`"), "{found}");
}

#[test]
fn rule_02_texts_are_expressions_templates_or_themselves() {
    let (op, _) = unit("set: { a: =input.x, b: \"==SUM(A1)\", c: \"{{ input.x }}!\", d: [1, =2 ** 3], e: plain }");
    let Op::Set(Build::Map(entries)) = op else {
        panic!("{op:?}")
    };
    let kinds: Vec<_> = entries
        .iter()
        .map(|(key, build)| match build {
            Build::Literal(data) => format!("{key} {data}"),
            Build::Expression(_) => format!("{key} expression"),
            Build::Text(_) => format!("{key} template"),
            Build::List(_) => format!("{key} list"),
            Build::Map(_) => format!("{key} map"),
            Build::Computed(_) => format!("{key} computed"),
        })
        .collect();
    assert_eq!(
        kinds,
        ["a expression", "b \"=SUM(A1)\"", "c template", "d list", "e \"plain\""]
    );
    let (op, _) = unit("set: { all: [literal, { deep: 1 }] }");
    assert!(matches!(op, Op::Set(Build::Literal(value)) if value == data!({ "all": ["literal", { "deep": 1 }] })));
}

#[test]
fn rule_11_assign_names_keys() {
    let (op, result) = unit("assign: { n: =input.n, m: 1 }");
    assert!(matches!(op, Op::Assign(entries) if entries.len() == 2));
    assert!(matches!(result, ResultOutline::Assign(_)));
    assert!(bad("assign: =input").contains("use `set`"));
}

#[test]
fn rule_22_http_accepts_statuses() {
    let (op, _) = unit("http: { url: \"https://x/{{ input.id }}\", method: PUT, accept: [200, 3xx, 404-410] }");
    let Op::Call(call) = op else { panic!() };
    let Target::Http { method, accept, .. } = &call.target else {
        panic!()
    };
    assert_eq!(&**method, "PUT");
    let ranges: Vec<_> = accept.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(ranges, [(200, 200), (300, 399), (404, 410)]);
    let (op, _) = unit("http: { url: x }");
    let Op::Call(call) = op else { panic!() };
    let Target::Http { method, accept, .. } = &call.target else {
        panic!()
    };
    assert_eq!((&**method, accept[0].first, accept[0].last), ("GET", 200, 299));
    for status in ["9xx", "2x", "ok", "404-300", "20", "[2xx]"] {
        let found = bad(&format!("http: {{ url: x, accept: [{status}] }}"));
        assert!(found.starts_with("invalid-value"), "{found}");
    }
    assert!(bad("http: { url: x, method: post }").contains("did you mean `POST`?"));
    assert!(bad("http: { method: GET }").starts_with("missing-key @ http: `http` needs `url`"));
    assert!(bad("http: https://example.com").contains("http: { url:"));
    assert!(bad("http: { url: x, headers: [a] }").starts_with("wrong-type"));
    assert!(bad("http: { url: x, accept: 404 }").contains("`accept: [404]`"));
}

#[test]
fn rule_23_exec_takes_words_never_a_line() {
    let (op, _) = unit("exec: { command: [psql, =input.file], env: { A: b }, stdin: text, stdout: json }");
    let Op::Call(call) = op else { panic!() };
    let Target::Exec { stdout, .. } = &call.target else {
        panic!()
    };
    assert_eq!(*stdout, Stdout::Json);
    assert!(bad("exec: { command: psql -f x.sql }").contains("`command: [psql, -f, x.sql]`"));
    let (op, _) = unit("exec: { command: =input.words }");
    assert!(matches!(op, Op::Call(_)));
}

#[test]
fn mcp_and_functions_are_called_by_name() {
    let (op, _) = unit("mcp: { server: s, tool: t, arguments: { q: =input.q } }");
    assert!(matches!(op, Op::Call(call) if matches!(&call.target, Target::Mcp { arguments: Some(_), .. })));
    let (op, _) = unit("function: { name: price }");
    assert!(matches!(op, Op::Call(call) if matches!(&call.target, Target::Function { arguments: None, .. })));
    assert!(bad("mcp: { server: s }").contains("needs `tool`"));
    assert!(bad("function: price").contains("function: { name: price"));
}

#[test]
fn rule_32_a_wait_may_end_by_itself() {
    let (op, result) = unit("suspend: { reason: Go?, timeout: 2d, onTimeout: continue }");
    let Op::Suspend(suspend) = op else { panic!() };
    assert_eq!(suspend.on_timeout, OnTimeout::Continue);
    assert!(matches!(suspend.timeout, Some(Timing::For(_))));
    assert!(matches!(result, ResultOutline::Unknown));
    assert!(matches!(unit("suspend:").0, Op::Suspend(_)));
    assert!(bad("suspend: { onTimeout: continue }").starts_with("missing-key @ onTimeout"));
}

#[test]
fn rule_36_actions_add_a_required_choice_to_the_answer() {
    let (op, _) = unit(
        "suspend: { actions: [{ id: ship, title: Ship }, { id: hold }] }, \
         resumeSchema: { type: object, required: [note], properties: { note: { type: string } }, additionalProperties: false }",
    );
    let Op::Suspend(suspend) = op else { panic!() };
    assert_eq!(
        suspend.actions,
        Some(data!([{ "id": "ship", "title": "Ship" }, { "id": "hold" }]))
    );
    let schema = suspend.resume_schema.unwrap();
    assert!(schema.validate(&data!({ "note": "x", "action": "ship" })).is_ok());
    for payload in [
        data!({ "note": "x" }),
        data!({ "note": "x", "action": "other" }),
        data!({ "action": "ship" }),
        data!("ship"),
    ] {
        assert!(schema.validate(&payload).is_err(), "{payload}");
    }
    let (op, _) = unit("suspend: { actions: [{ id: ok }] }");
    let Op::Suspend(suspend) = op else { panic!() };
    assert!(
        suspend
            .resume_schema
            .unwrap()
            .validate(&data!({ "action": "ok", "more": 1 }))
            .is_ok()
    );
    assert!(
        bad("suspend: { actions: [{ id: ok }] }, resumeSchema: { type: string }")
            .starts_with("invalid-value @ resumeSchema")
    );
    assert!(bad("suspend: { actions: [{ id: ok }, { id: ok }] }").starts_with("duplicate-id @ ok"));
    assert!(bad("suspend: { actions: [] }").contains("`actions` is empty"));
    assert!(bad("suspend: { actions: [approve] }").contains("{ id: approve"));
}

#[test]
fn rule_36_events_have_roles_and_their_schemas_are_defaults() {
    let with = |steps: &str| {
        format!(
            "kind: Workflow\nid: t\nevents:\n  Question: {{ role: request, schema: {{ type: object, required: [prompt] }} }}\n  \
             Answer: {{ role: response, schema: {{ type: object, required: [text] }} }}\n  Told: {{ schema: {{ type: number }} }}\n\
             steps:\n{steps}\n"
        )
    };
    let (graph, _) = good(&with(
        "  - { kind: andThen, id: q, suspend: { request: Question, response: Answer, data: { prompt: =input.p } } }",
    ));
    let Op::Suspend(suspend) = &node(&graph, "q").op else {
        panic!()
    };
    assert!(suspend.data_schema.as_ref().unwrap().validate(&data!({})).is_err());
    assert!(suspend.resume_schema.as_ref().unwrap().validate(&data!({})).is_err());
    let (graph, _) = good(&with(
        "  - { kind: andThen, id: q, suspend: { response: Answer }, resumeSchema: {} }",
    ));
    let Op::Suspend(suspend) = &node(&graph, "q").op else {
        panic!()
    };
    assert!(suspend.resume_schema.as_ref().unwrap().validate(&data!({})).is_ok());
    let (graph, _) = good(&with(
        "  - { kind: andThen, id: q, emit: { event: Told, data: 1 } }\n  - { kind: andThen, id: w, waitFor: { event: Told } }",
    ));
    assert!(matches!(&node(&graph, "q").op, Op::Emit { schema: Some(_), .. }));
    assert!(matches!(&node(&graph, "w").op, Op::WaitFor(wait) if wait.schema.is_some()));
    let found = only_in(&with("  - { kind: andThen, id: q, suspend: { request: Qestion } }"));
    assert_eq!(
        found,
        "unknown-event @ Qestion: the event `Qestion` is not declared [did you mean `Question`?]"
    );
    let found = only_in(&with("  - { kind: andThen, id: q, suspend: { request: Answer } }"));
    assert!(
        found.starts_with("unknown-event @ Answer: `request` needs an event with the role `request`"),
        "{found}"
    );
    let found = only_in(&with("  - { kind: andThen, id: q, emit: { event: Finished } }"));
    assert!(found.contains("events: { Finished: { role: progress } }"), "{found}");
    // A workflow that declares none may name any.
    good_steps("  - { kind: andThen, id: q, suspend: { request: Any, response: Other } }");
}

#[test]
fn rule_24_control_units_have_conditions() {
    let never = |result: ResultOutline| matches!(result, ResultOutline::Never);
    assert!(never(unit("fail: { code: X, message: no }").1));
    assert!(!never(unit("fail: { when: =input.x, code: X }").1));
    assert!(never(unit("end: { output: =data }").1));
    assert!(never(unit("end:").1));
    assert!(never(unit("cancel: {}").1));
    assert!(!never(unit("cancel: { when: =input.x }").1));
    assert!(
        matches!(unit("fail: {}").0, Op::Fail(fail) if matches!(&*fail, Fail::New { code, .. } if &**code == "failed"))
    );
    assert!(matches!(
        unit("emit: { event: A, when: =input.x }").0,
        Op::Emit { when: Some(_), .. }
    ));
    assert!(bad("fail: no").contains("`fail: =error`"));
    assert!(bad("emit: { data: 1 }").contains("needs `event`"));
}

#[test]
fn rule_27_a_caught_error_is_raised_again() {
    let (graph, _) = good_steps("  - { kind: andThen, id: u, set: 1, catch: [{ fail: =error }] }");
    assert!(matches!(&node(&graph, "u/catch.0").op, Op::Fail(fail) if matches!(&**fail, Fail::Again(_))));
}

#[test]
fn rule_34_a_wait_for_an_event_may_filter() {
    let (op, _) = unit("waitFor: { event: Paid, where: =event.id == input.id, timeout: 2030-01-01T00:00:00Z }");
    let Op::WaitFor(wait) = op else { panic!() };
    assert!(wait.filter.is_some());
    assert!(matches!(wait.timeout, Some(Timing::At(_))));
    assert!(bad("waitFor: {}").contains("needs `event`"));
}

#[test]
fn rule_29_nothing_waits_or_ends_inside_finally() {
    let inside = |unit: &str| {
        only(&format!(
            "  - kind: andTry\n    id: t\n    steps: [{{ kind: andThen, id: a, set: 1 }}]\n    finally: [{{ kind: andThen, id: u, {unit} }}]"
        ))
    };
    assert!(inside("suspend:").starts_with("wait-not-allowed @ suspend"));
    assert!(inside("waitFor: { event: A }").starts_with("wait-not-allowed @ waitFor"));
    assert!(inside("end:").starts_with("invalid-value @ end: `end` cannot stand inside `finally`"));
}

#[test]
fn rule_30_a_tap_never_ends_the_run_but_may_wait() {
    assert!(only("  - { kind: andTap, id: t, end: }").contains("cannot stand inside `andTap`"));
    assert!(only("  - { kind: andTap, id: t, steps: [{ kind: andThen, id: u, cancel: }] }").contains("andTap"));
    good_steps("  - { kind: andTap, id: t, suspend: }");
}
