//! What outlives a process: runs, forms and files.

use super::{Served, ask, ask_at, served, text, upload};

/// The frames of a stream that ends by itself.
fn events(served: &Served, path: &str, key: &str) -> Vec<String> {
    let answer = ask(served, "GET", path, key, "{}");
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let told = answer.body.as_str().unwrap().to_owned();
    let frames = told
        .split_terminator("\n\n")
        .filter_map(|frame| frame.strip_prefix("data: "));
    let kinds = frames.map(|frame| {
        let frame: interpret::data::Data = serde_json::from_str(frame).unwrap();
        frame.get("event").and_then(|event| event.as_str()).unwrap().to_owned()
    });
    kinds.collect()
}

#[test]
fn a_killed_server_keeps_files_forms_and_streams() {
    let mut served = served();
    let file = upload(&served, "app-everything", "note.txt", "what it says");
    assert_eq!(
        (file.status, text(&file, "/mime_type")),
        (201, "text/plain".into()),
        "{file:?}"
    );
    let id = text(&file, "/id");
    let begun = ask(
        &served,
        "POST",
        "/v1/workflows/run",
        "app-approve",
        r#"{ "inputs": { "amount": 7 }, "user": "ada" }"#,
    );
    let (run, token) = (
        text(&begun, "/workflow_run_id"),
        text(&begun, "/data/reasons/0/form_token"),
    );
    assert!(!token.is_empty(), "{begun:?}");
    let folder = served.folder.path().join("runs.files");
    served.kill_and_restart();
    let names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [id.as_str()]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join(&id)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let read = ask(&served, "GET", &format!("/v1/files/{id}/preview"), "app-everything", "");
    assert_eq!((read.status, read.body.as_str()), (200, Some("what it says")));
    let snapshot = format!("/v1/workflow/{run}/events?user=ada&include_state_snapshot=true");
    let kinds = events(&served, &snapshot, "app-approve");
    assert_eq!(&kinds[kinds.len() - 2..], ["human_input_required", "workflow_paused"]);
    let answer = r#"{ "action": "drop", "inputs": { "by": "bob" }, "user": "bob" }"#;
    let form = format!("/v1/form/human_input/{token}");
    assert_eq!(ask(&served, "POST", &form, "app-approve", answer).status, 200);
    let rest = events(&served, &format!("/v1/workflow/{run}/events?user=ada"), "app-approve");
    assert_eq!(rest.last().map(String::as_str), Some("workflow_finished"));
    assert_eq!(ask(&served, "POST", &form, "app-approve", answer).status, 412);
    let detail = ask(&served, "GET", &format!("/v1/workflows/run/{run}"), "app-approve", "{}");
    assert_eq!(
        text(&detail, "/data/outputs/paid") + &text(&detail, "/outputs/paid"),
        "drop"
    );
}

#[test]
fn of_two_answers_to_a_form_one_counts() {
    let served = served();
    let body = r#"{ "inputs": { "amount": 7 }, "user": "ada" }"#;
    for _ in 0..5 {
        let begun = ask(&served, "POST", "/v1/workflows/run", "app-approve", body);
        let form = format!("/v1/form/human_input/{}", text(&begun, "/data/reasons/0/form_token"));
        let answer = r#"{ "action": "pay", "inputs": { "by": "bob" }, "user": "bob" }"#;
        let base = &served.base;
        let mut statuses = std::thread::scope(|scope| {
            let post = || ask_at(base, "POST", &form, "app-approve", answer).status;
            let both = [scope.spawn(post), scope.spawn(post)];
            both.map(|one| one.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

#[test]
fn with_all_statuses_pauses_and_handled_errors_have_words_of_their_own() {
    let configuration = format!("{}\ndify: {{ statuses: all }}", super::CONFIGURATION);
    let served = Served::beside(
        &[("interpret.yaml", &configuration), ("answers.yaml", super::ANSWERS)],
        &[("all.yaml", super::WORKFLOWS)],
        &["--store", "memory"],
    );
    let status = |key: &str, body: &str| {
        let answer = ask(&served, "POST", "/v1/workflows/run", key, body);
        text(&answer, "/data/status")
    };
    assert_eq!(
        status("app-approve", r#"{ "inputs": { "amount": 7 }, "user": "ada" }"#),
        "paused"
    );
    assert_eq!(
        status("app-careful", r#"{ "inputs": {}, "user": "ada" }"#),
        "partial-succeeded"
    );
}
