use crate::data::Data;

/// A set of kinds of values: what a value may be, as far as is known before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// None: no value fits.
    pub const NONE: Kinds = Kinds(0);
    /// `null`
    pub const NULL: Kinds = Kinds(1);
    /// `true` or `false`
    pub const BOOL: Kinds = Kinds(2);
    /// Any number.
    pub const NUMBER: Kinds = Kinds(4);
    /// Any text.
    pub const TEXT: Kinds = Kinds(8);
    /// Any list.
    pub const LIST: Kinds = Kinds(16);
    /// Any map.
    pub const MAP: Kinds = Kinds(32);
    /// All kinds.
    pub const ANY: Kinds = Kinds(63);

    /// The kind of a value.
    pub fn of(data: &Data) -> Kinds {
        match data {
            Data::Null => Kinds::NULL,
            Data::Bool(_) => Kinds::BOOL,
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => Kinds::NUMBER,
            Data::Text(_) => Kinds::TEXT,
            Data::List(_) => Kinds::LIST,
            Data::Map(_) => Kinds::MAP,
        }
    }

    /// The kinds of a name in JSON Schema's `type`; all for a name that does not exist.
    pub(super) fn named(name: &str) -> Kinds {
        match name {
            "null" => Kinds::NULL,
            "boolean" => Kinds::BOOL,
            "number" | "integer" => Kinds::NUMBER,
            "string" => Kinds::TEXT,
            "array" => Kinds::LIST,
            "object" => Kinds::MAP,
            _ => Kinds::ANY,
        }
    }

    /// In one of both.
    pub fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// In both.
    pub fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// Whether all kinds of the other set are in this one.
    pub fn contains(self, other: Kinds) -> bool {
        self.and(other) == other
    }

    /// Whether a kind is in both.
    pub fn intersects(self, other: Kinds) -> bool {
        self.and(other) != Kinds::NONE
    }

    /// Whether no value fits.
    pub fn is_none(self) -> bool {
        self == Kinds::NONE
    }

    /// The names, as in [`Data::kind`].
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (Kinds::NULL, "null"),
            (Kinds::BOOL, "boolean"),
            (Kinds::NUMBER, "number"),
            (Kinds::TEXT, "text"),
            (Kinds::LIST, "list"),
            (Kinds::MAP, "object"),
        ];
        all.iter()
            .filter(|(kind, _)| self.contains(*kind))
            .map(|(_, name)| *name)
            .collect()
    }
}
