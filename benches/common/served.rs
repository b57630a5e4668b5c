//! Servers in processes of their own, and clients that check every answer.
#![allow(dead_code, reason = "each benchmark takes its part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::routing::post;
use interpret::data::Data;
use interpret::drive::{Driver, SystemClock};
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::{Functions, Providers};
use interpret::secret::Secrets;
use interpret::serve::{Access, Server, Settings};
use interpret::store::{self, Limits, Memory, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// In a process that is started as a server, what it is to be.
const KIND: &str = "INTERPRET_BENCH_SERVER";
/// How many clients ask at once.
const CLIENTS: usize = 16;
const BODY: &str = r#"{"input":{"n":1},"options":{"userId":"user-1"}}"#;

/// A workflow that is executed, and what its answer contains.
pub struct Work {
    pub name: &'static str,
    pub result: &'static str,
}

/// How long what an effect returns is: with it, what is kept of a step has as many bytes as a record of the bare writer.
const RESULT: usize = 238;
/// How many effects the workflow `effects` has.
pub const EFFECTS: usize = 10;

/// Ten effects in a row.
pub const DURABLE: Work = Work {
    name: "effects",
    result: r#""status":"completed","result":"xxx"#,
};

/// Ten steps in a row, ten beside each other, three conditions.
pub const WORKS: [Work; 3] = [
    Work {
        name: "ten",
        result: r#""status":"completed","result":{"n":11}"#,
    },
    Work {
        name: "all",
        result: r#""status":"completed","result":[{"n":2},{"n":2},{"n":2},{"n":2},{"n":2},"#,
    },
    Work {
        name: "when",
        result: r#""status":"completed","result":{"n":4}"#,
    },
];

/// Serves, if this process was started for that; it never comes back then.
pub fn serve_if_asked() {
    let Ok(kind) = std::env::var(KIND) else { return };
    // As `interpret serve` has it.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).expect("small pages");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        println!("{}", listener.local_addr().expect("its address"));
        match kind.as_str() {
            "bare" => {
                let router = axum::Router::new().route("/workflows/{id}/execute", post(bare));
                axum::serve(listener, router).await.expect("it serves");
            }
            url => ours(listener, url).await,
        }
    });
    std::process::exit(0);
}

async fn ours(listener: tokio::net::TcpListener, url: &str) {
    let store: Arc<dyn Store> = match url {
        "memory" => Arc::new(Memory::new(Limits::default())),
        url => store::open(url).expect("a store"),
    };
    let clock = Arc::new(SystemClock);
    let permit = Arc::new(Permit::nothing());
    let secrets = Arc::new(Secrets::from_environment(permit.clone()));
    let functions = Functions::new().with("work", |_| async { Ok(Data::from("x".repeat(RESULT))) });
    let providers = Providers::new(permit, secrets, clock.clone()).with_functions(functions);
    let reload = |definition: &store::Definition| match load::reload(definition) {
        Ok((program, _)) => Ok(program),
        Err(error) => Err(error.to_string()),
    };
    let driver = Driver::new(store, Arc::new(providers), clock).with_programs(Arc::new(reload));
    let server = Server::new(driver, Settings::default());
    let loaded = load::load_text("bench.yaml", &workflows());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    server.serve(&loaded).await.expect("it serves");
    server.listen(listener, Access::default()).await.expect("it listens");
}

/// Parses the same request, and answers with what the workflow of ten steps gives.
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

fn workflows() -> String {
    let schema = "inputSchema: { type: object, required: [n], properties: { n: { type: integer } } }";
    let mut text = format!("kind: Workflow\nid: ten\n{schema}\nsteps:\n");
    for step in 0..10 {
        text.push_str(&format!(
            "  - {{ kind: andThen, id: s{step}, set: {{ n: =data.n + 1 }} }}\n"
        ));
    }
    text.push_str(&format!(
        "---\nkind: Workflow\nid: all\n{schema}\nsteps:\n  - kind: andAll\n    id: both\n    steps:\n"
    ));
    for step in 0..10 {
        text.push_str(&format!(
            "      - {{ kind: andThen, id: s{step}, set: {{ n: =data.n + 1 }} }}\n"
        ));
    }
    text.push_str(&format!("---\nkind: Workflow\nid: when\n{schema}\nsteps:\n"));
    for step in 0..3 {
        text.push_str(&format!(
            "  - {{ kind: andWhen, id: w{step}, condition: =data.n > 0, set: {{ n: =data.n + 1 }} }}\n"
        ));
    }
    text.push_str("---\nkind: Workflow\nid: effects\nsteps:\n");
    for step in 0..EFFECTS {
        text.push_str(&format!(
            "  - {{ kind: andThen, id: e{step}, function: {{ name: work }} }}\n"
        ));
    }
    text.push_str("---\nkind: Workflow\nid: ask\nsteps:\n  - { kind: andThen, id: ask, suspend: {} }\n");
    text
}

