//! `suspend`: a wait for a person (rules 32 and 36).

use std::sync::Arc;

use super::{Done, Task};
use crate::contract::Schema;
use crate::data;
use crate::data::{Data, Map};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{EventRole, Name, OnTimeout, Op, Suspend};
use crate::language::native::outline::{Expects, Field, ResultOutline, ShownOutline};
use crate::language::native::fields::Fields;
use crate::language::native::reader::Reader;

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    task.waits(reader);
    let mut fields = task.optional_fields(reader, "{ reason: Waiting for approval }")?;
    let when = fields.when(reader, "when", Field::Own);
    let reason = fields.value(reader, "reason", Field::Own, Expects::Anything);
    let data = fields.value(reader, "data", Field::Own, Expects::Anything);
    let data_node = fields.get("data").cloned();
    let request = reader.event("request", &mut fields, Some(EventRole::Request));
    let response = reader.event("response", &mut fields, Some(EventRole::Response));
    let actions = actions(reader, &mut fields);
    let timeout = fields.timing(reader, "timeout", Field::Own, true);
    let on_timeout = [("fail", OnTimeout::Fail), ("continue", OnTimeout::Continue)];
    let on_timeout_entry = fields.entry("onTimeout");
    let on_timeout = fields.choice(reader, "onTimeout", &on_timeout).unwrap_or_default();
    if let (Some(entry), false) = (on_timeout_entry, fields.has("timeout")) {
        let message = "`onTimeout` says what follows a timeout, and there is none";
        let help = "add for example `timeout: 48h` beside it";
        reader.report(Diagnostic::error(Code::MissingKey, entry.key_span, message).help(help));
    }
    fields.close(reader);
    let resume_schema = task.schemas.resume.clone().or(response.schema);
    let resume_schema = match &actions {
        Some((_, ids)) => Some(with_action(reader, task, resume_schema.as_ref(), ids)?),
        None => resume_schema,
    };
    let outline = &mut reader.outline.steps[task.step.0];
    outline.resume_schema.clone_from(&resume_schema);
    let data_schema = task.schemas.suspend.clone().or(request.schema);
    outline.shows = data_schema.clone().map(|schema| ShownOutline {
        schema,
        what: match (&task.schemas.suspend, &request.name) {
            (None, Some(event)) => format!("the schema of the event `{event}`"),
            _ => "`suspendSchema`".to_owned(),
        },
        declared: task.schemas.suspend_span,
        data: data_node,
        span: task.entry.key_span,
    });
    let when = when.ok()?;
    let result = match &resume_schema {
        Some(schema) if when.is_none() && on_timeout == OnTimeout::Fail => ResultOutline::Typed(schema.ty()),
        _ => ResultOutline::Unknown,
    };
    let suspend = Suspend {
        when,
        reason,
        data,
        data_schema,
        resume_schema,
        request: request.name,
        response: response.name,
        actions: actions.map(|(actions, _)| actions),
        timeout,
        on_timeout,
    };
    Done::new(Op::Suspend(Box::new(suspend)), result)
}

/// The actions as written, and their ids.
fn actions(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<(Data, Vec<Name>)> {
    const EXAMPLE: &str = "[{ id: approve, title: Approve }, { id: reject }]";
    let entry = fields.entry("actions")?;
    let nodes = reader.list("actions", &entry.value, EXAMPLE)?;
    if nodes.is_empty() {
        let help = format!("write for example `actions: {EXAMPLE}`");
        reader.report(Diagnostic::error(Code::InvalidValue, entry.value.span, "`actions` is empty").help(help));
    }
    let mut ids: Vec<Name> = Vec::new();
    for node in nodes {
        let Some(fields) = Fields::of(reader, "actions", node, "write for example `{ id: approve, title: Approve }`")
        else {
            continue;
        };
        let mut fields = fields.called("an action");
        let span = fields.entry("id").map_or(node.span, |entry| entry.value.span);
        let id = fields.required_name(reader, "id", "approve");
        fields.name(reader, "title");
        fields.name(reader, "style");
        fields.close(reader);
        let Some(id) = id else { continue };
        if ids.contains(&id) {
            let message = format!("two actions have the id `{id}`");
            reader.report(Diagnostic::error(Code::DuplicateId, span, message));
        }
        ids.push(id);
    }
    Some((entry.value.data(), ids))
}

/// The schema of a payload that names one of the actions: an object in which `action` is required.
fn with_action(reader: &mut Reader<'_>, task: &Task<'_>, schema: Option<&Schema>, ids: &[Name]) -> Option<Schema> {
    let known = schema.and_then(|schema| schema.source().as_map()).cloned().unwrap_or_default();
    let is_object = match known.get("type") {
        None => true,
        Some(Data::List(types)) => types.contains(&data!("object")),
        Some(one) => *one == data!("object"),
    };
    if !is_object {
        let message = "with `actions` the answer is an object, and this schema allows none";
        let help = "write `type: object`; the chosen action comes in as its key `action`";
        let span = task.schemas.resume_span.unwrap_or(task.entry.key_span);
        reader.report(Diagnostic::error(Code::InvalidValue, span, message).help(help));
        return None;
    }
    let ids: Vec<Data> = ids.iter().map(|id| Data::Text(id.clone())).collect();
    let choice = data!({ "type": "string", "enum": ids });
    let properties = known.get("properties").and_then(Data::as_map).cloned().unwrap_or_default();
    let properties = properties.with("action".into(), choice);
    let mut required: Vec<Data> = known
        .get("required")
        .and_then(Data::as_list)
        .map(|names| names.to_vec())
        .unwrap_or_default();
    if !required.contains(&data!("action")) {
        required.push(data!("action"));
    }
    let whole: Map = Map::clone(&known)
        .with("type".into(), data!("object"))
        .with("required".into(), Data::from(required))
        .with("properties".into(), Data::Map(Arc::new(properties)));
    match Schema::new(&Data::Map(Arc::new(whole))) {
        Ok(schema) => Some(schema),
        Err(problems) => {
            let span = task.schemas.resume_span.unwrap_or(task.entry.key_span);
            for problem in problems {
                reader.report(Diagnostic::error(Code::InvalidSchema, span, problem.message));
            }
            None
        }
    }
}
