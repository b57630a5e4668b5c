//! What a collector of OpenTelemetry is told: the real program, and a collector that reads what it sends.

mod collector;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::{Ended, Folder, PATIENCE, Started};
use crate::drive::witness::{Witness, response};
use collector::{Collector, Span};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SECRET: &str = "s3cr3t/t0ken";

/// An agent with a tool over HTTP, and a program that fails once.
fn shop(port: u16) -> String {
    format!(
        "
kind: Workflow
id: shop
steps:
  - kind: andAgent
    id: desk
    agent:
      model: script/small
      instructions: Tell nobody of the xyzzy.
      tools:
        - name: look
          description: Looks something up
          inputSchema: {{ type: object, properties: {{ what: {{ type: string }} }} }}
          http:
            method: POST
            url: http://127.0.0.1:{port}/found/here
            headers: {{ Authorization: 'Bearer {{{{ secrets.TOKEN }}}}' }}
            body: =arguments
    prompt: Where is the plugh?
  - kind: andThen
    id: twice
    retry: {{ attempts: 2, delay: 1ms, on: ['*'] }}
    exec:
      command: [sh, -c, 'echo $TRACEPARENT; if [ ! -e again ]; then touch again; exit 3; fi']
      stdout: text
"
    )
}

const SAID: &str = "
- { turn: 0, calls: [{ look: { what: frotz } }], usage: { inputTokens: 90, outputTokens: 12 } }
- { output: It is the plover., usage: { inputTokens: 110, outputTokens: 8 } }
";

struct Shop {
    folder: Folder,
    witness: Witness,
    collector: Collector,
}

impl Shop {
    fn new() -> Shop {
        let body = format!("{{\"told\": \"{SECRET}\"}}");
        let witness = Witness::answering(&response("200 OK", "content-type: application/json\r\n", &body));
        let configuration = "connections: { script: { kind: scripted, answers: said.answers.yaml } }\n";
        let folder = Folder::new(&[
            ("shop.yaml", &shop(witness.port)),
            ("interpret.yaml", configuration),
            ("said.answers.yaml", SAID),
        ]);
        let collector = Collector::new();
        Shop {
            folder,
            witness,
            collector,
        }
    }

    fn run(&self, environment: &[(&str, &str)]) -> Ended {
        let grants = ["--allow-net=127.0.0.1", "--allow-exec=sh", "--allow-env=TOKEN"];
        let mut command = self
            .folder
            .command(&[&["run", "shop", "--id", "r"][..], &grants].concat());
        tell(&mut command, &self.collector);
        command.env("TOKEN", SECRET).envs(environment.iter().copied());
        Started::new(command).end()
    }
}

