//! The types of operators.

use std::ops::Range;

use super::Binder;
use crate::expr::ProblemKind;
use crate::expr::powerfx::enums::Backing;
use crate::expr::powerfx::ir::{Expr, Kind};
use crate::expr::powerfx::syntax::{Binary, Node, Unary};
use crate::expr::powerfx::types::Type;

impl Binder<'_> {
    pub(super) fn unary(&mut self, operator: Unary, of: &Node, span: &Range<usize>) -> Expr {
        let of = self.expr(of);
        let (of, result) = match operator {
            Unary::Not => (self.expect(of, &Type::Boolean), Type::Boolean),
            Unary::Minus if of.of.is_temporal() => {
                let result = of.of.clone();
                (of, result)
            }
            Unary::Minus | Unary::Percent => {
                let of = self.expect(of, &Type::Decimal);
                let result = match (&of.of, operator) {
                    (Type::Float | Type::Decimal | Type::Any, _) => of.of.clone(),
                    _ => self.number_type(),
                };
                (of, result)
            }
        };
        Expr::new(Kind::Unary(operator, Box::new(of)), result, span.clone())
    }

    pub(super) fn binary(&mut self, operator: Binary, left: &Node, right: &Node, span: &Range<usize>) -> Expr {
        let (mut left, right) = (self.expr(left), self.expr(right));
        let of = match operator {
            Binary::Add | Binary::Subtract => self.sum(operator, &left, &right, span),
            Binary::Multiply | Binary::Divide => self.product(&left, &right),
            Binary::Power => {
                for side in [&left, &right] {
                    match side.of.is_temporal() {
                        true => self.wrong(side, "a number"),
                        false => self.number(side),
                    }
                }
                Type::Float
            }
            Binary::Equal | Binary::NotEqual => {
                self.equal(&left, &right, span);
                Type::Boolean
            }
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                self.order(operator, &left, &right, span);
                Type::Boolean
            }
            Binary::In | Binary::ExactIn => {
                self.contains(&left, &right);
                // A value is looked for as what the column has.
                if let Some((_, of)) = right.of.columns().and_then(|columns| columns.single())
                    && !left.of.is_aggregate()
                {
                    left = left.coerced(of);
                }
                Type::Boolean
            }
        };
        Expr::new(
            Kind::Binary(operator, Box::new(left), Box::new(right)),
            of,
            span.clone(),
        )
    }

    fn wrong(&mut self, expr: &Expr, wanted: &str) {
        let message = format!("{} cannot be used as {wanted}", expr.of);
        self.report(ProblemKind::Type, &expr.span, message);
    }

    /// An operand of arithmetic.
    fn number(&mut self, expr: &Expr) {
        let fits = match &expr.of {
            Type::Guid | Type::Color | Type::Record(_) | Type::Table(_) => false,
            of => of.coerces(&Type::Decimal),
        };
        if !fits {
            self.wrong(expr, "a number");
        }
    }

    /// The kind of number that arithmetic gives.
    fn product(&mut self, left: &Expr, right: &Expr) -> Type {
        self.number(left);
        self.number(right);
        match (&left.of, &right.of) {
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Decimal, Type::Decimal) => Type::Decimal,
            (Type::Float, _) | (_, Type::Float) => Type::Float,
            _ => self.number_type(),
        }
    }

    fn sum(&mut self, operator: Binary, left: &Expr, right: &Expr, span: &Range<usize>) -> Type {
        let minus = operator == Binary::Subtract;
        let number = self.number_type();
        match (&left.of, &right.of) {
            (Type::Time, Type::Time) => match minus {
                true => number,
                false => Type::Time,
            },
            (Type::Date | Type::DateTime, Type::Date | Type::DateTime) if minus => number,
            (Type::Date | Type::DateTime, Type::Time) => Type::DateTime,
            (Type::Time, Type::Date | Type::DateTime) if !minus => Type::DateTime,
            (left_of, right_of) if left_of.is_temporal() && right_of.is_temporal() => {
                let message = format!("`{}` does not work on {left_of} and {right_of}", operator.symbol());
                self.report(ProblemKind::Type, span, message);
                Type::Any
            }
            (temporal, _) if temporal.is_temporal() => {
                self.number(right);
                temporal.clone()
            }
            (_, temporal) if temporal.is_temporal() => {
                self.number(left);
                temporal.clone()
            }
            _ => self.product(left, right),
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr, span: &Range<usize>) {
        use Type::*;
        let fits = match (&left.of, &right.of) {
            (Record(_) | Table(_), _) | (_, Record(_) | Table(_)) => false,
            (Untyped, Untyped) => false,
            (Any | Blank, _) | (_, Any | Blank) => true,
            (Untyped, other) | (other, Untyped) => !matches!(other, Enum(_) | Color),
            (Float | Decimal, Float | Decimal) => true,
            (Enum(one), Enum(other)) => one == other,
            (Enum(of), Text) | (Text, Enum(of)) => of.from_backing && of.backing == Backing::Text,
            (Enum(of), Float | Decimal) | (Float | Decimal, Enum(of)) => of.ordered,
            (Enum(of), Color) | (Color, Enum(of)) => of.backing == Backing::Color,
            (left, right) if left.is_temporal() && right.is_temporal() => true,
            (left, right) if left.is_temporal() && right.is_number() => true,
            (left, right) if left.is_number() && right.is_temporal() => true,
            (left, right) => left == right,
        };
        if !fits {
            let message = format!("{} cannot be compared with {}", left.of, right.of);
            self.report(ProblemKind::Type, span, message);
        }
    }

    fn order(&mut self, operator: Binary, left: &Expr, right: &Expr, span: &Range<usize>) {
        use Type::*;
        if let (Enum(one), Enum(other)) = (&left.of, &right.of)
            && one == other
            && one.ordered
        {
            return;
        }
        if let (of @ Enum(_), _) | (_, of @ Enum(_)) = (&left.of, &right.of)
            && !(matches!(of, Enum(of) if of.ordered) && [left, right].iter().all(|side| ordered(&side.of)))
        {
            let message = format!("{} has no order with {}", left.of, right.of);
            self.report(ProblemKind::Type, span, message);
            return;
        }
        for side in [left, right] {
            if !ordered(&side.of) {
                self.wrong(side, "a number to compare");
            }
        }
        if (&left.of, &right.of) == (&Untyped, &Untyped) {
            let message = format!("`{}` does not work on two untyped values", operator.symbol());
            self.report(ProblemKind::Type, span, message);
        }
    }

    fn contains(&mut self, left: &Expr, right: &Expr) {
        match (&left.of, &right.of) {
            (Type::Any | Type::Blank, Type::Any | Type::Blank) => {}
            (Type::Record(_), Type::Table(_) | Type::Any | Type::Blank) => {}
            (Type::Table(_), Type::Table(columns)) if columns.single().is_none() => {
                self.report(ProblemKind::Type, &right.span, "the table needs to have one column");
            }
            (Type::Table(_), _) => self.wrong(left, "a value to look for"),
            (_, Type::Table(columns)) => match columns.single() {
                Some((_, of)) if left.of.coerces(of) || of.coerces(&left.of) => {}
                Some((_, of)) => {
                    let message = format!("{} is not found in a table of {of}", left.of);
                    self.report(ProblemKind::Type, &left.span, message);
                }
                None if columns.0.is_empty() => {}
                None => self.report(ProblemKind::Type, &right.span, "the table needs to have one column"),
            },
            (_, Type::Record(_)) | (Type::Record(_), _) => self.wrong(right, "a table to look in"),
            (left_of, Type::Text) if left_of.coerces(&Type::Text) => {}
            (Type::Text | Type::Any | Type::Blank, of) if of.coerces(&Type::Text) => {}
            (_, Type::Any | Type::Blank) => {}
            _ => self.wrong(right, "a text to look in"),
        }
    }
}

/// Whether values of a type have an order among numbers, or may have.
fn ordered(of: &Type) -> bool {
    match of {
        Type::Any | Type::Blank | Type::Float | Type::Decimal | Type::Untyped => true,
        Type::Enum(of) => of.ordered,
        of => of.is_temporal(),
    }
}
