//! Values: rules 1 to 9, as far as they show in a run.

use serde_json::json;

use super::play::{play, refused};

#[test]
fn rule_01_data_is_never_evaluated() {
    let result = play(
        "
        steps:
          - { kind: andThen, id: get, http: { url: 'https://a.example' } }
          - { kind: andThen, id: show, set: { text: '{{ input.text }}', same: =input.text, got: =data, nested: [=data.x] } }
        ",
    )
    .input(json!({ "text": "=1 + 1 {{ secrets.KEY }}" }))
    .answer("get", json!({ "x": "={{ 1 }}" }))
    .result();
    let text = "=1 + 1 {{ secrets.KEY }}";
    let want = json!({ "text": text, "same": text, "got": { "x": "={{ 1 }}" }, "nested": ["={{ 1 }}"] });
    assert_eq!(result, want);
}

#[test]
fn rule_01_keys_are_literal_and_computed_names_are_refused() {
    let result = play("steps: [{ kind: andThen, id: a, purpose: why not, set: { '{{ key }}': 1 } }]");
    assert_eq!(result.result(), json!({ "{{ key }}": 1 }));
    let found = refused("purpose: '{{ input.why }}'\nsteps: [{ kind: andThen, id: a, name: =input.name, set: 1 }]");
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(
        found.starts_with("not-literal: `purpose` is taken as it is written"),
        "{found}"
    );
}

#[test]
fn rule_02_an_equals_sign_makes_an_expression_and_two_make_a_text() {
    let result = play(
        "
        steps:
          - kind: andThen
            id: a
            set:
              plain: =input.n + 1
              quoted: \"=input.n + 1\"
              escaped: \"==SUM(A1)\"
              lines: >-
                =input.n
                + 10
              block: |
                =[input.n,
                  input.n * 2]
              text: 1 = 1
        ",
    )
    .input(json!({ "n": 1 }))
    .result();
    let want = json!({ "plain": 2, "quoted": 2, "escaped": "=SUM(A1)", "lines": 11, "block": [1, 2], "text": "1 = 1" });
    assert_eq!(result, want);
}

#[test]
fn rule_03_a_template_gives_text_and_writes_values_as_promised() {
    let result = play(
        "
        steps:
          - kind: andThen
            id: a
            set:
              one: \"{{ input.n }}\"
              all: \"{{ none }}|{{ true }}|{{ 2.0 }}|{{ 2.5 }}|{{ input.list }}|{{ input.map }}|{{ '<&>' }}\"
              same: \"{{ input.map | string }}|{{ [1.0, none, true] | join(',') }}|{{ '<' | tojson }}\"
              block: |
                {% for item in input.list %}
                - {{ item }}
                {% endfor %}
                  {% if input.n > 1 %}
                end
                  {% endif %}
        ",
    )
    .input(json!({ "n": 2, "list": [1, "x"], "map": { "a": [] } }))
    .result();
    let want = json!({
        "one": "2",
        "all": r#"|true|2|2.5|[1,"x"]|{"a":[]}|<&>"#,
        "same": r#"{"a":[]}|1,,true|"<""#,
        "block": "- 1\n- x\nend\n",
    });
    assert_eq!(result, want);
}

#[test]
fn rule_03_a_lone_template_where_no_text_fits_is_refused_at_load() {
    let found = refused(
        "steps: [{ kind: andForEach, id: a, items: '{{ input.list }}', steps: [{ kind: andThen, id: b, set: 1 }] }]",
    );
    assert!(
        found.contains("a template always gives text") && found.contains("=input.list"),
        "{found}"
    );
}

#[test]
fn rule_04_every_link_is_optional_below_default_and_defined() {
    let result = play(
        "
        steps:
          - { kind: andWhen, id: ask, condition: false, set: { approved: false } }
          - kind: andThen
            id: a
            set:
              skipped: =steps.ask.output.approved | default(true)
              deep: =input.x.y.z | default('none')
              index: =input.list[7].name | default('none')
              defined: =[input.x.y is defined, input.x.y is undefined, input.list is defined]
              text: \"{{ input.x.y | default('-') }}\"
              null: =input.nothing | default('no')
              truthy: =input.nothing | default('no', true)
          - { kind: andThen, id: wait, suspend: { timeout: 1s, onTimeout: continue }, output: =resume.action | default('no'), into: resume }
        ",
    )
    .input(json!({ "list": [], "nothing": null }))
    .result();
    let want = json!({
        "skipped": true, "deep": "none", "index": "none", "defined": [false, true, true], "text": "-",
        "null": null, "truthy": "no", "resume": "no",
    });
    assert_eq!(result, want);
}

