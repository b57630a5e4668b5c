//! Failure: rules 25 to 28. Rule 29 is in `cleanup`.

use interpret::data::Data;
use interpret::run::{Failure, What};
use serde_json::json;

use super::play::{Play, play};

/// One call with these keys.
fn call(keys: &str) -> Play {
    play(&format!(
        "steps: [{{ kind: andThen, id: get, http: {{ url: 'https://a.example' }}, {keys} }}]"
    ))
}

fn status(status: u16) -> Failure {
    Failure::new("http.status", format!("HTTP {status}")).with_data(Data::from(json!({ "status": status })))
}

fn asks_to_wait(milliseconds: u64) -> Failure {
    Failure {
        retry_after: Some(milliseconds),
        ..status(429)
    }
}

#[test]
fn rule_25_attempts_count_the_first_and_waits_grow() {
    let played = call("retry: { attempts: 5, delay: 100ms, backoff: 3, maxDelay: 500ms }")
        .fails("get", "http.network")
        .takes(1)
        .run();
    assert_eq!(
        played.called_at("get"),
        [0, 101, 402, 903, 1404],
        "100, 300 and then never more than 500"
    );
    assert_eq!(played.error()["attempt"], 5);
    assert_eq!(
        played.trace().lines().nth(4),
        Some(r#"get: failed, trying again {"code":"http.network","message":"scripted http.network"}"#)
    );
    let once = call("retry: { attempts: 1 }").fails("get", "http.network").run();
    assert_eq!(once.called_at("get"), [0]);
    let at_once = call("retry: { attempts: 3 }")
        .fails("get", "timeout")
        .answer("get", json!(1))
        .run();
    assert_eq!(at_once.called_at("get"), [0, 0], "without `delay` it does not wait");
    assert_eq!(at_once.result(), json!(1));
    assert_eq!(at_once.status("get"), "success");
}

#[test]
fn rule_25_the_fields_see_the_attempt() {
    let played = play(
        "
        steps:
          - kind: andThen
            id: get
            http: { url: 'https://a.example/{{ attempt }}' }
            retry: { attempts: 2 }
            output: '{{ attempt }}'
        ",
    )
    .fails("get", "http.network")
    .answer("get", json!(1))
    .run();
    assert_eq!(played.result(), json!("2"));
    assert_eq!(played.calls("get")[1]["url"], "https://a.example/2");
}

#[test]
fn rule_25_retry_after_makes_a_wait_longer_and_max_delay_holds() {
    let waits = |keys: &str, failure: Failure| {
        let played = call(&format!("retry: {{ attempts: 2, {keys} }}"))
            .fails_with("get", failure)
            .run();
        played.called_at("get")[1]
    };
    assert_eq!(waits("delay: 1s", asks_to_wait(5_000)), 5_000);
    assert_eq!(waits("delay: 10s", asks_to_wait(5_000)), 10_000, "never shorter");
    assert_eq!(waits("delay: 1s, maxDelay: 3s", asks_to_wait(5_000)), 3_000);
    assert_eq!(waits("delay: 1s, maxDelay: 3s", asks_to_wait(2_000)), 2_000);
}

#[test]
fn rule_25_a_childs_retry_after_is_heard() {
    let played = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: child, workflow: child, retry: { attempts: 2, delay: 1s } }
---
kind: Workflow
id: child
steps:
  - { kind: andThen, id: get, http: { url: 'https://a.example' } }
",
    )
    .fails_with("get", asks_to_wait(5_000))
    .run();
    assert_eq!(played.called_at("get"), [0, 5_000]);
}

