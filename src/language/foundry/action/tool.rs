//! Calls of functions and of tools of MCP servers, allowed by a person where that is asked for.

use super::input::{said, wait};
use super::variable::output_field;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::expr::foundry::{Compute, Part, Test, Variable};
use crate::graph::{Call, CodePattern, Handler, Keys, McpAt, Name, Op, Target};
use crate::language::foundry::flow::Label;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed, keeping};

/// What comes out of an agent or a tool.
#[derive(Default)]
pub(super) struct Output {
    /// The variable for the messages.
    pub messages: Option<Variable>,
    /// The variable for the value of a text that is JSON.
    pub object: Option<Variable>,
    /// The variable for the result.
    pub result: Option<Variable>,
    /// The variable for the text.
    pub text: Option<Variable>,
    /// Whether the user is shown it; absent is yes.
    pub shown: Option<Test>,
}

/// Reads `output`.
pub(super) fn output(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Output {
    let mut output = Output::default();
    let Some(entry) = fields.get(&["output"]) else {
        return output;
    };
    let Some(mut inner) = Fields::of(reader, "output", &entry.value, "`output`") else {
        return output;
    };
    output.messages = inner.variable(reader, &["messages"]);
    output.object = inner.variable(reader, &["responseObject"]);
    output.result = inner.variable(reader, &["result"]);
    output.text = inner.variable(reader, &["response"]);
    output.shown = inner.test(reader, &["autoSend"]);
    inner.close(reader);
    output
}

pub(super) fn function(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let name = literal_name(reader, fields, &["functionName", "name"], "get_weather");
    let arguments = arguments(reader, fields);
    let conversation = fields.value(reader, &["conversationId"]);
    let approval = fields.test(reader, &["requireApproval"]);
    let output = output(reader, fields);
    let name = name?;
    let shown: Build = Build::Literal((&*name).into());
    let after = approve(reader, action, approval, shown.clone(), &arguments, &output);
    // Who has registered no such function runs it elsewhere, and tells what came of it.
    let more = vec![("name".into(), shown), ("arguments".into(), arguments.clone())];
    let reason = Build::Literal(format!("`{name}` is to be called").into());
    let host = wait(
        action,
        "host",
        "function",
        Some(reason),
        more,
        computed(Compute::Called),
        Vec::new(),
    );
    let host = reader.builder.node(host);
    let block = reader.builder.block(vec![host]);
    let call = Call {
        target: Target::Function {
            name,
            arguments: Some(arguments),
        },
        result_schema: None,
    };
    let mut node = action.node("", Op::Call(Box::new(call)));
    node.keys = Some(Box::new(Keys {
        output: Some(computed(Compute::Called)),
        catch: vec![Handler {
            on: Some(vec![CodePattern("function.unknown".into())]),
            when: None,
            block,
        }],
        ..Keys::default()
    }));
    finish(reader, action, node, output, conversation, after);
    Some(())
}

pub(super) fn mcp(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    fields.required(reader, &["serverUrl"], "https://mcp.example.com/mcp");
    let url = fields.template(reader, &["serverUrl"], true);
    fields.required(reader, &["toolName"], "search");
    let tool = fields.template(reader, &["toolName"], true);
    let label = fields.text(reader, &["serverLabel"]).map(|(label, _)| label);
    let headers = fields.value(reader, &["headers"]);
    let arguments = arguments(reader, fields);
    let conversation = fields.value(reader, &["conversationId"]);
    let approval = fields.test(reader, &["requireApproval"]);
    // Which account is used is up to the configuration.
    fields.get(&["connection"]);
    let output = output(reader, fields);
    let (url, tool) = (url?, tool?);
    // Headers may hold keys, so nobody is asked about them.
    let after = approve(reader, action, approval, tool.clone(), &arguments, &output);
    let at = McpAt {
        label,
        url,
        tool,
        headers,
        arguments: Some(arguments),
    };
    let call = Call {
        target: Target::McpAt(Box::new(at)),
        result_schema: None,
    };
    let mut node = action.node("", Op::Call(Box::new(call)));
    node.keys.get_or_insert_default().output = Some(computed(Compute::Called));
    finish(reader, action, node, output, conversation, after);
    Some(())
}

fn arguments(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Build {
    let arguments = fields.value(reader, &["arguments"]);
    arguments.unwrap_or_else(|| Build::Literal(Build::map(Vec::new()).literal().cloned().unwrap_or_default()))
}

/// A name that has to be known before the run.
fn literal_name(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    names: &[&'static str],
    example: &str,
) -> Option<Name> {
    fields.required(reader, names, example);
    let (name, span) = fields.text(reader, names)?;
    if name.starts_with('=') {
        let message = format!("`{}` names what is called, so it must be a plain text", names[0]);
        reader.report(Diagnostic::error(Code::NotLiteral, span, message));
        return None;
    }
    Some(name)
}

/// Asks a person whether a tool may be called, and goes on behind the action if it may not.
fn approve(
    reader: &mut Reader<'_>,
    action: &Action,
    test: Option<Test>,
    name: Build,
    arguments: &Build,
    output: &Output,
) -> Label {
    let after = reader.flow.label();
    let Some(test) = test.filter(|test| !super::is_never(test)) else {
        return after;
    };
    let (go, ask, refuse) = (reader.flow.label(), reader.flow.label(), reader.flow.label());
    if super::literal(&test) != Some(true) {
        reader.flow.jump(action.jump("check"), vec![(test, ask)], Some(go));
    }
    reader.flow.place(ask);
    let answer = action.own("approval");
    let more = vec![("name".into(), name.clone()), ("arguments".into(), arguments.clone())];
    let keep = vec![(answer.clone(), super::variable::output())];
    let prompt = computed(Compute::Joined(vec![
        Build::Literal("May `".into()),
        name,
        Build::Literal("` be called?".into()),
    ]));
    let approval = computed(Compute::Approval);
    reader
        .flow
        .push(wait(action, "approve", "approval", Some(prompt), more, approval, keep));
    let approved = Test::Kept(answer.to_string(), "approved");
    reader
        .flow
        .jump(action.jump("decide"), vec![(approved, go)], Some(refuse));
    reader.flow.place(refuse);
    let refused = Build::Literal("Error: the call was not approved".into());
    let keep = output
        .result
        .clone()
        .map(|variable| assign(variable, super::variable::output()));
    reader
        .flow
        .push(action.set("refused", refused, keep.into_iter().collect()));
    reader.flow.jump(action.jump("past"), Vec::new(), Some(after));
    reader.flow.place(go);
    after
}

/// The call itself, and what becomes of its result.
fn finish(
    reader: &mut Reader<'_>,
    action: &Action,
    node: crate::graph::Node,
    output: Output,
    conversation: Option<Build>,
    after: Label,
) {
    let mut keep = Vec::new();
    keep.extend(output.result.map(|variable| assign(variable, output_field("value"))));
    keep.extend(
        output
            .messages
            .map(|variable| assign(variable, output_field("messages"))),
    );
    reader.flow.push(keeping(node, keep));
    let text = computed(Compute::Part(Part::Received, "text"));
    let show = super::show(action, "show", text, None);
    let show = super::hand_on(show, computed(Compute::Part(Part::Received, "")));
    if !output.shown.as_ref().is_some_and(super::is_never) {
        reader.flow.push(super::provided_if(show, output.shown));
    }
    if let Some(conversation) = conversation {
        reader.flow.push(said(action, "keep", conversation, "messages"));
    }
    reader.flow.place(after);
}
