//! Data flow: rules 10 to 13 and 18 to 21. Rules 14 to 17 are in `blocks`.

use interpret::run::What;
use serde_json::json;

use super::play::{play, refused};

#[test]
fn rule_10_every_field_sees_what_the_step_received() {
    let result = play(
        "
        state: { seen: null }
        steps:
          - kind: andThen
            id: a
            set: { n: =data.n + 1 }
            output: { n: =data.n + 10, result: =result.n }
            into: made
            setState: { seen: '=[data.n, output.n]' }
        output: { data: =data, seen: =state.seen, output: =steps.a.output, input: =steps.a.input }
        ",
    )
    .input(json!({ "n": 1 }))
    .result();
    let data = json!({ "n": 1, "made": { "n": 11, "result": 2 } });
    let want = json!({ "data": data, "seen": [1, 11], "output": data, "input": { "n": 1 } });
    assert_eq!(result, want);
}

#[test]
fn rule_10_only_a_loop_condition_sees_the_bodys_new_value() {
    let result = play(
        "
        steps:
          - kind: andDoWhile
            id: loop
            steps: [{ kind: andThen, id: add, set: { n: =data.n + 1 } }]
            condition: =data.n < 3
            output: { before: =data.n, after: =result.n }
        ",
    )
    .input(json!({ "n": 0 }))
    .result();
    assert_eq!(result, json!({ "before": 0, "after": 3 }));
}

#[test]
fn rule_10_schemas_are_checked_in_their_place() {
    let step = |input: &str, output: &str| {
        play(&format!(
            "steps: [{{ kind: andThen, id: a, set: {{ n: =data.n }}, inputSchema: {input}, output: =result.n,
                       outputSchema: {output}, into: x }}]"
        ))
        .input(json!({ "n": 1 }))
    };
    assert_eq!(
        step("{ required: [n] }", "{ type: integer }").result(),
        json!({ "n": 1, "x": 1 })
    );
    assert_eq!(
        step("{ required: [m] }", "{ type: integer }").error_line(),
        "schema.input: the data this step received does not match its schema: `m` is missing"
    );
    assert_eq!(
        step("{ required: [n] }", "{ type: integer, maximum: 0 }").error_line(),
        "schema.output: the output of this step does not match its schema: must be at most 0, found 1"
    );
}

#[test]
fn rule_10_set_state_reads_the_output_and_nothing_of_the_raw_result() {
    for name in ["result", "resume"] {
        let found = refused(&format!(
            "steps: [{{ kind: andThen, id: a, suspend: {{ reason: why }}, setState: {{ x: ={name}.x }} }}]"
        ));
        assert!(
            found.starts_with(&format!("unknown-name: `{name}` is not known here")),
            "{found}"
        );
    }
    let result = play(
        "
        steps:
          - { kind: andThen, id: a, suspend: { reason: why }, setState: { by: =output.by } }
        output: =state.by
        ",
    );
    assert_eq!(result.resume("a", json!({ "by": "Ada" })).result(), json!("Ada"));
}

#[test]
fn rule_11_into_and_assign_need_an_object() {
    let result = play(
        "
        steps:
          - { kind: andThen, id: a, assign: { b: =data.a + 1, a: =data.a + 10 } }
          - { kind: andThen, id: b, set: 5, into: c }
          - { kind: andThen, id: c, set: null, into: a }
        ",
    );
    let result = result.input(json!({ "a": 1 })).result();
    assert_eq!(result, json!({ "a": null, "b": 2, "c": 5 }));
    let steps = |step: &str| play(&format!("steps: [{step}]")).input(json!([1])).error_line();
    assert_eq!(
        steps("{ kind: andThen, id: a, assign: { b: 1 } }"),
        "expression.type: `assign` needs `data` to be an object, not a list"
    );
    assert_eq!(
        steps("{ kind: andThen, id: a, set: 1, into: b }"),
        "expression.type: `into: b` needs `data` to be an object, not a list"
    );
}

