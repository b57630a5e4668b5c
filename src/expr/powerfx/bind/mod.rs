//! Checks a parsed formula: resolves its names, finds its functions and gives every part a type.

mod call;
mod name;
mod operator;

use std::ops::Range;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::enums::Enumeration;
use super::eval::Cx;
use super::formula::{Context, Options, Reference};
use super::ir::{Expr, Kind};
use super::number;
use super::parser::problem;
use super::syntax::{Ident, Many, Node, NodeKind, Unary};
use super::types::{Columns, Type};
use super::value::{VALUE, Value};
use crate::expr::{Problem, ProblemKind};

/// A checked formula, or what is wrong with it.
pub(super) fn bind(node: &Node, options: &Options) -> Result<(Expr, Vec<Reference>), Vec<Problem>> {
    let mut binder = Binder {
        options,
        scopes: Vec::new(),
        problems: Vec::new(),
        references: Vec::new(),
    };
    let expr = binder.expr(node);
    match binder.problems.is_empty() {
        true => Ok((expr, binder.references)),
        false => Err(binder.problems),
    }
}

pub(super) struct Binder<'a> {
    pub options: &'a Options,
    scopes: Vec<Scope>,
    problems: Vec<Problem>,
    references: Vec<Reference>,
}

/// Names that an argument may use besides those from outside.
pub(super) struct Scope {
    /// The type of the record.
    row: Type,
    /// The name given with `As`, without which the fields are names themselves.
    name: Option<Arc<str>>,
    /// Whether `ThisRecord` means it.
    this: bool,
}

impl Scope {
    pub fn rows(row: Type, name: Option<Arc<str>>) -> Scope {
        Scope { row, name, this: true }
    }

    /// Fields without a record of their own, such as `FirstError`.
    pub fn fields(row: Type) -> Scope {
        Scope {
            row,
            name: None,
            this: false,
        }
    }
}

