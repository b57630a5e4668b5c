//! Reading a mapping whose keys are known, with a finding for everything that is not as it should be.
//!
//! A [`Fields`] is one mapping being read: asking it for a key makes the key known, and [`Fields::close`] reports every
//! key that nobody asked for. So the code that reads a mapping is the list of its keys, and there is no second one. The
//! [`Reader`] behind it collects the findings and notes every expression down for the checks.

use std::collections::HashMap;
use std::sync::Arc;

use super::defaults::Defaults;
use super::outline::{Expects, Field, Outline, Site, SiteCode, StepIndex};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::expr::{Build, Expression, Problem, ProblemKind};
use crate::graph::{Builder, Name};
use crate::language::Files;
use crate::source::Span;
use crate::yaml::{Entry, Node, Style, Value};

/// What is being made of one document, and what was found in it.
pub(super) struct Reader<'a> {
    /// The text of the file, to point into scalars.
    pub source: &'a str,
    /// The files beside it.
    pub files: &'a dyn Files,
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
    /// What the checks work on.
    pub outline: Outline,
    /// What runs.
    pub builder: Builder,
    /// The ids of steps, dashes as underscores, with what was written where.
    pub ids: HashMap<String, (Name, Span)>,
    /// What calls get that have no `timeout` or `retry` of their own.
    pub defaults: Defaults,
    /// Where in the workflow the reader is.
    pub around: Around,
    /// The texts of the files that schemas referred to; they are part of the definition.
    pub included: Vec<Arc<str>>,
}

/// What the steps being read stand in.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// A `finally`, at any depth.
    pub finally: bool,
    /// An `andTap`, at any depth.
    pub tap: bool,
    /// The names of the items of the loops around.
    pub items: Vec<Name>,
}

