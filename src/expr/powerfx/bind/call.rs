//! Calls of functions: how many arguments, of which types, and what names they may use.

use std::ops::Range;
use std::sync::Arc;

use super::{Binder, Scope};
use crate::diagnostic::closest;
use crate::expr::ProblemKind;
use crate::expr::powerfx::functions::{self, Function, Param, Returns, Scoping};
use crate::expr::powerfx::ir::{Expr, Kind};
use crate::expr::powerfx::syntax::{Ident, Node, NodeKind};
use crate::expr::powerfx::types::{Columns, Type};
use crate::expr::powerfx::value::{VALUE, Value};

impl Binder<'_> {
    pub(super) fn call(&mut self, name: &Ident, nodes: &[Node], span: &Range<usize>) -> Expr {
        let Some(function) = functions::find(&name.name) else {
            let names = functions::every().map(|function| function.name);
            let same = functions::every().find(|function| function.name.eq_ignore_ascii_case(&name.name));
            let similar = same
                .map(|function| function.name)
                .or_else(|| closest(&name.name, names));
            let help = similar.map(|name| format!("did you mean `{name}`?"));
            let message = format!("there is no function `{}`", name.name);
            self.report_with(ProblemKind::UnknownFunction, &name.span, message, help);
            for node in nodes {
                self.expr(node);
            }
            return self.nothing(span);
        };
        if nodes.len() < function.min || nodes.len() > function.max {
            let message = format!("`{}` takes {}, not {}", function.name, arity(function), nodes.len());
            self.report(ProblemKind::Arguments, span, message);
            return self.nothing(span);
        }
        let mut arguments = self.arguments(function, nodes);
        let of = self.result(function, &mut arguments, span);
        Expr::new(Kind::Call(function, arguments), of, span.clone())
    }

    fn arguments(&mut self, function: &'static Function, nodes: &[Node]) -> Vec<Expr> {
        let mut arguments: Vec<Expr> = Vec::with_capacity(nodes.len());
        let mut row: Option<(Type, Option<Arc<str>>)> = None;
        for (position, node) in nodes.iter().enumerate() {
            let param = function.param(position);
            let expr = match (param, function.scoping) {
                (Param::Column, _) => self.column(node),
                (Param::Group, _) => {
                    let of = arguments.first().map_or(Type::Any, |first| first.of.clone());
                    self.group(node, of)
                }
                (Param::ColumnText, _) => match &node.kind {
                    NodeKind::Name(ident) => {
                        let columns = arguments.first().and_then(|first| first.of.columns());
                        let is_column = columns.is_none_or(|columns| columns.get(&ident.name).is_some());
                        match is_column || self.scoped(ident).is_none() {
                            true => self.column(node),
                            false => self.expr(node),
                        }
                    }
                    NodeKind::Text(_) => self.column(node),
                    _ => self.expr(node),
                },
                (Param::Row, Scoping::Errors) => self
                    .within(Scope::fields(functions::logical::errors_type()), |binder| {
                        binder.expr(node)
                    }),
                (Param::Row, _) => {
                    let (of, name) = row.clone().unwrap_or((Type::Any, None));
                    self.within(Scope::rows(of, name), |binder| binder.expr(node))
                }
                (_, Scoping::Rows | Scoping::Record) if position == 0 => {
                    let (node, name) = match &node.kind {
                        NodeKind::As(of, name) => (&**of, Some(name.name.clone())),
                        _ => (node, None),
                    };
                    let expr = self.expr(node);
                    let of = match &expr.of {
                        Type::Table(columns) => Type::Record(columns.clone()),
                        Type::Untyped => Type::Untyped,
                        of @ Type::Record(_) => of.clone(),
                        Type::Any => Type::Any,
                        _ => Type::Record(Columns::default()),
                    };
                    row = Some((of, name));
                    expr
                }
                _ => self.expr(node),
            };
            self.accept(function, param, &expr);
            arguments.push(expr);
        }
        arguments
    }

    /// The name of a column to group by, or `formula As name` over the rows of a group.
    fn group(&mut self, node: &Node, of: Type) -> Expr {
        let NodeKind::As(formula, name) = &node.kind else {
            return match node.kind {
                NodeKind::Name(_) => self.column(node),
                _ => {
                    let help = Some("give the formula a name with `As`".to_owned());
                    let message = "the name of a column or a formula with a name is expected".to_owned();
                    self.report_with(ProblemKind::Type, &node.span, message, help);
                    self.nothing(&node.span)
                }
            };
        };
        if matches!(formula.kind, NodeKind::Name(_)) {
            self.report(ProblemKind::Type, &node.span, "a column is named without `As`");
        }
        let group = Type::record(vec![(functions::group::GROUP.into(), of)]);
        let value = self.within(Scope::fields(group), |binder| binder.expr(formula));
        let of = Type::record(vec![(name.name.clone(), value.of.clone())]);
        Expr::new(Kind::Record(vec![(name.name.clone(), value)]), of, node.span.clone())
    }

    /// The name of a column: a name, or a text as formulas had before 1.0.
    fn column(&mut self, node: &Node) -> Expr {
        let name = match &node.kind {
            NodeKind::Name(ident) => ident.name.clone(),
            NodeKind::Text(text) => text.clone(),
            _ => {
                self.report(ProblemKind::Type, &node.span, "the name of a column is expected");
                "".into()
            }
        };
        Expr::new(Kind::Constant(Value::Text(name)), Type::Text, node.span.clone())
    }

    fn accept(&mut self, function: &Function, param: Param, expr: &Expr) {
        let accepted = param.accepts(&expr.of)
            || match (&expr.of, function.tabular) {
                (Type::Table(columns), true) => match columns.single() {
                    Some((_, of)) => param.accepts(of),
                    None => false,
                },
                _ => false,
            };
        if !accepted {
            let message = format!("`{}` takes {} here, not {}", function.name, param.wanted(), expr.of);
            self.report(ProblemKind::Type, &expr.span, message);
        }
    }

    fn result(&mut self, function: &'static Function, arguments: &mut [Expr], span: &Range<usize>) -> Type {
        let of = match function.returns {
            Returns::Boolean => Type::Boolean,
            Returns::Text => Type::Text,
            Returns::Float => Type::Float,
            Returns::Int => self.number_type(),
            Returns::Date => Type::Date,
            Returns::DateTime => Type::DateTime,
            Returns::Time => Type::Time,
            Returns::Color => Type::Color,
            Returns::Guid => Type::Guid,
            Returns::Untyped => Type::Untyped,
            Returns::Blank => Type::Blank,
            Returns::First => arguments.first().map_or(Type::Any, |first| first.of.clone()),
            Returns::Number => self.joined_number(function, arguments),
            Returns::Check(check) => return check(self, arguments, span),
        };
        let table = function.tabular && arguments.iter().any(|argument| matches!(argument.of, Type::Table(_)));
        match table {
            true => {
                let of = match of {
                    Type::Table(columns) => columns.single().map_or(Type::Any, |(_, of)| of.clone()),
                    of => of,
                };
                Type::table_of(VALUE, of)
            }
            false => of,
        }
    }

    /// The kind of number that comes of numbers of either kind.
    pub fn joined_number(&self, function: &Function, arguments: &[Expr]) -> Type {
        let mut of = None;
        for (position, argument) in arguments.iter().enumerate() {
            if !matches!(function.param(position), Param::Number(_) | Param::Row) {
                continue;
            }
            let one = match &argument.of {
                Type::Table(columns) => columns.single().map_or(&Type::Any, |(_, of)| of),
                of => of,
            };
            of = Some(match (&of, one) {
                (Some(Type::Float), _) | (_, Type::Float) => Type::Float,
                (Some(Type::Any), _) | (_, Type::Any) => Type::Any,
                (_, Type::Decimal) if !self.options.number_is_float || matches!(of, None | Some(Type::Decimal)) => {
                    Type::Decimal
                }
                _ => self.number_type(),
            });
        }
        of.unwrap_or_else(|| self.number_type())
    }
}

fn arity(function: &Function) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    match (function.min, function.max) {
        (min, max) if min == max => format!("{min} argument{}", plural(min)),
        (min, usize::MAX) => format!("{min} or more arguments"),
        (min, max) => format!("{min} to {max} arguments"),
    }
}
