//! Runs that become tests, and runs that are replayed with another definition.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::{Ended, Folder};

/// A shop whose bank is at `URL`.
const SHOP: &str = "\
kind: Workflow
id: shop
inputSchema: { type: object, required: [amount], properties: { amount: { type: number } } }
permissions: { http: [127.0.0.1] }
steps:
  - kind: andWhen
    id: approve
    condition: =input.amount > 100
    suspend: { reason: Please approve }
    resumeSchema: { type: object, required: [ok], properties: { ok: { type: boolean } } }
  - kind: andThen
    id: pay
    http: { method: POST, url: URL/pay, body: { amount: =input.amount } }
    retry: { attempts: 3, delay: 10ms }
    output: { paid: =result.id, run: =execution.id }
  - kind: andThen
    id: shipped
    waitFor: { event: Shipped, where: =event.id == data.paid }
    output: { paid: =data.paid, run: =data.run, by: =result.by }
";

/// A bank that is busy the first time, and then pays. It serves as many requests as it is to be asked.
fn bank(requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for number in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 8192];
            let mut text = String::new();
            while !text.contains("\r\n\r\n{") {
                let read = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            let (status, body) = match number {
                0 => ("503 Service Unavailable", "{}"),
                _ => ("200 OK", r#"{"id": "p-1"}"#),
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
            write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    url
}

impl Folder {
    fn interpret(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interpret"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .env_remove("CI");
        let output = command.output().unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the shop for a large order, and keeps it in a file.
    fn shop(&self, file: &str) {
        let url = bank(2);
        self.write("shop.yaml", &SHOP.replace("URL", &url));
        let ended = self.interpret(&[
            "run",
            "shop.yaml",
            "--input",
            r#"{"amount": 500}"#,
            "--resume",
            r#"approve={"ok": true}"#,
            "--event",
            r#"Shipped={"id": "p-1", "by": "Ada"}"#,
            "--allow-net=127.0.0.1",
            "--record",
            file,
        ]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.out.contains("\"by\": \"Ada\""), "{}", ended.out);
    }
}

#[test]
fn a_recorded_run_is_a_test_that_passes() {
    let folder = Folder::new(&[]);
    folder.shop("shop.test.yaml");
    let text = folder.read("shop.test.yaml");
    let ended = folder.test(&["--coverage"]);
    assert_eq!(ended.code, Some(0), "{text}\n{}", ended.err);
    assert!(ended.err.contains("\n1 passed"), "{}", ended.err);
    // The id of the run is another each time, so nothing is said about it, but about the rest.
    assert!(text.contains("run: =value is defined"), "{text}");
    assert!(text.contains("by: Ada") && text.contains("paid: p-1"), "{text}");
    assert!(text.contains("code: http.status"), "the first attempt failed: {text}");
    // The test notices what the run would have noticed.
    let shop = folder.read("shop.yaml");
    folder.write("shop.yaml", &shop.replace("by: =result.by", "by: nobody"));
    assert_eq!(folder.test(&[]).code, Some(1));
}

#[test]
fn a_run_that_waits_or_fails_is_recorded_too() {
    let folder = Folder::new(&[("shop.yaml", &SHOP.replace("URL", "http://127.0.0.1:9"))]);
    let waiting = [
        "run",
        "shop.yaml",
        "--input",
        r#"{"amount": 500}"#,
        "--allow-net=127.0.0.1",
        "--record",
    ];
    let ended = folder.interpret(&[&waiting[..], &["waits.test.yaml"]].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let failing = [
        "run",
        "shop.yaml",
        "--input",
        r#"{"amount": 5}"#,
        "--allow-net=127.0.0.1",
        "--record",
    ];
    let ended = folder.interpret(&[&failing[..], &["fails.test.yaml"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let ended = folder.test(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("\n2 passed"), "{}", ended.err);
    assert!(
        folder.read("waits.test.yaml").contains("waiting:\n    - approve"),
        "{}",
        folder.read("waits.test.yaml")
    );
    assert!(folder.read("fails.test.yaml").contains("code: http.network"));
    let ended = folder.interpret(&[&failing[..], &["fails.yaml"]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("NAME.test.yaml"), "{}", ended.err);
}

#[test]
fn a_replay_says_where_another_definition_goes_another_way() {
    let folder = Folder::new(&[]);
    folder.shop("run.ndjson");
    let ended = folder.interpret(&["replay", "run.ndjson"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.starts_with("the run goes the same way: "), "{}", ended.err);
    let shop = folder.read("shop.yaml");
    let against = |from: &str, to: &str| {
        let changed = shop.replace(from, to);
        assert_ne!(changed, shop);
        folder.write("drafts/shop.yaml", &changed);
        folder.interpret(&["replay", "run.ndjson", "--against", "drafts/shop.yaml"])
    };
    // What does not concern this run does not part it.
    for (from, to) in [
        ("> 100", "> 200"),
        ("attempts: 3", "attempts: 2"),
        ("delay: 10ms", "delay: 20ms"),
        ("id: shop\n", "id: shop\npurpose: To sell\n"),
    ] {
        let ended = against(from, to);
        assert_eq!(ended.code, Some(0), "{to}: {}", ended.err);
    }
    for (from, to, told) in [
        (
            "> 100",
            "> 1000",
            &[
                "the run goes another way at the step `approve`",
                "recorded: approve: started",
                "now:      approve: skipped",
                "drafts/shop.yaml:6:",
                "-condition: =input.amount > 100",
                "+condition: =input.amount > 1000",
            ][..],
        ),
        (
            "body: { amount: =input.amount }",
            "body: { cents: =input.amount * 100 }",
            &["at the step `pay`", "recorded: pay: calls", "\"cents\":50000"],
        ),
        (
            "attempts: 3",
            "attempts: 1",
            &[
                "at the step `pay`",
                "recorded: pay: failed, trying again",
                "now:      pay: failed {",
            ],
        ),
        (
            "    retry: { attempts: 3, delay: 10ms }\n",
            "    retry: { attempts: 3, delay: 10ms }\n    timeout: 1s\n",
            &[],
        ),
        (
            "  - kind: andThen\n    id: pay\n",
            "  - { kind: andThen, id: log, set: { logged: true } }\n  - kind: andThen\n    id: pay\n",
            &[
                "at the step `log`",
                "recorded: pay: started",
                "now:      log: started",
                "the step was",
            ],
        ),
        (
            "output: { paid: =data.paid, run",
            "output: { sold: =data.paid, run",
            &[
                "at the step `shipped`",
                "recorded: shipped: completed",
                "\"sold\":\"p-1\"",
            ],
        ),
        (
            "required: [amount]",
            "required: [amount, currency]",
            &["the run would not begin: the input does not match its schema"],
        ),
    ] {
        let ended = against(from, to);
        assert_eq!(ended.code, Some(i32::from(!told.is_empty())), "{to}: {}", ended.err);
        for told in told {
            let found = ended
                .err
                .lines()
                .any(|line| line.contains(told) || line.replace(' ', "").contains(&told.replace(' ', "")));
            assert!(found, "{told}: {}", ended.err);
        }
    }
}

#[test]
fn an_exported_run_is_replayed() {
    let folder = Folder::new(&[]);
    let url = bank(2);
    folder.write("shop.yaml", &SHOP.replace("URL", &url));
    let store = "sqlite:runs.sqlite";
    let run = [
        "run",
        "shop.yaml",
        "--id",
        "r-1",
        "--store",
        store,
        "--allow-net=127.0.0.1",
    ];
    let ended = folder.interpret(&[&run[..], &["--input", r#"{"amount": 500}"#]].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let exported = folder.interpret(&["runs", "export", "r-1", "--store", store]);
    folder.write("run.ndjson", &exported.out);
    let ended = folder.interpret(&["replay", "run.ndjson"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    folder.write(
        "shop.yaml",
        &folder.read("shop.yaml").replace("Please approve", "Please"),
    );
    let ended = folder.interpret(&["replay", "run.ndjson"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("another way at the step `approve`"), "{}", ended.err);
    folder.write("run.ndjson", "{}\n");
    let ended = folder.interpret(&["replay", "run.ndjson"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
}

/// With the definition it was played with, every case of every example goes the same way.
#[test]
fn the_examples_replay_as_they_were() {
    use interpret::testing::{self, Mode, Replayed};
    let workflows = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let suites = super::suites(&workflows);
    let mut replayed = 0;
    for result in super::results(&suites, Mode::Check, 2) {
        let suite = &suites[result.suite];
        let name = format!("{}: {}", suite.path.display(), suite.cases[result.case].name);
        let (program, events) = (&suite.program, &result.played.events);
        if events.is_empty() {
            continue;
        }
        let told = testing::replay(program, events, program).unwrap();
        assert!(matches!(told, Replayed::Same(lines) if lines > 1), "{name}: {told:#?}");
        testing::record(program, events, "recorded", None).unwrap();
        replayed += 1;
    }
    assert!(replayed > 80);
}
