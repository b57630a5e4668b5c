//! Parts that several places share.

use schemars::JsonSchema;

use super::keys::Something;
use super::shape;
use super::value::{ComputedDuration, Condition, Count, Duration, ErrorCode, Text};

// How often a failed attempt is repeated, and after which waits.
#[derive(JsonSchema)]
#[schemars(rename = "retry", rename_all = "camelCase", transform = shape::closed)]
pub(super) struct Retry {
    /// How many attempts there are, the first one included.
    #[schemars(example = 3)]
    attempts: Count,
    /// The wait before the second attempt. The default is none.
    #[schemars(example = &"1s")]
    delay: Option<Duration>,
    /// By what each further wait is longer than the one before. The default is 1, at which all are equal.
    #[schemars(range(min = 1), example = 2)]
    backoff: Option<f64>,
    /// The longest wait.
    #[schemars(example = &"30s")]
    max_delay: Option<Duration>,
    /// Which share of each wait is left to chance, from 0 to 1, so that many runs do not repeat at once. The default
    /// is 0.
    #[schemars(range(min = 0, max = 1), example = 0.2)]
    jitter: Option<f64>,
    /// The error codes that are repeated. The default is what may pass: time limits, network errors, the statuses 408,
    /// 425, 429 and 5xx, `exec.exit`, errors of agents and MCP servers.
    #[schemars(example = ["http.*"])]
    on: Option<Vec<ErrorCode>>,
}

/// What happens after the last attempt has failed with an error that fits: one unit of work, or `steps`. They work on
/// the `data` that the step received; their value is the step's.
#[derive(JsonSchema)]
#[schemars(rename = "handler", transform = shape::closed, transform = super::keys::one_thing)]
pub(super) struct Handler {
    /// The error codes that are handled, in full or by area. The default is all.
    #[schemars(example = ["http.status", "exec.*"])]
    on: Option<Vec<ErrorCode>>,
    /// Handles the error only if this holds; the expression sees `error`.
    #[schemars(example = &"=error.data.status == 404")]
    when: Option<Condition>,
    #[schemars(flatten)]
    something: Something,
}

// What calls get that have none of their own.
#[derive(JsonSchema)]
#[schemars(rename = "defaults", transform = shape::closed)]
pub(super) struct Defaults {
    /// The time limit of each attempt of a call.
    #[schemars(example = &"30s")]
    timeout: Option<ComputedDuration>,
    /// How failed calls are repeated.
    retry: Option<Retry>,
}

// Bounds of a run.
#[derive(JsonSchema)]
#[schemars(rename = "limits", transform = shape::closed)]
pub(super) struct Limits {
    /// How long a `finally` may take. The default is 30s.
    #[schemars(example = &"30s")]
    cleanup: Option<Duration>,
}

// What the workflow asks for.
#[derive(JsonSchema)]
#[schemars(rename = "permissions", transform = shape::closed)]
pub(super) struct Permissions {
    /// Environment variables, which expressions read as `env.NAME`.
    #[schemars(example = ["SHOP_URL"])]
    env: Option<Vec<Text>>,
    /// Secrets, which the fields of calls read as `secrets.NAME`.
    #[schemars(example = ["SHOP_TOKEN"])]
    secrets: Option<Vec<Text>>,
    /// Hosts that requests may go to.
    #[schemars(example = ["shop.example.com"])]
    http: Option<Vec<Text>>,
    /// Programs that may be started.
    #[schemars(example = ["psql"])]
    exec: Option<Vec<Text>>,
    /// MCP servers whose tools may be called.
    #[schemars(example = ["helpdesk"])]
    mcp: Option<Vec<Text>>,
}
