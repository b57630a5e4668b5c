//! Comparing a value with what a case expects of it, in part.
//!
//! A mapping asks only about the keys it has, at any depth; a list has to have as many items; a text that begins with
//! `=` is an expression about `value`, which has to be true. Everything else has to be equal.

use std::sync::Arc;

use super::fields::Reader;
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Expression, Root};
use crate::graph::Name;
use crate::source::Span;
use crate::yaml::{Node, Value};

/// What a value is expected to be.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    span: Span,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Equal(Data),
    Holds(Arc<Expression>),
    List(Vec<Matcher>),
    Map(Vec<(Name, Matcher)>),
}

/// Where a value is not what is expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mismatch {
    /// The place of the expectation.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

impl Matcher {
    /// Reads what is expected; what is wrong with it has been reported if there is nothing.
    pub fn read(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Matcher> {
        let kind = match &node.value {
            Value::Scalar(scalar) => match scalar.data.as_str() {
                // A template makes no sense here, so braces are just text.
                Some(text) if text.starts_with('=') => match Build::from_scalar(text) {
                    Ok(Build::Expression(expression)) => Kind::Holds(about_value(reader, key, node, expression)?),
                    Ok(_) => Kind::Equal(Data::from(&text[1..])),
                    Err(problems) => {
                        for problem in problems {
                            let span = node.place(reader.source, problem.range);
                            let mut diagnostic = Diagnostic::error(Code::ExpressionSyntax, span, problem.message);
                            diagnostic.help.extend(problem.help);
                            reader.report(diagnostic.here(format!("in `{key}`")));
                        }
                        return None;
                    }
                },
                _ => Kind::Equal(scalar.data.clone()),
            },
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| Matcher::read(reader, key, item)).collect();
                Kind::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), Matcher::read(reader, &entry.key, &entry.value)?)))
                    .collect();
                Kind::Map(entries.into_iter().collect::<Option<_>>()?)
            }
        };
        Some(Matcher { span: node.span, kind })
    }

    /// Adds everything that is not as expected of the value at a path.
    pub fn check(&self, path: &str, value: Option<&Data>, found: &mut Vec<Mismatch>) {
        let mut wrong = |message: String| {
            found.push(Mismatch {
                span: self.span,
                message,
            })
        };
        if let Kind::Holds(expression) = &self.kind {
            let names = |root: &Root| match root {
                Root::Local(name) if **name == *VALUE => value.cloned(),
                _ => None,
            };
            match expression.eval_bool(&names) {
                Ok(true) => {}
                Ok(false) => wrong(format!(
                    "`{path}` is {}: `{}` does not hold",
                    shown(value),
                    expression.source()
                )),
                Err(error) => wrong(format!("`{path}` is {}: {}", shown(value), error.message)),
            }
            return;
        }
        let Some(value) = value else {
            return wrong(format!("`{path}` is missing"));
        };
        match (&self.kind, value) {
            (Kind::Map(entries), Data::Map(map)) => {
                for (key, matcher) in entries {
                    matcher.check(&format!("{path}.{key}"), map.get(key), found);
                }
            }
            (Kind::List(items), Data::List(list)) if items.len() == list.len() => {
                for (at, (matcher, item)) in items.iter().zip(list.iter()).enumerate() {
                    matcher.check(&format!("{path}[{at}]"), Some(item), found);
                }
            }
            (Kind::List(items), Data::List(list)) => {
                let message = format!("`{path}` has {} items, expected {}", list.len(), items.len());
                wrong(format!("{message}: {}", shown(Some(value))));
            }
            (Kind::Equal(expected), value) if expected == value => {}
            (Kind::Equal(expected), value) => {
                wrong(format!(
                    "`{path}` is {}, expected {}",
                    shown(Some(value)),
                    shown(Some(expected))
                ));
            }
            (Kind::Map(_), value) => wrong(format!("`{path}` is {}, expected an object", shown(Some(value)))),
            (Kind::List(_), value) => wrong(format!("`{path}` is {}, expected a list", shown(Some(value)))),
            (Kind::Holds(_), _) => {}
        }
    }
}

/// The name of the value in an expression.
const VALUE: &str = "value";

fn about_value(
    reader: &mut Reader<'_>,
    key: &str,
    node: &Node,
    expression: Arc<Expression>,
) -> Option<Arc<Expression>> {
    let stranger = expression.references().iter().find(|reference| match &reference.root {
        Root::Local(name) => **name != *VALUE,
        _ => true,
    });
    let Some(stranger) = stranger else {
        return Some(expression);
    };
    let span = node.place(reader.source, stranger.name.clone());
    let message = format!("`{}` is not known here; an expectation is about `value`", stranger.root);
    let help = format!("write for example `{key}: =value > 3`; a text that begins with `=` is written `==...`");
    reader.report(Diagnostic::error(Code::UnknownName, span, message).help(help));
    None
}

/// The longest value that a message shows.
const LONGEST: usize = 200;

/// A value in a message.
pub(super) fn shown(value: Option<&Data>) -> String {
    let Some(value) = value else {
        return "missing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::source::Sources;
    use crate::yaml;

    /// What is wrong with a value, by the matcher that a text holds.
    fn check(text: &str, value: &Data) -> Vec<String> {
        let file = Sources::new().add("test", text);
        let (documents, findings) = yaml::parse(file, text, &yaml::Limits::default());
        assert!(findings.is_empty(), "{findings:?}");
        let mut reader = Reader {
            source: text,
            diagnostics: Vec::new(),
        };
        let matcher = Matcher::read(&mut reader, "result", &documents[0].root);
        let Some(matcher) = matcher else {
            return reader.diagnostics.into_iter().map(|found| found.message).collect();
        };
        let mut found = Vec::new();
        matcher.check("result", Some(value), &mut found);
        found.into_iter().map(|mismatch| mismatch.message).collect()
    }

    #[test]
    fn a_mapping_asks_only_about_its_keys() {
        let value = data!({ "a": { "b": 1, "c": [1, { "d": "x", "e": 2 }] }, "f": null });
        for fits in [
            "{}",
            "a: { b: 1.0 }",
            "a: { c: [1, { e: 2 }] }",
            "f: null",
            "{ a: { b: =value > 0 }, g: =value is undefined }",
        ] {
            assert_eq!(check(fits, &value), Vec::<String>::new(), "{fits}");
        }
        assert_eq!(check("a: { b: 2, c: [1] }", &value).len(), 2);
        assert_eq!(check("{ g: null }", &value), ["`result.g` is missing"]);
        assert_eq!(
            check("a: { c: [1, { d: y }] }", &value),
            [r#"`result.a.c[1].d` is "x", expected "y""#]
        );
        assert_eq!(
            check("a: { b: =value > 3 }", &value),
            ["`result.a.b` is 1: `value > 3` does not hold"]
        );
        assert_eq!(check("a: [1]", &value).len(), 1);
    }

    #[test]
    fn texts_that_begin_with_an_equals_sign_are_written_with_two() {
        assert_eq!(check("==1 + 1", &data!("=1 + 1")), Vec::<String>::new());
        assert_eq!(check("'{{ x }}'", &data!("{{ x }}")), Vec::<String>::new());
        assert!(check("=data.x", &data!(1))[0].contains("about `value`"));
        assert_eq!(check("=value +", &data!(1)).len(), 1);
        assert_eq!(check("=value", &data!(1)).len(), 1, "not a boolean");
    }
}
