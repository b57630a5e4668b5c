//! The types of expressions, templates and authored values.

use super::flow::Flow;
use crate::contract::{Kinds, Lookup, Type};
use crate::expr::{Build, Operator, Reference, Segment, Shape};
use crate::language::native::outline::{Field, StepIndex};

impl Flow<'_> {
    /// The type of an authored value in a step's field.
    pub(super) fn build(&self, step: StepIndex, field: Field, build: &Build) -> Type {
        self.value(Some(step), field, build)
    }

    /// The same anywhere.
    pub(super) fn value(&self, step: Option<StepIndex>, field: Field, build: &Build) -> Type {
        match build {
            Build::Literal(data) => Type::of(data),
            Build::Expression(expression) => self.shape(step, field, expression.shape(), expression.references()),
            Build::Text(_) => Type::text(),
            Build::Computed(_) => Type::any(),
            Build::List(items) => Type::list(Type::union(items.iter().map(|item| self.value(step, field, item)))),
            Build::Map(entries) => {
                let properties = entries
                    .iter()
                    .map(|(key, value)| (key.clone(), self.value(step, field, value), true));
                Type::object(properties.collect(), false)
            }
        }
    }

    /// The type of an expression of this form.
    pub(super) fn shape(&self, step: Option<StepIndex>, field: Field, shape: &Shape, references: &[Reference]) -> Type {
        let of = |shape: &Shape| self.shape(step, field, shape, references);
        match shape {
            Shape::Literal(data) => Type::of(data),
            Shape::Path(at) => match references.get(*at) {
                Some(reference) => self.path(step, field, reference),
                None => Type::any(),
            },
            Shape::Not(_) | Shape::Compare { .. } | Shape::Test { .. } => Type::boolean(),
            // Both give one of their operands.
            Shape::Logic { left, right, .. } => Type::union([of(left), of(right)]),
            Shape::Arithmetic {
                operator, left, right, ..
            } => arithmetic(*operator, &of(left), &of(right)),
            Shape::Filter { name, input, args, .. } => filter(name, of(input), args.first().map(of)),
            Shape::List(items) => Type::list(Type::union(items.iter().map(of))),
            Shape::Map(entries) => {
                let properties = entries.iter().map(|(key, value)| (key.clone(), of(value), true));
                Type::object(properties.collect(), false)
            }
            Shape::Conditional { then, otherwise, .. } => {
                Type::union(std::iter::once(of(then)).chain(otherwise.as_deref().map(of)))
            }
            Shape::Other => Type::any(),
        }
    }

    /// The type at the end of a path; any where the path leaves what is known.
    fn path(&self, step: Option<StepIndex>, field: Field, reference: &Reference) -> Type {
        let root = self.root(step, field, &reference.root);
        reference.path.iter().fold(root, |ty, segment| follow(&ty, segment))
    }
}

/// The type behind one link of a path.
pub(super) fn follow(ty: &Type, segment: &Segment) -> Type {
    match segment {
        Segment::Key(name) => match ty.property(name) {
            Lookup::Known(property) => property,
            Lookup::Unknown { .. } | Lookup::Open => Type::any(),
        },
        Segment::Index(_) if Kinds::LIST.contains(ty.kinds()) && !ty.kinds().is_none() => ty.item(),
        Segment::Index(_) | Segment::Dynamic => Type::any(),
    }
}

fn arithmetic(operator: Operator, left: &Type, right: &Type) -> Type {
    let both = |kinds: Kinds| is_certainly(left, kinds) && is_certainly(right, kinds);
    match operator {
        Operator::Concatenate => Type::text(),
        Operator::Add if both(Kinds::NUMBER) => Type::number(),
        Operator::Add if both(Kinds::TEXT) => Type::text(),
        Operator::Add if both(Kinds::LIST) => Type::list(Type::union([left.item(), right.item()])),
        Operator::Multiply if both(Kinds::NUMBER) => Type::number(),
        Operator::Add | Operator::Multiply => Type::any(),
        _ => Type::number(),
    }
}

/// What a filter gives, where its name and input tell.
fn filter(name: &str, input: Type, argument: Option<Type>) -> Type {
    match name {
        "length" | "count" | "int" | "float" | "round" | "abs" | "sum" => Type::number(),
        "join" | "string" | "upper" | "lower" | "title" | "capitalize" | "trim" | "replace" | "indent" | "tojson"
        | "urlencode" | "date" | "shift" | "format" | "escape" | "e" => Type::text(),
        "bool" => Type::boolean(),
        "default" | "d" => Type::union([input, argument.unwrap_or_else(Type::text)]),
        "first" | "last" if is_certainly(&input, Kinds::LIST) => input.item(),
        "select" | "reject" | "selectattr" | "rejectattr" | "sort" | "unique" | "list"
            if is_certainly(&input, Kinds::LIST) =>
        {
            Type::list(input.item())
        }
        "map" | "select" | "reject" | "selectattr" | "rejectattr" | "sort" | "unique" | "list" | "batch" | "slice"
        | "items" | "dictsort" | "split" | "lines" | "groupby" | "zip" => Type::of_kinds(Kinds::LIST),
        "merge" => Type::of_kinds(Kinds::MAP),
        _ => Type::any(),
    }
}

/// Whether a value is of one of these kinds, whatever happens.
pub(super) fn is_certainly(ty: &Type, kinds: Kinds) -> bool {
    let possible = ty.kinds();
    !possible.is_none() && kinds.contains(possible)
}
