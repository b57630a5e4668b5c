//! What editors ask about a place in a workflow: the names there, the steps that can be read, and their types.

use std::collections::HashMap;

use super::flow::Flow;
use super::infer::follow;
use super::map::Map;
use super::{Callee, Checker, FindCallee};
use crate::contract::Type;
use crate::expr::{Root, Segment};
use crate::graph::Permissions;
use crate::language::native::outline::{Outline, Site, StepIndex, StepOutline};
use crate::source::Span;

/// Answers about one workflow.
pub(crate) struct Answers<'a>(Checker<'a>);

/// Asks about a workflow, which may call others.
pub(crate) fn ask<R>(outline: &Outline, find: &FindCallee<'_>, with: impl FnOnce(&Answers<'_>) -> R) -> R {
    let callees: HashMap<StepIndex, Callee> = super::callees(outline, find);
    let output = |step: StepIndex| callees.get(&step).and_then(|callee| callee.output.clone());
    let map = Map::of(outline);
    with(&Answers(Checker::new(outline, &map, Flow::of(outline, &map, &output))))
}

impl Answers<'_> {
    /// The expression or template in whose scalar an offset lies.
    pub fn site(&self, offset: u32) -> Option<&Site> {
        let holds = |site: &&Site| site.node.span.start <= offset && offset <= site.node.span.end;
        self.0.outline.sites.iter().find(holds)
    }

    /// The names that exist at a site, `steps` among them, with their types.
    pub fn names(&self, site: &Site) -> Vec<(String, Type)> {
        let names = self.0.known_names(site).into_iter();
        let typed = names.map(|name| {
            let ty = self.root(site, &Root::from_name(&name));
            (name, ty)
        });
        typed.collect()
    }

    /// The type of a path from a root.
    pub fn path(&self, site: &Site, root: &Root, path: &[Segment]) -> Type {
        path.iter()
            .fold(self.root(site, root), |ty, segment| follow(&ty, segment))
    }

    fn root(&self, site: &Site, root: &Root) -> Type {
        self.0.flow.root(site.step, site.field, root)
    }

    /// The steps that a site may read, in the order of the text.
    pub fn steps(&self, site: &Site) -> Vec<&StepOutline> {
        let steps = self.0.outline.steps.iter().enumerate();
        let readable = steps.filter(|(at, step)| {
            let reads = self.0.map.reads(site.step, site.field, StepIndex(*at));
            step.named && !step.id.is_empty() && reads.is_ok()
        });
        readable.map(|(_, step)| step).collect()
    }

    /// The step of an id, dashes written as underscores or not.
    pub fn step(&self, id: &str) -> Option<&StepOutline> {
        self.0.map.named(id).map(|step| self.0.map.step(step))
    }

    /// What the file asks for.
    pub fn permissions(&self) -> &Permissions {
        &self.0.outline.permissions
    }

    /// What leaves a step.
    pub fn output(&self, id: &str) -> Type {
        let step = self.0.map.named(id);
        step.map_or_else(Type::any, |step| self.0.flow.at(step).left.clone())
    }

    /// Every place where an expression names a step: behind a dot, or in brackets and quotes, which are then part of it.
    pub fn mentions(&self) -> Vec<(&StepOutline, Span)> {
        let mut found = Vec::new();
        for site in &self.0.outline.sites {
            for reference in site.references() {
                if let Root::Step { id, .. } = &reference.root
                    && let Some(step) = self.step(id)
                {
                    found.push((step, self.0.place(site, &reference.name)));
                }
            }
        }
        // What an alias repeats stands only once in the text.
        found.sort_by_key(|(_, span)| *span);
        found.dedup_by_key(|(_, span)| *span);
        found
    }
}
