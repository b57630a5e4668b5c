//! What is said when a run may not begin or goes wrong.

use super::{Folder, workflow};

const REACHES: &str = "
kind: Workflow
id: reaches
permissions: { http: [api.example.com], exec: [sort], env: [HOME] }
steps:
  - { kind: andThen, id: load, http: { url: 'https://api.example.com/x' } }
  - { kind: andThen, id: sort, exec: { command: [sort] } }
  - { kind: andThen, id: home, set: =env.HOME }
";

#[test]
fn what_is_not_granted_is_refused_with_the_flag_that_grants_it() {
    let folder = Folder::new(&[("reaches.yaml", REACHES)]);
    folder.run(&["run", "reaches"]).expect(2).says(&[
        "--allow-net=api.example.com",
        "--allow-exec=sort",
        "--allow-env=HOME",
        "--mocks FILE",
    ]);
    let ended = folder.run(&["run", "reaches", "--allow-net=*.example.com", "--allow-exec"]);
    ended.expect(2).says(&["--allow-env=HOME"]);
    assert!(
        !ended.err.contains("--allow-net") && !ended.err.contains("--allow-exec"),
        "{}",
        ended.err
    );
    folder
        .run(&["run", "reaches", "--allow-net=a b"])
        .expect(2)
        .says(&["--allow-net: "]);
}

#[test]
fn mocks_stand_for_what_is_not_granted() {
    let mocks = "load: { output: { a: 1 } }\n'so*': { output: sorted, after: 1ms }\n";
    let folder = Folder::new(&[("reaches.yaml", REACHES), ("mocks.yaml", mocks)]);
    let ended = folder.run(&["run", "reaches", "--mocks", "mocks.yaml"]);
    assert_eq!(ended.expect(0).json(), "$HOME");
}

#[test]
fn a_missing_mock_is_shown_as_it_is_to_be_written() {
    let steps = [
        "{ kind: andThen, id: load, http: { url: 'https://api.example.com/x' } }",
        "{ kind: andThen, id: search, mcp: { server: desk, tool: search } }",
        "{ kind: andThen, id: price, function: { name: price } }",
        "{ kind: andAgent, id: write, agent: writer, prompt: hello }",
    ];
    let header = "permissions: { http: [api.example.com], mcp: [desk] }\n";
    let text = workflow("calls", &steps).replace("steps:\n", &format!("{header}steps:\n"));
    let agent = "\n---\nkind: Agent\nid: writer\nmodel: openai/gpt-4o\n";
    let folder = Folder::new(&[("calls.yaml", &(text + agent))]);
    let mut mocks = String::from("laod: { output: 1 }\n");
    for step in ["load", "search", "price", "write"] {
        folder.write("mocks.yaml", mocks.as_bytes());
        let ended = folder.run(&["run", "calls", "--mocks", "mocks.yaml"]);
        let proposal = format!("mocks.yaml has no answer for it; add for example `{step}: {{ output: {{}} }}`");
        ended.expect(1).says(&[
            &proposal,
            "warning: mocks.yaml: `laod` is no step",
            "did you mean `load`?",
        ]);
        mocks.push_str(&format!("{step}: {{ output: {{}} }}\n"));
    }
    folder.write("mocks.yaml", mocks.as_bytes());
    folder.run(&["run", "calls", "--mocks", "mocks.yaml"]).expect(0);
}

#[test]
fn mistakes_in_mocks_are_shown_with_their_places() {
    let folder = Folder::new(&[("reaches.yaml", REACHES)]);
    let fails = |mocks: &str, parts: &[&str]| {
        folder.write("mocks.yaml", mocks.as_bytes());
        folder
            .run(&["run", "reaches", "--mocks", "mocks.yaml"])
            .expect(2)
            .says(parts);
    };
    fails("load: [ {\n", &["error[syntax]", "mocks.yaml:2:1"]);
    fails(
        "load: { output: 1 }\nsort:\n  outptu: 1\n",
        &["`outptu` is not known here", "mocks.yaml:3:"],
    );
    fails("load: { after: soon }\n", &["mocks.yaml:1:", "soon"]);
    fails(
        "[]\n",
        &[
            "mocks are an object of step ids and answers, not a list",
            "mocks.yaml:1:1",
        ],
    );
    fails("load: 3\n", &[", not a number", "mocks.yaml:1:"]);
    fails("load: { after: 3 }\n", &["such as `2s`, not a number", "mocks.yaml:1:"]);
    folder
        .run(&["run", "reaches", "--mocks", "no.yaml"])
        .expect(2)
        .says(&["--mocks: cannot read no.yaml"]);
    folder.write("mocks.yaml", b"load:\n  output: \xff\n");
    folder
        .run(&["run", "reaches", "--mocks", "mocks.yaml"])
        .expect(2)
        .says(&["mocks.yaml is not UTF-8", "line 2"]);
}

