//! The shortcut: an expression of plain operations on plain values is computed here, without the virtual machine.
//!
//! It knows no errors. In any unusual case (overflow, mixed types, null, undefined) it gives up, and the machine
//! decides and words the error: there is one semantics, and a property test holds the two together.

use std::cmp::Ordering;
use std::sync::Arc;

use super::node::{Arg, Base, Kind, Link, Node, Path};
use super::shape::Operator;
use super::{limits, value};
use crate::data::{Data, List};
use crate::expr::{Names, Root};

pub(super) enum Fast {
    Literal(Data),
    Path(FastPath),
    Default { path: FastPath, fallback: Box<Fast> },
    Defined { path: FastPath, expected: bool },
    Not(Box<Fast>),
    Negate(Box<Fast>),
    And(Box<Fast>, Box<Fast>),
    Or(Box<Fast>, Box<Fast>),
    Compare(Operator, Box<Fast>, Box<Fast>),
    Compute(Operator, Box<Fast>, Box<Fast>),
    If(Box<(Fast, Fast, Fast)>),
    List(Vec<Fast>),
    Map(Vec<(Arc<str>, Fast)>),
}

pub(super) struct FastPath {
    root: usize,
    links: Box<[FastLink]>,
}

enum FastLink {
    Key(Arc<str>),
    Index(i64),
    Computed(Fast),
}

/// What an optional path leads to.
enum Found {
    Value(Data),
    Nothing,
}

impl Fast {
    /// The shortcut for a tree, if all of it is plain.
    pub fn compile(node: &Node) -> Option<Fast> {
        let boxed = |node: &Node| Fast::compile(node).map(Box::new);
        Some(match &node.kind {
            Kind::Literal(data) => Fast::Literal(data.clone()),
            Kind::Path(path) if !path.optional => Fast::Path(FastPath::compile(path)?),
            Kind::Not(inner) => Fast::Not(boxed(inner)?),
            Kind::Negate(inner) => Fast::Negate(boxed(inner)?),
            Kind::Binary { operator, left, right } => {
                let (left, right) = (boxed(left)?, boxed(right)?);
                match operator {
                    Operator::And => Fast::And(left, right),
                    Operator::Or => Fast::Or(left, right),
                    Operator::Equal | Operator::NotEqual => Fast::Compare(*operator, left, right),
                    operator if operator.orders() => Fast::Compare(*operator, left, right),
                    Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Concatenate => {
                        Fast::Compute(*operator, left, right)
                    }
                    _ => return None,
                }
            }
            Kind::If {
                condition,
                then,
                otherwise: Some(otherwise),
            } => Fast::If(Box::new((
                Fast::compile(condition)?,
                Fast::compile(then)?,
                Fast::compile(otherwise)?,
            ))),
            Kind::Filter {
                name,
                input: Some(input),
                args,
            } if matches!(&**name, "default" | "d") => match (&input.kind, &args[..]) {
                (Kind::Path(path), [Arg::Positional(fallback)]) => Fast::Default {
                    path: FastPath::compile(path)?,
                    fallback: boxed(fallback)?,
                },
                _ => return None,
            },
            Kind::Test { name, input, args } if args.is_empty() && matches!(&**name, "defined" | "undefined") => {
                match &input.kind {
                    Kind::Path(path) => Fast::Defined {
                        path: FastPath::compile(path)?,
                        expected: &**name == "defined",
                    },
                    _ => return None,
                }
            }
            Kind::List(items) => Fast::List(items.iter().map(Fast::compile).collect::<Option<_>>()?),
            Kind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| match &key.kind {
                    Kind::Literal(Data::Text(key)) => Some((key.clone(), Fast::compile(value)?)),
                    _ => None,
                });
                Fast::Map(entries.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// The value of a condition, or `None` if it is no boolean or must be left to the virtual machine.
    fn eval_bool(&self, roots: &[Root], names: &dyn Names) -> Option<bool> {
        match self {
            Fast::Not(inner) => inner.eval_bool(roots, names).map(|value| !value),
            Fast::And(left, right) => match left.eval_bool(roots, names)? {
                true => right.eval_bool(roots, names),
                false => Some(false),
            },
            Fast::Or(left, right) => match left.eval_bool(roots, names)? {
                true => Some(true),
                false => right.eval_bool(roots, names),
            },
            Fast::Compare(operator, left, right) => {
                compare(*operator, &left.eval(roots, names)?, &right.eval(roots, names)?)
            }
            other => other.eval(roots, names)?.as_bool(),
        }
    }

    /// The value, or `None` to leave it to the virtual machine.
    pub fn eval(&self, roots: &[Root], names: &dyn Names) -> Option<Data> {
        match self {
            Fast::Literal(data) => Some(data.clone()),
            Fast::Path(path) => match path.follow(roots, names)? {
                Found::Value(data) => Some(data),
                Found::Nothing => None,
            },
            Fast::Default { path, fallback } => {
                // Arguments are computed whether they are needed or not, as the machine does.
                let fallback = fallback.eval(roots, names)?;
                Some(match path.follow(roots, names)? {
                    Found::Value(data) => data,
                    Found::Nothing => fallback,
                })
            }
            Fast::Defined { path, expected } => {
                let defined = matches!(path.follow(roots, names)?, Found::Value(_));
                Some(Data::Bool(defined == *expected))
            }
            Fast::Not(_) | Fast::Compare(..) => self.eval_bool(roots, names).map(Data::Bool),
            Fast::Negate(inner) => match inner.eval(roots, names)? {
                Data::Int(value) => value.checked_neg().map(Data::Int),
                Data::Float(value) => Some(Data::Float(-value)),
                _ => None,
            },
            Fast::And(left, right) => match left.eval_bool(roots, names)? {
                true => right.eval(roots, names),
                false => Some(Data::Bool(false)),
            },
            Fast::Or(left, right) => match left.eval_bool(roots, names)? {
                true => Some(Data::Bool(true)),
                false => right.eval(roots, names),
            },
            Fast::Compute(operator, left, right) => {
                compute(*operator, &left.eval(roots, names)?, &right.eval(roots, names)?)
            }
            Fast::If(parts) => {
                let (condition, then, otherwise) = &**parts;
                if condition.eval_bool(roots, names)? {
                    then
                } else {
                    otherwise
                }
                .eval(roots, names)
            }
            Fast::List(items) => {
                let items: Option<List> = items.iter().map(|item| item.eval(roots, names)).collect();
                items.map(Data::from)
            }
            Fast::Map(entries) => entries
                .iter()
                .map(|(key, value)| Some((key.clone(), value.eval(roots, names)?)))
                .collect(),
        }
    }
}

impl FastPath {
    fn compile(path: &Path) -> Option<FastPath> {
        let Base::Root(root) = path.base else { return None };
        let links = path.links.iter().map(|link| {
            Some(match link {
                Link::Key(key) => FastLink::Key(key.clone()),
                Link::Index(index) => FastLink::Index(*index),
                Link::Dynamic(node) => FastLink::Computed(Fast::compile(node)?),
            })
        });
        Some(FastPath {
            root,
            links: links.collect::<Option<_>>()?,
        })
    }

    fn follow(&self, roots: &[Root], names: &dyn Names) -> Option<Found> {
        let root = names.get(roots.get(self.root)?);
        let mut at = root.as_ref();
        for link in &self.links {
            at = match (link, at) {
                (FastLink::Key(key), Some(parent)) => child(parent, key)?,
                (FastLink::Index(index), Some(parent)) => element(parent, *index)?,
                // What is computed is computed even where the path has already ended, as the machine does.
                (FastLink::Computed(fast), parent) => match (fast.eval(roots, names)?, parent) {
                    (Data::Text(key), Some(parent)) => child(parent, &key)?,
                    (Data::Int(index), Some(parent)) => element(parent, index)?,
                    (Data::Text(_) | Data::Int(_), None) => None,
                    _ => return None,
                },
                (_, None) => None,
            };
        }
        Some(at.map_or(Found::Nothing, |data| Found::Value(data.clone())))
    }
}

fn child<'d>(parent: &'d Data, key: &str) -> Option<Option<&'d Data>> {
    match parent {
        Data::Map(map) => Some(map.get(key)),
        _ => None,
    }
}

fn element(parent: &Data, index: i64) -> Option<Option<&Data>> {
    let Data::List(list) = parent else { return None };
    let position = match usize::try_from(index) {
        Ok(position) => Some(position),
        Err(_) => usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| list.len().checked_sub(back)),
    };
    Some(position.and_then(|position| list.get(position)))
}

