//! What schemas say about a value, read when it is asked.

use std::sync::Arc;

use super::{Lookup, Repr, Type};
use crate::contract::kinds::Kinds;
use crate::contract::subschemas::local;
use crate::data::{Data, Map};

/// How far references, `allOf` and alternatives are followed from one schema.
const MOST_SCHEMAS: usize = 64;

/// The values that fit all of some schemas.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Where references lead from.
    pub(super) root: Data,
    pub(super) all: Arc<[Data]>,
}

/// What one schema of several says about a property.
pub(super) enum Answer {
    Lookup(Lookup),
    /// It does not speak of properties.
    Silent,
}

impl View {
    fn with(&self, all: Vec<Data>) -> View {
        View {
            root: self.root.clone(),
            all: all.into(),
        }
    }

    pub(super) fn ty(&self, schema: &Data) -> Type {
        Type(Repr::Schema(self.with(vec![schema.clone()])))
    }

    /// All schemas that a value must fit: those of the view, what they refer to, and their `allOf`.
    fn conjuncts(&self, visited: &mut usize) -> Conjuncts<'_> {
        let mut found = Conjuncts {
            schemas: Vec::new(),
            complete: true,
        };
        let mut left: Vec<&Data> = self.all.iter().rev().collect();
        while let Some(schema) = left.pop() {
            *visited += 1;
            if *visited > MOST_SCHEMAS {
                found.complete = false;
                break;
            }
            if let Some(map) = schema.as_map() {
                if let Some(reference) = map.get("$ref") {
                    match reference.as_str().and_then(|reference| local(&self.root, reference)) {
                        Some(target) => left.push(target),
                        None => found.complete = false,
                    }
                }
                found.complete &= !map.contains("$dynamicRef") && !map.contains("$recursiveRef");
                left.extend(
                    map.get("allOf")
                        .and_then(Data::as_list)
                        .into_iter()
                        .flat_map(|all| all.iter()),
                );
            }
            found.schemas.push(schema);
        }
        found
    }

    pub(super) fn says_nothing(&self) -> bool {
        self.all.iter().all(|schema| match schema {
            Data::Map(map) => map.is_empty(),
            other => other.as_bool() == Some(true),
        })
    }

    pub(super) fn kinds(&self, visited: &mut usize) -> Kinds {
        let found = self.conjuncts(visited);
        let mut kinds = Kinds::ANY;
        for schema in &found.schemas {
            if let Some(allowed) = schema.as_bool() {
                kinds = if allowed { kinds } else { Kinds::NONE };
            }
            let Some(map) = schema.as_map() else {
                continue;
            };
            kinds = kinds.and(declared_kinds(map));
            for alternatives in alternatives(map) {
                let any = alternatives.iter().fold(Kinds::NONE, |any, schema| {
                    any.or(self.with(vec![schema.clone()]).kinds(visited))
                });
                kinds = kinds.and(any);
            }
        }
        kinds
    }

    pub(super) fn property(&self, name: &str, visited: &mut usize) -> Answer {
        let found = self.conjuncts(visited);
        let mut declared = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut closed = false;
        let mut speaks = false;
        let mut open = !found.complete;
        for map in found.schemas.iter().filter_map(|schema| schema.as_map()) {
            let properties = map.get("properties").and_then(Data::as_map);
            let additional = map.get("additionalProperties").or(map.get("unevaluatedProperties"));
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                declared.push(schema.clone());
                continue;
            }
            if let Some(properties) = properties {
                speaks = true;
                names.extend(properties.keys().map(|key| key.to_string()));
            }
            match additional {
                Some(schema) if schema.as_bool() == Some(false) => (closed, speaks) = (true, true),
                Some(schema) if schema.as_map().is_some_and(|map| !map.is_empty()) => declared.push(schema.clone()),
                Some(_) => open = true,
                None => {}
            }
            open |= map.contains("patternProperties") || map.contains("dependentSchemas");
        }
        if !declared.is_empty() {
            return Answer::Lookup(Lookup::Known(Type(Repr::Schema(self.with(declared)))));
        }
        let mut hidden = false;
        for map in found.schemas.iter().filter_map(|schema| schema.as_map()) {
            for alternatives in all_alternatives(map) {
                let answers = alternatives
                    .iter()
                    .map(|schema| self.with(vec![schema.clone()]).property(name, visited));
                let lookups: Vec<Lookup> = answers
                    .filter_map(|answer| match answer {
                        Answer::Lookup(lookup) => Some(lookup),
                        Answer::Silent => None,
                    })
                    .collect();
                let silent = lookups.len() < alternatives.len();
                match any_of(lookups.into_iter()) {
                    Lookup::Known(ty) => return Answer::Lookup(Lookup::Known(ty)),
                    Lookup::Open => open = true,
                    // An alternative that does not speak of properties leaves them to the schema around it.
                    Lookup::Unknown { .. } if silent => {}
                    Lookup::Unknown {
                        known,
                        closed: all_closed,
                    } => {
                        hidden = true;
                        closed |= all_closed;
                        names.extend(known);
                    }
                }
            }
        }
        match (open && !closed, speaks || hidden || closed) {
            (true, _) => Answer::Lookup(Lookup::Open),
            (_, false) => Answer::Silent,
            (_, true) => {
                names.sort();
                names.dedup();
                Answer::Lookup(Lookup::Unknown { known: names, closed })
            }
        }
    }

    pub(super) fn item(&self, visited: &mut usize) -> Option<Type> {
        let found = self.conjuncts(visited);
        for map in found.schemas.iter().filter_map(|schema| schema.as_map()) {
            let items = map.get("items");
            let first = map
                .get("prefixItems")
                .and_then(Data::as_list)
                .or(items.and_then(Data::as_list));
            let rest = items.filter(|items| items.as_list().is_none());
            match (first, rest) {
                (None, Some(rest)) => return Some(self.ty(rest)),
                (Some(first), Some(rest)) if rest.as_bool() != Some(true) => {
                    let rest = Some(rest).filter(|rest| rest.as_bool() != Some(false));
                    return Some(Type::union(first.iter().chain(rest).map(|schema| self.ty(schema))));
                }
                _ => {}
            }
        }
        None
    }

    /// The names of all properties that some schema here declares.
    pub(super) fn names(&self, visited: &mut usize) -> Vec<String> {
        let found = self.conjuncts(visited);
        let mut names = Vec::new();
        for map in found.schemas.iter().filter_map(|schema| schema.as_map()) {
            let properties = map.get("properties").and_then(Data::as_map);
            names.extend(
                properties
                    .into_iter()
                    .flat_map(|map| map.keys())
                    .map(|key| key.to_string()),
            );
            for alternatives in all_alternatives(map) {
                let each = alternatives.into_iter().map(|schema| self.with(vec![schema]));
                each.for_each(|view| names.extend(view.names(visited)));
            }
        }
        names
    }

    /// The first description, the schema's own before those of what it refers to.
    pub(super) fn description(&self, visited: &mut usize) -> Option<String> {
        let found = self.conjuncts(visited);
        let mut maps = found.schemas.iter().filter_map(|schema| schema.as_map());
        maps.find_map(|map| Some(map.get("description")?.as_str()?.to_owned()))
    }

    pub(super) fn required(&self, visited: &mut usize) -> Vec<String> {
        let found = self.conjuncts(visited);
        let mut names = Vec::new();
        for map in found.schemas.iter().filter_map(|schema| schema.as_map()) {
            let required = map.get("required").and_then(Data::as_list);
            for name in required
                .into_iter()
                .flat_map(|list| list.iter())
                .filter_map(Data::as_str)
            {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }
}

struct Conjuncts<'a> {
    schemas: Vec<&'a Data>,
    /// Whether these are all; a reference may lead to where this module does not look.
    complete: bool,
}