#[test]
fn rule_25_jitter_stays_within_its_share_and_is_the_same_again() {
    let times = || {
        let played = call("retry: { attempts: 6, delay: 1000ms, jitter: 0.2 }")
            .fails("get", "http.network")
            .run();
        played.called_at("get")
    };
    let waits: Vec<u64> = times().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.iter().all(|wait| (800..=1_200).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    assert_eq!(times(), times());
    let limited = call("retry: { attempts: 6, delay: 1000ms, jitter: 1, maxDelay: 1s }").fails("get", "http.network");
    let limited = limited.run().called_at("get");
    assert!(limited.windows(2).all(|pair| pair[1] - pair[0] <= 1_000), "{limited:?}");
}

#[test]
fn rule_25_by_default_only_what_may_pass_is_repeated() {
    let attempts = |failure: Failure| {
        call("retry: { attempts: 2 }")
            .fails_with("get", failure)
            .run()
            .called_at("get")
            .len()
    };
    for code in [
        "timeout",
        "http.network",
        "exec.exit",
        "mcp.error",
        "mcp.unavailable",
        "agent.limit",
    ] {
        assert_eq!(attempts(Failure::new(code, "")), 2, "{code}");
    }
    for code in [
        "FAILED",
        "exec.start",
        "http.limit",
        "schema.output",
        "loop.limit",
        "suspend.timeout",
    ] {
        assert_eq!(attempts(Failure::new(code, "")), 1, "{code}");
    }
    for code in [408, 425, 429, 500, 503, 599] {
        assert_eq!(attempts(status(code)), 2, "{code}");
    }
    for code in [400, 401, 404, 409, 301, 600] {
        assert_eq!(attempts(status(code)), 1, "{code}");
    }
}

#[test]
fn rule_25_an_explicit_on_decides_and_some_codes_are_never_repeated() {
    let attempts = |on: &str, code: &str| {
        let step = call(&format!("retry: {{ attempts: 2, on: {on} }}"));
        step.fails_with("get", Failure::new(code, ""))
            .run()
            .called_at("get")
            .len()
    };
    assert_eq!(attempts("[BUSY]", "BUSY"), 2);
    assert_eq!(attempts("[BUSY]", "timeout"), 1);
    assert_eq!(attempts("['http.*']", "http.network"), 2);
    assert_eq!(attempts("['*']", "anything"), 2);
    for code in ["expression.type", "schema.input", "permission.http"] {
        assert_eq!(attempts(&format!("['*', {code}]"), code), 1, "{code}");
    }
    assert_eq!(attempts("['*']", "schema.output"), 2);
}

#[test]
fn rule_25_only_an_explicit_on_repeats_fail() {
    let attempts = |retry: &str| {
        let played = play(&format!(
            "
            state: {{ n: 0 }}
            steps:
              - kind: andTry
                id: try
                retry: {retry}
                steps:
                  - {{ kind: andThen, id: count, set: 1, setState: {{ n: =state.n + 1 }} }}
                  - {{ kind: andThen, id: no, fail: {{ when: =state.n < 3, code: NOT_YET }} }}
            output: =state.n
            "
        ));
        let played = played.run();
        (played.run_status(), played.times("count", What::StepStarted).len())
    };
    assert_eq!(attempts("{ attempts: 5 }"), ("error", 1));
    assert_eq!(
        attempts("{ attempts: 5, on: [NOT_YET] }"),
        ("completed", 3),
        "a block starts over and the state stays"
    );
}

#[test]
fn rule_25_a_block_that_starts_over_has_forgotten_its_steps() {
    let played = play(
        "
        state: { seen: [] }
        steps:
          - kind: andTry
            id: try
            retry: { attempts: 2, on: [AGAIN] }
            steps:
              - { kind: andWhen, id: once, condition: =state.seen | length == 0, set: { n: =data.n + 1 } }
              - { kind: andThen, id: note, set: =data, setState: { seen: '=state.seen + [steps.once.status, data.n]' } }
              - { kind: andThen, id: no, fail: { when: =state.seen | length < 4, code: AGAIN } }
        output: =state.seen
        ",
    );
    assert_eq!(
        played.input(json!({ "n": 0 })).result(),
        json!(["success", 1, "skipped", 0])
    );
}

#[test]
fn rule_26_a_timeout_is_the_wall_clock_of_one_attempt() {
    let played = call("timeout: 10s, retry: { attempts: 3, delay: 1s }")
        .hangs("get")
        .run();
    assert_eq!(played.called_at("get"), [0, 11_000, 22_000]);
    assert_eq!(played.ended_at(), 32_000);
    assert_eq!(played.error_line(), "timeout: step `get` took too long");
    assert_eq!(played.error()["attempt"], 3);
    let deadline = call("timeout: 1970-01-01T00:00:12Z, retry: { attempts: 3, delay: 5s }")
        .hangs("get")
        .run();
    assert_eq!(
        deadline.called_at("get"),
        [0, 17_000, 22_000],
        "a deadline is no later for further attempts"
    );
}

#[test]
fn rule_26_waits_and_sleeps_count() {
    let block = |steps: &str| {
        play(&format!(
            "steps: [{{ kind: andTry, id: try, timeout: 1h, steps: [{steps}] }}]"
        ))
        .run()
    };
    let waits = block("{ kind: andThen, id: ask, suspend: { reason: why } }");
    assert_eq!(waits.ended_at(), 3_600_000);
    assert_eq!(waits.error()["code"], "timeout");
    assert_eq!(waits.error()["step"], "try");
    assert_eq!(waits.status("ask"), "cancelled");
    let sleeps = block("{ kind: andSleep, id: nap, duration: 59m }, { kind: andSleep, id: nap2, duration: 2m }");
    assert_eq!(sleeps.ended_at(), 3_600_000);
    let event = block("{ kind: andThen, id: event, waitFor: { event: E } }");
    assert_eq!(event.error_line(), "timeout: step `try` took too long");
}

#[test]
fn rule_26_an_outer_timeout_ends_inner_retries_and_the_workflows_ends_all() {
    let played = play(
        "
        steps:
          - kind: andTry
            id: try
            timeout: 10s
            steps:
              - { kind: andThen, id: get, http: { url: 'https://a.example' }, timeout: 4s, retry: { attempts: 9, delay: 1s } }
        ",
    )
    .hangs("get")
    .run();
    assert_eq!(played.called_at("get"), [0, 5_000]);
    assert_eq!(played.error()["step"], "try");
    assert_eq!(played.status("get"), "cancelled");
    let whole = play(
        "
        timeout: 3s
        steps: [{ kind: andThen, id: get, http: { url: 'https://a.example' }, catch: [{ set: caught }] }]
        ",
    );
    let whole = whole.hangs("get").run();
    assert_eq!(whole.error_line(), "timeout: the workflow `test` took too long");
    assert_eq!(whole.ended_at(), 3_000);
}

#[test]
fn rule_26_a_childs_own_timeout_is_the_calls_error() {
    let played = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child, timeout: 5s, catch: [{ on: [timeout], set: late }] }
---
kind: Workflow
id: child
timeout: 2s
steps:
  - { kind: andSleep, id: nap, duration: 1m }
",
    )
    .run();
    assert_eq!(played.result(), json!("late"));
    assert_eq!(played.ended_at(), 2_000);
}

