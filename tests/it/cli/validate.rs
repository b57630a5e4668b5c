//! `interpret validate`: formats, denied warnings, corrections, and what codes mean.

use super::{DOUBLE, Folder, workflow};

/// A mistyped kind, a missing `=` and missing quotes, with the line ends of Windows and a byte order mark.
const THREE: &str = "\u{feff}kind: Workflow\r\nid: three # é\r\nsteps:\r\n  - { kind: andThn, id: a, set: 1 }\r\n  \
    - { kind: andWhen,   id: b, condition: input.x > 1, set: {{ input.x }} }\r\n";

const WARNED: &str = "{ kind: andThen, id: b, set: 1, catch: [{ set: 1 }, { on: [timeout], set: 2 }] }";

#[test]
fn annotations_are_for_github() {
    let text = workflow("broken", &["{ kind: andThen, id: a, sett: 1 }"]);
    let folder = Folder::new(&[("a,b/broken.yaml", &text), ("good.yaml", DOUBLE)]);
    let ended = folder.run(&["validate", "--format", "github", "a,b"]);
    let line =
        "::error file=a%2Cb/broken.yaml,line=4,col=29,endLine=4,endColumn=32,title=unknown-key::`sett` is not a key";
    assert!(ended.expect(1).out.starts_with(line), "{}", ended.out);
    assert_eq!(ended.err, "");
    let ended = folder.run(&["validate", "--format", "github", "good.yaml"]);
    assert_eq!(ended.expect(0).out, "");
}

#[test]
fn warnings_can_be_denied() {
    let folder = Folder::new(&[("warned.yaml", &workflow("warned", &[WARNED])), ("good.yaml", DOUBLE)]);
    folder.run(&["validate", "warned.yaml"]).expect(0).says(&["1 warning"]);
    folder
        .run(&["validate", "--deny-warnings", "warned.yaml"])
        .expect(1)
        .says(&["warning[unreachable]"]);
    folder.run(&["validate", "--deny-warnings", "good.yaml"]).expect(0);
}

#[test]
fn corrections_change_nothing_else() {
    let folder = Folder::new(&[("three.yaml", THREE), ("good.yaml", DOUBLE)]);
    let read = || std::fs::read_to_string(folder.path().join("three.yaml")).unwrap();
    let ended = folder.run(&["validate", "--fix", "--dry-run", "."]);
    assert!(
        ended.expect(1).out.contains("+  - { kind: andThen, id: a, set: 1 }"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("3 errors"), "{}", ended.err);
    assert_eq!(read(), THREE);

    let ended = folder.run(&["validate", "--fix", "."]);
    ended.expect(0);
    assert!(
        ended.out.contains("-  - { kind: andThn, id: a, set: 1 }"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("good.yaml"), "{}", ended.out);
    assert!(ended.err.contains("corrected 1 file"), "{}", ended.err);
    let expected = THREE
        .replace("andThn", "andThen")
        .replace("condition: input.x > 1", "condition: =input.x > 1")
        .replace("{{ input.x }}", "\"{{ input.x }}\"");
    assert_eq!(read(), expected);

    let ended = folder.run(&["validate", "--fix", "."]);
    assert_eq!(ended.expect(0).out, "");
}

#[test]
fn what_a_correction_uncovers_is_corrected_too() {
    // Only what is a workflow has keys and kinds.
    let text = "kind: Workfow\nid: w\nsteps:\n  - { kind: andWen, id: a, conditon: =input.x, set: 1 }\n";
    let folder = Folder::new(&[("w.yaml", text)]);
    folder.run(&["validate", "--fix", "w.yaml"]).expect(0);
    let text = std::fs::read_to_string(folder.path().join("w.yaml")).unwrap();
    assert!(
        text.contains("kind: Workflow\n") && text.contains("andWhen") && text.contains("condition:"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_corrected_is_still_told() {
    let text = workflow(
        "w",
        &["{ kind: andThn, id: a, set: 1 }", "{ kind: andThen, id: a, set: 1 }"],
    );
    let folder = Folder::new(&[("w.yaml", &text)]);
    let ended = folder.run(&["validate", "--fix", "--format", "json", "w.yaml"]);
    let left = ended.expect(1).json();
    assert_eq!(
        (left[0]["code"].as_str(), left.as_array().unwrap().len()),
        (Some("duplicate-id"), 1)
    );
    assert!(ended.err.contains("+  - { kind: andThen"), "{}", ended.err);
    folder
        .run(&["validate", "--dry-run", "w.yaml"])
        .expect(2)
        .says(&["--fix"]);
}

#[test]
fn codes_are_explained() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&["validate", "--explain", "unknown-key"]);
    assert_eq!(ended.expect(0).out, interpret::diagnostic::Code::UnknownKey.page());
    let ended = folder.run(&["validate", "--explain", "[http.status]"]);
    assert!(ended.expect(0).out.starts_with("# `http.status`\n"), "{}", ended.out);
    folder
        .run(&["validate", "--explain", "unkown-key"])
        .expect(2)
        .says(&["did you mean `unknown-key`?"]);
    folder
        .run(&["validate", "--explain", "zzz"])
        .expect(2)
        .says(&["in brackets"]);
    folder.run(&["validate", "--explain", "unknown-key", "."]).expect(2);
}

#[test]
fn the_page_about_checking_shows_what_happens() {
    let page = std::fs::read_to_string("docs/checking.md").unwrap();
    let (_, session) = page.split_once("```console\n$ interpret ").unwrap();
    let (command, shown) = session.split("```").next().unwrap().split_once('\n').unwrap();
    let before = shown.lines().skip(3).filter(|line| !line.starts_with('+'));
    let before: String = before.map(|line| format!("{}\n", &line[1..])).collect();
    let folder = Folder::new(&[("order.yaml", &before)]);
    let arguments: Vec<&str> = command.split(' ').collect();
    assert_eq!(folder.run(&arguments).expect(1).out, shown);
}

#[test]
fn what_belongs_to_the_configuration_is_no_workflow() {
    let folder = Folder::new(&[
        ("good.yaml", DOUBLE),
        (
            "interpret.yaml",
            "connections: { one: { kind: scripted, answers: said.answers.yaml } }\n",
        ),
        ("said.answers.yaml", "- { output: Hello }\n"),
    ]);
    let all = ["validate", "good.yaml", "interpret.yaml", "said.answers.yaml"];
    folder
        .run(&all)
        .expect(0)
        .says(&["1 workflow and 0 agents checked, no findings"]);
    let ended = folder.run(&["run", "said.answers.yaml"]);
    ended
        .expect(2)
        .says(&["said.answers.yaml belongs to the configuration"]);
}
