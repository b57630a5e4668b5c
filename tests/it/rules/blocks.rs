//! Steps with steps inside: rules 14 to 17.

use serde_json::json;

use super::play::{play, refused};

#[test]
fn rule_14_a_loop_goes_on_with_the_value_of_the_iteration_before() {
    let result = play(
        "
        steps:
          - kind: andDoUntil
            id: until
            steps: [{ kind: andThen, id: add, set: '=data + [index]' }]
            condition: =index >= 2
          - kind: andDoWhile
            id: while
            steps: [{ kind: andThen, id: more, set: '=data + [index]' }]
            condition: false
        ",
    );
    assert_eq!(result.input(json!([])).result(), json!([0, 1, 2, 0]));
}

#[test]
fn rule_14_items_have_names_and_indices() {
    let result = play(
        "
        steps:
          - kind: andForEach
            id: orders
            items: [a, b]
            as: order
            steps:
              - kind: andForEach
                id: lines
                items: [1, 2]
                steps: [{ kind: andThen, id: line, set: '{{ order }}{{ order_index }}{{ item }}{{ item_index }}{{ index }}{{ data }}' }]
        ",
    );
    let want = json!([["a01001", "a02112"], ["b11001", "b12112"]]);
    assert_eq!(result.result(), want);
}

#[test]
fn rule_14_a_loop_has_a_limit() {
    let endless = |limit: &str| {
        play(&format!(
            "steps: [{{ kind: andDoWhile, id: a, {limit} steps: [{{ kind: andThen, id: b, set: =data + 1 }}], condition: true }}]"
        ))
        .input(json!(0))
    };
    assert_eq!(
        endless("").error_line(),
        "loop.limit: the loop did not end within 1000 iterations"
    );
    assert_eq!(endless("onLimit: continue,").result(), json!(1000));
    assert_eq!(
        endless("maxIterations: =input + 3, onLimit: continue,").result(),
        json!(3)
    );
    assert_eq!(endless("maxIterations: 2, onLimit: fail,").error()["step"], "a");
    let none = endless("maxIterations: =input,").error_line();
    assert!(
        none.starts_with("expression.type: `maxIterations` needs a whole number from 1"),
        "{none}"
    );
    let last = "steps: [{ kind: andDoUntil, id: a, maxIterations: 3, steps: [{ kind: andThen, id: b, set: =data + 1 }], condition: =data == 3 }]";
    assert_eq!(
        play(last).input(json!(0)).result(),
        json!(3),
        "the last iteration may end it"
    );
}

#[test]
fn rule_15_branches_are_steps_or_lists_and_each_starts_with_the_same_data() {
    let result = play(
        "
        steps:
          - kind: andAll
            id: list
            steps:
              - { kind: andThen, id: a, set: =data + 1 }
              - [{ kind: andThen, id: b, set: =data + 2 }, { kind: andThen, id: c, set: =data * 10 }]
          - kind: andAll
            id: map
            steps:
              x: { kind: andThen, id: d, set: '=data[0]' }
              y: [{ kind: andTap, id: e, emit: { event: E } }]
        ",
    );
    assert_eq!(result.input(json!(1)).result(), json!({ "x": 2, "y": [2, 30] }));
}

#[test]
fn rule_15_settle_tells_each_end() {
    let fails = "{ kind: andThen, id: b, fail: { code: NO, message: no way, data: { n: 1 } } }";
    let result = play(&format!(
        "steps: [{{ kind: andAll, id: all, settle: true, steps: {{ a: {{ kind: andThen, id: a, set: 1 }}, b: {fails} }} }}]"
    ))
    .result();
    let error = json!({
        "code": "NO", "message": "no way", "step": "b", "attempt": 1, "data": { "n": 1 }, "cause": null,
    });
    let want = json!({ "a": { "status": "success", "output": 1 }, "b": { "status": "error", "error": error } });
    assert_eq!(result, want);
    let result = play(
        "
        steps:
          - kind: andForEach
            id: each
            items: [1, 0]
            settle: true
            steps: [{ kind: andThen, id: b, fail: { when: =item == 0, code: ZERO } }]
            output: '=result | map(attribute=\"status\") | list'
        ",
    );
    assert_eq!(result.result(), json!(["success", "error"]));
}

#[test]
fn rule_15_a_race_yields_the_winner() {
    let race = |steps: &str| {
        play(&format!(
            "steps: [{{ kind: andRace, id: race, steps: {steps}, output: '=[winner, result]' }}]"
        ))
        .answer("a", json!("A"))
        .takes(20)
        .answer("b", json!("B"))
        .takes(10)
        .run()
    };
    let a = "{ kind: andThen, id: a, http: { url: 'https://a.example' } }";
    let b = "{ kind: andThen, id: b, http: { url: 'https://b.example' } }";
    let keyed = race(&format!("{{ left: {a}, right: {b} }}"));
    assert_eq!(keyed.result(), json!(["right", "B"]));
    assert_eq!(keyed.ended_at(), 10);
    assert_eq!(keyed.status("a"), "cancelled");
    assert_eq!(race(&format!("[{a}, {b}]")).result(), json!([1, "B"]));
}

