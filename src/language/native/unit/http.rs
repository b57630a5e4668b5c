//! `http`: an HTTP request (rule 22).

use super::{Done, Task};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Call, Op, StatusRange, Target};
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::{Fields, Reader};
use crate::yaml::Node;

const METHODS: [(&str, &str); 7] = [
    ("GET", "GET"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
    ("HEAD", "HEAD"),
    ("OPTIONS", "OPTIONS"),
];

/// The statuses that are a success unless `accept` says otherwise.
const SUCCESS: StatusRange = StatusRange { first: 200, last: 299 };

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let mut fields = task.fields(reader, "{ url: \"https://example.com/orders\" }")?;
    let method = fields.choice(reader, "method", &METHODS).unwrap_or("GET");
    fields.required("url", "\"https://example.com/orders\"");
    let url = fields.value(reader, "url", Field::Call, Expects::Anything);
    let query = fields.value(reader, "query", Field::Call, Expects::Object);
    let headers = fields.value(reader, "headers", Field::Call, Expects::Object);
    let body = fields.value(reader, "body", Field::Call, Expects::Anything);
    let accept = accept(reader, &mut fields);
    fields.close(reader);
    let target = Target::Http {
        method: method.into(),
        url: url?,
        query,
        headers,
        body,
        accept,
    };
    let call = Call {
        target,
        result_schema: None,
    };
    Done::new(Op::Call(Box::new(call)), ResultOutline::Unknown)
}

fn accept(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Vec<StatusRange> {
    let Some(nodes) = fields.list(reader, "accept", "[2xx, 404]") else {
        return vec![SUCCESS];
    };
    if nodes.is_empty() {
        let span = fields.entry("accept").map(|entry| entry.value.span);
        let message = "`accept` is empty, so every answer would be an error";
        let help = "leave it out to accept every status from 200 to 299";
        reader.report(Diagnostic::error(Code::InvalidValue, span, message).help(help));
    }
    nodes.iter().filter_map(|node| status(reader, node)).collect()
}

/// `404`, `2xx` or `200-204`.
fn status(reader: &mut Reader<'_>, node: &Node) -> Option<StatusRange> {
    if !reader.is_literal("accept", node) {
        return None;
    }
    let text = node.as_scalar().map_or("", |scalar| &*scalar.text);
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    let range = match (text.strip_suffix("xx").or(text.strip_suffix("XX")), text.split_once('-')) {
        (Some(class), _) => number(&format!("{class}00")).map(|first| (first, first + 99)),
        (None, Some((first, last))) => number(first).zip(number(last)).filter(|(first, last)| first <= last),
        (None, None) => number(text).map(|status| (status, status)),
    };
    if range.is_none() {
        let message = "`accept` needs HTTP statuses";
        let help = "write for example `accept: [2xx, 404]` or `accept: [200-204]`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
    range.map(|(first, last)| StatusRange { first, last })
}
