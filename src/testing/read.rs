//! A document of `kind: WorkflowTest` to cases, with a finding for everything that is not as it should be.

use std::sync::Arc;

use super::fields::{Fields, Reader, Times, listed};
use super::matcher::Matcher;
use super::suite::{Act, Case, Expect, Expected, Kept, Payload, Resume, Scripted};
use super::{START, keys};
use crate::data::{Data, Map};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Millis, Name, Timestamp, parse_instant};
use crate::provider::Mocks;
use crate::run::Status;
use crate::source::Span;
use crate::yaml::Node;

/// What a document says, before it is known whether the workflow has these steps.
pub(super) struct Raw<'n> {
    pub workflow: (Name, Span),
    pub version: Option<Name>,
    pub mocks: Option<(Arc<Mocks>, &'n Node)>,
    pub cases: Vec<RawCase<'n>>,
}

/// A case, with the nodes that are checked against the workflow.
pub(super) struct RawCase<'n> {
    pub case: Case,
    pub input: Option<&'n Node>,
    /// Whether nothing was found in it so far.
    pub sound: bool,
    pub context: Option<&'n Node>,
    pub mocks: Option<(Arc<Mocks>, &'n Node)>,
    /// The names of events, and where they stand.
    pub events: Vec<(Name, Span)>,
}

pub(super) fn document<'n>(reader: &mut Reader<'_>, root: &'n Node) -> Option<Raw<'n>> {
    let fields = reader.fields(root, "test file", "a test file", keys::FILE)?;
    let workflow = fields.required(reader, "workflow", "order-approval");
    let workflow = workflow.and_then(|node| Some((reader.text("workflow", node)?, node.span)));
    let version = fields.get("version").and_then(|node| reader.text("version", node));
    let mocks = fields.get("mocks").and_then(|node| mocks(reader, node));
    let example = "[{ name: a small order, input: { amount: 40 }, expect: { status: completed } }]";
    let cases = fields.required(reader, "cases", example);
    let cases = cases.and_then(|node| match node.as_list() {
        Some(items) => Some(items),
        None => {
            reader.wrong_type("cases", node, "a list", format!("write for example `cases: {example}`"));
            None
        }
    });
    let mut read: Vec<RawCase<'_>> = Vec::new();
    for node in cases.unwrap_or_default() {
        read.extend(case(reader, node, &mocks));
    }
    Some(Raw {
        workflow: workflow?,
        version,
        mocks,
        cases: read,
    })
}

fn case<'n>(reader: &mut Reader<'_>, node: &'n Node, shared: &Option<(Arc<Mocks>, &'n Node)>) -> Option<RawCase<'n>> {
    let before = reader.diagnostics.len();
    let fields = reader.fields(node, "cases", "a case", keys::CASE)?;
    let name = fields.required(reader, "name", "a small order");
    let name = name.and_then(|node| Some((reader.text("name", node)?, node.span)));
    let input = fields.get("input");
    let context = object(reader, &fields, "context", "{ tenant: acme }");
    let env = object(reader, &fields, "env", "{ API_URL: https://api.example.com }");
    for entry in env.and_then(Node::as_map).unwrap_or_default() {
        reader.text(&entry.key, &entry.value);
    }
    let own = fields.get("mocks").and_then(|node| mocks(reader, node));
    let resume = fields
        .get("resume")
        .map(|node| resume(reader, node))
        .unwrap_or_default();
    let mut script = Vec::new();
    let mut events = Vec::new();
    if let Some(node) = fields.get("events") {
        for node in reader.one_or_more(node) {
            if let Some(scripted) = event(reader, node, &mut events) {
                script.push(scripted);
            }
        }
    }
    if let Some(node) = fields.get("suspend") {
        script.extend(suspend(reader, node));
    }
    if let Some(node) = fields.get("cancel") {
        script.extend(cancel(reader, node));
    }
    // What happens at one moment happens in the order of the file.
    script.sort_by_key(|scripted| scripted.at);
    let now = fields.get("now").and_then(|node| instant(reader, node));
    let snapshot = fields.get("snapshot").and_then(|node| kept(reader, node));
    let expect = fields.get("expect").and_then(|node| expect(reader, node));
    let (name, place) = name?;
    let expect = match (expect, snapshot) {
        (None, None) => Some(Expect {
            place,
            status: (Expected::Run(Status::Completed), None),
            result: None,
            error: None,
            ran: Vec::new(),
            skipped: Vec::new(),
            waiting: None,
            took: None,
        }),
        (expect, _) => expect,
    };
    let data = |node: Option<&Node>| node.map_or_else(|| Data::from(Map::new()), Node::data);
    let case = Case {
        name,
        place,
        input: data(input),
        context: data(context),
        env: data(env),
        now: now.unwrap_or(START),
        snapshot,
        mocks: own.iter().chain(shared).map(|(mocks, _)| mocks.clone()).collect(),
        scripts: Arc::default(),
        resume,
        script,
        expect,
    };
    Some(RawCase {
        case,
        input,
        sound: reader.diagnostics.len() == before,
        context,
        mocks: own,
        events,
    })
}