#[test]
fn rule_04_a_missing_link_fails_the_step_everywhere_else() {
    let set = |value: &str| {
        play(&format!("steps:\n  - kind: andThen\n    id: a\n    set: {value}"))
            .input(json!({ "order": { "amount": 7 }, "list": [1] }))
            .error_line()
    };
    let typo = "expression.undefined: `input.order` has no `amuont`; did you mean `amount`?";
    assert_eq!(set("=input.order.amuont > 5"), typo);
    assert_eq!(set("'{{ input.order.amuont }}'"), typo);
    assert_eq!(set("{ deep: [1, { x: =input.order.amuont }] }"), typo);
    assert_eq!(set("\"=[1, input.order.amuont]\""), typo);
    assert_eq!(
        set("=input.list[3]"),
        "expression.undefined: `input.list` has no element 3, only 1 elements"
    );
    let inside = set("\"={'a': {}.b}\"");
    assert!(inside.starts_with("expression.undefined: "), "{inside}");
    let operand = set("=(input.nowhere + 1) | default(2)");
    assert!(
        operand.starts_with("expression.undefined: "),
        "only a path is optional: {operand}"
    );
}

#[test]
fn rule_04_an_error_names_its_step() {
    let error = play("steps: [{ kind: andThen, id: a, set: =input.x }]").error();
    let want = json!({
        "code": "expression.undefined", "message": "`input` has no `x`",
        "step": "a", "attempt": 1, "data": null, "cause": null,
    });
    assert_eq!(error, want);
}

#[test]
fn rule_05_null_is_none_and_the_extra_filters_work() {
    let result = play(
        "
        steps:
          - kind: andThen
            id: a
            set:
              none: =[input.nothing is none, input.nothing == null, null is none]
              text: '{{ null }}'
              merged: \"=input.a | merge({'y': 2})\"
              parsed: =input.json | fromjson
              date: =input.at | date('%d.%m.%Y %H:%M', 'Europe/Berlin')
              shifted: =input.at | shift('-1d')
        ",
    )
    .input(json!({ "nothing": null, "a": { "x": 1, "y": 1 }, "json": "[1, {}]", "at": "2026-07-01T10:00:00Z" }))
    .result();
    let want = json!({
        "none": [true, true, true], "text": "", "merged": { "x": 1, "y": 2 }, "parsed": [1, {}],
        "date": "01.07.2026 12:00", "shifted": "2026-06-30T10:00:00Z",
    });
    assert_eq!(result, want);
}

#[test]
fn rule_05_now_is_the_recorded_time_of_the_step() {
    let result = play(
        "
        steps:
          - { kind: andSleep, id: nap, duration: 90s }
          - { kind: andThen, id: get, http: { url: '{{ now() }}' }, output: '{{ now() }}' }
        ",
    )
    .answer("get", json!(1))
    .takes(5_000)
    .run();
    assert_eq!(result.result(), json!("1970-01-01T00:01:30.000Z"));
    assert_eq!(
        result.calls("get"),
        [json!({ "http": "GET", "url": "1970-01-01T00:01:30.000Z" })]
    );
}

#[test]
fn rule_06_conditions_have_to_be_boolean() {
    let body = "steps: [{ kind: andThen, id: b, set: 1 }]";
    let steps = [
        format!("{{ kind: andWhen, id: a, condition: =input.n, {body} }}"),
        format!("{{ kind: andBranch, id: a, branches: [{{ condition: =input.n, {body} }}] }}"),
        format!("{{ kind: andBranch, id: a, match: first, branches: [{{ condition: =input.n, {body} }}] }}"),
        format!("{{ kind: andDoWhile, id: a, condition: =input.n, {body} }}"),
        "{ kind: andThen, id: a, end: { when: =input.n } }".to_owned(),
        "{ kind: andThen, id: a, fail: { when: =input.n } }".to_owned(),
        "{ kind: andThen, id: a, suspend: { when: =input.n } }".to_owned(),
        "{ kind: andThen, id: a, emit: { event: E, when: =input.n } }".to_owned(),
        "{ kind: andThen, id: a, cancel: { when: =input.n } }".to_owned(),
        "{ kind: andGuardrail, id: a, rules: [{ require: =input.n }] }".to_owned(),
        "{ kind: andThen, id: a, fail: { code: NO }, catch: [{ when: =input.n, set: 2 }] }".to_owned(),
    ];
    for step in steps {
        let error = play(&format!("steps: [{step}]")).input(json!({ "n": 1 })).error();
        assert_eq!(error["code"], "expression.type", "{step}");
        assert_eq!(error["step"], "a", "{step}");
    }
    let error = play("steps: [{ kind: andThen, id: a, waitFor: { event: E, where: =event.n } }]")
        .deliver("E", json!({ "n": 1 }))
        .error();
    assert_eq!(error["code"], "expression.type");
}