#[test]
fn rule_26_defaults_reach_calls_and_never_an_approval() {
    let yaml = |step: &str| {
        format!(
            "
            defaults: {{ timeout: 2s, retry: {{ attempts: 2, delay: 1s }} }}
            steps: [{step}]
            "
        )
    };
    let units = [
        "http: { url: 'https://a.example' }",
        "exec: { command: [sort] }",
        "mcp: { server: s, tool: t }",
        "function: { name: f }",
    ];
    for unit in units {
        let played = play(&yaml(&format!("{{ kind: andThen, id: a, {unit} }}")))
            .hangs("a")
            .run();
        assert_eq!(played.called_at("a"), [0, 3_000], "{unit}");
        assert_eq!(played.ended_at(), 5_000, "{unit}");
        let own = play(&yaml(&format!(
            "{{ kind: andThen, id: a, {unit}, timeout: 7s, retry: {{ attempts: 1 }} }}"
        )));
        assert_eq!(own.hangs("a").run().ended_at(), 7_000, "{unit}");
    }
    let inside = play(&yaml(
        "{ kind: andThen, id: a, fail: {}, catch: [{ http: { url: 'https://a.example' } }] }",
    ));
    assert_eq!(inside.hangs("a").run().ended_at(), 5_000, "also a call in a handler");
    for step in [
        "{ kind: andThen, id: a, suspend: { reason: why } }",
        "{ kind: andThen, id: a, waitFor: { event: E } }",
    ] {
        let played = play(&yaml(step)).run();
        assert_eq!(played.run_status(), "suspended", "{step}");
    }
    let sleeps = play(&yaml("{ kind: andSleep, id: a, duration: 1h }")).run();
    assert_eq!(sleeps.run_status(), "completed");
}

