//! HTTP requests.

use super::input::said;
use super::variable::output_field;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::Compute;
use crate::graph::{Call, Keys, Millis, Name, Op, StatusRange, Target, Timing};
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed, keeping};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    fields.required(reader, &["url"], "https://api.example.com/orders");
    let url = fields.template(reader, &["url"], true);
    let method = method(reader, fields);
    let headers = fields.value(reader, &["headers"]);
    let query = fields.value(reader, &["queryParameters", "query"]);
    let body = body(reader, fields, headers)?;
    let timeout = fields.get(&["requestTimeoutInMilliseconds"]).map(|entry| &entry.value);
    let timeout = match timeout {
        Some(node) => match node.as_scalar().and_then(|scalar| scalar.data.as_i64()) {
            Some(time) if time > 0 => Some(Millis(time as u64)),
            _ => {
                let help = "write for example `requestTimeoutInMilliseconds: 30000`";
                reader.wrong_type("requestTimeoutInMilliseconds", node, "a number of milliseconds", help);
                None
            }
        },
        None => None,
    };
    let response = fields.variable(reader, &["response"]);
    let response_headers = fields.variable(reader, &["responseHeaders"]);
    let conversation = fields.value(reader, &["conversationId"]);
    // Which account is used is up to the configuration.
    fields.get(&["connection"]);
    let url = url?;
    if let Some(host) = host(&url) {
        reader.hosts.insert(host);
    }
    let call = Call {
        target: Target::Http {
            method: method?,
            url,
            query,
            headers: body.headers,
            body: body.content,
            accept: vec![StatusRange { first: 200, last: 299 }],
        },
        result_schema: None,
    };
    let mut node = action.node("", Op::Call(Box::new(call)));
    node.keys = Some(Box::new(Keys {
        timeout: timeout.map(Timing::For),
        output: Some(computed(Compute::Fetched)),
        ..Keys::default()
    }));
    let mut keep = Vec::new();
    keep.extend(response.map(|variable| assign(variable, output_field("value"))));
    keep.extend(response_headers.map(|variable| assign(variable, output_field("headers"))));
    reader.flow.push(keeping(node, keep));
    if let Some(conversation) = conversation {
        reader.flow.push(said(action, "keep", conversation, "messages"));
    }
    Some(())
}

fn method(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Name> {
    let Some((word, span)) = fields.text(reader, &["method"]) else {
        return Some("GET".into());
    };
    let found = METHODS.iter().find(|method| method.eq_ignore_ascii_case(&word));
    if found.is_none() {
        let message = format!("`{word}` is no method of HTTP");
        let finding = Diagnostic::error(Code::InvalidValue, span, message).suggest(&word, METHODS);
        reader.report(finding.help(format!("the methods are {}", METHODS.join(", "))));
    }
    found.map(|method| Name::from(*method))
}

struct Body {
    content: Option<Build>,
    headers: Option<Build>,
}

/// The body: any value, or `{kind, content}`, of which a raw one may tell its type.
fn body(reader: &mut Reader<'_>, fields: &mut Fields<'_>, headers: Option<Build>) -> Option<Body> {
    let Some(entry) = fields.get(&["body"]) else {
        return Some(Body { content: None, headers });
    };
    let kind = entry.value.get("kind").and_then(|kind| kind.as_str());
    let Some(kind) = kind.filter(|kind| kind.to_ascii_lowercase().ends_with("content")) else {
        let content = Some(reader.value("body", &entry.value)?);
        return Some(Body { content, headers });
    };
    if kind.to_ascii_lowercase().starts_with("no") {
        return Some(Body { content: None, headers });
    }
    let mut inner = Fields::of(reader, "body", &entry.value, "a body")?;
    inner.get(&["kind"]);
    let content = inner.required(reader, &["content"], "=Local.Order");
    let content = content.and_then(|entry| reader.value("content", &entry.value));
    let media = inner.value(reader, &["contentType"]);
    inner.close(reader);
    let headers = match (media, headers) {
        (None, headers) => headers,
        (Some(media), None) => Some(Build::map(vec![("Content-Type".into(), media)])),
        (Some(media), Some(headers)) => Some(computed(Compute::Merged(
            Box::new(Build::map(vec![("Content-Type".into(), media)])),
            Box::new(headers),
        ))),
    };
    Some(Body {
        content: Some(content?),
        headers,
    })
}

/// The host of a URL that is written out, as `permissions` name hosts.
fn host(url: &Build) -> Option<Name> {
    let Build::Computed(compute) = url else { return None };
    let Compute::Text(text, _) = &**compute else {
        return None;
    };
    let text = text.literal()?.as_str()?;
    let rest = text.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (!host.is_empty()).then(|| host.into())
}
