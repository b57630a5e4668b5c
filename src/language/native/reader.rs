//! Reading values: literals, expressions and templates, with a finding for everything that is not as it should be.
//!
//! The [`Reader`] collects the findings and notes every expression down for the checks. Mappings are read with
//! [`Fields`](super::fields::Fields).

use std::collections::HashMap;
use std::sync::Arc;

use super::defaults::Defaults;
use super::outline::{Expects, Field, Outline, Site, SiteCode, StepIndex};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Expression, Problem, ProblemKind, Reference, Root, StepPart};
use crate::graph::{Builder, Name};
use crate::language::Files;
use crate::source::Span;
use crate::yaml::{Node, Style, Value};

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
            // `condition: true` means itself; JSON is a part of the expression language.
            Build::Literal(data) => match Expression::compile(&data.to_string()) {
                Ok(expression) => Some(Arc::new(expression)),
                Err(_) => {
                    self.wrong_type(key, node, "an expression", format!("write `{key}: =...`"));
                    None
                }
            },
            Build::Text(_) | Build::List(_) | Build::Map(_) | Build::Computed(_) => {
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
            Build::Literal(_) => {
                self.warn_of_path(key, node, text);
                return Some(build);
            }
            Build::List(_) | Build::Map(_) | Build::Computed(_) => return Some(build),
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

    /// A text such as `input.amount` where the input has an `amount`: it is mostly meant as an expression.
    fn warn_of_path(&mut self, key: &str, node: &Node, text: &str) {
        if !self.leads_somewhere(text) || Expression::compile(text).is_err() {
            return;
        }
        let message = format!("`{key}` gets the text `{text}`, not the value that stands there");
        let expression = self.quoted_like(node, &format!("={text}"));
        let finding = Diagnostic::warning(Code::MissingEquals, node.span, message)
            .help(format!("write `{expression}` for the value"))
            .help("if the text is meant, write `{{ '…' }}` with it between the quotes");
        self.report(finding);
    }

    /// Whether a text begins with a path to what the workflow declares.
    fn leads_somewhere(&self, text: &str) -> bool {
        let Some((root, rest)) = text.split_once('.') else {
            return false;
        };
        let name = |text: &str| {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(text.len())
        };
        let (first, rest) = rest.split_at(name(rest));
        let declares = |key: &str| self.outline.root.get(key).is_some_and(|node| node.get(first).is_some());
        let schema = |key: &str| {
            let properties = self.outline.root.get(key).and_then(|schema| schema.get("properties"));
            properties.is_some_and(|properties| properties.get(first).is_some())
        };
        match root {
            "input" => schema("inputSchema"),
            "context" => schema("contextSchema"),
            "state" => schema("stateSchema") || declares("state"),
            "steps" => {
                let part = rest.trim_start_matches('.');
                part.len() < rest.len() && StepPart::parse(&part[..name(part)]).is_some()
            }
            _ => false,
        }
    }

    /// Reports what is wrong inside a scalar.
    fn problems(&mut self, key: &str, node: &Node, problems: Vec<Problem>) {
        for problem in problems {
            let code = match problem.kind {
                ProblemKind::Syntax | ProblemKind::Unsupported | ProblemKind::Arguments => Code::ExpressionSyntax,
                ProblemKind::Type => Code::TypeMismatch,
                ProblemKind::TooLarge => Code::TooLarge,
                ProblemKind::UnknownFunction => Code::UnknownFunction,
                ProblemKind::StepPath | ProblemKind::UnknownName => Code::UnknownName,
                ProblemKind::SecretNotAllowed => Code::SecretNotAllowed,
                ProblemKind::ReservedName => Code::InvalidId,
            };
            let span = node.place(self.source, problem.range.clone());
            let mut diagnostic = Diagnostic::error(code, span, problem.message).here(format!("in `{key}`"));
            diagnostic.help.extend(problem.help);
            // Only a word fits everywhere, and only where the place is exact.
            let wrong = node.as_scalar().and_then(|scalar| scalar.text.get(problem.range));
            let written = self.source.get(span.start as usize..span.end as usize);
            if let Some(word) = problem.fix.filter(|_| wrong.is_some() && wrong == written) {
                diagnostic = diagnostic.fix(span, word);
            }
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
            Build::Expression(_) | Build::Computed(_) => true,
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
        if let (Expects::Boolean, Some(flag)) = (expects, spoken(meant)) {
            self.report(text_for_flag(key, node, flag));
            return false;
        }
        let inner = lone_expression(meant);
        let message = match build {
            Build::Text(_) => format!("`{key}` needs {needs}, and a template always gives text"),
            _ => format!("`{key}` needs {needs}, but this is a text: an expression begins with `=`"),
        };
        let mut diagnostic = Diagnostic::error(Code::MissingEquals, node.span, message);
        let meant = inner.unwrap_or(meant);
        let plain = !meant.is_empty() && !is_template(meant) && !meant.contains('\n');
        let compiled = Expression::compile(meant).ok().filter(|_| plain);
        if let Some(expression) = compiled {
            let replacement = self.quoted_like(node, &format!("={meant}"));
            diagnostic = diagnostic.help(format!("write `{key}: {replacement}`"));
            // A word that means nothing in expressions may as well have been meant as a text.
            let known = |reference: &Reference| match &reference.root {
                Root::Local(name) => self.around.items.contains(name),
                _ => true,
            };
            if expression.references().iter().all(known) {
                diagnostic = diagnostic.fix(node.span, replacement);
            }
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
        // Quotes do not make an id of a number.
        let is_number = |text: &str| !text.starts_with(|first: char| first.is_ascii_alphabetic());
        if key == "id" && written.as_deref().is_some_and(is_number) {
            diagnostic = diagnostic.help("an id begins with a letter, as in `id: step-1`");
        } else if let Some(text) = written {
            let quoted = format!("\"{text}\"");
            diagnostic = diagnostic
                .help(format!("put it in quotes: `{key}: {quoted}`"))
                .fix(node.span, quoted);
        }
        self.report(diagnostic);
        None
    }

    /// One of several words.
    pub fn word<T: Copy>(&mut self, key: &str, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let word = self.literal_text(key, node)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == &*word)
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let names = one_of(choices.iter().map(|(name, _)| *name));
            let message = format!("`{key}` must be {names}, not `{word}`");
            let diagnostic = Diagnostic::error(Code::InvalidValue, node.span, message);
            self.report(diagnostic.suggest(&word, choices.iter().map(|(name, _)| *name)));
        }
        found
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

/// The flag that is meant by a word which older versions of YAML read as one.
pub(super) fn spoken(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" => Some(true),
        "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// The finding about such a word.
pub(super) fn text_for_flag(key: &str, node: &Node, meant: bool) -> Diagnostic {
    let word = node.as_str().unwrap_or_default();
    let message = format!("`{key}` needs true or false, and YAML 1.2 reads `{word}` as a text");
    Diagnostic::error(Code::WrongType, node.span, message)
        .help(format!("write `{key}: {meant}`"))
        .fix(node.span, meant.to_string())
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