#[test]
fn rule_16_common_keys_of_a_when_wrap_what_ran() {
    let when = |condition: bool, more: &str| {
        play(&format!(
            "
            state: {{ n: 0 }}
            steps:
              - kind: andWhen
                id: when
                condition: {condition}
                steps: [{{ kind: andThen, id: yes, set: {{ ran: yes }} }}]
                {more}
                inputSchema: {{ type: object }}
                output: {{ ran: =result.ran }}
                into: when
                setState: {{ n: =state.n + 1 }}
            output: {{ data: =data, n: =state.n, status: =steps.when.status, output: =steps.when.output | default('none') }}
            "
        ))
        .input(json!({}))
        .result()
    };
    let otherwise = "else: [{ kind: andThen, id: no, set: { ran: no } }]";
    let data = |ran: &str| json!({ "when": { "ran": ran } });
    let ran = |word: &str| json!({ "data": data(word), "n": 1, "status": "success", "output": data(word) });
    assert_eq!(when(true, ""), ran("yes"));
    assert_eq!(when(true, otherwise), ran("yes"));
    assert_eq!(when(false, otherwise), ran("no"));
    assert_eq!(
        when(false, ""),
        json!({ "data": {}, "n": 0, "status": "skipped", "output": "none" })
    );
}

#[test]
fn rule_16_of_a_skipped_when_no_key_is_even_evaluated() {
    let played = play(
        "
        steps:
          - kind: andWhen
            id: when
            condition: =input.on
            http: { url: 'https://a.example' }
            timeout: =input.nowhere
            inputSchema: false
            output: =input.nowhere
            outputSchema: false
            into: nowhere
        ",
    )
    .input(json!({ "on": false }))
    .run();
    assert_eq!(played.result(), json!({ "on": false }));
    assert_eq!(
        played.trace(),
        "run: started {\"on\":false}\nwhen: skipped\nrun: completed {\"on\":false}\n"
    );
}

#[test]
fn rule_16_units_stand_in_both_places_and_are_retried_and_caught_with_the_step() {
    let result = play(
        "
        steps:
          - kind: andWhen
            id: when
            condition: =input.on
            http: { url: 'https://a.example' }
            else: { http: { url: 'https://b.example' } }
            retry: { attempts: 2 }
            catch: [{ set: caught }]
        ",
    )
    .input(json!({ "on": false }))
    .fails("when", "http.network")
    .run();
    assert_eq!(result.result(), json!("caught"));
    assert_eq!(result.status("when"), "success");
    assert_eq!(result.calls("else").len(), 2);
}

#[test]
fn rule_16_beside_an_else_the_resume_belongs_to_the_unit_inside() {
    let step = |output: &str| {
        format!(
            "steps: [{{ kind: andWhen, id: ask, condition: true, suspend: {{ reason: why }}, else: {{ set: no }}, output: ={output} }}]"
        )
    };
    let found = refused(&step("resume.yes"));
    assert!(found.starts_with("unknown-name: `resume` is not known here"), "{found}");
    assert_eq!(
        play(&step("result.yes")).resume("ask", json!({ "yes": 1 })).result(),
        json!(1)
    );
}

#[test]
fn rule_17_first_runs_one_branch_and_all_run_beside_each_other() {
    let branch = |more: &str, n: i64| {
        play(&format!(
            "
            steps:
              - kind: andBranch
                id: route
                branches:
                  - {{ condition: =data.n > 10, steps: [{{ kind: andThen, id: big, set: big }}] }}
                  - {{ condition: =data.n > 5, steps: [{{ kind: andThen, id: middle, set: middle }}] }}
                {more}
            "
        ))
        .input(json!({ "n": n }))
        .result()
    };
    let first = "match: first";
    let otherwise = "else: [{ kind: andThen, id: small, set: small }]";
    let both = "match: first\n                else: { kind: andThen, id: small, set: small }";
    assert_eq!(branch(first, 20), json!("big"));
    assert_eq!(branch(first, 7), json!("middle"));
    assert_eq!(branch(first, 1), json!({ "n": 1 }), "unchanged");
    assert_eq!(branch(both, 1), json!("small"));
    assert_eq!(branch("", 20), json!(["big", "middle"]));
    assert_eq!(branch("", 7), json!([null, "middle"]));
    assert_eq!(branch("", 1), json!([null, null]));
    assert_eq!(branch(otherwise, 7), json!([null, "middle"]));
    assert_eq!(branch(otherwise, 1), json!("small"));
}

#[test]
fn rule_17_with_first_no_condition_behind_the_match_is_evaluated() {
    let branch = |kind: &str| {
        play(&format!(
            "
            steps:
              - kind: andBranch
                id: route
                match: {kind}
                branches:
                  - {{ condition: true, steps: {{ kind: andThen, id: a, set: 1 }} }}
                  - {{ condition: =input.nowhere, steps: {{ kind: andThen, id: b, set: 2 }} }}
            "
        ))
        .input(json!({}))
    };
    assert_eq!(branch("first").result(), json!(1));
    assert_eq!(branch("all").error()["code"], "expression.undefined");
}