#[test]
fn rule_12_a_unit_that_returns_nothing_keeps_data_and_output_still_applies() {
    let units = [
        "emit: { event: E }",
        "suspend: { when: false }",
        "suspend: { timeout: 1s, onTimeout: continue }",
        "fail: { when: false }",
        "end: { when: false }",
        "cancel: { when: false }",
        "http: { url: 'https://a.example' }",
        "exec: { command: [true] }",
    ];
    for unit in units {
        let steps = |more: &str| {
            play(&format!(
                "
                steps: [{{ kind: andThen, id: a, {unit}{more} }}]
                output: {{ data: =data, output: =steps.a.output, status: =steps.a.status }}
                "
            ))
            .input(json!({ "n": 1 }))
            .answer_nothing("a")
            .result()
        };
        let kept = json!({ "data": { "n": 1 }, "output": { "n": 1 }, "status": "success" });
        assert_eq!(steps(""), kept, "{unit}");
        assert_eq!(steps(", into: x"), kept, "{unit}");
        let mapped = steps(", output: { m: =data.n }");
        assert_eq!(mapped["data"], json!({ "m": 1 }), "{unit}");
        assert_eq!(mapped["output"], json!({ "m": 1 }), "{unit}");
        assert_eq!(
            steps(", output: null, into: x")["data"],
            json!({ "n": 1, "x": null }),
            "{unit}"
        );
        assert_eq!(
            steps(", output: =result | default('nothing')")["data"],
            json!("nothing"),
            "{unit}"
        );
    }
}

#[test]
fn rule_12_null_is_something() {
    let steps = "steps: [{ kind: andThen, id: a, http: { url: 'https://a.example' } }]";
    assert_eq!(play(steps).answer("a", json!(null)).result(), json!(null));
    assert_eq!(
        play("steps: [{ kind: andThen, id: a, set: null }]").result(),
        json!(null)
    );
}

#[test]
fn rule_12_sleeps_and_guards_return_nothing() {
    let result = play(
        "
        steps:
          - { kind: andSleep, id: a, duration: 1s }
          - { kind: andSleepUntil, id: b, until: 1970-01-01T00:00:02Z, output: { slept: =data.n } }
          - { kind: andGuardrail, id: c, rules: [{ require: =data.slept == 1 }] }
        ",
    );
    assert_eq!(result.input(json!({ "n": 1 })).result(), json!({ "slept": 1 }));
}

#[test]
fn rule_13_what_did_not_run_is_skipped_and_has_no_output() {
    let result = play(
        "
        steps:
          - kind: andTry
            id: try
            steps:
              - { kind: andThen, id: before, set: 1 }
              - { kind: andThen, id: breaks, fail: { code: BROKEN } }
              - { kind: andWhen, id: after, condition: =input.on, set: 2 }
            catch:
              - set:
                  - =[steps.before.status, steps.breaks.status, steps.after.status]
                  - =steps.before.output
                  - =steps.after.output | default('none')
                  - =steps.breaks.error.code
            finally:
              - { kind: andThen, id: seen, set: =data, setState: { seen: '=[steps.before.status, steps.after.status]' } }
        output: { result: =data, seen: =state.seen }
        ",
    );
    let result = result.input(json!({ "on": true })).result();
    let want = json!([["success", "error", "skipped"], 1, "none", "BROKEN"]);
    assert_eq!(result, json!({ "result": want, "seen": ["success", "skipped"] }));
}

#[test]
fn rule_13_inside_a_loop_a_step_is_that_of_this_iteration() {
    let result = play(
        "
        state: { seen: [] }
        steps:
          - kind: andDoWhile
            id: loop
            steps:
              - { kind: andWhen, id: first, condition: =index == 0, set: { n: 100 } }
              - kind: andThen
                id: note
                set: { n: =data.n + 1 }
                setState: { seen: '=state.seen + [steps.first.status, steps.first.output.n | default(0)]' }
            condition: =index < 2
        output: { last: =steps.note.output.n, first: =steps.first.status, seen: =state.seen }
        ",
    );
    let result = result.input(json!({ "n": 0 })).result();
    let seen = json!(["success", 100, "skipped", 0, "skipped", 0]);
    assert_eq!(result, json!({ "last": 103, "first": "skipped", "seen": seen }));
}

#[test]
fn rule_13_items_do_not_see_each_other() {
    let result = play(
        "
        steps:
          - kind: andForEach
            id: each
            items: [1, 2, 3]
            steps:
              - { kind: andWhen, id: odd, condition: =item != 2, set: =item }
              - { kind: andThen, id: out, set: '=steps.odd.output | default(steps.odd.status)' }
        ",
    );
    assert_eq!(result.result(), json!([1, "skipped", 3]));
    let found = refused(
        "
        steps:
          - { kind: andForEach, id: each, items: [1], steps: [{ kind: andThen, id: in, set: 1 }] }
          - { kind: andThen, id: out, set: =steps.in.output }
        ",
    );
    assert!(found.contains("in") && found.contains("each"), "{found}");
}

