//! Reading the fields of actions: values, formulas, templates, variables.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::flow::{Flow, Label};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::{Compute, SYSTEM, Scope, Test, Variable};
use crate::expr::powerfx::{Formula, Options, Reference, Template};
use crate::expr::{Build, Problem, ProblemKind};
use crate::graph::{Builder, Keys, Name, Node as Step, Op};
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};

/// A document being read.
pub(super) struct Reader<'a> {
    /// The text of the file.
    pub source: &'a str,
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
    /// The nodes.
    pub flow: Flow,
    /// The nodes inside others.
    pub builder: Builder,
    /// The places of actions and branches, by their ids.
    pub targets: BTreeMap<Name, (Label, Span)>,
    /// The gotos: their own ids, what they name, where they lead, and the place of the name in the text.
    pub gotos: Vec<(Name, Name, Label, Span)>,
    /// The loops around, the innermost last: where the next round begins, and where it is over.
    pub loops: Vec<(Label, Label)>,
    /// The environment variables that formulas read.
    pub env: BTreeSet<Name>,
    /// The keys of the variables that actions write.
    pub written: BTreeSet<Name>,
    /// The hosts of addresses that are written out.
    pub hosts: BTreeSet<Name>,
    /// Actions that clear variables, with what stands before the names of those.
    pub cleared: Vec<(Name, &'static str)>,
    /// All ids that authors gave, and those that were made.
    pub taken: HashSet<Name>,
    /// Whether what is said is kept in the conversation of the run: somebody may read it there.
    pub talks: bool,
}

/// The fields of an action, or of a mapping in it.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    what: String,
    anchor: Span,
    known: Vec<&'static str>,
}

/// What every node of an action has in common.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// The kind, as the author wrote it.
    pub kind: &'static str,
    /// Its id.
    pub id: Name,
    /// The display name.
    pub name: Option<Name>,
    /// What it is for.
    pub purpose: Option<Name>,
    /// Where it stands.
    pub origin: Span,
}

impl Action {
    /// A node of the action; the one without a suffix is the action itself.
    pub fn node(&self, suffix: &str, op: Op) -> Step {
        let named = suffix.is_empty();
        Step {
            id: match named {
                true => self.id.clone(),
                false => format!("{}/{suffix}", self.id).into(),
            },
            kind: self.kind,
            name: self.name.clone().filter(|_| named),
            purpose: self.purpose.clone().filter(|_| named),
            origin: self.origin,
            named,
            op,
            keys: None,
        }
    }

    /// A node that jumps.
    pub fn jump(&self, suffix: &str) -> Step {
        self.node(suffix, Op::Set(Build::Literal(Default::default())))
    }

    /// A node that computes a value, which is kept.
    pub fn set(&self, suffix: &str, value: Build, keep: Vec<(Name, Build)>) -> Step {
        keeping(self.node(suffix, Op::Set(value)), keep)
    }

    /// The key of something that the action keeps for itself.
    pub fn own(&self, what: &str) -> Name {
        format!("{}.{}.{what}", self.kind, self.id).into()
    }
}

/// The node with keys of the state that it writes.
pub(super) fn keeping(mut node: Step, keep: Vec<(Name, Build)>) -> Step {
    if !keep.is_empty() {
        node.keys
            .get_or_insert_with(|| Box::new(Keys::default()))
            .set_state
            .extend(keep);
    }
    node
}