/// The kinds that a schema's own `type`, `const` and `enum` allow.
fn declared_kinds(map: &Map) -> Kinds {
    let mut kinds = match map.get("type") {
        Some(Data::Text(name)) => Kinds::named(name),
        Some(Data::List(names)) => names.iter().fold(Kinds::NONE, |kinds, name| {
            kinds.or(name.as_str().map_or(Kinds::ANY, Kinds::named))
        }),
        _ => Kinds::ANY,
    };
    if let Some(value) = map.get("const") {
        kinds = kinds.and(Kinds::of(value));
    }
    if let Some(values) = map.get("enum").and_then(Data::as_list) {
        kinds = kinds.and(
            values
                .iter()
                .fold(Kinds::NONE, |kinds, value| kinds.or(Kinds::of(value))),
        );
    }
    kinds
}

/// The groups of schemas of which a value must fit at least one.
fn alternatives(map: &Map) -> impl Iterator<Item = &[Data]> {
    let group = |keyword: &str| map.get(keyword).and_then(Data::as_list).map(|list| &***list);
    [group("anyOf"), group("oneOf")].into_iter().flatten()
}

/// The same with `then` and `else`, which declare properties but do not limit kinds unless both are there.
fn all_alternatives(map: &Map) -> Vec<Vec<Data>> {
    let mut groups: Vec<Vec<Data>> = alternatives(map).map(<[Data]>::to_vec).collect();
    let conditional: Vec<Data> = ["if", "then", "else"]
        .iter()
        .filter_map(|keyword| map.get(keyword).cloned())
        .collect();
    if !conditional.is_empty() {
        // Without a branch for the other case anything is possible there.
        groups.push(conditional.into_iter().chain([Data::Bool(true)]).collect());
    }
    groups
}

/// Known if one alternative knows it, unknown only if none does.
pub(super) fn any_of(lookups: impl Iterator<Item = Lookup>) -> Lookup {
    let mut types = Vec::new();
    let mut open = false;
    let mut names = Vec::new();
    let mut all_closed = true;
    for lookup in lookups {
        match lookup {
            Lookup::Known(ty) => types.push(ty),
            Lookup::Open => open = true,
            Lookup::Unknown { known, closed } => {
                all_closed &= closed;
                names.extend(known);
            }
        }
    }
    if open {
        return Lookup::Open;
    }
    if !types.is_empty() {
        return Lookup::Known(Type::union(types));
    }
    names.sort();
    names.dedup();
    Lookup::Unknown {
        known: names,
        closed: all_closed,
    }
}
