//! Static types, as far as a formula shows them. What comes from outside is [`Type::Any`] and is looked at when it is there.

use std::fmt;
use std::sync::Arc;

use super::enums::{Backing, Enumeration};

/// The type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// Not known before the evaluation.
    Any,
    /// `Blank()` and `Error(…)`, which go with every type.
    Blank,
    Boolean,
    /// A binary floating-point number.
    Float,
    Decimal,
    Text,
    Date,
    Time,
    DateTime,
    Guid,
    Color,
    Enum(&'static Enumeration),
    /// A value of JSON whose type is not looked at before it is used.
    Untyped,
    Record(Columns),
    Table(Columns),
}

/// The fields of a record or a table's rows, in the order of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(pub Arc<Vec<(Arc<str>, Type)>>);

impl PartialEq for Columns {
    fn eq(&self, other: &Columns) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(name, of)| other.get(name) == Some(of))
    }
}

impl Columns {
    pub fn new(columns: Vec<(Arc<str>, Type)>) -> Columns {
        Columns(Arc::new(columns))
    }

    pub fn one(name: &str, of: Type) -> Columns {
        Columns::new(vec![(name.into(), of)])
    }

    pub fn get(&self, name: &str) -> Option<&Type> {
        self.0.iter().find(|(known, _)| &**known == name).map(|(_, of)| of)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, Type)> {
        self.0.iter()
    }

    /// The only column.
    pub fn single(&self) -> Option<&(Arc<str>, Type)> {
        match &self.0[..] {
            [column] => Some(column),
            _ => None,
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// With a column more, or another type of one.
    pub fn with(&self, name: Arc<str>, of: Type) -> Columns {
        let mut columns: Vec<_> = self.iter().filter(|(known, _)| *known != name).cloned().collect();
        columns.push((name, of));
        Columns::new(columns)
    }
}

impl Type {
    pub fn record(columns: Vec<(Arc<str>, Type)>) -> Type {
        Type::Record(Columns::new(columns))
    }

    /// A table of one column.
    pub fn table_of(name: &str, of: Type) -> Type {
        Type::Table(Columns::one(name, of))
    }

    pub fn is_any(&self) -> bool {
        matches!(self, Type::Any | Type::Blank)
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Type::Float | Type::Decimal)
    }

    pub fn is_temporal(&self) -> bool {
        matches!(self, Type::Date | Type::Time | Type::DateTime)
    }

    pub fn is_aggregate(&self) -> bool {
        matches!(self, Type::Record(_) | Type::Table(_))
    }

    pub fn columns(&self) -> Option<&Columns> {
        match self {
            Type::Record(columns) | Type::Table(columns) => Some(columns),
            _ => None,
        }
    }

    /// Whether a value of this type can be used where `wanted` is asked for.
    pub fn coerces(&self, wanted: &Type) -> bool {
        use Type::*;
        match (self, wanted) {
            (Any | Blank, _) | (_, Any | Blank) => true,
            (Enum(left), Enum(right)) => std::ptr::eq(*left, *right),
            (Text, Enum(of)) => of.from_backing && of.backing == Backing::Text,
            (Enum(_), Text) => true,
            (Enum(of), Float | Decimal) => of.to_backing && of.backing == Backing::Number,
            (Enum(of), Color) => of.backing == Backing::Color,
            (Boolean | Float | Decimal | Text, Boolean | Float | Decimal | Text) => true,
            (Date | Time | DateTime, Float | Decimal | Text) => true,
            (Float | Decimal | Text, Date | Time | DateTime) => true,
            (Date | Time | DateTime, Date | Time | DateTime) => true,
            (Guid, Guid | Text) | (Text, Guid) | (Color, Color) => true,
            (Untyped, Record(_) | Table(_)) => false,
            (Untyped, Enum(_)) => false,
            (Untyped, _) => true,
            (Record(from), Record(to)) | (Table(from), Table(to)) => from
                .iter()
                .all(|(name, of)| to.get(name).is_none_or(|wanted| of.coerces(wanted))),
            _ => self == wanted,
        }
    }

    /// The type of either of two values, in a table or of a choice; the first one decides.
    pub fn join(&self, other: &Type) -> Option<Type> {
        use Type::*;
        match (self, other) {
            (Blank, other) => Some(other.clone()),
            (of, Blank) => Some(of.clone()),
            (Any, _) | (_, Any) => Some(Any),
            (Record(left), Record(right)) => left.join(right).map(Record),
            (Table(left), Table(right)) => left.join(right).map(Table),
            (left, right) if left == right => Some(left.clone()),
            (left, right) if right.coerces(left) && !left.is_aggregate() && !right.is_aggregate() => Some(left.clone()),
            _ => None,
        }
    }
}

impl Columns {
    fn join(&self, other: &Columns) -> Option<Columns> {
        let mut columns = Vec::with_capacity(self.0.len());
        for (name, of) in self.iter() {
            let joined = match other.get(name) {
                Some(right) => of.join(right)?,
                None => of.clone(),
            };
            columns.push((name.clone(), joined));
        }
        let more = other.iter().filter(|(name, _)| self.get(name).is_none());
        columns.extend(more.cloned());
        Some(Columns::new(columns))
    }
}

impl fmt::Display for Type {
    /// As a message calls it: `a number`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Any => "a value",
            Type::Blank => "blank",
            Type::Boolean => "a boolean",
            Type::Float | Type::Decimal => "a number",
            Type::Text => "a text",
            Type::Date => "a date",
            Type::Time => "a time",
            Type::DateTime => "a date and time",
            Type::Guid => "a GUID",
            Type::Color => "a color",
            Type::Enum(of) => return write!(f, "a value of {}", of.name),
            Type::Untyped => "an untyped value",
            Type::Record(_) => "a record",
            Type::Table(_) => "a table",
        })
    }
}
