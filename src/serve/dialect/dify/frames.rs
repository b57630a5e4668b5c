//! Events of a run as the events of this protocol, in its order.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use super::answer::{Standing, as_object, seconds, told, took};
use super::human::Form;
use super::reply::Failure;
use super::{Statuses, human, ids, node};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Name, NodeId, Op, Program, Timestamp};
use crate::run::{
    Corrupt, Event, EventKind, Outcome, Part, Recovery, Request, RunEnd, ScopeId, Status, StepEnd, Ticket, TraceEvent,
    Tracer,
};
use crate::serve::outline;

/// How much of an event is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// All of it.
    All,
    /// That it was, without what came in and out; of waits only those that are still there.
    Brief,
    /// Nothing.
    Nothing,
}

/// How a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It does.
    GoesOn,
    /// A person is waited for, and nothing else goes on.
    Paused,
}

/// Turns the events of a run into frames.
pub(super) struct Frames {
    tracer: Tracer,
    statuses: Statuses,
    telling: Telling,
    /// The steps in progress.
    open: HashMap<ScopeId, Open>,
    /// For the scope of a block: that of the step it belongs to, and which block it is.
    outer: HashMap<ScopeId, (ScopeId, Part)>,
    /// The node that ended last in a scope.
    before: HashMap<ScopeId, String>,
    /// Whose scope asks the outside world.
    calls: HashMap<Ticket, ScopeId>,
    /// How many nodes have begun.
    nodes: u32,
    /// Waits that were told.
    asked: HashSet<Ticket>,
    /// Whether people were waited for, told or not.
    waited: bool,
    /// Whether a text of the result was told.
    said: bool,
    /// How the run ended. It is told when nothing comes behind: a run that has failed may be retried.
    ended: Option<(Standing, Telling)>,
}

/// A step in progress.
#[derive(Clone, Debug)]
struct Open {
    /// Its id as a node that was executed.
    id: String,
    node: NodeId,
    index: u32,
    input: Data,
    since: Timestamp,
    tokens: u64,
    /// Whether it was told that it has begun.
    begun: bool,
    /// How many items or rounds have begun.
    rounds: u32,
    /// Its place in the items or rounds around it.
    around: Around,
    predecessor: Option<String>,
}

/// The for-each and the loop around a node, with their index.
#[derive(Clone, Debug, Default)]
struct Around {
    iteration: Option<(String, u32)>,
    repeat: Option<(String, u32)>,
}

/// What a node is told as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Node,
    Iteration,
    Loop,
    /// A unit without an id of its own is a part of its step.
    Hidden,
}

impl Frames {
    pub fn new(program: Arc<Program>, statuses: Statuses) -> Frames {
        Frames {
            tracer: Tracer::new(program),
            statuses,
            telling: Telling::All,
            open: HashMap::new(),
            outer: HashMap::new(),
            before: HashMap::new(),
            calls: HashMap::new(),
            nodes: 0,
            asked: HashSet::new(),
            waited: false,
            said: false,
            ended: None,
        }
    }

    /// Appends the frames of an event.
    pub fn follow(&mut self, event: &Event, telling: Telling, out: &mut String) -> Result<Next, Corrupt> {
        self.telling = telling;
        let before = self.tracer.run().status();
        // Behind its end a wait is gone.
        let answered = match &event.kind {
            EventKind::WaitEnded { ticket, end } => self.form(*ticket).and_then(|form| form.ended(end)),
            _ => None,
        };
        let told = self.tracer.follow(event)?;
        let status = self.tracer.run().status();
        let paused = |status: Status| status == Status::Suspended;
        if paused(before) && !paused(status) && self.waited && telling == Telling::All {
            self.begins(event.at, "resumption", out);
        }
        if let Some((kind, entries)) = answered
            && telling == Telling::All
        {
            self.frame(kind, entries, out);
        }
        self.tell(event, told, out);
        if paused(status) && !paused(before) {
            return Ok(self.pauses(event.at, out));
        }
        Ok(Next::GoesOn)
    }

    /// Tells of the waits that are still there when everything before was told in brief.
    pub fn caught_up(&mut self, at: Timestamp, out: &mut String) -> Next {
        self.telling = Telling::All;
        match self.tracer.run().status() {
            Status::Suspended => self.pauses(at, out),
            _ => Next::GoesOn,
        }
    }

