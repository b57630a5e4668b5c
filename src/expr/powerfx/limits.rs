//! Bounds of formulas and their evaluation. They are generous for what people write and small for a computer.

/// Bytes of a formula.
pub(super) const SOURCE: usize = 100_000;
/// How deep a formula may nest; every pass recurses as deep.
pub(super) const DEPTH: u16 = 64;
/// Steps of an evaluation: one for each operation, and one for each row that a table function makes.
pub(super) const FUEL: u64 = 2_000_000;
/// Bytes of a text that is made.
pub(super) const TEXT: usize = 16 << 20;
/// Bytes of all that an evaluation makes, as far as it is counted.
pub(super) const MEMORY: usize = 256 << 20;
