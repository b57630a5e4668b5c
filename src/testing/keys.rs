//! The keys of test files: what the reader knows, and what the JSON Schema of test files describes.

/// Of a document.
pub(super) const FILE: &[&str] = &["kind", "workflow", "version", "description", "mocks", "cases"];
/// Of a case.
pub(super) const CASE: &[&str] = &[
    "name",
    "description",
    "input",
    "context",
    "env",
    "now",
    "mocks",
    "resume",
    "events",
    "suspend",
    "cancel",
    "expect",
    "snapshot",
];
/// Of an answer to a wait.
pub(super) const PAYLOAD: &[&str] = &["payload", "after"];
/// Of an event from outside.
pub(super) const EVENT: &[&str] = &["event", "data", "at"];
/// Of a suspension from outside.
pub(super) const SUSPEND: &[&str] = &["at", "for", "reason"];
/// Of a cancellation from outside.
pub(super) const CANCEL: &[&str] = &["at", "reason"];
/// Of what is expected.
pub(super) const EXPECT: &[&str] = &["status", "result", "error", "steps", "waiting", "took"];
/// Of an expected error.
pub(super) const ERROR: &[&str] = &["code", "message", "step", "data"];
/// Of what is expected of steps.
pub(super) const STEPS: &[&str] = &["ran", "skipped"];