fn object<'n>(reader: &mut Reader<'_>, fields: &Fields<'n>, key: &'static str, example: &str) -> Option<&'n Node> {
    let node = fields.get(key)?;
    if node.as_map().is_none() {
        reader.wrong_type(key, node, "a mapping", format!("write for example `{key}: {example}`"));
        return None;
    }
    Some(node)
}

/// Mocks, which have a reader of their own: `--mocks` files are the same.
fn mocks<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<(Arc<Mocks>, &'n Node)> {
    match Mocks::from_data(&node.data()) {
        Ok(mocks) => Some((Arc::new(mocks), node)),
        Err(errors) => {
            for error in errors {
                let key = error.pointer.rsplit('/').next().unwrap_or_default();
                let diagnostic = match error.known.is_empty() {
                    true => Diagnostic::error(Code::InvalidValue, node.locate(&error.pointer), error.message),
                    false => Diagnostic::error(Code::UnknownKey, node.locate_key(&error.pointer), error.message)
                        .suggest(key, error.known.iter().copied()),
                };
                reader.report(diagnostic);
            }
            None
        }
    }
}

fn resume(reader: &mut Reader<'_>, node: &Node) -> Vec<Resume> {
    let Some(entries) = node.as_map() else {
        let help = "write for example `resume: { approve: { payload: { approved: true } } }`";
        reader.wrong_type("resume", node, "a mapping of steps", help);
        return Vec::new();
    };
    let mut read = Vec::new();
    for entry in entries {
        let mut payloads = Vec::new();
        for node in reader.one_or_more(&entry.value) {
            payloads.push(match node.is_null() {
                true => None,
                false => payload(reader, node),
            });
        }
        read.push(Resume {
            pattern: entry.key.clone(),
            place: entry.key_span,
            payloads,
        });
    }
    read
}

fn payload(reader: &mut Reader<'_>, node: &Node) -> Option<Payload> {
    let fields = reader.fields(node, "resume", "an answer to a wait", keys::PAYLOAD)?;
    let after = fields.get("after").map(|node| reader.duration("after", node));
    let payload = fields.required(reader, "payload", "{ approved: true }")?;
    Some(Payload {
        data: payload.data(),
        after: after.unwrap_or(Some(Millis(0)))?,
        place: payload.span,
    })
}

fn event(reader: &mut Reader<'_>, node: &Node, names: &mut Vec<(Name, Span)>) -> Option<Scripted> {
    let fields = reader.fields(node, "events", "an event", keys::EVENT)?;
    let at = moment(reader, &fields);
    let name = fields.required(reader, "event", "PaymentReceived")?;
    let event = reader.text("event", name)?;
    names.push((event.clone(), name.span));
    let data = fields.get("data").map(Node::data).unwrap_or_default();
    Some(Scripted {
        at: at?,
        act: Act::Deliver { event, data },
        place: name.span,
    })
}