#[test]
fn rule_27_the_first_handler_that_matches_is_taken_after_the_last_attempt() {
    let handled = |code: &str, message: &str| {
        let failure = Failure::new(code, message);
        call(
            "
            retry: { attempts: 2 },
            catch: [
              { on: [http.network, timeout], when: \"=error.message == 'slow'\", set: slow },
              { on: ['http.*'], set: '{{ error.code }} in {{ error.step }}, attempt {{ error.attempt }}' },
              { when: \"=error.code == 'BUSY'\", steps: [{ kind: andThen, id: one, set: busy }, { kind: andThen, id: two, set: '{{ data }}!' }] }
            ]
            ",
        )
        .fails_with("get", failure)
        .run()
    };
    assert_eq!(handled("http.network", "slow").result(), json!("slow"));
    assert_eq!(
        handled("http.network", "fast").result(),
        json!("http.network in get, attempt 2")
    );
    assert_eq!(handled("BUSY", "").result(), json!("busy!"));
    assert_eq!(handled("OTHER", "none").error_line(), "OTHER: none");
    let played = handled("http.network", "slow");
    assert_eq!(played.told("get", What::AttemptFailed).len(), 1);
    assert_eq!(played.told("get", What::AttemptCaught).len(), 1);
    assert_eq!(played.status("get"), "success");
}

#[test]
fn rule_27_a_handled_step_is_a_success_with_its_error_kept() {
    let result = play(
        "
        state: { n: 0 }
        steps:
          - kind: andTry
            id: try
            steps:
              - { kind: andThen, id: other, set: { other: yes } }
              - { kind: andThen, id: no, fail: { code: NO, message: no way, data: 7 } }
            catch: [{ set: { got: =data.n, why: =error.data } }]
            output: never evaluated
            outputSchema: { required: [got] }
            into: x
            setState: { n: =output.got }
        output: { data: =data, status: =steps.try.status, code: =steps.try.error.code, from: =steps.try.error.step, n: =state.n }
        ",
    );
    let result = result.input(json!({ "n": 5 })).result();
    let data = json!({ "n": 5, "x": { "got": 5, "why": 7 } });
    let want = json!({ "data": data, "status": "success", "code": "NO", "from": "no", "n": 5 });
    assert_eq!(result, want, "a handler begins with the data the step received");
}

#[test]
fn rule_27_a_step_that_succeeds_in_the_end_has_no_error() {
    let result = play(
        "
        steps:
          - { kind: andThen, id: get, http: { url: 'https://a.example' }, retry: { attempts: 2 } }
          - { kind: andTap, id: tap, http: { url: 'https://a.example' }, retry: { attempts: 2 } }
        output: [=steps.get.error is defined, =steps.tap.error is defined]
        ",
    )
    .fails("get", "http.network")
    .answer("get", json!(1))
    .fails("tap", "http.network")
    .answer("tap", json!(1))
    .run();
    assert_eq!(result.result(), json!([false, false]));
    assert!(!result.trace().contains("ignored"), "{}", result.trace());
}

#[test]
fn rule_27_an_error_can_be_raised_again_and_stays_what_it_was() {
    let again = |failure: Failure| {
        let played = call("catch: [{ fail: =error }]").fails_with("get", failure).run();
        (played.error(), played.status("get"))
    };
    let (error, status) = again(Failure::new("A", "first").with_data(Data::from(json!({ "n": 1 }))));
    let want =
        json!({ "code": "A", "message": "first", "step": "get", "attempt": 1, "data": { "n": 1 }, "cause": null });
    assert_eq!((error, status), (want, "error"));
    let (error, _) = again(asks_to_wait(1_000));
    assert_eq!(error["cause"], json!(null), "{error}");
    let nothing = call("catch: [{ fail: =data }]").fails("get", "A").error();
    assert_eq!(nothing["code"], "expression.type");
    assert_eq!(nothing["cause"]["code"], "A");
}

#[test]
fn rule_27_an_error_in_a_handler_has_the_old_one_as_its_cause() {
    let broken = call("catch: [{ fail: { code: B, message: second } }]")
        .fails("get", "A")
        .error();
    assert_eq!([&broken["code"], &broken["cause"]["code"]], ["B", "A"]);
    let when = call("catch: [{ when: =error.data.nothing, set: 1 }]")
        .fails("get", "A")
        .error();
    assert_eq!([&when["code"], &when["cause"]["code"]], ["expression.undefined", "A"]);
    let steps = call("catch: [{ steps: [{ kind: andThen, id: h, set: =input.x }] }]")
        .fails("get", "A")
        .error();
    assert_eq!(
        [&steps["code"], &steps["step"], &steps["cause"]["code"]],
        ["expression.undefined", "h", "A"]
    );
    let schema = "outputSchema: { type: integer }, catch: [{ set: =input }]";
    let schema = call(schema).fails("get", "A").error();
    assert_eq!([&schema["code"], &schema["cause"]["code"]], ["schema.output", "A"]);
}

#[test]
fn rule_27_also_behind_the_causes_of_its_own() {
    let error = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andThen, id: get, http: { url: 'https://a.example' }, catch: [{ steps: [{ kind: andWorkflow, id: call, workflow: child }] }] }
---
kind: Workflow
id: child
steps:
  - { kind: andThen, id: no, fail: { code: B } }
",
    )
    .fails("get", "A")
    .error();
    let codes = [
        &error["code"],
        &error["cause"]["code"],
        &error["cause"]["cause"]["code"],
    ];
    assert_eq!(codes, ["B", "B", "A"], "{error}");
}

