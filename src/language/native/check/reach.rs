//! Steps and handlers that can never run.

use super::Checker;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::native::outline::{Part, StepIndex};
use crate::yaml::Node;

impl Checker<'_> {
    /// What stands behind a step that is never left, and handlers behind one that handles everything.
    pub(super) fn reach(&self, findings: &mut Vec<Diagnostic>) {
        self.behind(None, findings);
        for at in (0..self.outline.steps.len()).map(StepIndex) {
            for part in self.map.parts(at) {
                self.behind(Some((at, *part)), findings);
            }
            self.handlers(at, findings);
        }
    }

    /// The first step of a list that cannot be reached; those behind it go without saying.
    fn behind(&self, list: Option<(StepIndex, Part)>, findings: &mut Vec<Diagnostic>) {
        let steps = self.map.list(list);
        let Some(at) = steps.iter().position(|step| !self.flow.at(*step).goes_on) else {
            return;
        };
        let Some(unreachable) = steps.get(at + 1) else { return };
        let (last, unreachable) = (self.map.step(steps[at]), self.map.step(*unreachable));
        let message = format!("`{}` can never run", unreachable.id);
        findings.push(
            Diagnostic::warning(Code::Unreachable, unreachable.id_span, message)
                .label(last.id_span, "nothing goes on behind this step")
                .help(format!(
                    "make `{}` conditional with `when`, or remove what comes behind it",
                    last.id
                )),
        );
    }

    fn handlers(&self, at: StepIndex, findings: &mut Vec<Diagnostic>) {
        let Some(handlers) = self.map.key(at, "catch").and_then(Node::as_list) else {
            return;
        };
        let Some(all) = handlers.iter().position(catches_all) else {
            return;
        };
        let Some(unreachable) = handlers.get(all + 1) else {
            return;
        };
        let first = |node: &Node| {
            node.as_map()
                .and_then(|entries| entries.first())
                .map_or(node.span, |entry| entry.key_span)
        };
        findings.push(
            Diagnostic::warning(Code::Unreachable, first(unreachable), "this handler can never run")
                .label(first(&handlers[all]), "handles every error")
                .help("put the handler for all errors last"),
        );
    }
}

fn catches_all(handler: &Node) -> bool {
    let every = |node: &Node| node.as_str() == Some("*");
    let on = handler
        .get("on")
        .is_none_or(|on| every(on) || on.as_list().is_some_and(|codes| codes.iter().any(every)));
    on && handler.as_map().is_some() && handler.get("when").is_none()
}
