//! Operators and fields whose value cannot have the type they need.

use std::ops::Range;

use super::Checker;
use super::infer::is_certainly;
use crate::contract::{Kinds, Type};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Operator, Reference, Shape};
use crate::language::native::outline::{Expects, Site, SiteCode};

impl Checker<'_> {
    /// Operands that do not go together, and a value that its field cannot take.
    pub(super) fn operands(&self, site: &Site, findings: &mut Vec<Diagnostic>) {
        let Some((shape, references)) = site.shape() else {
            return;
        };
        let walk = Operands {
            checker: self,
            site,
            references,
        };
        walk.visit(shape, findings);
        // What a text in such a field lacks has been said where it was read.
        if matches!(site.code, SiteCode::Expression(_)) {
            findings.extend(self.unfit(site, shape, references));
        }
    }

    /// A value whose field needs another type.
    fn unfit(&self, site: &Site, shape: &Shape, references: &[Reference]) -> Option<Diagnostic> {
        let (needed, needs) = match site.expects {
            Expects::Anything => return None,
            Expects::Boolean => (Kinds::BOOL, "true or false"),
            Expects::List => (Kinds::LIST, "a list"),
            Expects::Number => (Kinds::NUMBER, "a number"),
            Expects::Object => (Kinds::MAP, "an object"),
            Expects::Timing => (Kinds::TEXT.or(Kinds::NUMBER), "a duration or an instant"),
        };
        let ty = self.flow.shape(site.step, site.field, shape, references);
        let possible = ty.kinds();
        if possible.is_none() || possible.intersects(needed) || possible == Kinds::NULL {
            return None;
        }
        let text = site.text();
        let begin = text.len() - text.strip_prefix('=').unwrap_or(text).trim_start().len();
        let span = site.node.place(&self.outline.source, begin..text.trim_end().len());
        let message = format!("this must be {needs}, but is {}", kinds(possible));
        let finding = Diagnostic::error(Code::TypeMismatch, span, message);
        let source = text.get(begin..).unwrap_or_default().trim_end();
        Some(match site.expects {
            Expects::Boolean if is_certainly(&ty, Kinds::LIST) => {
                finding.help(format!("write `={source} | length > 0`"))
            }
            Expects::Boolean if is_certainly(&ty, Kinds::TEXT) => finding.help(format!("write `={source} != ''`")),
            Expects::Boolean if is_certainly(&ty, Kinds::NUMBER) => finding.help(format!("write `={source} > 0`")),
            Expects::List if is_certainly(&ty, Kinds::MAP) => finding.help(format!(
                "write `={source} | items | list` for a list of keys and values"
            )),
            _ => finding,
        })
    }
}

struct Operands<'c, 'a> {
    checker: &'c Checker<'a>,
    site: &'c Site,
    references: &'c [Reference],
}

impl Operands<'_, '_> {
    fn visit(&self, shape: &Shape, findings: &mut Vec<Diagnostic>) {
        match shape {
            Shape::Literal(_) | Shape::Path(_) | Shape::Other => {}
            Shape::Not(inner) => self.visit(inner, findings),
            Shape::Compare {
                operator,
                left,
                right,
                range,
            } => {
                self.visit(left, findings);
                self.visit(right, findings);
                findings.extend(self.comparison(*operator, left, right, range));
            }
            Shape::Arithmetic {
                operator,
                left,
                right,
                range,
            } => {
                self.visit(left, findings);
                self.visit(right, findings);
                findings.extend(self.arithmetic(*operator, left, right, range));
            }
            Shape::Logic { left, right, .. } => {
                self.visit(left, findings);
                self.visit(right, findings);
            }
            Shape::Filter { input, args, .. } | Shape::Test { input, args, .. } => {
                self.visit(input, findings);
                args.iter().for_each(|arg| self.visit(arg, findings));
            }
            Shape::List(items) => items.iter().for_each(|item| self.visit(item, findings)),
            Shape::Map(entries) => entries.iter().for_each(|(_, value)| self.visit(value, findings)),
            Shape::Conditional {
                condition,
                then,
                otherwise,
            } => {
                self.visit(condition, findings);
                self.visit(then, findings);
                if let Some(otherwise) = otherwise {
                    self.visit(otherwise, findings);
                }
            }
        }
    }

