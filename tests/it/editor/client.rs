//! An editor's side of the language server protocol: a server as a child process, spoken to over its pipes.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// No answer takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Notifications that came while something else was waited for.
    notified: VecDeque<Value>,
    /// What the server is told when it asks for the editor's settings.
    settings: Value,
    next: u64,
    /// What the server said that it can do.
    pub capabilities: Value,
}

impl Client {
    /// Starts a server and introduces itself; `settings` are the editor's, by section.
    pub fn spawn(command: Command, settings: Value) -> Client {
        Client::spawn_in(command, settings, None, &["utf-16"])
    }

    /// The same with a folder open, and with the encodings in which positions may be counted.
    pub fn spawn_in(mut command: Command, settings: Value, folder: Option<&str>, encodings: &[&str]) -> Client {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the server starts");
        let stdin = child.stdin.take().expect("a pipe was asked for");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let notified = VecDeque::new();
        let mut client = Client {
            child,
            stdin: Some(stdin),
            messages,
            notified,
            settings,
            next: 0,
            capabilities: Value::Null,
        };
        let capabilities = json!({
            "textDocument": {
                "completion": { "completionItem": { "snippetSupport": true } },
                "hover": { "contentFormat": ["markdown"] },
            },
            "workspace": { "configuration": true },
            "general": { "positionEncodings": encodings },
        });
        let introduced = client.request(
            "initialize",
            json!({ "processId": null, "rootUri": folder, "capabilities": capabilities }),
        );
        client.capabilities = introduced["capabilities"].clone();
        client.notify("initialized", json!({}));
        client.notify(
            "workspace/didChangeConfiguration",
            json!({ "settings": client.settings }),
        );
        client
    }

    /// Opens a document.
    pub fn open(&mut self, uri: &str, language: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Sends a request and waits for its result.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends a request and waits for its answer, which may be a refusal.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.receive(method);
            match message.get("id") {
                Some(found) if *found == id => return message,
                _ => self.notified.push_back(message),
            }
        }
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Waits for the next findings about any document.
    pub fn published(&mut self) -> Value {
        let is_wanted = |message: &Value| message["method"] == "textDocument/publishDiagnostics";
        loop {
            let message = match self.notified.pop_front() {
                Some(message) => message,
                None => self.receive("textDocument/publishDiagnostics"),
            };
            if is_wanted(&message) {
                return message["params"].clone();
            }
        }
    }

    /// Sends bytes that need not be a message.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("the pipe is open");
        stdin.write_all(bytes).expect("the server reads");
        stdin.flush().expect("the server reads");
    }

    /// Closes the server's standard input.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Waits for the server to end; its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        // It may still have something to say.
        while self.messages.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("the server ends").code()
    }

    /// Waits for the next findings about a document.
    pub fn diagnostics(&mut self, uri: &str) -> Vec<Value> {
        let is_wanted =
            |message: &Value| message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri;
        let early = self
            .notified
            .iter()
            .position(is_wanted)
            .and_then(|at| self.notified.remove(at));
        let found = early.unwrap_or_else(|| {
            loop {
                let message = self.receive("textDocument/publishDiagnostics");
                if is_wanted(&message) {
                    break message;
                }
                self.notified.push_back(message);
            }
        });
        found["params"]["diagnostics"]
            .as_array()
            .expect("a list of findings")
            .clone()
    }

    /// The next answer or notification. What the server itself asks is answered on the way.
    fn receive(&mut self, waits_for: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(message) = self.messages.recv_timeout(left) else {
                panic!("the server did not answer `{waits_for}`");
            };
            let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
                return message;
            };
            let result = match method {
                "workspace/configuration" => {
                    let items = message["params"]["items"].as_array().cloned().unwrap_or_default();
                    let section = |item: &Value| self.settings[item["section"].as_str().unwrap_or_default()].clone();
                    items.iter().map(section).collect()
                }
                _ => Value::Null,
            };
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One message: headers, an empty line, and as many bytes as they say.
fn read(stdout: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("Content-Length") => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stdout.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// A text with `‸`, or else `|`, where the cursor is: the text without it, and the position.
pub fn cursor(text: &str) -> (String, Value) {
    let (before, behind) = text.split_once('‸').or(text.split_once('|')).expect("a cursor");
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
    (
        format!("{before}{behind}"),
        json!({ "line": line, "character": column }),
    )
}