/// A value that is computed.
pub(super) fn computed(compute: Compute) -> Build {
    Build::Computed(Arc::new(compute))
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a str, talks: bool) -> Reader<'a> {
        Reader {
            source,
            diagnostics: Vec::new(),
            flow: Flow::default(),
            builder: Builder::new(),
            targets: BTreeMap::new(),
            gotos: Vec::new(),
            loops: Vec::new(),
            env: BTreeSet::new(),
            written: BTreeSet::new(),
            hosts: BTreeSet::new(),
            cleared: Vec::new(),
            taken: HashSet::new(),
            talks,
        }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Notes where an id stands.
    pub fn target(&mut self, id: Name, label: Label, span: Span) {
        if id.contains(|c: char| c.is_control() || "/[]@+".contains(c)) {
            let message = format!("`{id}` cannot be an id: it has a sign with another meaning");
            let finding = Diagnostic::error(Code::InvalidId, span, message);
            self.report(finding.help("ids are made of letters, digits, `_`, `-`, `.` and spaces"));
        }
        if let Some((_, first)) = self.targets.get(&id) {
            let message = format!("there are two things with the id `{id}`");
            let finding = Diagnostic::error(Code::DuplicateId, span, message).label(*first, "the first is here");
            self.report(finding.help("actions and conditions need ids of their own"));
            return;
        }
        self.targets.insert(id, (label, span));
    }

    /// An id for an action that has none.
    pub fn unused(&mut self, kind: &str) -> Name {
        let count = self.taken.len() + 1;
        let mut ids = (count..).map(|count| Name::from(format!("{kind}-{count}")));
        let id = ids.find(|id| !self.taken.contains(id)).unwrap_or_else(|| kind.into());
        self.taken.insert(id.clone());
        id
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, key: &str, node: &Node, needs: &str, help: impl Into<String>) {
        let found = match node.kind() {
            "null" => "is empty".to_owned(),
            "object" => "is a mapping".to_owned(),
            kind => format!("is a {kind}"),
        };
        let message = format!("`{key}` needs {needs}, but {found}");
        self.report(Diagnostic::error(Code::WrongType, node.span, message).help(help));
    }

    /// A value: formulas at any depth, everything else as it is.
    pub fn value(&mut self, key: &str, node: &Node) -> Option<Build> {
        match &node.value {
            Value::Scalar(scalar) => match scalar.data.as_str() {
                Some(text) if text.starts_with('=') => self.formula(key, node, text),
                _ => Some(Build::Literal(scalar.data.clone())),
            },
            Value::List(items) => {
                let items: Vec<Option<Build>> = items.iter().map(|item| self.value(key, item)).collect();
                Some(Build::list(items.into_iter().collect::<Option<_>>()?))
            }
            Value::Map(entries) => {
                let values: Vec<Option<(Name, Build)>> = entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), self.value(&entry.key, &entry.value)?)))
                    .collect();
                Some(Build::map(values.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    /// A text with formulas between braces, or one formula; without white space around it if so wanted.
    pub fn template(&mut self, key: &str, node: &Node, trimmed: bool) -> Option<Build> {
        let Some(scalar) = node.as_scalar() else {
            self.wrong_type(
                key,
                node,
                "a text",
                format!("write for example `{key}: \"Hello {{Local.Name}}\"`"),
            );
            return None;
        };
        let build = match scalar.data.as_str() {
            Some(text) if text.starts_with('=') => self.formula(key, node, text)?,
            Some(text) => {
                let (template, warnings) = Template::compile(text, &Options::default());
                for problem in warnings {
                    self.problem(key, node, problem, 0, false);
                }
                self.references(key, node, template.references(), 0);
                match template.has_formulas() {
                    true => computed(Compute::Template(template)),
                    false => Build::Literal(scalar.data.clone()),
                }
            }
            None => Build::Literal(scalar.data.clone()),
        };
        Some(computed(Compute::Text(Box::new(build), trimmed)))
    }

    /// A condition.
    pub fn test(&mut self, key: &str, node: &Node) -> Option<Test> {
        let build = self.value(key, node)?;
        Some(match &build {
            Build::Computed(compute) => match &**compute {
                Compute::Formula(formula) => Test::Formula(formula.clone()),
                _ => Test::Value(build.clone(), key.to_owned()),
            },
            Build::Literal(data) => {
                let is_text = data
                    .as_str()
                    .is_some_and(|text| !["true", "false", ""].contains(&&*text.to_lowercase()));
                if is_text || data.as_f64().is_some() || data.as_list().is_some() || data.as_map().is_some() {
                    let help = format!("write a formula: `{key}: =Local.Count > 3`");
                    self.wrong_type(key, node, "a condition", help);
                    return None;
                }
                Test::Value(build.clone(), data.to_text().to_string())
            }
            _ => {
                self.wrong_type(
                    key,
                    node,
                    "a condition",
                    format!("write a formula: `{key}: =Local.Count > 3`"),
                );
                return None;
            }
        })
    }

    /// A formula, with its `=`.
    fn formula(&mut self, key: &str, node: &Node, text: &str) -> Option<Build> {
        let source = &text[1..];
        match Formula::compile(source) {
            Ok(formula) => {
                self.references(key, node, formula.references(), 1);
                Some(computed(Compute::Formula(formula)))
            }
            // Upstream reads formulas when they are needed, and ships one that is never closed.
            Err(problems) if is_open(source) => {
                let message = problems
                    .first()
                    .map(|problem| problem.message.clone())
                    .unwrap_or_default();
                for problem in problems {
                    self.problem(key, node, problem, 1, false);
                }
                Some(computed(Compute::Broken(message.into())))
            }
            Err(problems) => {
                for problem in problems {
                    self.problem(key, node, problem, 1, true);
                }
                None
            }
        }
    }

    fn problem(&mut self, key: &str, node: &Node, problem: Problem, shift: usize, error: bool) {
        let code = match problem.kind {
            ProblemKind::Type => Code::TypeMismatch,
            ProblemKind::TooLarge => Code::TooLarge,
            ProblemKind::UnknownFunction => Code::UnknownFunction,
            ProblemKind::StepPath | ProblemKind::UnknownName => Code::UnknownName,
            ProblemKind::SecretNotAllowed => Code::SecretNotAllowed,
            ProblemKind::ReservedName => Code::InvalidId,
            ProblemKind::Syntax | ProblemKind::Unsupported | ProblemKind::Arguments => Code::ExpressionSyntax,
        };
        let range = problem.range.start + shift..problem.range.end + shift;
        let span = node.place(self.source, range);
        let finding = match error {
            true => Diagnostic::error(code, span, problem.message),
            false => Diagnostic::warning(code, span, problem.message),
        };
        let mut finding = finding.here(format!("in `{key}`"));
        finding.help.extend(problem.help);
        self.report(finding);
    }

    /// Checks the names that a formula reads from outside.
    fn references(&mut self, key: &str, node: &Node, references: &[Reference], shift: usize) {
        for reference in references {
            let is_workflow = reference.name.eq_ignore_ascii_case("workflow");
            let scope = Scope::parse(&reference.name);
            let first = reference.path.first();
            if let (Some(Scope::Env), Some((name, _))) = (scope, first) {
                self.env.insert(name.clone());
            }
            if is_workflow || reference.maybe && scope.is_none() {
                continue;
            }
            let at = |range: &std::ops::Range<usize>| range.start + shift..range.end + shift;
            let (range, message, known): (_, _, &[&str]) = match (scope, first) {
                (None, _) => {
                    let name = &reference.name;
                    let known: &[&str] = &["Local", "Global", "System", "Env", "Topic", "Workflow"];
                    (
                        at(&reference.range),
                        format!("`{name}` is no scope of variables"),
                        known,
                    )
                }
                (Some(Scope::System), Some((name, range))) if !SYSTEM.contains(&&**name) => {
                    (at(range), format!("`System` has no `{name}`"), &SYSTEM)
                }
                _ => continue,
            };
            let span = node.place(self.source, range);
            let word = message
                .split('`')
                .nth(if scope.is_some() { 3 } else { 1 })
                .unwrap_or_default()
                .to_owned();
            let mut finding = Diagnostic::error(Code::UnknownName, span, message)
                .here(format!("in `{key}`"))
                .suggest(&word, known.iter().copied());
            if finding.help.is_empty() && scope.is_none() {
                finding = finding.help(format!("a variable is written with its scope: `Local.{word}`"));
            }
            self.report(finding);
        }
    }

    /// A variable that is written.
    pub fn variable(&mut self, key: &str, node: &Node) -> Option<Variable> {
        let Some(text) = node.as_str() else {
            self.wrong_type(
                key,
                node,
                "the name of a variable",
                format!("write for example `{key}: Local.Answer`"),
            );
            return None;
        };
        // Some write it as a formula, or with the word `init:` of another dialect before it.
        let name = text.trim().trim_start_matches('=').trim_start_matches("init:");
        let Some(variable) = Variable::parse(name) else {
            let message = format!("`{text}` is not the name of a variable");
            let help = format!("write for example `{key}: Local.Answer`");
            self.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
            return None;
        };
        if !variable.scope.is_writable() {
            let message = format!("`{}` cannot be written: it is up to the run", variable.key);
            let help = "write a variable of `Local` or `Global`";
            self.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
            return None;
        }
        self.written.insert(variable.key.clone());
        Some(variable)
    }
}

/// What a node has to keep so that a variable gets a value.
pub(super) fn assign(variable: Variable, value: Build) -> (Name, Build) {
    let value = match variable.path.is_empty() {
        true => value,
        false => computed(Compute::Put(variable.key.clone(), variable.path, Box::new(value))),
    };
    (variable.key, value)
}

/// Whether brackets or quotes of a formula are never closed.
fn is_open(source: &str) -> bool {
    let (mut depth, mut quoted) = (0i64, false);
    for c in source.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    quoted || depth > 0
}

impl<'n> Fields<'n> {
    /// The fields of an action.
    pub fn new(entries: &'n [Entry], what: impl Into<String>, anchor: Span) -> Fields<'n> {
        Fields {
            entries,
            what: what.into(),
            anchor,
            known: vec!["kind", "id", "displayName", "description", "disabled"],
        }
    }

    /// The fields of a mapping.
    pub fn of(reader: &mut Reader<'_>, key: &str, node: &'n Node, what: impl Into<String>) -> Option<Fields<'n>> {
        match node.as_map() {
            Some(entries) => Some(Fields {
                entries,
                what: what.into(),
                anchor: entries.first().map_or(node.span, |entry| entry.key_span),
                known: Vec::new(),
            }),
            None if node.is_null() => None,
            None => {
                reader.wrong_type(key, node, "a mapping", format!("`{key}` has fields of its own"));
                None
            }
        }
    }

    /// A field by any of its names; an empty one is none.
    pub fn get(&mut self, names: &[&'static str]) -> Option<&'n Entry> {
        self.known.extend(names);
        let mut found = names
            .iter()
            .filter_map(|name| self.entries.iter().find(|entry| &*entry.key == *name));
        found.find(|entry| !entry.value.is_null())
    }

    /// A field that must be there; the first name is the one to write.
    pub fn required(&mut self, reader: &mut Reader<'_>, names: &[&'static str], example: &str) -> Option<&'n Entry> {
        let found = self.get(names);
        if found.is_none() {
            let key = names[0];
            let message = format!("{} needs `{key}`", self.what);
            let finding = Diagnostic::error(Code::MissingKey, self.anchor, message).here(format!("`{key}` is missing"));
            reader.report(finding.help(format!("add for example `{key}: {example}`")));
        }
        found
    }

    /// Warns of fields that mean nothing.
    pub fn close(self, reader: &mut Reader<'_>) {
        for entry in self.entries {
            if self.known.contains(&&*entry.key) || entry.key.starts_with("x-") || entry.key.starts_with('$') {
                continue;
            }
            let message = format!("`{}` means nothing for {}", entry.key, self.what);
            let mut finding = Diagnostic::warning(Code::UnknownKey, entry.key_span, message)
                .suggest(&entry.key, self.known.iter().copied())
                .without_fix();
            if finding.help.is_empty() {
                finding = finding.help("remove it, or see whether it belongs elsewhere");
            }
            reader.report(finding);
        }
    }

    /// Does not ask what else there is.
    pub fn ignore(self) {}

    /// A value.
    pub fn value(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<Build> {
        let entry = self.get(names)?;
        reader.value(&entry.key, &entry.value)
    }

    /// A text with formulas.
    pub fn template(&mut self, reader: &mut Reader<'_>, names: &[&'static str], trimmed: bool) -> Option<Build> {
        let entry = self.get(names)?;
        reader.template(&entry.key, &entry.value, trimmed)
    }

    /// A text that is prompted: itself, or the `text` of a message, whose lines may be a list.
    pub fn prompt(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<Build> {
        let entry = self.get(names)?;
        message_text(reader, &entry.key, &entry.value)
    }

    /// A variable that is written.
    pub fn variable(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<Variable> {
        let entry = self.get(names)?;
        reader.variable(&entry.key, &entry.value)
    }

    /// A variable that must be there.
    pub fn required_variable(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<Variable> {
        let entry = self.required(reader, names, "Local.Answer")?;
        reader.variable(&entry.key, &entry.value)
    }

    /// A condition.
    pub fn test(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<Test> {
        let entry = self.get(names)?;
        reader.test(&entry.key, &entry.value)
    }

    /// A text without formulas.
    pub fn text(&mut self, reader: &mut Reader<'_>, names: &[&'static str]) -> Option<(Name, Span)> {
        let entry = self.get(names)?;
        match entry.value.as_scalar() {
            Some(scalar) => Some((scalar.text.clone(), entry.value.span)),
            None => {
                reader.wrong_type(
                    &entry.key,
                    &entry.value,
                    "a text",
                    format!("write `{}: some-text`", entry.key),
                );
                None
            }
        }
    }
}

/// The text of a message: a text, `{text: …}`, or a list of lines.
pub(super) fn message_text(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Build> {
    match &node.value {
        Value::Scalar(_) => reader.template(key, node, true),
        Value::List(lines) => {
            let lines: Vec<Option<Build>> = lines.iter().map(|line| reader.template(key, line, true)).collect();
            let lines: Vec<Build> = lines.into_iter().collect::<Option<_>>()?;
            Some(computed(Compute::Lines(lines)))
        }
        Value::Map(_) => {
            let mut fields = Fields::of(reader, key, node, format!("`{key}`"))?;
            fields
                .known
                .extend(["kind", "speak", "attachments", "suggestedActions"]);
            let text = fields.required(reader, &["text"], "Hello")?;
            let text = message_text(reader, "text", &text.value);
            fields.close(reader);
            text
        }
    }
}