    /// The last frames, when nothing more comes.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        if let Some((standing, telling)) = self.ended.take() {
            self.telling = telling;
            if !self.said {
                let outputs = standing.outputs();
                self.says("end", &outputs, &mut out);
            }
            let finished = finished(&standing, self.user(), self.statuses);
            self.frame("workflow_finished", finished, &mut out);
        }
        out
    }

    fn tell(&mut self, event: &Event, told: Option<TraceEvent>, out: &mut String) {
        match &event.kind {
            EventKind::RunStarted(_) => self.begins(event.at, "initial", out),
            EventKind::StepStarted { scope, node, .. } => self.starts(event.at, *scope, *node, out),
            EventKind::EachStarted { scope, items } => {
                let length = items.as_list().map_or(0, |items| items.len());
                let inputs = data!({ "iterator_selector": items.clone() });
                self.opens(*scope, inputs, data!({ "iterator_length": length }), out);
            }
            EventKind::LoopStarted { scope, max_iterations } => {
                let input = self.open.get(scope).map(|open| as_object(&open.input, "data"));
                let inputs = input.unwrap_or_default();
                self.opens(*scope, inputs, data!({ "loop_length": *max_iterations }), out);
            }
            EventKind::BlockStarted { scope, child, part, .. } => {
                self.outer.insert(*child, (*scope, *part));
                self.before.remove(child);
                if let Part::Body(index) = part {
                    self.round(event.at, *scope, *index, out);
                }
            }
            EventKind::ChildStarted { scope, child, .. } => {
                self.outer.insert(*child, (*scope, Part::Body(0)));
                self.before.remove(child);
            }
            EventKind::CallStarted { scope, ticket, request } => {
                self.calls.insert(*ticket, *scope);
                if let Request::Model(asked) = &**request {
                    self.turn(event.at, *scope, asked.turn, None, out);
                }
            }
            EventKind::CallEnded { ticket, outcome } => {
                if let Some(scope) = self.calls.remove(ticket) {
                    self.answered(event.at, scope, outcome, out);
                }
            }
            EventKind::AttemptFailed {
                scope,
                failure,
                then: Recovery::Retry(_),
            } => {
                let attempt = told.and_then(|told| told.attempt).unwrap_or(1);
                self.retries(event.at, *scope, &super::answer::told(failure), attempt, out);
            }
            EventKind::WaitStarted { ticket, .. } if self.telling == Telling::All => self.asks(*ticket, out),
            EventKind::StepEnded { scope, node, end } => {
                let data = told.and_then(|told| told.data).unwrap_or_default();
                self.ends(event.at, *scope, *node, end, &data, out);
            }
            // What went on before, goes on.
            EventKind::RunRetried { .. } => self.ended = None,
            EventKind::RunEnded { end } => {
                let standing = Standing::of(self.tracer.run(), event.at);
                // What people wait for is not there any more.
                self.said |= !matches!(end, RunEnd::Completed(_));
                self.ended = Some((standing, self.telling));
            }
            _ => {}
        }
    }

    fn begins(&mut self, at: Timestamp, reason: &str, out: &mut String) {
        let run = self.tracer.run();
        let Some(started) = run.state().started().cloned() else {
            return;
        };
        let version = ids::version(&run.program().hash);
        let mut inputs: Vec<(Name, Data)> = match &started.input {
            Data::Map(map) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            Data::Null => Vec::new(),
            other => vec![("input".into(), other.clone())],
        };
        let files = started.context.get("files").cloned().unwrap_or_else(|| data!([]));
        let workflow = &run.program().main().header.id;
        inputs.extend([
            ("sys.files".into(), files),
            ("sys.user_id".into(), Data::from(started.user.clone())),
            ("sys.app_id".into(), Data::from(workflow)),
            ("sys.workflow_id".into(), Data::from(version.as_str())),
            ("sys.workflow_run_id".into(), Data::from(&started.run)),
        ]);
        let entries = vec![
            ("id".into(), Data::from(&started.run)),
            ("workflow_id".into(), Data::from(version)),
            ("inputs".into(), inputs.into_iter().collect()),
            ("created_at".into(), Data::from(seconds(at))),
            ("reason".into(), Data::from(reason)),
        ];
        self.frame("workflow_started", entries, out);
    }

    fn starts(&mut self, at: Timestamp, scope: ScopeId, node: NodeId, out: &mut String) {
        let shape = self.shape(node);
        if shape != Shape::Hidden {
            self.nodes += 1;
        }
        let run = self.tracer.run().state().started().map(|started| started.run.clone());
        let number = self.nodes.to_string();
        let open = Open {
            id: ids::id(&["node", &run.unwrap_or_default(), &number]),
            node,
            index: self.nodes,
            input: self.tracer.received(scope).cloned().unwrap_or_default(),
            since: at,
            tokens: 0,
            begun: shape == Shape::Node,
            rounds: 0,
            around: self.around(scope),
            predecessor: self.before.get(&scope).cloned(),
        };
        if shape == Shape::Node {
            let entries = self.node(&open, None);
            self.frame("node_started", entries, out);
        }
        self.open.insert(scope, open);
    }

    /// A for-each or a loop knows what it goes through.
    fn opens(&mut self, scope: ScopeId, inputs: Data, metadata: Data, out: &mut String) {
        let Some(open) = self.open.get_mut(&scope).filter(|open| !open.begun) else {
            return;
        };
        open.begun = true;
        let open = open.clone();
        let shape = self.shape(open.node);
        if shape == Shape::Hidden {
            return;
        }
        let (kind, _) = words(shape);
        let entries = self.container(&open, inputs, metadata);
        self.frame(kind, entries, out);
    }

    /// A further item or round begins.
    fn round(&mut self, at: Timestamp, scope: ScopeId, index: u32, out: &mut String) {
        let Some(open) = self.open.get_mut(&scope) else { return };
        open.rounds += 1;
        let open = open.clone();
        let shape = self.shape(open.node);
        let (kind, previous) = match shape {
            Shape::Iteration => ("iteration_next", "pre_iteration_output"),
            // The first round goes without saying.
            Shape::Loop if index > 0 => ("loop_next", "pre_loop_output"),
            _ => return,
        };
        let mut entries = self.about(&open);
        entries.push(("index".into(), Data::from(index)));
        entries.push(("created_at".into(), Data::from(seconds(at))));
        entries.push((previous.into(), data!({})));
        entries.push(("extras".into(), data!({})));
        self.frame(kind, entries, out);
    }

    fn answered(&mut self, at: Timestamp, scope: ScopeId, outcome: &Outcome, out: &mut String) {
        let reply = match outcome {
            Outcome::Said(reply) => Some(reply),
            _ => None,
        };
        let tokens = reply.and_then(|reply| reply.usage).map_or(0, |usage| usage.total());
        let mut inner = Some(scope);
        while let Some(scope) = inner {
            if let Some(open) = self.open.get_mut(&scope) {
                open.tokens += tokens;
            }
            inner = self.outer.get(&scope).map(|(outer, _)| *outer);
        }
        if let Some(reply) = reply {
            let turn = self.open.get(&scope).map_or(0, |open| open.rounds);
            if let Some(open) = self.open.get_mut(&scope) {
                open.rounds += 1;
            }
            let output = data!({ "output": reply.to_data(), "total_tokens": tokens });
            self.turn(at, scope, turn, Some(output), out);
        }
    }

    /// A turn of an agent, begun or ended.
    fn turn(&mut self, at: Timestamp, scope: ScopeId, turn: u32, output: Option<Data>, out: &mut String) {
        let Some(open) = self
            .open
            .get(&scope)
            .filter(|open| self.shape(open.node) == Shape::Node)
        else {
            return;
        };
        let program = self.tracer.run().program();
        let entries: Vec<(Name, Data)> = vec![
            ("node_execution_id".into(), Data::from(open.id.as_str())),
            ("id".into(), Data::from(ids::id(&["turn", &open.id, &turn.to_string()]))),
            ("label".into(), Data::from(format!("ROUND {}", turn + 1))),
            ("parent_id".into(), Data::Null),
            ("error".into(), Data::Null),
            (
                "status".into(),
                Data::from(if output.is_some() { "success" } else { "start" }),
            ),
            ("data".into(), self.full(output).unwrap_or_else(|| data!({}))),
            ("metadata".into(), data!({ "at": seconds(at) })),
            (
                "node_id".into(),
                Data::from(node::node_id(program, program.step(open.node))),
            ),
        ];
        self.frame("agent_log", entries, out);
    }

    fn retries(&mut self, at: Timestamp, scope: ScopeId, error: &str, attempt: u32, out: &mut String) {
        let Some(open) = self
            .open
            .get(&scope)
            .filter(|open| self.shape(open.node) == Shape::Node)
            .cloned()
        else {
            return;
        };
        let end = NodeEnd {
            at,
            status: "retry",
            outputs: Data::Null,
            error: Data::from(error),
        };
        let mut entries = self.node(&open, Some(&end));
        entries.push(("retry_index".into(), Data::from(attempt)));
        self.frame("node_retry", entries, out);
    }

    fn ends(&mut self, at: Timestamp, scope: ScopeId, node: NodeId, end: &StepEnd, data: &Data, out: &mut String) {
        let shape = self.shape(node);
        let Some(open) = self.open.remove(&scope).filter(|open| open.node == node) else {
            return;
        };
        if shape == Shape::Hidden {
            return;
        }
        let program = self.tracer.run().program().clone();
        self.before.insert(scope, node::node_id(&program, program.step(node)));
        let success = matches!(end, StepEnd::Success { .. });
        let end = NodeEnd {
            at,
            status: match end {
                StepEnd::Success { error: None, .. } => "succeeded",
                StepEnd::Success { .. } => "exception",
                StepEnd::Failed(_) => "failed",
                StepEnd::Cancelled => "stopped",
            },
            outputs: match data {
                _ if !success => Data::Null,
                Data::Null => Data::Null,
                data => as_object(data, "output"),
            },
            error: match end {
                StepEnd::Success {
                    error: Some(failure), ..
                }
                | StepEnd::Failed(failure) => Data::from(told(failure)),
                _ => Data::Null,
            },
        };
        let (begins, completed) = words(shape);
        if shape == Shape::Node {
            if success && is_last(&program, node) {
                let id = node::node_id(&program, program.step(node));
                self.says(&id, &end.outputs, out);
            }
            let entries = self.node(&open, Some(&end));
            self.frame("node_finished", entries, out);
            return;
        }
        let inputs = as_object(&open.input, "data");
        if !open.begun {
            let entries = self.container(&open, inputs.clone(), data!({}));
            self.frame(begins, entries, out);
        }
        let outputs = match (&end.outputs, shape) {
            (Data::Map(map), Shape::Loop) => Data::from(map.with("loop_round".into(), Data::from(open.rounds))),
            (outputs, _) => outputs.clone(),
        };
        let mut entries = self.container(&open, inputs, data!({}));
        entries.extend([
            ("outputs".into(), self.full(Some(outputs)).unwrap_or_default()),
            ("status".into(), Data::from(end.status)),
            ("error".into(), end.error.clone()),
            ("elapsed_time".into(), Data::from(took(open.since, at))),
            ("total_tokens".into(), Data::from(open.tokens)),
            ("execution_metadata".into(), self.metadata(&open)),
            ("finished_at".into(), Data::from(seconds(at))),
            ("steps".into(), Data::from(open.rounds)),
        ]);
        self.frame(completed, entries, out);
    }

    /// Tells the texts of a result.
    fn says(&mut self, node: &str, outputs: &Data, out: &mut String) {
        if self.telling != Telling::All {
            return;
        }
        let texts: Vec<(Name, Name)> = match outputs {
            Data::Map(map) => map
                .iter()
                .filter_map(|(key, value)| match value {
                    Data::Text(text) if !text.is_empty() => Some((key.clone(), text.clone())),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        self.said = true;
        for (key, text) in texts {
            let selector = data!([node, key]);
            let entries = vec![
                ("text".into(), Data::Text(text)),
                ("from_variable_selector".into(), selector),
            ];
            self.frame("text_chunk", entries, out);
        }
    }

    fn form(&self, ticket: Ticket) -> Option<Form> {
        let run = self.tracer.run();
        let wait = run.waits().find(|wait| wait.ticket == ticket)?;
        Form::of(run, &wait)
    }

    fn asks(&mut self, ticket: Ticket, out: &mut String) {
        if let Some(form) = self.form(ticket) {
            self.asked.insert(ticket);
            self.frame("human_input_required", form.required(), out);
        }
    }

    /// Tells that a person is waited for, if that is what is waited for.
    fn pauses(&mut self, at: Timestamp, out: &mut String) -> Next {
        let tickets: Vec<Ticket> = human::waits(self.tracer.run()).map(|wait| wait.ticket).collect();
        self.waited |= !tickets.is_empty();
        if tickets.is_empty() || self.telling != Telling::All {
            return Next::GoesOn;
        }
        for ticket in tickets {
            // Those that this stream has passed over are told now.
            if !self.asked.contains(&ticket) {
                self.asks(ticket, out);
            }
        }
        let run = self.tracer.run();
        let standing = Standing::of(run, at);
        let mut entries: Vec<(Name, Data)> = vec![("workflow_run_id".into(), Data::Text(standing.run.clone()))];
        entries.extend(human::pause(run));
        entries.extend([
            ("outputs".into(), data!({})),
            ("status".into(), Data::from("paused")),
            ("created_at".into(), Data::from(standing.started())),
            ("elapsed_time".into(), Data::from(standing.elapsed())),
            ("total_tokens".into(), Data::from(standing.tokens())),
            ("total_steps".into(), Data::from(standing.steps())),
        ]);
        self.frame("workflow_paused", entries, out);
        Next::Paused
    }

    /// What stands in every event about a step.
    fn about(&self, open: &Open) -> Vec<(Name, Data)> {
        let program = self.tracer.run().program();
        let step = program.step(open.node);
        let id = node::node_id(program, step);
        // What goes through items or rounds has no execution of its own.
        let execution = match self.shape(open.node) {
            Shape::Iteration | Shape::Loop => id.clone(),
            Shape::Node | Shape::Hidden => open.id.clone(),
        };
        vec![
            ("id".into(), Data::from(execution)),
            ("node_id".into(), Data::from(id)),
            ("node_type".into(), Data::from(node::node_type(program, open.node))),
            ("title".into(), Data::from(node::title(step))),
        ]
    }

    /// What stands in the events that begin and end items or rounds.
    fn container(&self, open: &Open, inputs: Data, metadata: Data) -> Vec<(Name, Data)> {
        let mut entries = self.about(open);
        entries.extend([
            ("created_at".into(), Data::from(seconds(open.since))),
            ("extras".into(), data!({})),
            ("inputs".into(), self.full(Some(inputs)).unwrap_or_default()),
            ("inputs_truncated".into(), Data::Bool(false)),
            ("metadata".into(), metadata),
        ]);
        entries
    }

    /// What stands in the events about a node.
    fn node(&self, open: &Open, end: Option<&NodeEnd>) -> Vec<(Name, Data)> {
        let mut entries = self.about(open);
        let inputs = end.map(|_| as_object(&open.input, "data"));
        let of = |around: &Option<(String, u32)>| Data::from(around.as_ref().map(|(id, _)| id.as_str()));
        entries.extend([
            ("index".into(), Data::from(open.index)),
            ("predecessor_node_id".into(), Data::from(open.predecessor.as_deref())),
            ("inputs".into(), self.full(inputs).unwrap_or_default()),
            ("inputs_truncated".into(), Data::Bool(false)),
            ("created_at".into(), Data::from(seconds(open.since))),
            ("extras".into(), data!({})),
            ("iteration_id".into(), of(&open.around.iteration)),
            ("loop_id".into(), of(&open.around.repeat)),
        ]);
        let Some(end) = end else { return entries };
        entries.extend([
            ("process_data".into(), data!({})),
            ("process_data_truncated".into(), Data::Bool(false)),
            (
                "outputs".into(),
                self.full(Some(end.outputs.clone())).unwrap_or_default(),
            ),
            ("outputs_truncated".into(), Data::Bool(false)),
            ("status".into(), Data::from(end.status)),
            ("error".into(), end.error.clone()),
            ("elapsed_time".into(), Data::from(took(open.since, end.at))),
            ("execution_metadata".into(), self.metadata(open)),
            ("finished_at".into(), Data::from(seconds(end.at))),
            ("files".into(), data!([])),
        ]);
        entries
    }

    fn metadata(&self, open: &Open) -> Data {
        let mut entries: Vec<(Name, Data)> = vec![("total_tokens".into(), Data::from(open.tokens))];
        let around = [
            ("iteration_id", "iteration_index", &open.around.iteration),
            ("loop_id", "loop_index", &open.around.repeat),
        ];
        for (id, index, around) in around {
            if let Some((of, at)) = around {
                entries.push((id.into(), Data::from(of.as_str())));
                entries.push((index.into(), Data::from(*at)));
            }
        }
        entries.into_iter().collect()
    }

    /// What came in or out, where that is told.
    fn full(&self, value: Option<Data>) -> Option<Data> {
        value.filter(|_| self.telling == Telling::All)
    }

    fn shape(&self, node: NodeId) -> Shape {
        let step = &self.tracer.run().program().step(node).node;
        match &step.op {
            _ if !step.named => Shape::Hidden,
            Op::ForEach(_) => Shape::Iteration,
            Op::Loop(_) => Shape::Loop,
            _ => Shape::Node,
        }
    }

    /// The items and rounds around what runs in a scope.
    fn around(&self, scope: ScopeId) -> Around {
        let mut around = Around::default();
        let mut inner = scope;
        while let Some((outer, part)) = self.outer.get(&inner) {
            if let (Some(open), Part::Body(index)) = (self.open.get(outer), part) {
                let program = self.tracer.run().program();
                let place = || (node::node_id(program, program.step(open.node)), *index);
                match self.shape(open.node) {
                    Shape::Iteration => drop(around.iteration.get_or_insert_with(place)),
                    Shape::Loop => drop(around.repeat.get_or_insert_with(place)),
                    Shape::Node | Shape::Hidden => {}
                }
            }
            inner = *outer;
        }
        around
    }

    fn user(&self) -> Option<Name> {
        self.tracer
            .run()
            .state()
            .started()
            .and_then(|started| started.user.clone())
    }

    /// Writes a frame, unless nothing is told.
    fn frame(&mut self, kind: &str, entries: Vec<(Name, Data)>, out: &mut String) {
        if self.telling == Telling::Nothing {
            return;
        }
        let run = self.tracer.run().state().started().map(|started| started.run.clone());
        frame(kind, &run.unwrap_or_default(), entries, out);
    }
}

/// How a node ended.
struct NodeEnd {
    at: Timestamp,
    status: &'static str,
    outputs: Data,
    error: Data,
}

/// The names of the events of a shape, when it begins and when it is over.
fn words(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Node | Shape::Hidden => ("node_started", "node_finished"),
        Shape::Iteration => ("iteration_started", "iteration_completed"),
        Shape::Loop => ("loop_started", "loop_completed"),
    }
}

/// Whether what a step gives is the result of the workflow as it is.
fn is_last(program: &Program, node: NodeId) -> bool {
    let last = outline::top(program).last().map(|(node, _)| node);
    program.main().header.output.is_none() && last == Some(node)
}

/// The data of `workflow_finished`.
fn finished(standing: &Standing, user: Option<Name>, statuses: Statuses) -> Vec<(Name, Data)> {
    let by = user.map(|user| data!({ "id": ids::end_user(&user), "user": user }));
    let mut entries = standing.common(statuses);
    entries.extend([
        ("created_by".into(), by.unwrap_or_default()),
        ("exceptions_count".into(), Data::from(standing.handled())),
        ("files".into(), data!([])),
    ]);
    entries
}

/// The only frame for a run that is over.
pub(super) fn over(standing: &Standing, user: Option<Name>, statuses: Statuses) -> String {
    let mut out = String::new();
    frame(
        "workflow_finished",
        &standing.run,
        finished(standing, user, statuses),
        &mut out,
    );
    out
}

/// A frame that tells that a stream cannot go on.
pub(super) fn error(run: &Name, failure: &Failure) -> String {
    let told = failure.told();
    let entries = [
        (Name::from("event"), Data::from("error")),
        ("task_id".into(), Data::from(run)),
        ("workflow_run_id".into(), Data::from(run)),
    ];
    let told = told.as_map().into_iter().flat_map(|told| told.iter());
    let told = told.map(|(key, value)| (key.clone(), value.clone()));
    let frame: Data = entries.into_iter().chain(told).collect();
    format!("data: {frame}\n\n")
}

fn frame(kind: &str, run: &Name, entries: Vec<(Name, Data)>, out: &mut String) {
    let frame = data!({
        "event": kind,
        "task_id": run,
        "workflow_run_id": run,
        "data": Data::from(entries.into_iter().collect::<Map>()),
    });
    // Writing to a string does not fail. JSON has no line breaks outside of texts, where they are escaped.
    let _ = write!(out, "data: {frame}\n\n");
}
