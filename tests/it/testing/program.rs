//! `interpret test` as scripts and people see it.

use std::path::Path;

use super::{Folder, ORDER, interpret_test};

const TEST: &str = "\
kind: WorkflowTest
workflow: order
cases:
  - name: small, paid
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    mocks: { pay: { output: { id: p-1 } } }
    expect: { result: { paid: p-1 } }
  - name: large, waits
    input: { amount: 500 }
    expect: { waiting: approve }
";

#[test]
fn the_examples_pass() {
    let ended = interpret_test(Path::new(env!("CARGO_MANIFEST_DIR")), &["workflows", "--check"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("workflows/etl.test.yaml ... "), "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn a_line_for_each_file_failures_in_detail_and_a_summary() {
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", TEST)]);
    let ended = folder.test(&[]);
    assert_eq!(
        (ended.code, &*ended.err),
        (Some(0), "order.test.yaml ... 2 passed\n\n2 passed\n")
    );
    folder.write("order.yaml", &ORDER.replace("> 100", "> 1000"));
    let ended = folder.test(&[]);
    assert_eq!(ended.code, Some(1));
    for line in [
        "order.test.yaml ... 1 passed, 1 failed",
        "--- order.test.yaml: large, waits",
        "error[status]: the run failed, expected `suspended`: expression.undefined: ",
        "--> order.yaml:11:5",
        "1 passed, 1 failed",
    ] {
        assert!(ended.err.contains(line), "{line}: {}", ended.err);
    }
}

#[test]
fn cases_are_selected_by_path_and_filter() {
    let other = ORDER.replace("id: order", "id: other");
    let other_test = TEST.replace("workflow: order", "workflow: other");
    let folder = Folder::new(&[
        ("order.yaml", ORDER),
        ("order.test.yaml", TEST),
        ("sub/other.yaml", &other),
        ("sub/other.test.yaml", &other_test),
    ]);
    for (arguments, passed) in [
        (&[][..], 4),
        (&["sub"], 2),
        (&["order.test.yaml"], 2),
        (&["sub/other.yaml"], 2),
        (&["--filter", "waits"], 2),
        (&["--filter", "sub/", "--jobs", "1"], 2),
    ] {
        let ended = folder.test(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.err);
        assert!(
            ended.err.ends_with(&format!("\n{passed} passed\n")),
            "{arguments:?}: {}",
            ended.err
        );
    }
    let ended = folder.test(&["--filter", "nothing like it"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("no case has `nothing like it`"), "{}", ended.err);
    assert_eq!(Folder::new(&[]).test(&[]).code, Some(2), "no tests are no success");
}

#[test]
fn a_mistake_in_a_test_file_is_found_by_test_and_by_validate() {
    let folder = Folder::new(&[
        ("order.yaml", ORDER),
        ("order.test.yaml", &TEST.replace("pay:", "pai:")),
    ]);
    let ended = folder.test(&[]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("there is no step `pai` in the workflow `order`"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("did you mean `pay`?"), "{}", ended.err);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_interpret"));
    let output = command.args(["validate", "."]).current_dir(&folder.0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `pay`?"));
}

#[test]
fn reports_for_programs_hold_every_failure() {
    let folder = Folder::new(&[
        ("order.yaml", ORDER),
        ("order.test.yaml", &TEST.replace("paid: p-1", "paid: 'p-<2>'")),
    ]);
    let json: serde_json::Value = serde_json::from_str(&folder.test(&["--format", "json"]).out).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    let case = &json["cases"][0];
    assert_eq!(case["name"], "small, paid");
    assert_eq!(case["problems"][0]["line"], 8);
    assert_eq!(case["problems"][0]["kind"], "result");
    assert_eq!(json["cases"][1]["passed"], true);
    let junit = folder.test(&["--format", "junit"]).out;
    assert!(
        junit.contains(r#"<testsuites name="interpret" tests="2" skipped="0" failures="1" errors="0">"#),
        "{junit}"
    );
    assert!(
        junit.contains(r#"<testcase name="small, paid" classname="order.test.yaml">"#),
        "{junit}"
    );
    assert!(junit.contains("expected &quot;p-&lt;2&gt;&quot;"), "{junit}");
    let github = folder.test(&["--format", "github"]);
    let line = "::error file=order.test.yaml,line=8,col=31,title=small%2C paid::`result.paid` is \"p-1\", expected \"p-<2>\"\n";
    assert_eq!(github.out, format!("{line}1 passed, 1 failed\n"));
    assert_eq!(github.code, Some(1));
}
