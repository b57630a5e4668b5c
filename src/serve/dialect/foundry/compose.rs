//! Events of a run as a response: its items, and what a stream tells of them. Both depend on the journal alone, so a
//! response can be told again at any time.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::items;
use super::output::Output;
use crate::data::Data;
use crate::graph::{Name, Op, Program, Role, Timestamp};
use crate::run::{
    ConversationRequest, Corrupt, Event, EventKind, Failure, Message, NewMessage, Outcome, Request, RunEnd, ScopeId,
    Status, StepEnd, Ticket, Tracer, Usage, Wait,
};
use crate::store::{Said, message_id};

/// The event by which a workflow says something to whoever talks with it.
const MESSAGE: &str = "message";

/// The id of a response: the run, and the event of it with which the response begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseId {
    pub run: Name,
    pub first: u64,
}

impl ResponseId {
    /// Reads an id as [`Display`](std::fmt::Display) writes it.
    pub fn parse(text: &str) -> Option<ResponseId> {
        let (run, first) = text.strip_prefix("wfresp_")?.rsplit_once('_')?;
        Some(ResponseId {
            run: run.into(),
            first: first.parse().ok()?,
        })
    }
}

impl std::fmt::Display for ResponseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "wfresp_{}_{}", self.run, self.first)
    }
}

/// How a response ended.
#[derive(Clone, Debug)]
enum End {
    /// The run is over, or waits for an answer.
    Completed,
    Failed(Arc<Failure>),
    Cancelled(Option<Name>),
}

/// A step in progress.
struct Action {
    item: Value,
    /// Its place in the output, once it has one.
    index: Option<usize>,
}

/// What an agent has said in its step.
#[derive(Default)]
struct Talk {
    agent: Option<Name>,
    content: Option<Data>,
    kept: Option<Name>,
}

/// Makes a response of the events of a run.
pub(super) struct Composer {
    id: ResponseId,
    /// It goes on behind waits.
    is_whole: bool,
    tracer: Tracer,
    /// The workflow says itself what is shown: then nothing else is.
    explicit: bool,
    /// Whether the run has shown anything.
    has_shown: bool,
    /// How many events have been followed.
    seq: u64,
    begun_at: Timestamp,
    began: bool,
    end: Option<End>,
    output: Output,
    spent: Usage,
    actions: HashMap<ScopeId, Action>,
    /// The step that ended last.
    previous: Option<Name>,
    talks: HashMap<ScopeId, Talk>,
    /// What is being said in the conversation: with its id and text, until that is known to be done.
    saying: HashMap<Ticket, Vec<(Name, Name)>>,
    /// What was said in the conversation by the run itself, and not shown so far.
    said: Vec<(Name, Name)>,
    /// The messages of the response that are to be kept.
    messages: Vec<Said>,
    /// The ids of those that the run has not said in its conversation before.
    made: Vec<Name>,
}