/// Whom an expression belongs to, and which names it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// The step; none for the workflow's own keys.
    pub step: Option<StepIndex>,
    /// The kind of field.
    pub field: Field,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a str, files: &'a dyn Files, outline: Outline) -> Reader<'a> {
        Reader {
            source,
            files,
            diagnostics: Vec::new(),
            outline,
            builder: Builder::new(),
            ids: HashMap::new(),
            defaults: Defaults::default(),
            around: Around::default(),
            included: Vec::new(),
        }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, key: &str, node: &Node, needs: &str, help: impl Into<String>) {
        let found = match node.kind() {
            "null" => "is empty".to_owned(),
            kind => format!("is {}", article(kind)),
        };
        let message = format!("`{key}` needs {needs}, but {found}");
        self.report(Diagnostic::error(Code::WrongType, node.span, message).help(help));
    }

    /// An authored value: expressions and templates at any depth, everything else as it is. `None` if a part of it is
    /// broken, which has been reported then.
    pub fn value(&mut self, key: &str, node: &Node, at: At, expects: Expects) -> Option<Build> {
        let build = self.build(key, node, at, expects)?;
        self.fits(key, node, &build, expects).then_some(build)
    }

    /// An expression, because a literal or template makes no sense here.
    pub fn expression(&mut self, key: &str, node: &Node, at: At, expects: Expects) -> Option<Arc<Expression>> {
        match self.value(key, node, at, expects)? {
            Build::Expression(expression) => Some(expression),
            // `condition: true` and a written list mean themselves; JSON is a part of the expression language.
            Build::Literal(data) => match Expression::compile(&data.to_string()) {
                Ok(expression) => Some(Arc::new(expression)),
                Err(_) => {
                    self.wrong_type(key, node, "an expression", format!("write `{key}: =...`"));
                    None
                }
            },
            Build::Text(_) | Build::List(_) | Build::Map(_) => {
                let help = format!("write the whole value as one expression: `{key}: =...`");
                self.wrong_type(key, node, "an expression", help);
                None
            }
        }
    }

    /// A mapping whose keys are names and whose values are authored.
    pub fn entries(&mut self, key: &str, node: &Node, at: At, help: &str) -> Option<Vec<(Name, Build)>> {
        let Some(entries) = node.as_map() else {
            self.wrong_type(key, node, "a mapping", help);
            return None;
        };
        let values: Vec<Option<(Name, Build)>> = entries
            .iter()
            .map(|entry| {
                Some((
                    entry.key.clone(),
                    self.value(&entry.key, &entry.value, at, Expects::Anything)?,
                ))
            })
            .collect();
        values.into_iter().collect()
    }

    fn build(&mut self, key: &str, node: &Node, at: At, expects: Expects) -> Option<Build> {
        match &node.value {
            Value::Scalar(scalar) => match scalar.data.as_str() {
                Some(text) => self.text(key, node, text, at, expects),
                None => Some(Build::Literal(scalar.data.clone())),
            },
            Value::List(nodes) => {
                let items: Vec<Option<Build>> = nodes
                    .iter()
                    .map(|item| self.build(key, item, at, Expects::Anything))
                    .collect();
                Some(Build::list(items.into_iter().collect::<Option<_>>()?))
            }
            Value::Map(entries) => {
                let fields: Vec<Option<(Name, Build)>> = entries
                    .iter()
                    .map(|entry| {
                        let value = self.build(key, &entry.value, at, Expects::Anything)?;
                        Some((entry.key.clone(), value))
                    })
                    .collect();
                Some(Build::map(fields.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    /// A text of the file: an expression, a template or just text (rules 1 to 3).
    fn text(&mut self, key: &str, node: &Node, text: &str, at: At, expects: Expects) -> Option<Build> {
        let build = match Build::from_scalar(text) {
            Ok(build) => build,
            Err(problems) => {
                self.problems(key, node, problems);
                return None;
            }
        };
        let code = match &build {
            Build::Expression(expression) => SiteCode::Expression(expression.clone()),
            Build::Text(template) => SiteCode::Text(template.clone()),
            Build::Literal(_) | Build::List(_) | Build::Map(_) => return Some(build),
        };
        self.outline.sites.push(Site {
            step: at.step,
            field: at.field,
            node: node.clone(),
            code,
            expects,
        });
        Some(build)
    }

    /// Reports what is wrong inside a scalar.
    fn problems(&mut self, key: &str, node: &Node, problems: Vec<Problem>) {
        for problem in problems {
            let code = match problem.kind {
                ProblemKind::Syntax | ProblemKind::Unsupported => Code::ExpressionSyntax,
                ProblemKind::TooLarge => Code::TooLarge,
                ProblemKind::UnknownFunction => Code::UnknownFunction,
                ProblemKind::StepPath => Code::UnknownName,
                ProblemKind::SecretNotAllowed => Code::SecretNotAllowed,
                ProblemKind::ReservedName => Code::InvalidId,
            };
            let span = node.place(self.source, problem.range);
            let mut diagnostic = Diagnostic::error(code, span, problem.message).here(format!("in `{key}`"));
            diagnostic.help.extend(problem.help);
            self.report(diagnostic);
        }
    }

    /// Whether a value can be what is expected, as far as its form tells.
    fn fits(&mut self, key: &str, node: &Node, build: &Build, expects: Expects) -> bool {
        let (needs, example) = match expects {
            Expects::Anything | Expects::Timing => return true,
            Expects::Boolean => ("a condition", "=input.amount > 100"),
            Expects::List => ("a list", "=input.items"),
            Expects::Number => ("a number", "=input.count"),
            Expects::Object => ("an object", "=input.order"),
        };
        let fits = match build {
            Build::Expression(_) => true,
            Build::Text(_) => false,
            Build::List(_) => expects == Expects::List,
            Build::Map(_) => expects == Expects::Object,
            Build::Literal(data) => match expects {
                Expects::Boolean => data.as_bool().is_some(),
                Expects::List => data.as_list().is_some(),
                Expects::Number => data.as_f64().is_some(),
                Expects::Object => data.as_map().is_some(),
                Expects::Anything | Expects::Timing => true,
            },
        };
        if fits {
            return true;
        }
        let Some(text) = node.as_str() else {
            self.wrong_type(key, node, needs, format!("write for example `{key}: {example}`"));
            return false;
        };
        let meant = text.trim();
        let inner = lone_expression(meant);
        let message = match build {
            Build::Text(_) => format!("`{key}` needs {needs}, and a template always gives text"),
            _ => format!("`{key}` needs {needs}, but this is a text: an expression begins with `=`"),
        };
        let mut diagnostic = Diagnostic::error(Code::MissingEquals, node.span, message);
        let meant = inner.unwrap_or(meant);
        let likely = !meant.is_empty() && !is_template(meant) && Expression::compile(meant).is_ok();
        if likely && !meant.contains('\n') {
            let replacement = self.quoted_like(node, &format!("={meant}"));
            diagnostic = diagnostic
                .help(format!("write `{key}: {replacement}`"))
                .fix(node.span, replacement);
        } else {
            diagnostic = diagnostic.help(format!("write for example `{key}: {example}`"));
        }
        self.report(diagnostic);
        false
    }

    /// A text as a YAML scalar in the place of a node.
    pub fn quoted_like(&self, node: &Node, text: &str) -> String {
        let plain = node.as_scalar().is_some_and(|scalar| {
            let special = if scalar.in_flow {
                &[',', '[', ']', '{', '}'][..]
            } else {
                &[]
            };
            scalar.style == Style::Plain && !text.contains(special)
        });
        let risky = text.contains(": ") || text.contains(" #") || text.ends_with(':');
        match (plain && !risky, text.contains(['"', '\\'])) {
            (true, _) => text.to_owned(),
            (false, false) => format!("\"{text}\""),
            (false, true) => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

/// One mapping being read.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    /// What messages call the mapping: "an `http` unit".
    what: String,
    /// Where a missing key is reported.
    anchor: Span,
    /// The step its expressions belong to.
    step: Option<StepIndex>,
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
            known: Vec::new(),
            missing: Vec::new(),
        }
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
        self.entries.iter().any(|entry| &*entry.key == key)
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
        let mut mistyped = Vec::new();
        for entry in self.entries {
            if self.known.contains(&&*entry.key) || entry.key.starts_with("x-") {
                continue;
            }
            let message = format!("`{}` is not a key of {}", entry.key, self.what);
            let mut diagnostic =
                Diagnostic::error(Code::UnknownKey, entry.key_span, message).suggest(&entry.key, self.known.clone());
            match closest(&entry.key, self.known.clone()) {
                Some(name) => mistyped.push(name),
                None => {
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
            // A mistyped key is one mistake, not two.
            if missing.names.iter().any(|name| mistyped.contains(name)) {
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
            let help = format!("write `{key}: true` or `{key}: false`");
            reader.wrong_type(key, &entry.value, "true or false", help);
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
    pub fn number(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Option<f64> {
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
        let node = &self.entry(key)?.value;
        let word = reader.literal_text(key, node)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == &*word)
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let names = one_of(choices.iter().map(|(name, _)| *name));
            let message = format!("`{key}` must be {names}, not `{word}`");
            let diagnostic = Diagnostic::error(Code::InvalidValue, node.span, message);
            reader.report(diagnostic.suggest(&word, choices.iter().map(|(name, _)| *name)));
        }
        found
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

impl Reader<'_> {
    /// Whether a value is no expression or template, where nothing is evaluated (rule 1).
    pub fn is_literal(&mut self, key: &str, node: &Node) -> bool {
        let computed = node
            .as_str()
            .filter(|text| text.starts_with('=') || text.contains("{{"));
        if let Some(text) = computed {
            let what = if text.starts_with('=') {
                "an expression"
            } else {
                "a template"
            };
            let message = format!("`{key}` is taken as it is written; {what} is not evaluated here");
            let help = format!("write the value of `{key}` itself");
            self.report(Diagnostic::error(Code::NotLiteral, node.span, message).help(help));
        }
        computed.is_none()
    }

    /// A literal text (rule 1).
    pub fn literal_text(&mut self, key: &str, node: &Node) -> Option<Name> {
        if !self.is_literal(key, node) {
            return None;
        }
        if let Some(text) = node.as_str() {
            return Some(text.into());
        }
        let written = node
            .as_scalar()
            .filter(|scalar| !scalar.data.is_null())
            .map(|scalar| scalar.text.clone());
        let mut diagnostic = match &written {
            Some(_) => {
                let message = format!("`{key}` needs a text, but YAML reads this as {}", article(node.kind()));
                Diagnostic::error(Code::WrongType, node.span, message)
            }
            None => {
                self.wrong_type(key, node, "a text", format!("write for example `{key}: some-text`"));
                return None;
            }
        };
        if let Some(text) = written {
            let quoted = format!("\"{text}\"");
            diagnostic = diagnostic
                .help(format!("put it in quotes: `{key}: {quoted}`"))
                .fix(node.span, quoted);
        }
        self.report(diagnostic);
        None
    }

    /// A list.
    pub fn list<'n>(&mut self, key: &str, node: &'n Node, example: &str) -> Option<&'n [Node]> {
        let items = node.as_list();
        if items.is_none() {
            let alone = node
                .as_scalar()
                .filter(|scalar| !scalar.data.is_null())
                .map(|scalar| &scalar.text);
            let help = match alone {
                Some(text) => format!("a list of one is written `{key}: [{text}]`"),
                None => format!("write for example `{key}: {example}`"),
            };
            self.wrong_type(key, node, "a list", help);
        }
        items
    }
}

/// Whether a text holds something to evaluate.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// What stands between the braces of a template that is nothing else.
fn lone_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then(|| inner.trim().trim_matches('-').trim())
}

/// "`a`, `b` or `c`".
pub(super) fn one_of<'s>(names: impl IntoIterator<Item = &'s str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The kind of a value with its article.
pub(super) fn article(kind: &str) -> String {
    match kind {
        "object" => "a mapping".to_owned(),
        "null" => "empty".to_owned(),
        kind => format!("a {kind}"),
    }
}