fn compare(operator: Operator, left: &Data, right: &Data) -> Option<bool> {
    let ordering = match (left, right) {
        (Data::Int(left), Data::Int(right)) => left.cmp(right),
        (Data::Bool(left), Data::Bool(right)) if !operator.orders() => left.cmp(right),
        // The machine rounds large whole numbers beside floats; smaller ones compare alike.
        (Data::Int(whole), Data::Float(_)) | (Data::Float(_), Data::Int(whole)) if whole.unsigned_abs() > 1 << 53 => {
            return None;
        }
        _ => left.compare(right)?,
    };
    Some(match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        _ => return None,
    })
}

fn compute(operator: Operator, left: &Data, right: &Data) -> Option<Data> {
    if let (Data::Int(left), Data::Int(right), false) = (left, right, operator == Operator::Concatenate) {
        return match operator {
            Operator::Add => left.checked_add(*right),
            Operator::Subtract => left.checked_sub(*right),
            Operator::Multiply => left.checked_mul(*right),
            _ => None,
        }
        .map(Data::Int);
    }
    if operator == Operator::Concatenate
        || matches!((operator, left, right), (Operator::Add, Data::Text(_), Data::Text(_)))
    {
        if left.size().saturating_add(right.size()) > limits::SIZE {
            return None;
        }
        let mut text = String::new();
        value::write_data(&mut text, left);
        value::write_data(&mut text, right);
        return Some(Data::from(text));
    }
    let (left, right) = (float(left)?, float(right)?);
    let result = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        _ => return None,
    };
    result.is_finite().then_some(Data::Float(result))
}

fn float(data: &Data) -> Option<f64> {
    match data {
        Data::Int(value) => Some(*value as f64),
        Data::Float(value) => Some(*value),
        _ => None,
    }
}
