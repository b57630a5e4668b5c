//! How much of workflows their cases bring about: steps, outcomes of conditions, handlers, winners of races.

mod follow;
mod points;

use std::collections::{BTreeMap, HashMap};

pub use points::{Condition, Point};

use super::play::Played;
use crate::graph::{Graph, Name, Node, NodeId, Op, Program};
use crate::source::{FileId, LineColumn, Sources, Span};

/// The coverage of several workflows.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// In the order of their files.
    pub workflows: Vec<Covered>,
}

/// The coverage of one workflow.
#[derive(Clone, Debug)]
pub struct Covered {
    /// Its id.
    pub workflow: Name,
    /// Its version.
    pub version: Option<Name>,
    /// Its file.
    pub file: FileId,
    /// All there is to cover, in the order in which it is written.
    pub spots: Vec<Spot>,
}

/// Something to be covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The id of the step.
    pub step: Name,
    /// Which step of the workflow it is.
    pub node: NodeId,
    /// What of it.
    pub point: Point,
    /// Where it is written.
    pub place: LineColumn,
    /// What is said about it when it was not covered.
    pub missing: String,
    /// How often it was.
    pub hits: u32,
}

/// How much is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Share {
    /// So many of them.
    pub covered: usize,
    /// So many there are.
    pub all: usize,
}

impl Share {
    /// In percent, rounded down to a tenth, so that 100 means all.
    pub fn percent(self) -> f64 {
        match self.all {
            0 => 100.0,
            all => (self.covered * 1000 / all) as f64 / 10.0,
        }
    }
}

impl Covered {
    /// How much of it is covered.
    pub fn share(&self) -> Share {
        Share {
            covered: self.spots.iter().filter(|spot| spot.hits > 0).count(),
            all: self.spots.len(),
        }
    }

    /// What is not covered. Of a step that did not run only that.
    pub fn missing(&self) -> impl Iterator<Item = &Spot> {
        let reached = |node: NodeId| {
            let mut spots = self.spots.iter();
            spots.any(|spot| spot.node == node && spot.hits > 0)
        };
        let told = move |spot: &&Spot| match spot.point {
            // That its condition was never true says the same.
            Point::Ran => !reached(spot.node),
            _ => reached(spot.node),
        };
        self.spots.iter().filter(|spot| spot.hits == 0).filter(told)
    }
}

impl Coverage {
    /// The coverage of some workflows by some runs.
    pub fn new<'r>(
        graphs: impl IntoIterator<Item = &'r Graph>,
        runs: impl IntoIterator<Item = &'r Played>,
        sources: &Sources,
    ) -> Coverage {
        let mut hits: HashMap<(Name, Option<Name>), follow::Hits> = HashMap::new();
        for played in runs {
            let program = &*played.program;
            for ((node, point), count) in follow::follow(program, &played.events) {
                let (workflow, node) = local(program, node);
                *hits.entry(workflow).or_default().entry((node, point)).or_default() += count;
            }
        }
        let none = follow::Hits::new();
        let covered = graphs.into_iter().map(|graph| {
            let header = &graph.header;
            let hits = hits.get(&(header.id.clone(), header.version.clone())).unwrap_or(&none);
            Covered {
                workflow: header.id.clone(),
                version: header.version.clone(),
                file: header.origin.file,
                spots: spots(graph, hits, sources),
            }
        });
        let mut workflows: Vec<Covered> = covered.collect();
        let name = |covered: &Covered| (sources.file(covered.file).name().to_owned(), covered.workflow.clone());
        workflows.sort_by_cached_key(name);
        Coverage { workflows }
    }

    /// How much of all is covered.
    pub fn share(&self) -> Share {
        self.workflows
            .iter()
            .map(Covered::share)
            .fold(Share::default(), |sum, share| Share {
                covered: sum.covered + share.covered,
                all: sum.all + share.all,
            })
    }

    /// The workflows by their files.
    pub fn by_file(&self) -> BTreeMap<FileId, Vec<&Covered>> {
        let mut files: BTreeMap<FileId, Vec<&Covered>> = BTreeMap::new();
        for covered in &self.workflows {
            files.entry(covered.file).or_default().push(covered);
        }
        files
    }
}

