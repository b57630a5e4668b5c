//! Schemas of the common keywords, without the validator.
//!
//! Nearly every schema in a workflow file consists of a few keywords, and nearly every value fits. Both are recognised
//! here at little cost; the meta-schema and the validator, which take longer to set up than a small run takes in all,
//! are left for what is unusual or wrong. So nothing here decides against a schema or a value: `None` and `false` mean
//! that somebody else has to look.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::data::{Data, Map};

/// A schema of draft 2020-12 that certainly is one.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// The kinds of `type`; none means all.
    types: Vec<Type>,
    /// The values of `enum` and `const`, both of which have to hold the value.
    among: Vec<Vec<Data>>,
    properties: Vec<(Arc<str>, Plain)>,
    required: Vec<Arc<str>>,
    /// What is not in `properties`.
    others: Option<Box<Plain>>,
    items: Option<Box<Plain>>,
    all: Vec<Plain>,
    any: Vec<Plain>,
    bounds: Vec<(Bound, Data)>,
    /// Whether there is more to say about texts, numbers, lists and everything.
    more: More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Number,
    Integer,
    Bool,
    Map,
    List,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MinLength,
    MaxLength,
    MinItems,
    MaxItems,
    MinProperties,
    MaxProperties,
}

#[derive(Debug, Default)]
struct More {
    of_texts: bool,
    of_numbers: bool,
    of_lists: bool,
    of_all: bool,
}

/// How deep schemas may nest here.
const DEEPEST: usize = 32;

/// How many names `required` may have, which are compared with each other.
const MOST_REQUIRED: usize = 64;

impl Plain {
    /// A schema, if it is certain that it is one and that all of it is said here.
    pub fn compile(schema: &Data) -> Option<Plain> {
        Plain::at(schema, 0)
    }

    fn at(schema: &Data, depth: usize) -> Option<Plain> {
        if depth > DEEPEST {
            return None;
        }
        let mut plain = Plain::default();
        match schema {
            Data::Bool(true) => return Some(plain),
            Data::Bool(false) => {
                plain.more.of_all = true;
                return Some(plain);
            }
            _ => {}
        }
        for (keyword, value) in schema.as_map()?.iter() {
            plain.keyword(keyword, value, depth)?;
        }
        Some(plain)
    }

    fn keyword(&mut self, keyword: &str, value: &Data, depth: usize) -> Option<()> {
        let inner = |schema: &Data| Plain::at(schema, depth + 1);
        let several = |schemas: &Data| {
            let schemas = schemas.as_list().filter(|schemas| !schemas.is_empty())?;
            schemas.iter().map(inner).collect::<Option<Vec<Plain>>>()
        };
        match keyword {
            "type" => self.types = types(value)?,
            "properties" => {
                let properties = value.as_map()?.iter();
                self.properties = properties
                    .map(|(name, schema)| Some((name.clone(), inner(schema)?)))
                    .collect::<Option<_>>()?;
            }
            "required" => self.required = required(value)?,
            "additionalProperties" => self.others = Some(Box::new(inner(value)?)),
            "items" => self.items = Some(Box::new(inner(value)?)),
            "allOf" => self.all = several(value)?,
            "anyOf" => self.any = several(value)?,
            "oneOf" => {
                several(value)?;
                self.more.of_all = true;
            }
            "not" => {
                inner(value)?;
                self.more.of_all = true;
            }
            "enum" => self
                .among
                .push(value.as_list().filter(|values| !values.is_empty())?.to_vec()),
            "const" => self.among.push(vec![value.clone()]),
            "pattern" | "format" => {
                value.as_str()?;
                self.more.of_texts = true;
            }
            "multipleOf" => {
                value.as_f64().filter(|divisor| *divisor > 0.0)?;
                self.more.of_numbers = true;
            }
            "uniqueItems" => self.more.of_lists |= value.as_bool()?,
            "title" | "description" | "$comment" => drop(value.as_str()?),
            "deprecated" | "readOnly" | "writeOnly" => drop(value.as_bool()?),
            "examples" => drop(value.as_list()?),
            "default" => {}
            "$schema" if depth == 0 => {
                value
                    .as_str()
                    .filter(|uri| *uri == "https://json-schema.org/draft/2020-12/schema")?;
            }
            other => {
                if let Some(bound) = Bound::of(other) {
                    self.bounds.push((bound, bound.limit(value)?));
                } else if !other.starts_with("x-") {
                    return None;
                }
            }
        }
        Some(())
    }

