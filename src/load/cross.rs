//! Checks across files: references between definitions, and calls that never end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Kind, Loaded};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::agent_id;
use crate::graph::{BlockId, Graph, Join, Name, Node, Op, TriggerSource};
use crate::language::native::Outline;
use crate::language::native::check;
use crate::source::Span;

/// All findings.
pub(super) fn check(loaded: &Loaded) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for outline in &loaded.outlines {
        references(loaded, outline, &mut findings);
        findings.extend(check::check_calls(outline, &|id, version| loaded.callee(id, version)));
    }
    for agent in loaded.agents() {
        for (workflow, span) in agent.tools.iter().filter_map(|tool| tool.workflow.as_ref()) {
            findings.extend(reference(loaded, Kind::Workflow, workflow, None, *span));
        }
    }
    for graph in loaded.workflows() {
        agents_of_foundry(loaded, graph, &mut findings);
    }
    webhooks(loaded, &mut findings);
    recursion(loaded, &mut findings);
    for graph in loaded.workflows() {
        waits_in_cleanup(loaded, graph, &mut findings);
    }
    findings
}

/// Agents that a Foundry workflow names and that are not there. They are looked for again when it is run: what the portal
/// exports does not hold them.
fn agents_of_foundry(loaded: &Loaded, graph: &Graph, findings: &mut Vec<Diagnostic>) {
    for node in graph.nodes.node_weights() {
        let Op::Agent(ask) = &node.op else { continue };
        let is_open = ask.definition.is_none() && ask.chosen.is_none() && ask.otherwise.is_some();
        if !is_open || loaded.agent_named(&ask.agent).is_some() {
            continue;
        }
        let place = Span {
            end: node.origin.start,
            ..node.origin
        };
        let message = format!("there is no agent `{}` among the loaded files", ask.agent);
        let known = loaded.agents().map(|agent| &*agent.id);
        let finding = Diagnostic::warning(Code::UnknownAgent, place, message).suggest(&ask.agent, known);
        let help = format!(
            "define it in a document with `kind: Agent` and `id: {}`",
            agent_id(&ask.agent)
        );
        findings.push(finding.without_fix().help(help));
    }
}

/// Webhooks of different workflows, or of one, with the same path. Of several versions of a workflow one is served.
fn webhooks(loaded: &Loaded, findings: &mut Vec<Diagnostic>) {
    let mut paths: HashMap<&Name, (&Name, Span)> = HashMap::new();
    let mut seen: HashSet<(&Name, &Name, Option<&Name>)> = HashSet::new();
    for graph in loaded.workflows() {
        let (id, version) = (&graph.header.id, graph.header.version.as_ref());
        for trigger in &graph.header.triggers {
            let TriggerSource::Webhook(webhook) = &trigger.source else {
                continue;
            };
            let twice_here = !seen.insert((&webhook.path, id, version));
            match paths.get(&webhook.path) {
                Some((first, span)) if twice_here || *first != id => {
                    let message = format!("there are two webhooks with the path `{}`", webhook.path);
                    let finding = Diagnostic::error(Code::DuplicateId, trigger.origin, message)
                        .label(*span, format!("the first starts `{first}`"));
                    findings.push(finding.help("give each webhook a path of its own"));
                }
                Some(_) => {}
                None => {
                    paths.insert(&webhook.path, (id, trigger.origin));
                }
            }
        }
    }
}

/// Child workflows that wait, called inside `finally` (rule 29).
fn waits_in_cleanup(loaded: &Loaded, graph: &Graph, findings: &mut Vec<Diagnostic>) {
    for id in graph.walk() {
        let Some(cleanup) = graph.node(id).keys.as_ref().and_then(|keys| keys.cleanup) else {
            continue;
        };
        for node in inside(graph, cleanup) {
            let (waiting, help) = match &node.op {
                Op::Enter(enter) => (&enter.workflow, "call a workflow without `suspend` and `waitFor`"),
                Op::Agent(ask) => (&ask.agent, "ask an agent whose tools neither need `approval` nor wait"),
                _ => continue,
            };
            if waits_inside(loaded, &node.op) {
                let message = format!("`{waiting}` waits, and nothing may wait inside `finally`");
                findings.push(Diagnostic::error(Code::WaitNotAllowed, node.origin, message).help(help));
            }
        }
    }
}

/// Whether a child workflow or an agent may wait for somebody.
fn waits_inside(loaded: &Loaded, op: &Op) -> bool {
    match op {
        Op::Enter(enter) => {
            let child = loaded.workflow(&enter.workflow, enter.version.as_deref());
            child.is_some_and(|child| may_wait(loaded, child))
        }
        // The tools of a step are nodes in it, and looked at as such.
        Op::Agent(ask) if ask.definition.is_none() => loaded.agent(&ask.agent, None).is_some_and(|agent| {
            agent.tools.iter().any(|tool| {
                let workflow = tool.workflow.as_ref().and_then(|(id, _)| loaded.workflow(id, None));
                tool.asks || workflow.is_some_and(|child| may_wait(loaded, child))
            })
        }),
        _ => false,
    }
}

