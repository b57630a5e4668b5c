//! What engines see differently is refused: captures that may be empty and repeat, references to captures that may not
//! have happened, and look-behinds without a bound.

use super::{Group, GroupKind, Node};

/// The characters that a look-behind may look at.
const BEHIND: u32 = 250;

/// What is known of a part.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    min: u32,
    /// Nothing without a bound.
    max: Option<u32>,
    /// Whether a capture stands in it that is not in a group without a name.
    captures: bool,
    /// Of a group, whether a capture stands in it.
    holds: bool,
    /// Whether engines differ when it is repeated.
    fragile: bool,
    looks: bool,
}

/// A capture that was closed: its size, and the groups and alternatives it stands in.
struct Capture {
    facts: Facts,
    path: Vec<Step>,
    optional: bool,
}

/// A group around a part, and which of its alternatives the part is in.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    group: usize,
    alternative: usize,
    alternatives: usize,
    look: bool,
}

#[derive(Default)]
struct Checker {
    captures: Vec<Option<Capture>>,
    path: Vec<Step>,
    groups: usize,
    /// Groups that may be left out, by their number.
    optional: Vec<usize>,
    /// References, checked at the end, when it is known what is optional: the capture and where the reference is.
    references: Vec<(usize, Vec<Step>)>,
    behind: bool,
}

pub(super) fn check(node: &Node) -> Result<(), String> {
    let mut checker = Checker::default();
    // The pattern itself, whose alternatives exclude each other as well.
    checker.path.push(Step {
        group: 0,
        alternative: 0,
        alternatives: 1,
        look: false,
    });
    checker.facts(node)?;
    for (capture, path) in &checker.references {
        let Some(Some(capture)) = checker.captures.get(*capture) else {
            continue;
        };
        let shared = capture
            .path
            .iter()
            .zip(path)
            .take_while(|(one, other)| one == other)
            .count();
        let may_not_happen = capture.optional
            || capture.facts.min == 0
            || capture.path[shared..]
                .iter()
                .any(|step| step.alternatives > 1 || step.look || checker.optional.contains(&step.group));
        if may_not_happen {
            return Err("a reference is to a sub match that may not have happened".to_owned());
        }
    }
    Ok(())
}

impl Checker {
    fn facts(&mut self, node: &Node) -> Result<Facts, String> {
        match node {
            Node::One { wide, .. } => Ok(sized(1 + u32::from(*wide))),
            Node::Dot => Ok(sized(1)),
            Node::Begin | Node::End | Node::Boundary(_) => Ok(sized(0)),
            Node::Sequence(parts) => {
                let mut all = sized(0);
                for part in parts {
                    let facts = self.facts(part)?;
                    all.min = all.min.saturating_add(facts.min);
                    all.max = all.max.zip(facts.max).map(|(one, other)| one.saturating_add(other));
                    all.captures |= facts.captures;
                    all.fragile |= facts.fragile;
                    all.looks |= facts.looks;
                }
                Ok(all)
            }
            Node::Alternation(parts) => self.alternatives(parts),
            Node::Group(group) => self.group(group, false),
            Node::Repeat { of, min, max, .. } => self.repeat(of, *min, *max),
            Node::Reference(capture) => {
                self.references.push((*capture, self.path.clone()));
                let known = self
                    .captures
                    .get(*capture)
                    .and_then(Option::as_ref)
                    .map(|capture| capture.facts);
                let facts = known.unwrap_or_default();
                if self.behind && facts.max.is_none() {
                    return Err("a look-behind has no quantifier without a bound".to_owned());
                }
                Ok(Facts {
                    captures: false,
                    fragile: false,
                    looks: false,
                    ..facts
                })
            }
        }
    }

    fn alternatives(&mut self, parts: &[Node]) -> Result<Facts, String> {
        let mut all: Option<Facts> = None;
        for (position, part) in parts.iter().enumerate() {
            if let Some(step) = self.path.last_mut() {
                step.alternative = position;
                step.alternatives = parts.len();
            }
            let facts = self.facts(part)?;
            let before = all.unwrap_or(facts);
            all = Some(Facts {
                min: before.min.min(facts.min),
                max: before.max.zip(facts.max).map(|(one, other)| one.max(other)),
                captures: before.captures || facts.captures,
                fragile: before.fragile || facts.fragile || facts.min == 0,
                looks: before.looks || facts.looks,
                holds: false,
            });
        }
        let mut all = all.unwrap_or_default();
        all.fragile |= all.captures;
        Ok(all)
    }

    fn group(&mut self, group: &Group, optional: bool) -> Result<Facts, String> {
        let look = matches!(group.kind, GroupKind::LookAhead(_) | GroupKind::LookBehind(_));
        let behind = matches!(group.kind, GroupKind::LookBehind(_));
        if behind && self.behind {
            return Err("look-behinds do not nest".to_owned());
        }
        if self.behind && matches!(group.kind, GroupKind::Capture(..)) {
            return Err("a look-behind has no sub matches".to_owned());
        }
        self.groups += 1;
        let number = self.groups;
        if optional {
            self.optional.push(number);
        }
        let outer = self.behind;
        self.behind |= behind;
        let around = self.path.clone();
        self.path.push(Step {
            group: number,
            alternative: 0,
            alternatives: 1,
            look,
        });
        let mut facts = self.facts(&group.inner)?;
        self.path.pop();
        self.behind = outer;
        if behind && facts.max.is_none_or(|max| max > BEHIND) {
            return Err(format!("a look-behind looks at more than {BEHIND} characters"));
        }
        facts.fragile |= facts.min == 0;
        if facts.min == 0 && !look {
            self.optional.push(number);
        }
        facts.holds = facts.captures;
        facts.captures = false;
        if let GroupKind::Capture(capture, _) = &group.kind {
            if self.captures.len() <= *capture {
                self.captures.resize_with(*capture + 1, || None);
            }
            self.captures[*capture] = Some(Capture {
                facts,
                path: around,
                optional,
            });
            facts.captures = true;
        }
        if look {
            facts.min = 0;
            facts.max = Some(0);
            facts.looks = true;
        }
        Ok(facts)
    }

    fn repeat(&mut self, of: &Node, min: u32, max: Option<u32>) -> Result<Facts, String> {
        if self.behind && max.is_none() {
            return Err("a look-behind has no quantifier without a bound".to_owned());
        }
        let Node::Group(group) = of else {
            let facts = self.facts(of)?;
            return Ok(times(facts, min, max));
        };
        let facts = self.group(group, min == 0)?;
        if facts.looks {
            return Err("a look-ahead or look-behind has no quantifier".to_owned());
        }
        if facts.fragile {
            return Err("what may be empty, or has sub matches that may not happen, has no quantifier".to_owned());
        }
        let mut repeated = times(facts, min, max);
        repeated.fragile = (min == 0 || facts.min == 0 || facts.holds) && (facts.captures || facts.holds);
        Ok(repeated)
    }
}

fn sized(size: u32) -> Facts {
    Facts {
        min: size,
        max: Some(size),
        ..Facts::default()
    }
}

fn times(facts: Facts, min: u32, max: Option<u32>) -> Facts {
    Facts {
        min: facts.min.saturating_mul(min),
        max: facts.max.zip(max).map(|(size, count)| size.saturating_mul(count)),
        ..facts
    }
}
