//! What fields of test files hold besides what any file does.

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Millis, parse_duration};
use crate::yaml::Node;
pub(super) use crate::yaml::fields::{Fields, Reader, listed};

/// Fields that hold times.
pub(super) trait Times {
    /// A duration.
    fn duration(&mut self, key: &str, node: &Node) -> Option<Millis>;
}

impl Times for Reader<'_> {
    fn duration(&mut self, key: &str, node: &Node) -> Option<Millis> {
        let text = match node.as_scalar() {
            Some(scalar) if !scalar.data.is_null() => &scalar.text,
            _ => {
                self.wrong_type(key, node, "a duration", format!("write for example `{key}: 2h`"));
                return None;
            }
        };
        parse_duration(text)
            .map_err(|error| self.report(Diagnostic::error(Code::InvalidDuration, node.span, error.to_string())))
            .ok()
    }
}