impl Binder<'_> {
    /// The type of numbers without a type of their own.
    pub fn number_type(&self) -> Type {
        match self.options.number_is_float {
            true => Type::Float,
            false => Type::Decimal,
        }
    }

    pub fn report(&mut self, kind: ProblemKind, range: &Range<usize>, message: impl Into<String>) {
        self.problems.push(problem(range.clone(), kind, message));
    }

    pub fn report_with(&mut self, kind: ProblemKind, range: &Range<usize>, message: String, help: Option<String>) {
        self.problems.push(Problem {
            help,
            ..problem(range.clone(), kind, message)
        });
    }

    /// What stands in place of a part with a problem, so that the rest is checked as well.
    pub fn nothing(&self, span: &Range<usize>) -> Expr {
        Expr::new(Kind::Constant(Value::Blank), Type::Any, span.clone())
    }

    pub fn within<T>(&mut self, scope: Scope, run: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(scope);
        let result = run(self);
        self.scopes.pop();
        result
    }

    pub fn expr(&mut self, node: &Node) -> Expr {
        let span = &node.span;
        match &node.kind {
            NodeKind::Number(text) => self.literal(text, span),
            NodeKind::Text(text) => Expr::new(Kind::Constant(Value::Text(text.clone())), Type::Text, span.clone()),
            NodeKind::Boolean(value) => Expr::new(Kind::Constant(Value::Boolean(*value)), Type::Boolean, span.clone()),
            NodeKind::Name(ident) => self.name(ident),
            NodeKind::Global(ident) => self.global(ident),
            NodeKind::Dot(of, field) => self.dot(of, field, span),
            NodeKind::Call(name, arguments) => self.call(name, arguments, span),
            NodeKind::Unary(Unary::Minus, of) if matches!(of.kind, NodeKind::Number(_)) => {
                let literal = self.expr(of);
                let kind = match literal.kind {
                    Kind::Constant(Value::Decimal(value)) => Kind::Constant(Value::Decimal(-value)),
                    Kind::Constant(Value::Float(value)) => Kind::Constant(Value::Float(-value)),
                    kind => kind,
                };
                Expr::new(kind, literal.of, span.clone())
            }
            NodeKind::Unary(operator, of) => self.unary(*operator, of, span),
            NodeKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            NodeKind::Many(many, parts) => self.many(*many, parts, span),
            NodeKind::Record(fields) => self.record(fields, span),
            NodeKind::Table(rows) => self.table(rows, span),
            NodeKind::As(of, _) => {
                self.report(
                    ProblemKind::Syntax,
                    span,
                    "`As` names the rows of a function's first argument only",
                );
                self.expr(of)
            }
            NodeKind::Interpolated(parts) => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.text(part)).collect();
                Expr::new(Kind::Concat(parts), Type::Text, span.clone())
            }
        }
    }

    fn literal(&mut self, text: &Arc<str>, span: &Range<usize>) -> Expr {
        let (value, of) = match self.options.number_is_float {
            true => {
                let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
                (value.map(Value::Float), Type::Float)
            }
            false => (number::parse_decimal(text).map(Value::Decimal), Type::Decimal),
        };
        if value.is_none() {
            self.report(ProblemKind::Syntax, span, "the number is too large");
        }
        let zero = Value::Decimal(Decimal::ZERO);
        Expr::new(Kind::Constant(value.unwrap_or(zero)), of, span.clone())
    }

    /// An operand that is used as a text.
    fn text(&mut self, node: &Node) -> Expr {
        let expr = self.expr(node);
        self.expect(expr, &Type::Text)
    }

    /// The expression as one of a type, or a problem.
    pub fn expect(&mut self, expr: Expr, wanted: &Type) -> Expr {
        if !expr.of.coerces(wanted) {
            let message = format!("{} cannot be used as {wanted}", expr.of);
            self.report(ProblemKind::Type, &expr.span, message);
        }
        expr
    }

    /// The text that an expression always is, if it reads nothing.
    pub fn constant(&self, expr: &Expr) -> Option<Arc<str>> {
        if !is_constant(expr) {
            return None;
        }
        let nothing = |_: &str| None;
        let context = Context {
            globals: &nothing,
            now: jiff::Timestamp::UNIX_EPOCH,
            zone: jiff::tz::TimeZone::UTC,
            locale: "en-US",
            seed: 0,
        };
        let mut cx = Cx::new(self.options, &context);
        let value = cx.eval(expr).ok()?;
        match value {
            Value::Text(_) | Value::Enum(..) => cx.string(&value).ok(),
            _ => None,
        }
    }

    fn many(&mut self, many: Many, parts: &[Node], span: &Range<usize>) -> Expr {
        let (kind, of) = match many {
            Many::Concat => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.text(part)).collect();
                return joined(Kind::Concat, parts, span);
            }
            Many::And | Many::Or => {
                let mut bound = Vec::with_capacity(parts.len());
                for part in parts {
                    let expr = self.expr(part);
                    bound.push(self.expect(expr, &Type::Boolean));
                }
                let kind = match many {
                    Many::And => Kind::And(bound),
                    _ => Kind::Or(bound),
                };
                (kind, Type::Boolean)
            }
            Many::Chain => {
                let parts: Vec<Expr> = parts.iter().map(|part| self.expr(part)).collect();
                let of = parts.last().map_or(Type::Blank, |last| last.of.clone());
                (Kind::Chain(parts), of)
            }
        };
        Expr::new(kind, of, span.clone())
    }

    fn record(&mut self, fields: &[(Ident, Node)], span: &Range<usize>) -> Expr {
        let mut types = Vec::with_capacity(fields.len());
        let mut values = Vec::with_capacity(fields.len());
        for (name, node) in fields {
            let value = self.expr(node);
            types.push((name.name.clone(), value.of.clone()));
            values.push((name.name.clone(), value));
        }
        Expr::new(Kind::Record(values), Type::record(types), span.clone())
    }

    /// `[…]`: records are rows, single values become rows with the column `Value`.
    fn table(&mut self, rows: &[Node], span: &Range<usize>) -> Expr {
        let mut bound: Vec<Expr> = rows.iter().map(|row| self.expr(row)).collect();
        let mut of = Type::Blank;
        for row in &bound {
            match of.join(&row.of) {
                Some(joined) => of = joined,
                _ => {
                    let message = format!("{} cannot be in a table with {of}", row.of);
                    self.problems
                        .push(problem(row.span.clone(), ProblemKind::Type, message));
                }
            }
        }
        let wrap = !matches!(of, Type::Record(_));
        bound = bound.into_iter().map(|row| row.coerced(&of)).collect();
        let columns = match of {
            Type::Record(columns) => Type::Table(columns),
            Type::Any if bound.iter().any(|row| row.of.is_aggregate() || row.of == Type::Any) => {
                // Whether these are records is seen when they are there.
                return self.late_table(bound, span);
            }
            Type::Blank if bound.is_empty() => Type::Table(Columns::default()),
            of => Type::table_of(VALUE, of),
        };
        Expr::new(Kind::Table(bound, wrap), columns, span.clone())
    }

    fn late_table(&mut self, rows: Vec<Expr>, span: &Range<usize>) -> Expr {
        Expr::new(Kind::LateTable(rows), Type::Any, span.clone())
    }
}

/// Texts one after the other; members of an enumeration that can be put together stay of its type.
pub(super) fn joined(kind: fn(Vec<Expr>) -> Kind, parts: Vec<Expr>, span: &Range<usize>) -> Expr {
    let joins = |of: &Type| match of {
        Type::Enum(of) if of.joins => Some(*of),
        _ => None,
    };
    let of = parts.iter().find_map(|part| joins(&part.of));
    let all = |of: &'static Enumeration| {
        parts
            .iter()
            .all(|part| part.of == Type::Enum(of) || (of.from_backing && part.of == Type::Text))
    };
    let of = of.filter(|of| all(of));
    let text = Expr::new(kind(parts), Type::Text, span.clone());
    match of {
        Some(of) => text.coerced(&Type::Enum(of)),
        None => text,
    }
}

/// Whether an expression reads nothing and is made of texts alone.
fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Constant(_) => true,
        Kind::Concat(parts) => parts.iter().all(is_constant),
        Kind::Coerce(of) => is_constant(of),
        Kind::Call(function, arguments) => {
            matches!(function.name, "Char" | "UniChar" | "Concatenate" | "Hex2Dec") && arguments.iter().all(is_constant)
        }
        _ => false,
    }
}
