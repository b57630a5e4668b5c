//! A server that answers as it is told and writes down what its clients do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A loopback HTTP server, one thread per connection, one request per connection.
pub struct Witness {
    pub port: u16,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Heads and bodies of requests, in the order of their coming.
    pub requests: Vec<String>,
    /// How many clients closed a connection that was not answered yet.
    pub abandoned: usize,
}

impl Witness {
    /// A server that writes what `respond` makes of a request; where that is nothing it waits for the client to leave.
    pub fn new(respond: impl Fn(&str, u16) -> Option<Vec<u8>> + Send + Sync + 'static) -> Witness {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (notes, respond) = (seen.clone(), Arc::new(respond));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (notes, respond) = (notes.clone(), respond.clone());
                std::thread::spawn(move || serve(stream.unwrap(), port, &notes, &*respond));
            }
        });
        Witness { port, seen }
    }

    /// A server that never answers.
    pub fn silent() -> Witness {
        Witness::new(|_, _| None)
    }

    /// A server that answers every request alike.
    pub fn answering(response: &str) -> Witness {
        let response = response.as_bytes().to_vec();
        Witness::new(move |_, _| Some(response.clone()))
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// What was seen, once something is; panics if it never is.
    pub fn wait(&self, something: impl Fn(&Seen) -> bool) -> Seen {
        let (seen, changed) = &*self.seen;
        let waited = changed.wait_timeout_while(seen.lock().unwrap(), Duration::from_secs(20), |seen| !something(seen));
        let (seen, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "not seen: {seen:?}");
        seen.clone()
    }

    pub fn seen(&self) -> Seen {
        self.wait(|_| true)
    }
}

/// A response with a body and a content type.
pub fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn serve(
    mut stream: TcpStream,
    port: u16,
    seen: &(Mutex<Seen>, Condvar),
    respond: &dyn Fn(&str, u16) -> Option<Vec<u8>>,
) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&chunk[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    note(seen, |seen| seen.requests.push(request.clone()));
    match respond(&request, port) {
        Some(response) => {
            // The client may have had enough.
            let _ = stream.write_all(&response);
        }
        None => {
            while stream.read(&mut chunk).is_ok_and(|count| count > 0) {}
            note(seen, |seen| seen.abandoned += 1);
        }
    }
}

fn note((seen, changed): &(Mutex<Seen>, Condvar), what: impl FnOnce(&mut Seen)) {
    what(&mut seen.lock().unwrap());
    changed.notify_all();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.trim().parse().unwrap())
}