impl Composer {
    pub fn new(program: Arc<Program>, id: ResponseId) -> Composer {
        let says = |op: &Op| matches!(op, Op::Emit { event, .. } if &**event == MESSAGE);
        Composer {
            explicit: program.main().header.is_dialogue || program.steps.iter().any(|step| says(&step.node.op)),
            id,
            is_whole: false,
            tracer: Tracer::new(program),
            has_shown: false,
            seq: 0,
            begun_at: Timestamp(0),
            began: false,
            end: None,
            output: Output::default(),
            spent: Usage::default(),
            actions: HashMap::new(),
            previous: None,
            talks: HashMap::new(),
            saying: HashMap::new(),
            said: Vec::new(),
            messages: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Makes one of everything that the run has said so far, whatever it waited for in between.
    pub fn whole(program: Arc<Program>, id: ResponseId) -> Composer {
        Composer {
            is_whole: true,
            ..Composer::new(program, id)
        }
    }

    /// Whether the response is over.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// What a stream tells of the events since this was last asked.
    pub fn tell(&mut self) -> Vec<Value> {
        self.output.tell()
    }

    /// The messages of the response, each to be kept in its conversation.
    pub fn messages(&self) -> &[Said] {
        &self.messages
    }

    /// The conversation of the run.
    pub fn conversation(&self) -> Option<&Name> {
        self.tracer.run().state().started()?.conversation.as_ref()
    }

    /// Follows the next event of the run, from its first on. Behind the end of the response nothing is told any more.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] if it cannot follow the events before it.
    pub fn follow(&mut self, event: &Event) -> Result<(), Corrupt> {
        let seq = self.seq;
        self.seq += 1;
        if self.is_over() {
            return Ok(());
        }
        let scope_before = self.scope_of_call(event);
        self.tracer.follow(event)?;
        if seq >= self.id.first && !self.began {
            self.began = true;
            self.begun_at = event.at;
            let response = self.response();
            for kind in ["response.created", "response.in_progress"] {
                self.output.send(kind, json!({ "response": response }));
            }
        }
        self.look(seq, event, scope_before);
        if self.began {
            self.end = self.ending();
            if let Some(end) = &self.end {
                let kind = match end {
                    End::Completed => "response.completed",
                    End::Failed(_) | End::Cancelled(_) => "response.failed",
                };
                let response = self.response();
                self.output.send(kind, json!({ "response": response }));
            }
        }
        Ok(())
    }

    /// Whose call ends: behind the event that is not known.
    fn scope_of_call(&self, event: &Event) -> Option<ScopeId> {
        match &event.kind {
            EventKind::CallEnded { ticket, .. } => self.tracer.scope_of(*ticket),
            _ => None,
        }
    }

    fn ending(&self) -> Option<End> {
        let run = self.tracer.run();
        match run.state().end() {
            Some(RunEnd::Completed(_)) => return Some(End::Completed),
            Some(RunEnd::Failed(failure)) => return Some(End::Failed(failure.clone())),
            Some(RunEnd::Cancelled(reason)) => return Some(End::Cancelled(reason.clone())),
            None => {}
        }
        let pauses = run.status() == Status::Suspended && !self.is_whole;
        pauses.then_some(End::Completed)
    }

    fn look(&mut self, seq: u64, event: &Event, scope_before: Option<ScopeId>) {
        match &event.kind {
            EventKind::StepStarted { scope, .. } => self.begins(seq, *scope),
            EventKind::StepEnded { scope, end, .. } => self.ends(seq, event.at, *scope, end),
            EventKind::CallStarted { ticket, request, .. } => self.says(*ticket, request),
            EventKind::CallEnded { ticket, outcome } => self.answers(*ticket, outcome, scope_before),
            EventKind::Emitted { event: name, data, .. } if &**name == MESSAGE => self.emits(seq, event.at, data),
            EventKind::WaitStarted { wait, .. } => self.waits(seq, event.at, wait),
            EventKind::RunEnded {
                end: RunEnd::Completed(result),
            } if !self.has_shown && !self.explicit && !result.is_null() => {
                let text = result.to_text();
                self.show(self.message_id(seq), event.at, None, &text);
            }
            _ => {}
        }
    }

    fn message_id(&self, seq: u64) -> Name {
        message_id(&format!("{}/{seq}", self.id.run), 0)
    }

    fn begins(&mut self, seq: u64, scope: ScopeId) {
        let run = self.tracer.run();
        let Some(node) = self.tracer.node(scope) else { return };
        let program = run.program().clone();
        let step = &program.step(node).node;
        // A unit without an id of its own is a part of its step.
        if !step.named {
            return;
        }
        let address = run.state().address(&program, scope);
        let item = json!({
            "type": "workflow_action",
            "id": items::id("wfa", &format!("{}/{seq}", self.id.run)),
            "kind": step.kind,
            "action_id": step.id,
            "parent_action_id": parent(&address),
            "previous_action_id": self.previous,
            "status": "in_progress",
        });
        let index = self.began.then(|| self.output.added(item.clone()));
        self.actions.insert(scope, Action { item, index });
    }

    fn ends(&mut self, seq: u64, at: Timestamp, scope: ScopeId, end: &StepEnd) {
        let talk = self.talks.remove(&scope);
        if let (StepEnd::Success { .. }, Some(talk)) = (end, talk)
            && let Some(content) = talk.content
            && !self.explicit
        {
            let id = talk.kept.unwrap_or_else(|| self.message_id(seq));
            self.show(id, at, talk.agent.as_ref(), &content.to_text());
        }
        let Some(Action { mut item, index }) = self.actions.remove(&scope) else {
            return;
        };
        self.previous = item["action_id"].as_str().map(Name::from);
        if !self.began {
            return;
        }
        // What was in progress when the response began is an item of it from its end on.
        let index = index.unwrap_or_else(|| self.output.added(item.clone()));
        item["status"] = json!(match end {
            StepEnd::Success { .. } => "completed",
            StepEnd::Failed(_) => "failed",
            StepEnd::Cancelled => "cancelled",
        });
        self.output.done(index, item);
    }

    /// Notes what workflow and agents say in the conversation of the run by a call that goes out.
    fn says(&mut self, ticket: Ticket, request: &Request) {
        let conversation = self.conversation();
        let own = |of: &Name| conversation == Some(of);
        let of_model = |message: &Message| match message {
            Message::Assistant { content, .. } => content.as_ref().map(Data::to_text),
            _ => None,
        };
        let new = |message: &NewMessage| Some(message.text.clone()).filter(|_| message.role == Role::Assistant);
        let texts: Vec<Option<Name>> = match request {
            Request::Remember(asked) if own(&asked.conversation) => asked.messages.iter().map(of_model).collect(),
            Request::Conversation(ConversationRequest::Add { conversation, message }) if own(conversation) => {
                vec![new(message)]
            }
            Request::Conversation(ConversationRequest::Copy { conversation, messages }) if own(conversation) => {
                messages.iter().map(new).collect()
            }
            _ => return,
        };
        let Some(call) = self.tracer.run().pending_call(ticket) else {
            return;
        };
        let effect = format!("{}/{}", self.id.run, call.effect);
        let said = texts.into_iter().enumerate();
        let said = said.filter_map(|(n, text)| Some((message_id(&effect, n), text.filter(|text| !text.is_empty())?)));
        self.saying.insert(ticket, said.collect());
    }

    fn answers(&mut self, ticket: Ticket, outcome: &Outcome, scope: Option<ScopeId>) {
        let saying = self.saying.remove(&ticket);
        if let Outcome::Said(reply) = outcome
            && let (true, Some(usage)) = (self.began, reply.usage)
        {
            self.spent = self.spent.and(usage);
        }
        if let Outcome::Failed(_) = outcome {
            return;
        }
        let kept = saying
            .as_ref()
            .and_then(|saying| saying.last())
            .map(|(id, _)| id.clone());
        saying.into_iter().flatten().for_each(|said| self.keeps(said));
        let Some((scope, agent)) = scope.and_then(|scope| Some((scope, self.agent(scope)?))) else {
            return;
        };
        let talk = self.talks.entry(scope).or_default();
        talk.agent = Some(agent);
        match outcome {
            _ if kept.is_some() => talk.kept = kept,
            Outcome::Said(reply) if reply.calls.is_empty() => talk.content = reply.content.clone(),
            // The answer of a mock; what was recalled is a list.
            Outcome::Done(answer) if !matches!(answer.result, Some(Data::List(_))) => {
                talk.content = answer.result.clone();
            }
            _ => {}
        }
    }

    /// The run has said something in its conversation: before it is shown, or behind that, and then it is kept already.
    fn keeps(&mut self, (id, text): (Name, Name)) {
        let is_same = |said: &Said| said.text() == text && self.made.contains(&said.id);
        match self.messages.iter().position(is_same) {
            Some(shown) => drop(self.messages.remove(shown)),
            None => self.said.push((id, text)),
        }
    }

    /// The agent that the step in a scope asks.
    fn agent(&self, scope: ScopeId) -> Option<Name> {
        let node = self.tracer.node(scope)?;
        match &self.tracer.run().program().step(node).node.op {
            Op::Agent(ask) => Some(ask.agent.clone()),
            _ => None,
        }
    }

    fn emits(&mut self, seq: u64, at: Timestamp, data: &Data) {
        let text = match data {
            Data::Map(map) => match map.get("text") {
                Some(text) => text.to_text(),
                None => data.to_text(),
            },
            other => other.to_text(),
        };
        let role = data.get("role").and_then(Data::as_str).and_then(Role::named);
        if role.is_some_and(|role| role != Role::Assistant) {
            return;
        }
        let agent = data.get("agent").and_then(Data::as_str).map(Name::from);
        // What an agent or a step has said in the conversation is a message there already.
        let said = self.said.iter().position(|(_, said)| *said == text);
        let id = match said {
            Some(at) => self.said.remove(at).0,
            None => {
                let id = self.message_id(seq);
                self.made.push(id.clone());
                id
            }
        };
        self.show(id, at, agent.as_ref(), &text);
    }

    /// What people are asked, where the workflow does not say it itself.
    fn waits(&mut self, seq: u64, at: Timestamp, wait: &Wait) {
        let Wait::Resume { reason, data } = wait else { return };
        let part = |key: &str| data.as_ref().and_then(|data| data.get(key));
        let name = part("tool").or_else(|| part("name")).map(Data::to_text);
        let arguments = || part("arguments").cloned().unwrap_or_default().to_string();
        let of = format!("{}/{seq}", self.id.run);
        let kind = part("type").and_then(Data::as_str);
        let is_tool = kind.is_none() && part("tool").is_some() && part("arguments").is_some();
        match (kind, name) {
            (Some("approval"), Some(name)) => self.put(json!({
                "type": "mcp_approval_request",
                "id": items::id("mcpr", &of),
                "name": name,
                "arguments": arguments(),
                "server_label": part("server").map(Data::to_text).unwrap_or_else(|| "workflow".into()),
            })),
            (None, Some(name)) if is_tool => self.put(json!({
                "type": "mcp_approval_request",
                "id": items::id("mcpr", &of),
                "name": name,
                "arguments": arguments(),
                "server_label": "workflow",
            })),
            (Some("function"), Some(name)) => self.put(json!({
                "type": "function_call",
                "id": items::id("fc", &of),
                "call_id": items::id("call", &of),
                "name": name,
                "arguments": arguments(),
                "status": "completed",
            })),
            _ if self.explicit => {}
            _ => {
                let text = reason.clone().or_else(|| data.as_ref().map(Data::to_text));
                if let Some(text) = text {
                    self.show(self.message_id(seq), at, None, &text);
                }
            }
        }
    }

    /// Shows a text.
    fn show(&mut self, id: Name, at: Timestamp, agent: Option<&Name>, text: &str) {
        self.has_shown = true;
        if !self.began {
            return;
        }
        self.messages.push(Said {
            id: id.clone(),
            role: Role::Assistant,
            author: agent.cloned(),
            content: Data::from(text),
            metadata: Data::Null,
            at,
        });
        self.output.text(&id, agent, text);
    }

    /// Shows an item that is done as soon as it is there.
    fn put(&mut self, item: Value) {
        self.has_shown = true;
        if self.began {
            let index = self.output.added(item.clone());
            self.output.done(index, item);
        }
    }

    /// The response as far as it has come.
    pub fn response(&self) -> Value {
        let run = self.tracer.run();
        let header = &run.program().main().header;
        let (status, error) = match &self.end {
            None => ("in_progress", Value::Null),
            Some(End::Completed) => ("completed", Value::Null),
            Some(End::Failed(failure)) => ("failed", error(failure)),
            Some(End::Cancelled(reason)) => {
                let message = reason.as_deref().unwrap_or("the run was cancelled");
                ("cancelled", json!({ "code": "cancelled", "message": message }))
            }
        };
        let labels = run.state().started().map(|started| &started.labels);
        let own = labels
            .into_iter()
            .flatten()
            .filter(|(key, _)| !key.starts_with("interpret."));
        let metadata: serde_json::Map<String, Value> =
            own.map(|(key, value)| (key.to_string(), json!(value))).collect();
        let usage = self.end.is_some().then(|| {
            json!({
                "input_tokens": self.spent.input_tokens,
                "input_tokens_details": { "cached_tokens": self.spent.cached_tokens.unwrap_or_default() },
                "output_tokens": self.spent.output_tokens,
                "output_tokens_details": { "reasoning_tokens": 0 },
                "total_tokens": self.spent.total(),
            })
        });
        json!({
            "id": self.id.to_string(),
            "object": "response",
            "created_at": self.begun_at.0.div_euclid(1000),
            "status": status,
            "error": error,
            "incomplete_details": null,
            "instructions": null,
            "max_output_tokens": null,
            "metadata": metadata,
            "model": header.id,
            "agent": { "type": "agent_id", "name": header.id, "version": header.version.as_deref().unwrap_or("1") },
            "output": self.output.items(),
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "conversation": self.conversation().map(|id| json!({ "id": id })),
            "temperature": null,
            "tool_choice": "auto",
            "tools": [],
            "top_p": null,
            "usage": usage,
        })
    }
}

/// The step around the one at an address.
fn parent(address: &str) -> Option<&str> {
    let (around, _) = address.rsplit_once(['/', ':'])?;
    let last = around.rsplit(['/', ':']).next().unwrap_or(around);
    Some(last.split(['[', '@']).next().unwrap_or(last))
}

fn error(failure: &Failure) -> Value {
    let message = match &failure.step {
        Some(step) => format!("{} (step `{step}`)", failure.message),
        None => failure.message.to_string(),
    };
    json!({ "code": failure.code, "message": message })
}
