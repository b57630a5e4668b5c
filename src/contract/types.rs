mod tell;
mod view;

use std::sync::Arc;

use self::view::{Answer, View, any_of};
use super::kinds::Kinds;
use crate::data::Data;

/// What is known before a run about a value; cloning is a reference count.
///
/// A type is generous: where a schema says something that is not understood here, everything is possible. It never
/// rules out what a schema allows, with one exception that is on purpose: an object schema that declares `properties`
/// and does not mention `additionalProperties` is taken to mean those properties, because reading any other is almost
/// always a typing mistake. [`Lookup::Unknown`] tells the two cases apart.
#[derive(Clone, Debug)]
pub struct Type(Repr);

#[derive(Clone, Debug)]
enum Repr {
    /// One of these kinds, of which nothing more is known.
    Kinds(Kinds),
    Object(Arc<Object>),
    List(Arc<List>),
    /// What a schema allows, read when it is asked.
    Schema(View),
    Union(Arc<[Type]>),
}

#[derive(Debug)]
struct Object {
    properties: Vec<(Arc<str>, Type, bool)>,
    open: bool,
    /// What it has besides, in [`Type::with_property`].
    base: Option<Type>,
    depth: usize,
}

#[derive(Debug)]
struct List {
    item: Type,
    depth: usize,
}

/// The answer to "has this value a property of that name?"
#[derive(Clone, Debug)]
pub enum Lookup {
    /// It is declared, with this type. It may still be absent from a given value.
    Known(Type),
    /// It is not declared.
    Unknown {
        /// The declared names.
        known: Vec<String>,
        /// Whether a value with it would be refused; otherwise it is only not mentioned.
        closed: bool,
    },
    /// Any property may be there.
    Open,
}

/// How deeply objects and lists that are put together here may nest; what is below can be anything.
const DEEPEST: usize = 64;

/// Objects that properties are added to one by one are not followed beyond this many.
const MOST_PROPERTIES: usize = 1000;

/// Unions of more types than this are not worth telling apart.
const MOST_ALTERNATIVES: usize = 16;

impl Type {
    /// Any value.
    pub fn any() -> Type {
        Type::of_kinds(Kinds::ANY)
    }

    /// A text.
    pub fn text() -> Type {
        Type::of_kinds(Kinds::TEXT)
    }

    /// A number.
    pub fn number() -> Type {
        Type::of_kinds(Kinds::NUMBER)
    }

    /// `true` or `false`.
    pub fn boolean() -> Type {
        Type::of_kinds(Kinds::BOOL)
    }

    /// Null.
    pub fn null() -> Type {
        Type::of_kinds(Kinds::NULL)
    }

    /// A value of one of some kinds.
    pub fn of_kinds(kinds: Kinds) -> Type {
        Type(Repr::Kinds(kinds))
    }

    /// A list of items of one type.
    pub fn list(item: Type) -> Type {
        let depth = item.depth() + 1;
        if depth > DEEPEST {
            return Type::of_kinds(Kinds::LIST);
        }
        Type(Repr::List(Arc::new(List { item, depth })))
    }

    /// An object with these properties (name, type, whether it is always there); an open one may have others.
    pub fn object(properties: Vec<(Arc<str>, Type, bool)>, open: bool) -> Type {
        Type::object_on(None, properties, open)
    }

    /// This type with one property added or replaced, as `assign` does. What is no object becomes one of which nothing
    /// else is known.
    pub fn with_property(&self, name: Arc<str>, ty: Type) -> Type {
        match &self.0 {
            Repr::Object(object) => {
                let mut properties = object.properties.clone();
                match properties.iter_mut().find(|(known, ..)| *known == name) {
                    Some(property) => *property = (name, ty, true),
                    None => properties.push((name, ty, true)),
                }
                if properties.len() > MOST_PROPERTIES {
                    return Type::of_kinds(Kinds::MAP);
                }
                Type::object_on(object.base.clone(), properties, object.open)
            }
            Repr::Union(types) => {
                let objects = types.iter().filter(|ty| ty.kinds().intersects(Kinds::MAP));
                Type::union(objects.map(|alternative| alternative.with_property(name.clone(), ty.clone())))
            }
            Repr::Schema(_) if self.kinds().intersects(Kinds::MAP) => {
                Type::object_on(Some(self.clone()), vec![(name, ty, true)], false)
            }
            Repr::Schema(_) | Repr::Kinds(_) | Repr::List(_) => Type::object(vec![(name, ty, true)], true),
        }
    }

    fn object_on(base: Option<Type>, properties: Vec<(Arc<str>, Type, bool)>, open: bool) -> Type {
        let depth = properties.iter().map(|(_, ty, _)| ty.depth()).max().unwrap_or_default() + 1;
        if depth > DEEPEST {
            return Type::of_kinds(Kinds::MAP);
        }
        Type(Repr::Object(Arc::new(Object {
            properties,
            open,
            base,
            depth,
        })))
    }

    /// Whether both are one value in memory.
    fn is_same(&self, other: &Type) -> bool {
        match (&self.0, &other.0) {
            (Repr::Object(a), Repr::Object(b)) => Arc::ptr_eq(a, b),
            (Repr::List(a), Repr::List(b)) => Arc::ptr_eq(a, b),
            (Repr::Schema(a), Repr::Schema(b)) => Arc::ptr_eq(&a.all, &b.all),
            _ => false,
        }
    }

    /// How deeply the parts put together here nest. The bound keeps walks over a type, and dropping it, shallow.
    fn depth(&self) -> usize {
        match &self.0 {
            Repr::Object(object) => object.depth,
            Repr::List(list) => list.depth,
            Repr::Union(types) => types.iter().map(Type::depth).max().unwrap_or_default(),
            Repr::Kinds(_) | Repr::Schema(_) => 0,
        }
    }

