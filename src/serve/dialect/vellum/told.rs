//! An execution, as both kinds of events tell of it.

use std::sync::Arc;

use crate::data;
use crate::data::Data;
use crate::graph::{Header, Name, NodeId, Program, Step};
use crate::run::{Corrupt, Event, EventKind, Run, TraceEvent, Tracer};
use crate::serve::outline;

/// Follows an execution, event by event.
pub(super) struct Teller {
    tracer: Tracer,
    /// The id of the execution.
    pub execution: Name,
}

/// A step in an event.
pub(super) struct Place {
    /// The id of the step; of one in another workflow, behind the id of that.
    pub node: Name,
    /// What people call it.
    pub label: Name,
    /// Its address, which tells it from others of its id.
    pub address: String,
    /// The workflow it is written in.
    pub workflow: Name,
}

impl Teller {
    pub fn new(program: Arc<Program>, execution: Name) -> Teller {
        Teller {
            tracer: Tracer::new(program),
            execution,
        }
    }

    pub fn follow(&mut self, event: &Event) -> Result<Option<TraceEvent>, Corrupt> {
        self.tracer.follow(event)
    }

    pub fn run(&self) -> &Run {
        self.tracer.run()
    }

    pub fn header(&self) -> &Header {
        &self.run().program().main().header
    }

    /// What a step that has just begun has received.
    pub fn received(&self, event: &EventKind) -> Data {
        match event {
            EventKind::StepStarted { scope, .. } => self.tracer.received(*scope).cloned().unwrap_or_default(),
            _ => Data::Null,
        }
    }

    /// The step that an event is about, unless it is only a part of one.
    pub fn place(&self, node: NodeId, told: &TraceEvent) -> Option<Place> {
        let program = self.run().program();
        let step = program.step(node);
        if !step.node.named {
            return None;
        }
        Some(Place {
            node: node_id(program, step),
            label: outline::name(step).clone(),
            address: told.step.clone().unwrap_or_else(|| step.node.id.to_string()),
            workflow: program.workflow(step.workflow).header.id.clone(),
        })
    }
}

/// What a step is called among those of all workflows of a program.
fn node_id(program: &Program, step: &Step) -> Name {
    match step.workflow.0 {
        0 => step.node.id.clone(),
        _ => format!("{}:{}", program.workflow(step.workflow).header.id, step.node.id).into(),
    }
}

impl Place {
    /// What tells the runs of a step from each other, also between executions.
    pub fn result(&self, execution: &str) -> Data {
        Data::from(format!("{execution}:{}", self.address))
    }

    /// As the newer events name a step.
    pub fn definition(&self) -> Data {
        definition(&self.node, &self.label, &self.workflow)
    }
}

/// As the newer events name a workflow.
pub(super) fn workflow_definition(header: &Header) -> Data {
    definition(&header.id, header.name.as_ref().unwrap_or(&header.id), &header.id)
}

fn definition(id: &Name, label: &Name, workflow: &Name) -> Data {
    data!({ "id": id.clone(), "name": label.clone(), "module": [workflow.clone()] })
}

/// A value as an object, which is all that some places can hold.
pub(super) fn object(value: &Data, whole: &str) -> Data {
    match value {
        Data::Map(_) => value.clone(),
        Data::Null => data!({}),
        value => [(Name::from(whole), value.clone())].into_iter().collect(),
    }
}
