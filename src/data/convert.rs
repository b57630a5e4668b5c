//! Conversions from Rust's own values and to and from `serde_json::Value`.

use std::sync::Arc;

use super::{Data, List, Map};

impl From<bool> for Data {
    fn from(value: bool) -> Data {
        Data::Bool(value)
    }
}

macro_rules! from_integers {
    ($($integer:ty),+) => {
        $(impl From<$integer> for Data {
            fn from(value: $integer) -> Data {
                Data::Int(i64::from(value))
            }
        })+
    };
}

from_integers!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Data {
    fn from(value: u64) -> Data {
        i64::try_from(value).map_or(Data::UInt(value), Data::Int)
    }
}

impl From<usize> for Data {
    fn from(value: usize) -> Data {
        Data::from(value as u64)
    }
}

impl From<f64> for Data {
    /// A number that is not finite has no JSON form and becomes null, as in `serde_json`.
    fn from(value: f64) -> Data {
        if value.is_finite() {
            Data::Float(value)
        } else {
            Data::Null
        }
    }
}

impl From<&str> for Data {
    fn from(value: &str) -> Data {
        Data::Text(value.into())
    }
}

impl From<String> for Data {
    fn from(value: String) -> Data {
        Data::Text(value.into())
    }
}

impl From<&String> for Data {
    fn from(value: &String) -> Data {
        Data::Text(value.as_str().into())
    }
}

impl From<Arc<str>> for Data {
    fn from(value: Arc<str>) -> Data {
        Data::Text(value)
    }
}

impl From<&Arc<str>> for Data {
    fn from(value: &Arc<str>) -> Data {
        Data::Text(value.clone())
    }
}

impl From<List> for Data {
    fn from(value: List) -> Data {
        Data::List(Arc::new(value))
    }
}

impl From<Map> for Data {
    fn from(value: Map) -> Data {
        Data::Map(Arc::new(value))
    }
}

impl<T: Into<Data>> From<Vec<T>> for Data {
    fn from(values: Vec<T>) -> Data {
        Data::from(values.into_iter().map(Into::into).collect::<List>())
    }
}

impl<T: Into<Data>> From<Option<T>> for Data {
    fn from(value: Option<T>) -> Data {
        value.map_or(Data::Null, Into::into)
    }
}

impl From<&Data> for Data {
    fn from(value: &Data) -> Data {
        value.clone()
    }
}

impl FromIterator<Data> for Data {
    fn from_iter<I: IntoIterator<Item = Data>>(items: I) -> Data {
        Data::from(items.into_iter().collect::<List>())
    }
}

impl FromIterator<(Arc<str>, Data)> for Data {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Data)>>(entries: I) -> Data {
        Data::from(entries.into_iter().collect::<Map>())
    }
}

impl From<serde_json::Value> for Data {
    fn from(value: serde_json::Value) -> Data {
        match value {
            serde_json::Value::Null => Data::Null,
            serde_json::Value::Bool(value) => Data::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Data::Int(value),
                (None, Some(value)) => Data::from(value),
                (None, None) => Data::from(number.as_f64()),
            },
            serde_json::Value::String(text) => Data::from(text),
            serde_json::Value::Array(items) => Data::from(items),
            serde_json::Value::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| (Arc::from(key), Data::from(value)))
                .collect(),
        }
    }
}

impl From<&Data> for serde_json::Value {
    fn from(value: &Data) -> serde_json::Value {
        match value {
            Data::Null => serde_json::Value::Null,
            Data::Bool(value) => (*value).into(),
            Data::Int(value) => (*value).into(),
            Data::UInt(value) => (*value).into(),
            Data::Float(value) => (*value).into(),
            Data::Text(text) => (&**text).into(),
            Data::List(list) => list.iter().map(serde_json::Value::from).collect(),
            Data::Map(map) => map
                .iter()
                .map(|(key, value)| (key.to_string(), serde_json::Value::from(value)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Data;
    use serde_json::json;

    #[test]
    fn json_values_survive_both_ways() {
        for value in [
            json!(null),
            json!({ "a": [1, -1, 1.5, 2.0, "x", true, u64::MAX] }),
            json!([]),
        ] {
            assert_eq!(Data::from(value.clone()).to_json(), value);
        }
    }

    #[test]
    fn what_is_not_finite_becomes_null() {
        assert!(Data::from(f64::NAN).is_null());
        assert!(matches!(Data::from(u64::MAX), Data::UInt(u64::MAX)));
        assert!(matches!(Data::from(7u64), Data::Int(7)));
    }
}
