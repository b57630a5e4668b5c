//! The names an expression sees at a step of a run.

use std::sync::Arc;

use super::event::ScopeId;
use super::state::{Local, Scope, State, StepStatus};
use crate::data::{Data, Map};
use crate::expr::{Names, Root, StepPart};
use crate::graph::{Name, Op, Program};

/// Names that exist only at a certain moment of a step.
#[derive(Default)]
pub(super) struct Extra<'a> {
    /// Instead of the `data` the step received.
    pub data: Option<&'a Data>,
    pub result: Option<&'a Data>,
    pub response: Option<&'a Data>,
    pub resume: Option<&'a Data>,
    pub winner: Option<&'a Data>,
    pub output: Option<&'a Data>,
    pub event: Option<&'a Data>,
    pub error: Option<&'a Data>,
    pub index: Option<u32>,
}

/// A scope with what is special at this moment.
pub(super) struct View<'a> {
    pub program: &'a Program,
    pub state: &'a State,
    pub scope: &'a Scope,
    /// The instance whose names count: the scope's own, or the child a step has entered.
    pub instance: u32,
    pub extra: Extra<'a>,
}

impl Names for View<'_> {
    fn get(&self, root: &Root) -> Option<Data> {
        match root {
            Root::Data => Some(self.extra.data.unwrap_or(&self.scope.data).clone()),
            Root::Input => Some(self.state.instances.get(self.instance)?.input.clone()),
            Root::State => Some(self.state.instances.get(self.instance)?.state.clone()),
            Root::Context => Some(self.state.started.as_ref()?.context.clone()),
            Root::Env => Some(self.state.started.as_ref()?.env.clone()),
            Root::Execution => self.execution(),
            Root::Result => self.extra.result.cloned(),
            Root::Response => self.extra.response.cloned(),
            Root::Resume => self.extra.resume.cloned(),
            Root::Winner => self.extra.winner.cloned(),
            Root::Output => self.extra.output.cloned(),
            Root::Event => self.extra.event.cloned(),
            Root::Error => self.extra.error.cloned().or_else(|| self.local_error()),
            Root::Index => self
                .extra
                .index
                .or_else(|| self.index())
                .map(|index| Data::Int(index.into())),
            Root::Attempt => Some(Data::Int(self.scope.active.as_ref()?.attempt.into())),
            Root::Now => {
                let started_at = self
                    .scope
                    .active
                    .as_ref()
                    .map_or(self.state.started_at, |active| active.started_at);
                Some(Data::Text(started_at.to_rfc3339().into()))
            }
            Root::Local(name) => self.local(name),
            Root::Step { id, part } => self.step(id, *part),
            Root::Arguments => self.arguments(),
            // Secrets are references that only fields of calls may hold; triggers have names of their own.
            Root::Secrets | Root::Trigger => None,
        }
    }
}

impl<'a> View<'a> {
    /// The scopes from here outwards, as far as the workflow reaches.
    fn outwards(&self) -> impl Iterator<Item = &'a Scope> {
        let (state, instance) = (self.state, self.instance);
        let inside = move |scope: &&Scope| scope.instance == instance;
        let parent = move |scope: &&'a Scope| scope.parent.and_then(|parent| state.scope(parent)).filter(inside);
        std::iter::successors(Some(self.scope).filter(inside), parent)
    }

    fn index(&self) -> Option<u32> {
        self.outwards().find_map(|scope| match scope.local {
            Local::Item { index, .. } | Local::Iteration { index } => Some(index),
            Local::None | Local::Error(_) | Local::Tool { .. } => None,
        })
    }

    fn local_error(&self) -> Option<Data> {
        self.outwards().find_map(|scope| match &scope.local {
            Local::Error(failure) => Some(failure.to_data()),
            _ => None,
        })
    }

    /// Those of the tool call that the step belongs to.
    fn arguments(&self) -> Option<Data> {
        self.outwards().find_map(|scope| match &scope.local {
            Local::Tool { arguments } => Some(arguments.clone()),
            _ => None,
        })
    }

    /// An item, or the index that goes with it (`order_index`).
    fn local(&self, name: &Name) -> Option<Data> {
        self.outwards().find_map(|scope| {
            let Local::Item { item, index } = &scope.local else {
                return None;
            };
            let active = self.state.active(scope.parent?)?;
            let Op::ForEach(each) = &self.program.step(active.node).node.op else {
                return None;
            };
            if each.item == *name {
                return Some(item.clone());
            }
            (name.strip_suffix("_index") == Some(&*each.item)).then(|| Data::Int((*index).into()))
        })
    }

    fn step(&self, id: &Name, part: StepPart) -> Option<Data> {
        let instance = self.state.instances.get(self.instance)?;
        let node = *self.program.workflow(instance.workflow).named.get(id)?;
        let step = self.program.step(node);
        let frame = if self.scope.instance == self.instance {
            self.scope.frame
        } else {
            instance.frame
        };
        let record = self.state.record(frame, step.each, step.slot)?;
        match part {
            StepPart::Output => record.output.clone(),
            StepPart::Input => record.status.map(|_| record.input.clone()),
            StepPart::Status => Some(Data::from(record.status.unwrap_or(StepStatus::Skipped).as_str())),
            StepPart::Error => record.failure.as_ref().map(|failure| failure.to_data()),
        }
    }

    fn execution(&self) -> Option<Data> {
        let started = self.state.started.as_ref()?;
        let instance = self.state.instances.get(self.instance)?;
        let id = match instance.caller {
            ScopeId(0) => started.run.clone(),
            caller => format!("{}/{}", started.run, self.state.address(self.program, caller)).into(),
        };
        let text = |text: &Option<Name>| text.clone().map_or(Data::Null, Data::Text);
        let entries: [(Name, Data); 5] = [
            ("id".into(), Data::Text(id)),
            (
                "workflow".into(),
                Data::Text(self.program.workflow(instance.workflow).header.id.clone()),
            ),
            ("startedAt".into(), Data::Text(instance.started_at.to_rfc3339().into())),
            ("userId".into(), text(&started.user)),
            ("conversationId".into(), text(&started.conversation)),
        ];
        Some(Data::Map(Arc::new(entries.into_iter().collect::<Map>())))
    }
}
