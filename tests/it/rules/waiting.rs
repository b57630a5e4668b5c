//! Waiting: rules 30 to 34. Rule 35 belongs to the agents.

use interpret::run::What;
use serde_json::json;

use super::play::{Play, play};

const TWO: &str = "
    steps:
      - kind: andAll
        id: both
        steps:
          - { kind: andThen, id: finance, suspend: { reason: Finance, data: { n: 1 } } }
          - [{ kind: andThen, id: legal, suspend: { reason: Legal } }, { kind: andThen, id: signed, set: signed }]
          - { kind: andThen, id: get, http: { url: 'https://a.example' } }
    ";

#[test]
fn rule_30_beside_a_wait_the_rest_of_the_run_goes_on() {
    let played = play(TWO).answer("get", json!(1)).takes(50).run();
    assert_eq!(played.run_status(), "suspended");
    assert_eq!(played.waiting(), ["both/finance", "both/legal"]);
    assert_eq!(
        [played.status("get"), played.status("finance"), played.status("both")],
        ["success", "waiting", "running"]
    );
    assert_eq!(
        played.told("finance", What::WaitStarted),
        [json!({ "reason": "Finance", "data": { "n": 1 } })]
    );
    let resumed = play(TWO)
        .answer("get", json!(1))
        .takes(50)
        .at(10)
        .resume("legal", json!("yes"))
        .at(20)
        .resume("finance", json!("well"))
        .run();
    assert_eq!(resumed.result(), json!(["well", "signed", 1]));
    assert_eq!(resumed.ended_at(), 50);
}

#[test]
fn rule_30_a_failing_sibling_cancels_waits() {
    let played = play(TWO)
        .fails("get", "NO")
        .takes(50)
        .at(60)
        .refuse("finance", json!(1))
        .run();
    assert_eq!(played.error()["code"], "NO");
    assert_eq!(
        [played.status("finance"), played.status("legal")],
        ["cancelled", "cancelled"]
    );
    assert_eq!(played.refusals(), ["the run is not in progress"]);
    let caught = format!(
        "{TWO}    catch: [{{ set: caught }}]\n      - {{ kind: andThen, id: later, suspend: {{ reason: why }} }}\n"
    );
    let played = play(&caught)
        .fails("get", "NO")
        .takes(50)
        .at(60)
        .refuse("finance", json!(1))
        .run();
    assert_eq!(
        played.refusals(),
        ["no step `finance` waits for a payload; waiting: later"]
    );
}

#[test]
fn rule_30_in_a_race_a_waiting_branch_has_not_settled() {
    let race = || {
        play(
            "
            steps:
              - kind: andRace
                id: race
                steps:
                  ask: { kind: andThen, id: ask, suspend: { reason: why } }
                  nap: [{ kind: andSleep, id: nap, duration: 1h }, { kind: andThen, id: late, set: late }]
                output: '=[winner, result]'
            ",
        )
    };
    assert_eq!(race().result(), json!(["nap", "late"]));
    assert_eq!(race().run().status("ask"), "cancelled");
    let answered = race().at(1_000).resume("ask", json!("early")).run();
    assert_eq!(answered.result(), json!(["ask", "early"]));
    assert_eq!((answered.status("nap"), answered.ended_at()), ("cancelled", 1_000));
}

#[test]
fn rule_30_a_waiting_item_keeps_its_slot() {
    let each = || {
        play(
            "
            steps:
              - kind: andForEach
                id: each
                items: [a, b, c]
                concurrency: 2
                steps: [{ kind: andThen, id: ask, suspend: { reason: '{{ item }}' } }]
            ",
        )
    };
    let played = each().run();
    assert_eq!(played.waiting(), ["each[0]/ask", "each[1]/ask"]);
    let played = each().resume("ask[1]", json!("B")).run();
    assert_eq!(played.waiting(), ["each[0]/ask", "each[2]/ask"]);
    let played = each()
        .resume("ask[1]", json!("B"))
        .resume("ask[2]", json!("C"))
        .resume("ask", json!("A"));
    assert_eq!(played.result(), json!(["A", "B", "C"]));
}

