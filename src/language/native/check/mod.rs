//! The checks of a workflow at load, on nothing but its [`Outline`].
//!
//! A check works in three steps. [`map`] knows where each step stands among the others. [`flow`] follows `data` through
//! the steps and knows the type of every name at every place. Then each check looks at the sites, steps and schemas it
//! is about, one file per subject, and adds what it finds.
//!
//! Checks are careful: a finding is certain, or it is none. Where types are open or unknown everything is allowed, and
//! one fault gives one finding, by the first check that sees it.

mod agree;
mod ask;
mod flow;
mod infer;
mod map;
mod names;
mod operand;
mod permission;
mod property;
mod reach;
mod result;
mod site;
mod steps;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(crate) use ask::{Answers, ask};

use self::flow::Flow;
use self::map::Map;
use super::outline::{Outline, Site, StepIndex};
use crate::contract::{Schema, Type};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// What is known of a child workflow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callee {
    /// What its input must match.
    pub input: Option<Schema>,
    /// What its result is.
    pub output: Option<Type>,
}

/// Finds the workflow of an id and, where one is asked for, a version.
pub(crate) type FindCallee<'a> = dyn Fn(&str, Option<&str>) -> Option<Callee> + 'a;

/// All findings within one workflow, in the order of the text.
pub(crate) fn check(outline: &Outline) -> Vec<Diagnostic> {
    let map = Map::of(outline);
    let checker = Checker::new(outline, &map, Flow::of(outline, &map, &|_| None));
    let mut findings = checker.properties();
    for site in &outline.sites {
        checker.names(site, &mut findings);
        checker.subtractions(site, &mut findings);
        checker.permissions(site, &mut findings);
        checker.operands(site, &mut findings);
    }
    checker.servers(&mut findings);
    checker.objects(&mut findings);
    checker.reach(&mut findings);
    checker.agreement(&mut findings);
    checker.result(&mut findings);
    in_order(findings)
}

/// The findings that need the workflows it calls: their inputs against the schemas they declare, and paths into their
/// results. Nothing that [`check`] finds is repeated.
pub(crate) fn check_calls(outline: &Outline, find: &FindCallee<'_>) -> Vec<Diagnostic> {
    let callees = callees(outline, find);
    if callees.is_empty() {
        return Vec::new();
    }
    let map = Map::of(outline);
    let alone = Checker::new(outline, &map, Flow::of(outline, &map, &|_| None));
    let output = |step: StepIndex| callees.get(&step).and_then(|callee| callee.output.clone());
    let together = Checker::new(outline, &map, Flow::of(outline, &map, &output));
    let known: Vec<(Code, Option<Span>)> = alone
        .properties()
        .iter()
        .map(|finding| (finding.code, finding.span))
        .collect();
    let mut findings = together.properties();
    findings.retain(|finding| !known.contains(&(finding.code, finding.span)));
    for (step, callee) in &callees {
        if let Some(schema) = &callee.input {
            together.child_input(*step, schema, &mut findings);
        }
    }
    in_order(findings)
}

/// What is known of the workflows that steps call.
fn callees(outline: &Outline, find: &FindCallee<'_>) -> HashMap<StepIndex, Callee> {
    let steps = outline.steps.iter().enumerate();
    let called = steps.filter_map(|(at, step)| {
        let child = step.calls.as_ref()?;
        Some((StepIndex(at), find(&child.workflow, child.version.as_deref())?))
    });
    called.collect()
}

/// Everything the checks of one workflow look at.
struct Checker<'a> {
    outline: &'a Outline,
    map: &'a Map<'a>,
    flow: Flow<'a>,
    /// The sites by the place of their scalar.
    sites: HashMap<Span, Vec<&'a Site>>,
}

impl<'a> Checker<'a> {
    fn new(outline: &'a Outline, map: &'a Map<'a>, flow: Flow<'a>) -> Checker<'a> {
        let mut sites: HashMap<Span, Vec<&Site>> = HashMap::new();
        for site in &outline.sites {
            sites.entry(site.node.span).or_default().push(site);
        }
        Checker {
            outline,
            map,
            flow,
            sites,
        }
    }

    /// The findings about paths.
    fn properties(&self) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for site in &self.outline.sites {
            for reference in site.references() {
                if self.is_known(site, reference) {
                    self.property(site, reference, &mut findings);
                }
            }
        }
        findings
    }

    /// The site of a scalar, preferably one that belongs to the step: an alias stands in several.
    fn site_at(&self, span: Span, step: Option<StepIndex>) -> Option<&'a Site> {
        let sites = self.sites.get(&span)?;
        sites.iter().find(|site| site.step == step).or(sites.first()).copied()
    }
}

/// Sorted by place; of equal findings, which an alias leads to, one.
fn in_order(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.sort_by_key(|finding| (finding.span, finding.code));
    findings.dedup_by(|a, b| (a.span, a.code, &a.message) == (b.span, b.code, &b.message));
    findings
}