/// Whether a workflow, or one it calls, has a step that waits for somebody.
fn may_wait(loaded: &Loaded, start: &Arc<Graph>) -> bool {
    let mut seen: Vec<&Arc<Graph>> = vec![start];
    let mut next = 0;
    while let Some(graph) = seen.get(next).copied() {
        next += 1;
        for node in inside(graph, graph.body) {
            match &node.op {
                Op::Suspend(_) | Op::WaitFor(_) | Op::Approve(_) => return true,
                Op::Agent(ask) => {
                    let agent = loaded.agent(&ask.agent, None).filter(|_| ask.definition.is_none());
                    let tools = agent.map_or(&[][..], |agent| &agent.tools);
                    if tools.iter().any(|tool| tool.asks) {
                        return true;
                    }
                    let workflows = tools
                        .iter()
                        .filter_map(|tool| loaded.workflow(&tool.workflow.as_ref()?.0, None));
                    for child in workflows {
                        if !seen.iter().any(|known| Arc::ptr_eq(known, child)) {
                            seen.push(child);
                        }
                    }
                }
                Op::Enter(enter) => {
                    let child = loaded.workflow(&enter.workflow, enter.version.as_deref());
                    seen.extend(child.filter(|child| !seen.iter().any(|known| Arc::ptr_eq(known, child))));
                }
                _ => {}
            }
        }
    }
    false
}

/// All nodes of a block, at any depth.
fn inside(graph: &Graph, block: BlockId) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for id in graph.block(block) {
            let node = graph.node(*id);
            open.extend(node.blocks().into_iter().map(|(block, _)| block));
            found.push(node);
        }
    }
    found
}

/// Whether a finding may be gone when more files are loaded.
pub(super) fn leads_to_other_files(code: Code) -> bool {
    matches!(code, Code::UnknownWorkflow | Code::UnknownAgent)
}

/// The workflows in which there are errors that came up after they were read, by where they were written.
pub(super) fn broken(loaded: &Loaded) -> HashSet<Span> {
    let errors: Vec<Span> = loaded
        .diagnostics
        .iter()
        .filter(|finding| finding.is_error())
        .filter_map(|finding| finding.span)
        .collect();
    let inside =
        |whole: Span, part: &Span| whole.file == part.file && whole.start <= part.start && part.end <= whole.end;
    loaded
        .workflows
        .iter()
        .map(|graph| graph.header.origin)
        .filter(|origin| errors.iter().any(|error| inside(*origin, error)))
        .collect()
}

fn references(loaded: &Loaded, outline: &Outline, findings: &mut Vec<Diagnostic>) {
    for step in &outline.steps {
        if let Some(call) = &step.calls {
            let version = call.version.as_deref();
            findings.extend(reference(loaded, Kind::Workflow, &call.workflow, version, call.span));
        }
        if let Some((workflow, span)) = &step.tool {
            findings.extend(reference(loaded, Kind::Workflow, workflow, None, *span));
        }
        if let Some((agent, span)) = &step.agent {
            findings.extend(reference(loaded, Kind::Agent, agent, None, *span));
        }
    }
}

fn reference(loaded: &Loaded, kind: Kind, id: &Name, version: Option<&str>, span: Span) -> Option<Diagnostic> {
    let all = || loaded.declared.iter().filter(|one| one.kind == kind);
    let mut named = all().filter(|one| one.id == *id).peekable();
    let (code, what) = match kind {
        Kind::Workflow => (Code::UnknownWorkflow, "workflow"),
        Kind::Agent => (Code::UnknownAgent, "agent"),
    };
    if named.peek().is_none() {
        let mut finding = Diagnostic::error(code, span, format!("there is no {what} `{id}` among the loaded files"))
            .suggest(id, all().map(|one| &*one.id));
        if finding.help.is_empty() {
            finding = finding.help(match kind {
                Kind::Workflow => format!("load the file that defines `kind: Workflow` with `id: {id}` as well"),
                Kind::Agent => format!("define it in a document with `kind: Agent` and `id: {id}`"),
            });
        }
        return Some(finding);
    }
    let version = version?;
    let versions: Vec<&str> = named.filter_map(|one| one.version.as_deref()).collect();
    if versions.contains(&version) {
        return None;
    }
    let message = format!("there is no version {version} of the {what} `{id}`");
    let known = match versions.is_empty() {
        true => "it has no version; leave `version` out".to_owned(),
        false => format!("there are {}", versions.join(", ")),
    };
    Some(Diagnostic::error(code, span, message).help(known))
}