#[test]
fn rule_30_a_tap_is_awaited_and_changes_nothing() {
    let played = play(
        "
        steps:
          - kind: andTap
            id: tap
            steps:
              - { kind: andThen, id: ask, suspend: { reason: why } }
              - { kind: andThen, id: no, fail: { code: NO, message: '{{ data.yes }}' } }
          - { kind: andThen, id: after, set: '=[data, steps.tap.status, steps.tap.output, steps.tap.error.code]' }
        ",
    )
    .input(json!({ "n": 1 }));
    let played = played.resume("ask", json!({ "yes": "indeed" })).run();
    assert_eq!(played.result(), json!([{ "n": 1 }, "success", { "n": 1 }, "NO"]));
    let line = "tap: ignored the error {\"code\":\"NO\",\"message\":\"indeed\"}\n";
    assert!(played.trace().contains(line), "{}", played.trace());
}

#[test]
fn rule_30_a_resume_never_asks_the_condition_again() {
    let played = play(
        "
        state: { open: true }
        steps:
          - kind: andAll
            id: both
            steps:
              - { kind: andWhen, id: ask, condition: =state.open, suspend: { when: =state.open, reason: why } }
              - { kind: andSleep, id: close, duration: 1s, setState: { open: false } }
        ",
    )
    .at(2_000)
    .resume("ask", json!("late"));
    assert_eq!(played.result(), json!(["late", {}]));
}

#[test]
fn rule_31_a_wait_may_be_left_unnamed_when_there_is_only_one() {
    let one = "steps: [{ kind: andThen, id: ask, suspend: { reason: why } }]";
    assert_eq!(play(one).resume_only(json!(1)).result(), json!(1));
    assert_eq!(play(one).resume("ask", json!(1)).result(), json!(1));
    assert_eq!(play(one).resume_ticket(0, json!(1)).result(), json!(1));
    assert_eq!(
        play(one).refuse("sak", json!(1)).run().refusals(),
        ["no step `sak` waits for a payload; waiting: ask"]
    );
    let two = play(TWO).answer("get", json!(1)).refuse_only(json!(1)).run();
    assert_eq!(
        two.refusals(),
        ["several steps wait; name one of both/finance, both/legal"]
    );
    let none = play("steps: [{ kind: andThen, id: get, http: { url: 'https://a.example' } }]");
    let none = none
        .answer("get", json!(1))
        .takes(10)
        .at(5)
        .refuse("get", json!(1))
        .run();
    assert_eq!(none.refusals(), ["nothing waits for a payload"]);
}

#[test]
fn rule_31_an_ambiguous_id_is_refused_with_the_candidates() {
    let each = || {
        play(
            "
            steps:
              - kind: andForEach
                id: outer
                items: [a, b]
                concurrency: 2
                steps:
                  - kind: andForEach
                    id: inner
                    items: [c, d]
                    concurrency: 2
                    steps: [{ kind: andThen, id: ask, suspend: { reason: why } }]
            ",
        )
    };
    let played = each().refuse("ask", json!(1)).refuse("ask[1]", json!(1)).run();
    let all = "outer[0]/inner[0]/ask, outer[0]/inner[1]/ask, outer[1]/inner[0]/ask, outer[1]/inner[1]/ask";
    assert_eq!(
        played.refusals(),
        [
            format!("several steps wait; name one of {all}"),
            "several steps wait; name one of outer[0]/inner[1]/ask, outer[1]/inner[1]/ask".to_owned(),
        ]
    );
    let played = each()
        .resume("outer[0]/inner[1]/ask", json!(1))
        .resume("ask[1]", json!(2))
        .refuse("ask[1]", json!(3))
        .resume("outer[0]/inner[0]/ask", json!(4))
        .resume("ask", json!(5));
    let played = played.run();
    assert_eq!(played.result(), json!([[4, 1], [5, 2]]));
    assert_eq!(played.refusals().len(), 1);
}

