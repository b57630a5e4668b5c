//! Paths: properties that a value cannot have, by its declared schema or by what is evident.

use super::Checker;
use super::infer::{follow, is_certainly};
use super::steps::in_brackets;
use crate::contract::{Kinds, Lookup, Type};
use crate::diagnostic::{Code, Diagnostic, certain, closest};
use crate::expr::{Reference, Root, Segment};
use crate::language::native::outline::{Field, Site};
use crate::source::Span;
use crate::yaml::Node;

/// More names than these are not listed in a message.
const MOST_LISTED: usize = 12;

impl Checker<'_> {
    /// The first link of a path that leads nowhere.
    pub(super) fn property(&self, site: &Site, reference: &Reference, findings: &mut Vec<Diagnostic>) {
        if matches!(reference.root, Root::Env | Root::Secrets | Root::Arguments) {
            return;
        }
        let mut ty = self.flow.root(site.step, site.field, &reference.root);
        for (at, segment) in reference.path.iter().enumerate() {
            if ty.kinds().is_none() {
                return;
            }
            if let Segment::Key(name) = segment
                && let Lookup::Unknown { known, closed } = ty.property(name)
            {
                findings.extend(self.missing(site, reference, at, name, &ty, &known, closed));
                return;
            }
            ty = follow(&ty, segment);
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one call, whose values have nothing else in common"
    )]
    fn missing(
        &self,
        site: &Site,
        reference: &Reference,
        at: usize,
        name: &str,
        ty: &Type,
        known: &[String],
        closed: bool,
    ) -> Option<Diagnostic> {
        let segment = reference.segments.get(at)?;
        let span = self.place(site, segment);
        let before = at
            .checked_sub(1)
            .and_then(|at| reference.segments.get(at))
            .map(|before| before.end);
        let parent = match before {
            Some(end) => site.slice(&(reference.range.start..end)).to_owned(),
            None => reference.root.to_string(),
        };
        if !ty.kinds().intersects(Kinds::MAP) {
            return self.no_object(reference, span, name, ty, &parent);
        }
        let similar = closest(name, known.iter().map(String::as_str));
        let mut finding = Diagnostic::error(Code::UnknownProperty, span, format!("`{parent}` has no `{name}`"));
        if reference.optional {
            // The default makes up for it, so that only what looks like a typing mistake stops the workflow.
            if similar.is_none() {
                let message = match closed {
                    true => format!("`{parent}` never has `{name}`, so this is always the default"),
                    false => format!("`{parent}` declares no `{name}`"),
                };
                finding = Diagnostic::warning(Code::UnknownProperty, span, message);
            }
            // A run may start with any state.
            if reference.root == Root::State && self.outline.state_schema.is_none() {
                return None;
            }
        }
        if let Some(declared) = self.declared(site, reference, at) {
            finding = finding.label(declared, format!("the properties of `{parent}` are declared here"));
        }
        Some(match similar {
            Some(similar) => {
                let finding = finding.help(format!("did you mean `{similar}`?"));
                let sure = certain(name, known.iter().map(String::as_str)).is_some();
                let written = site.slice(segment);
                let word = (written == name && is_word(similar)).then(|| similar.to_owned());
                match word.or_else(|| in_brackets(written, similar)) {
                    Some(replacement) if sure => self.with_fix(finding, site, segment, &replacement),
                    _ => finding,
                }
            }
            None if known.is_empty() => finding.help(format!("`{parent}` is an object without properties")),
            None if known.len() > MOST_LISTED => finding,
            None => finding.help(format!("it has: {}", known.join(", "))),
        })
    }

    /// A property of what is no object at all.
    fn no_object(&self, reference: &Reference, span: Span, name: &str, ty: &Type, parent: &str) -> Option<Diagnostic> {
        // Null often stands for what comes later, and a path with a default ends there.
        if reference.optional || ty.kinds() == Kinds::NULL {
            return None;
        }
        let kind = super::operand::kinds(ty.kinds());
        let message = format!("`{parent}` is {kind} and has no `{name}`");
        let finding = Diagnostic::error(Code::UnknownProperty, span, message);
        Some(match name {
            "length" | "size" | "count" if is_certainly(ty, Kinds::LIST.or(Kinds::TEXT)) => {
                finding.help(format!("write `{parent} | length`"))
            }
            _ if is_certainly(ty, Kinds::LIST) => finding.help(format!(
                "take one item, such as `{parent}[0]`, or all: `{parent} | map(attribute='{name}') | list`"
            )),
            _ => finding,
        })
    }

    /// The place where the properties are declared that a link of a path was looked for in.
    fn declared(&self, site: &Site, reference: &Reference, at: usize) -> Option<Span> {
        let root = &self.outline.root;
        let own = |key: &str| site.step.and_then(|step| self.map.key(step, key));
        let mut node = match &reference.root {
            Root::Input => root.get("inputSchema")?,
            Root::Context => root.get("contextSchema")?,
            Root::State => root.get("stateSchema").or_else(|| root.get("state"))?,
            Root::Resume => own("resumeSchema")?,
            Root::Result if site.field == Field::Output => own("schema")?,
            Root::Step { id, .. } => {
                let step = self.map.named(id)?;
                let keys = ["outputSchema", "schema", "output", "set", "map"];
                keys.iter().find_map(|key| self.map.key(step, key))?
            }
            _ => return None,
        };
        for segment in reference.path.get(..at)? {
            node = match segment {
                Segment::Key(name) => node.get("properties").unwrap_or(node).get(name)?,
                Segment::Index(_) => node.get("items")?,
                Segment::Dynamic => return None,
            };
        }
        let place = |node: &Node| node.entry("properties").map(|entry| entry.key_span);
        place(node).or_else(|| node.as_map()?.first().map(|entry| entry.key_span))
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