/// Workflows that certainly call each other again and again.
fn recursion(loaded: &Loaded, findings: &mut Vec<Diagnostic>) {
    let graphs: Vec<&Graph> = loaded.workflows().map(|graph| &**graph).collect();
    let place = |id: &str, version: Option<&str>| {
        let graph = loaded.workflow(id, version)?;
        graphs.iter().position(|one| std::ptr::eq(*one, &**graph))
    };
    let calls: Vec<Vec<(usize, Span)>> = graphs
        .iter()
        .map(|graph| {
            let mut certain = Vec::new();
            certain_calls(graph, graph.body, &mut certain);
            let resolved = certain
                .into_iter()
                .filter_map(|(id, version, span)| Some((place(&id, version.as_deref())?, span)));
            resolved.collect()
        })
        .collect();
    let mut reported: HashSet<usize> = HashSet::new();
    for start in 0..graphs.len() {
        if reported.contains(&start) {
            continue;
        }
        let Some(circle) = circle(start, &calls) else { continue };
        reported.extend(circle.iter().map(|(from, _)| *from));
        let names: Vec<&str> = circle.iter().map(|(from, _)| &*graphs[*from].header.id).collect();
        let message = match names[..] {
            [only] => format!("the workflow `{only}` calls itself without an end"),
            _ => format!("the workflows `{}` call each other without an end", names.join("`, `")),
        };
        let mut finding = Diagnostic::error(Code::EndlessRecursion, circle[0].1, message);
        for (from, span) in &circle[1..] {
            finding = finding.label(*span, format!("`{}` calls on here", graphs[*from].header.id));
        }
        findings.push(finding.help("put one of the calls into an `andWhen`, so that there is a way out"));
    }
}

/// The calls that lead from a workflow back to it.
fn circle(start: usize, calls: &[Vec<(usize, Span)>]) -> Option<Vec<(usize, Span)>> {
    // Breadth first, so that the circle is as short as can be.
    let mut came_from: HashMap<usize, (usize, Span)> = HashMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for (to, span) in &calls[at] {
            if *to == start {
                let mut circle = vec![(at, *span)];
                let mut at = at;
                while at != start {
                    let (before, span) = came_from[&at];
                    circle.push((before, span));
                    at = before;
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(to) {
                came_from.insert(*to, (at, *span));
                open.push_back(*to);
            }
        }
    }
    None
}

/// Whether what follows in a list is certainly reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoesOn,
    MayStop,
}

type CertainCall = (Name, Option<Name>, Span);

/// The calls that every run of a block makes.
fn certain_calls(graph: &Graph, block: BlockId, found: &mut Vec<CertainCall>) -> Then {
    for id in graph.block(block) {
        let node = graph.node(*id);
        let skippable = node.keys.as_ref().is_some_and(|keys| keys.condition.is_some());
        let then = match &node.op {
            _ if skippable => may_stop(graph, *id),
            Op::Enter(enter) => {
                found.push((enter.workflow.clone(), enter.version.clone(), node.origin));
                Then::GoesOn
            }
            Op::Block(inner) => certain_calls(graph, *inner, found),
            Op::Loop(repeat) => certain_calls(graph, repeat.block, found),
            Op::Fork(fork) if matches!(fork.join, Join::All | Join::Settle) => {
                let mut then = Then::GoesOn;
                for branch in &fork.branches {
                    let ended = match &branch.condition {
                        None => certain_calls(graph, branch.block, found),
                        Some(_) => blocks_may_stop(graph, [branch.block]),
                    };
                    if ended == Then::MayStop {
                        then = Then::MayStop;
                    }
                }
                then
            }
            _ => may_stop(graph, *id),
        };
        if then == Then::MayStop {
            return Then::MayStop;
        }
    }
    Then::GoesOn
}

/// Whether a step, or one inside it, was written to end the workflow or to leave out what follows.
fn may_stop(graph: &Graph, id: crate::graph::NodeId) -> Then {
    let node = graph.node(id);
    match &node.op {
        Op::End { .. } | Op::Cancel { .. } | Op::Fail(_) | Op::Guard(_) => Then::MayStop,
        // What follows may be jumped over.
        Op::Jump(_) => Then::MayStop,
        _ => blocks_may_stop(graph, node.blocks().into_iter().map(|(block, _)| block)),
    }
}

fn blocks_may_stop(graph: &Graph, blocks: impl IntoIterator<Item = BlockId>) -> Then {
    let mut nodes = blocks.into_iter().flat_map(|block| graph.block(block).to_vec());
    match nodes.any(|id| may_stop(graph, id) == Then::MayStop) {
        true => Then::MayStop,
        false => Then::GoesOn,
    }
}
