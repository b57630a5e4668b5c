//! Which wait a resume means, and telling it (rule 31).

use super::event::*;
use super::state::Work;
use super::turn::{Rejection, Turn, enter};
use super::{Corrupt, Target};
use crate::data::Data;
use crate::graph::NodeId;

impl Turn<'_> {
    /// A payload has come; `target` may be left out where only one step waits.
    pub(super) fn resume(&mut self, target: Option<Target>, payload: Data) -> Result<(), Rejection> {
        let mut waiting = Vec::new();
        for (ticket, scope) in &self.state.tickets {
            let Some(active) = self.state.active(*scope) else {
                continue;
            };
            let Work::Wait { wait, .. } = &active.work else {
                continue;
            };
            if matches!(&**wait, Wait::Resume { .. }) {
                waiting.push((*ticket, active.node, self.state.address(self.program, *scope)));
            }
        }
        let meant = |(ticket, node, address): &&(Ticket, NodeId, String)| match &target {
            None => true,
            Some(Target::Ticket(wanted)) => ticket == wanted,
            Some(Target::Step(wanted)) => **wanted == *self.program.step(*node).node.id || same_step(wanted, address),
        };
        // A whole address means that step, even where the id of another ends alike.
        let exactly = |(_, _, address): &&(Ticket, NodeId, String)| match &target {
            Some(Target::Step(wanted)) => **wanted == **address,
            Some(Target::Ticket(_)) | None => false,
        };
        let mut found: Vec<_> = waiting.iter().filter(exactly).collect();
        if found.is_empty() {
            found = waiting.iter().filter(meant).collect();
        }
        let (ticket, node) = match (found.as_slice(), &target) {
            ([(ticket, node, _)], _) => (*ticket, *node),
            ([], _) if waiting.is_empty() => return Err(Rejection::NothingWaits),
            ([], target) => {
                let target = match target {
                    Some(Target::Step(step)) => step.to_string(),
                    Some(Target::Ticket(ticket)) => ticket.0.to_string(),
                    None => String::new(),
                };
                let waiting = waiting.into_iter().map(|(_, _, address)| address).collect();
                return Err(Rejection::NoSuchWait { target, waiting });
            }
            (several, _) => {
                let waiting = several.iter().map(|(_, _, address)| address.clone()).collect();
                return Err(Rejection::Ambiguous { waiting });
            }
        };
        let schema = self.program.step(node).node.op.resume_schema().ok_or(Corrupt)?;
        let payload = enter(&schema.cloned(), payload, "payload")?;
        self.emit(EventKind::WaitEnded {
            ticket,
            end: WaitEnd::Resumed(payload),
        })?;
        Ok(())
    }
}

/// Whether `wanted` (`approve`, `approve[2]`, `load[2]/approve`) is the step at an address, or the one around it: a
/// unit without an id goes by its owner's.
fn same_step(wanted: &str, address: &str) -> bool {
    if wanted == address {
        return true;
    }
    let (wanted, index) = match wanted.strip_suffix(']').and_then(|wanted| wanted.rsplit_once('[')) {
        Some((step, index)) => (step, Some(index)),
        None => (wanted, None),
    };
    let mut segments: Vec<&str> = address.split(['/', ':']).collect();
    let plain = |segment: &str| segment.split(['+', '@', '[']).next().unwrap_or_default().to_owned();
    // `then`, `else`, `catch.0`, `approve.search` are not ids of steps but follow one.
    while segments.len() > 1 && segments.last().is_some_and(|last| plain(last) != wanted) {
        let last = segments[segments.len() - 1];
        if last != "then" && last != "else" && !last.starts_with("catch.") && !last.starts_with("approve.") {
            return false;
        }
        segments.pop();
    }
    if segments.last().is_none_or(|last| plain(last) != wanted) {
        return false;
    }
    match index {
        None => true,
        Some(index) => {
            // The number of an agent's turn is no index.
            let innermost = segments
                .iter()
                .rev()
                .skip(1)
                .find_map(|segment| segment.strip_suffix(']'));
            innermost
                .and_then(|segment| segment.rsplit_once('['))
                .is_some_and(|(_, found)| found == index)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::same_step;

    #[test]
    fn rule_31_a_resume_names_a_step_or_its_item() {
        assert!(same_step("approve", "load[2]/approve"));
        assert!(same_step("approve[2]", "load[2]/approve"));
        assert!(same_step("approve[2]", "load@3[2]/inner/approve"));
        assert!(same_step("approve", "approve/then"));
        assert!(same_step("load[2]/approve", "load[2]/approve"));
        assert!(!same_step("approve[1]", "load[2]/approve"));
        assert!(!same_step("load", "load[2]/approve"));
    }

    #[test]
    fn rule_35_a_resume_names_the_step_whose_agent_calls_a_tool() {
        assert!(same_step("desk", "desk[2]/approve.refund[0]"));
        assert!(same_step("desk", "load[1]/desk[2]/approve.refund[0]"));
        assert!(same_step("desk[1]", "load[1]/desk[2]/approve.refund[0]"));
        assert!(same_step("desk[2]/approve.refund[0]", "desk[2]/approve.refund[0]"));
        assert!(!same_step("refund", "desk[2]/approve.refund[0]"));
    }
}
