//! The envelope of what has gone well: `{"success": true, "data": ...}`; a refusal has its own.

use schemars::JsonSchema;
use serde::Serialize;

/// The answer when all is well.
#[derive(Serialize, JsonSchema)]
pub(super) struct Success<T> {
    /// Always true.
    success: bool,
    /// What was asked for.
    data: T,
}

impl<T> Success<T> {
    pub fn of(data: T) -> Success<T> {
        Success { success: true, data }
    }
}