/// The workflow of a step of a program, and the step in its graph.
fn local(program: &Program, node: NodeId) -> ((Name, Option<Name>), NodeId) {
    let workflow = program.step(node).workflow;
    // The steps of a workflow stand together.
    let first = program.steps.partition_point(|step| step.workflow < workflow);
    let header = &program.workflow(workflow).header;
    let key = (header.id.clone(), header.version.clone());
    (key, NodeId(node.0 - first as u32))
}

fn spots(graph: &Graph, hits: &follow::Hits, sources: &Sources) -> Vec<Spot> {
    let mut spots = Vec::new();
    for id in graph.walk() {
        let node = graph.node(id);
        for point in points::of(node) {
            let place = place(graph, node, point, sources);
            spots.push(Spot {
                step: node.id.clone(),
                node: id,
                point,
                place: sources.file(place.file).line_column(place.start),
                missing: missing(node, point),
                hits: hits.get(&(id, point)).copied().unwrap_or_default(),
            });
        }
    }
    spots
}

/// Where a point is written: a condition where its text stands, a handler or branch where its first step does.
fn place(graph: &Graph, node: &Node, point: Point, sources: &Sources) -> Span {
    let block = match (point, &node.op) {
        (Point::Outcome(condition, _), _) => {
            let text = condition.of(node).map(|condition| condition.source().trim());
            return text
                .and_then(|text| within(node.origin, text, sources))
                .unwrap_or(node.origin);
        }
        (Point::Caught(at), _) => {
            let keys = node.keys.as_deref();
            keys.and_then(|keys| keys.catch.get(at as usize))
                .map(|handler| handler.block)
        }
        (Point::CleanedUp, _) => node.keys.as_deref().and_then(|keys| keys.cleanup),
        (Point::Won(at), Op::Fork(fork)) => fork.branches.get(at as usize).map(|branch| branch.block),
        (Point::Ran | Point::Won(_), _) => None,
    };
    let first = block.and_then(|block| graph.block(block).first());
    first.map_or(node.origin, |first| graph.node(*first).origin)
}

/// Where a text stands in a step, if it stands there once.
fn within(step: Span, text: &str, sources: &Sources) -> Option<Span> {
    let mut found = sources.text(step).match_indices(text);
    let (Some((at, _)), None) = (found.next(), found.next()) else {
        return None;
    };
    let start = step.start as usize + at;
    Some(Span::new(step.file, start, start + text.len()))
}

fn missing(node: &Node, point: Point) -> String {
    match point {
        Point::Ran => "never ran".to_owned(),
        Point::Outcome(Condition::Rules, true) => "its rules never held".to_owned(),
        Point::Outcome(Condition::Rules, false) => "its rules never failed".to_owned(),
        Point::Outcome(condition, outcome) => {
            let text = condition.of(node).map_or("", |condition| condition.source().trim());
            format!("`{text}` was never {outcome}")
        }
        Point::Caught(at) => {
            let handlers = node.keys.as_deref().map_or(&[][..], |keys| &keys.catch);
            let codes = handlers.get(at as usize).and_then(|handler| handler.on.as_ref());
            let codes = codes.map(|codes| codes.iter().map(|code| &*code.0).collect::<Vec<_>>().join(", "));
            match codes {
                Some(codes) => format!("its `catch` of {codes} was never entered"),
                None => "its `catch` was never entered".to_owned(),
            }
        }
        Point::CleanedUp => "its `finally` never ran".to_owned(),
        Point::Won(at) => {
            let key = match &node.op {
                Op::Fork(fork) => fork.branches.get(at as usize).and_then(|branch| branch.key.clone()),
                _ => None,
            };
            match key {
                Some(key) => format!("the branch `{key}` never won"),
                None => format!("branch {at} never won"),
            }
        }
    }
}
