//! An agent: turns of its model, and the calls of tools between them.
//!
//! Each turn and each call of a tool is an effect of its own. A turn is a call that the step itself makes; a call of a
//! tool is a block inside it, beside the others of the same turn. What the model is told of them is the next turn's.

use std::sync::Arc;

use crate::contract::Schema;
use crate::data::{Data, List, Map};
use crate::graph::{Agent, Ask, Name, Tool, WorkflowId};
use crate::run::event::{Answer, EventKind, Outcome, Part, Planned, ScopeId, Ticket};
use crate::run::model::{Message, ModelRequest, Reply, ToolCall, ToolSpec};
use crate::run::request::{McpToolsRequest, RecallRequest};
use crate::run::state::{End, Slot, Work};
use crate::run::step::{Finding, check};
use crate::run::talk::{Next, Talk, is_fatal};
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure, Request};

/// Begins, or goes on with the conversation of the attempt before.
pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, ask: &Ask) -> Result<(), Corrupt> {
    let Some(talk) = talk(turn, scope) else {
        return next(turn, scope, ask);
    };
    if let (true, Some(reply)) = (talk.remembering, &talk.reply) {
        let request = talk.to_remember(reply).ok_or(Corrupt)?;
        return call(turn, scope, Request::Remember(request));
    }
    match talk.calls.clone() {
        Some(calls) => turn.emit(EventKind::ToolsStarted { scope, calls }),
        None => next(turn, scope, ask),
    }
}

/// A model has answered, or a server has told of its tools.
pub(super) fn answered(turn: &mut Turn<'_>, scope: ScopeId, ask: &Ask, outcome: Outcome) -> Result<(), Corrupt> {
    let talk = talk(turn, scope).ok_or(Corrupt)?;
    match talk.next(ask, &outcome) {
        Next::Open => next(turn, scope, ask),
        Next::Ask(model, messages) => ask_model(turn, scope, ask, model, messages),
        Next::Call(reply) => {
            let calls = reply.calls.iter().map(|call| plan(turn, ask, call)).collect();
            turn.emit(EventKind::ToolsStarted { scope, calls })
        }
        Next::Remember(request) => call(turn, scope, Request::Remember(request)),
        Next::Done(result, reply) => {
            let response = Some(response(talk, &reply));
            turn.concluded(scope, Finding::Done(Answer { result, response }))
        }
        Next::Fail(failure) => turn.failed(scope, failure),
    }
}

/// The calls of a turn go on: the next is opened, or all results are there.
pub(super) fn proceed(turn: &mut Turn<'_>, scope: ScopeId, ask: &Ask) -> Result<(), Corrupt> {
    let Some(Work::Tools(branches)) = turn.state.active(scope).map(|active| &active.work) else {
        return Err(Corrupt);
    };
    if !branches.over() {
        let part = Part::Tool(branches.next);
        return turn.open_block(scope, part);
    }
    let talk = talk(turn, scope).ok_or(Corrupt)?;
    let Some(Message::Assistant { calls, .. }) = talk.last() else {
        return Err(Corrupt);
    };
    let mut results = Vec::with_capacity(calls.len());
    for (call, slot) in calls.iter().zip(&branches.slots) {
        match slot {
            Slot::Ended(End::Failed(failure)) if is_fatal(failure) => {
                let failure = super::own(failure);
                return turn.failed(scope, failure);
            }
            Slot::Ended(end) => results.push(result(call, end)),
            Slot::Chosen | Slot::NotChosen | Slot::Running(_) => return Err(Corrupt),
        }
    }
    let model = talk.model;
    ask_model(turn, scope, ask, model, results)
}

fn talk<'t>(turn: &'t Turn<'_>, scope: ScopeId) -> Option<&'t Talk> {
    turn.state.active(scope)?.talk.as_deref()
}

