//! The top level of a workflow.

use std::sync::Arc;

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::defaults::Defaults;
use super::fields::Fields;
use super::foreign;
use super::outline::{Expects, Field, Outline};
use super::reader::Reader;
use super::{check, event, permission, trigger};
use crate::graph::{Header, Limits, Name, Permissions};
use crate::language::{Definition, Files, Read};
use crate::source::Span;
use crate::yaml::Node;

/// Reads a workflow.
pub(crate) fn read(root: &Node, source: &Arc<str>, files: &dyn Files) -> Read {
    let mut reader = Reader::new(source, files, empty(root, source));
    let header = header(&mut reader, root);
    let mut diagnostics = reader.diagnostics;
    diagnostics.extend(check::check(&reader.outline));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.file, span.start)));
    let errors = diagnostics.iter().any(|diagnostic| diagnostic.is_error());
    let definition = match header {
        Some((header, body)) if !errors => Some(Definition::Workflow(Arc::new(reader.builder.finish(header, body)))),
        _ => None,
    };
    Read {
        definition,
        outline: Some(reader.outline),
        diagnostics,
    }
}

fn header(reader: &mut Reader, root: &Node) -> Option<(Header, crate::graph::BlockId)> {
    let entries = root.as_map()?;
    let anchor = root.entry("kind").map_or(root.span, |entry| entry.value.span);
    let mut fields = Fields::new(entries, "a workflow", root.span)
        .anchored(anchor)
        .foreign(foreign::in_workflow);
    fields.knows("kind");
    let id = fields
        .required("id", "order-approval")
        .and_then(|entry| reader.id("id", &entry.value));
    let name = fields.name(reader, "name");
    let purpose = fields.name(reader, "purpose");
    let description = fields.name(reader, "description");
    let version = fields.name(reader, "version");
    if let Some(id) = &id {
        reader.outline.id = id.clone();
    }
    reader.outline.span = anchor;
    reader.outline.input = fields.schema(reader, "inputSchema");
    reader.outline.output = fields.schema(reader, "outputSchema");
    reader.outline.state_schema = fields.schema(reader, "stateSchema");
    reader.outline.context = fields.schema(reader, "contextSchema");
    reader.outline.state = fields.value(reader, "state", Field::WorkflowStart, Expects::Object);
    if let Some(entry) = fields.entry("events") {
        let (input, output) = (reader.outline.input.clone(), reader.outline.output.clone());
        reader.outline.events = event::read(reader, entry, input.as_ref(), output.as_ref());
    }
    reader.outline.permissions = permission::read(reader, &mut fields);
    let triggers = trigger::read(reader, &mut fields);
    reader.defaults = Defaults::read(reader, &mut fields);
    let timeout = fields.timing(reader, "timeout", Field::WorkflowStart, true);
    let limits = limits(reader, &mut fields);
    let body = fields
        .required("steps", "[{ kind: andThen, id: hello, set: { text: hello } }]")
        .map(|entry| reader.block("steps", &entry.value, None));
    let output = fields.value(reader, "output", Field::WorkflowOutput, Expects::Anything);
    reader.outline.result.clone_from(&output);
    fields.close(reader);
    let outline = &reader.outline;
    let header = Header {
        id: id?,
        version,
        name,
        purpose,
        description,
        origin: root.span,
        hash: hash(reader, root.span),
        input_schema: outline.input.clone(),
        output_schema: outline.output.clone(),
        state_schema: outline.state_schema.clone(),
        context_schema: outline.context.clone(),
        state: outline.state.clone(),
        output,
        timeout,
        limits,
        events: outline.events.clone(),
        permissions: outline.permissions.clone(),
        triggers,
        is_dialogue: false,
    };
    Some((header, body?))
}

fn limits(reader: &mut Reader, fields: &mut Fields<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(entry) = fields.entry("limits") else {
        return limits;
    };
    let help = "write for example `limits: { cleanup: 30s }`";
    if let Some(mut fields) = Fields::of(reader, "limits", &entry.value, help) {
        if let Some(cleanup) = fields.duration(reader, "cleanup") {
            limits.cleanup = cleanup;
        }
        fields.close(reader);
    }
    limits
}

/// The hash of a document's text and of the files it took in.
pub(super) fn hash(reader: &Reader, span: Span) -> Name {
    let mut digest = Sha256::new();
    let text = reader.source.get(span.start as usize..span.end as usize);
    digest.update(text.unwrap_or_default());
    for file in &reader.included {
        digest.update(b"\n---\n");
        digest.update(file.as_bytes());
    }
    let hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hash.into()
}

/// An outline without anything in it.
pub(super) fn empty(root: &Node, source: &Arc<str>) -> Outline {
    Outline {
        id: "".into(),
        span: root.span,
        root: root.clone(),
        source: source.clone(),
        input: None,
        output: None,
        state_schema: None,
        context: None,
        state: None,
        events: IndexMap::new(),
        permissions: Permissions::default(),
        servers: Vec::new(),
        agent: false,
        result: None,
        steps: Vec::new(),
        sites: Vec::new(),
    }
}