#[test]
fn an_error_shows_the_step_the_code_and_what_led_to_it() {
    let text = "
kind: Workflow
id: fails
steps:
  - kind: andTry
    id: block
    steps: [{ kind: andThen, id: first, fail: { code: BAD, message: it went wrong, data: { a: 1 } } }]
    catch: [{ on: [BAD], fail: { code: WORSE, message: and then worse } }]
";
    let folder = Folder::new(&[("fails.yaml", text)]);
    folder.run(&["run", "fails.yaml"]).expect(1).says(&[
        "error[WORSE]: and then worse",
        "--> fails.yaml:8:26",
        "    catch: [{ on: [BAD]",
        "caused by BAD in step `first`: it went wrong",
    ]);
}

#[test]
fn an_error_tells_the_attempt_and_the_data() {
    let step = "{ kind: andThen, id: f, retry: { attempts: 3, delay: 1ms, on: [BAD] }, \
                fail: { code: BAD, message: no, data: { id: 7 } } }";
    let folder = Folder::new(&[("again.yaml", &workflow("again", &[step]))]);
    let ended = folder.run(&["run", "again"]);
    ended
        .expect(1)
        .says(&["this was attempt 3 of step `f`", "data: {\"id\":7}", "again.yaml:4:5"]);
    assert_eq!(
        ended.err.matches("f: failed, trying again: BAD: no").count(),
        2,
        "{}",
        ended.err
    );
}

#[test]
fn an_error_in_a_child_shows_the_step_of_the_child() {
    // Both have a step of the same id: the one that failed counts.
    let folder = Folder::new(&[
        (
            "main.yaml",
            &workflow(
                "main",
                &[
                    "{ kind: andThen, id: same, set: 1 }",
                    "{ kind: andWorkflow, id: call, workflow: child }",
                ],
            ),
        ),
        (
            "child.yaml",
            &workflow(
                "child",
                &["{ kind: andThen, id: same, fail: { code: DEEP, message: down here } }"],
            ),
        ),
    ]);
    let ended = folder.run(&["run", "main"]);
    ended.expect(1).says(&["error[DEEP]: down here", "--> child.yaml:4:5"]);
}

#[test]
fn texts_from_outside_cannot_command_a_terminal() {
    let steps = ["{ kind: andThen, id: f, suspend: { reason: \"a\\e[31m\\nb\", data: { key: \"\\e[2J\" } } }"];
    let folder = Folder::new(&[("evil.yaml", &workflow("evil", &steps))]);
    for form in [&[][..], &["--events", "text"]] {
        let ended = folder.run(&[&["run", "evil"], form].concat());
        assert!(!ended.expect(3).err.contains('\u{1b}'), "{:?}", ended.err);
    }
}

#[test]
fn colours_are_for_terminals_or_who_asks_for_them() {
    let text = workflow("fails", &["{ kind: andThen, id: f, fail: { code: BAD, message: no } }"]);
    let folder = Folder::new(&[("fails.yaml", &text)]);
    let colored = |variables: &[(&str, &str)]| {
        let mut command = folder.command(&["run", "fails"]);
        command.envs(variables.iter().copied());
        super::Started::new(command).end().expect(1).err.contains('\u{1b}')
    };
    assert!(!colored(&[]));
    assert!(colored(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[("NO_COLOR", "1")]));
    assert!(!colored(&[("NO_COLOR", "1"), ("CLICOLOR", "1")]));
}

#[test]
fn an_error_in_an_expression_is_marked_at_its_place() {
    let steps = [
        "{ kind: andThen, id: shape, set: =data.order + data.amount }",
        "{ kind: andThen, id: text, set: \"for {{ data.order.nmae }}\" }",
        "{ kind: andThen, id: twice, set: { a: =data.order.n, b: =data.order.n } }",
        "{ kind: andWhen, id: yes, condition: =data.order.n, set: 1 }",
    ];
    let marked = |step: &str, input: &str| {
        let folder = Folder::new(&[("fails.yaml", &workflow("fails", &[step]))]);
        let ended = folder.run(&["run", "fails", "--input", input]);
        let mut lines = ended.expect(1).err.lines().skip_while(|line| !line.contains(" | "));
        let line = lines.next().unwrap_or_default().to_owned();
        let marks = lines.next().unwrap_or_default();
        let at = marks.find('^').unwrap();
        (
            line[at..].chars().take(marks.matches('^').count()).collect::<String>(),
            ended.err,
        )
    };
    let is = |step: &str, input: &str, part: &str| {
        let (found, err) = marked(step, input);
        assert_eq!(found, part, "{err}");
    };
    is(steps[0], r#"{"order": 1}"#, "data.amount");
    is(steps[1], r#"{"order": {"name": 1}}"#, "data.order.nmae");
    is(steps[3], r#"{"order": {"n": 1}}"#, "data.order.n");
    // Where the same is written twice, the step is all that is known.
    is(steps[2], r#"{"order": {}}"#, steps[2]);
}