/// Asks what is to be asked next: a server for its tools, or the model.
fn next(turn: &mut Turn<'_>, scope: ScopeId, ask: &Ask) -> Result<(), Corrupt> {
    let listed: &[(Name, Data)] = talk(turn, scope).map_or(&[], |talk| &talk.listed);
    let unknown = |tool: &&Tool| tool.description.is_none() || tool.parameters.is_none();
    let mut servers = ask.tools.iter().filter(unknown).filter_map(|tool| tool.server.as_ref());
    if let Some(server) = servers.find(|server| !listed.iter().any(|(known, _)| known == *server)) {
        let server = server.clone();
        return call(turn, scope, Request::McpTools(McpToolsRequest { server, at: None }));
    }
    if talk(turn, scope).is_some_and(|talk| talk.first.is_some()) {
        return ask_model(turn, scope, ask, 0, Vec::new());
    }
    if talk(turn, scope).is_none_or(|talk| talk.recalled.is_none()) {
        match conversation(turn, scope, ask) {
            Ok(None) => {}
            Ok(Some(conversation)) => {
                return call(turn, scope, Request::Recall(RecallRequest { conversation }));
            }
            Err(failure) => return turn.failed(scope, failure),
        }
    }
    match opening(turn, scope, ask) {
        Ok(request) => call(turn, scope, Request::Model(Arc::new(request))),
        Err(failure) => turn.failed(scope, failure),
    }
}

fn call(turn: &mut Turn<'_>, scope: ScopeId, request: Request) -> Result<(), Corrupt> {
    turn.emit(EventKind::CallStarted {
        scope,
        ticket: Ticket(turn.state.next_ticket),
        request: Arc::new(request),
    })
}

/// The first request of a conversation.
fn opening(turn: &Turn<'_>, scope: ScopeId, ask: &Ask) -> Result<ModelRequest, Failure> {
    let agent = agent(ask)?;
    let talk = talk(turn, scope);
    let mut messages = talk.and_then(|talk| talk.recalled.clone()).unwrap_or_default();
    let recalled = messages.len();
    if let Some(earlier) = &ask.messages {
        messages.extend(said_before(&turn.value(scope, earlier, Extra::default())?)?);
    }
    let prompt = match &ask.prompt {
        Some(prompt) => Some(turn.value(scope, prompt, Extra::default())?).filter(|prompt| !prompt.is_null()),
        None => None,
    };
    let prompt = prompt.map(|content| Message::User { content });
    // Who has asked may have said so in the conversation already.
    let is_said = messages.len() == recalled && prompt.is_some() && messages.last() == prompt.as_ref();
    messages.extend(prompt.filter(|_| !is_said));
    let asks = |message: &Message| !matches!(message, Message::System { .. });
    if let Some(otherwise) = &ask.otherwise
        && !messages.iter().any(asks)
    {
        messages.extend(said_before(&turn.value(scope, otherwise, Extra::default())?)?);
    }
    // What was said there last may be the question; who has another one for an empty conversation answers any.
    let is_asked = match &ask.otherwise {
        Some(_) => messages.iter().any(asks),
        None => messages.len() > recalled || matches!(messages.last(), Some(Message::User { .. })),
    };
    if !is_asked {
        let message = "there is nothing to ask: `prompt` is null and `messages` is empty";
        return Err(Failure::new("expression.type", message));
    }
    let listed: &[(Name, Data)] = talk.map_or(&[], |talk| &talk.listed);
    Ok(ModelRequest {
        agent: ask.agent.clone(),
        turn: 0,
        model: agent.models.first().cloned().ok_or(Corrupt)?,
        instructions: turn.text(scope, &agent.instructions)?,
        earlier: 0,
        messages,
        tools: ask.tools.iter().map(|tool| spec(turn, tool, listed)).collect(),
        schema: ask.answer_schema().map(|schema| schema.source().clone()),
        parameters: agent.parameters.clone(),
    })
}

