//! Units of work: rules 22 and 24. Rule 23 belongs to its provider, see `drive`.

use interpret::run::What;
use serde_json::json;

use super::play::{Played, play, refused};

#[test]
fn rule_22_the_result_is_the_body_and_the_response_stands_beside_it() {
    let played = play(
        "
        steps:
          - kind: andThen
            id: get
            http:
              method: POST
              url: 'https://a.example/{{ input.id }}'
              query: { page: 2, none: =input.none, tag: =input.tag, flag: =input.id > 3 }
              headers: { X-Id: =input.id, X-None: null }
              body: { id: =input.id, none: =input.none }
            output: { body: =result, status: =response.status, kind: \"=response.headers['content-type']\" }
        ",
    )
    .input(json!({ "id": 7, "none": null, "tag": "a b" }))
    .respond(
        "get",
        json!({ "ok": true }),
        json!({ "status": 201, "headers": { "content-type": "text/plain" } }),
    )
    .run();
    assert_eq!(
        played.result(),
        json!({ "body": { "ok": true }, "status": 201, "kind": "text/plain" })
    );
    let request = json!({
        "http": "POST", "url": "https://a.example/7", "query": { "page": 2, "tag": "a b", "flag": true },
        "headers": { "X-Id": 7 }, "body": { "id": 7, "none": null },
    });
    assert_eq!(
        played.calls("get"),
        [request],
        "null is dropped from the query and the headers, not from the body"
    );
}

#[test]
fn rule_22_without_output_the_body_is_the_data() {
    let get = "steps: [{ kind: andThen, id: get, http: { url: 'https://a.example' } }]";
    let played = play(get)
        .respond("get", json!("text"), json!({ "status": 200, "headers": {} }))
        .run();
    assert_eq!(played.result(), json!("text"));
    assert_eq!(
        played.trace(),
        "run: started {}\n\
         get: started\n\
         get: calls {\"http\":\"GET\",\"url\":\"https://a.example\"}\n\
         get: got \"text\"\n\
         get: completed \"text\"\n\
         run: completed \"text\"\n"
    );
}

#[test]
fn rule_22_texts_are_those_of_templates() {
    let steps = "steps: [{ kind: andThen, id: a, fail: { code: NO, message: =input.message } }]";
    let message = |value| play(steps).input(json!({ "message": value })).error()["message"].clone();
    assert_eq!(message(json!(2.0)), "2");
    assert_eq!(message(json!({ "a": [null] })), r#"{"a":[null]}"#);
    assert_eq!(message(json!(null)), "NO", "null is no message");
    let wait = "steps: [{ kind: andThen, id: ask, suspend: { reason: =input.reason } }]";
    let wait = |value| {
        play(wait)
            .input(json!({ "reason": value }))
            .run()
            .told("ask", What::WaitStarted)
    };
    assert_eq!(wait(json!(2.0)), [json!({ "reason": "2" })]);
    assert_eq!(wait(json!(null)), [json!({})]);
}

#[test]
fn rule_23_null_arguments_are_dropped_and_lists_spliced() {
    let played = play(
        "
        permissions: { secrets: [KEY] }
        steps:
          - kind: andThen
            id: run
            exec:
              command: [sort, =input.none, -n, =input.files, [x, =input.none, 2.0], [--key, =secrets.KEY, =input.none, 3]]
              env: { A: 1, B: =input.none }
          - { kind: andThen, id: fed, exec: { command: =input.words, stdin: text } }
        ",
    )
    .input(json!({ "none": null, "files": ["a b", null, 1], "words": ["cat", true] }))
    .answer("run", json!("sorted"))
    .answer("fed", json!(1))
    .run();
    let words = ["sort", "-n", "a b", "1", "x", "2", "--key", "{{ secrets.KEY }}", "3"];
    let stdin = json!({ "none": null, "files": ["a b", null, 1], "words": ["cat", true] });
    assert_eq!(
        played.calls("run"),
        [json!({ "exec": words, "env": { "A": 1 }, "stdin": stdin })]
    );
    assert_eq!(
        played.calls("fed"),
        [json!({ "exec": ["cat", "true"], "stdin": "text" })]
    );
    let none = play("steps: [{ kind: andThen, id: run, exec: { command: =input } }]").input(json!([null]));
    assert_eq!(
        none.error_line(),
        "expression.type: `command` needs the name of a program first"
    );
}

#[test]
fn rule_24_when_makes_control_units_conditional() {
    let steps = |unit: &str, n: i64| {
        play(&format!(
            "steps: [{{ kind: andThen, id: a, {unit} }}, {{ kind: andThen, id: b, set: went on }}]"
        ))
        .input(json!({ "n": n }))
    };
    assert_eq!(
        steps("end: { when: =data.n > 1, output: ended }", 2).result(),
        json!("ended")
    );
    assert_eq!(
        steps("end: { when: =data.n > 1, output: ended }", 1).result(),
        json!("went on")
    );
    let fail = "fail: { when: =data.n > 1, code: TOO_MUCH, message: '{{ data.n }} is too much', data: =data }";
    let error = steps(fail, 2).error();
    assert_eq!(error["code"], "TOO_MUCH");
    assert_eq!(error["message"], "2 is too much");
    assert_eq!(error["data"], json!({ "n": 2 }));
    assert_eq!(steps(fail, 1).result(), json!("went on"));
    let suspend = "suspend: { when: =data.n > 1 }";
    assert_eq!(steps(suspend, 2).run().waiting(), ["a"]);
    assert_eq!(steps(suspend, 1).result(), json!("went on"));
    let cancel = "cancel: { when: =data.n > 1, reason: '{{ data.n }} is too much' }";
    let cancelled = steps(cancel, 2).run();
    assert_eq!(cancelled.run_status(), "cancelled");
    assert!(
        cancelled.trace().ends_with("run: cancelled \"2 is too much\"\n"),
        "{}",
        cancelled.trace()
    );
    assert_eq!(steps(cancel, 1).result(), json!("went on"));
    let emit = "emit: { event: E, when: =data.n > 1, data: =data.n }";
    assert_eq!(steps(emit, 2).run().told("a", What::EventEmitted), [json!({ "E": 2 })]);
    assert!(steps(emit, 1).run().told("a", What::EventEmitted).is_empty());
}

#[test]
fn rule_24_a_failure_without_words_has_a_code_and_a_message() {
    assert_eq!(
        play("steps: [{ kind: andThen, id: a, fail: }]").error_line(),
        "failed: failed"
    );
    assert_eq!(
        play("steps: [{ kind: andThen, id: a, fail: { code: NO } }]").error_line(),
        "NO: NO"
    );
}

#[test]
fn rule_24_end_skips_the_top_level_output_and_not_its_schema() {
    let end = |end: &str| {
        play(&format!(
            "
            outputSchema: {{ type: [object, 'null'], required: [ok] }}
            steps:
              - {{ kind: andThen, id: stop, end: {end} }}
            output: {{ ok: from output }}
            "
        ))
    };
    assert_eq!(
        end("{ output: { ok: from end } }").result(),
        json!({ "ok": "from end" })
    );
    assert_eq!(end("{}").result(), json!(null));
    let missing =
        "steps: [{ kind: andThen, id: stop, end: { output: { ok: 1 } } }]\noutputSchema: { required: [done] }";
    assert!(refused(missing).contains("`done` is missing"));
    assert_eq!(end("").result(), json!(null));
    assert_eq!(
        end("{ output: =input }").error_line(),
        "schema.output: the output of the workflow does not match its schema: `ok` is missing"
    );
    assert_eq!(end("{ when: false }").result(), json!({ "ok": "from output" }));
}

#[test]
fn rule_24_end_ends_the_whole_run_from_any_branch() {
    let played = play(
        "
        steps:
          - kind: andAll
            id: all
            steps:
              - { kind: andThen, id: slow, http: { url: 'https://a.example' } }
              - { kind: andThen, id: ask, suspend: { reason: why } }
              - kind: andForEach
                id: each
                items: [1, 2]
                steps:
                  - { kind: andSleep, id: nap, duration: 5ms }
                  - { kind: andThen, id: stop, end: { when: =item == 2, output: '{{ item }} of {{ index }}' } }
          - { kind: andThen, id: after, set: never }
        ",
    )
    .hangs("slow")
    .run();
    assert_eq!(played.result(), json!("2 of 1"));
    assert_eq!(played.ended_at(), 10);
    let statuses = ["slow", "ask", "each", "all", "stop", "after"].map(|step| played.status(step));
    assert_eq!(
        statuses,
        ["cancelled", "cancelled", "success", "success", "success", "unstarted"]
    );
}

#[test]
fn rule_24_the_steps_around_an_end_succeed_and_give_nothing() {
    let around = |end: &str| {
        play(&format!(
            "
            state: {{ seen: [] }}
            steps:
              - kind: andTry
                id: outer
                steps:
                  - {end}
                finally:
                  - {{ kind: andThen, id: told, emit: {{ event: Told, data: [=state.seen, =steps.mine.status, =steps.mine.output | default(0), =steps.mine.error.code | default(0)] }} }}
                output: never
              - {{ kind: andThen, id: after, set: never }}
            "
        ))
        .run()
    };
    let set = "setState: { seen: [never] }";
    for (end, error) in [
        (
            format!(
                "{{ kind: andWhen, id: mine, condition: true, steps: [{{ kind: andThen, id: a, end: {{ output: 1 }} }}], {set} }}"
            ),
            json!(0),
        ),
        (
            format!("{{ kind: andWhen, id: mine, condition: false, set: 2, else: {{ end: {{ output: 1 }} }}, {set} }}"),
            json!(0),
        ),
        (
            format!("{{ kind: andThen, id: mine, fail: {{ code: NO }}, catch: [{{ end: {{ output: 1 }} }}], {set} }}"),
            json!("NO"),
        ),
        (
            format!(
                "{{ kind: andThen, id: mine, fail: {{ code: NO }}, catch: [{{ steps: [{{ kind: andThen, id: a, end: {{ output: 1 }} }}] }}], {set} }}"
            ),
            json!("NO"),
        ),
    ] {
        let played = around(&end);
        assert_eq!(played.result(), json!(1), "{end}");
        assert_eq!(
            played.told("told", What::EventEmitted)[0]["Told"],
            json!([[], "success", 0, error]),
            "{end}"
        );
        assert_eq!(
            [played.status("mine"), played.status("outer"), played.status("after")],
            ["success", "success", "unstarted"],
            "{end}"
        );
    }
}

#[test]
fn rule_19_a_step_that_ends_the_workflow_sets_its_state() {
    let end = |output: &str, state: &str| {
        play(&format!(
            "
            state: {{ n: 1 }}
            stateSchema: {{ type: object, properties: {{ n: {{ maximum: 9 }} }} }}
            steps:
              - kind: andTry
                id: try
                steps: [{{ kind: andThen, id: stop, end: {output}, setState: {state} }}]
                finally: [{{ kind: andThen, id: told, emit: {{ event: Told, data: =state }} }}]
            "
        ))
        .run()
    };
    let told = |played: &Played| played.told("told", What::EventEmitted)[0]["Told"].clone();
    let ended = end("{ output: 4 }", "{ n: =state.n + output }");
    assert_eq!((told(&ended), ended.result()), (json!({ "n": 5 }), json!(4)));
    let goes_on = end("{ when: false }", "{ n: 3 }");
    assert_eq!((told(&goes_on), goes_on.result()), (json!({ "n": 3 }), json!({})));
    let refused = end("{ output: 4 }", "{ n: =output * 10 }");
    assert_eq!(
        (told(&refused), refused.error()["code"].clone()),
        (json!({ "n": 1 }), json!("schema.state"))
    );
}

#[test]
fn rule_24_end_in_a_child_ends_only_the_child() {
    let played = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child, output: '=[result]' }
  - { kind: andThen, id: after, set: '=data + [2]' }
---
kind: Workflow
id: child
steps:
  - { kind: andAll, id: all, steps: [{ kind: andSleep, id: nap, duration: 1s }, { kind: andThen, id: stop, end: { output: 1 } }] }
  - { kind: andThen, id: never, set: never }
output: not this
",
    )
    .run();
    assert_eq!(played.result(), json!([1, 2]));
    assert_eq!(played.status("call:all/nap"), "cancelled");
    assert_eq!(played.status("never"), "unstarted");
}

#[test]
fn rule_24_cancel_in_a_child_cancels_the_run() {
    let played = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child, catch: [{ set: caught }] }
---
kind: Workflow
id: child
steps:
  - { kind: andThen, id: stop, cancel: { reason: no longer needed } }
",
    )
    .run();
    assert_eq!(played.run_status(), "cancelled");
    assert_eq!(
        [played.status("call"), played.status("call:stop")],
        ["cancelled", "cancelled"]
    );
}
