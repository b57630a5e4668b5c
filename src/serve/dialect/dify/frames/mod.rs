//! Events of a run as the events of this protocol, in its order.

mod open;
mod write;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) use write::{error, over};

use super::answer::{Standing, as_object, seconds, told};
use super::human::Form;
use super::{Statuses, human, ids};
use crate::data;
use crate::data::Data;
use crate::graph::{Name, NodeId, Program, Timestamp};
use crate::run::{
    Corrupt, Event, EventKind, Outcome, Part, Recovery, Request, RunEnd, ScopeId, Status, StepEnd, Ticket, TraceEvent,
    Tracer,
};
use crate::serve::outline;
use open::{Around, Ended, Open, Shape};

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

impl Telling {
    /// What came in or out, where that is told.
    fn of(self, value: Data) -> Data {
        match self {
            Telling::All => value,
            Telling::Brief | Telling::Nothing => Data::Null,
        }
    }
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
            let finished = write::finished(&standing, self.user(), self.statuses);
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
        let program = self.program();
        let shape = Shape::of(&program, node);
        if shape != Shape::Hidden {
            self.nodes += 1;
        }
        let run = self.tracer.run().state().started().map(|started| started.run.clone());
        let open = Open {
            id: ids::id(&["node", &run.unwrap_or_default(), &self.nodes.to_string()]),
            node,
            shape,
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
            self.frame("node_started", open.started(&program), out);
        }
        self.open.insert(scope, open);
    }

    /// A for-each or a loop knows what it goes through.
    fn opens(&mut self, scope: ScopeId, inputs: Data, metadata: Data, out: &mut String) {
        let unbegun = |open: &&mut Open| !open.begun && open.shape != Shape::Hidden;
        let Some(open) = self.open.get_mut(&scope).filter(unbegun) else {
            return;
        };
        open.begun = true;
        let (kind, _) = open.shape.words();
        let entries = open.container(self.tracer.run().program(), self.telling, inputs, metadata);
        self.frame(kind, entries, out);
    }

    /// A further item or round begins.
    fn round(&mut self, at: Timestamp, scope: ScopeId, index: u32, out: &mut String) {
        let Some(open) = self.open.get_mut(&scope) else { return };
        open.rounds += 1;
        let (kind, previous) = match open.shape {
            Shape::Iteration => ("iteration_next", "pre_iteration_output"),
            // The first round goes without saying.
            Shape::Loop if index > 0 => ("loop_next", "pre_loop_output"),
            _ => return,
        };
        let mut entries = open.about(self.tracer.run().program());
        entries.extend([
            ("index".into(), Data::from(index)),
            ("created_at".into(), Data::from(seconds(at))),
            (previous.into(), data!({})),
            ("extras".into(), data!({})),
        ]);
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
        let Some(open) = self.open.get(&scope).filter(|open| open.shape == Shape::Node) else {
            return;
        };
        let status = if output.is_some() { "success" } else { "start" };
        let entries: Vec<(Name, Data)> = vec![
            ("node_execution_id".into(), Data::from(open.id.as_str())),
            ("id".into(), Data::from(ids::id(&["turn", &open.id, &turn.to_string()]))),
            ("label".into(), Data::from(format!("ROUND {}", turn + 1))),
            ("parent_id".into(), Data::Null),
            ("error".into(), Data::Null),
            ("status".into(), Data::from(status)),
            ("data".into(), self.telling.of(output.unwrap_or_else(|| data!({})))),
            ("metadata".into(), data!({ "at": seconds(at) })),
            ("node_id".into(), Data::from(open.node_id(self.tracer.run().program()))),
        ];
        self.frame("agent_log", entries, out);
    }

    fn retries(&mut self, at: Timestamp, scope: ScopeId, error: &str, attempt: u32, out: &mut String) {
        let Some(open) = self.open.get(&scope).filter(|open| open.shape == Shape::Node) else {
            return;
        };
        let end = Ended {
            at,
            status: "retry",
            outputs: Data::Null,
            error: Data::from(error),
        };
        let mut entries = open.finished(self.tracer.run().program(), self.telling, &end);
        entries.push(("retry_index".into(), Data::from(attempt)));
        self.frame("node_retry", entries, out);
    }

    fn ends(&mut self, at: Timestamp, scope: ScopeId, node: NodeId, end: &StepEnd, data: &Data, out: &mut String) {
        let known = self.open.remove(&scope).filter(|open| open.node == node);
        let Some(open) = known.filter(|open| open.shape != Shape::Hidden) else {
            return;
        };
        let program = self.program();
        let id = open.node_id(&program);
        self.before.insert(scope, id.clone());
        let success = matches!(end, StepEnd::Success { .. });
        let end = Ended {
            at,
            status: match end {
                StepEnd::Success { error: None, .. } => "succeeded",
                StepEnd::Success { .. } => "exception",
                StepEnd::Failed(_) => "failed",
                StepEnd::Cancelled => "stopped",
            },
            outputs: match data {
                Data::Null => Data::Null,
                _ if !success => Data::Null,
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
        if success && is_last(&program, node) {
            self.says(&id, &end.outputs, out);
        }
        let (begins, completed) = open.shape.words();
        let entries = match open.shape {
            Shape::Iteration | Shape::Loop => {
                if !open.begun {
                    let inputs = as_object(&open.input, "data");
                    let entries = open.container(&program, self.telling, inputs, data!({}));
                    self.frame(begins, entries, out);
                }
                open.completed(&program, self.telling, &end)
            }
            Shape::Node | Shape::Hidden => open.finished(&program, self.telling, &end),
        };
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

    fn program(&self) -> Arc<Program> {
        self.tracer.run().program().clone()
    }

    /// The items and rounds around what runs in a scope.
    fn around(&self, scope: ScopeId) -> Around {
        let mut around = Around::default();
        let mut inner = scope;
        while let Some((outer, part)) = self.outer.get(&inner) {
            if let (Some(open), Part::Body(index)) = (self.open.get(outer), part) {
                let place = || (open.node_id(self.tracer.run().program()), *index);
                match open.shape {
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
        write::frame(kind, &run.unwrap_or_default(), entries, out);
    }
}

/// Whether what a step gives is the result of the workflow as it is.
fn is_last(program: &Program, node: NodeId) -> bool {
    let last = outline::top(program).last().map(|(node, _)| node);
    program.main().header.output.is_none() && last == Some(node)
}