/// The conversation that a step belongs to.
fn conversation(turn: &Turn<'_>, scope: ScopeId, ask: &Ask) -> Result<Option<Name>, Failure> {
    let Some(conversation) = &ask.conversation else {
        return Ok(turn
            .state
            .started
            .as_ref()
            .and_then(|started| started.conversation.clone()));
    };
    match turn.value(scope, conversation, Extra::default())? {
        Data::Null | Data::Bool(false) => Ok(None),
        Data::Text(id) if !id.is_empty() => Ok(Some(id)),
        Data::Int(id) => Ok(Some(id.to_string().into())),
        other => {
            let message = format!("`conversation` needs an id, or false for none, not {other}");
            Err(Failure::new("expression.type", message))
        }
    }
}

/// A further turn, with what is new for the model.
fn ask_model(
    turn: &mut Turn<'_>,
    scope: ScopeId,
    ask: &Ask,
    model: u32,
    messages: Vec<Message>,
) -> Result<(), Corrupt> {
    let talk = talk(turn, scope).ok_or(Corrupt)?;
    let agent = ask.definition.as_ref().ok_or(Corrupt)?;
    let request = ModelRequest {
        agent: ask.agent.clone(),
        turn: talk.spent.turns,
        model: agent.models.get(model as usize).cloned().ok_or(Corrupt)?,
        instructions: None,
        earlier: u32::try_from(talk.messages.len()).unwrap_or(u32::MAX),
        messages,
        tools: Vec::new(),
        schema: None,
        parameters: Default::default(),
    };
    call(turn, scope, Request::Model(Arc::new(request)))
}

/// How a call that the model asks for is dealt with.
fn plan(turn: &Turn<'_>, ask: &Ask, call: &ToolCall) -> Planned {
    let refused = |code: &'static str, message: String| Planned::Refused(Arc::new(Failure::new(code, message)));
    let Some(at) = ask.tools.iter().position(|tool| tool.name == call.name) else {
        let known: Vec<&str> = ask.tools.iter().map(|tool| &*tool.name).collect();
        let message = match known.is_empty() {
            true => format!("there is no tool `{}`, nor any other", call.name),
            false => format!("there is no tool `{}`; there are {}", call.name, known.join(", ")),
        };
        return refused("tool.unknown", message);
    };
    if call.arguments.as_map().is_none() {
        let message = format!(
            "the arguments of `{}` are no JSON object: {}",
            call.name, call.arguments
        );
        return refused("tool.arguments", message);
    }
    let tool = &ask.tools[at];
    let arguments = match parameters(turn, tool) {
        Some(schema) => {
            let arguments = schema.fill_defaults(call.arguments.clone());
            if let Err(failure) = check(schema, &arguments, "tool.arguments", "the arguments") {
                return Planned::Refused(Arc::new(failure));
            }
            arguments
        }
        None => call.arguments.clone(),
    };
    Planned::Run {
        tool: u32::try_from(at).unwrap_or(u32::MAX),
        arguments,
    }
}

/// What the model is told of a call.
fn result(call: &ToolCall, end: &End) -> Message {
    let (content, failed) = match end {
        End::Value(value) => (value.clone(), false),
        End::Failed(failure) => {
            let mut entries: Vec<(Name, Data)> = vec![
                ("code".into(), Data::Text(failure.code.clone())),
                ("message".into(), Data::Text(failure.message.clone())),
            ];
            if !failure.data.is_null() {
                entries.push(("data".into(), failure.data.clone()));
            }
            let error: [(Name, Data); 1] = [("error".into(), Data::Map(Arc::new(entries.into_iter().collect())))];
            (Data::Map(Arc::new(error.into_iter().collect())), true)
        }
        End::Cancelled => (Data::from("cancelled"), true),
    };
    Message::Tool {
        call: call.id.clone(),
        name: call.name.clone(),
        content,
        failed,
    }
}