    /// Whether a value certainly fits.
    pub fn admits(&self, data: &Data) -> bool {
        let more = match data {
            Data::Text(_) => self.more.of_texts,
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => self.more.of_numbers,
            Data::List(_) => self.more.of_lists,
            Data::Null | Data::Bool(_) | Data::Map(_) => false,
        };
        if more || self.more.of_all {
            return false;
        }
        let is_of_type = self.types.is_empty() || self.types.iter().any(|ty| ty.admits(data));
        let is_inside = match data {
            Data::Map(map) => self.admits_map(map),
            Data::List(items) => self
                .items
                .as_ref()
                .is_none_or(|schema| items.iter().all(|item| schema.admits(item))),
            _ => true,
        };
        is_of_type
            && is_inside
            && self
                .among
                .iter()
                .all(|values| values.iter().any(|value| is_same(value, data)))
            && self.bounds.iter().all(|(bound, limit)| bound.admits(limit, data))
            && self.all.iter().all(|schema| schema.admits(data))
            && (self.any.is_empty() || self.any.iter().any(|schema| schema.admits(data)))
    }

    fn admits_map(&self, map: &Map) -> bool {
        let has_required = self.required.iter().all(|name| map.contains(name));
        has_required
            && map.iter().all(|(name, value)| {
                let declared = self.properties.iter().find(|(declared, _)| declared == name);
                match (declared, &self.others) {
                    (Some((_, schema)), _) => schema.admits(value),
                    (None, Some(schema)) => schema.admits(value),
                    (None, None) => true,
                }
            })
    }
}

fn types(value: &Data) -> Option<Vec<Type>> {
    match value {
        Data::Text(name) => Some(vec![Type::named(name)?]),
        Data::List(names) if !names.is_empty() => {
            let mut types = Vec::with_capacity(names.len());
            for name in names.iter() {
                let ty = Type::named(name.as_str()?)?;
                if types.contains(&ty) {
                    return None;
                }
                types.push(ty);
            }
            Some(types)
        }
        _ => None,
    }
}

fn required(value: &Data) -> Option<Vec<Arc<str>>> {
    let names = value.as_list().filter(|names| names.len() <= MOST_REQUIRED)?;
    let mut required: Vec<Arc<str>> = Vec::with_capacity(names.len());
    for name in names.iter() {
        let Data::Text(name) = name else { return None };
        if required.contains(name) {
            return None;
        }
        required.push(name.clone());
    }
    Some(required)
}

/// Whether two values certainly are one: of the same kind, and not put together.
fn is_same(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::Null, Data::Null) => true,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::Int(a), Data::Int(b)) => a == b,
        (Data::Text(a), Data::Text(b)) => a == b,
        _ => false,
    }
}

impl Type {
    fn named(name: &str) -> Option<Type> {
        Some(match name {
            "string" => Type::Text,
            "number" => Type::Number,
            "integer" => Type::Integer,
            "boolean" => Type::Bool,
            "object" => Type::Map,
            "array" => Type::List,
            "null" => Type::Null,
            _ => return None,
        })
    }

    fn admits(self, data: &Data) -> bool {
        match data {
            Data::Null => self == Type::Null,
            Data::Bool(_) => self == Type::Bool,
            Data::Int(_) | Data::UInt(_) => matches!(self, Type::Number | Type::Integer),
            // A whole number may be written as a float.
            Data::Float(_) => self == Type::Number,
            Data::Text(_) => self == Type::Text,
            Data::List(_) => self == Type::List,
            Data::Map(_) => self == Type::Map,
        }
    }
}

