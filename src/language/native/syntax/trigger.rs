//! What starts a workflow by itself.

use schemars::JsonSchema;

use super::shape;
use super::value::{Any, CronSchedule, Text, WebhookPath};

/// A schedule or a webhook, which `interpret serve` acts on.
#[derive(JsonSchema)]
#[schemars(rename = "trigger", rename_all = "camelCase", transform = shape::closed, transform = one_source)]
pub(super) struct Trigger {
    /// Starts at certain times.
    cron: Option<Cron>,
    /// Starts when a request comes in.
    webhook: Option<Webhook>,
    /// The input of the run; the expression sees `trigger`. By default an empty object, and of a webhook the body.
    #[schemars(example = &"=trigger.body")]
    input: Option<Any>,
    /// The id of the run. One that was used before starts nothing.
    #[schemars(example = &"order-{{ trigger.body.id }}")]
    run_id: Option<Any>,
}

fn one_source(schema: &mut schemars::Schema) {
    shape::exactly_one(schema, &["cron", "webhook"]);
}

// A schedule.
#[derive(JsonSchema)]
#[schemars(rename = "cron", rename_all = "camelCase", transform = shape::closed)]
struct Cron {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    #[schemars(example = &"0 2 * * 1-5")]
    schedule: CronSchedule,
    /// The time zone of the schedule, by its IANA name. The default is `UTC`.
    #[schemars(example = &"Europe/Berlin")]
    timezone: Option<Text>,
    /// What happens if the run before is not over: the new one is skipped, waits, or starts beside it. The default is `skip`.
    overlap: Option<Overlap>,
    /// What happens about times that were missed because no server was there: nothing, one run for the last of them, or one
    /// for each. The default is `last`.
    catch_up: Option<CatchUp>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Overlap {
    Skip,
    Queue,
    Allow,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum CatchUp {
    None,
    Last,
    All,
}

// A request that comes in.
#[derive(JsonSchema)]
#[schemars(rename = "webhook", transform = shape::closed)]
struct Webhook {
    /// The path of its address.
    #[schemars(example = &"/hooks/orders")]
    path: WebhookPath,
    /// The methods it takes. The default is `[POST]`.
    #[schemars(example = &["POST", "PUT"])]
    methods: Option<Vec<Method>>,
    /// The secret with which the sender signs. Without one, the sender needs what every client of the server needs.
    #[schemars(example = &"=secrets.SHOP_TOKEN")]
    secret: Option<Any>,
    /// How the sender signs: as in Standard Webhooks, or as GitHub. The default is `standard`.
    signature: Option<Signature>,
    /// What the sender is answered: at once that the run was accepted, or its result. The default is `accepted`.
    respond: Option<Respond>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Respond {
    Accepted,
    Result,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Signature {
    Standard,
    Github,
}