#[test]
fn rule_06_a_missing_equals_sign_is_found_at_load() {
    let found = refused("steps: [{ kind: andWhen, id: a, condition: input.n > 1, set: 1 }]");
    assert!(
        found.starts_with("missing-equals: ") && found.contains("condition: =input.n > 1"),
        "{found}"
    );
}

#[test]
fn rule_07_what_yaml_would_cut_short_is_reported_and_anchors_work() {
    let found = refused("steps: [{ kind: andThen, id: a, set: { x: =f(1, 2) } }]");
    assert!(found.contains("quote"), "{found}");
    let found = refused("steps:\n  - &a { kind: andThen, id: a, set: 1 }\n  - { <<: *a, id: b }");
    assert!(found.contains("<<"), "{found}");
    let result = play(
        "
        x-limits: &limits { most: 3 }
        steps:
          - { kind: andThen, id: a, x-note: { free: yes }, set: { limits: *limits } }
        ",
    );
    assert_eq!(result.result(), json!({ "limits": { "most": 3 } }));
}

#[test]
fn rule_08_a_dashed_id_may_be_read_with_underscores_and_keywords_may_follow_a_dot() {
    let result = play(
        "
        steps:
          - { kind: andThen, id: first-one, set: { if: 1, first-name: Ada } }
          - { kind: andThen, id: if, set: =data }
          - kind: andThen
            id: all
            set: [=steps.first_one.output.if, \"=steps['first-one'].output['first-name']\", =steps.if.output.if]
        ",
    );
    assert_eq!(result.result(), json!([1, "Ada", 1]));
}

#[test]
fn rule_09_durations_and_deadlines_may_be_computed() {
    let sleep = |duration: &str| {
        play("steps: [{ kind: andSleep, id: a, duration: =input.duration }]")
            .input(json!({ "duration": duration }))
            .run()
            .ended_at()
    };
    for (text, milliseconds) in [
        ("500ms", 500),
        ("30s", 30_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1.5s", 1_500),
        ("PT1M30S", 90_000),
        ("P1D", 86_400_000),
        ("0", 0),
    ] {
        assert_eq!(sleep(text), milliseconds, "{text}");
    }
    let timeout = |limit: serde_json::Value| {
        play("steps: [{ kind: andThen, id: get, http: { url: 'https://a.example' }, timeout: =input.limit }]")
            .input(json!({ "limit": limit }))
            .hangs("get")
            .run()
    };
    assert_eq!(timeout(json!("1.5s")).ended_at(), 1_500);
    assert_eq!(timeout(json!("1970-01-01T00:00:07Z")).ended_at(), 7_000);
    assert_eq!(timeout(json!("1970-01-01T01:00:08+01:00")).error()["code"], "timeout");
    assert_eq!(timeout(json!(0)).ended_at(), 0);
    assert_eq!(
        timeout(json!("soon")).error_line(),
        "expression.type: `soon` is not a duration; write for example `500ms`, `30s`, `1h30m`, `2d` or `PT30S`"
    );
    let bare = timeout(json!(30)).error_line();
    assert!(
        bare.starts_with("expression.type: ") && bare.ends_with("is needed, not a number: 30"),
        "{bare}"
    );
    let text = timeout(json!("30")).error_line();
    assert!(text.contains("`30` has no unit; write for example `30s`"), "{text}");
}

#[test]
fn rule_09_a_deadline_that_has_passed_is_over_at_once() {
    let played = play(
        "
        steps:
          - { kind: andSleep, id: nap, duration: 10s }
          - { kind: andSleepUntil, id: past, until: 1970-01-01T00:00:05Z }
          - { kind: andSleepUntil, id: then, until: =input.then }
          - { kind: andThen, id: get, http: { url: 'https://a.example' }, timeout: 1970-01-01T00:00:20Z }
        ",
    )
    .input(json!({ "then": "1970-01-01T01:00:15+01:00" }))
    .hangs("get")
    .run();
    assert_eq!(played.called_at("get"), [15_000]);
    assert_eq!(played.ended_at(), 20_000);
    assert_eq!(played.error_line(), "timeout: step `get` took too long");
}
