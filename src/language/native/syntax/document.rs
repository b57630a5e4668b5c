//! Whole documents.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::common::{Defaults, Limits, Permissions};
use super::event::Event;
use super::schema::JsonSchemaOfValue;
use super::shape;
use super::step::Steps;
use super::trigger::Trigger;
use super::value::{Any, ComputedObject, Deadline, Id, Text};

/// The key `kind`, whose values the whole schema tells.
pub(super) type Kind = Any;

/// A workflow: a list of steps, with what it takes, gives and may reach.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", transform = shape::closed)]
pub(super) struct Workflow {
    /// What the document declares.
    kind: Kind,
    /// The id by which commands and other workflows name it; unique in the folder.
    #[schemars(example = &"order-approval")]
    id: Id,
    /// The name that people are shown.
    #[schemars(example = &"Order approval")]
    name: Option<Text>,
    /// What it is for, in a sentence.
    purpose: Option<Text>,
    /// What there is to know about it, at any length.
    description: Option<Text>,
    /// Its version, in quotes where YAML would read a number.
    #[schemars(example = &"1.0.0")]
    version: Option<Text>,
    /// What a caller has to send. Defaults in it are filled in before the check.
    input_schema: Option<JsonSchemaOfValue>,
    /// What the result has to match.
    output_schema: Option<JsonSchemaOfValue>,
    /// What `state` has to match.
    state_schema: Option<JsonSchemaOfValue>,
    /// What `context` has to match.
    context_schema: Option<JsonSchemaOfValue>,
    /// The state that a run begins with; `setState` of a step changes it.
    #[schemars(example = serde_json::json!({ "greeted": 0 }))]
    state: Option<ComputedObject>,
    /// The events that it starts and stops with, emits, asks and waits for. With none declared, any name may be used.
    #[schemars(example = serde_json::json!({ "Question": { "role": "request" } }))]
    events: Option<BTreeMap<String, Event>>,
    /// What it asks for: variables, secrets, hosts, programs, servers. Its operator grants it, or the run does not start.
    permissions: Option<Permissions>,
    /// What starts it by itself.
    triggers: Option<Vec<Trigger>>,
    /// What calls (`http`, `exec`, `mcp`, `function`, agents) get that have none of their own. Waits for people are never
    /// reached.
    defaults: Option<Defaults>,
    /// The time limit of the whole run: a duration, or an instant.
    #[schemars(example = &"1h")]
    timeout: Option<Deadline>,
    /// Bounds of a run.
    limits: Option<Limits>,
    /// What it does, one after the other.
    steps: Steps,
    /// The result. The default is what the last step gives.
    #[schemars(example = &"=data.total")]
    output: Option<Any>,
}
