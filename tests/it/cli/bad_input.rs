//! Input that is wrong or made to hurt: a clear message with its place, soon, in bounded memory, and never a panic.

use std::process::Command;
use std::time::Duration;

use super::{DOUBLE, Ended, Folder, Started, workflow};

/// What the program may take of memory in all, its own code included, in kilobytes.
const MEMORY: u32 = 700_000;

/// An unoptimised program on a busy machine needs some time; what is endless needs more.
const SOON: Duration = Duration::from_secs(20);

/// Runs the program within bounds of memory and time.
#[track_caller]
fn bounded(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = within_memory(arguments);
    folder.prepare(&mut command);
    let ended = Started::new(command).end();
    assert!(ended.took < SOON, "{arguments:?} took {:?}", ended.took);
    ended
}

#[cfg(target_os = "linux")]
fn within_memory(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"");
    command
        .args(["-c", &limited, env!("CARGO_BIN_EXE_interpret")])
        .args(arguments);
    command
}

#[cfg(not(target_os = "linux"))]
fn within_memory(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
    command.args(arguments);
    command
}

/// A file that `validate` refuses with 1, and `run` and `graph` with 2, all with the same words.
#[track_caller]
fn refused(bytes: &[u8], parts: &[&str]) {
    let folder = Folder::new(&[]);
    folder.write("bad.yaml", bytes);
    bounded(&folder, &["validate", "bad.yaml"]).expect(1).says(parts);
    bounded(&folder, &["run", "bad.yaml"]).expect(2).says(parts);
    bounded(&folder, &["graph", "bad.yaml"]).expect(2).says(parts);
    let ended = bounded(&folder, &["validate", "--format", "json", "bad.yaml"]);
    assert!(!ended.expect(1).json().as_array().unwrap().is_empty());
}

#[test]
fn malformed_yaml() {
    refused(
        b"kind: Workflow\nid: bad\nsteps: [ {\n",
        &["error[syntax]", "bad.yaml:4:1"],
    );
    refused(b"kind: Workflow\n id: bad\n", &["error[syntax]", "bad.yaml:2:"]);
    refused(b"kind: Workflow\nid: *nobody\n", &["bad.yaml:2:5"]);
}

#[test]
fn an_alias_bomb() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    refused(
        bomb.as_bytes(),
        &["error[too-large]: the aliases expand to more than", "bad.yaml:6:10"],
    );
}

#[test]
fn a_hundred_thousand_levels_of_nesting() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let value = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let text = format!("kind: Workflow\nid: deep\nsteps:\n  {value}\n");
        refused(
            text.as_bytes(),
            &["error[too-large]: lists and mappings are nested ", "bad.yaml:4:"],
        );
    }
}

#[test]
fn deep_steps_within_the_limits_of_yaml() {
    let mut step = "{ kind: andThen, id: s0, set: 1 }".to_owned();
    for level in 1..60 {
        step = format!("{{ kind: andTry, id: s{level}, steps: [{step}], catch: [{{ set: 1 }}] }}");
    }
    let folder = Folder::new(&[("deep.yaml", &workflow("deep", &[&step]))]);
    let ended = bounded(&folder, &["validate", "deep.yaml"]);
    if ended.code == Some(0) {
        bounded(&folder, &["run", "deep.yaml"]).expect(0);
    }
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let file = std::fs::File::create(folder.path().join("bad.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    for (command, code) in [("validate", 1), ("run", 2)] {
        bounded(&folder, &[command, "bad.yaml"])
            .expect(code)
            .says(&["bad.yaml is larger than 16 MiB"]);
    }
    let large = &["bad.yaml is larger than"];
    bounded(&folder, &["run", "double", "--mocks", "bad.yaml"])
        .expect(2)
        .says(large);
    bounded(&folder, &["run", "double", "--input", "@bad.yaml"])
        .expect(2)
        .says(large);
    // A batch is read line by line, and this is one line.
    let ended = bounded(&folder, &["run", "double", "--batch", "bad.yaml"]);
    assert!(
        ended.expect(1).out.contains("line 1 is longer than 64 MiB"),
        "{}",
        ended.out
    );
}

#[test]
fn input_without_an_end() {
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    if !std::path::Path::new("/dev/zero").exists() {
        return;
    }
    bounded(&folder, &["validate", "/dev/zero"])
        .expect(1)
        .says(&["/dev/zero is larger than 16 MiB"]);
    bounded(&folder, &["run", "double", "--input", "@/dev/zero"])
        .expect(2)
        .says(&["larger than 64 MiB"]);
    bounded(&folder, &["run", "double", "--mocks", "/dev/zero"])
        .expect(2)
        .says(&["larger than 16 MiB"]);
}

#[test]
fn invalid_utf8() {
    refused(
        b"kind: Workflow\nid: \xff\n",
        &["error[not-utf8]", "bad.yaml:2:5", "save the file as UTF-8"],
    );
    refused(b"\xff\xfek\0i\0", &["error[not-utf8]", "UTF-16"]);
    let folder = Folder::new(&[("double.yaml", DOUBLE)]);
    let ended = folder.run_with(&["run", "double", "--input", "-"], b"{\"n\":\n\"\xff\"}");
    ended.expect(2).says(&["standard input is not UTF-8 text: line 2"]);
}

#[test]
fn an_endless_template() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}\
                  {% endfor %}{% endfor %}";
    let large = "{{ 'x' * 1000000000 }}";
    let doubling = "{% set s = 'x' %}{% for a in range(9) %}{{ (range(9999) | join('xxxxxxxxx')) * 99 }}{% endfor %}";
    for template in [nested, large, doubling] {
        let text = workflow(
            "endless",
            &[&format!("{{ kind: andThen, id: t, set: \"{template}\" }}")],
        );
        let folder = Folder::new(&[("bad.yaml", &text)]);
        let ended = bounded(&folder, &["run", "bad.yaml"]);
        ended.expect(1).says(&["error[expression.", "bad.yaml:4:"]);
    }
}