impl Bound {
    fn of(keyword: &str) -> Option<Bound> {
        Some(match keyword {
            "minimum" => Bound::Minimum,
            "maximum" => Bound::Maximum,
            "exclusiveMinimum" => Bound::ExclusiveMinimum,
            "exclusiveMaximum" => Bound::ExclusiveMaximum,
            "minLength" => Bound::MinLength,
            "maxLength" => Bound::MaxLength,
            "minItems" => Bound::MinItems,
            "maxItems" => Bound::MaxItems,
            "minProperties" => Bound::MinProperties,
            "maxProperties" => Bound::MaxProperties,
            _ => return None,
        })
    }

    /// The limit, if it is one for this bound.
    fn limit(self, value: &Data) -> Option<Data> {
        let fits = match self {
            Bound::Minimum | Bound::Maximum | Bound::ExclusiveMinimum | Bound::ExclusiveMaximum => {
                value.as_f64().is_some()
            }
            _ => matches!(value, Data::Int(count) if *count >= 0),
        };
        fits.then(|| value.clone())
    }

    fn admits(self, limit: &Data, data: &Data) -> bool {
        let count = |count: usize| {
            i64::try_from(count)
                .ok()
                .and_then(|count| compare(&Data::Int(count), limit))
        };
        let order = match (self, data) {
            (
                Bound::Minimum | Bound::Maximum | Bound::ExclusiveMinimum | Bound::ExclusiveMaximum,
                Data::Int(_) | Data::UInt(_) | Data::Float(_),
            ) => compare(data, limit),
            (Bound::MinLength | Bound::MaxLength, Data::Text(text)) => count(text.chars().count()),
            (Bound::MinItems | Bound::MaxItems, Data::List(items)) => count(items.len()),
            (Bound::MinProperties | Bound::MaxProperties, Data::Map(map)) => count(map.len()),
            // It says nothing about values of other kinds.
            _ => return true,
        };
        match self {
            Bound::ExclusiveMinimum => order == Some(Ordering::Greater),
            Bound::ExclusiveMaximum => order == Some(Ordering::Less),
            Bound::Minimum | Bound::MinLength | Bound::MinItems | Bound::MinProperties => {
                matches!(order, Some(Ordering::Greater | Ordering::Equal))
            }
            Bound::Maximum | Bound::MaxLength | Bound::MaxItems | Bound::MaxProperties => {
                matches!(order, Some(Ordering::Less | Ordering::Equal))
            }
        }
    }
}