    fn ty(&self, shape: &Shape) -> Type {
        let flow = &self.checker.flow;
        flow.shape(self.site.step, self.site.field, shape, self.references)
    }

    fn finding(&self, code: Code, range: &Range<usize>, message: String) -> Diagnostic {
        Diagnostic::error(code, self.checker.place(self.site, range), message)
    }

    /// Ordering needs two numbers or two texts; a text never equals a number.
    fn comparison(&self, operator: Operator, left: &Shape, right: &Shape, range: &Range<usize>) -> Option<Diagnostic> {
        let (a, b) = (self.ty(left), self.ty(right));
        let (left, right) = (a.kinds(), b.kinds());
        if left.is_none() || right.is_none() || left == Kinds::NULL || right == Kinds::NULL {
            return None;
        }
        let sign = operator.sign();
        if operator.orders() {
            if left.and(right).intersects(Kinds::NUMBER.or(Kinds::TEXT)) {
                return None;
            }
            let message = format!("`{sign}` cannot order {} and {}", kinds(left), kinds(right));
            let finding = self.finding(Code::TypeMismatch, range, message);
            return Some(if is_certainly(&a, Kinds::LIST) || is_certainly(&b, Kinds::LIST) {
                finding.help("the number of items is `… | length`")
            } else if is_text_and_number(left, right) {
                finding.help("a text becomes a number with `… | float` or `… | int`")
            } else {
                finding
            });
        }
        if !matches!(operator, Operator::Equal | Operator::NotEqual) || !is_text_and_number(left, right) {
            return None;
        }
        let always = if operator == Operator::Equal { "false" } else { "true" };
        let message = format!("a text never equals a number, so this is always {always}");
        let span = self.checker.place(self.site, range);
        Some(
            Diagnostic::warning(Code::TypeMismatch, span, message)
                .help("a text becomes a number with `… | float` or `… | int`"),
        )
    }

    fn arithmetic(&self, operator: Operator, left: &Shape, right: &Shape, range: &Range<usize>) -> Option<Diagnostic> {
        let (a, b) = (self.ty(left), self.ty(right));
        let (left, right) = (a.kinds(), b.kinds());
        if left.is_none() || right.is_none() {
            return None;
        }
        let sign = operator.sign();
        let either = |kinds: Kinds| is_certainly(&a, kinds) || is_certainly(&b, kinds);
        let unfit = match operator {
            Operator::Concatenate => false,
            Operator::Add => is_text_and_number(left, right) || either(Kinds::MAP),
            Operator::Multiply | Operator::Remainder => either(Kinds::MAP),
            _ => either(Kinds::MAP.or(Kinds::LIST).or(Kinds::TEXT)),
        };
        if !unfit {
            return None;
        }
        let message = format!("`{sign}` does not work on {} and {}", kinds(left), kinds(right));
        let finding = self.finding(Code::TypeMismatch, range, message);
        Some(match operator {
            Operator::Add if is_text_and_number(left, right) => {
                finding.help("`~` joins values as text: `'order ' ~ input.amount`")
            }
            Operator::Add if is_certainly(&a, Kinds::MAP) && is_certainly(&b, Kinds::MAP) => {
                finding.help("objects are joined with `… | merge(…)`")
            }
            _ => finding,
        })
    }
}

fn is_text_and_number(left: Kinds, right: Kinds) -> bool {
    (left == Kinds::TEXT && right == Kinds::NUMBER) || (left == Kinds::NUMBER && right == Kinds::TEXT)
}

/// Kinds of values in a sentence: `a text or a number`.
pub(super) fn kinds(kinds: Kinds) -> String {
    let names: Vec<String> = kinds
        .names()
        .into_iter()
        .map(|name| match name {
            "null" => name.to_owned(),
            "object" => format!("an {name}"),
            _ => format!("a {name}"),
        })
        .collect();
    names.join(" or ")
}