    /// The type of one value and no other.
    pub fn of(data: &Data) -> Type {
        match data {
            Data::List(items) => Type::list(Type::union(items.iter().map(Type::of))),
            Data::Map(map) => {
                let properties = map.iter().map(|(name, value)| (name.clone(), Type::of(value), true));
                Type::object(properties.collect(), false)
            }
            scalar => Type::of_kinds(Kinds::of(scalar)),
        }
    }

    /// What a schema allows.
    pub(super) fn of_schema(schema: &Data) -> Type {
        Type(Repr::Schema(View {
            root: schema.clone(),
            all: Arc::new([schema.clone()]),
        }))
    }

    /// One of several types; of none, no value fits.
    pub fn union(types: impl IntoIterator<Item = Type>) -> Type {
        let mut kinds = Kinds::NONE;
        let mut alternatives: Vec<Type> = Vec::new();
        let mut add = |ty: Type, alternatives: &mut Vec<Type>| match ty.0 {
            Repr::Kinds(more) => kinds = kinds.or(more),
            // Ways through a workflow often come together again with what they started from.
            _ if alternatives.iter().any(|known| known.is_same(&ty)) => {}
            _ => alternatives.push(ty),
        };
        for ty in types {
            match &ty.0 {
                Repr::Union(more) => more.iter().for_each(|ty| add(ty.clone(), &mut alternatives)),
                _ => add(ty, &mut alternatives),
            }
            if alternatives.len() > MOST_ALTERNATIVES {
                return Type::any();
            }
        }
        if kinds == Kinds::ANY {
            return Type::any();
        }
        if !kinds.is_none() || alternatives.is_empty() {
            alternatives.push(Type::of_kinds(kinds));
        }
        match <[Type; 1]>::try_from(alternatives) {
            Ok([only]) => only,
            Err(alternatives) => Type(Repr::Union(alternatives.into())),
        }
    }

    /// Whether nothing is known.
    pub fn is_any(&self) -> bool {
        matches!(self.0, Repr::Kinds(Kinds::ANY)) || matches!(&self.0, Repr::Schema(view) if view.says_nothing())
    }

    /// The kinds of values that are possible.
    pub fn kinds(&self) -> Kinds {
        match &self.0 {
            Repr::Kinds(kinds) => *kinds,
            Repr::Object(_) => Kinds::MAP,
            Repr::List(_) => Kinds::LIST,
            Repr::Union(types) => types.iter().fold(Kinds::NONE, |kinds, ty| kinds.or(ty.kinds())),
            Repr::Schema(view) => view.kinds(&mut 0),
        }
    }

    /// Looks up a property. A value that cannot be an object has none.
    pub fn property(&self, name: &str) -> Lookup {
        match &self.0 {
            Repr::Kinds(kinds) if kinds.contains(Kinds::MAP) => Lookup::Open,
            Repr::Kinds(_) | Repr::List(_) => Lookup::Unknown {
                known: Vec::new(),
                closed: true,
            },
            Repr::Object(object) => match object.properties.iter().find(|(known, ..)| &**known == name) {
                Some((_, ty, _)) => Lookup::Known(ty.clone()),
                None if object.open => Lookup::Open,
                None => {
                    let mut names: Vec<String> =
                        object.properties.iter().map(|(known, ..)| known.to_string()).collect();
                    match object.base.as_ref().map(|base| base.property(name)) {
                        None => Lookup::Unknown {
                            known: names,
                            closed: true,
                        },
                        Some(Lookup::Unknown { known, closed }) => {
                            names.extend(known);
                            Lookup::Unknown { known: names, closed }
                        }
                        Some(found) => found,
                    }
                }
            },
            Repr::Union(types) => {
                let objects = types.iter().filter(|ty| ty.kinds().intersects(Kinds::MAP));
                any_of(objects.map(|ty| ty.property(name)))
            }
            Repr::Schema(view) if !view.kinds(&mut 0).intersects(Kinds::MAP) => Lookup::Unknown {
                known: Vec::new(),
                closed: true,
            },
            Repr::Schema(view) => match view.property(name, &mut 0) {
                Answer::Lookup(lookup) => lookup,
                Answer::Silent => Lookup::Open,
            },
        }
    }

    /// The type of a list's items; any where this is no list or they are not described.
    pub fn item(&self) -> Type {
        match &self.0 {
            Repr::List(list) => list.item.clone(),
            Repr::Union(types) => {
                let lists = types.iter().filter(|ty| ty.kinds().intersects(Kinds::LIST));
                Type::union(lists.map(Type::item))
            }
            Repr::Schema(view) => view.item(&mut 0).unwrap_or_else(Type::any),
            Repr::Kinds(_) | Repr::Object(_) => Type::any(),
        }
    }

    /// The properties that every object of this type has.
    pub fn required(&self) -> Vec<String> {
        match &self.0 {
            Repr::Object(object) => {
                let mut names = object.base.as_ref().map(Type::required).unwrap_or_default();
                let always = object.properties.iter().filter(|(_, _, always)| *always);
                names.extend(always.map(|(name, ..)| name.to_string()));
                names
            }
            Repr::Union(types) => {
                let mut objects = types.iter().map(Type::required);
                let first = objects.next().unwrap_or_default();
                objects.fold(first, |both, more| {
                    both.into_iter().filter(|name| more.contains(name)).collect()
                })
            }
            Repr::Schema(view) => view.required(&mut 0),
            Repr::Kinds(_) | Repr::List(_) => Vec::new(),
        }
    }
}
