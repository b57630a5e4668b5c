//! Cleaning up: rule 29.

use serde_json::json;

use super::play::{Play, play};

/// What `finally` does, for each way a try can end.
fn cleaned(steps: &str) -> Play {
    play(&format!(
        "
        state: {{ cleaned: 0 }}
        steps:
          - kind: andTry
            id: try
            {steps}
            finally:
              - {{ kind: andThen, id: clean, http: {{ url: 'https://clean.example' }} }}
              - {{ kind: andThen, id: count, set: ignored, setState: {{ cleaned: =state.cleaned + 1 }} }}
        output: [=data, =state.cleaned]
        "
    ))
    .answer("clean", json!("cleaned"))
    .takes(5)
}

#[test]
fn rule_29_finally_runs_once_after_success_and_its_value_is_ignored() {
    let played = cleaned("steps: [{ kind: andThen, id: a, set: done }]").run();
    assert_eq!(played.result(), json!(["done", 1]));
    assert_eq!(played.ended_at(), 5);
    assert_eq!(
        played.trace(),
        "run: started {}\n\
         try: started\n\
         try/a: completed \"done\"\n\
         try: cleans up\n\
         try/clean: started\n\
         try/clean: calls {\"http\":\"GET\",\"url\":\"https://clean.example\"}\n\
         try/clean: got \"cleaned\"\n\
         try/clean: completed \"cleaned\"\n\
         try/count: completed \"ignored\"\n\
         try: completed \"done\"\n\
         run: completed [\"done\",1]\n"
    );
}

#[test]
fn rule_29_finally_runs_once_after_an_error_its_repetitions_and_its_handler() {
    let fails = "steps: [{ kind: andThen, id: a, fail: { code: NO } }]";
    let failed = cleaned(fails).run();
    assert_eq!(failed.error_line(), "NO: NO");
    assert_eq!(failed.called_at("clean"), [0]);
    let again = cleaned(&format!(
        "{fails}\n            retry: {{ attempts: 3, delay: 1s, on: [NO] }}"
    ))
    .run();
    assert_eq!(again.called_at("clean"), [2_000]);
    let caught = cleaned(&format!("{fails}\n            catch: [{{ set: caught }}]"));
    assert_eq!(caught.result(), json!(["caught", 1]));
}

#[test]
fn rule_29_finally_runs_after_end_timeout_and_cancellation() {
    let ended = cleaned("steps: [{ kind: andThen, id: a, end: { output: ended } }]").run();
    assert_eq!(ended.result(), json!("ended"));
    assert_eq!((ended.called_at("clean"), ended.ended_at()), (vec![0], 5));
    let late = cleaned("timeout: 1s\n            steps: [{ kind: andSleep, id: a, duration: 1h }]").run();
    assert_eq!(late.error()["code"], "timeout");
    assert_eq!((late.called_at("clean"), late.ended_at()), (vec![1_000], 1_005));
    let cancelled = cleaned("steps: [{ kind: andThen, id: a, suspend: { reason: why } }]")
        .cancel("enough")
        .run();
    assert_eq!(cancelled.run_status(), "cancelled");
    assert_eq!((cancelled.called_at("clean"), cancelled.ended_at()), (vec![0], 5));
    assert_eq!(
        [cancelled.status("a"), cancelled.status("count")],
        ["cancelled", "success"]
    );
}

#[test]
fn rule_29_an_error_in_finally_replaces_only_a_success() {
    let broken = |steps: &str| {
        play(&format!(
            "steps: [{{ kind: andTry, id: try, {steps}, finally: [{{ kind: andThen, id: f, fail: {{ code: CLEANUP }} }}] }}]"
        ))
    };
    assert_eq!(
        broken("steps: [{ kind: andThen, id: a, set: 1 }]").error_line(),
        "CLEANUP: CLEANUP"
    );
    assert_eq!(
        broken("steps: [{ kind: andThen, id: a, fail: { code: NO } }]").error_line(),
        "NO: NO"
    );
    let caught = "steps: [{ kind: andThen, id: a, fail: { code: NO } }], catch: [{ set: 1 }]";
    assert_eq!(broken(caught).error_line(), "CLEANUP: CLEANUP");
    assert_eq!(
        broken("steps: [{ kind: andThen, id: a, end: { output: 1 } }]").result(),
        json!(1)
    );
}

#[test]
fn rule_29_finally_sees_the_error_if_there_is_one() {
    let seen = |steps: &str| {
        play(&format!(
            "
            state: {{ seen: null }}
            steps:
              - kind: andTry
                id: outer
                steps:
                  - kind: andTry
                    id: try
                    steps: [{steps}]
                    finally: [{{ kind: andThen, id: f, set: 1, setState: {{ seen: \"=error.code | default('none')\" }} }}]
                catch: [{{ set: 1 }}]
            output: =state.seen
            "
        ))
        .result()
    };
    assert_eq!(seen("{ kind: andThen, id: a, fail: { code: NO } }"), json!("NO"));
    assert_eq!(seen("{ kind: andThen, id: a, set: 1 }"), json!("none"));
}

#[test]
fn rule_29_a_cleanup_has_a_limit() {
    let hangs = |limits: &str, steps: &str| {
        play(&format!(
            "
            {limits}
            steps:
              - kind: andTry
                id: try
                steps: [{steps}]
                finally: [{{ kind: andThen, id: f, http: {{ url: 'https://clean.example' }} }}]
            "
        ))
        .hangs("f")
        .run()
    };
    let fine = hangs("x-none: 0", "{ kind: andThen, id: a, set: 1 }");
    assert_eq!(fine.ended_at(), 30_000);
    assert_eq!(fine.error_line(), "timeout: the cleanup of step `try` took too long");
    let failed = hangs(
        "limits: { cleanup: 2s }",
        "{ kind: andThen, id: a, fail: { code: NO } }",
    );
    assert_eq!((failed.ended_at(), failed.error_line()), (2_000, "NO: NO".to_owned()));
}

#[test]
fn rule_29_what_is_cancelled_cleans_up_innermost_first_and_undisturbed() {
    let played = play(
        "
        steps:
          - kind: andRace
            id: race
            steps:
              - kind: andTry
                id: outer
                steps:
                  - kind: andTry
                    id: inner
                    steps: [{ kind: andSleep, id: nap, duration: 1h }]
                    finally: [{ kind: andThen, id: first, http: { url: 'https://a.example' } }]
                finally: [{ kind: andThen, id: second, http: { url: 'https://b.example' } }]
              - { kind: andSleep, id: quick, duration: 1s, output: quick }
        ",
    )
    .answer("first", json!(1))
    .takes(100)
    .answer("second", json!(1))
    .takes(100)
    .at(1_050)
    .cancel("too late")
    .run();
    assert_eq!(
        (played.called_at("first"), played.called_at("second")),
        (vec![1_000], vec![1_100])
    );
    assert_eq!(
        [played.status("first"), played.status("second")],
        ["success", "success"]
    );
    assert_eq!((played.run_status(), played.ended_at()), ("cancelled", 1_200));
}
