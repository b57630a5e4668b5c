//! Changes of tables.

use std::sync::Arc;

use super::failed;
use crate::data::{Data, Map};
use crate::expr::EvalError;

/// What becomes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A row more, at the end.
    Add,
    /// Without the rows that are equal to one.
    Remove,
    /// Without any row.
    Clear,
    /// Without its first row, which is the result.
    TakeFirst,
    /// Without its last row, which is the result.
    TakeLast,
}

impl Change {
    /// The table behind the change, and its result.
    pub(super) fn apply(self, table: &Data, row: Data) -> Result<(Data, Data), EvalError> {
        let Some(list) = table.as_list() else {
            return Err(failed(format!(
                "only a table has rows to change, and this is {}",
                table.a_kind()
            )));
        };
        let rows = || list.iter().cloned().map(as_row).collect::<Vec<Data>>();
        let wanted = as_row(row);
        let (rows, result) = match self {
            Change::Add => {
                let mut rows = rows();
                rows.push(wanted.clone());
                (rows, wanted)
            }
            Change::Remove => {
                let mut rows = rows();
                rows.retain(|row| *row != wanted);
                (rows, wanted)
            }
            Change::Clear => (Vec::new(), Data::Null),
            Change::TakeFirst | Change::TakeLast => {
                let mut rows = rows();
                let at = if self == Change::TakeFirst {
                    0
                } else {
                    rows.len().saturating_sub(1)
                };
                let taken = (at < rows.len()).then(|| rows.remove(at));
                (rows, taken.unwrap_or_default())
            }
        };
        Ok((Data::from(rows), result))
    }
}

/// A row: single values become records with the column `Value`.
fn as_row(value: Data) -> Data {
    match value {
        Data::Map(_) => value,
        value => Data::from([(Arc::from("Value"), value)].into_iter().collect::<Map>()),
    }
}

/// The items of a value: the rows of a table, without the record around single values; anything else is one item.
pub(super) fn items(value: &Data) -> Vec<Data> {
    match value {
        Data::Null => Vec::new(),
        Data::List(list) => list.iter().map(unwrapped).collect(),
        other => vec![other.clone()],
    }
}

fn unwrapped(row: &Data) -> Data {
    match row.as_map() {
        Some(map) if map.len() == 1 => map.get("Value").unwrap_or(row).clone(),
        _ => row.clone(),
    }
}