/// Has a process tell a collector.
fn tell(command: &mut Command, collector: &Collector) {
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b")
        .env("OTEL_SERVICE_NAME", "shop");
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[track_caller]
fn one<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

#[test]
fn a_run_is_a_trace_of_its_steps_attempts_turns_and_tools() {
    let shop = Shop::new();
    let ended = shop.run(&[]);
    ended.expect(0);
    let spans = shop.collector.spans();
    let root = one(&spans, "invoke_workflow shop");
    assert_eq!(root.parent, "");
    assert_eq!(
        (
            root.attribute("gen_ai.operation.name"),
            root.attribute("interpret.run.id")
        ),
        ("invoke_workflow", "r")
    );
    assert_eq!(root.attribute("interpret.status"), "completed");
    assert!(
        spans
            .iter()
            .all(|span| span.trace == root.trace && span.start <= span.end)
    );
    assert_eq!(
        spans.iter().map(|span| &span.id).collect::<BTreeSet<_>>().len(),
        spans.len()
    );

    let agent = one(&spans, "invoke_agent desk");
    assert_eq!(agent.parent, root.id);
    assert_eq!(
        (
            agent.attribute("gen_ai.usage.input_tokens"),
            agent.attribute("gen_ai.usage.output_tokens")
        ),
        ("200", "20")
    );
    let turns = named(&spans, "chat small");
    assert_eq!(turns.len(), 2);
    assert!(turns.iter().all(|turn| turn.parent == agent.id && turn.kind == 3));
    let first = turns
        .iter()
        .find(|turn| turn.attribute("interpret.agent.turn") == "0")
        .unwrap();
    assert_eq!(first.attribute("gen_ai.request.model"), "small");
    assert_eq!(first.attribute("gen_ai.provider.name"), "scripted");
    assert_eq!(first.attribute("gen_ai.usage.input_tokens"), "90");
    let tool = one(&spans, "execute_tool look");
    assert_eq!(
        (tool.parent.as_str(), tool.attribute("gen_ai.tool.name")),
        (agent.id.as_str(), "look")
    );
    let call = one(&spans, "POST");
    assert_eq!((call.parent.as_str(), call.kind), (tool.id.as_str(), 3));
    assert_eq!(call.attribute("http.response.status_code"), "200");
    assert_eq!(call.attribute("server.address"), "127.0.0.1");
    assert_eq!(call.attribute("server.port"), shop.witness.port.to_string());

    let step = one(&spans, "step twice");
    let attempts = [one(&spans, "attempt 1"), one(&spans, "attempt 2")];
    assert!(attempts.iter().all(|attempt| attempt.parent == step.id));
    assert!(attempts[0].failed && !attempts[1].failed && !step.failed);
    assert_eq!(attempts[0].attribute("error.type"), "exec.exit");
    let processes = named(&spans, "exec sh");
    let last = processes
        .iter()
        .find(|process| process.parent == attempts[1].id)
        .unwrap();

    // Whoever was called knows what it belongs to.
    let request = &shop.witness.seen().requests[0];
    let told = format!("traceparent: 00-{}-{}-01", root.trace, call.id);
    assert!(request.contains(&told), "{told}: {request}");
    assert_eq!(ended.json(), format!("00-{}-{}-01", root.trace, last.id));

    // What is sent and said is not told, and no secret at all.
    for received in shop.collector.received() {
        let text = String::from_utf8(received.body).unwrap();
        for word in ["xyzzy", "plugh", "frotz", "plover", "s3cr3t", "found/here"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert!(received.head.contains("x-tenant: a b"), "{}", received.head);
        assert!(
            text.contains("{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}"),
            "{text}"
        );
    }
}

#[test]
fn metrics_count_runs_steps_and_tokens() {
    let shop = Shop::new();
    shop.run(&[]).expect(0);
    let tokens = shop.collector.points("gen_ai.client.token.usage");
    let of = |kind: &str| {
        let has = |point: &&serde_json::Value| point["attributes"].to_string().contains(&format!("\"{kind}\""));
        let found: Vec<_> = tokens.iter().filter(has).collect();
        assert_eq!(found.len(), 1, "{tokens:?}");
        (
            found[0]["count"].as_str().unwrap().to_owned(),
            found[0]["sum"].as_f64().unwrap(),
        )
    };
    assert_eq!(
        (of("input"), of("output")),
        (("2".to_owned(), 200.0), ("2".to_owned(), 20.0))
    );
    assert_eq!(
        shop.collector.points("gen_ai.client.operation.duration")[0]["count"],
        "2"
    );
    assert_eq!(shop.collector.points("gen_ai.workflow.duration")[0]["count"], "1");
    let runs = shop.collector.points("interpret.runs");
    assert_eq!((runs.len(), &runs[0]["asInt"]), (1, &"1".into()));
    assert!(runs[0]["attributes"].to_string().contains("completed"), "{runs:?}");
    assert!(shop.collector.points("interpret.steps").len() >= 2);
}

#[test]
fn both_protocols_tell_the_same() {
    let shape = |protocol: &str| {
        let shop = Shop::new();
        shop.run(&[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]).expect(0);
        let spans = shop.collector.spans().into_iter();
        let shape = spans.map(|span| {
            let kept = |key: &String| !key.starts_with("server.") && key != "interpret.definition";
            let attributes: Vec<_> = span.attributes.iter().filter(|(key, _)| kept(key)).collect();
            let attributes = format!("{attributes:?}")
                .replace("[\\\"", "...")
                .replace("\\\"]", "...");
            let attributes = attributes
                .split(", (\"gen_ai.response.finish_reasons")
                .next()
                .unwrap()
                .to_owned();
            (
                span.name,
                span.trace,
                span.id,
                span.parent,
                span.kind,
                span.failed,
                attributes,
            )
        });
        shape.collect::<BTreeSet<_>>()
    };
    let json = shape("http/json");
    assert_eq!(json.len(), 11, "{json:#?}");
    assert_eq!(shape("http/protobuf"), json);
}

#[test]
fn contents_are_told_only_where_that_is_asked_for_and_secrets_never() {
    let shop = Shop::new();
    shop.run(&[("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")])
        .expect(0);
    let spans = shop.collector.spans();
    let first = named(&spans, "chat small")
        .into_iter()
        .find(|turn| turn.attribute("interpret.agent.turn") == "0");
    let first = first.unwrap();
    assert!(
        first.attribute("gen_ai.system_instructions").contains("xyzzy"),
        "{first:?}"
    );
    assert!(first.attribute("gen_ai.input.messages").contains("plugh"), "{first:?}");
    assert!(first.attribute("gen_ai.output.messages").contains("frotz"), "{first:?}");
    let second = named(&spans, "chat small")
        .into_iter()
        .find(|turn| turn.attribute("interpret.agent.turn") == "1");
    assert!(
        second
            .unwrap()
            .attribute("gen_ai.input.messages")
            .contains("[secret TOKEN]"),
        "{second:?}"
    );
    for received in shop.collector.received() {
        let text = String::from_utf8(received.body).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("s3cr3t"), "{text}");
    }
}

#[test]
fn a_run_belongs_to_the_trace_of_who_starts_it() {
    let shop = Shop::new();
    shop.run(&[("TRACEPARENT", PARENT)]).expect(0);
    let spans = shop.collector.spans();
    let root = one(&spans, "invoke_workflow shop");
    assert_eq!(root.parent, "00f067aa0ba902b7");
    assert!(
        spans
            .iter()
            .all(|span| span.trace == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    // Who is not kept there is not kept here, but for the metrics.
    let quiet = Shop::new();
    let ended = quiet.run(&[("TRACEPARENT", &PARENT.replace("-01", "-00"))]);
    assert!(quiet.collector.spans().is_empty());
    assert!(!quiet.collector.points("interpret.runs").is_empty());
    assert!(ended.json().as_str().unwrap().ends_with("-00"), "{ended:?}");
}

#[test]
fn what_waits_over_several_processes_is_told_once_and_whole() {
    let wait = crate::cli::APPROVE;
    let folder = Folder::new(&[("approval.yaml", wait)]);
    let collector = Collector::new();
    let run = |arguments: &[&str]| {
        let mut command = folder.command(&[arguments, &["--store", "sqlite:runs.sqlite"]].concat());
        tell(&mut command, &collector);
        Started::new(command).end()
    };
    run(&["run", "approval", "--id", "r"]).expect(3);
    assert!(collector.spans().is_empty(), "nothing has ended yet");
    let between = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    run(&["runs", "resume", "r", "--data", "{\"approved\": true}"]).expect(0);
    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let (root, waited) = (one(&spans, "invoke_workflow approval"), one(&spans, "step approve"));
    assert_eq!(waited.parent, root.id);
    assert!(waited.start < between && between < waited.end, "{waited:?} {between}");
    assert!(root.start <= waited.start && waited.end <= root.end);
    assert_eq!(one(&spans, "step last").parent, root.id);
}

#[test]
fn an_execution_belongs_to_the_trace_of_the_request() {
    let folder = Folder::new(&[("w/approval.yaml", crate::cli::APPROVE), ("w/once.yaml", ONCE)]);
    let collector = Collector::new();
    let mut command = folder.command(&["serve", "w", "--addr", "127.0.0.1:0", "--store", "memory"]);
    tell(&mut command, &collector);
    command.env("OTEL_BSP_SCHEDULE_DELAY", "20").stdout(Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut said = String::new();
    let mut errors = BufReader::new(server.stderr.take().unwrap());
    while !said.contains("at http://") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let address = said.split_once("http://").unwrap().1.split('/').next().unwrap();
    crate::api::block_on(async {
        let request = crate::api::client().post(format!("http://{address}/workflows/once/execute"));
        let answer = request.header("traceparent", PARENT).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    });
    let begun = Instant::now();
    while collector.spans().len() < 2 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", collector.received());
        std::thread::sleep(Duration::from_millis(5));
    }
    let spans = collector.spans();
    assert_eq!(one(&spans, "invoke_workflow once").parent, "00f067aa0ba902b7");
    assert!(
        spans
            .iter()
            .all(|span| span.trace == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    server.kill().unwrap();
    server.wait().unwrap();
}

const ONCE: &str = "
kind: Workflow
id: once
steps:
  - { kind: andThen, id: only, set: 1 }
";

#[test]
fn a_collector_that_is_away_fails_no_run() {
    let folder = Folder::new(&[("once.yaml", ONCE)]);
    let run = |environment: &[(&str, &str)]| {
        let mut command = folder.command(&["run", "once"]);
        command.envs(environment.iter().copied());
        Started::new(command).end()
    };
    // A port that nobody listens at.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://user:word@{gone}");
    let ended = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    ended.expect(0);
    assert!(ended.err.contains("warning: telemetry cannot be sent"), "{ended:?}");
    assert!(!ended.err.contains("word"), "{ended:?}");
    // Nothing is said where nothing was asked for, and a mistake is said before anything runs.
    assert!(!run(&[]).expect(0).err.contains("telemetry"));
    let wrong = run(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    wrong.expect(2).says(&["OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"]);
}
