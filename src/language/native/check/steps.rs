//! Reading other steps: which exist, and which can have run (rule 13); names with dashes (rule 8).

use std::ops::Range;

use super::Checker;
use super::map::Hidden;
use crate::diagnostic::{Code, Diagnostic, certain, closest};
use crate::expr::{Reference, Root, StepPart, Subtraction};
use crate::language::native::outline::{Field, Site, StepIndex};

impl Checker<'_> {
    /// A reference to a step that does not exist or cannot be read.
    pub(super) fn step_reference(&self, site: &Site, reference: &Reference, id: &str, findings: &mut Vec<Diagnostic>) {
        let Some(step) = self.map.named(id) else {
            // A step that could not be read has findings of its own.
            if !self.map.is_written(id) {
                findings.push(self.unknown_step(site, reference, id));
            }
            return;
        };
        if let Err(hidden) = self.map.reads(site.step, site.field, step) {
            findings.push(self.hidden_step(site, reference, step, hidden));
        }
    }

    fn unknown_step(&self, site: &Site, reference: &Reference, id: &str) -> Diagnostic {
        let span = self.place(site, &reference.name);
        let finding = Diagnostic::error(Code::UnknownStep, span, format!("there is no step `{id}`"));
        let known = self
            .outline
            .steps
            .iter()
            .filter(|step| step.named)
            .map(|step| &*step.id);
        let finding = match closest(id, known.clone()) {
            Some(name) => finding.help(format!("did you mean `{name}`?")),
            None => finding,
        };
        match certain(id, known) {
            Some(name) => self.with_fix(finding, site, &reference.name, &as_link(site, &reference.name, name)),
            None => finding,
        }
    }

    fn hidden_step(&self, site: &Site, reference: &Reference, step: StepIndex, hidden: Hidden) -> Diagnostic {
        let span = self.place(site, &reference.range);
        let target = self.map.step(step);
        let id = &target.id;
        let finding = |message: String| Diagnostic::error(Code::StepNotReadable, span, message);
        let there = |finding: Diagnostic, what: &str| finding.label(target.id_span, what);
        match hidden {
            Hidden::BeforeStart => finding(format!(
                "`{id}` cannot have run yet: this is evaluated before the first step"
            )),
            Hidden::Itself => {
                let instead = match site.field {
                    Field::SetState => "`output` is what this step gives",
                    Field::Output => "`result` is what this step's work has given",
                    _ => "`data` is what this step has received",
                };
                finding(format!("`{id}` cannot read itself while it runs")).help(instead)
            }
            Hidden::Around => {
                let finding = finding(format!("`{id}` has not ended yet: this step is inside it"));
                there(finding, "ends only after this step")
            }
            Hidden::Inside => {
                let finding = finding(format!("`{id}` is inside this step and cannot have run yet"));
                there(finding, "runs later")
            }
            Hidden::Later => {
                let finding = finding(format!("`{id}` cannot have run yet: it comes later"));
                there(finding, "runs later")
            }
            Hidden::Beside => {
                let finding = finding(format!("`{id}` is in another branch, which runs at the same time"));
                there(finding, "may not have run yet").help("read it in a step after both branches")
            }
            Hidden::Instead => {
                let finding = finding(format!(
                    "`{id}` is in another branch, which runs only if this one does not"
                ));
                there(finding, "cannot have run")
            }
            Hidden::PerItem(each) => {
                let each = self.map.step(each);
                let finding = finding(format!("`{id}` runs once per item, so there is not one output of it"));
                let finding = there(finding, "runs once per item");
                let list = Root::Step {
                    id: each.id.clone(),
                    part: StepPart::Output,
                };
                finding.help(format!("read the list of all outputs: `{list}`"))
            }
        }
    }

    /// `data.first-name`, which subtracts `name`.
    pub(super) fn subtractions(&self, site: &Site, findings: &mut Vec<Diagnostic>) {
        for hint in self.dashed_names(site) {
            let span = self.place(site, &hint.range);
            let written = site.slice(&hint.range);
            let message = format!("`{written}` is a subtraction, not the name `{}`", hint.name);
            let finding = Diagnostic::error(Code::UnknownName, span, message)
                .help(format!("a name with a dash is written `{}`", hint.replacement))
                .help("to subtract, put spaces around the dash");
            findings.push(self.with_fix(finding, site, &hint.range, &hint.replacement));
        }
    }

    /// The subtractions that cannot be meant: what they subtract does not exist.
    fn dashed_names<'s>(&self, site: &'s Site) -> impl Iterator<Item = &'s Subtraction> {
        site.subtraction_hints().iter().filter(|hint| {
            let operands = site
                .references()
                .iter()
                .filter(|reference| lies_in(&reference.range, &hint.range));
            let mut subtracted = operands.filter(|reference| reference.range.start > hint.range.start);
            subtracted
                .any(|reference| matches!(reference.root, Root::Local(_)) && !self.in_scope(site, &reference.root))
        })
    }

    /// Whether a reference is part of such a subtraction, whose finding speaks for it.
    pub(super) fn is_dashed(&self, site: &Site, reference: &Reference) -> bool {
        self.dashed_names(site)
            .any(|hint| lies_in(&reference.range, &hint.range))
    }
}

/// A step's id in the form in which the author wrote the wrong one.
fn as_link(site: &Site, range: &Range<usize>, id: &str) -> String {
    in_brackets(site.slice(range), id).unwrap_or_else(|| id.replace('-', "_"))
}

/// A name in brackets and quotes, if what was written has them.
pub(super) fn in_brackets(written: &str, name: &str) -> Option<String> {
    let quote = if written.contains('"') { '"' } else { '\'' };
    written.starts_with('[').then(|| format!("[{quote}{name}{quote}]"))
}

fn lies_in(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