/// How two numbers compare, where rounding plays no part.
fn compare(a: &Data, b: &Data) -> Option<Ordering> {
    const EXACT: i64 = 1 << 53;
    let exact = |number: &Data| match number {
        Data::Int(number) if (-EXACT..=EXACT).contains(number) => Some(*number as f64),
        Data::Float(number) => Some(*number),
        _ => None,
    };
    match (a, b) {
        (Data::Int(a), Data::Int(b)) => Some(a.cmp(b)),
        _ => exact(a)?.partial_cmp(&exact(b)?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data;

    /// Numbers around which bounds lie, in both forms.
    fn number() -> impl Strategy<Value = Data> {
        prop_oneof![
            (-3..4_i64).prop_map(Data::Int),
            (-6..8_i64).prop_map(|half| Data::Float(half as f64 / 2.0)),
            Just(Data::Int(i64::MAX)),
            Just(Data::Float(9_007_199_254_740_992.0)),
        ]
    }

    fn scalar() -> impl Strategy<Value = Data> {
        prop_oneof![
            Just(Data::Null),
            any::<bool>().prop_map(Data::Bool),
            number(),
            "[aä]{0,3}".prop_map(Data::from),
        ]
    }

    fn value() -> impl Strategy<Value = Data> {
        scalar().prop_recursive(2, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Data::from),
                proptest::collection::vec(("[ab]", inner), 0..3).prop_map(object),
            ]
        })
    }

    fn object(entries: Vec<(String, Data)>) -> Data {
        Data::from(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect::<Map>(),
        )
    }

    const COUNTS: &[&str] = &[
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ];
    const LIMITS: &[&str] = &[
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];

    /// Schemas, most of which are ones.
    fn schema() -> impl Strategy<Value = Data> {
        let name = prop_oneof![
            Just("string"),
            Just("number"),
            Just("integer"),
            Just("boolean"),
            Just("object"),
            Just("array"),
            Just("null"),
            Just("text"),
        ];
        let names = proptest::collection::vec("[ab]", 0..3);
        let keyword = prop_oneof![
            name.clone().prop_map(|name| ("type", Data::from(name))),
            proptest::collection::vec(name, 0..3)
                .prop_map(|names| ("type", names.into_iter().map(Data::from).collect())),
            names.prop_map(|names| ("required", names.into_iter().map(Data::from).collect())),
            (proptest::sample::select(COUNTS), number()),
            (proptest::sample::select(LIMITS), number()),
            scalar().prop_map(|value| ("const", value)),
            proptest::collection::vec(value(), 0..3).prop_map(|values| ("enum", values.into())),
            any::<bool>().prop_map(|unique| ("uniqueItems", Data::Bool(unique))),
            scalar().prop_map(|title| ("title", title)),
            Just(("pattern", Data::from("^a"))),
        ];
        let entries = proptest::collection::vec(keyword, 0..3);
        let leaf = entries.prop_map(|entries| {
            object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect(),
            )
        });
        let leaf = prop_oneof![10 => leaf, 1 => any::<bool>().prop_map(Data::Bool)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..3).prop_map(Data::from);
            let named = proptest::collection::vec(("[ab]", inner.clone()), 0..3).prop_map(object);
            prop_oneof![
                (inner.clone(), named, inner.clone()).prop_map(|(schema, properties, others)| {
                    let schema = schema.as_map().cloned().unwrap_or_default();
                    Data::from(
                        schema
                            .with("properties".into(), properties)
                            .with("additionalProperties".into(), others),
                    )
                }),
                inner.clone().prop_map(|items| data!({ "items": items })),
                (proptest::sample::select(&["allOf", "anyOf", "oneOf"][..]), list)
                    .prop_map(|(keyword, list)| object(vec![(keyword.to_owned(), list)])),
                inner.prop_map(|schema| data!({ "not": schema })),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_certain_here_the_validator_confirms(schema in schema(), values in proptest::collection::vec(value(), 8)) {
            if let Some(plain) = Plain::compile(&schema) {
                let json = schema.to_json();
                prop_assert!(jsonschema::meta::is_valid(&json), "{json} is no schema");
                let validator = jsonschema::options().build(&json).unwrap();
                for value in values {
                    let json = value.to_json();
                    prop_assert!(!plain.admits(&value) || validator.is_valid(&json), "{schema:?} refuses {json}");
                }
            }
        }
    }

    #[test]
    fn the_usual_is_certain() {
        let schema = data!({
            "type": "object",
            "required": ["id", "amount"],
            "properties": {
                "id": { "type": "string", "minLength": 1 },
                "amount": { "type": "number", "minimum": 0, "default": 1 },
                "tags": { "type": "array", "items": { "enum": ["a", "b"] } },
            },
            "additionalProperties": false,
        });
        let plain = Plain::compile(&schema).unwrap();
        assert!(plain.admits(&data!({ "id": "A", "amount": 2.5, "tags": ["b"] })));
        assert!(!plain.admits(&data!({ "id": "A", "amount": -1 })));
        assert!(!plain.admits(&data!({ "id": "A", "amount": 1, "other": 1 })));
        assert!(Plain::compile(&data!({ "type": "objekt" })).is_none());
        assert!(Plain::compile(&data!({ "$ref": "#/$defs/a" })).is_none());
    }
}
