use super::*;

#[test]
fn a_mistyped_step_is_suggested_in_the_form_it_was_written() {
    let text = workflow(
        "  - { kind: andThen, id: fetch-order, set: 1 }\n  - { kind: andThen, id: b, set: \"=steps['fetch-ordre'].output\" }\n",
    );
    assert_eq!(findings(&text), ["unknown-step: ['fetch-ordre']"]);
    assert!(fixed(&text).contains("=steps['fetch-order'].output"));
    let text = workflow(
        "  - { kind: andThen, id: fetch-order, set: 1 }\n  - { kind: andThen, id: b, set: =steps.fetch_ordre.output }\n",
    );
    assert_eq!(findings(&text), ["unknown-step: fetch_ordre"]);
    assert!(fixed(&text).contains("=steps.fetch_order.output"));
}

#[test]
fn steps_are_read_after_they_have_run() {
    let steps = "  - { kind: andThen, id: a, set: =steps.b.output }
  - { kind: andThen, id: b, set: =steps.b.output }
  - { kind: andThen, id: c, set: =steps.a.output }
";
    assert_eq!(
        in_steps(steps),
        ["step-not-readable: steps.b.output", "step-not-readable: steps.b.output"]
    );
}

#[test]
fn branches_do_not_see_each_other_but_what_follows_sees_them() {
    let steps = "  - kind: andAll
    id: both
    steps:
      left: [{ kind: andThen, id: l, set: 1 }, { kind: andThen, id: l2, set: =steps.l.output }]
      right: [{ kind: andThen, id: r, set: =steps.l.output }]
  - { kind: andThen, id: after, set: { l: =steps.l.output, both: =steps.both.output.left } }
";
    assert_eq!(in_steps(steps), ["step-not-readable: steps.l.output"]);
}

#[test]
fn arms_run_instead_of_each_other() {
    let steps = "  - kind: andBranch
    id: route
    match: first
    branches:
      - { condition: =data.a, steps: [{ kind: andThen, id: x, set: 1 }] }
    else: [{ kind: andThen, id: y, set: =steps.x.output }]
  - { kind: andThen, id: after, set: =steps.x.output | default(0) }
";
    assert_eq!(in_steps(steps), ["step-not-readable: steps.x.output"]);
}

#[test]
fn a_step_inside_does_not_see_the_one_around_it() {
    let steps = "  - kind: andWhen
    id: outer
    condition: =steps.inner.output
    steps: [{ kind: andThen, id: inner, set: =steps.outer.output }]
    output: =steps.inner.output
";
    assert_eq!(
        in_steps(steps),
        [
            "step-not-readable: steps.inner.output",
            "step-not-readable: steps.outer.output"
        ]
    );
}

#[test]
fn steps_of_a_for_each_are_seen_only_inside() {
    let steps = "  - kind: andForEach
    id: each
    items: =input.urls
    steps: [{ kind: andThen, id: get, set: =item }, { kind: andThen, id: put, set: =steps.get.output }]
    output: =steps.get.output
  - { kind: andThen, id: after, set: =steps.get.output }
output: =steps.put.output
";
    assert_eq!(
        in_steps(steps),
        [
            "step-not-readable: steps.get.output",
            "step-not-readable: steps.get.output",
            "step-not-readable: steps.put.output"
        ]
    );
}

#[test]
fn a_loop_sees_this_iteration_and_its_condition_the_body() {
    let steps = "  - kind: andDoWhile
    id: loop
    condition: =steps.second.output.more and steps.first.status == 'success'
    steps:
      - { kind: andThen, id: first, set: \"=steps.second.output | default(1)\" }
      - { kind: andThen, id: second, set: { more: true } }
  - { kind: andThen, id: after, set: =steps.second.output }
";
    assert_eq!(in_steps(steps), ["step-not-readable: steps.second.output"]);
}

#[test]
fn handlers_see_the_steps_they_handle() {
    let steps = "  - kind: andTry
    id: t
    steps: [{ kind: andThen, id: a, http: { url: http://x } }, { kind: andThen, id: b, set: =steps.h.output }]
    catch:
      - { when: =steps.a.status == 'error', steps: [{ kind: andThen, id: h, set: =steps.a.error.code }] }
      - { set: =steps.h.output }
    finally: [{ kind: andThen, id: f, set: { a: =steps.a.status, h: =steps.h.status } }]
  - { kind: andThen, id: c, http: { url: http://x }, catch: [{ set: =steps.c.error.code }] }
";
    assert_eq!(
        in_steps(steps),
        ["step-not-readable: steps.h.output", "step-not-readable: steps.h.output"]
    );
}

#[test]
fn nothing_runs_behind_a_step_that_ends() {
    let steps = "  - { kind: andThen, id: a, set: 1 }
  - { kind: andThen, id: stop, fail: { code: NO, message: no } }
  - { kind: andThen, id: b, set: 2 }
  - { kind: andThen, id: c, set: 2 }
";
    assert_eq!(in_steps(steps), ["[unreachable: b]"]);
    let steps = "  - { kind: andThen, id: maybe, fail: { when: =data.bad, code: NO, message: no } }
  - { kind: andWhen, id: w, condition: =data.bad, fail: { code: NO, message: no } }
  - { kind: andThen, id: caught, fail: { code: NO, message: no }, catch: [{ set: 1 }] }
  - { kind: andThen, id: b, set: 2 }
";
    assert_eq!(in_steps(steps), NONE);
}

#[test]
fn no_handler_runs_behind_one_for_all_errors() {
    let steps = "  - kind: andThen
    id: a
    http: { url: http://x }
    catch: [{ set: 1 }, { on: [timeout], set: 2 }]
";
    assert_eq!(in_steps(steps), ["[unreachable: on]"]);
}