#[test]
fn rule_27_cancellation_is_not_caught() {
    let played = play(
        "
        steps:
          - kind: andTry
            id: try
            steps: [{ kind: andThen, id: ask, suspend: { reason: why }, catch: [{ set: caught }] }]
            catch: [{ on: ['*'], set: caught }]
        ",
    );
    let played = played.cancel("enough").run();
    assert_eq!(played.run_status(), "cancelled");
    assert!(!played.trace().contains("caught"), "{}", played.trace());
    assert_eq!([played.status("ask"), played.status("try")], ["cancelled", "cancelled"]);
}

#[test]
fn rule_28_a_childs_error_keeps_its_code_and_has_the_childs_as_cause() {
    let error = play(
        "
kind: Workflow
id: parent
steps:
  - { kind: andWorkflow, id: call, workflow: child }
---
kind: Workflow
id: child
steps:
  - { kind: andThen, id: no, fail: { code: NO, message: no way, data: { n: 1 } } }
",
    )
    .error();
    let inner = json!({
        "code": "NO", "message": "no way", "step": "no", "attempt": 1, "data": { "n": 1 }, "cause": null,
    });
    let outer = json!({
        "code": "NO", "message": "no way", "step": "call", "attempt": 1, "data": { "n": 1 }, "cause": inner,
    });
    assert_eq!(error, outer);
}

#[test]
fn rule_28_of_several_failures_the_first_in_time_is_raised() {
    let steps = "{ a: { kind: andThen, id: a, http: { url: 'https://a.example' } }, b: { kind: andThen, id: b, http: { url: 'https://b.example' } } }";
    let both = |kind: &str| {
        play(&format!("steps: [{{ kind: {kind}, id: both, steps: {steps} }}]"))
            .fails("a", "A")
            .takes(20)
            .fails("b", "B")
            .takes(10)
            .run()
    };
    let all = both("andAll");
    assert_eq!(all.error()["code"], "B");
    assert_eq!(
        [all.status("a"), all.status("b"), all.status("both")],
        ["cancelled", "error", "error"]
    );
    assert_eq!(
        both("andRace").error()["code"],
        "B",
        "the first to settle decides a race"
    );
    let success = both("andRace, until: success");
    assert_eq!(success.error_line(), "race.failed: every branch of the race failed");
    assert_eq!(success.error()["step"], "both");
    assert_eq!(success.ended_at(), 20);
}
