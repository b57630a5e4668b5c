use super::*;
use crate::language::native::check::{Callee, check_calls};

#[test]
fn data_is_followed_from_step_to_step() {
    let steps = "  - { kind: andThen, id: a, set: { total: 1, name: x } }
  - { kind: andThen, id: b, set: =data.totla }
";
    assert_eq!(in_steps(steps), ["unknown-property: totla"]);
    let steps = "  - { kind: andThen, id: a, set: { total: 1 } }
  - { kind: andThen, id: b, assign: { tax: 2 } }
  - { kind: andThen, id: c, set: { a: =data.total, b: =data.tax, c: =data.taxx, d: =steps.a.output.tax } }
";
    assert_eq!(in_steps(steps), ["unknown-property: taxx", "unknown-property: tax"]);
}

#[test]
fn into_adds_a_key() {
    let steps = "  - { kind: andThen, id: a, set: { total: 1 } }
  - { kind: andThen, id: b, http: { url: http://x }, into: rate }
  - { kind: andThen, id: c, set: { a: =data.total, b: =data.rate.anything, c: =data.rates } }
";
    assert_eq!(in_steps(steps), ["unknown-property: rates"]);
}

#[test]
fn what_may_have_been_skipped_leaves_both() {
    let steps = "  - { kind: andThen, id: a, set: { total: 1 } }
  - { kind: andWhen, id: b, condition: =data.total > 1, set: { other: 1 } }
  - { kind: andThen, id: c, set: { a: =data.total, b: =data.other, c: =data.third } }
";
    assert_eq!(in_steps(steps), ["unknown-property: third"]);
}

#[test]
fn branches_make_an_object_or_a_list() {
    let steps = "  - kind: andAll
    id: both
    steps:
      left: [{ kind: andThen, id: l, set: { a: 1 } }]
      right: { kind: andThen, id: r, set: { b: 1 } }
  - { kind: andThen, id: x, set: { a: =data.left.a, b: =data.rigth, c: =data.right.a } }
";
    assert_eq!(in_steps(steps), ["unknown-property: rigth", "unknown-property: a"]);
}

#[test]
fn items_become_a_list() {
    let steps = "  - kind: andForEach
    id: each
    items: =input.urls
    settle: true
    steps: [{ kind: andThen, id: get, set: { url: =item } }]
  - { kind: andThen, id: x, set: { a: \"=data[0].output.url\", b: \"=data[0].output.uri\", c: =data.status } }
";
    assert_eq!(in_steps(steps), ["unknown-property: uri", "unknown-property: status"]);
}

#[test]
fn a_loop_gives_its_body_what_it_has_left() {
    let steps = "  - { kind: andThen, id: begin, set: { cursor: null } }
  - kind: andDoWhile
    id: loop
    condition: =data.next is not none and data.cursor
    steps:
      - { kind: andThen, id: get, set: { x: =data.cursor, y: =data.next, z: =data.neither } }
      - { kind: andThen, id: put, set: { next: 1 } }
  - { kind: andThen, id: after, set: =data.cursor }
";
    assert_eq!(
        in_steps(steps),
        [
            "unknown-property: cursor",
            "unknown-property: neither",
            "unknown-property: cursor"
        ]
    );
}

#[test]
fn nested_loops_take_no_exponential_time() {
    let mut steps = String::new();
    for depth in 0..60 {
        let indent = "  ".repeat(depth + 1);
        steps.push_str(&format!(
            "{indent}- kind: andDoWhile\n{indent}  id: l{depth}\n{indent}  condition: =data.x\n{indent}  steps:\n"
        ));
    }
    let indent = "  ".repeat(61);
    steps.push_str(&format!("{indent}- {{ kind: andThen, id: a, set: {{ x: true }} }}\n"));
    assert_eq!(in_steps(&steps), NONE);
}

#[test]
fn values_that_hold_each_other_take_no_exponential_time() {
    let steps: String = (0..2000)
        .map(|at| format!("  - {{ kind: andThen, id: s{at}, set: {{ a: =data, b: =data }} }}\n"))
        .collect();
    assert_eq!(in_steps(&steps), NONE);
}

#[test]
fn resume_payloads_are_known_by_their_schema() {
    let steps = "  - kind: andThen
    id: ask
    suspend: { reason: why }
    resumeSchema: { type: object, properties: { approved: { type: boolean } } }
    output: { ok: =resume.aproved }
  - { kind: andThen, id: b, set: { a: =data.ok, b: =data.approved } }
";
    assert_eq!(
        in_steps(steps),
        ["unknown-property: aproved", "unknown-property: approved"]
    );
}

#[test]
fn children_are_known_by_what_they_declare() {
    let text = "kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child, input: { amuont: 1, name: \"{{ input.x }}\" } }
  - { kind: andWorkflow, id: again, workflow: child, input: { amount: 1, name: 2, rounds: x } }
  - { kind: andWorkflow, id: more, workflow: child, input: { amuont: 1, name: 2 } }
  - { kind: andThen, id: b, set: =data.approvd }
---
kind: Workflow
id: child
inputSchema:
  type: object
  required: [amount, name, rounds]
  additionalProperties: false
  properties: { amount: { type: number }, name: { type: number }, rounds: { type: integer, default: 3 } }
outputSchema: { type: object, required: [approved], properties: { approved: { type: boolean } } }
steps:
  - { kind: andThen, id: a, http: { url: http://x } }
";
    let (outlines, findings) = read(text);
    assert!(findings.is_empty(), "{findings:?}");
    let child = &outlines[1];
    let callee = Callee {
        input: child.input.clone(),
        output: child.output.as_ref().map(|schema| schema.ty()),
    };
    let found = check_calls(&outlines[0], &|id, _| (id == "child").then(|| callee.clone()));
    let found: Vec<String> = found.iter().map(|finding| short(text, finding)).collect();
    assert_eq!(
        found,
        [
            "schema-mismatch: amuont",
            "missing-equals: \"{{ input.x }}\"",
            "schema-mismatch: x",
            "schema-mismatch: amuont",
            "unknown-property: approvd",
        ]
    );
}
