//! MCP servers: a real one over both of its ways, and small ones that misbehave.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use interpret::data;
use interpret::drive::RunHandle;
use interpret::load;
use interpret::provider::Configured;
use interpret::run::{Input, Status};

use super::*;
use crate::cli::{Folder, PATIENCE};
use crate::npm;

/// The program of the real server; none where npm is not there.
fn everything() -> Option<String> {
    let folder = npm::install("mcp-server-everything")?;
    let program = folder.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    Some(program.to_str().unwrap().to_owned())
}

/// Servers, the driver that reaches them, and the folder of their configuration.
struct Desk {
    folder: Folder,
    driver: Driver,
    /// How many runs there were.
    runs: Cell<u32>,
}

impl Desk {
    fn new(config: &str, permit: Permit) -> Desk {
        Desk::with(&[], config, permit)
    }

    fn with(files: &[(&str, &str)], config: &str, permit: Permit) -> Desk {
        let folder = Folder::new(files);
        folder.write("interpret.yaml", config.as_bytes());
        let configured = Configured::find(&[folder.path().to_owned()]);
        assert!(!configured.has_errors(), "{:?}", configured.diagnostics);
        let (clock, permit, secrets) = (Arc::new(SystemClock), Arc::new(permit), secrets());
        let providers = Providers::new(permit.clone(), secrets.clone(), clock.clone());
        let models = configured.models(&providers);
        let providers = providers
            .with_models(models)
            .with_mcp(configured.mcp(&permit, &secrets));
        let driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock);
        Desk {
            folder,
            driver,
            runs: Cell::new(0),
        }
    }

    /// A server that writes its process id to `pids` when it starts, and what it is told to `told`.
    fn stdio(program: &str) -> Desk {
        Desk::new(&watched(program), permit())
    }

    /// The ids of the processes that were started for it.
    fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("told")).unwrap_or_default()
    }

    async fn until_told(&self, what: &str) {
        let begun = Instant::now();
        while !self.told().contains(what) {
            assert!(begun.elapsed() < PATIENCE, "{what} was not told");
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn begin(&self, program: Arc<Program>) -> RunHandle {
        self.runs.set(self.runs.get() + 1);
        let start = Start::new(format!("r{}", self.runs.get()), Data::Null);
        self.driver.start(program, start).await.unwrap()
    }

    async fn end(&self, program: Arc<Program>) -> RunEnd {
        self.runs.set(self.runs.get() + 1);
        let start = Start::new(format!("r{}", self.runs.get()), Data::Null);
        let session = self.driver.run_to_rest(program, start, |_, _| {}).await;
        let end = session.unwrap().unwrap().run().state().end().cloned();
        end.expect("the run is over")
    }

    async fn result(&self, tool: &str, arguments: &str) -> Data {
        match self.end(calling(tool, arguments, "")).await {
            RunEnd::Completed(result) => result,
            other => panic!("{other:?}"),
        }
    }

    async fn failure(&self, tool: &str, arguments: &str) -> (String, String) {
        match self.end(calling(tool, arguments, "")).await {
            RunEnd::Failed(failure) => (failure.code.to_string(), failure.message.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

/// The configuration of [`Desk::stdio`].
fn watched(program: &str) -> String {
    let script = "echo $$ >> pids; mkfifo in.$$; tee -a told > in.$$ <&3 & exec node \"$0\" < in.$$";
    let script = serde_json::to_string(&format!("exec 3<&0; {script}")).unwrap();
    format!(
        "mcp: {{ desk: {{ command: [sh, -c, {script}, {program}], env: {{ TOKEN: =secrets.TOKEN, LEVEL: high }} }} }}\n"
    )
}

fn calling(tool: &str, arguments: &str, keys: &str) -> Arc<Program> {
    workflow(&format!(
        "
kind: Workflow
id: test
permissions: {{ mcp: [desk] }}
steps:
  - {{ kind: andThen, id: ask, mcp: {{ server: desk, tool: {tool}, arguments: {arguments} }}{keys} }}
"
    ))
}

fn workflow(text: &str) -> Arc<Program> {
    let loaded = load::load_text("test.yaml", text);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    Arc::new(loaded.program("test", None).unwrap())
}

const SLOW: &str = "trigger-long-running-operation";

fn is_there(pid: u32) -> bool {
    // A process that nobody has waited for is not there any more.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn until_gone(pid: u32) {
    let begun = Instant::now();
    while is_there(pid) {
        assert!(begun.elapsed() < PATIENCE, "the server is still there");
        // Between two looks at the condition.
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// What both ways have in common.
async fn talk(desk: &Desk) {
    assert_eq!(desk.result("echo", "{ message: hi }").await, data!("Echo: hi"));
    let sum = desk.result("get-sum", "{ a: 2, b: 40 }").await;
    assert!(sum.as_str().unwrap().contains("42"), "{sum}");
    let weather = desk.result("get-structured-content", "{ location: Chicago }").await;
    assert_eq!(weather.get("conditions"), Some(&data!("Light rain / drizzle")));
    // Where there is more than text, the blocks are told as they are.
    let image = desk.result("get-tiny-image", "{}").await;
    let kinds: Vec<&str> = image
        .as_list()
        .unwrap()
        .iter()
        .filter_map(|block| block.get("type")?.as_str())
        .collect();
    assert!(kinds.contains(&"image"), "{kinds:?}");

    let (code, message) = desk.failure("get-sum", "{ a: two, b: 40 }").await;
    assert!(code == "mcp.tool" && message.contains("number"), "{code}: {message}");
    let (code, message) = desk.failure("get-some", "{}").await;
    assert!(code == "mcp.tool" || code == "mcp.protocol", "{code}: {message}");
    assert!(message.contains("get-some not found"), "{message}");
}

/// A call that takes too long, and one of a cancelled run; the server goes on.
async fn give_up(desk: &Desk) {
    // The time limit is for the call, and not for the start of the server.
    assert_eq!(desk.result("echo", "{ message: hi }").await, data!("Echo: hi"));
    let late = calling(SLOW, "{ duration: 600, steps: 1 }", ", timeout: 2s");
    assert!(matches!(desk.end(late).await, RunEnd::Failed(failure) if *failure.code == *"timeout"));
    assert_eq!(desk.result("echo", "{ message: still }").await, data!("Echo: still"));
    let handle = desk.begin(calling(SLOW, "{ duration: 599, steps: 1 }", "")).await;
    if desk.folder.path().join("told").exists() {
        desk.until_told("599").await;
    }
    handle.send(Input::Cancel { reason: None }).await.unwrap();
    assert_eq!(handle.finished().await, Ok(Status::Cancelled));
    assert_eq!(desk.result("echo", "{ message: there }").await, data!("Echo: there"));
}

#[test]
fn a_real_server_is_called_over_its_standard_input() {
    let Some(program) = everything() else { return };
    let pid = block_on(async {
        let desk = Desk::stdio(&program);
        talk(&desk).await;
        let told = desk.told();
        assert!(told.contains("\"interpret/idempotencyKey\":\"r1/ask"), "{told}");
        let environment = desk.result("get-env", "{}").await.to_string();
        assert!(
            environment.contains("high") && environment.contains("[secret TOKEN]"),
            "{environment}"
        );
        assert!(
            !environment.contains("s3cr3t") && !environment.contains("CARGO"),
            "{environment}"
        );
        // All that was one process.
        assert_eq!(desk.pids().len(), 1);
        desk.pids()[0]
    });
    until_gone(pid);
}

#[test]
fn a_call_of_a_tool_that_is_given_up_is_cancelled_at_the_server() {
    let Some(program) = everything() else { return };
    block_on(async {
        let desk = Desk::stdio(&program);
        give_up(&desk).await;
        let cancelled = || desk.told().matches("notifications/cancelled").count();
        let begun = Instant::now();
        while cancelled() < 2 {
            assert!(begun.elapsed() < PATIENCE, "the server was not told");
            // Between two looks at the condition.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(desk.pids().len(), 1);
    });
}

#[test]
fn a_server_that_dies_fails_its_calls_and_is_started_again() {
    let Some(program) = everything() else { return };
    block_on(async {
        let desk = Desk::stdio(&program);
        let handle = desk.begin(calling(SLOW, "{ duration: 598, steps: 1 }", "")).await;
        desk.until_told("598").await;
        kill(desk.pids()[0]);
        assert_eq!(handle.finished().await, Ok(Status::Error));
        assert_eq!(desk.result("echo", "{ message: back }").await, data!("Echo: back"));
        assert_eq!(desk.pids().len(), 2);
        // Whoever finds it dead need not fail for it.
        kill(desk.pids()[1]);
        until_gone(desk.pids()[1]);
        let again = calling("echo", "{ message: again }", ", retry: { attempts: 2 }");
        assert_eq!(desk.end(again).await, RunEnd::Completed(data!("Echo: again")));
    });
}

#[test]
fn what_a_dead_server_said_last_is_told() {
    block_on(async {
        let config = "mcp: { desk: { command: [sh, -c, 'echo no such database >&2; exit 3'] } }";
        let (code, message) = Desk::new(config, permit()).failure("echo", "{}").await;
        assert_eq!(code, "mcp.unavailable");
        assert!(message.contains("exited with 3: no such database"), "{message}");
    });
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    block_on(async {
        let config = "mcp: { desk: { command: [sh, -c, 'echo $$ > pids; exec sleep 600'], timeout: 300ms } }";
        let desk = Desk::new(config, permit());
        assert_eq!(desk.failure("echo", "{}").await.0, "mcp.timeout");
        tokio::task::spawn_blocking({
            let pid = desk.pids()[0];
            move || until_gone(pid)
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_message_is_read_up_to_a_length() {
    block_on(async {
        let config = "mcp: { desk: { command: [sh, -c, 'head -c 17000000 /dev/zero; exec sleep 600'] } }";
        let (code, message) = Desk::new(config, permit()).failure("echo", "{}").await;
        assert_eq!(code, "mcp.protocol");
        assert!(message.contains("more than 16 MiB"), "{message}");
    });
}

#[test]
fn nothing_is_started_or_reached_that_is_not_granted() {
    block_on(async {
        let config = "mcp: { desk: { command: [sh, -c, 'echo $$ > pids'] } }";
        let desk = Desk::new(config, Permit::nothing());
        let (code, message) = desk.failure("echo", "{}").await;
        assert_eq!(code, "permission.exec");
        assert!(message.contains("--allow-exec=sh"), "{message}");
        assert!(desk.pids().is_empty());
        let config = "mcp: { desk: { url: 'http://mcp.example.com/mcp' } }";
        let (code, message) = Desk::new(config, permit()).failure("echo", "{}").await;
        assert_eq!(code, "permission.net");
        assert!(message.contains("--allow-net=mcp.example.com"), "{message}");
    });
}

#[test]
fn a_server_that_is_not_configured_is_named() {
    block_on(async {
        let config = "mcp: { desks: { command: [sh] } }";
        let (code, message) = Desk::new(config, permit()).failure("echo", "{}").await;
        assert_eq!(code, "mcp.unavailable");
        assert!(
            message.contains("`desk`") && message.contains("did you mean `desks`"),
            "{message}"
        );
    });
}

#[test]
fn an_agent_calls_a_tool_of_a_server() {
    let Some(program) = everything() else { return };
    block_on(async {
        let answers = "
- { turn: 0, calls: [{ get-sum: { a: 2, b: 40 } }] }
- { when: \"='42' in (request.results | string)\", output: It is 42. }
";
        let config = format!(
            "connections: {{ one: {{ kind: scripted, answers: said.yaml }} }}\n{}",
            watched(&program)
        );
        let desk = Desk::with(&[("said.yaml", answers)], &config, permit());
        let text = "
kind: Workflow
id: test
steps:
  - kind: andAgent
    id: asked
    agent: { model: one/small, tools: [{ mcp: { server: desk, tool: get-sum } }] }
    prompt: What are 2 and 40?
";
        let (session, events) = rest(&desk.driver, workflow(text)).await;
        assert_eq!(
            session.run().state().end(),
            Some(&RunEnd::Completed(data!("It is 42.")))
        );
        // The model was told what the server says of the tool.
        let journal = serde_json::to_string(&events).unwrap();
        assert!(journal.contains("Returns the sum of two numbers") && journal.contains("First number"));
    });
}

/// The real server at an address.
struct AtAddress {
    server: Child,
    url: String,
}

impl AtAddress {
    fn start(program: &str) -> AtAddress {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new("node")
            .args([program, "streamableHttp"])
            .env("PORT", free.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
        let ready = said.find(|line| line.as_ref().unwrap().contains("listening"));
        assert!(ready.is_some(), "the server does not listen");
        // What it says later must have somewhere to go.
        std::thread::spawn(move || said.count());
        AtAddress {
            server,
            url: format!("http://127.0.0.1:{free}/mcp"),
        }
    }

    fn config(&self) -> String {
        format!(
            "mcp: {{ desk: {{ url: '{}', headers: {{ Authorization: 'Bearer {{{{ secrets.TOKEN }}}}' }} }} }}",
            self.url
        )
    }
}

impl Drop for AtAddress {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_real_server_is_called_over_http() {
    let Some(program) = everything() else { return };
    let server = AtAddress::start(&program);
    block_on(async {
        let desk = Desk::new(&server.config(), permit());
        talk(&desk).await;
        give_up(&desk).await;
        drop(server);
        let (code, message) = desk.failure("echo", "{ message: x }").await;
        assert_eq!(code, "mcp.unavailable", "{message}");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn no_server_outlives_a_killed_interpreter() {
    let Some(program) = everything() else { return };
    let flow = "
kind: Workflow
id: flow
permissions: { mcp: [desk] }
steps:
  - { kind: andThen, id: ask, mcp: { server: desk, tool: trigger-long-running-operation, arguments: { duration: 597, steps: 1 } } }
";
    let folder = Folder::new(&[("flow.yaml", flow), ("interpret.yaml", &watched(&program))]);
    let mut command = folder.command(&["run", "flow.yaml", "--allow-exec=sh", "--allow-env=TOKEN"]);
    command.env("TOKEN", "some-t0ken-or-0ther");
    let mut interpret = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let begun = Instant::now();
    while !read("told").contains("597") {
        assert!(begun.elapsed() < PATIENCE, "the tool was not called");
        // Between two looks at the condition.
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid: u32 = read("pids").trim().parse().unwrap();
    assert!(is_there(pid) && Path::new("/proc").exists());
    interpret.kill().unwrap();
    interpret.wait().unwrap();
    until_gone(pid);
}

/// A server at an address that knows one session, and notes what it is asked.
fn session_keeper() -> super::witness::Witness {
    use super::witness::{Witness, response};
    let kind = "content-type: application/json\r\nmcp-session-id: s-1\r\n";
    Witness::new(move |request, _| {
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let asked: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let result = match (request.split(' ').next().unwrap(), asked["method"].as_str()) {
            ("POST", Some("initialize")) => serde_json::json!({
                "protocolVersion": asked["params"]["protocolVersion"], "capabilities": { "tools": {} },
                "serverInfo": { "name": "keeper", "version": "1" }
            }),
            ("POST", Some("tools/call")) => serde_json::json!({ "content": [{ "type": "text", "text": "kept" }] }),
            ("POST", _) => return Some(response("202 Accepted", "", "").into_bytes()),
            ("DELETE", _) => return Some(response("200 OK", "", "").into_bytes()),
            _ => return Some(response("405 Method Not Allowed", "", "").into_bytes()),
        };
        let answer = serde_json::json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        Some(response("200 OK", kind, &answer.to_string()).into_bytes())
    })
}

#[test]
fn a_server_at_an_address_is_told_that_its_session_has_ended() {
    let keeper = session_keeper();
    let config = format!("mcp: {{ keeper: {{ url: 'http://127.0.0.1:{}/mcp' }} }}\n", keeper.port);
    let step = "{ kind: andThen, id: ask, mcp: { server: keeper, tool: keep } }";
    let workflow = crate::cli::workflow("asking", &[step]);
    let folder = crate::cli::Folder::new(&[("asking.yaml", &workflow), ("interpret.yaml", &config)]);
    folder.run(&["run", "asking", "--allow-net=127.0.0.1"]).expect(0);
    let deleted: Vec<String> = keeper
        .seen()
        .requests
        .into_iter()
        .filter(|request| request.starts_with("DELETE "))
        .collect();
    assert_eq!(deleted.len(), 1, "{:?}", keeper.seen());
    assert!(deleted[0].to_lowercase().contains("mcp-session-id: s-1"), "{deleted:?}");
}