/// A server in a process of its own.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// This program once more, as a server: `bare`, `memory` or the URL of a store.
    pub fn own(kind: &str) -> Process {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .env(KIND, kind)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let out = child.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("its address");
        let address = line.trim().parse().expect("an address");
        Process { child, address }
    }

    /// VoltAgent's own server, from what npm has installed in `benches/compare/voltagent`; none if it has not.
    pub fn voltagent() -> Option<Process> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/voltagent");
        if !folder.join("node_modules").is_dir() {
            println!("VoltAgent's own server is left out: run `npm ci` in benches/compare/voltagent");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = free.local_addr().expect("its address");
        drop(free);
        let child = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder)
            .env("PORT", address.port().to_string())
            .env("NODE_ENV", "production")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is there");
        let process = Process { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(process)
    }

    /// Requests a second, and the microseconds of processor time each costs the server.
    pub fn round(&self, work: &Work, length: Duration) -> (f64, f64) {
        self.round_of(CLIENTS, work, length)
    }

    /// The same with so many clients at once.
    pub fn round_of(&self, clients: usize, work: &Work, length: Duration) -> (f64, f64) {
        let before = self.cpu();
        let begun = Instant::now();
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..clients)
                .map(|_| scope.spawn(|| client(self.address, work, begun + length)))
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
    pub fn cpu(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the threads of the server");
        let times = tasks.flatten().map(|task| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = stat.split_whitespace().next().map(str::parse::<f64>);
            nanoseconds.and_then(Result::ok).unwrap_or(0.0)
        });
        times.sum::<f64>() / 1e9
    }

    /// Resident memory, in kilobytes.
    pub fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap_or_default();
        let kib = line.split_whitespace().nth(1).map(str::parse::<f64>);
        kib.and_then(Result::ok).unwrap_or(0.0) * 1.024
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
fn client(address: SocketAddr, work: &Work, until: Instant) -> usize {
    let mut connection = Connection::open(address);
    let mut count = 0;
    while Instant::now() < until {
        connection.execute(work);
        count += 1;
    }
    count
}

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Connection {
            stream,
            buffer: vec![0; 8192],
        }
    }

    /// Executes a workflow and checks the answer.
    pub fn execute(&mut self, work: &Work) {
        self.send(&format!("/workflows/{}/execute", work.name), BODY);
        let mut read = 0;
        loop {
            let got = self.stream.read(&mut self.buffer[read..]).expect("an answer");
            assert!(got > 0, "the server has hung up");
            read += got;
            if ends(&self.buffer[..read]) {
                break;
            }
        }
        let answer = std::str::from_utf8(&self.buffer[..read]).expect("text");
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains(work.result),
            "{answer}"
        );
    }

    /// Begins a stream and reads until something is said; it stays open.
    pub fn stream(&mut self, workflow: &str, until: &str) {
        self.send(&format!("/workflows/{workflow}/stream"), "{}");
        let mut read = 0;
        while !String::from_utf8_lossy(&self.buffer[..read]).contains(until) {
            let got = self.stream.read(&mut self.buffer[read..]).expect("frames");
            assert!(got > 0, "the server has hung up");
            read += got;
        }
        self.buffer = Vec::new();
    }

    fn send(&mut self, path: &str, body: &str) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).expect("a request");
    }
}

/// Whether an answer is whole, be its length told or its end.
fn ends(read: &[u8]) -> bool {
    let Some(headers) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&read[..headers]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length.and_then(|length| length.trim().parse::<usize>().ok()) {
        Some(length) => read.len() >= headers + 4 + length,
        None => read.ends_with(b"0\r\n\r\n"),
    }
}

/// Median, least and most.
pub fn spread(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