#[test]
fn an_expression_of_ten_megabytes() {
    for expression in [
        format!("=1{}", "+1".repeat(5_000_000)),
        format!("={}1{}", "(".repeat(5_000_000), ")".repeat(5_000_000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(5_000_000)),
        format!("={}", "not ".repeat(2_500_000)),
    ] {
        let text = workflow("long", &[&format!("{{ kind: andThen, id: t, set: \"{expression}\" }}")]);
        refused(text.as_bytes(), &["error[too-large]: this ", "bad.yaml:4:"]);
    }
    // Within the limit of bytes, and still too much.
    for expression in [
        "(".repeat(30_000),
        "not ".repeat(16_000),
        "-".repeat(60_000),
        format!("1{}", "+1".repeat(30_000)),
    ] {
        let text = workflow(
            "long",
            &[&format!("{{ kind: andThen, id: t, set: \"={expression}\" }}")],
        );
        refused(text.as_bytes(), &["error[", "bad.yaml:4:"]);
    }
}

#[test]
fn a_workflow_that_calls_itself() {
    let certain = workflow("bad", &["{ kind: andWorkflow, id: call, workflow: bad }"]);
    refused(
        certain.as_bytes(),
        &[
            "error[endless-recursion]: the workflow `bad` calls itself",
            "bad.yaml:4:5",
        ],
    );
    let step =
        "{ kind: andWhen, id: maybe, condition: =true, steps: [{ kind: andWorkflow, id: call, workflow: bad }] }";
    let folder = Folder::new(&[("bad.yaml", &workflow("bad", &[step]))]);
    bounded(&folder, &["run", "bad"])
        .expect(1)
        .says(&["error[workflow.depth]", "bad.yaml:4:"]);
    // Twice at each level: the depth is bounded, and so the breadth must be by something else.
    let twice = format!("{{ kind: andTry, id: t, steps: [{step}], catch: [{{ set: 1 }}] }}");
    let again = twice
        .replace("maybe", "maybe2")
        .replace("call", "call2")
        .replace("id: t,", "id: t2,");
    let folder = Folder::new(&[("bad.yaml", &workflow("bad", &[&twice, &again]))]);
    bounded(&folder, &["validate", "bad.yaml"]).expect(0);
}

#[test]
fn what_is_not_there() {
    let folder = Folder::new(&[("double.yaml", DOUBLE), ("empty/notes.txt", "nothing")]);
    folder
        .run(&["validate", "duoble.yaml"])
        .expect(1)
        .says(&["there is no file or folder duoble.yaml", "double.yaml?"]);
    folder
        .run(&["run", "duoble.yaml"])
        .expect(2)
        .says(&["there is no file or folder duoble.yaml", "double.yaml?"]);
    folder
        .run(&["validate", "empty"])
        .expect(1)
        .says(&["the folder empty holds no workflow files"]);
    folder
        .run(&["run", "empty"])
        .expect(2)
        .says(&["empty is a folder; give a file"]);
    std::fs::remove_file(folder.path().join("double.yaml")).unwrap();
    folder
        .run(&["run", "double"])
        .expect(2)
        .says(&["no workflow in this folder or in `workflows/`"]);
}

#[test]
fn a_schema_that_refers_to_itself() {
    let schema = |schema: &str| {
        format!(
            "{}inputSchema: {schema}\n",
            workflow("bad", &["{ kind: andThen, id: a, set: 1 }"])
        )
    };
    for circle in [
        "{ $ref: '#' }",
        "{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }",
        "{ $ref: circle.json }",
        "{ allOf: [{ $ref: '#' }] }",
        "{ type: object, properties: { a: { $ref: '#', default: {} } } }",
    ] {
        let folder = Folder::new(&[
            ("bad.yaml", &schema(circle)),
            ("circle.json", r#"{ "$ref": "circle.json" }"#),
        ]);
        let ended = bounded(&folder, &["run", "bad.yaml", "--input", r#"{"a": {"a": {}}}"#]);
        assert!(matches!(ended.code, Some(0 | 2)), "{circle}: {ended:#?}");
    }
    let tree = schema("{ type: object, properties: { a: { $ref: '#' } } }");
    let folder = Folder::new(&[("bad.yaml", &tree)]);
    let wrong = r#"{"a": {"a": {"a": 1}}}"#;
    bounded(&folder, &["run", "bad.yaml", "--input", wrong])
        .expect(2)
        .says(&["/a/a/a: expected an object"]);
}

#[test]
fn deep_and_large_input() {
    let folder = Folder::new(&[("any.yaml", &workflow("any", &["{ kind: andThen, id: a, set: =input }"]))]);
    let run = |input: &[u8]| folder.run_with(&["run", "any", "--input", "-", "--events", "none"], input);
    let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat().into_bytes();
    run(&nested(100)).expect(0);
    for levels in [129, 1000, 100_000] {
        run(&nested(levels))
            .expect(2)
            .says(&["standard input is not JSON: recursion limit"]);
    }
    run(&b"[".repeat(100_000))
        .expect(2)
        .says(&["standard input is not JSON"]);
    let large = ["\"".to_owned(), "a".repeat(65 << 20), "\"".to_owned()]
        .concat()
        .into_bytes();
    run(&large).expect(2).says(&["standard input is larger than 64 MiB"]);
    let wide = format!("[{}1]", "1,".repeat(500_000)).into_bytes();
    assert!(run(&wide).took < SOON);
}
