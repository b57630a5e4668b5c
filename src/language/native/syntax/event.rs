//! Events that a workflow declares.

use schemars::JsonSchema;

use super::schema::JsonSchemaOfValue;
use super::shape;

/// A named event.
#[derive(JsonSchema)]
#[schemars(rename = "event", transform = shape::closed, transform = shape::or_null)]
pub(super) struct Event {
    /// What it is used for. The default is `progress`.
    role: Option<Role>,
    /// What its data has to match. A `start` has by default the workflow's `inputSchema`, a `stop` its `outputSchema`.
    schema: Option<JsonSchemaOfValue>,
}

/// What an event is used for.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Role {
    Start,
    Stop,
    Request,
    Response,
    Progress,
}
