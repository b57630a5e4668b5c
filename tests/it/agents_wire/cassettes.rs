//! Exchanges that are recorded, and answered from the recording.

use interpret::data;
use interpret::provider::{Cassette, Recorder, Replay};
use serde_json::json;

use super::*;

const LOOK: &str = "
kind: Workflow
id: test
steps:
  - kind: andAgent
    id: desk
    agent: { model: one/m, tools: [{ workflow: look }] }
    prompt: Go
    retry: { attempts: 2, delay: 1s }
---
kind: Workflow
id: look
steps: [{ kind: andThen, id: looked, set: seen }]
";

async fn record(folder: &Folder, kind: &'static str) -> String {
    let path = folder.0.join("said.ndjson");
    let server = Server::new([
        Turn::Refuses(503, vec![], json!({ "error": { "message": format!("no {KEY}") } })),
        Turn::Calls(vec![("look", json!({}))]),
        Turn::Says("Hello s3cr3t-t0ken/of+one"),
    ])
    .await;
    let setting = Setting {
        tape: Some(Tape::Record(Arc::new(Recorder::create(&path).unwrap()))),
        ..Setting::new(kind)
    };
    let driver = setting.driver(server.port);
    assert_eq!(end(&driver, LOOK).await, RunEnd::Completed(data!("Hello [secret KEY]")));
    std::fs::read_to_string(path).unwrap()
}

fn replaying(folder: &Folder, kind: &'static str) -> Driver {
    let cassette = Cassette::open(&folder.0.join("said.ndjson")).unwrap();
    let setting = Setting {
        // Nothing is reached.
        permit: Permit::nothing(),
        tape: Some(Tape::Replay(Arc::new(Replay::new(Arc::new(cassette))))),
        ..Setting::new(kind)
    };
    setting.driver(1)
}

#[test]
fn a_recorded_run_is_replayed_without_its_provider() {
    for kind in KINDS {
        block_on(async {
            let folder = Folder::new();
            let recorded = record(&folder, kind).await;
            assert_eq!(recorded.lines().count(), 3, "{recorded}");
            assert!(!recorded.contains("t0ken"), "{recorded}");
            let replayed = end(&replaying(&folder, kind), LOOK).await;
            assert_eq!(replayed, RunEnd::Completed(data!("Hello [secret KEY]")), "{kind}");
        });
    }
}

#[test]
fn what_was_not_recorded_fails_with_the_difference() {
    block_on(async {
        let folder = Folder::new();
        record(&folder, "responses").await;
        let changed = LOOK
            .replace("prompt: Go", "prompt: Go now")
            .replace("attempts: 2", "attempts: 1");
        let failure = failure(&replaying(&folder, "responses"), &changed).await;
        assert_eq!(&*failure.code, "agent.unrecorded");
        for line in ["-      \"content\": \"Go\"", "+      \"content\": \"Go now\""] {
            assert!(failure.message.contains(line), "{}", failure.message);
        }
    });
}

#[test]
fn test_files_are_answered_from_a_recording() {
    block_on(async {
        let folder = Folder::new();
        record(&folder, "anthropic").await;
        folder.write("test.yaml", LOOK);
        folder.write(
            "test.test.yaml",
            "kind: WorkflowTest\nworkflow: test\ncases:\n  - { name: hello, expect: { result: \"Hello [secret KEY]\" } }\n",
        );
        let test = |more: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_interpret"));
            let output = command.current_dir(&folder.0).arg("test").args(more).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (code, told) = test(&["--replay-models", "said.ndjson"]);
        assert_eq!(code, Some(0), "{told}");
        let (code, told) = test(&[]);
        assert_eq!(code, Some(1), "{told}");
    });
}