/// What authors see as `response`: what the answer took, and who gave it.
fn response(talk: &Talk, reply: &Reply) -> Data {
    let spent = talk.spent.to_data();
    let model = reply.model.clone().map(|model| ("model".into(), Data::Text(model)));
    let spent = spent.as_map().into_iter().flat_map(|map| map.iter());
    let entries = spent.map(|(key, value)| (key.clone(), value.clone()));
    Data::Map(Arc::new(model.into_iter().chain(entries).collect::<Map>()))
}

fn agent(ask: &Ask) -> Result<&Agent, Failure> {
    let unknown = || {
        Failure::new(
            "internal",
            format!("the agent `{}` was not put into the program", ask.agent),
        )
    };
    ask.definition.as_deref().ok_or_else(unknown)
}

/// What the arguments of a tool must match, where that is known here.
fn parameters<'t>(turn: &'t Turn<'_>, tool: &'t Tool) -> Option<&'t Schema> {
    let of_workflow = || {
        turn.program
            .workflow(workflow(turn, tool)?)
            .header
            .input_schema
            .as_ref()
    };
    tool.parameters.as_ref().or_else(of_workflow)
}

/// The workflow that a tool calls.
fn workflow(turn: &Turn<'_>, tool: &Tool) -> Option<WorkflowId> {
    let (wanted, _) = tool.workflow.as_ref()?;
    let mut workflows = turn.program.workflows.iter();
    let at = workflows.position(|workflow| workflow.header.id == *wanted)?;
    Some(WorkflowId(u32::try_from(at).ok()?))
}

/// A tool as the model is told of it.
fn spec(turn: &Turn<'_>, tool: &Tool, listed: &[(Name, Data)]) -> ToolSpec {
    let server = listed.iter().find(|(server, _)| Some(server) == tool.server.as_ref());
    let tools = server.and_then(|(_, tools)| tools.as_list());
    let remote = tool.remote.as_ref().unwrap_or(&tool.name);
    let told = tools.and_then(|tools| {
        tools
            .iter()
            .find(|told| told.get("name").and_then(Data::as_str) == Some(remote))
    });
    let header = workflow(turn, tool).map(|workflow| &turn.program.workflow(workflow).header);
    let of_workflow = header.and_then(|header| header.purpose.clone().or(header.description.clone()));
    let text = |data: &Data| data.as_str().map(Name::from);
    let of_server = || told?.get("description").and_then(text);
    let schema = parameters(turn, tool).map(|schema| schema.source().clone());
    let anything = || {
        let entries: [(Name, Data); 1] = [("type".into(), Data::from("object"))];
        Data::Map(Arc::new(entries.into_iter().collect::<Map>()))
    };
    ToolSpec {
        name: tool.name.clone(),
        description: tool.description.clone().or(of_workflow).or_else(of_server),
        parameters: schema
            .or_else(|| told?.get("inputSchema").cloned())
            .unwrap_or_else(anything),
    }
}

/// The messages that an author wrote: `{role: system|user|assistant, content}` each.
fn said_before(messages: &Data) -> Result<Vec<Message>, Failure> {
    let wrong = |what: String| Failure::new("expression.type", what);
    let list: &List = match messages {
        Data::Null => return Ok(Vec::new()),
        Data::List(list) => list,
        other => return Err(wrong(format!("`messages` needs a list, not {}", other.a_kind()))),
    };
    let message = |message: &Data| {
        let content = message.get("content").cloned();
        Ok(match (message.get("role").and_then(Data::as_str), content) {
            (Some("system"), Some(content)) => Message::System { content },
            (Some("user"), Some(content)) => Message::User { content },
            (Some("assistant"), Some(content)) => Message::Assistant {
                content: Some(content),
                calls: Vec::new(),
                opaque: None,
            },
            _ => {
                let what = "a message is an object with a `role`, which is `system`, `user` or `assistant`, and with \
                            `content`";
                return Err(wrong(format!("{what}, not {message}")));
            }
        })
    };
    list.iter().map(message).collect()
}
