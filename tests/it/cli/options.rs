//! Every option, and what each form of it does.

use super::{APPROVE, DOUBLE, Folder, Started, workflow};

#[test]
fn the_result_is_on_stdout_and_progress_on_stderr() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let ended = folder.run(&["run", "double.yaml", "--input", r#"{"n": 21}"#]);
    assert_eq!(ended.expect(0).out, "{\n  \"n\": 42\n}\n");
    assert!(ended.err.contains("twice: completed"), "{}", ended.err);
    assert!(ended.err.contains("double: completed"), "{}", ended.err);
    assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
}

#[test]
fn input_comes_from_the_command_line_a_file_or_stdin() {
    let folder = Folder::new(&[("double.yaml", DOUBLE), ("input.json", "\u{feff}{\"n\": 4}\n")]);
    let n = |ended: super::Ended| ended.expect(0).json()["n"].clone();
    assert_eq!(n(folder.run(&["run", "double", "--input", r#"{"n": 1}"#])), 2);
    assert_eq!(n(folder.run(&["run", "double", "--input", "@input.json"])), 8);
    assert_eq!(
        n(folder.run_with(&["run", "double", "--input", "-"], br#"{"n": 3}"#)),
        6
    );
}

#[test]
fn mistakes_in_json_are_explained() {
    let folder = Folder::new(&[("double.yaml", DOUBLE), ("input.json", "{}")]);
    let fails = |arguments: &[&str], parts: &[&str]| {
        let all = [&["run", "double"], arguments].concat();
        folder.run(&all).expect(2).says(parts);
    };
    fails(
        &["--input", "{n: 1}"],
        &["--input is not JSON", "line 1 column 2", "in single quotes"],
    );
    fails(
        &["--input", "input.json"],
        &["--input is not JSON", "write @ before the name of a file"],
    );
    fails(&["--input", ""], &["--input is not JSON", "it is empty"]);
    fails(&["--input", "@nowhere.json"], &["--input: cannot read nowhere.json"]);
    fails(&["--input", "@."], &["cannot read ."]);
    fails(&["--context", "{"], &["--context is not JSON"]);
    fails(&["--context", "3"], &["--context must be an object"]);
    fails(
        &["--input", r#"{"n": "x"}"#],
        &["the input does not match its schema: /n:"],
    );
    fails(&[], &["the input does not match its schema: `n` is missing"]);
    folder
        .run_with(&["run", "double", "--input", "-"], b"")
        .expect(2)
        .says(&["standard input is not JSON", "it is empty"]);
}

#[test]
fn the_schema_is_printed_and_a_file_of_it_is_checked() {
    let folder = Folder::new(&[("old.json", "{}")]);
    let printed = folder.run(&["schema"]);
    assert_eq!((printed.code, &*printed.err), (Some(0), ""));
    folder.write("schema/workflow.schema.json", printed.out.as_bytes());
    assert_eq!(folder.run(&["schema", "--check"]).code, Some(0));
    let of_tests = folder.run(&["schema", "test"]);
    assert!(of_tests.expect(0).out.contains("WorkflowTest"), "{}", of_tests.out);
    folder
        .run(&["schema", "test", "--check"])
        .expect(2)
        .says(&["schema/test.schema.json"]);
    let old = folder.run(&["schema", "--check", "old.json"]);
    assert_eq!((old.code, &*old.out), (Some(1), ""));
    assert!(
        old.err.contains("write it anew: interpret schema workflow > old.json"),
        "{}",
        old.err
    );
    assert_eq!(folder.run(&["schema", "--check", "none.json"]).code, Some(2));
}

#[test]
fn context_is_what_expressions_see() {
    let text = workflow(
        "hello",
        &["{ kind: andThen, id: greet, set: 'Hello {{ context.name }}' }"],
    );
    let folder = Folder::new(&[("hello.yaml", &text), ("context.json", r#"{"name": "Ada"}"#)]);
    assert_eq!(
        folder.run(&["run", "hello", "--context", r#"{"name": "Eve"}"#]).json(),
        "Hello Eve"
    );
    assert_eq!(
        folder.run(&["run", "hello", "--context", "@context.json"]).json(),
        "Hello Ada"
    );
}

#[test]
fn the_result_can_be_yaml() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let ended = folder.run(&["run", "double", "--input", r#"{"n": 1}"#, "--format", "yaml"]);
    assert_eq!(ended.expect(0).out, "n: 2\n");
}

#[test]
fn events_are_told_as_json_text_or_not_at_all() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let run = |form: &str| {
        folder.run(&[
            "run",
            "double",
            "--input",
            r#"{"n": 1}"#,
            "--events",
            form,
            "--id",
            "run-1",
        ])
    };
    let ended = run("ndjson");
    let events: Vec<serde_json::Value> = ended
        .expect(0)
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        types,
        ["run.started", "step.started", "step.completed", "run.completed"]
    );
    assert_eq!(events[2]["step"], "twice");
    assert_eq!(events[2]["data"], serde_json::json!({ "n": 2 }));
    let text = run("text");
    assert_eq!(text.expect(0).err.lines().count(), 4, "{}", text.err);
    assert!(text.err.contains(" twice: completed {\"n\":2}\n"), "{}", text.err);
    assert_eq!(run("none").expect(0).err, "");
}

#[test]
fn the_id_of_the_run_is_the_one_that_was_given() {
    let text = workflow("who", &["{ kind: andThen, id: tell, set: =execution.id }"]);
    let folder = Folder::new(&[("who.yaml", &text)]);
    assert_eq!(folder.run(&["run", "who", "--id", "run-7"]).expect(0).json(), "run-7");
    assert_ne!(folder.run(&["run", "who"]).json(), folder.run(&["run", "who"]).json());
}

#[test]
fn an_id_is_looked_up_in_this_folder_and_then_in_workflows() {
    let answers = |what: &str| workflow("same", &[&format!("{{ kind: andThen, id: a, set: {what} }}")]);
    let folder = Folder::new(&[
        ("here.yaml", &answers("here")),
        ("workflows/deep/there.yaml", &answers("there")),
        (
            "elsewhere/other.yaml",
            &workflow("hidden", &["{ kind: andThen, id: a, set: 1 }"]),
        ),
    ]);
    assert_eq!(folder.run(&["run", "same"]).expect(0).json(), "here");
    std::fs::remove_file(folder.path().join("here.yaml")).unwrap();
    assert_eq!(folder.run(&["run", "same"]).expect(0).json(), "there");
    folder
        .run(&["run", "sane"])
        .expect(2)
        .says(&["there is no workflow `sane`; did you mean `same`?"]);
    folder.run(&["graph", "sane"]).expect(2).says(&["did you mean `same`?"]);
    folder
        .run(&["run", "hidden"])
        .expect(2)
        .says(&["there is no workflow `hidden`; there are `same`"]);
}

#[test]
fn a_workflow_in_this_folder_may_call_one_in_workflows() {
    let folder = Folder::new(&[
        (
            "main.yaml",
            &workflow("main", &["{ kind: andWorkflow, id: call, workflow: child }"]),
        ),
        (
            "workflows/child.yaml",
            &workflow("child", &["{ kind: andThen, id: a, set: 7 }"]),
        ),
    ]);
    assert_eq!(folder.run(&["run", "main"]).expect(0).json(), 7);
}

#[test]
fn only_what_concerns_the_workflow_is_reported() {
    let folder = Folder::new(&[
        ("double.yaml", DOUBLE),
        (
            "broken.yaml",
            &workflow("broken", &["{ kind: andThen, id: a, sett: 1 }"]),
        ),
        (
            "caller.yaml",
            &workflow("caller", &["{ kind: andWorkflow, id: call, workflow: broken }"]),
        ),
        ("compose.yaml", "services: {}\n"),
        ("unreadable.yaml", "kind: Workflow\nid: unreadable\nsteps: [\n"),
    ]);
    let ended = folder.run(&["run", "double", "--input", r#"{"n": 1}"#, "--events", "none"]);
    assert_eq!(ended.expect(0).err, "");
    for caller in ["caller", "caller.yaml"] {
        let ended = folder.run(&["run", caller]);
        ended
            .expect(2)
            .says(&["error[unknown-key]", "broken.yaml:4:29", "did you mean `set`?"]);
        assert!(!ended.err.contains("compose"), "{}", ended.err);
    }
    // A file that cannot be read may well hold what is missing.
    folder
        .run(&["run", "unreadable"])
        .expect(2)
        .says(&["there is no workflow", "unreadable.yaml:4:1: "]);
}

#[test]
fn a_suspended_run_says_how_to_go_on() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let ended = folder.run(&["run", "approval"]);
    ended.expect(3);
    assert_eq!(
        ended.json(),
        serde_json::json!({
            "status": "suspended",
            "waiting": [{ "step": "approve", "reason": "Please approve", "data": { "amount": 3 }, "deadline": null }]
        })
    );
    assert!(
        ended.err.contains("--resume approve='{\"approved\":true}'"),
        "{}",
        ended.err
    );
    // What it proposes works.
    let ended = folder.run(&["run", "approval", "--resume", "approve={\"approved\":true}"]);
    assert_eq!(ended.expect(0).json(), serde_json::json!({ "approved": true }));
}

#[test]
fn several_waits_are_answered_in_the_order_they_come() {
    let text = workflow(
        "twice",
        &[
            "{ kind: andThen, id: first, suspend: { reason: one }, output: { a: =resume } }",
            "{ kind: andThen, id: second, suspend: { reason: two }, output: { a: =data.a, b: =resume } }",
        ],
    );
    let folder = Folder::new(&[("twice.yaml", &text), ("answer.json", "\"from a file\"")]);
    let ended = folder.run(&["run", "twice", "--resume", "second=@answer.json", "--resume", "first=1"]);
    assert_eq!(
        ended.expect(0).json(),
        serde_json::json!({ "a": 1, "b": "from a file" })
    );
    let ended = folder.run(&["run", "twice", "--resume", "second=2"]);
    ended.expect(3);
    assert!(
        ended
            .err
            .contains("warning: --resume second: no step of that name waited"),
        "{}",
        ended.err
    );
}

#[test]
fn an_item_of_a_loop_is_resumed_by_its_index() {
    let text = workflow(
        "each",
        &["{ kind: andForEach, id: loop, items: '=[1, 2]', concurrency: 2, \
             steps: [{ kind: andThen, id: ask, suspend: { reason: go }, output: =resume }] }"],
    );
    let folder = Folder::new(&[("each.yaml", &text)]);
    let ended = folder.run(&["run", "each", "--resume", "ask[1]=\"b\"", "--resume", "ask[0]=\"a\""]);
    assert_eq!(ended.expect(0).json(), serde_json::json!(["a", "b"]));
    folder
        .run(&["run", "each", "--resume", "ask[7]=1"])
        .expect(2)
        .says(&["--resume: no step `ask[7]` waits"]);
}

#[test]
fn mistakes_in_an_answer_are_explained() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let fails = |answer: &str, parts: &[&str]| {
        folder
            .run(&["run", "approval", "--resume", answer])
            .expect(2)
            .says(parts);
    };
    fails(
        "aprove={}",
        &["--resume aprove: there is no step `aprove`; did you mean `approve`?"],
    );
    fails("approve", &["--resume approve: write STEP=JSON"]);
    fails("approve={", &["--resume approve is not JSON"]);
    fails(
        "approve={}",
        &["the payload does not match its schema: `approved` is missing"],
    );
    fails("approve={\"approved\": 1}", &["/approved: expected true or false"]);
}

#[test]
fn a_batch_keeps_the_order_and_survives_bad_lines() {
    let text = "
kind: Workflow
id: wait
inputSchema: { type: object, required: [ms], properties: { ms: { type: integer } } }
steps:
  - { kind: andSleep, id: sleeping, duration: '{{ input.ms }}ms' }
  - { kind: andThen, id: done, set: =input.ms }
";
    let folder = Folder::new(&[("wait.yaml", text)]);
    let lines = "{\"ms\": 60}\n\n{\"ms\": \"x\"}\nnonsense\n\u{feff}\n{\"ms\": 1}\n{\"ms\": 30}";
    folder.write("lines.ndjson", lines.as_bytes());
    for ended in [
        folder.run(&["run", "wait", "--batch", "lines.ndjson"]),
        folder.run_with(&["run", "wait", "--batch", "-", "--concurrency", "1"], lines.as_bytes()),
    ] {
        let results: Vec<serde_json::Value> = ended
            .expect(1)
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let told: Vec<(u64, &str)> = results
            .iter()
            .map(|one| (one["line"].as_u64().unwrap(), one["status"].as_str().unwrap()))
            .collect();
        let expected = [
            (1, "completed"),
            (3, "error"),
            (4, "error"),
            (5, "error"),
            (6, "completed"),
            (7, "completed"),
        ];
        assert_eq!(told, expected);
        assert_eq!(results[0]["result"], 60);
        assert!(
            results[1]["error"]["message"].as_str().unwrap().contains("/ms"),
            "{}",
            results[1]
        );
        assert!(
            results[2]["error"]["message"]
                .as_str()
                .unwrap()
                .contains("line 4 is not JSON"),
            "{}",
            results[2]
        );
    }
}

#[test]
fn a_batch_runs_no_more_at_once_than_it_may() {
    let text = workflow("wait", &["{ kind: andSleep, id: sleeping, duration: 100ms }"]);
    let folder = Folder::new(&[("wait.yaml", &text)]);
    folder.write("lines.ndjson", "{}\n".repeat(8).as_bytes());
    let run = |concurrency: &str| folder.run(&["run", "wait", "--batch", "lines.ndjson", "--concurrency", concurrency]);
    let (two, eight) = (run("2"), run("8"));
    assert_eq!(two.expect(0).out.lines().count(), 8);
    // Four rounds cannot take less; one round that takes as long as four means that they wait for each other.
    assert!(two.took.as_millis() >= 400, "{:?}", two.took);
    assert!(eight.expect(0).took < two.took, "{:?} {:?}", eight.took, two.took);
    folder
        .run(&["run", "wait", "--batch", "lines.ndjson", "--concurrency", "0"])
        .expect(2)
        .says(&["--concurrency"]);
}

#[test]
fn a_batch_answers_waits_and_else_says_that_it_waits() {
    let folder = Folder::new(&[("approval.yaml", APPROVE)]);
    let ended = folder.run_with(&["run", "approval", "--batch", "-"], b"{}\n{}\n");
    let line = serde_json::json!({ "line": 2, "status": "suspended", "waiting": ["approve"] });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(ended.expect(3).out.lines().last().unwrap()).unwrap(),
        line
    );
    let arguments = [
        "run",
        "approval",
        "--batch",
        "-",
        "--resume",
        "approve={\"approved\":false}",
    ];
    let ended = folder.run_with(&arguments, b"{}\n{}\n");
    assert_eq!(ended.expect(0).out.lines().count(), 2);
}

#[test]
fn a_batch_answers_each_line_as_it_comes() {
    use std::io::{BufRead, BufReader, Write};
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let mut command = folder.command(&["run", "double", "--batch", "-"]);
    command.stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for n in 1..4 {
        writeln!(stdin, "{{\"n\": {n}}}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("{{\"n\":{}}}", n * 2)), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    for other in [
        &["--input", "{}"][..],
        &["--id", "x"],
        &["--events", "none"],
        &["--format", "yaml"],
    ] {
        let arguments = [&["run", "double", "--batch", "-"], other].concat();
        folder.run(&arguments).expect(2).says(&["cannot be used with"]);
    }
    folder
        .run(&["run", "double", "--concurrency", "2"])
        .expect(2)
        .says(&["--batch"]);
    folder
        .run(&["run", "double", "--inptu", "{}"])
        .expect(2)
        .says(&["--input"]);
    folder.run(&["frobnicate"]).expect(2).says(&["frobnicate"]);
    folder.run(&["run"]).expect(2).says(&["<FILE|ID>"]);
    folder.run(&["validate"]).expect(2).says(&["<PATH>..."]);
}

#[test]
fn validate_says_what_is_wrong_on_the_stream_that_was_asked_for() {
    let broken = workflow("broken", &["{ kind: andThen, id: a, sett: 1 }"]);
    let folder = Folder::new(&[("good/double.yaml", DOUBLE), ("bad/broken.yaml", &broken)]);
    folder
        .run(&["validate", "good"])
        .expect(0)
        .says(&["1 workflow and 0 agents checked, no findings"]);
    folder
        .run(&["validate", "good/double.yaml", "bad"])
        .expect(1)
        .says(&["bad/broken.yaml:4:29", "1 error"]);
    let ended = folder.run(&["validate", "good", "--format", "json"]);
    assert_eq!((ended.expect(0).out.as_str(), ended.err.as_str()), ("[]\n", ""));
    let ended = folder.run(&["validate", "bad", "--format", "json"]);
    assert_eq!(ended.expect(1).err, "");
    assert_eq!(ended.json()[0]["code"], "unknown-key");
    assert_eq!(ended.json()[0]["line"], 4);
}

#[test]
fn graph_draws_in_every_format() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let ended = folder.run(&["graph", "double"]);
    assert!(ended.expect(0).out.starts_with("flowchart"), "{}", ended.out);
    assert_eq!(ended.err, "");
    let ended = folder.run(&["graph", "double.yaml", "--format", "json"]);
    assert_eq!(ended.expect(0).json()["nodes"][0]["id"], "twice");
    let ended = folder.run(&["graph", "double", "--format", "tree"]);
    assert!(ended.expect(0).out.starts_with("double\n"), "{}", ended.out);
    let ended = folder.run(&["graph", "double", "--format", "svg"]);
    assert!(ended.expect(0).out.starts_with("<svg"), "{}", ended.out);
    let ended = folder.run(&["graph", "double", "--format", "dot"]);
    assert!(ended.expect(0).out.starts_with("digraph"), "{}", ended.out);
    folder
        .run(&["graph", "nowhere.yaml"])
        .expect(2)
        .says(&["there is no file or folder nowhere.yaml"]);
}

#[test]
fn graph_colours_the_events_of_a_run() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let ended = folder.run(&["run", "double", "--input", "{\"n\": 2}", "--events", "ndjson"]);
    ended.expect(0);
    std::fs::write(folder.path().join("events.ndjson"), &ended.err).expect("it can be written");
    let tree = folder.run(&["graph", "double", "--format", "tree", "--trace", "events.ndjson"]);
    assert!(tree.expect(0).out.contains("(success)"), "{}", tree.out);
    folder
        .run(&["graph", "double", "--trace", "double.yaml"])
        .expect(2)
        .says(&["there is no event in it", "--events ndjson"]);
}

#[test]
fn fmt_moves_lines_and_says_which_files_changed() {
    let untidy = "kind: Workflow\nid: a\nsteps:\n- kind: andThen # one\n  id: b\n  set: {  c: 1 }\n";
    let tidy = "kind: Workflow\nid: a\nsteps:\n  - kind: andThen # one\n    id: b\n    set: {  c: 1 }\n";
    let folder = Folder::new(&[("a.yaml", untidy), ("broken.yaml", "a: [1")]);
    let text = || std::fs::read_to_string(folder.path().join("a.yaml")).expect("it is there");
    folder
        .run(&["fmt", "--check", "a.yaml"])
        .expect(1)
        .says(&["a.yaml", "1 file would change"]);
    assert_eq!(text(), untidy);
    folder.run(&["fmt", "a.yaml"]).expect(0).says(&["1 file changed"]);
    assert_eq!(text(), tidy);
    folder.run(&["fmt", "--check", "a.yaml"]).expect(0);
    folder.run(&["fmt", "."]).expect(2).says(&["broken.yaml:1"]);
}

#[test]
fn completions_know_every_command() {
    let folder = Folder::new(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = folder.run(&["completions", shell]);
        assert!(ended.expect(0).out.contains("validate"), "{shell}: {}", ended.out);
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let folder = Folder::new(&[]);
    for command in [
        &["--help"][..],
        &["run", "--help"],
        &["validate", "--help"],
        &["graph", "--help"],
        &["fmt", "--help"],
        &["completions", "--help"],
    ] {
        let ended = folder.run(command);
        assert!(
            ended.expect(0).out.contains("\nExamples:\n  interpret "),
            "{command:?}: {}",
            ended.out
        );
        let short = [&command[..command.len() - 1], &["-h"]].concat();
        assert!(folder.run(&short).expect(0).out.contains("\nExamples:\n"), "{short:?}");
    }
    assert!(folder.run(&["--version"]).expect(0).out.starts_with("interpret "));
    folder.run(&[]).expect(2).says(&["Examples:"]);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let text = workflow("big", &["{ kind: andThen, id: a, set: '=range(100000)' }"]);
    let folder = Folder::new(&[("big.yaml", &text)]);
    for arguments in [
        &["run", "big", "--events", "none"][..],
        &["run", "big", "--format", "yaml"],
        &["graph", "big", "--format", "json"],
        &["validate", "big.yaml", "--format", "json"],
        &["run", "--help"],
    ] {
        let mut child = folder.command(arguments).spawn().unwrap();
        // Both ends are closed before anything was read.
        drop((child.stdout.take(), child.stderr.take()));
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
    let mut batch = folder.command(&["run", "big", "--batch", "-"]);
    batch.stdin(std::process::Stdio::piped());
    let mut child = batch.spawn().unwrap();
    drop(child.stdout.take());
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"{}\n{}\n").unwrap();
    let mut ended = Started {
        out: std::thread::spawn(String::new),
        err: std::thread::spawn(String::new),
        since: std::time::Instant::now(),
        child,
    };
    ended.child.stderr.take();
    ended.end().expect(0);
}

#[test]
fn events_are_given_to_the_waits_they_are_for() {
    let text = "
kind: Workflow
id: paid
events: { Paid: { role: response, schema: { type: object, required: [cents], properties: { cents: { type: integer }, by: { default: bank } } } } }
steps:
  - { kind: andThen, id: much, waitFor: { event: Paid, where: =event.cents > 10 } }
  - { kind: andThen, id: any, waitFor: { event: Paid }, output: [=steps.much.output.cents, =result] }
";
    let folder = Folder::new(&[
        ("paid.yaml", text),
        ("two.json", r#"{"cents": 2}"#),
        ("in.ndjson", "{}\n{}\n"),
    ]);
    let run = |arguments: &[&str]| folder.run(&[&["run", "paid", "--events", "none"], arguments].concat());
    let both = ["--event", "Paid=@two.json", "--event", r#"Paid={"cents": 20}"#];
    assert_eq!(
        run(&both).expect(0).json(),
        serde_json::json!([20, { "cents": 2, "by": "bank" }])
    );
    let one = run(&both[..2]);
    assert_eq!(one.expect(3).json()["waiting"][0]["step"], "much");
    assert!(one.err.contains("go on with --event Paid='{\"cents\":"), "{}", one.err);
    let fails = |event: &str, part: &str| {
        run(&["--event", event]).expect(2).says(&[part]);
    };
    fails("Paid", "--event Paid: write NAME=JSON");
    fails(
        "Payd={}",
        "no step waits for an event of that name; did you mean `Paid`?",
    );
    fails(
        "Paid={}",
        "--event Paid: the event does not match its schema: `cents` is missing",
    );
    fails("Paid=x", "--event Paid is not JSON");
    let batch = folder.run(&[&["run", "paid", "--batch", "in.ndjson"], &both[..]].concat());
    assert_eq!(batch.expect(0).out.lines().count(), 2);
}
