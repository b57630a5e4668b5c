//! `POST /execute` of a workflow of ten steps, against a bare axum handler that parses the same request and returns the
//! same answer: each server is a process of its own, the load comes from this one, in turn.
#![allow(clippy::disallowed_methods, reason = "a measurement needs processes and a clock")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::post;
use interpret::data::Data;
use interpret::drive::{Driver, SystemClock};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::secret::Secrets;
use interpret::serve::{Access, Server, Settings};
use interpret::store::{self, Limits, Memory, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;
const BODY: &str = r#"{"input":{"orderId":"A-1001","amount":250,"n":1},"options":{"userId":"user-1"}}"#;

fn main() {
    match std::env::var("INTERPRET_BENCH_SERVER").as_deref() {
        Ok("bare") => return serve(false, None),
        Ok(url) => return serve(true, Some(url)),
        Err(_) => {}
    }
    let mut contestants = [
        Contestant::start("bare axum handler", "bare"),
        Contestant::start("execute, in memory", "memory"),
    ];
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            let (rate, cost) = contestant.process.round();
            contestant.rates.push(rate);
            contestant.costs.push(cost);
        }
    }
    for contestant in &mut contestants {
        let (rate, slowest, fastest) = spread(&mut contestant.rates);
        let (cost, least, most) = spread(&mut contestant.costs);
        println!(
            "{:<20} {rate:>8.0} requests/s ({slowest:.0} to {fastest:.0}), {cost:>6.1} µs of server CPU a request \
             ({least:.1} to {most:.1}), {:.1} MiB resident",
            contestant.name,
            contestant.process.resident()
        );
    }
    let [bare, ours] = &mut contestants;
    println!(
        "{:.2} of the bare handler's requests/s, {:.1} µs of CPU above it",
        spread(&mut ours.rates).0 / spread(&mut bare.rates).0,
        spread(&mut ours.costs).0 - spread(&mut bare.costs).0
    );
}

/// Median, least and most.
fn spread(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// A server, and what it has come to in each round.
struct Contestant {
    name: &'static str,
    process: Process,
    rates: Vec<f64>,
    costs: Vec<f64>,
}

impl Contestant {
    fn start(name: &'static str, what: &str) -> Contestant {
        Contestant {
            name,
            process: Process::start(what),
            rates: Vec::new(),
            costs: Vec::new(),
        }
    }
}

/// A server in a process of its own.
struct Process {
    child: Child,
    address: SocketAddr,
    path: &'static str,
}

impl Process {
    fn start(what: &str) -> Process {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .env("INTERPRET_BENCH_SERVER", what)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let out = child.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("its address");
        let address = line.trim().parse().expect("an address");
        Process {
            child,
            address,
            path: "/workflows/ten/execute",
        }
    }

    /// Requests a second, and the microseconds of processor time each costs the server.
    fn round(&self) -> (f64, f64) {
        let before = self.cpu();
        let begun = Instant::now();
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CONNECTIONS)
                .map(|_| scope.spawn(|| client(self.address, self.path, begun + ROUND)))
                .collect();
            clients
                .into_iter()
                .map(|client| client.join().expect("a client"))
                .collect()
        });
        let took = begun.elapsed().as_secs_f64();
        let count = counts.iter().sum::<usize>() as f64;
        (count / took, (self.cpu() - before) * 1e6 / count)
    }

    /// Processor time of all threads so far, in seconds.
    fn cpu(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the threads of the server");
        let times = tasks.flatten().map(|task| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = stat.split_whitespace().next().map(str::parse::<f64>);
            nanoseconds.and_then(Result::ok).unwrap_or(0.0)
        });
        times.sum::<f64>() / 1e9
    }

    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap_or_default();
        let kib = line.split_whitespace().nth(1).map(str::parse::<f64>);
        kib.and_then(Result::ok).unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one request after the other and checks each answer.
fn client(address: SocketAddr, path: &str, until: Instant) -> usize {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut buffer = [0; 4096];
    let mut count = 0;
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).expect("a request");
        let mut read = 0;
        loop {
            let got = stream.read(&mut buffer[read..]).expect("an answer");
            assert!(got > 0, "the server has hung up");
            read += got;
            if let Some(end) = end_of(&buffer[..read]) {
                assert!(read == end && buffer.starts_with(b"HTTP/1.1 200"), "not the answer");
                break;
            }
        }
        let body = String::from_utf8_lossy(&buffer[..read]);
        assert!(body.contains(r#""status":"completed","result":{"n":11}"#), "{body}");
        count += 1;
    }
    count
}

/// Where the first answer ends, if all of it is there.
fn end_of(read: &[u8]) -> Option<usize> {
    let headers = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&read[..headers]).ok()?;
    let length = text.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    })?;
    let end = headers + 4 + length.parse::<usize>().ok()?;
    (read.len() >= end).then_some(end)
}

fn serve(ours: bool, url: Option<&str>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        println!("{}", listener.local_addr().expect("its address"));
        if !ours {
            let router = axum::Router::new().route("/workflows/{id}/execute", post(bare));
            axum::serve(listener, router).await.expect("it serves");
            return;
        }
        let store: Arc<dyn Store> = match url {
            Some("memory") | None => Arc::new(Memory::new(Limits::default())),
            Some(url) => store::open(url).expect("a store"),
        };
        let clock = Arc::new(SystemClock);
        let permit = Arc::new(Permit::nothing());
        let secrets = Arc::new(Secrets::from_environment(permit.clone()));
        let providers = Providers::new(permit, secrets, clock.clone());
        let reload = |definition: &store::Definition| match load::reload(definition) {
            Ok((program, _)) => Ok(program),
            Err(error) => Err(error.to_string()),
        };
        let driver = Driver::new(store, Arc::new(providers), clock).with_programs(Arc::new(reload));
        let server = Server::new(driver, Settings::default());
        let loaded = load::load_text("ten.yaml", &workflow());
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        server.serve(&loaded).await.expect("it serves");
        server.listen(listener, Access::default()).await.expect("it listens");
    });
}

/// Parses the same request, and answers with what the workflow would give.
async fn bare(body: Bytes) -> ([(&'static str, &'static str); 1], String) {
    let body: Data = serde_json::from_slice(&body).expect("JSON");
    let input = body
        .get("input")
        .and_then(|input| input.get("n"))
        .and_then(Data::as_i64);
    let answer = interpret::data!({
        "success": true,
        "data": {
            "executionId": "01a1ffb9-49f6-731b-9cd2-0fef12df22bc",
            "startAt": "2026-11-21T20:08:15.606Z",
            "endAt": "2026-11-21T20:08:15.606Z",
            "status": "completed",
            "result": { "n": input.unwrap_or(0) + 10 }
        }
    });
    ([("content-type", "application/json")], answer.to_string())
}

fn workflow() -> String {
    let mut text = "kind: Workflow\nid: ten\ninputSchema:\n  type: object\n  required: [n]\n  properties: { n: { type: integer } }\nsteps:\n  - { kind: andThen, id: s0, set: { n: =input.n + 1 } }\n".to_owned();
    for step in 1..10 {
        text.push_str(&format!(
            "  - {{ kind: andThen, id: s{step}, set: {{ n: =data.n + 1 }} }}\n"
        ));
    }
    text
}