fn suspend(reader: &mut Reader<'_>, node: &Node) -> Vec<Scripted> {
    let Some(fields) = reader.fields(node, "suspend", "`suspend`", keys::SUSPEND) else {
        return Vec::new();
    };
    let reason = fields.get("reason").and_then(|node| reader.text("reason", node));
    let length = fields.get("for").and_then(|node| reader.duration("for", node));
    let Some(at) = moment(reader, &fields) else {
        return Vec::new();
    };
    let place = node.span;
    let held = Scripted {
        at,
        act: Act::Suspend { reason },
        place,
    };
    let goes_on = length.map(|length| Scripted {
        at: Millis(at.0.saturating_add(length.0)),
        act: Act::Continue,
        place,
    });
    std::iter::once(held).chain(goes_on).collect()
}

fn cancel(reader: &mut Reader<'_>, node: &Node) -> Option<Scripted> {
    let fields = reader.fields(node, "cancel", "`cancel`", keys::CANCEL)?;
    let reason = fields.get("reason").and_then(|node| reader.text("reason", node));
    Some(Scripted {
        at: moment(reader, &fields)?,
        act: Act::Cancel { reason },
        place: node.span,
    })
}

/// `at`: how long after the start, at once by default.
fn moment(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Millis> {
    match fields.get("at") {
        None => Some(Millis(0)),
        Some(node) => reader.duration("at", node),
    }
}

fn instant(reader: &mut Reader<'_>, node: &Node) -> Option<Timestamp> {
    let found = node.as_scalar().and_then(|scalar| parse_instant(&scalar.text));
    if found.is_none() {
        let help = "write for example `now: 2026-03-01T12:00:00Z`";
        reader.wrong_type("now", node, "a moment", help);
    }
    found
}

fn kept(reader: &mut Reader<'_>, node: &Node) -> Option<Kept> {
    word(
        reader,
        "snapshot",
        node,
        &[("trace", Kept::Trace), ("result", Kept::Result)],
    )
}

fn word<T: Copy>(reader: &mut Reader<'_>, key: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
    let written = reader.text(key, node)?;
    let found = words.iter().find(|(word, _)| **word == *written);
    if found.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{key}` must be one of {}, not `{written}`", listed(&known));
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).suggest(&written, known));
    }
    found.map(|(_, found)| *found)
}

fn expect(reader: &mut Reader<'_>, node: &Node) -> Option<Expect> {
    let fields = reader.fields(node, "expect", "`expect`", keys::EXPECT)?;
    let status = fields
        .get("status")
        .map(|node| (node.span, word(reader, "status", node, &Expected::ALL)));
    let result = fields
        .get("result")
        .and_then(|node| Matcher::read(reader, "result", node));
    let error = fields.get("error").and_then(|node| {
        reader.fields(node, "error", "an expected error", keys::ERROR)?;
        Matcher::read(reader, "error", node)
    });
    let steps = fields
        .get("steps")
        .and_then(|node| reader.fields(node, "steps", "`steps`", keys::STEPS));
    let names = |reader: &mut Reader<'_>, key| {
        let node = steps.as_ref().and_then(|steps| steps.get(key));
        node.map(|node| reader.texts(key, node)).unwrap_or_default()
    };
    let (ran, skipped) = (names(reader, "ran"), names(reader, "skipped"));
    let waiting = fields
        .get("waiting")
        .map(|node| (reader.texts("waiting", node), node.span));
    let took = fields
        .get("took")
        .and_then(|node| Some((reader.duration("took", node)?, node.span)));
    let status = match status {
        Some((place, word)) => (word?, Some(place)),
        None => {
            let implied = match (&fields.get("error"), &waiting) {
                (Some(_), _) => Status::Error,
                (None, Some((waiting, _))) if !waiting.is_empty() => Status::Suspended,
                _ => Status::Completed,
            };
            (Expected::Run(implied), None)
        }
    };
    Some(Expect {
        place: node.span,
        status,
        result,
        error,
        ran,
        skipped,
        waiting,
        took,
    })
}
