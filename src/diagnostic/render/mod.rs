//! One file per way to show diagnostics.

pub mod github;
pub mod json;
pub mod sarif;
pub mod text;

use super::Diagnostic;

/// The order in which findings are shown: those without a place first, then by file and position.
fn sorted(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| diagnostic.span);
    sorted
}
