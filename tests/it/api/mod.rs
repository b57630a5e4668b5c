//! The workflow API as clients see it: the real program, over a socket.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests start servers, and talk to them in real time"
)]

mod describe;
mod dify;
mod errors;
mod foundry;
mod lifecycle;
mod listing;
mod operate;
mod schemathesis;
mod seed;
mod soak;
mod streams;
mod webhooks;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc;

use interpret::data::Data;

use crate::cli::{Folder, PATIENCE};

/// A workflow that waits for a manager above 1000, as in the published page.
pub const ORDER: &str = "
kind: Workflow
id: order-approval
name: Order Approval Workflow
purpose: Process and approve customer orders
inputSchema:
  type: object
  required: [orderId, amount]
  properties: { orderId: { type: string }, amount: { type: number }, items: { type: array } }
steps:
  - { kind: andThen, id: validate-order, name: Validate Order, assign: { checked: true } }
  - kind: andWhen
    id: approval
    condition: =input.amount > 1000
    suspend: { reason: Waiting for manager approval, data: { amount: =input.amount } }
    resumeSchema: { type: object, required: [approved], properties: { approved: { type: boolean }, managerId: { type: string } } }
  - { kind: andThen, id: settle, set: { approved: \"=steps.approval.output.approved | default(true)\", totalAmount: =input.amount } }
";

/// Takes its time: five naps, with an event behind each.
pub const NAPS: &str = "
kind: Workflow
id: naps
steps:
  - kind: andForEach
    id: each
    items: [1, 2, 3, 4, 5]
    steps:
      - { kind: andSleep, id: nap, duration: 60ms }
      - { kind: andThen, id: tell, emit: { event: nap, data: =data } }
";

/// What the environment of every server has under this name.
pub const HOOK_SECRET: &str = "It's a Secret to Everybody";

/// A server in a process of its own; it ends with the test.
pub struct Served {
    child: Child,
    pub base: String,
    pub folder: Folder,
    errors: mpsc::Receiver<String>,
    arguments: Vec<String>,
}

impl Served {
    /// Serves the files of a folder, with a store that outlives the process.
    pub fn new(files: &[(&str, &str)]) -> Served {
        Served::with(files, &[])
    }

    pub fn with(files: &[(&str, &str)], arguments: &[&str]) -> Served {
        Served::beside(&[], files, arguments)
    }

    /// The same with files beside the folder of the workflows, such as a configuration.
    pub fn beside(beside: &[(&str, &str)], files: &[(&str, &str)], arguments: &[&str]) -> Served {
        let files = files.iter().map(|(path, text)| (format!("w/{path}"), *text));
        let beside = beside.iter().map(|(path, text)| ((*path).to_owned(), *text));
        let all: Vec<(String, &str)> = files.chain(beside).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let folder = Folder::new(&all);
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let (child, base, errors) = start(&folder, &arguments);
        Served {
            child,
            base,
            folder,
            errors,
            arguments,
        }
    }

    /// Kills the process as nothing else does, and starts another one on what it has left, at the same address.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Kills the process as nothing else does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts another process at the same address.
    pub fn restart(&mut self) {
        let address = self.base.trim_start_matches("http://").to_owned();
        let mut arguments = self.arguments.clone();
        arguments.extend(["--addr".to_owned(), address]);
        let (child, base, errors) = start(&self.folder, &arguments);
        assert_eq!(base, self.base);
        (self.child, self.errors) = (child, errors);
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Resident memory, in MB.
    #[cfg(target_os = "linux")]
    pub fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1e3
    }

    /// Waits until the process says something on stderr.
    pub fn said(&self, what: &str) -> String {
        loop {
            let line = self.errors.recv_timeout(PATIENCE).expect(what);
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Waits until the process ends; its exit code.
    pub fn ended(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    pub fn get(&self, path: &str) -> Answer {
        block_on(async {
            let response = client().get(format!("{}{path}", self.base)).send().await.unwrap();
            Answer::of(response).await
        })
    }

    pub fn post(&self, path: &str, body: &Data) -> Answer {
        self.post_with(path, body, &[])
    }

    pub fn post_with(&self, path: &str, body: &Data, headers: &[(&str, &str)]) -> Answer {
        block_on(async {
            let mut request = client().post(format!("{}{path}", self.base)).body(body.to_string());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            Answer::of(request.send().await.unwrap()).await
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Data,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Data::from(text.as_str()));
        Answer { status, headers, body }
    }

    /// The data of a success.
    pub fn data(&self) -> &Data {
        assert_eq!((self.status, self.at("/success")), (200, Data::Bool(true)), "{self:?}");
        self.body.get("data").expect("data")
    }

    pub fn at(&self, pointer: &str) -> Data {
        self.body.pointer(pointer).cloned().unwrap_or_default()
    }

    /// The status and code of a refusal, which has a text for people too.
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.at("/success"), Data::Bool(false), "{self:?}");
        assert!(
            self.at("/error").as_str().is_some_and(|text| !text.is_empty()),
            "{self:?}"
        );
        (self.status, self.at("/code").as_str().unwrap_or_default().to_owned())
    }
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn start(folder: &Folder, arguments: &[String]) -> (Child, String, mpsc::Receiver<String>) {
    let mut all = vec!["serve", "w"];
    all.extend(arguments.iter().map(String::as_str));
    let mut command = folder.command(&all);
    command.env("HOOK_SECRET", HOOK_SECRET);
    if !arguments.iter().any(|argument| argument == "--addr") {
        command.args(["--addr", "127.0.0.1:0"]);
    }
    if !arguments.iter().any(|argument| argument == "--store") {
        command.args(["--store", "sqlite:runs.sqlite"]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let base = loop {
        let mut line = String::new();
        if errors.read_line(&mut line).unwrap() == 0 {
            panic!("the server does not start: {said}");
        }
        if let Some((_, behind)) = line.split_once(" at http://") {
            let address = behind.split('/').next().unwrap();
            break format!("http://{address}");
        }
        said.push_str(&line);
    };
    (child, base, listen(errors))
}

/// Reads what is said, so that the process is never held up by it.
fn listen(mut errors: BufReader<ChildStderr>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while errors.read_line(&mut line).is_ok_and(|read| read > 0) {
            // The test may be over already.
            let _ = sender.send(std::mem::take(&mut line));
        }
        let _ = errors.read_to_string(&mut line);
    });
    receiver
}
