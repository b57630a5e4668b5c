//! Another workflow as a child, and the run itself.

use std::sync::Arc;

use crate::data::{Data, Map};
use crate::expr::Root;
use crate::graph::{Enter, Timestamp};
use crate::run::event::{EventKind, ScopeId};
use crate::run::step::{Finding, check, entered, inside};
use crate::run::turn::{Turn, moment};
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

/// How deeply workflows may call each other.
const DEPTH: usize = 64;

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, enter: &Enter) -> Result<(), Corrupt> {
    match prepare(turn, scope, enter) {
        Ok((input, state, deadline)) => {
            let child = ScopeId(turn.state.scopes.vacant());
            turn.emit(EventKind::ChildStarted {
                scope,
                child,
                input,
                state,
                deadline,
            })
        }
        Err(failure) => turn.failed(scope, failure),
    }
}

fn prepare(turn: &Turn<'_>, scope: ScopeId, enter: &Enter) -> Result<(Data, Data, Option<Timestamp>), Failure> {
    let mut depth = 0;
    let mut at = Some(scope);
    while let Some(id) = at {
        let instance = turn.state.instances.get(turn.entry(id)?.instance).ok_or(Corrupt)?;
        depth += 1;
        at = (instance.caller != ScopeId(0)).then_some(instance.caller);
    }
    if depth > DEPTH {
        let message = format!("workflows call each other more than {DEPTH} levels deep");
        return Err(Failure::new("workflow.depth", message));
    }
    let input = match &enter.input {
        Some(input) => turn.value(scope, input, Extra::default())?,
        None => turn.entry(scope)?.data.clone(),
    };
    let header = &turn.program.workflow(enter.target.ok_or(Corrupt)?).header;
    let input = match &header.input_schema {
        Some(schema) => {
            let input = schema.fill_defaults(input);
            check(schema, &input, "schema.input", "the input of the workflow")?;
            input
        }
        None => input,
    };
    let started = turn.state.started.as_ref().ok_or(Corrupt)?;
    let names = |root: &Root| match root {
        Root::Input => Some(input.clone()),
        Root::Context => Some(started.context.clone()),
        Root::Env => Some(started.env.clone()),
        Root::Now => Some(Data::from(turn.now.to_rfc3339())),
        _ => None,
    };
    let state = match &header.state {
        Some(state) => state.eval(&names)?,
        None => Data::Map(Arc::new(Map::new())),
    };
    let state = match &header.state_schema {
        Some(schema) => {
            let state = schema.fill_defaults(state);
            check(schema, &state, "schema.state", "the state of the workflow")?;
            state
        }
        None => state,
    };
    let own = header
        .timeout
        .as_ref()
        .map(|timing| moment(timing, &names, turn.now))
        .transpose()?;
    let step = turn.state.active(scope).and_then(|active| active.deadline);
    Ok((input, state, own.into_iter().chain(step).min()))
}

/// The last step has ended: the workflow's own `output` and `outputSchema`.
pub(super) fn mapped(turn: &mut Turn<'_>, scope: ScopeId, data: Data) -> Result<(), Corrupt> {
    let header = &turn.program.workflow(entered(turn, scope)?).header;
    let output = match &header.output {
        Some(output) => inside(turn, scope, &data).and_then(|view| Ok(output.eval(&view)?)),
        None => Ok(data),
    };
    match output {
        Ok(output) => ended(turn, scope, output),
        Err(failure) => turn.failed(scope, failure),
    }
}

/// The workflow has a result: that of its steps, or that of `end`.
pub(in crate::run) fn ended(turn: &mut Turn<'_>, scope: ScopeId, output: Data) -> Result<(), Corrupt> {
    let header = &turn.program.workflow(entered(turn, scope)?).header;
    let checked = match &header.output_schema {
        Some(schema) => check(schema, &output, "schema.output", "the output of the workflow"),
        None => Ok(()),
    };
    match checked {
        Ok(()) => turn.concluded(scope, Finding::value(output)),
        Err(failure) => turn.failed(scope, failure),
    }
}

/// A child's error keeps its code and becomes the cause (rule 28); the run's own is what it is.
pub(super) fn failed(turn: &mut Turn<'_>, scope: ScopeId, failure: Arc<Failure>) -> Result<(), Corrupt> {
    if scope == ScopeId(0) {
        let failure = super::own(&failure);
        return turn.failed(scope, failure);
    }
    let outer = Failure {
        retry_after: failure.retry_after,
        ..Failure::new(failure.code.clone(), failure.message.clone()).with_data(failure.data.clone())
    };
    turn.failed(scope, outer.caused_by(failure))
}
