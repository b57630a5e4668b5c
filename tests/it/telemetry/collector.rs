//! A collector on this machine, which reads what it is sent by the published numbers and names of the fields.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A collector that takes everything.
pub struct Collector {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

/// What it was sent.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
}

/// A span, whichever way it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub kind: u64,
    pub start: u64,
    pub end: u64,
    pub attributes: BTreeMap<String, String>,
    pub failed: bool,
}

impl Span {
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

impl Collector {
    pub fn new() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = kept.clone();
                std::thread::spawn(move || while take(stream.as_ref().unwrap(), &kept).is_some() {});
            }
        });
        Collector { port, received }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// All spans, in the order in which they began.
    pub fn spans(&self) -> Vec<Span> {
        let received = self.received();
        let traces = received
            .iter()
            .filter(|received| received.head.starts_with("POST /v1/traces "));
        let mut spans: Vec<Span> = traces
            .flat_map(|received| match received.is_json() {
                true => json_spans(&serde_json::from_slice(&received.body).unwrap()),
                false => proto_spans(&received.body),
            })
            .collect();
        spans.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        spans
    }

    /// The data points of a metric, as they were told last.
    pub fn points(&self, metric: &str) -> Vec<Value> {
        let received = self.received();
        let mut metrics = received
            .iter()
            .filter(|received| received.head.starts_with("POST /v1/metrics "));
        let Some(last) = metrics.next_back() else {
            return Vec::new();
        };
        let message: Value = serde_json::from_slice(&last.body).unwrap();
        let all = message["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
            .as_array()
            .unwrap();
        let Some(found) = all.iter().find(|found| found["name"] == metric) else {
            return Vec::new();
        };
        let data = found.get("sum").or(found.get("histogram")).unwrap();
        data["dataPoints"].as_array().unwrap().clone()
    }
}

impl Received {
    fn is_json(&self) -> bool {
        self.head.to_lowercase().contains("content-type: application/json")
    }
}

/// Takes a request and answers it; nothing when the client has left.
fn take(mut stream: &TcpStream, kept: &Mutex<Vec<Received>>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse().unwrap())
            });
            let length: usize = length.unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = bytes[end + 4..end + 4 + length].to_vec();
                kept.lock().unwrap().push(Received { head, body });
                return stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok();
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

fn json_spans(message: &Value) -> Vec<Span> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut spans = Vec::new();
    for resource in list(&message["resourceSpans"]) {
        for scope in list(&resource["scopeSpans"]) {
            for span in list(&scope["spans"]) {
                let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
                let attributes = list(&span["attributes"]).into_iter().map(|entry| {
                    let value = entry["value"].as_object().unwrap().values().next().unwrap();
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    (entry["key"].as_str().unwrap().to_owned(), value)
                });
                spans.push(Span {
                    trace: text("traceId"),
                    id: text("spanId"),
                    parent: text("parentSpanId"),
                    name: text("name"),
                    kind: span["kind"].as_u64().unwrap(),
                    start: text("startTimeUnixNano").parse().unwrap(),
                    end: text("endTimeUnixNano").parse().unwrap(),
                    attributes: attributes.collect(),
                    failed: span["status"]["code"] == 2,
                });
            }
        }
    }
    spans
}

/// A value on the wire.
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// The fields of a message.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Wire<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let mut part = |length: usize| {
            let (part, rest) = bytes.split_at(length);
            bytes = rest;
            part
        };
        let wire = match key & 7 {
            0 => Wire::Number(varint(&mut bytes)),
            1 => Wire::Number(u64::from_le_bytes(part(8).try_into().unwrap())),
            5 => Wire::Number(u32::from_le_bytes(part(4).try_into().unwrap()).into()),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (part, rest) = bytes.split_at(length);
                bytes = rest;
                Wire::Bytes(part)
            }
            other => panic!("there is no wire type {other}"),
        };
        fields.push((key >> 3, wire));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return value;
        }
    }
}

/// The messages in a field.
fn within(bytes: &[u8], number: u64) -> Vec<&[u8]> {
    let found = fields(bytes).into_iter().filter(|(other, _)| *other == number);
    let found = found.filter_map(|(_, wire)| match wire {
        Wire::Bytes(bytes) => Some(bytes),
        Wire::Number(_) => None,
    });
    found.collect()
}

fn proto_spans(message: &[u8]) -> Vec<Span> {
    let resources = within(message, 1);
    let scopes = resources.iter().flat_map(|resource| within(resource, 2));
    scopes.flat_map(|scope| within(scope, 2)).map(proto_span).collect()
}

fn proto_span(bytes: &[u8]) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut span = Span::default();
    for (number, wire) in fields(bytes) {
        match (number, wire) {
            (1, Wire::Bytes(id)) => span.trace = hex(id),
            (2, Wire::Bytes(id)) => span.id = hex(id),
            (4, Wire::Bytes(id)) => span.parent = hex(id),
            (5, Wire::Bytes(name)) => span.name = text(name),
            (6, Wire::Number(kind)) => span.kind = kind,
            (7, Wire::Number(at)) => span.start = at,
            (8, Wire::Number(at)) => span.end = at,
            (9, Wire::Bytes(entry)) => {
                let key = text(within(entry, 1)[0]);
                let value = match fields(within(entry, 2)[0]).into_iter().next().unwrap() {
                    (1, Wire::Bytes(value)) => text(value),
                    (4, Wire::Number(bits)) => f64::from_bits(bits).to_string(),
                    (_, Wire::Number(number)) => number.to_string(),
                    (_, Wire::Bytes(_)) => "...".to_owned(),
                };
                span.attributes.insert(key, value);
            }
            (15, Wire::Bytes(status)) => {
                let code = fields(status).into_iter().find(|(number, _)| *number == 3);
                span.failed = matches!(code, Some((_, Wire::Number(2))));
            }
            _ => {}
        }
    }
    span
}
