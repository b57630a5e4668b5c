//! What cases can say, and what is said about mistakes in them.

use interpret::diagnostic::Diagnostic;
use interpret::testing::Mode;
use interpret::{load, testing};

use super::{Folder, ORDER, results, suites};

/// What is wrong with cases of the order workflow, one list of messages for each case.
#[track_caller]
fn problems(cases: &str) -> Vec<Vec<String>> {
    let test = format!("kind: WorkflowTest\nworkflow: order\ncases:\n{cases}");
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", &test)]);
    let suites = suites(&folder.0);
    let results = results(&suites, Mode::Check, 1);
    let messages = |result: testing::CaseResult| result.problems.into_iter().map(|problem| problem.message).collect();
    results.into_iter().map(messages).collect()
}

/// The findings about a test file.
fn findings(test: &str) -> Vec<Diagnostic> {
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", test)]);
    let loaded = load::load_tests(&[&folder.0]);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    testing::read(&loaded).1
}

#[test]
fn three_days_pass_in_no_time_and_always_alike() {
    let found = problems(
        "
  - name: answered in time
    input: { amount: 500 }
    env: { CURRENCY: EUR }
    now: 2026-03-01T00:00:00Z
    resume: { approve: { payload: { ok: true }, after: 2d } }
    mocks: { pay: { output: { id: p-1 }, after: 4s } }
    expect:
      result: { paid: p-1, at: 2026-03-03T00:00:00.000Z, run: test }
      took: 172804s
  - name: too late
    input: { amount: 500 }
    resume: { approve: { payload: { ok: true }, after: 4d } }
    expect: { error: { code: suspend.timeout, step: approve }, took: 3d, steps: { skipped: pay } }
  - name: a time limit, and a second attempt
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    mocks: { pay: [{ after: 6s }, { output: { id: p-2 }, after: 1s }] }
    expect: { result: { paid: p-2 }, took: 7s }
  - name: by the request and the attempt
    input: { amount: 5 }
    env: { CURRENCY: CHF }
    mocks:
      pay:
        - { when: =attempt == 1, error: { code: http.network } }
        - { when: =request.body.in == 'EUR', output: { id: euros } }
        - { output: { id: others } }
    expect: { result: { paid: others } }
  - name: waits
    input: { amount: 500 }
    expect: { waiting: approve, took: 0 }
  - name: cancelled
    input: { amount: 500 }
    cancel: { at: 1h, reason: no }
    expect: { status: cancelled, took: 1h, steps: { ran: approve, skipped: pay } }
",
    );
    assert_eq!(found, vec![Vec::<String>::new(); 6]);
}

#[test]
fn a_call_without_a_mock_shows_the_mock_to_add() {
    let test =
        "kind: WorkflowTest\nworkflow: order\ncases: [{ name: a, input: { amount: 1 }, env: { CURRENCY: EUR } }]\n";
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", test)]);
    let suites = suites(&folder.0);
    let results = results(&suites, Mode::Check, 1);
    let problem = &results[0].problems[0];
    let message = "the step `pay` calls POST https://bank.example.com/pay, and no mock answers";
    assert_eq!(problem.message, message);
    let add = problem.add.clone().unwrap();
    assert_eq!(add, "mocks:\n  pay: { output: { id: text } }\n");
    // What is to be added does the job.
    folder.write(
        "order.test.yaml",
        &test.replace("}}", "}").replace(
            " }]",
            &format!(
                ", {} }}]",
                add.replace("mocks:\n  pay", "mocks: { pay").trim_end().to_owned() + " }"
            ),
        ),
    );
    let suites = super::suites(&folder.0);
    assert!(
        super::results(&suites, Mode::Check, 1)[0].passed(),
        "{}",
        folder.read("order.test.yaml")
    );
}

#[test]
fn a_wait_that_nobody_answers_shows_the_answer_to_add() {
    let test = "kind: WorkflowTest\nworkflow: wait\ncases: [{ name: a }]\n";
    let workflow = "kind: Workflow\nid: wait\nsteps:\n  - { kind: andThen, id: ask, suspend: { reason: hm }, \
                    resumeSchema: { type: object, required: [n], properties: { n: { type: integer } } } }\n";
    let folder = Folder::new(&[("wait.yaml", workflow), ("wait.test.yaml", test)]);
    let results = results(&suites(&folder.0), Mode::Check, 1);
    let problem = &results[0].problems[0];
    assert_eq!(problem.message, "the run waits at `ask`, expected `completed`");
    assert_eq!(problem.add.as_deref(), Some("resume:\n  ask: { payload: { n: 1 } }\n"));
}

