//! Dify's workflow API: its client from PyPI as it stands, and what that client cannot say.

mod kept;
mod keys;

use std::path::Path;
use std::process::Command;

use super::{Answer, Served, block_on, client};
use crate::python;

const WORKFLOWS: &str = include_str!("workflows.yaml");
const CONFIGURATION: &str = "connections: { offline: { kind: scripted, answers: answers.yaml } }";
const ANSWERS: &str = "- { agent: knows, output: Seven it is, usage: { inputTokens: 9, outputTokens: 3 } }";

fn served() -> Served {
    Served::beside(
        &[("interpret.yaml", CONFIGURATION), ("answers.yaml", ANSWERS)],
        &[("all.yaml", WORKFLOWS)],
        &[],
    )
}

/// Runs a script of `tests/python/dify` with the client, against a server of its own.
#[track_caller]
fn script(name: &str) {
    let Some(python) = python::environment("dify-oapi2") else {
        return;
    };
    let served = served();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/python/dify/{name}.py"));
    let mut command = Command::new(python.join("bin/python"));
    command
        .arg("-B")
        .arg(script)
        .arg(&served.base)
        .current_dir(served.folder.path());
    let output = command.output().unwrap();
    // The client warns of inputs that are a mapping, on the other stream.
    let done = output.status.success() && output.stdout.ends_with(b"done\n");
    assert!(done, "{}", python::told(&output));
}

#[test]
fn the_code_of_the_published_examples_runs() {
    script("seed");
}

#[test]
fn runs_come_to_what_the_client_expects_and_so_do_refusals() {
    script("runs");
}

#[test]
fn events_come_in_the_documented_order_and_a_cut_stream_goes_on() {
    script("streams");
}

#[test]
fn a_person_is_asked_by_a_form_and_answers_once() {
    script("human");
}

#[test]
fn files_are_kept_checked_and_given_to_workflows() {
    script("files");
}

/// Asks with a key.
fn ask(served: &Served, method: &str, path: &str, key: &str, body: &str) -> Answer {
    ask_at(&served.base, method, path, key, body)
}

fn ask_at(base: &str, method: &str, path: &str, key: &str, body: &str) -> Answer {
    block_on(async {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client().request(method, format!("{}{path}", base));
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await
    })
}

/// Uploads a file as a form.
fn upload(served: &Served, key: &str, name: &str, content: &str) -> Answer {
    let part =
        |head: &str, content: &str| format!("--cut\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let body =
        part("name=\"user\"", "ada") + &part(&format!("name=\"file\"; filename=\"{name}\""), content) + "--cut--\r\n";
    block_on(async {
        let request = client().post(format!("{}/v1/files/upload", served.base));
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "multipart/form-data; boundary=cut")
            .body(body);
        Answer::of(request.send().await.unwrap()).await
    })
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.at(pointer).as_str().unwrap_or_default().to_owned()
}