#[test]
fn rule_13_a_branch_that_was_not_taken_is_skipped_and_a_sibling_is_a_load_error() {
    let result = play(
        "
        steps:
          - kind: andBranch
            id: route
            match: first
            branches:
              - { condition: false, steps: { kind: andThen, id: left, set: 1 } }
              - { condition: true, steps: { kind: andThen, id: right, set: 2 } }
        output: [=steps.left.status, =steps.left.output | default(none), =steps.right.output]
        ",
    );
    assert_eq!(result.result(), json!(["skipped", null, 2]));
    let found = refused(
        "
        steps:
          - kind: andAll
            id: both
            steps:
              - { kind: andThen, id: left, set: 1 }
              - { kind: andThen, id: right, set: =steps.left.output }
        ",
    );
    assert!(found.contains("left"), "{found}");
}

#[test]
fn rule_13_output_comes_before_cleanup_and_handlers() {
    let step = |keys: &str| {
        format!(
            "
            steps:
              - kind: andTry
                id: try
                steps: [{{ kind: andThen, id: a, set: 1 }}]
                catch: [{{ when: {keys}, steps: [{{ kind: andThen, id: handler, set: 2 }}] }}]
                finally: [{{ kind: andThen, id: clean, set: 3 }}]
            "
        )
    };
    for when in ["=steps.handler.output == 2", "=steps.clean.output == 3"] {
        let found = refused(&step(when));
        assert!(found.contains("cannot have run yet"), "{found}");
    }
    let output = step("true").replace("catch", "output: =steps.clean.output\n                catch");
    assert!(refused(&output).contains("`clean` cannot have run yet"));
    let state = step("true").replace(
        "catch",
        "setState: { seen: =steps.clean.output }\n                catch",
    );
    assert_eq!(
        play(&format!(
            "{}            output: =state.seen",
            state.trim_end_matches(' ')
        ))
        .result(),
        json!(3)
    );
}

const CHILD: &str = "
---
kind: Workflow
id: child
inputSchema: { type: object, properties: { n: { type: integer, default: 7 } } }
state: { seen: 0 }
steps:
  - { kind: andThen, id: same, set: =input.n + 1, setState: { seen: =state.seen + 1 } }
output: { n: =data, input: =input, seen: =state.seen, user: =execution.userId, place: =context.place, id: =execution.id, workflow: =execution.workflow }
";

#[test]
fn rule_18_a_child_sees_its_own_input_steps_and_state_and_inherits_the_context() {
    let yaml = "
kind: Workflow
id: parent
state: { seen: 100 }
steps:
  - { kind: andThen, id: same, set: { n: 1, more: yes } }
  - { kind: andWorkflow, id: default, workflow: child, into: a }
  - { kind: andWorkflow, id: given, workflow: child, input: {}, output: =result.input, into: b }
output: { a: =data.a, b: =data.b, same: =steps.same.output, seen: =state.seen, id: =execution.id }
";
    let result = play(&(yaml.to_owned() + CHILD))
        .context(json!({ "place": "Rome" }))
        .user("ada", "talk")
        .result();
    let sent = json!({ "n": 1, "more": "yes" });
    assert_eq!(
        result["a"],
        json!({
            "n": 2, "input": sent, "seen": 1, "user": "ada", "place": "Rome", "id": "run/default", "workflow": "child",
        })
    );
    assert_eq!(result["b"], json!({ "n": 7 }), "defaults are filled in");
    assert_eq!(
        [&result["same"], &result["seen"], &result["id"]],
        [&sent, &json!(100), &json!("run")]
    );
}

#[test]
fn rule_18_what_a_child_is_given_is_checked() {
    let yaml = "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child, input: { n: =input.n } }
";
    let error = play(&(yaml.to_owned() + CHILD)).input(json!({ "n": "x" })).error();
    assert_eq!(error["code"], "schema.input");
    assert_eq!(error["step"], "call");
}

