//! `Data` through serde, without a detour, and as compact JSON text.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{Data, List, MAX_DEPTH, Map};

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Data::Null => serializer.serialize_unit(),
            Data::Bool(value) => serializer.serialize_bool(*value),
            Data::Int(value) => serializer.serialize_i64(*value),
            Data::UInt(value) => serializer.serialize_u64(*value),
            Data::Float(value) => serializer.serialize_f64(*value),
            Data::Text(text) => serializer.serialize_str(text),
            Data::List(list) => list.serialize(serializer),
            Data::Map(map) => map.serialize(serializer),
        }
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (&**key, value)))
    }
}

impl<'de> serde::Deserialize<'de> for Data {
    /// Refuses nesting deeper than [`MAX_DEPTH`], numbers that are not finite and integers beyond 64 bits. Of equal
    /// keys the last wins.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        Seed { depth: 0 }.deserialize(deserializer)
    }
}

impl<'de> serde::Deserialize<'de> for Map {
    /// Like [`Data`], and refuses all but maps.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
        match Data::deserialize(deserializer)? {
            Data::Map(map) => Ok(Arc::unwrap_or_clone(map)),
            other => Err(D::Error::custom(format_args!(
                "expected an object, found {}",
                other.kind()
            ))),
        }
    }
}

impl fmt::Display for Data {
    /// Compact JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: Error>(self) -> Result<Seed, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Seed { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Data;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Data, E> {
        Ok(Data::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Data, E> {
        if value.is_finite() {
            Ok(Data::Float(value))
        } else {
            Err(E::custom("the number is not finite"))
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Data, E> {
        Ok(Data::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Data, E> {
        Ok(Data::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Data::from(List::from(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let seed = self.deeper()?;
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Arc<str>>()? {
            map.push((key, entries.next_value_seed(seed)?));
        }
        Ok(map.into_iter().collect())
    }
}

impl schemars::JsonSchema for Data {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "Any JSON value." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use proptest::prelude::*;

    #[test]
    fn text_forms_are_those_of_serde_json() {
        let value = data!({ "b": 2.0, "a": [null, true, "<é\n>"], "n": u64::MAX });
        let text = r#"{"b":2.0,"a":[null,true,"<é\n>"],"n":18446744073709551615}"#;
        assert_eq!(value.to_string(), text);
        assert_eq!(serde_json::from_str::<Data>(text).unwrap(), value);
    }

    #[test]
    fn nesting_is_bounded_whatever_the_format() {
        let deep = |levels: usize| {
            let mut value = serde_json::Value::Null;
            for _ in 0..levels {
                value = serde_json::Value::Array(vec![value]);
            }
            serde_json::from_value::<Data>(value).map(|data| data.depth())
        };
        assert_eq!(deep(MAX_DEPTH).unwrap(), MAX_DEPTH);
        assert!(
            deep(MAX_DEPTH + 1)
                .unwrap_err()
                .to_string()
                .contains("nested deeper than 128")
        );
        assert!(serde_json::from_str::<Data>(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        assert_eq!(
            serde_json::from_str::<Data>(r#"{"a":1,"b":2,"a":3}"#)
                .unwrap()
                .to_string(),
            r#"{"a":3,"b":2}"#
        );
    }

    pub(crate) fn any_data() -> impl Strategy<Value = Data> {
        let leaf = prop_oneof![
            Just(Data::Null),
            any::<bool>().prop_map(Data::from),
            any::<i64>().prop_map(Data::from),
            any::<u64>().prop_map(Data::from),
            any::<f64>().prop_map(Data::from),
            ".{0,8}".prop_map(Data::from),
        ];
        leaf.prop_recursive(4, 64, 12, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..12).prop_map(Data::from),
                proptest::collection::vec((".{0,3}", inner), 0..12).prop_map(|entries| entries
                    .into_iter()
                    .map(|(key, value)| (Arc::from(key), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_survives_json(value in any_data()) {
            let text = serde_json::to_string(&value).unwrap();
            // serde_json reads floats to the nearest but one unit unless told otherwise, hence text first.
            prop_assert_eq!(serde_json::to_string(&value.to_json()).unwrap(), text.clone());
            let again: Data = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(again.depth(), value.depth());
            prop_assert_eq!(again.size(), value.size());
        }
    }
}