#[test]
fn rule_31_a_wait_inside_a_child_goes_by_its_id_or_address() {
    let child = || {
        play(
            "
kind: Workflow
id: parent
steps:
  - { kind: andAll, id: both, steps: [{ kind: andWorkflow, id: one, workflow: child }, { kind: andWorkflow, id: two, workflow: child }] }
---
kind: Workflow
id: child
steps:
  - { kind: andThen, id: ask, suspend: { reason: why } }
",
        )
    };
    let played = child()
        .refuse("ask", json!(0))
        .resume("both/two:ask", json!(2))
        .resume("ask", json!(1))
        .run();
    assert_eq!(played.result(), json!([1, 2]));
    assert_eq!(
        played.refusals(),
        ["several steps wait; name one of both/one:ask, both/two:ask"]
    );
}

#[test]
fn rule_31_a_whole_address_means_that_step() {
    let played = play(
        "
        kind: Workflow
        id: test
        steps:
          - kind: andAll
            id: both
            steps:
              - { kind: andThen, id: ask, suspend: {} }
              - { kind: andWorkflow, id: call, workflow: child }
        ---
        kind: Workflow
        id: child
        steps: [{ kind: andThen, id: ask, suspend: {} }]
        ",
    )
    .resume("both/ask", json!(1))
    .resume("both/call:ask", json!(2))
    .run();
    assert_eq!(played.result(), json!([1, 2]));
}

#[test]
fn rule_31_a_bad_payload_changes_nothing_and_says_what_is_wrong() {
    let played = play(
        "
        steps:
          - kind: andThen
            id: ask
            suspend: { reason: why }
            resumeSchema: { type: object, required: [ok], properties: { ok: { type: boolean } }, additionalProperties: false }
        ",
    )
    .refuse("ask", json!({ "ok": "yes" }))
    .refuse("ask", json!({ "okay": true }))
    .resume("ask", json!({ "ok": true }))
    .run();
    assert_eq!(played.result(), json!({ "ok": true }));
    assert_eq!(
        played.refusals()[0],
        "the payload does not match its schema: /ok: expected true or false, found the text `yes`"
    );
    assert_eq!(
        played.refusals()[1],
        "the payload does not match its schema: /okay: `okay` is not allowed here; `ok` is missing"
    );
}

#[test]
fn rule_32_a_wait_may_end_by_itself() {
    let ask = |more: &str, keys: &str| {
        play(&format!(
            "steps: [{{ kind: andThen, id: ask, suspend: {{ timeout: 48h{more} }}{keys} }}, {{ kind: andThen, id: after, set: '=[data]' }}]"
        ))
        .input(json!({ "n": 1 }))
    };
    let fails = ask("", "").run();
    assert_eq!(fails.error_line(), "suspend.timeout: nobody answered in time");
    assert_eq!(
        (fails.ended_at(), fails.error()["step"].clone()),
        (48 * 3_600_000, json!("ask"))
    );
    assert_eq!(
        ask(", onTimeout: fail", ", catch: [{ on: [suspend.timeout], set: late }]").result(),
        json!(["late"])
    );
    let goes_on = ask(", onTimeout: continue", "").run();
    assert_eq!(goes_on.result(), json!([{ "n": 1 }]));
    assert_eq!(goes_on.status("ask"), "success");
    assert_eq!(goes_on.times("ask", What::WaitExpired), [48 * 3_600_000]);
    let output = ", output: { resumed: =resume is defined, by: \"=resume.by | default('nobody')\" }";
    let unanswered = ask(", onTimeout: continue", output).result();
    assert_eq!(unanswered, json!([{ "resumed": false, "by": "nobody" }]));
    let answered = ask(", onTimeout: continue", output)
        .at(1_000)
        .resume("ask", json!({ "by": "Ada" }));
    assert_eq!(answered.result(), json!([{ "resumed": true, "by": "Ada" }]));
    let strict = ask(", onTimeout: continue", ", output: =resume.by").error();
    assert_eq!(strict["code"], "expression.undefined");
}

