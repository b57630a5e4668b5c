//! The question whether a tool may be called: a person answers it (rule 35).

use std::sync::Arc;

use crate::data::{Data, Map};
use crate::expr::{Names, Root};
use crate::graph::{Approve, Name};
use crate::run::event::{EventKind, ScopeId, Ticket, Wait, WaitEnd};
use crate::run::fault::{Fault, planted};
use crate::run::step::Finding;
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, approve: &Approve) -> Result<(), Corrupt> {
    match turn.condition(scope, &approve.when, Extra::default()) {
        Ok(false) => turn.concluded(scope, Finding::nothing()),
        Ok(true) => {
            let view = turn.view(scope, Extra::default()).map_err(|_| Corrupt)?;
            let arguments = view.get(&Root::Arguments).ok_or(Corrupt)?;
            let shown: [(Name, Data); 2] = [
                ("tool".into(), Data::Text(approve.tool.clone())),
                ("arguments".into(), arguments),
            ];
            turn.emit(EventKind::WaitStarted {
                scope,
                ticket: Ticket(turn.state.next_ticket),
                wait: Arc::new(Wait::Resume {
                    reason: Some(format!("May the agent call `{}`?", approve.tool).into()),
                    data: Some(Data::Map(Arc::new(shown.into_iter().collect::<Map>()))),
                }),
                deadline: None,
            })
        }
        Err(failure) => turn.failed(scope, failure),
    }
}

pub(super) fn answered(turn: &mut Turn<'_>, scope: ScopeId, approve: &Approve, end: WaitEnd) -> Result<(), Corrupt> {
    let WaitEnd::Resumed(answer) = end else {
        return Err(Corrupt);
    };
    let approved = answer.get("approved").and_then(Data::as_bool) == Some(true);
    if approved || planted(Fault::DoneThoughRefused) {
        return turn.concluded(scope, Finding::nothing());
    }
    let why = answer
        .get("reason")
        .and_then(Data::as_str)
        .filter(|why| !why.is_empty());
    let message = match why {
        Some(why) => format!("a person did not allow the call of `{}`: {why}", approve.tool),
        None => format!("a person did not allow the call of `{}`", approve.tool),
    };
    turn.failed(scope, Failure::new("tool.refused", message))
}
