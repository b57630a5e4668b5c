//! What starts a workflow by itself.

use schemars::JsonSchema;

use super::shape;
use super::value::{Any, CronSchedule, Text, WebhookPath};

/// A schedule or a webhook. Triggers are checked; nothing acts on them yet.
#[derive(JsonSchema)]
#[schemars(rename = "trigger", rename_all = "camelCase", transform = shape::closed, transform = one_source)]
pub(super) struct Trigger {
    /// Starts at certain times.
    cron: Option<Cron>,
    /// Starts when a request comes in.
    webhook: Option<Webhook>,
    /// The input of the run; the expression sees `trigger`.
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
    /// The time zone of the schedule, by its IANA name.
    #[schemars(example = &"Europe/Berlin")]
    timezone: Option<Text>,
    /// What happens if the run before is still going on: the new one is skipped, waits, or starts beside it.
    overlap: Option<Overlap>,
    /// What happens about times at which nothing could start: nothing, one run for the last of them, or one for each.
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
    /// The secret with which the sender signs.
    #[schemars(example = &"=secrets.SHOP_TOKEN")]
    secret: Option<Any>,
    /// What the sender is answered: at once that the run was accepted, or its result.
    respond: Option<Respond>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Respond {
    Accepted,
    Result,
}
