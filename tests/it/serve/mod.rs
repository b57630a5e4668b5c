//! Workflows over HTTP: servers in this process and the program itself, asked over real connections.
#![allow(
    clippy::disallowed_methods,
    reason = "servers have tasks and sockets, and the tests start the program"
)]

mod auth;
mod guard;
mod issuer;
mod jwt;
mod keys;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use interpret::clock::SystemClock;
use interpret::data::Data;
use interpret::drive::Driver;
use interpret::graph::Definition;
use interpret::load;
use interpret::permit::Permit;
use interpret::provider::Providers;
use interpret::secret::Secrets;
use interpret::serve::{Access, Auth, Server, Settings};
use interpret::source::Sources;
use interpret::store::Memory;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cli::Folder;

/// Nothing in these tests takes longer, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server in this process, over a store in memory, on a port of its own. It ends with this.
pub struct Served {
    pub address: SocketAddr,
    pub server: Server,
    /// Where it runs; `None` only while it is dropped.
    pub runtime: Option<Runtime>,
}

impl Served {
    /// Serves the workflows of some texts.
    pub fn start(texts: &[&str], settings: Settings, access: Access) -> Served {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let clock = Arc::new(SystemClock);
        let secrets = Arc::new(Secrets::new(|_| Ok(None)));
        let providers = Providers::new(Arc::new(Permit::nothing()), secrets, clock.clone());
        let programs = |definition: &Definition| {
            let reloaded = load::reload(definition);
            reloaded.map(|(program, _)| program).map_err(|error| error.to_string())
        };
        let driver = Driver::new(Arc::new(Memory::default()), Arc::new(providers), clock);
        let (server, address) = runtime.block_on(async {
            let server = Server::new(driver.with_programs(Arc::new(programs)), settings);
            let folder = Folder::new(&[]);
            for (number, text) in texts.iter().enumerate() {
                folder.write(&format!("{number}.yaml"), text.as_bytes());
            }
            let loaded = load::load(&[folder.path()]);
            assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
            assert_eq!(server.serve(&loaded).await.unwrap(), Vec::<String>::new());
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let listening = server.clone();
            tokio::spawn(async move { listening.listen(listener, access).await.unwrap() });
            (server, address)
        });
        Served {
            address,
            server,
            runtime: Some(runtime),
        }
    }

    /// A request to it, as yet without anything but a `Host`.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The program with `serve`, on a port of its own. It is killed with this.
pub struct Program {
    pub address: SocketAddr,
    pub child: Child,
    err: BufReader<std::process::ChildStderr>,
    /// What it has written to stderr so far.
    pub said: String,
}

impl Program {
    /// Starts it in a folder with `serve` and these arguments, and waits until it takes requests.
    pub fn start(folder: &Folder, arguments: &[&str]) -> Program {
        let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0", "--store", "memory"]);
        command.args(arguments);
        Program::of(command)
    }

    /// Starts a command that serves, and waits until it takes requests.
    pub fn of(mut command: Command) -> Program {
        let mut child = command.spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(err.read_line(&mut line).unwrap() > 0, "it does not serve: {said}");
            said.push_str(&line);
            if let Some((_, behind)) = line.split_once("http://") {
                break behind.split('/').next().unwrap().parse().unwrap();
            }
        };
        Program {
            address,
            child,
            err,
            said,
        }
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    /// Kills it; all that it has said.
    pub fn end(mut self) -> String {
        let _ = self.child.kill();
        self.err.read_to_string(&mut self.said).unwrap();
        let _ = self.child.wait();
        std::mem::take(&mut self.said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request, written out by hand so that nothing in it is what a client library thinks right.
pub struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Ask {
        Ask {
            address,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![("host".to_owned(), address.to_string())],
            body: None,
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: &str) -> Ask {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says another host, or none.
    pub fn host(mut self, host: Option<&str>) -> Ask {
        self.headers.retain(|(name, _)| name != "host");
        match host {
            Some(host) => self.with("host", host),
            None => self,
        }
    }

    pub fn bearer(self, token: &str) -> Ask {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Ask {
        self.body = Some(body.into());
        self
    }

    /// What is sent before the body.
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("connection: close\r\n\r\n");
        head
    }

    /// Sends it.
    pub fn send(self) -> Reply {
        let mut stream = connect(self.address);
        stream.write_all(self.head().as_bytes()).unwrap();
        // It may be refused before all of it is sent.
        let _ = stream.write_all(self.body.as_deref().unwrap_or_default());
        Reply::read(&mut stream)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Reply {
    /// Reads until the server closes the connection, or the body is there.
    pub fn read(stream: &mut TcpStream) -> Reply {
        let mut bytes = Vec::new();
        let mut chunk = [0; 64 * 1024];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                // What it has said before it cut the connection counts.
                Err(_) if !bytes.is_empty() => break,
                Err(error) => panic!("no answer: {error}"),
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Reply {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            head: head.to_owned(),
            text: body.to_owned(),
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Data {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A value in the body.
    #[track_caller]
    pub fn at(&self, path: &str) -> Data {
        let json: serde_json::Value =
            serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let value = json.pointer(path).unwrap_or_else(|| panic!("no {path}: {self:?}"));
        serde_json::from_value(value.clone()).unwrap()
    }

    /// A refusal in the envelope; its text.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.at("/success"), Data::from(false), "{self:?}");
        assert_eq!(self.at("/code"), Data::from(code), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        self.at("/error").as_str().unwrap().to_owned()
    }
}

/// Who may ask, by the text of a file.
#[track_caller]
pub fn auth(text: &str) -> Auth {
    let file = Sources::new().add("access.yaml", text);
    let (auth, diagnostics) = Auth::read(file, text, "".as_ref(), |_| None);
    auth.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// The digest of a token, as files have it.
pub fn hash(token: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(token);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A workflow that greets.
pub const HELLO: &str = "
kind: Workflow
id: hello
steps:
  - { kind: andThen, id: greet, set: { text: 'Hello' } }
";

/// A workflow that waits for a person.
pub const APPROVAL: &str = "
kind: Workflow
id: approval
steps:
  - { kind: andThen, id: ask, suspend: { reason: please approve } }
";

/// A workflow that fails.
pub const FAILS: &str = "
kind: Workflow
id: fails
steps:
  - { kind: andThen, id: stop, fail: { message: no } }
";
