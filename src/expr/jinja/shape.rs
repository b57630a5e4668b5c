use std::ops::Range;
use std::sync::Arc;

use super::node::{Arg, Base, Kind, Node};
use crate::data::Data;

/// The form of an expression, for static checks of types.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A value that stands in the source.
    Literal(Data),
    /// A path: its position in the expression's references.
    Path(usize),
    /// `not x`
    Not(Box<Shape>),
    /// A comparison: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`.
    Compare {
        /// Which one.
        operator: Operator,
        /// Left operand.
        left: Box<Shape>,
        /// Right operand.
        right: Box<Shape>,
        /// The bytes of the comparison.
        range: Range<usize>,
    },
    /// `+ - * / // % ** ~` and the negative sign, which is `0 - x`.
    Arithmetic {
        /// Which one.
        operator: Operator,
        /// Left operand.
        left: Box<Shape>,
        /// Right operand.
        right: Box<Shape>,
        /// The bytes of the operation.
        range: Range<usize>,
    },
    /// `and`, `or`
    Logic {
        /// Which one.
        operator: Operator,
        /// Left operand.
        left: Box<Shape>,
        /// Right operand.
        right: Box<Shape>,
    },
    /// `x | name(args)`
    Filter {
        /// The filter.
        name: Arc<str>,
        /// What it is applied to.
        input: Box<Shape>,
        /// Positional arguments.
        args: Vec<Shape>,
        /// The bytes from the input to the end of the arguments.
        range: Range<usize>,
    },
    /// `x is name(args)`
    Test {
        /// The test.
        name: Arc<str>,
        /// What is tested.
        input: Box<Shape>,
        /// Positional arguments.
        args: Vec<Shape>,
    },
    /// `[a, b]`
    List(Vec<Shape>),
    /// `{'a': x}` with literal keys.
    Map(Vec<(Arc<str>, Shape)>),
    /// `then if condition else otherwise`
    Conditional {
        /// What decides.
        condition: Box<Shape>,
        /// The value if so.
        then: Box<Shape>,
        /// The value if not; an error if absent.
        otherwise: Option<Box<Shape>>,
    },
    /// Anything else.
    Other,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its sign")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

impl Operator {
    /// The sign as written.
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "in",
            Operator::NotIn => "not in",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Concatenate => "~",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::FloorDivide => "//",
            Operator::Remainder => "%",
            Operator::Power => "**",
        }
    }

    /// Whether it orders its operands, which must then be two numbers or two texts.
    pub fn orders(self) -> bool {
        matches!(
            self,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
        )
    }

    /// How tightly it binds, from 1.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Add | Operator::Subtract => 5,
            Operator::Concatenate => 6,
            Operator::Multiply | Operator::Divide | Operator::FloorDivide | Operator::Remainder => 7,
            Operator::Power => 8,
            _ => 4,
        }
    }
}

impl Shape {
    /// The shape of a tree; `references` maps the number of a path to its reference.
    pub(super) fn of(node: &Node, references: &[Option<usize>]) -> Shape {
        let boxed = |node: &Node| Box::new(Shape::of(node, references));
        match &node.kind {
            Kind::Literal(data) => Shape::Literal(data.clone()),
            Kind::Path(path) => match (&path.base, references.get(path.number)) {
                (Base::Root(_), Some(Some(reference))) => Shape::Path(*reference),
                _ => Shape::Other,
            },
            Kind::Not(inner) => Shape::Not(boxed(inner)),
            Kind::Negate(inner) => Shape::Arithmetic {
                operator: Operator::Subtract,
                left: Box::new(Shape::Literal(Data::Int(0))),
                right: boxed(inner),
                range: node.range.clone(),
            },
            Kind::Binary { operator, left, right } => {
                let (operator, left, right, range) = (*operator, boxed(left), boxed(right), node.range.clone());
                match operator.precedence() {
                    1 | 2 => Shape::Logic { operator, left, right },
                    4 => Shape::Compare {
                        operator,
                        left,
                        right,
                        range,
                    },
                    _ => Shape::Arithmetic {
                        operator,
                        left,
                        right,
                        range,
                    },
                }
            }
            Kind::If {
                condition,
                then,
                otherwise,
            } => Shape::Conditional {
                condition: boxed(condition),
                then: boxed(then),
                otherwise: otherwise.as_deref().map(boxed),
            },
            Kind::Filter {
                name,
                input: Some(input),
                args,
            } => Shape::Filter {
                name: name.clone(),
                input: boxed(input),
                args: positional(args, references),
                range: node.range.clone(),
            },
            Kind::Test { name, input, args } => Shape::Test {
                name: name.clone(),
                input: boxed(input),
                args: positional(args, references),
            },
            Kind::List(items) => Shape::List(items.iter().map(|item| Shape::of(item, references)).collect()),
            Kind::Map(entries) => {
                let entries: Option<Vec<_>> = entries
                    .iter()
                    .map(|(key, value)| match &key.kind {
                        Kind::Literal(Data::Text(key)) => Some((key.clone(), Shape::of(value, references))),
                        _ => None,
                    })
                    .collect();
                entries.map_or(Shape::Other, Shape::Map)
            }
            _ => Shape::Other,
        }
    }
}

fn positional(args: &[Arg], references: &[Option<usize>]) -> Vec<Shape> {
    args.iter()
        .filter_map(|arg| match arg {
            Arg::Positional(node) => Some(Shape::of(node, references)),
            _ => None,
        })
        .collect()
}
