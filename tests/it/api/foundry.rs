//! The clients of Foundry's projects, as they are: the oldest and the newest packages that are supported.

use std::path::Path;
use std::process::{Command, Output};

use interpret::data;
use interpret::data::Data;

use super::{Answer, Served, block_on, client};
use crate::python::{environment, told};
use crate::suites;

/// Says itself what is shown.
const GREETING: &str = "
kind: Workflow
id: greeting
steps:
  - { kind: andThen, id: hello, emit: { event: message, data: { role: assistant, text: \"Hello, {{ input }}.\" } } }
  - { kind: andThen, id: bye, emit: { event: message, data: { role: assistant, text: Good bye. } } }
";

/// Waits for a person.
const APPROVAL: &str = "
kind: Workflow
id: approval
steps:
  - { kind: andThen, id: tell, emit: { event: message, data: Is it fine? } }
  - kind: andThen
    id: ask
    suspend: { reason: Waiting }
    resumeSchema: { type: object, required: [approved], properties: { approved: { type: boolean } } }
  - { kind: andThen, id: settle, emit: { event: message, data: \"Approved: {{ steps.ask.output.approved }}\" } }
";

/// Asks an agent, which shows what it says.
const DESK: &str = "
kind: Workflow
id: desk
steps:
  - { kind: andAgent, id: answer, agent: { model: script/any }, prompt: =input }
";

/// The model counts what it was told before.
const ANSWERS: &str = "
- { when: \"=request.messages is defined and request.messages | length == 2\", output: You have said 2 things. }
- { output: Tea it is., usage: { inputTokens: 10, outputTokens: 5 } }
";

const MODELS: &str = "connections: { script: { kind: scripted, answers: desk.answers.yaml } }";

const BROKEN: &str = "
kind: Workflow
id: broken
steps:
  - { kind: andThen, id: look, fail: { code: order.lost, message: there is no such order } }
";

const STRICT: &str = "
kind: Workflow
id: strict
inputSchema: { type: object, required: [n], properties: { n: { type: number } } }
steps:
  - { kind: andThen, id: double, set: =input.n * 2 }
";

fn served() -> Served {
    served_with(&[])
}

fn served_with(arguments: &[&str]) -> Served {
    let files = [
        ("greeting.yaml", GREETING),
        ("approval.yaml", APPROVAL),
        ("desk.yaml", DESK),
        ("broken.yaml", BROKEN),
        ("strict.yaml", STRICT),
        ("desk.answers.yaml", ANSWERS),
        ("interpret.yaml", MODELS),
    ];
    let mut all = vec!["--config", "w/interpret.yaml"];
    all.extend(arguments);
    Served::with(&files, &all)
}

/// Lists of packages: the oldest that are supported, and the newest.
const PACKAGES: [&str; 2] = ["foundry-oldest", "foundry-newest"];

/// What the published page leaves to its readers. `ItemType` is a name of older packages only.
const BEFORE: &str = r#"
import os
from azure.ai.projects import AIProjectClient
from azure.identity import DefaultAzureCredential
try:
    from azure.ai.projects.models import ItemType
except ImportError:
    class ItemType:
        WORKFLOW_ACTION = "workflow_action"
project_client = AIProjectClient(endpoint=os.environ["ENDPOINT"], credential=DefaultAzureCredential())
openai_client = project_client.get_openai_client()
"#;

#[test]
fn the_code_of_the_published_page_runs_unchanged_with_the_oldest_and_the_newest_packages() {
    let Some(page) = suites::file("seeds/foundry.md") else {
        return;
    };
    let mut code = BEFORE.to_owned();
    for block in page.split("```python\n").skip(1) {
        code.push_str(block.split("```").next().unwrap());
    }
    let workflow = GREETING.replace("id: greeting", "id: triage-workflow");
    let served = Served::new(&[("triage.yaml", &workflow)]);
    for list in PACKAGES {
        let Some(python) = environment(list) else { return };
        let output = run(&served, &python, &["-c", &code], "local");
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(
            lines,
            [
                "Action 'hello' completed with status: completed",
                "Action 'bye' completed with status: completed",
                "Workflow completed:",
                "Hello, Users can't reset their password from the mobile app..",
                "Good bye.",
            ],
            "{list}"
        );
    }
}

#[test]
fn clients_of_foundry_find_here_what_they_are_used_to() {
    let served = served();
    for list in PACKAGES {
        let Some(python) = environment(list) else { return };
        let mut scenarios = vec!["streams", "waits", "talks", "fails", "keeps"];
        if list == "foundry-newest" {
            scenarios.extend(["looks", "binds"]);
        }
        scripted(&served, &python, &scenarios, "local");
    }
}

#[test]
fn a_token_of_the_server_reaches_it_by_the_credential_of_azure() {
    let Some(python) = environment(PACKAGES[1]) else { return };
    let token = "interpret_a-long-random-token";
    let hash = {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(token.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let auth = format!("tokens:\n  - {{ name: ann, hash: \"sha256:{hash}\", scope: run }}\n");
    let folder = crate::cli::Folder::new(&[("auth.yaml", auth.as_str())]);
    let file = folder.path().join("auth.yaml");
    let served = served_with(&["--auth", file.to_str().unwrap()]);
    scripted(&served, &python, &["streams", "waits"], token);
    let refused = python_in(&served, &python, &[SCRIPT, "streams"], "another");
    assert!(!refused.status.success());
}

#[test]
fn of_two_answers_in_one_conversation_one_counts_and_the_other_is_refused_for_good() {
    let served = served();
    let conversation = served.post("/x/conversations", &data!({})).at("/id");
    let body = |text: &str| {
        let agent = data!({ "name": "approval" });
        data!({ "input": text, "conversation": conversation.clone(), "agent": agent })
    };
    let waiting = served.post("/x/openai/v1/responses", &body("Order 7"));
    assert_eq!(waiting.at("/status"), data!("completed"));
    let answers = block_on(async {
        let say = async || {
            let request = client().post(format!("{}/x/openai/v1/responses", served.base));
            Answer::of(request.body(body("yes").to_string()).send().await.unwrap()).await
        };
        futures_util::future::join_all([say(), say()]).await
    });
    let approved = |answer: &Answer| answer.body.to_string().contains("Approved: true");
    assert_eq!(
        answers.iter().filter(|answer| approved(answer)).count(),
        1,
        "{answers:?}"
    );
    for answer in &answers {
        // Who is late may also begin anew, where the first is over already.
        match answer.status {
            200 => {}
            status => {
                assert_eq!(status, 400, "{answer:?}");
                assert_eq!(answer.headers["x-should-retry"], "false");
                assert_eq!(answer.at("/error/param"), data!("conversation"));
            }
        }
    }
}

#[test]
fn a_response_is_told_again_and_a_pause_is_answered_after_the_server_was_killed() {
    let mut served = served();
    let made = served.post("/conversations", &data!({ "metadata": { "topic": "tea" } }));
    let conversation = made.at("/id");
    let say = |served: &Served, text: &str| {
        let body =
            data!({ "input": text, "conversation": conversation.clone(), "agent_reference": { "name": "approval" } });
        served.post("/responses", &body)
    };
    let first = say(&served, "Order 7");
    served.kill_and_restart();
    let id = first.at("/id").to_text();
    assert_eq!(served.get(&format!("/responses/{id}")).body, first.body);
    let second = say(&served, "yes");
    assert_eq!(second.at("/status"), data!("completed"), "{second:?}");
    let kept = served.get(&format!("/conversations/{}/items?order=asc", conversation.to_text()));
    let texts: Vec<Data> = (0..4)
        .map(|at| kept.at(&format!("/data/{at}/content/0/text")))
        .collect();
    assert_eq!(
        texts,
        ["Order 7", "Is it fine?", "yes", "Approved: true"].map(Data::from)
    );
}

#[test]
fn the_conversations_of_one_user_do_not_exist_for_another() {
    let (ann, bob) = ("interpret_token-of-ann", "interpret_token-of-bob");
    let hash = |token: &str| {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(token.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let auth = format!(
        "tokens:\n  - {{ name: ann, hash: \"sha256:{}\", scope: run, user: ann }}\n  - {{ name: bob, hash: \"sha256:{}\", scope: run, user: bob }}\n",
        hash(ann),
        hash(bob)
    );
    let folder = crate::cli::Folder::new(&[("auth.yaml", auth.as_str())]);
    let file = folder.path().join("auth.yaml");
    let served = served_with(&["--auth", file.to_str().unwrap()]);
    let (ann, bob) = (format!("Bearer {ann}"), format!("Bearer {bob}"));
    let post = |path: &str, body: &Data, token: &str| served.post_with(path, body, &[("authorization", token)]);
    let conversation = post("/conversations", &data!({}), &ann).at("/id");
    let body = data!({ "input": "Order 7", "conversation": conversation.clone(), "agent": { "name": "approval" } });
    let made = post("/responses", &body, &ann);
    assert_eq!(made.status, 200, "{made:?}");
    let refused = post("/responses", &body, &bob);
    assert_eq!(
        (refused.status, refused.at("/error/param")),
        (404, data!("conversation"))
    );
    let cancelled = post(
        &format!("/responses/{}/cancel", made.at("/id").to_text()),
        &data!({}),
        &bob,
    );
    assert_eq!(cancelled.status, 404);
    assert_eq!(served.get("/conversations/x").status, 401);
}

/// An agent whose tool needs a person's consent.
const PAYS: &str = "
kind: Workflow
id: pays
steps:
  - kind: andAgent
    id: clerk
    agent:
      model: script/any
      tools: [{ workflow: greeting, description: Pays, approval: true }]
    prompt: Pay
";

const PAYS_ANSWERS: &str = "
- { turn: 0, calls: [{ greeting: { cents: 5 } }] }
- { output: Paid. }
";

#[test]
fn the_approval_of_a_tool_is_asked_for_and_answered() {
    let files = [
        ("greeting.yaml", GREETING),
        ("pays.yaml", PAYS),
        ("pays.answers.yaml", PAYS_ANSWERS),
        (
            "interpret.yaml",
            "connections: { script: { kind: scripted, answers: pays.answers.yaml } }",
        ),
    ];
    let served = Served::with(&files, &["--config", "w/interpret.yaml"]);
    // The name of an agent need not be written as its id is, and a client may call it a model.
    let first = served.post("/v1/responses", &data!({ "model": "Pays", "input": "Go on" }));
    let asked = first.at("/output/1");
    assert_eq!(asked.get("type"), Some(&data!("mcp_approval_request")), "{first:?}");
    assert_eq!(
        (asked.get("name"), asked.get("arguments")),
        (Some(&data!("greeting")), Some(&data!("{\"cents\":5}")))
    );
    let consent = data!({ "type": "mcp_approval_response", "approval_request_id": "x", "approve": true });
    let body = data!({ "model": "pays", "input": [consent], "previous_response_id": first.at("/id") });
    let second = served.post("/v1/responses", &body);
    assert_eq!(second.at("/status"), data!("completed"), "{second:?}");
    assert!(second.body.to_string().contains("Good bye."), "{second:?}");
}

#[test]
fn what_a_path_ends_with_decides_and_webhooks_come_first() {
    let hook = "
kind: Workflow
id: hooked
triggers: [{ webhook: { path: /mine/responses } }]
steps: [{ kind: andThen, id: only, set: 1 }]
";
    let served = Served::new(&[("hooked.yaml", hook), ("greeting.yaml", GREETING)]);
    let body = data!({ "agent": { "name": "greeting" }, "input": "Bo" });
    for path in [
        "/responses",
        "/openai/responses?api-version=2025-11-15-preview",
        "/foundry/openai/v1/responses",
        "/a/b/c/openai/v1/responses",
        "/agents/greeting/endpoint/protocols/openai/responses",
    ] {
        let answer = served.post(path, &body);
        assert_eq!(answer.at("/object"), data!("response"), "{path}: {answer:?}");
    }
    assert_eq!(served.post("/mine/responses", &body).at("/object"), Data::Null);
    assert_eq!(served.get("/nothing/here").at("/code"), data!("not-found"));
    assert_eq!(served.post("/foundry/nothing", &body).at("/code"), data!("not-found"));
    let written = served.post("/agents/greeting/versions", &data!({}));
    assert_eq!(
        (written.status, written.at("/error/type")),
        (400, data!("invalid_request_error"))
    );
    let malformed = served.post("/responses", &data!([]));
    assert_eq!(malformed.status, 400, "{malformed:?}");
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/foundry.py");

fn scripted(served: &Served, python: &Path, scenarios: &[&str], identity: &str) {
    let mut arguments = vec![SCRIPT];
    arguments.extend(scenarios);
    let told = run(served, python, &arguments, identity);
    let passed = scenarios.iter().map(|scenario| format!("{scenario} passed\n"));
    assert_eq!(told, passed.collect::<String>());
}

/// What a program says on its standard output.
fn run(served: &Served, python: &Path, arguments: &[&str], identity: &str) -> String {
    let output = python_in(served, python, arguments, identity);
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Python as it runs where a project is: the credential finds the endpoint of a managed identity, which is the server's.
fn python_in(served: &Served, python: &Path, arguments: &[&str], identity: &str) -> Output {
    let mut command = Command::new(python.join("bin/python"));
    command
        .args(arguments)
        .env("ENDPOINT", format!("{}/api/projects/demo", served.base))
        .env("IDENTITY_ENDPOINT", format!("{}/msi/token", served.base))
        .env("IDENTITY_HEADER", identity)
        .current_dir(served.folder.path());
    command.output().unwrap()
}
