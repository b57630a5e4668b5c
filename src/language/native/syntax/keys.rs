//! Keys that steps have in common, and the units of work among them.

use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::common::{Handler, Retry};
use super::document::Kind;
use super::schema::JsonSchemaOfValue;
use super::shape;
use super::step::Steps;
use super::unit;
use super::value::{Any, Deadline, Entries, Id, Text};
use crate::language::native::unit::UnitKind;

// What every step has or may have. Not a doc comment, which would become that of the steps.
#[derive(JsonSchema)]
#[schemars(rename = "common", rename_all = "camelCase", transform = shape::closed)]
pub(super) struct Common {
    /// What the step does.
    kind: Kind,
    /// The id by which expressions, commands and people name the step; unique in the workflow.
    #[schemars(example = &"some-id")]
    id: Id,
    /// The name that people are shown.
    name: Option<Text>,
    /// What the step is for, in a sentence.
    purpose: Option<Text>,
    /// What the `data` that comes in has to match.
    input_schema: Option<JsonSchemaOfValue>,
    /// The time limit of one attempt, waits included: a duration, or an instant.
    #[schemars(example = &"30s")]
    timeout: Option<Deadline>,
    /// How a failed attempt is repeated.
    retry: Option<Retry>,
    /// What is done after the last attempt has failed: the first handler that fits. Its value is the step's.
    catch: Option<Vec<Handler>>,
    /// What the step gives, instead of what came back. Sees `result`, for calls `response`, for waits `resume`, for
    /// races `winner`.
    #[schemars(example = &"=result.items")]
    output: Option<Any>,
    /// What the step has to give.
    output_schema: Option<JsonSchemaOfValue>,
    /// Keeps `data` and puts what the step gives under this key.
    #[schemars(example = &"order")]
    into: Option<Text>,
    /// Keys of the workflow's `state` that change when the step succeeds. Sees `output`.
    #[schemars(example = serde_json::json!({ "count": "=state.count + 1" }))]
    set_state: Option<Entries>,
    /// What the `data` of a `suspend` has to match.
    suspend_schema: Option<JsonSchemaOfValue>,
    /// What the answer to a `suspend` has to match.
    resume_schema: Option<JsonSchemaOfValue>,
}

// The units of work, of which one may be chosen. What they do stands in the list of units.
#[derive(JsonSchema)]
#[schemars(rename = "unit", rename_all = "camelCase", transform = shape::closed, transform = one_unit)]
pub(super) struct Units {
    #[schemars(example = serde_json::json!({ "total": "=input.amount" }))]
    set: Option<Any>,
    #[schemars(example = serde_json::json!({ "total": "=data.total + 1" }))]
    assign: Option<Entries>,
    http: Option<unit::Http>,
    exec: Option<unit::Exec>,
    mcp: Option<unit::Mcp>,
    function: Option<unit::Function>,
    suspend: Option<unit::Suspend>,
    wait_for: Option<unit::WaitFor>,
    emit: Option<unit::Emit>,
    fail: Option<unit::Fail>,
    end: Option<unit::End>,
    cancel: Option<unit::Cancel>,
}

// Steps or one unit of work.
#[derive(JsonSchema)]
pub(super) struct Something {
    /// What is done, one after the other, instead of one unit of work.
    steps: Option<Steps>,
    #[schemars(flatten)]
    units: Units,
}

/// Exactly one unit of work.
pub(super) fn one_unit(schema: &mut Schema) {
    let units: Vec<&str> = UnitKind::ALL.iter().map(|kind| kind.key()).collect();
    shape::exactly_one(schema, &units);
}

/// Exactly one of `steps` and the units of work.
pub(super) fn one_thing(schema: &mut Schema) {
    let units = UnitKind::ALL.iter().map(|kind| kind.key());
    let keys: Vec<&str> = std::iter::once("steps").chain(units).collect();
    shape::exactly_one(schema, &keys);
}

/// A step takes its own keys and no others.
pub(super) fn step(schema: &mut Schema) {
    shape::closed(schema);
    first(schema);
}

/// Puts what stands first in a file first.
fn first(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for key in ["purpose", "name", "id", "kind"] {
        if let Some(property) = properties.shift_remove(key) {
            properties.shift_insert(0, key.to_owned(), property);
        }
    }
}
