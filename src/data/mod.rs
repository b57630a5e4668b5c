//! The run-time value: what a file's literals, a run's inputs and outputs, and every expression's result are.
//!
//! [`Data`] is immutable and shares its texts, lists and maps: cloning is a reference count. A list or map knows the
//! size and depth of what it holds, so that limits cost nothing to check, however often a part is shared.

mod convert;
mod json;
mod map;
mod sealed;

pub use map::Map;
pub use sealed::{Part, Sealed};

use std::cmp::Ordering;
use std::sync::Arc;

/// How deep lists and maps read from JSON or another format may nest.
pub const MAX_DEPTH: usize = 128;

/// An immutable value; cloning is a reference count.
///
/// Numbers compare by value (`1` equals `1.0`), maps without regard to the order of their keys.
#[derive(Clone, Debug, Default)]
pub enum Data {
    /// No value, on purpose.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`; smaller ones are always [`Data::Int`].
    UInt(u64),
    /// A finite number that was written or computed as a fraction; it may be whole.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Values in order.
    List(Arc<List>),
    /// Values by name, in the order of insertion.
    Map(Arc<Map>),
}

impl Data {
    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.as_map()?.get(key)
    }

    /// The element at a position from 0, if this is a list that has it.
    pub fn index(&self, position: usize) -> Option<&Data> {
        self.as_list()?.get(position)
    }

    /// The value at a JSON pointer (RFC 6901): `""` is the value itself, `/a/0` the first element of its `a`.
    pub fn pointer(&self, pointer: &str) -> Option<&Data> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut at = self;
        for part in pointer.strip_prefix('/')?.split('/') {
            at = match at {
                Data::Map(map) if part.contains('~') => map.get(&part.replace("~1", "/").replace("~0", "~"))?,
                Data::Map(map) => map.get(part)?,
                Data::List(list) if part == "0" || !part.starts_with(['0', '+']) => {
                    list.get(part.parse::<usize>().ok()?)?
                }
                _ => return None,
            };
        }
        Some(at)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Data::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if it is one that fits; a float such as `2.0` counts.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Data::Int(value) => Some(*value),
            Data::Float(value) if value.fract() == 0.0 => i64::try_from(*value as i128).ok(),
            _ => None,
        }
    }

    /// The number, if it is one; large whole numbers are rounded to the nearest float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Data::Int(value) => Some(*value as f64),
            Data::UInt(value) => Some(*value as f64),
            Data::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&Arc<List>> {
        match self {
            Data::List(list) => Some(list),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Arc<Map>> {
        match self {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Data::Null)
    }

    /// The kind of value, as messages call it: `null`, `boolean`, `number`, `text`, `list` or `object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Data::Null => "null",
            Data::Bool(_) => "boolean",
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => "number",
            Data::Text(_) => "text",
            Data::List(_) => "list",
            Data::Map(_) => "object",
        }
    }

    /// The kind in a sentence: `a number`.
    pub fn a_kind(&self) -> &'static str {
        match self {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "an object",
        }
    }

    /// The value as templates print it (rule 3): null as nothing, whole numbers without `.0`, lists and objects as
    /// compact JSON.
    pub fn to_text(&self) -> Arc<str> {
        match self {
            Data::Null => "".into(),
            Data::Text(text) => text.clone(),
            Data::Float(value) => value.to_string().into(),
            other => other.to_string().into(),
        }
    }

    /// The value as a library takes it that knows only [`serde_json::Value`].
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::from(self)
    }

    /// About how many bytes the value takes when written out. Parts that are shared count as often as they occur, so
    /// the number may be far above the memory in use. Takes constant time.
    pub fn size(&self) -> usize {
        match self {
            Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) => SCALAR_SIZE,
            Data::Text(text) => text.len().saturating_add(SCALAR_SIZE),
            Data::List(list) => list.measure.size,
            Data::Map(map) => map.measure().size,
        }
    }

    /// How deep lists and maps nest: 0 for anything else. Takes constant time.
    pub fn depth(&self) -> usize {
        match self {
            Data::List(list) => list.measure.depth,
            Data::Map(map) => map.measure().depth,
            _ => 0,
        }
    }

    /// How two numbers or two texts compare; `None` for all other pairs, which have no order.
    pub fn compare(&self, other: &Data) -> Option<Ordering> {
        match (self, other) {
            (Data::Int(a), Data::Int(b)) => Some(a.cmp(b)),
            (Data::UInt(a), Data::UInt(b)) => Some(a.cmp(b)),
            (Data::Int(_), Data::UInt(_)) => Some(Ordering::Less),
            (Data::UInt(_), Data::Int(_)) => Some(Ordering::Greater),
            (Data::Float(a), Data::Float(b)) => a.partial_cmp(b),
            (Data::Float(a), Data::Int(b)) => compare_float(*a, i128::from(*b)),
            (Data::Int(a), Data::Float(b)) => compare_float(*b, i128::from(*a)).map(Ordering::reverse),
            (Data::Float(a), Data::UInt(b)) => compare_float(*a, i128::from(*b)),
            (Data::UInt(a), Data::Float(b)) => compare_float(*b, i128::from(*a)).map(Ordering::reverse),
            (Data::Text(a), Data::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// Compares without rounding the whole number, which would make neighbours above 2^53 equal.
fn compare_float(float: f64, whole: i128) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // The cast saturates, which keeps the order: no i64 or u64 reaches the ends of i128.
    let floor = float.floor();
    Some((floor as i128).cmp(&whole).then(if float > floor {
        Ordering::Greater
    } else {
        Ordering::Equal
    }))
}

impl PartialEq for Data {
    fn eq(&self, other: &Data) -> bool {
        match (self, other) {
            (Data::Null, Data::Null) => true,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Text(a), Data::Text(b)) => a == b,
            (Data::List(a), Data::List(b)) => Arc::ptr_eq(a, b) || a.items == b.items,
            (Data::Map(a), Data::Map(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

/// Values in order; a slice with a known size.
#[derive(Clone, Debug, Default)]
pub struct List {
    items: Vec<Data>,
    measure: Measure,
}

impl std::ops::Deref for List {
    type Target = [Data];

    fn deref(&self) -> &[Data] {
        &self.items
    }
}

impl From<Vec<Data>> for List {
    fn from(items: Vec<Data>) -> List {
        let measure = Measure::of(items.iter().map(|item| (0, item)));
        List { items, measure }
    }
}

impl FromIterator<Data> for List {
    fn from_iter<I: IntoIterator<Item = Data>>(items: I) -> List {
        List::from(items.into_iter().collect::<Vec<_>>())
    }
}

impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        self.items == other.items
    }
}

/// What a scalar counts in [`Data::size`], its comma included.
const SCALAR_SIZE: usize = 8;

/// Size and depth of a list or map, known from its making on.
#[derive(Clone, Copy, Debug)]
struct Measure {
    size: usize,
    depth: usize,
}

impl Default for Measure {
    fn default() -> Measure {
        Measure {
            size: SCALAR_SIZE,
            depth: 1,
        }
    }
}

impl Measure {
    /// Of the values, each with the length of its key.
    fn of<'a>(values: impl Iterator<Item = (usize, &'a Data)>) -> Measure {
        values.fold(Measure::default(), |sum, (key, value)| Measure {
            size: sum.size.saturating_add(key).saturating_add(value.size()),
            depth: sum.depth.max(value.depth().saturating_add(1)),
        })
    }
}

/// Builds a [`Data`](crate::data::Data) from JSON-like text with Rust expressions as values.
///
/// ```
/// use interpret::data;
/// let amount = 12;
/// let order = data!({ "id": "A-1", "amount": amount * 2, "items": ["pen", null], "paid": false });
/// assert_eq!(order.to_string(), r#"{"id":"A-1","amount":24,"items":["pen",null],"paid":false}"#);
/// ```
#[macro_export]
macro_rules! data {
    (null) => { $crate::data::Data::Null };
    ([ $($items:tt)* ]) => { $crate::data!(@list [] $($items)*) };
    ({ $($entries:tt)* }) => { $crate::data!(@map [] $($entries)*) };

    (@list [$($done:tt)*]) => {
        $crate::data::Data::from(::std::vec::Vec::<$crate::data::Data>::from([$($done)*]))
    };
    (@list [$($done:tt)*] null $(, $($rest:tt)*)?) => {
        $crate::data!(@list [$($done)* $crate::data!(null),] $($($rest)*)?)
    };
    (@list [$($done:tt)*] [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::data!(@list [$($done)* $crate::data!([$($inner)*]),] $($($rest)*)?)
    };
    (@list [$($done:tt)*] {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::data!(@list [$($done)* $crate::data!({$($inner)*}),] $($($rest)*)?)
    };
    (@list [$($done:tt)*] $item:expr $(, $($rest:tt)*)?) => {
        $crate::data!(@list [$($done)* $crate::data::Data::from($item),] $($($rest)*)?)
    };

    (@map [$($done:tt)*]) => {
        $crate::data::Data::from(<$crate::data::Map as ::std::iter::FromIterator<_>>::from_iter([$($done)*]))
    };
    (@map [$($done:tt)*] $key:tt : null $(, $($rest:tt)*)?) => {
        $crate::data!(@map [$($done)* (::std::sync::Arc::<str>::from($key), $crate::data!(null)),] $($($rest)*)?)
    };
    (@map [$($done:tt)*] $key:tt : [$($inner:tt)*] $(, $($rest:tt)*)?) => {
        $crate::data!(
            @map [$($done)* (::std::sync::Arc::<str>::from($key), $crate::data!([$($inner)*])),] $($($rest)*)?
        )
    };
    (@map [$($done:tt)*] $key:tt : {$($inner:tt)*} $(, $($rest:tt)*)?) => {
        $crate::data!(
            @map [$($done)* (::std::sync::Arc::<str>::from($key), $crate::data!({$($inner)*})),] $($($rest)*)?
        )
    };
    (@map [$($done:tt)*] $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $crate::data!(
            @map [$($done)* (::std::sync::Arc::<str>::from($key), $crate::data::Data::from($value)),] $($($rest)*)?
        )
    };

    ($value:expr) => { $crate::data::Data::from($value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_without_rounding() {
        assert_eq!(Data::Int(1), Data::Float(1.0));
        assert_ne!(Data::Int(i64::MAX), Data::Float(i64::MAX as f64));
        assert_ne!(Data::Int((1 << 53) + 1), Data::Float((1u64 << 53) as f64));
        assert_eq!(Data::UInt(1 << 63), Data::Float((1u64 << 63) as f64));
        assert_eq!(Data::Float(-0.5).compare(&Data::Int(0)), Some(Ordering::Less));
        assert_eq!(Data::Float(-0.5).compare(&Data::Int(-1)), Some(Ordering::Greater));
        assert_eq!(Data::Int(0).compare(&data!("0")), None);
    }

    #[test]
    fn maps_are_equal_in_any_order() {
        assert_eq!(data!({ "a": 1, "b": [2] }), data!({ "b": [2.0], "a": 1 }));
        assert_ne!(data!({ "a": 1 }), data!({ "a": 1, "b": null }));
    }

    #[test]
    fn texts_are_those_of_templates() {
        let texts = [
            data!(null),
            data!(2.0),
            data!(2.5),
            data!(true),
            data!("a"),
            data!([1.0, "a"]),
        ]
        .map(|data| data.to_text());
        assert_eq!(
            texts.each_ref().map(|text| &**text),
            ["", "2", "2.5", "true", "a", r#"[1.0,"a"]"#]
        );
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let value = data!({ "a": [10, { "x/y": 1, "~": 2 }], "": 3 });
        assert_eq!(value.pointer(""), Some(&value));
        assert_eq!(value.pointer("/a/0"), Some(&data!(10)));
        assert_eq!(value.pointer("/a/1/x~1y"), Some(&data!(1)));
        assert_eq!(value.pointer("/a/1/~0"), Some(&data!(2)));
        assert_eq!(value.pointer("/"), Some(&data!(3)));
        assert_eq!(value.pointer("/a/00"), None);
        assert_eq!(value.pointer("/a/+0"), None);
        assert_eq!(value.pointer("a"), None);
    }

    #[test]
    fn size_and_depth_count_shared_parts_each_time() {
        let mut value = data!("0123456789");
        for _ in 0..200 {
            value = data!([value.clone(), value.clone()]);
        }
        assert_eq!(value.depth(), 200);
        assert_eq!(value.size(), usize::MAX);
        assert_eq!(data!(1).depth(), 0);
    }
}