#[test]
fn rule_19_parallel_updates_of_the_state_lose_nothing() {
    let played = play(
        "
        state: { n: 0, kept: yes }
        steps:
          - kind: andForEach
            id: each
            items: [1, 2, 3]
            concurrency: 3
            steps: [{ kind: andThen, id: get, http: { url: 'https://a.example/{{ state.n }}' }, setState: { n: =state.n + item } }]
        output: =state
        ",
    )
    .answer("each[0]/get", json!(1))
    .takes(30)
    .answer("each[1]/get", json!(1))
    .takes(20)
    .answer("each[2]/get", json!(1))
    .takes(10)
    .run();
    assert_eq!(played.result(), json!({ "n": 6, "kept": "yes" }));
    let urls: Vec<_> = played
        .calls("get")
        .into_iter()
        .map(|call| call["url"].clone())
        .collect();
    assert_eq!(
        urls, ["https://a.example/0"; 3],
        "other fields read the state when they are evaluated"
    );
}

#[test]
fn rule_19_failed_skipped_and_cancelled_steps_set_nothing() {
    let result = play(
        "
        state: { n: 0 }
        steps:
          - { kind: andWhen, id: skipped, condition: false, set: 1, setState: { n: =state.n + 1 } }
          - { kind: andTap, id: tap, fail: { code: NO }, setState: { n: =state.n + 10 } }
          - kind: andTry
            id: try
            steps: [{ kind: andThen, id: broken, fail: { code: NO }, setState: { n: =state.n + 100 } }]
            catch: [{ set: caught }]
            setState: { n: =state.n + 1000 }
          - kind: andRace
            id: race
            steps:
              - { kind: andSleep, id: slow, duration: 2s, setState: { n: =state.n + 10000 } }
              - { kind: andSleep, id: fast, duration: 1s }
        output: =state.n
        ",
    );
    assert_eq!(result.result(), json!(1000), "what was caught has succeeded");
}

#[test]
fn rule_19_a_state_that_breaks_its_schema_is_an_error_of_the_step() {
    let played = play(
        "
        stateSchema: { type: object, properties: { n: { type: integer } } }
        state: { n: 0 }
        steps: [{ kind: andThen, id: a, set: =input.text, setState: { n: =output } }]
        ",
    )
    .input(json!({ "text": "no number" }))
    .run();
    let error = played.error();
    assert_eq!(error["code"], "schema.state");
    assert_eq!(error["step"], "a");
}

#[test]
fn rule_19_a_state_given_at_the_start_overrides_the_declared_one() {
    let yaml = "
        stateSchema: { type: object, properties: { a: { type: integer }, b: { type: integer }, c: { default: 3 } } }
        state: { a: 1, b: =input.b }
        steps: [{ kind: andThen, id: a, set: =state }]
        ";
    let result = play(yaml)
        .input(json!({ "b": 2 }))
        .state(json!({ "a": 10, "d": 4 }))
        .result();
    assert_eq!(result, json!({ "a": 10, "b": 2, "c": 3, "d": 4 }));
    let refused = play(yaml)
        .input(json!({ "b": 2 }))
        .state(json!({ "a": "x" }))
        .unstartable();
    assert!(
        refused.starts_with("the state does not match its schema: /a: expected a whole number"),
        "{refused}"
    );
}

#[test]
fn rule_19_a_failing_update_fails_the_step() {
    let step = |more: &str| {
        play(&format!(
            "steps: [{{ kind: andThen, id: a, set: 1, setState: {{ x: =input.nowhere }}{more} }}]"
        ))
    };
    let error = step("").error();
    assert_eq!(
        (error["code"].clone(), error["step"].clone()),
        (json!("expression.undefined"), json!("a"))
    );
    let again = step(", catch: [{ set: 2 }]").error();
    assert_eq!(
        again["code"], "expression.undefined",
        "the handler's value is no better off"
    );
    let tap = play(
        "steps: [{ kind: andTap, id: a, fail: { code: NO }, catch: [{ set: 2 }], setState: { x: =input.nowhere } }]",
    );
    assert_eq!(tap.result(), json!({}), "a tap never fails");
}

