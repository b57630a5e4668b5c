//! What `andAll` and `andRace` share: `steps` as a list or a mapping of branches (rule 15).

use super::Step;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Branch;
use crate::language::native::outline::Part;
use crate::language::native::reader::Reader;
use crate::yaml::Value;

impl Step<'_> {
    /// The branches, and whether they have keys.
    pub(super) fn branches(&mut self, reader: &mut Reader<'_>) -> Option<(Vec<Branch>, bool)> {
        let entry = self.fields.required("steps", "{ first: [...], second: [...] }")?;
        let mut branches = Vec::new();
        let keyed = match &entry.value.value {
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    branches.push(Branch {
                        key: None,
                        condition: None,
                        block: reader.branch("steps", item, self.index, Part::Branch(at)),
                    });
                }
                false
            }
            Value::Map(_) if entry.value.get("kind").is_some_and(|kind| kind.as_scalar().is_some()) => {
                let help = "write `steps:` and below it one `- kind: ...` for each branch, or a name for each branch";
                reader.wrong_type("steps", &entry.value, "branches", help);
                return None;
            }
            Value::Map(entries) => {
                for (at, entry) in entries.iter().enumerate() {
                    branches.push(Branch {
                        key: Some(entry.key.clone()),
                        condition: None,
                        block: reader.branch(&entry.key, &entry.value, self.index, Part::Branch(at)),
                    });
                }
                true
            }
            Value::Scalar(_) => {
                let help = "write `steps:` and below it one `- kind: ...` for each branch, or a name for each branch";
                reader.wrong_type("steps", &entry.value, "a list or mapping of branches", help);
                return None;
            }
        };
        if branches.is_empty() {
            self.none_given(reader, "steps", "branch");
            return None;
        }
        Some((branches, keyed))
    }

    /// Reports a list that must not be empty.
    pub(super) fn none_given(&mut self, reader: &mut Reader<'_>, key: &'static str, what: &str) {
        let span = self
            .fields
            .entry(key)
            .map_or(self.fields.anchor(), |entry| entry.value.span);
        let message = format!(
            "`{key}` is empty: an `{}` step needs at least one {what}",
            self.kind.tag()
        );
        reader.report(Diagnostic::error(Code::InvalidValue, span, message));
    }
}
