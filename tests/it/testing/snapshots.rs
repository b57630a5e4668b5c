//! Snapshots: new, changed, accepted, orphaned, and as the real insta sees them.

use std::process::Command;

use super::{Folder, ORDER};

const TEST: &str = "\
kind: WorkflowTest
workflow: order
mocks: { pay: { output: { id: p-1 } } }
cases:
  - name: small, paid
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    snapshot: trace
  - name: \"its: result\"
    input: { amount: 5 }
    env: { CURRENCY: EUR }
    snapshot: result
";

const PAID: &str = "snapshots/order__small_paid.snap";

fn accepted() -> Folder {
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", TEST)]);
    assert_eq!(folder.test(&["--accept"]).code, Some(0));
    folder
}

#[test]
fn a_new_snapshot_waits_for_review_until_it_is_accepted() {
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", TEST)]);
    let ended = folder.test(&["--check"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("there is no snapshot snapshots/order__small_paid.snap yet"),
        "{}",
        ended.err
    );
    assert_eq!(folder.files("snapshots"), [""; 0], "a check writes nothing");
    assert_eq!(folder.test(&[]).code, Some(1));
    assert_eq!(
        folder.files("snapshots"),
        ["order__its_result.snap.new", "order__small_paid.snap.new"]
    );
    let ended = folder.test(&["--accept"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.err.ends_with("2 passed, 2 accepted\n"), "{}", ended.err);
    assert_eq!(
        folder.files("snapshots"),
        ["order__its_result.snap", "order__small_paid.snap"]
    );
    assert_eq!(folder.test(&["--check"]).code, Some(0));
    let expected = "\
---
source: order.test.yaml
expression: small, paid
---
run: started {\"amount\":5}
approve: skipped
pay: started
pay: calls {\"http\":\"POST\",\"url\":\"https://bank.example.com/pay\",\"body\":{\"amount\":5,\"in\":\"EUR\"}}
pay: got {\"id\":\"p-1\"}
pay: completed {\"paid\":\"p-1\",\"at\":\"2026-01-01T00:00:00.000Z\",\"run\":\"test\"}
run: completed {\"paid\":\"p-1\",\"at\":\"2026-01-01T00:00:00.000Z\",\"run\":\"test\"}
=> completed after no time
";
    assert_eq!(folder.read(PAID), expected);
}

#[test]
fn a_changed_trace_is_shown_and_points_at_the_step() {
    let folder = accepted();
    folder.write(
        "order.yaml",
        &ORDER.replace("amount: =input.amount", "amount: =input.amount * 2"),
    );
    let ended = folder.test(&["--filter", "small"]);
    assert_eq!(ended.code, Some(1));
    for part in [
        "from line 4 on, at the step `pay`",
        "--> order.yaml:11:5",
        "   4 -pay: calls {\"http\":\"POST\",\"url\":\"https://bank.example.com/pay\",\"body\":{\"amount\":5,",
        "   4 +pay: calls {\"http\":\"POST\",\"url\":\"https://bank.example.com/pay\",\"body\":{\"amount\":10,",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert!(folder.path(&format!("{PAID}.new")).exists());
    // Back again, nothing waits for review.
    folder.write("order.yaml", ORDER);
    assert_eq!(folder.test(&["--check"]).code, Some(1), "one still waits");
    assert_eq!(folder.test(&[]).code, Some(0));
    assert_eq!(folder.test(&["--check"]).code, Some(0));
}

#[test]
fn nothing_is_accepted_of_a_run_that_went_wrong() {
    let folder = Folder::new(&[
        ("order.yaml", ORDER),
        (
            "order.test.yaml",
            &TEST.replace("mocks: { pay: { output: { id: p-1 } } }\n", ""),
        ),
    ]);
    assert_eq!(folder.test(&["--accept"]).code, Some(1));
    assert_eq!(folder.files("snapshots"), [""; 0]);
}

#[test]
fn orphans_fail_a_check_and_are_removed_by_accept() {
    let folder = accepted();
    folder.write("order.test.yaml", &TEST.replace("small, paid", "renamed"));
    folder.write("snapshots/of-rust.snap", "---\nsource: src/lib.rs\n---\nx\n");
    folder.write("snapshots/gone__case.snap", "---\nsource: gone.test.yaml\n---\nx\n");
    assert_eq!(folder.test(&[]).code, Some(1), "the renamed one is new");
    let ended = folder.test(&["--check"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains("snapshots/order__small_paid.snap\n"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains(", 2 orphaned\n"), "{}", ended.err);
    assert_eq!(folder.test(&["--accept"]).code, Some(0));
    assert_eq!(
        folder.files("snapshots"),
        ["of-rust.snap", "order__its_result.snap", "order__renamed.snap"]
    );
    assert_eq!(folder.test(&["--check"]).code, Some(0));
}

#[test]
fn ci_is_a_check() {
    let folder = Folder::new(&[("order.yaml", ORDER), ("order.test.yaml", TEST)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
    let output = command
        .arg("test")
        .current_dir(&folder.0)
        .env("CI", "true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(folder.files("snapshots"), [""; 0]);
}

#[test]
fn insta_reads_what_was_written() {
    let folder = accepted();
    let snapshot = insta::Snapshot::from_file(&folder.path(PAID)).unwrap();
    assert_eq!(snapshot.metadata().source(), Some("order.test.yaml"));
    assert_eq!(snapshot.metadata().expression(), Some("small, paid"));
    let other = insta::Snapshot::from_file(&folder.path("snapshots/order__its_result.snap")).unwrap();
    assert_eq!(other.metadata().expression(), Some("its: result"));
    let insta::internals::SnapshotContents::Text(text) = other.contents() else {
        panic!("it is a text");
    };
    let json: serde_json::Value = serde_json::from_str(&text.to_string()).unwrap();
    assert_eq!(json["result"]["paid"], "p-1");
}

/// The version of cargo-insta, that of the crate in `Cargo.lock`.
const CARGO_INSTA: &str = "1.49.0";

/// Builds cargo-insta, once for a target folder: it takes minutes, so this runs in CI only, or when it is asked for.
#[test]
fn the_real_cargo_insta_lists_and_accepts() {
    if std::env::var_os("CI").is_none() && std::env::var_os("INTERPRET_CARGO_INSTA").is_none() {
        eprintln!("skipped: set INTERPRET_CARGO_INSTA=1 to build cargo-insta and try it");
        return;
    }
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-insta");
    let program = root.join("bin/cargo-insta");
    if !program.exists() {
        let mut install = Command::new(env!("CARGO"));
        install.args(["install", "cargo-insta", "--version", CARGO_INSTA, "--locked", "--root"]);
        let status = install.arg(&root).status().unwrap();
        assert!(status.success(), "cargo-insta cannot be built");
    }
    // It asks cargo about the folder, which has to be a package therefore.
    let package = "[package]\nname = \"flows\"\nversion = \"0.0.0\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n";
    let folder = Folder::new(&[
        ("Cargo.toml", package),
        ("lib.rs", ""),
        ("order.yaml", ORDER),
        ("order.test.yaml", TEST),
    ]);
    assert_eq!(folder.test(&[]).code, Some(1));
    let insta = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .arg("insta")
            .args(arguments)
            .arg("--workspace-root")
            .arg(&folder.0)
            .current_dir(&folder.0);
        for variable in ["CI", "INSTA_UPDATE", "INSTA_WORKSPACE_ROOT"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out.into_owned()
    };
    let pending = insta(&["pending-snapshots"]);
    for name in ["order__small_paid.snap", "order__its_result.snap"] {
        assert!(pending.contains(name), "{pending}");
    }
    insta(&["accept"]);
    assert_eq!(
        folder.files("snapshots"),
        ["order__its_result.snap", "order__small_paid.snap"]
    );
    let ended = folder.test(&["--check"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!insta(&["pending-snapshots"]).contains("order__"));
}
