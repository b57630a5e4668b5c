//! The workflow's result against its `outputSchema`.

use super::Checker;
use super::operand::kinds;
use crate::contract::{Kinds, Lookup, Type};
use crate::diagnostic::{Code, Diagnostic};
use crate::language::native::outline::Field;
use crate::source::Span;
use crate::yaml::Node;

impl Checker<'_> {
    /// Required properties that no way through the workflow produces, and results of another kind.
    pub(super) fn result(&self, findings: &mut Vec<Diagnostic>) {
        let Some(schema) = &self.outline.output else { return };
        // What `end` gives is a result too, and compared on its own. Whether a run ever comes to the end of the steps
        // is not certain then.
        if self.outline.steps.iter().any(|step| step.ends.is_some()) {
            return;
        }
        let result = match &self.outline.result {
            // Without anything computed it has been validated.
            Some(output) if output.literal().is_some() => return,
            Some(output) => self.flow.value(None, Field::WorkflowOutput, output),
            None => match &self.flow.end {
                Some(end) => end.clone(),
                None => return,
            },
        };
        let wanted = schema.ty();
        let (found, allowed) = (result.kinds(), wanted.kinds());
        if found.is_none() || allowed.is_none() || found == Kinds::NULL {
            return;
        }
        if !found.intersects(allowed) {
            let message = format!(
                "the result is {}, but `outputSchema` wants {}",
                kinds(found),
                kinds(allowed)
            );
            // A computed `output` has been reported at its place.
            if self.outline.result.is_none() {
                findings.push(Diagnostic::error(Code::SchemaMismatch, self.schema_key(), message));
            }
            return;
        }
        if found != Kinds::MAP {
            return;
        }
        for (at, name) in wanted.required().iter().enumerate() {
            if let Lookup::Unknown { known, closed: true } = result.property(name) {
                findings.push(self.never_produced(at, name, &known));
            }
        }
        if self.outline.result.is_none() {
            self.kinds_of_properties(&result, &wanted, findings);
        }
    }

    fn never_produced(&self, at: usize, name: &str, known: &[String]) -> Diagnostic {
        let schema = self.outline.root.get("outputSchema");
        let listed = schema.and_then(|schema| schema.get("required")).and_then(Node::as_list);
        let place = listed.and_then(|names| {
            let named = names.iter().find(|node| node.as_str() == Some(name));
            named.or_else(|| names.get(at))
        });
        let span = place.map_or_else(|| self.schema_key(), |node| node.span);
        let message = format!("`outputSchema` requires `{name}`, but no path through the workflow produces it");
        let finding = Diagnostic::error(Code::OutputNeverProduced, span, message);
        let finding = match self.map.list(None).last() {
            Some(last) if self.outline.result.is_none() => {
                finding.label(self.map.step(*last).id_span, "the result is what this step leaves")
            }
            _ => finding,
        };
        match known {
            [] => finding,
            known => finding.help(format!("the result has: {}", known.join(", "))),
        }
    }

    /// Properties whose kind the schema refuses.
    fn kinds_of_properties(&self, result: &Type, wanted: &Type, findings: &mut Vec<Diagnostic>) {
        for name in wanted.required() {
            let (Lookup::Known(found), Lookup::Known(allowed)) = (result.property(&name), wanted.property(&name))
            else {
                continue;
            };
            let (found, allowed) = (found.kinds(), allowed.kinds());
            if found.is_none() || allowed.is_none() || found == Kinds::NULL || found.intersects(allowed) {
                continue;
            }
            let message = format!(
                "the result's `{name}` is {}, but `outputSchema` wants {}",
                kinds(found),
                kinds(allowed)
            );
            let place = self
                .outline
                .root
                .get("outputSchema")
                .and_then(|schema| schema.get("properties"));
            let span = place
                .and_then(|properties| properties.entry(&name))
                .map(|entry| entry.key_span);
            findings.push(Diagnostic::error(
                Code::SchemaMismatch,
                span.unwrap_or_else(|| self.schema_key()),
                message,
            ));
        }
    }

    fn schema_key(&self) -> Span {
        let key = self.outline.root.entry("outputSchema");
        key.map_or(self.outline.span, |entry| entry.key_span)
    }
}
