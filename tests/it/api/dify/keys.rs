//! Keys: each for one workflow, with and without others to say who they are.

use std::process::Command;

use super::{Served, ask, text};
use crate::cli::Folder;

const GREET: &str = "app-greet0123456789abcdefghij";
const OTHER: &str = "app-other0123456789abcdefghij";
const ADMIN: &str = "admin-0123456789abcdefghijklmnopqrstuvwxyz";

const TWO: &str = "
kind: Workflow
id: greet
steps: [{ kind: andThen, id: text, set: { text: hello } }]
---
kind: Workflow
id: other
steps: [{ kind: andThen, id: text, set: { text: good day } }]
";
const BODY: &str = r#"{ "inputs": {}, "user": "ada" }"#;

fn configured(arguments: &[&str]) -> Served {
    let hash = |key: &str| {
        use sha2::Digest;
        let digits: String = sha2::Sha256::digest(key)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("sha256:{digits}")
    };
    let keys = format!(
        "dify: {{ keys: {{ greet: '{}', other: ['{}'] }} }}",
        hash(GREET),
        hash(OTHER)
    );
    let access = format!("tokens: [{{ name: admin, hash: '{}', scope: admin }}]", hash(ADMIN));
    Served::beside(
        &[("interpret.yaml", &keys), ("access.yaml", &access)],
        &[("two.yaml", TWO)],
        arguments,
    )
}

fn says(served: &Served, key: &str) -> String {
    let answer = ask(served, "POST", "/v1/workflows/run", key, BODY);
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer, "/data/outputs/text")
}

/// The status and code of a refusal in this protocol's shape.
fn refused(served: &Served, method: &str, path: &str, key: &str) -> (u16, String) {
    let answer = ask(served, method, path, key, BODY);
    assert_eq!(
        answer.at("/status").as_i64(),
        Some(i64::from(answer.status)),
        "{answer:?}"
    );
    assert!(!text(&answer, "/message").is_empty(), "{answer:?}");
    if answer.status == 401 {
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"");
    }
    (answer.status, text(&answer, "/code"))
}

#[test]
fn a_key_is_for_one_workflow_and_nothing_else() {
    for arguments in [&[][..], &["--auth", "access.yaml"]] {
        let served = configured(arguments);
        assert_eq!(
            (says(&served, GREET), says(&served, OTHER)),
            ("hello".into(), "good day".into())
        );
        let run = ask(&served, "POST", "/dify/v1/workflows/run", GREET, BODY);
        let detail = format!("/v1/workflows/run/{}", text(&run, "/workflow_run_id"));
        assert_eq!(ask(&served, "GET", &detail, GREET, "{}").status, 200);
        assert_eq!(refused(&served, "GET", &detail, OTHER), (404, "not_found".into()));
        // Where keys are configured, no others are made up.
        for key in ["app-greet", "wrong", ""] {
            let refusal = refused(&served, "POST", "/v1/workflows/run", key);
            assert_eq!(refusal, (401, "unauthorized".into()), "{key}");
        }
        assert_eq!(
            refused(&served, "POST", "/v1/workflows/run", ADMIN),
            (401, "unauthorized".into())
        );
    }
    // Beside tokens, a key is none for other routes.
    let served = configured(&["--auth", "access.yaml"]);
    for path in ["/workflows", "/workflows/greet", "/metrics"] {
        assert_eq!(ask(&served, "GET", path, GREET, "").status, 401, "{path}");
        assert_eq!(ask(&served, "GET", path, ADMIN, "").status, 200, "{path}");
    }
}

#[test]
fn without_keys_the_id_is_one_and_with_one_workflow_any_is() {
    let two = Served::with(&[("two.yaml", TWO)], &["--store", "memory"]);
    assert_eq!(
        (says(&two, "app-greet"), says(&two, "app-other")),
        ("hello".into(), "good day".into())
    );
    assert_eq!(
        refused(&two, "POST", "/v1/workflows/run", "app-none"),
        (401, "unauthorized".into())
    );
    let one = TWO.split("---").next().unwrap();
    let one = Served::with(&[("one.yaml", one)], &["--store", "memory"]);
    assert_eq!(says(&one, "whatever"), "hello");
}

#[test]
fn a_key_that_is_a_secret_needs_its_grant_and_is_long_enough() {
    let files = [
        ("w/two.yaml", TWO),
        ("interpret.yaml", "dify: { keys: { greet: =secrets.GREET_KEY } }"),
    ];
    let folder = Folder::new(&files);
    let start = |grant: &[&str], key: &str| {
        let mut command: Command = folder.command(&["serve", "w", "--store", "memory", "--addr", "127.0.0.1:0"]);
        let output = command.args(grant).env("GREET_KEY", key).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = start(&[], GREET);
    assert!(code == Some(2) && said.contains("--allow-env=GREET_KEY"), "{said}");
    let (code, said) = start(&["--allow-env=GREET_KEY"], "short");
    assert!(
        code == Some(2) && said.contains("24 visible") && !said.contains("short\n"),
        "{said}"
    );
}
