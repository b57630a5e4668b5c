//! Reading a mapping whose keys are known.
//!
//! A [`Fields`] is one mapping being read: asking it for a key makes the key known, and [`Fields::close`] reports every
//! key that nobody asked for. So the code that reads a mapping is the list of its keys, and there is no second one.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::outline::{Expects, Field, StepIndex};
use super::reader::{At, Reader, spoken, text_for_flag};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::expr::{Build, Expression};
use crate::graph::Name;
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};

/// One mapping being read.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    /// What messages call the mapping: "an `http` unit".
    what: String,
    /// Where a missing key is reported.
    anchor: Span,
    /// The step its expressions belong to.
    step: Option<StepIndex>,
    /// What is said about keys of other systems.
    foreign: fn(&str) -> Option<&'static str>,
    known: Vec<&'static str>,
    missing: Vec<Missing>,
}

struct Missing {
    key: String,
    /// Any of these in its place counts as the key mistyped.
    names: Vec<&'static str>,
    message: String,
    help: String,
}

impl<'n> Fields<'n> {
    /// Begins to read a mapping; `None` if it is none, which has been reported then. A text that tells what to write is
    /// the `help`.
    pub fn of(reader: &mut Reader, key: &str, node: &'n Node, help: &str) -> Option<Fields<'n>> {
        match &node.value {
            Value::Map(entries) => Some(Fields::new(entries, format!("`{key}`"), node.span)),
            _ if node.is_null() => {
                let message = format!("`{key}` is empty");
                let finding = Diagnostic::error(Code::WrongType, node.span, message).help(help);
                reader.report(finding.help(format!(
                    "what belongs to `{key}` is indented further than `{key}` itself"
                )));
                None
            }
            _ => {
                reader.wrong_type(key, node, "a mapping", help);
                None
            }
        }
    }

    pub fn new(entries: &'n [Entry], what: impl Into<String>, span: Span) -> Fields<'n> {
        Fields {
            entries,
            what: what.into(),
            // The first key stands for a mapping that may be many lines long.
            anchor: entries.first().map_or(span, |entry| entry.key_span),
            step: None,
            foreign: |_| None,
            known: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Sets what is said about keys that other systems have here.
    pub fn foreign(mut self, foreign: fn(&str) -> Option<&'static str>) -> Fields<'n> {
        self.foreign = foreign;
        self
    }

    /// Sets what messages call the mapping.
    pub fn called(mut self, what: impl Into<String>) -> Fields<'n> {
        self.what = what.into();
        self
    }

    /// Sets where missing keys are reported.
    pub fn anchored(mut self, anchor: Span) -> Fields<'n> {
        self.anchor = anchor;
        self
    }

    /// Sets the step that expressions belong to.
    pub fn in_step(mut self, step: Option<StepIndex>) -> Fields<'n> {
        self.step = step;
        self
    }

    pub fn step(&self) -> Option<StepIndex> {
        self.step
    }

    pub fn what(&self) -> &str {
        &self.what
    }

    pub fn anchor(&self) -> Span {
        self.anchor
    }

    /// The entry of an optional key.
    pub fn entry(&mut self, key: &'static str) -> Option<&'n Entry> {
        self.knows(key);
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// Makes a key known without reading it.
    pub fn knows(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key, which does not make it known.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|entry| &*entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The entry of a required key; `example` is what could stand there.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<&'n Entry> {
        let found = self.entry(key);
        if found.is_none() {
            let help = format!("add for example `{key}: {example}`");
            let message = format!("{} needs `{key}`", self.what);
            self.missing(key, vec![key], message, help);
        }
        found
    }

    /// Notes that one of several keys is missing.
    pub fn missing(&mut self, key: impl Into<String>, names: Vec<&'static str>, message: String, help: String) {
        self.missing.push(Missing {
            key: key.into(),
            names,
            message,
            help,
        });
    }

    /// Reports the keys that are missing and those that nobody asked for.
    pub fn close(self, reader: &mut Reader) {
        #[cfg(test)]
        super::tests::syntax::note(
            &self.what,
            &self.known,
            self.missing.iter().map(|missing| &missing.names),
        );
        let mut mistyped = Vec::new();
        let mut is_foreign = false;
        // A key that is there, or that another mistyped one stands for, is not what was meant.
        let mut free: Vec<&'static str> = self.known.iter().copied().filter(|name| !self.has(name)).collect();
        for entry in self.entries {
            if self.known.contains(&&*entry.key) || entry.key.starts_with("x-") {
                continue;
            }
            let message = format!("`{}` is not a key of {}", entry.key, self.what);
            let mut diagnostic = Diagnostic::error(Code::UnknownKey, entry.key_span, message);
            match ((self.foreign)(&entry.key), closest(&entry.key, free.iter().copied())) {
                (Some(help), _) => {
                    diagnostic = diagnostic.help(help);
                    is_foreign = true;
                }
                (None, Some(name)) => {
                    diagnostic = diagnostic.suggest(&entry.key, free.iter().copied());
                    free.retain(|other| *other != name);
                    mistyped.push(name);
                }
                (None, None) if closest(&entry.key, self.known.iter().copied()).is_some() => {
                    let known = self.known.iter().copied();
                    let name = closest(&entry.key, known).unwrap_or_default();
                    diagnostic = diagnostic.help(format!("`{name}` is there already, so remove this one"));
                }
                (None, None) => {
                    let names: Vec<String> = self.known.iter().map(|name| format!("`{name}`")).collect();
                    diagnostic = match names.is_empty() {
                        true => diagnostic.help("it takes no keys"),
                        false => diagnostic.help(format!("its keys are {}", names.join(", "))),
                    };
                    diagnostic = diagnostic.help("keys that begin with `x-` are free for notes");
                }
            }
            reader.report(diagnostic);
        }
        for missing in self.missing {
            // A mistyped key is one mistake, not two; so is one of another system.
            if is_foreign && missing.key != "id" || missing.names.iter().any(|name| mistyped.contains(name)) {
                continue;
            }
            let diagnostic = Diagnostic::error(Code::MissingKey, self.anchor, missing.message)
                .here(format!("`{}` is missing", missing.key));
            reader.report(diagnostic.help(missing.help));
        }
    }

    fn at(&self, field: Field) -> At {
        At { step: self.step, field }
    }

    /// A literal text.
    pub fn name(&mut self, reader: &mut Reader, key: &'static str) -> Option<Name> {
        let entry = self.entry(key)?;
        reader.literal_text(key, &entry.value)
    }

    /// A literal text that must be there.
    pub fn required_name(&mut self, reader: &mut Reader, key: &'static str, example: &str) -> Option<Name> {
        let entry = self.required(key, example)?;
        reader.literal_text(key, &entry.value)
    }

    /// True or false; false if absent.
    pub fn flag(&mut self, reader: &mut Reader, key: &'static str) -> bool {
        let Some(entry) = self.entry(key) else { return false };
        let data = entry.value.as_scalar().and_then(|scalar| scalar.data.as_bool());
        if data.is_none() && reader.is_literal(key, &entry.value) {
            match entry.value.as_str().and_then(spoken) {
                Some(meant) => {
                    let finding = text_for_flag(key, &entry.value, meant);
                    reader.report(finding);
                }
                None => {
                    let help = format!("write `{key}: true` or `{key}: false`");
                    reader.wrong_type(key, &entry.value, "true or false", help);
                }
            }
        }
        data.unwrap_or_default()
    }

    /// A literal whole number from `least` on.
    pub fn whole(&mut self, reader: &mut Reader, key: &'static str, least: u32) -> Option<u32> {
        let node = &self.entry(key)?.value;
        if !reader.is_literal(key, node) {
            return None;
        }
        let number = node
            .as_scalar()
            .map(|scalar| &scalar.data)
            .filter(|data| data.as_f64().is_some());
        let Some(number) = number else {
            reader.wrong_type(
                key,
                node,
                "a whole number",
                format!("write for example `{key}: {}`", least.max(3)),
            );
            return None;
        };
        let found = number
            .as_i64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number >= least);
        if found.is_none() {
            let message = format!(
                "`{key}` must be a whole number from {least} to {}, not {number}",
                u32::MAX
            );
            reader.report(Diagnostic::error(Code::InvalidValue, node.span, message));
        }
        found
    }

    /// A literal number within a range.
    pub fn number(&mut self, reader: &mut Reader, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let node = &self.entry(key)?.value;
        if !reader.is_literal(key, node) {
            return None;
        }
        let Some(number) = node.as_scalar().and_then(|scalar| scalar.data.as_f64()) else {
            reader.wrong_type(
                key,
                node,
                "a number",
                format!("write for example `{key}: {}`", range.start()),
            );
            return None;
        };
        if !range.contains(&number) {
            let bounds = match *range.end() == f64::INFINITY {
                true => format!("at least {}", range.start()),
                false => format!("from {} to {}", range.start(), range.end()),
            };
            let message = format!("`{key}` must be {bounds}, not {number}");
            reader.report(Diagnostic::error(Code::InvalidValue, node.span, message));
            return None;
        }
        Some(number)
    }

    /// One of several words.
    pub fn choice<T: Copy>(&mut self, reader: &mut Reader, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        reader.word(key, &self.entry(key)?.value, choices)
    }

    /// A list.
    pub fn list(&mut self, reader: &mut Reader, key: &'static str, example: &str) -> Option<&'n [Node]> {
        let node = &self.entry(key)?.value;
        reader.list(key, node, example)
    }

    /// A list of literal texts; empty if absent.
    pub fn names(&mut self, reader: &mut Reader, key: &'static str, example: &str) -> Vec<Name> {
        let nodes = self.list(reader, key, example).unwrap_or_default();
        nodes.iter().filter_map(|node| reader.literal_text(key, node)).collect()
    }

    /// An authored value.
    pub fn value(&mut self, reader: &mut Reader, key: &'static str, field: Field, expects: Expects) -> Option<Build> {
        let entry = self.entry(key)?;
        reader.value(key, &entry.value, self.at(field), expects)
    }

    /// An expression.
    pub fn expression(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        field: Field,
        expects: Expects,
    ) -> Option<Arc<Expression>> {
        let entry = self.entry(key)?;
        reader.expression(key, &entry.value, self.at(field), expects)
    }

    /// A condition that may be left out. `Err` if there is one that cannot be read.
    pub fn when(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        field: Field,
    ) -> Result<Option<Arc<Expression>>, Broken> {
        match self.entry(key) {
            None => Ok(None),
            Some(entry) => reader
                .expression(key, &entry.value, self.at(field), Expects::Boolean)
                .map(Some)
                .ok_or(Broken),
        }
    }
}

/// Something could not be read, which has been reported.
#[derive(Debug)]
pub(super) struct Broken;