#[test]
fn rule_20_defaults_are_filled_where_data_comes_in() {
    let yaml = "
        inputSchema:
          type: object
          additionalProperties: true
          required: [n]
          properties:
            n: { type: integer, default: 1 }
            who: { type: object, default: {}, properties: { name: { type: string, default: you } } }
            none: { type: [integer, 'null'], default: 5 }
            list: { type: array, items: { type: object, properties: { x: { default: 0 } } } }
        events: { E: { schema: { type: object, properties: { kind: { default: plain } } } } }
        steps:
          - { kind: andThen, id: ask, suspend: { reason: why }, resumeSchema: { type: object, required: [ok], properties: { ok: { default: true } } }, into: ask }
          - { kind: andThen, id: wait, waitFor: { event: E, where: =event.kind == 'plain' }, into: event }
        ";
    let played = play(yaml)
        .input(json!({ "none": null, "list": [{}, { "x": 1 }], "more": 1 }))
        .resume("ask", json!({}))
        .deliver("E", json!({}))
        .result();
    let want = json!({
        "n": 1, "who": { "name": "you" }, "none": null, "list": [{ "x": 0 }, { "x": 1 }], "more": 1,
        "ask": { "ok": true }, "event": { "kind": "plain" },
    });
    assert_eq!(played, want);
    let refused = play(yaml).input(json!({ "n": "x" })).unstartable();
    assert_eq!(
        refused,
        "the input does not match its schema: /n: expected a whole number, found the text `x`"
    );
}

#[test]
fn rule_20_a_childs_events_and_state_have_its_own_defaults() {
    let result = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child }
---
kind: Workflow
id: child
stateSchema: { type: object, properties: { n: { type: integer, default: 3 } } }
events: { E: { schema: { type: object, required: [kind], properties: { kind: { default: plain } } } } }
steps:
  - { kind: andThen, id: wait, waitFor: { event: E, where: =event.kind == 'plain' } }
output: { event: =data, n: =state.n }
",
    );
    let result = result.deliver("E", json!({})).result();
    assert_eq!(result, json!({ "event": { "kind": "plain" }, "n": 3 }));
}

#[test]
fn rule_20_undeclared_keys_stay_unless_they_are_not_allowed() {
    let closed = "
        inputSchema: { type: object, properties: { name: { type: string } }, additionalProperties: false }
        steps: [{ kind: andThen, id: a, set: 1 }]
        ";
    assert_eq!(
        play(closed).input(json!({ "nmae": "x" })).unstartable(),
        "the input does not match its schema: /nmae: `nmae` is not allowed here; did you mean `name`?"
    );
}

const AGENT: &str = "
---
{ kind: Agent, id: writer, model: openai/gpt-4o, instructions: Write. }
";

#[test]
fn rule_21_an_agents_answer_is_checked_before_it_is_mapped() {
    let step = |keys: &str| {
        let yaml = format!(
            "
kind: Workflow
id: test
steps:
  - kind: andAgent
    id: ask
    agent: writer
    messages: [{{ role: user, content: '{{{{ input.name }}}}' }}]
    prompt: Hello {{{{ input.name }}}}
    {keys}
"
        );
        play(&(yaml + AGENT)).input(json!({ "name": "Ada" }))
    };
    let schema = "schema: { type: object, required: [text], properties: { text: { type: string } } }";
    let mapped = step(&format!(
        "{schema}\n    output: =result.text\n    outputSchema: {{ type: string }}"
    ));
    let mapped = mapped.answer("ask", json!({ "text": "Hi" })).run();
    assert_eq!(mapped.result(), json!("Hi"));
    let messages = json!([{ "role": "user", "content": "Ada" }]);
    assert_eq!(
        mapped.calls("ask[0]"),
        [json!({ "agent": "writer", "messages": messages, "prompt": "Hello Ada" })]
    );
    let broken = step(schema).answer("ask", json!({ "txt": "Hi" })).error();
    assert_eq!(broken["code"], "schema.output");
    assert_eq!(
        broken["message"],
        "the answer does not match its schema: `text` is missing"
    );
    // Without `schema` and `output` the output's schema is that of the answer, which is sent back twice and then repeated.
    let served = step("outputSchema: { type: string }\n    retry: { attempts: 2 }");
    let served = (0..3).fold(served, |served, _| served.answer("ask", json!(1)));
    let served = served.answer("ask", json!("one")).run();
    assert_eq!(served.result(), json!("one"));
    assert_eq!(served.told("ask", What::AttemptFailed).len(), 1);
}
