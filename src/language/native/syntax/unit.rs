//! Units of work.

use schemars::{JsonSchema, Schema};
use serde_json::json;

use super::shape;
use super::value::{Any, ComputedList, ComputedObject, Condition, Deadline, Status, Text};

/// The result is the body. `response.status` and `response.headers` are there for `output`.
#[derive(JsonSchema)]
#[schemars(rename = "http", transform = shape::closed)]
pub(super) struct Http {
    /// The method. The default is `GET`.
    method: Option<Method>,
    /// The address.
    #[schemars(example = &"https://example.com/orders")]
    url: Any,
    /// What is added to the address behind `?`. Keys whose value is null are left out.
    #[schemars(example = json!({ "page": "=data.page" }))]
    query: Option<ComputedObject>,
    /// Headers of the request.
    #[schemars(example = json!({ "Authorization": "Bearer {{ secrets.TOKEN }}" }))]
    headers: Option<ComputedObject>,
    /// What is sent, as JSON unless it is a text.
    body: Option<Any>,
    /// The statuses that are a success. The default is `[2xx]`; others are the error `http.status`.
    #[schemars(length(min = 1), example = json!(["2xx", 404]))]
    accept: Option<Vec<Status>>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

/// The result is what it writes to standard output. A status other than 0 is the error `exec.exit`.
#[derive(JsonSchema)]
#[schemars(rename = "exec", transform = shape::closed)]
pub(super) struct Exec {
    /// The program and its arguments. Arguments that are null are left out, lists are spliced in.
    #[schemars(example = json!(["psql", "-f", "report.sql"]))]
    command: ComputedList,
    /// Its environment variables.
    #[schemars(example = json!({ "PGHOST": "=env.PGHOST" }))]
    env: Option<ComputedObject>,
    /// What it reads from standard input: a text, or anything else as JSON.
    stdin: Option<Any>,
    /// How its output is read. By default it is JSON if it looks like it, else text.
    stdout: Option<Stdout>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Stdout {
    Json,
    Text,
    Lines,
}

#[derive(JsonSchema)]
#[schemars(rename = "mcp", transform = shape::closed)]
pub(super) struct Mcp {
    /// The server, by its name in the operator's configuration.
    #[schemars(example = &"helpdesk")]
    server: Text,
    /// The tool.
    #[schemars(example = &"search")]
    tool: Text,
    /// What the tool is given.
    #[schemars(example = json!({ "words": "=data.words" }))]
    arguments: Option<ComputedObject>,
}

// A tool of an MCP server.
#[derive(JsonSchema)]
#[schemars(rename = "mcpTool", transform = shape::closed)]
pub(super) struct McpTool {
    /// The server, by its name in the operator's configuration.
    #[schemars(example = &"helpdesk")]
    server: Text,
    /// The tool.
    #[schemars(example = &"search")]
    tool: Text,
}

#[derive(JsonSchema)]
#[schemars(rename = "function", transform = shape::closed)]
pub(super) struct Function {
    /// The name under which it was registered.
    #[schemars(example = &"price")]
    name: Text,
    /// What it is given.
    #[schemars(example = json!({ "item": "=input.item" }))]
    arguments: Option<Any>,
}

/// The run is suspended until somebody answers; the answer is the result and has to match the step's `resumeSchema`.
#[derive(JsonSchema)]
#[schemars(rename = "suspend", rename_all = "camelCase", transform = shape::closed, transform = shape::or_null)]
pub(super) struct Suspend {
    /// Waits only if this holds.
    #[schemars(example = &"=input.amount > 1000")]
    when: Option<Condition>,
    /// Why it waits, for the person who answers.
    #[schemars(example = &"Pay {{ input.amount }}?")]
    reason: Option<Any>,
    /// What the person is shown besides.
    data: Option<Any>,
    /// The declared event with the role `request` that asks.
    #[schemars(example = &"Question")]
    request: Option<Text>,
    /// The declared event with the role `response` that answers. Its schema is the default of `resumeSchema`.
    #[schemars(example = &"Answer")]
    response: Option<Text>,
    /// What the person can choose from. The answer then has the chosen id under `action`.
    #[schemars(length(min = 1))]
    actions: Option<Vec<Action>>,
    /// How long it waits: a duration, or an instant. The default is without end.
    #[schemars(example = &"48h")]
    timeout: Option<Deadline>,
    /// What follows when the time is over: the error `suspend.timeout`, which is the default, or the next step.
    on_timeout: Option<OnTimeout>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum OnTimeout {
    Fail,
    Continue,
}

/// Something that a person can choose.
#[derive(JsonSchema)]
#[schemars(rename = "action", transform = shape::closed)]
struct Action {
    /// What comes back as `action` when it is chosen.
    #[schemars(example = &"approve")]
    id: Text,
    /// What is written on the button. The default is the id.
    #[schemars(example = &"Approve")]
    title: Option<Text>,
    /// How it looks, for clients that know the word.
    #[schemars(example = &"primary")]
    style: Option<Text>,
}

/// Events that came before the wait began are kept and count. The event's data is the result.
#[derive(JsonSchema)]
#[schemars(rename = "waitFor", transform = shape::closed)]
pub(super) struct WaitFor {
    /// The name of the event.
    #[schemars(example = &"PaymentReceived")]
    event: Text,
    /// Which of the events with this name; the expression sees `event`.
    #[schemars(rename = "where", example = &"=event.order == input.id")]
    filter: Option<Condition>,
    /// How long it waits: a duration, or an instant. Then comes the error `event.timeout`. The default is without end.
    #[schemars(example = &"1h")]
    timeout: Option<Deadline>,
}

/// `data` stays as it is.
#[derive(JsonSchema)]
#[schemars(rename = "emit", transform = shape::closed)]
pub(super) struct Emit {
    /// Emits only if this holds.
    #[schemars(example = &"=data.changed")]
    when: Option<Condition>,
    /// The name of the event.
    #[schemars(example = &"Progress")]
    event: Text,
    /// What it says. The default is null.
    #[schemars(example = json!({ "percent": 50 }))]
    data: Option<Any>,
}

/// `fail: =error` raises an error again that `catch` has caught.
#[derive(JsonSchema)]
#[schemars(rename = "fail", transform = shape::closed, transform = or_again)]
pub(super) struct Fail {
    /// Fails only if this holds.
    #[schemars(example = &"=not data.approved")]
    when: Option<Condition>,
    /// The code of the error, which `catch` and `retry` name. The default is `failed`.
    #[schemars(example = &"REJECTED")]
    code: Option<Text>,
    /// What happened, for people.
    #[schemars(example = &"nobody agreed")]
    message: Option<Any>,
    /// What there is to know about it, for handlers.
    data: Option<Any>,
}

/// Nothing at all, or a caught error.
fn or_again(schema: &mut Schema) {
    let schema = schema.ensure_object();
    schema.insert("type".to_owned(), json!(["object", "string", "null"]));
    schema.insert("pattern".to_owned(), json!("^=[^=]"));
    let message = "to raise a caught error again, write `fail: =error`";
    schema.insert("patternErrorMessage".to_owned(), message.into());
}

/// It ends from any depth; in a child only the child.
#[derive(JsonSchema)]
#[schemars(rename = "end", transform = shape::closed, transform = shape::or_null)]
pub(super) struct End {
    /// Ends only if this holds.
    #[schemars(example = &"=data.total == 0")]
    when: Option<Condition>,
    /// The result of the workflow, instead of its own `output`. The default is null.
    #[schemars(example = &"=data")]
    output: Option<Any>,
}

#[derive(JsonSchema)]
#[schemars(rename = "cancel", transform = shape::closed, transform = shape::or_null)]
pub(super) struct Cancel {
    /// Cancels only if this holds.
    #[schemars(example = &"=data.obsolete")]
    when: Option<Condition>,
    /// Why, for people.
    #[schemars(example = &"no longer needed")]
    reason: Option<Any>,
}