#[test]
fn rule_32_a_wait_may_have_a_deadline_and_a_computed_one() {
    let ends = |timeout: &str| {
        play(&format!(
            "steps: [{{ kind: andThen, id: ask, suspend: {{ timeout: {timeout}, onTimeout: continue }} }}]"
        ))
        .input(json!({ "due": "1970-01-01T00:01:00Z", "hours": 2 }))
        .run()
        .ended_at()
    };
    assert_eq!(ends("1970-01-01T00:00:30Z"), 30_000);
    assert_eq!(ends("=input.due"), 60_000);
    assert_eq!(ends("'{{ input.hours }}h'"), 7_200_000);
}

fn held() -> Play {
    play(
        "
        steps:
          - kind: andAll
            id: all
            steps:
              - [{ kind: andThen, id: get, http: { url: 'https://a.example' } }, { kind: andThen, id: next, set: next }]
              - [{ kind: andSleep, id: nap, duration: 30ms }, { kind: andThen, id: rested, set: rested }]
              - kind: andThen
                id: again
                http: { url: 'https://b.example' }
                retry: { attempts: 2, delay: 10ms }
                catch: [{ steps: [{ kind: andThen, id: handler, set: handled }] }]
        ",
    )
    .answer("get", json!(1))
    .takes(20)
    .fails("again", "http.network")
    .takes(15)
}

#[test]
fn rule_33_a_held_run_starts_nothing_and_lets_calls_finish() {
    let played = held().at(10).suspend().run();
    assert_eq!(played.run_status(), "suspended");
    assert_eq!(played.ended_at(), 20, "the call came back");
    assert_eq!(
        [played.status("get"), played.status("next"), played.status("nap")],
        ["success", "unstarted", "waiting"]
    );
    assert_eq!(played.called_at("again"), [0], "no further attempt");
    assert_eq!(played.status("rested"), "unstarted");
}

#[test]
fn rule_33_when_it_goes_on_what_was_due_acts() {
    let played = held().at(10).suspend().at(100).go_on().run();
    assert_eq!(played.result(), json!(["next", "rested", "handled"]));
    assert_eq!(played.called_at("again"), [0, 100]);
    assert_eq!(played.times("rested", What::StepStarted), [100]);
    assert_eq!(played.times("handler", What::StepStarted), [115]);
    assert!(played.trace().contains("run: suspended\n") && played.trace().contains("run: continued\n"));
}

#[test]
fn rule_33_no_handler_starts_and_time_limits_wait_too() {
    let step = || {
        play(
            "
            steps:
              - { kind: andThen, id: get, http: { url: 'https://a.example' }, timeout: 50ms,
                  catch: [{ on: [timeout], set: late }, { steps: [{ kind: andThen, id: handler, set: '{{ error.code }}' }] }] }
            ",
        )
    };
    let failed = || step().fails("get", "NO").takes(20).at(10).suspend();
    assert_eq!(failed().run().status("handler"), "unstarted");
    let played = failed().at(90).go_on().run();
    assert_eq!(
        (played.result(), played.times("handler", What::StepStarted)),
        (json!("NO"), vec![90])
    );
    let late = step().hangs("get").at(10).suspend().at(90).go_on().run();
    assert_eq!((late.result(), late.ended_at()), (json!("late"), 90));
    let answered = step().answer("get", json!(1)).takes(70).at(10).suspend().run();
    assert_eq!(
        answered.result(),
        json!(1),
        "its answer came before anybody looked at the clock"
    );
}

#[test]
fn rule_33_a_payload_is_taken_by_a_held_run_and_cancelling_ends_it() {
    let ask = || {
        play("steps: [{ kind: andThen, id: ask, suspend: { reason: why } }, { kind: andThen, id: next, set: '=[data]' }]")
            .at(10)
            .suspend()
    };
    let played = ask().at(20).resume("ask", json!(1)).run();
    assert_eq!(
        [played.status("ask"), played.status("next"), played.run_status()],
        ["success", "unstarted", "suspended"]
    );
    assert_eq!(ask().at(20).resume("ask", json!(1)).at(30).go_on().result(), json!([1]));
    assert_eq!(ask().at(20).cancel("enough").run().run_status(), "cancelled");
}

