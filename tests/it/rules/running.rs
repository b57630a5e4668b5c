//! Running: rules 40 and 41, and that every rule has its test.
#![allow(clippy::disallowed_methods, reason = "the test reads the sources of the tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::play::{play, refused};

#[test]
fn rule_40_secrets_stay_references_in_what_is_asked() {
    let played = play(
        "
        permissions: { secrets: [TOKEN], env: [HOST] }
        steps:
          - kind: andThen
            id: get
            http:
              url: '{{ env.HOST }}/items'
              headers: { Authorization: 'Bearer {{ secrets.TOKEN }}' }
              body: { key: =secrets.TOKEN, n: 1 }
          - { kind: andThen, id: run, exec: { command: [sort], env: { TOKEN: =secrets.TOKEN } } }
        ",
    )
    .env(json!({ "HOST": "https://a.example" }))
    .answer("get", json!(1))
    .answer("run", json!(2))
    .run();
    let request = json!({
        "http": "GET", "url": "https://a.example/items",
        "headers": { "Authorization": "Bearer {{ secrets.TOKEN }}" },
        "body": { "key": "{{ secrets.TOKEN }}", "n": 1 },
    });
    assert_eq!(played.calls("get"), [request]);
    let request = json!({ "exec": ["sort"], "env": { "TOKEN": "{{ secrets.TOKEN }}" }, "stdin": 1 });
    assert_eq!(played.calls("run"), [request]);
}

#[test]
fn rule_40_secrets_elsewhere_are_found_at_load() {
    for step in [
        "{ kind: andThen, id: a, set: =secrets.TOKEN }",
        "{ kind: andThen, id: a, set: 1, setState: { x: =secrets.TOKEN } }",
        "{ kind: andThen, id: a, http: { url: 'https://a.example' }, output: '{{ secrets.TOKEN }}' }",
        "{ kind: andWhen, id: a, condition: \"=secrets.TOKEN == 'x'\", set: 1 }",
        "{ kind: andThen, id: a, fail: { message: '{{ secrets.TOKEN }}' } }",
        "{ kind: andThen, id: a, emit: { event: E, data: =secrets.TOKEN } }",
        "{ kind: andThen, id: a, suspend: { data: =secrets.TOKEN } }",
    ] {
        let found = refused(&format!("permissions: {{ secrets: [TOKEN] }}\nsteps: [{step}]"));
        assert!(found.contains("secret"), "{step}: {found}");
    }
}

#[test]
fn rule_41_steps_have_six_statuses() {
    let played = play(
        "
        steps:
          - { kind: andThen, id: fine, set: 1 }
          - { kind: andWhen, id: not, condition: false, set: 1 }
          - { kind: andTap, id: tap, steps: [{ kind: andThen, id: broken, fail: { code: NO } }] }
          - kind: andRace
            id: race
            steps: [{ kind: andSleep, id: slow, duration: 2s }, { kind: andSleep, id: fast, duration: 1s }]
          - { kind: andAll, id: all, steps: [{ kind: andThen, id: ask, suspend: { reason: why } }] }
          - { kind: andThen, id: later, set: 1 }
        ",
    )
    .run();
    let statuses =
        ["fine", "not", "tap", "broken", "slow", "fast", "all", "ask", "later"].map(|step| played.status(step));
    let want = [
        "success",
        "skipped",
        "success",
        "error",
        "cancelled",
        "success",
        "running",
        "waiting",
        "unstarted",
    ];
    assert_eq!(statuses, want);
    assert_eq!(
        played.trace(),
        "run: started {}\n\
         fine: completed 1\n\
         not: skipped\n\
         tap: started\n\
         tap/broken: started\n\
         tap/broken: failed {\"code\":\"NO\",\"message\":\"NO\"}\n\
         tap: completed 1\n\
         tap: ignored the error {\"code\":\"NO\",\"message\":\"NO\"}\n\
         race: started\n\
         race/slow: started\n\
         race/slow: sleeps\n\
         race/fast: started\n\
         race/fast: sleeps\n\
         race/fast: completed 1\n\
         race/slow: cancelled\n\
         race: completed 1\n\
         all: started\n\
         all/ask: started\n\
         all/ask: waits {\"reason\":\"why\"}\n"
    );
}

#[test]
fn rule_41_expressions_read_the_statuses_of_what_is_decided() {
    let result = play(
        "
        steps:
          - kind: andTry
            id: try
            steps:
              - { kind: andThen, id: fine, set: 1 }
              - { kind: andWhen, id: not, condition: false, set: 1 }
              - kind: andAll
                id: all
                steps:
                  - { kind: andThen, id: ask, suspend: { reason: why } }
                  - { kind: andThen, id: broken, fail: { code: NO } }
              - { kind: andThen, id: later, set: 1 }
            catch:
              - set: [=steps.fine.status, =steps.not.status, =steps.ask.status, =steps.broken.status, =steps.all.status, =steps.later.status]
        ",
    );
    let want = json!(["success", "skipped", "cancelled", "error", "error", "skipped"]);
    assert_eq!(result.result(), want);
}

/// What a step's own cleanup leads to is not decided before it has ended: an error in it fails the step.
#[test]
fn rule_41_a_step_still_runs_in_its_own_cleanup() {
    for (unit, behind) in [("set: 1", "success"), ("fail: { code: NO }", "error")] {
        let result = play(&format!(
            "
            state: {{ seen: null }}
            steps:
              - kind: andTry
                id: outer
                steps:
                  - kind: andTry
                    id: try
                    steps: [{{ kind: andThen, id: a, {unit} }}]
                    finally: [{{ kind: andThen, id: f, set: 1, setState: {{ seen: [=steps.try.status, =steps.a.status] }} }}]
                catch: [{{ set: 1 }}]
            output: [=state.seen, =steps.try.status]
            "
        ));
        assert_eq!(result.result(), json!([["running", behind], behind]), "{unit}");
    }
}

/// The rules that no test can name yet, and why.
const UNTESTED: [(u32, &str); 2] = [
    (
        37,
        "the wire forms of the clients belong to `serve`, which is not built yet",
    ),
    (
        38,
        "the types of the foreign languages belong to their readers, which are not built yet",
    ),
];

#[test]
fn every_rule_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = BTreeSet::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let numbers = text
                    .split("fn rule_")
                    .skip(1)
                    .filter_map(|rest| rest.split('_').next()?.parse::<u32>().ok());
                named.extend(numbers);
            }
        }
    }
    let untested: BTreeSet<u32> = UNTESTED.iter().map(|(rule, _)| *rule).collect();
    let missing: Vec<u32> = (1..=42)
        .filter(|rule| !named.contains(rule) && !untested.contains(rule))
        .collect();
    assert!(missing.is_empty(), "no test is named after the rules {missing:?}");
    let unknown: Vec<&u32> = named.iter().filter(|rule| !(1..=42).contains(*rule)).collect();
    assert!(unknown.is_empty(), "there are no rules {unknown:?}");
    let tested: Vec<&u32> = named.intersection(&untested).collect();
    assert!(
        tested.is_empty(),
        "the rules {tested:?} have tests now: take them off the list"
    );
}