#[test]
fn environment_and_secrets_come_from_the_case_alone() {
    // `PATH` is there for whoever runs the tests, but for no case.
    let workflow = "kind: Workflow\nid: e\npermissions: { env: [PATH], secrets: [KEY], http: [a.example.com] }\nsteps:\n  \
                    - { kind: andThen, id: ask, http: { url: https://a.example.com, headers: { A: '{{ secrets.KEY }}' } } }\n  \
                    - { kind: andThen, id: read, set: =env.PATH }\n";
    let test = "kind: WorkflowTest\nworkflow: e\nmocks: { ask: { when: \"='KEY' in request.headers.A\" } }\ncases:\n  \
                - { name: none, expect: { error: { code: expression.undefined, step: read } } }\n  \
                - { name: own, env: { PATH: mine }, expect: { result: mine } }\n";
    let folder = Folder::new(&[("e.yaml", workflow), ("e.test.yaml", test)]);
    for result in results(&suites(&folder.0), Mode::Check, 1) {
        assert!(result.passed(), "{:?}", result.problems);
    }
}

#[test]
fn a_case_has_conversations_of_its_own() {
    let ask = |id: &str, prompt: &str| {
        format!("  - {{ kind: andAgent, id: {id}, agent: {{ model: a/b }}, conversation: talk, prompt: {prompt} }}\n")
    };
    let workflow = format!(
        "kind: Workflow\nid: talks\nsteps:\n{}{}",
        ask("first", "Hello"),
        ask("second", "Again")
    );
    let test = "kind: WorkflowTest\nworkflow: talks\nmocks:\n  first: { output: Good day }\n  second:\n    \
                - { when: \"=request.messages | map(attribute='content') | join(', ') == 'Hello, Good day'\", output: known }\n    \
                - { output: unknown }\ncases:\n  - { name: one, expect: { result: known } }\n  \
                - { name: other, expect: { result: known } }\n";
    let folder = Folder::new(&[("talks.yaml", &workflow), ("talks.test.yaml", test)]);
    for result in results(&suites(&folder.0), Mode::Check, 1) {
        assert!(result.passed(), "{:?}", result.problems);
    }
}

#[test]
fn what_is_not_as_expected_is_told() {
    let found = problems(
        "
  - name: another result
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    mocks: { pay: { output: { id: p-2 } } }
    expect: { result: { paid: p-3 }, steps: { ran: [pay, approve], skipped: pay } }
  - name: another error
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    mocks: { pay: { error: { code: http.status, data: { status: 400 } } } }
    expect: { error: { code: http.network } }
  - name: no error
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    mocks: { pay: { output: { id: p-2 } } }
    expect: { error: {} }
  - name: nobody else waits
    input: { amount: 500 }
    expect: { waiting: [pay] }
  - name: it starts
    input: { amount: 500 }
    expect: { status: rejected }
",
    );
    assert_eq!(
        found,
        [
            vec![
                "`result.paid` is \"p-2\", expected \"p-3\"",
                "the step `approve` did not run",
                "the step `pay` ran, expected it not to",
            ],
            vec!["`error.code` is \"http.status\", expected \"http.network\""],
            vec!["the run completed, expected `error`"],
            vec!["`pay` does not wait", "`approve` waits, which is not expected"],
            vec!["the run failed, expected `rejected`: suspend.timeout: nobody answered in time"],
        ]
    );
}

#[test]
fn mistakes_are_findings_with_suggestions() {
    let test = "\
kind: WorkflowTest
workflow: order
mocks: { paye: { output: 1 }, approve: { output: 1 } }
cases:
  - name: a
    inptu: { amount: 1 }
  - name: A!
    input: { amount: many }
    resume: { approve: { payload: { ok: perhaps } }, pay: { payload: 1 } }
    events: { event: Paid, at: soon }
    expect: { satus: completed, steps: { ran: [aprove] } }
    snapshot: traces
";
    let findings = findings(test);
    let told: Vec<(u32, &str, Option<&str>)> = findings
        .iter()
        .map(|finding| {
            let line = test[..finding.span.unwrap().start as usize].matches('\n').count() as u32 + 1;
            let meant = finding
                .help
                .iter()
                .find_map(|help| help.strip_prefix("did you mean `")?.strip_suffix("`?"));
            (line, finding.code.name(), meant)
        })
        .collect();
    assert_eq!(
        told,
        [
            (6, "unknown-key", Some("input")),
            (10, "invalid-duration", None),
            (12, "invalid-value", Some("trace")),
            (11, "unknown-key", Some("status")),
            (7, "duplicate-id", None),
            (3, "unknown-step", Some("pay")),
            (3, "invalid-value", None),
            (8, "schema-mismatch", None),
            (9, "schema-mismatch", None),
            (9, "invalid-value", None),
            (10, "unknown-event", None),
            (11, "unknown-step", Some("approve")),
        ]
    );
}

#[test]
fn a_run_without_an_end_is_a_failure_and_not_the_end_of_the_tests() {
    let workflow = "kind: Workflow\nid: w\nsteps:\n  - { kind: andDoWhile, id: on, maxIterations: 4000000000, \
                    steps: [{ kind: andThen, id: s, set: 1 }], condition: true }\n";
    let test = "kind: WorkflowTest\nworkflow: w\ncases: [{ name: a }]\n";
    let folder = Folder::new(&[("w.yaml", workflow), ("w.test.yaml", test)]);
    let results = results(&suites(&folder.0), Mode::Check, 1);
    assert!(results[0].problems[0].message.starts_with("the run does not end"));
}