fn events(steps: &str) -> Play {
    play(&format!("steps: {steps}"))
}

#[test]
fn rule_34_early_events_are_kept_and_given_in_order() {
    let two = "[
        { kind: andSleep, id: nap, duration: 1s },
        { kind: andThen, id: a, waitFor: { event: Paid } },
        { kind: andThen, id: b, waitFor: { event: Paid }, output: '=[data, result]' }
    ]";
    let early = events(two)
        .at(10)
        .deliver("Paid", json!(1))
        .at(20)
        .deliver("Other", json!(9))
        .at(30)
        .deliver("Paid", json!(2));
    let early = early.run();
    assert_eq!((early.result(), early.ended_at()), (json!([1, 2]), 1_000));
    let one = events(two)
        .at(10)
        .deliver("Paid", json!(1))
        .at(2_000)
        .deliver("Paid", json!(2))
        .run();
    assert_eq!((one.result(), one.ended_at()), (json!([1, 2]), 2_000));
    let waits = events(two).at(10).deliver("Other", json!(1)).run();
    assert_eq!((waits.run_status(), waits.waiting()), ("suspended", vec!["a"]));
}

#[test]
fn rule_34_where_picks_the_first_that_fits_and_leaves_the_others() {
    let result = events(
        "[
            { kind: andSleep, id: nap, duration: 1s },
            { kind: andThen, id: big, waitFor: { event: Paid, where: =event.n > data.least } },
            { kind: andThen, id: small, waitFor: { event: Paid, where: =event.n < 5 }, output: '=[data.n, result.n]' }
        ]",
    )
    .input(json!({ "least": 10 }))
    .at(1)
    .deliver("Paid", json!({ "n": 1 }))
    .deliver("Paid", json!({ "n": 20 }))
    .deliver("Paid", json!({ "n": 30 }))
    .result();
    assert_eq!(result, json!([20, 1]));
}

#[test]
fn rule_34_an_event_goes_to_one_wait_the_first_that_fits() {
    let played = events(
        "[{ kind: andAll, id: all, steps: [
            { kind: andThen, id: a, waitFor: { event: Paid, where: =event.to == 'a' } },
            { kind: andThen, id: b, waitFor: { event: Paid } },
            { kind: andThen, id: c, waitFor: { event: Paid } }
        ] }]",
    )
    .deliver("Paid", json!({ "to": "anyone" }));
    assert_eq!(played.run().waiting(), ["all/a", "all/c"]);
}

#[test]
fn rule_34_a_wait_for_an_event_has_a_timeout_and_its_filter_may_fail() {
    let step = |more: &str| {
        events(&format!(
            "[{{ kind: andThen, id: a, waitFor: {{ event: Paid, {more} }} }}]"
        ))
    };
    let late = step("timeout: 10s").run();
    assert_eq!(
        (late.error_line(), late.ended_at()),
        ("event.timeout: the event did not come in time".to_owned(), 10_000)
    );
    let broken = step("where: =event.nothing > 1").deliver("Paid", json!({})).error();
    assert_eq!([&broken["code"], &broken["step"]], ["expression.undefined", "a"]);
    let early = events(
        "[{ kind: andSleep, id: nap, duration: 1s }, { kind: andThen, id: a, waitFor: { event: P, where: =event.x }, catch: [{ set: caught }] }]",
    );
    assert_eq!(early.at(1).deliver("P", json!({})).result(), json!("caught"));
}

#[test]
fn rule_34_a_resume_is_no_event() {
    let played = events("[{ kind: andThen, id: a, waitFor: { event: Paid } }]")
        .refuse("a", json!(1))
        .run();
    assert_eq!(played.refusals(), ["nothing waits for a payload"]);
}
