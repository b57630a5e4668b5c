//! Agents: as documents, and written in a step.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::common::Retry;
use super::document::Kind;
use super::schema::JsonSchemaOfValue;
use super::shape;
use super::unit::{Exec, Http, McpTool};
use super::value::{Any, Condition, Count, Deadline, Duration, Entries, Id, ModelName, Text, ToolName};

/// An agent: a language model with its instructions and tools.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", transform = shape::closed)]
pub(super) struct Agent {
    /// What the document declares.
    kind: Kind,
    /// The id by which steps name it.
    #[schemars(example = &"writer")]
    id: Id,
    /// Its version, in quotes where YAML would read a number.
    #[schemars(example = &"1.0.0")]
    version: Option<Text>,
    #[schemars(flatten)]
    inline: InlineAgent,
}

// What an agent has besides its id; all there is to one that is written in a step.
#[derive(JsonSchema)]
#[schemars(rename = "inlineAgent", rename_all = "camelCase", transform = shape::closed)]
pub(super) struct InlineAgent {
    /// The name that people are shown.
    name: Option<Text>,
    /// What it is for, in a sentence.
    purpose: Option<Text>,
    /// The model: the name of its connection, a slash, and what the connection calls it.
    #[schemars(example = &"openai/gpt-4o")]
    model: ModelName,
    /// Models that are asked in its place, one after the other, when it fails.
    #[schemars(example = ["anthropic/claude-sonnet-4-5"])]
    fallbacks: Option<Vec<ModelName>>,
    /// What the model is told before each question.
    #[schemars(example = &"You answer customers of {{ input.shop }}.")]
    instructions: Option<Any>,
    /// What it may call.
    tools: Option<Vec<Tool>>,
    /// The shape of its answers, where the step asks for none.
    schema: Option<JsonSchemaOfValue>,
    /// How freely it answers, from 0 to 2.
    #[schemars(range(min = 0, max = 2), example = 0.2)]
    temperature: Option<f64>,
    /// How the model is to answer besides.
    parameters: Option<Parameters>,
    /// How many turns of the model one question may take. The default is 10.
    #[schemars(example = 8)]
    max_turns: Option<Count>,
    /// How far one question may go.
    limits: Option<AgentLimits>,
}

/// The id of an agent, or an agent of its own.
pub(super) struct AgentOrId;

impl JsonSchema for AgentOrId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "agentOrId".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inline = generator.subschema_for::<InlineAgent>();
        json_schema!({
            "type": ["string", "object"],
            "if": { "type": "object" },
            "then": inline,
            "pattern": r"^(?!=)(?![\s\S]*\{\{)",
            "patternErrorMessage": "the id is taken as it is written: no expression or template is evaluated here",
            "errorMessage": "the id of an agent, or an agent with its `model`",
        })
    }
}

// How a model is to answer.
#[derive(JsonSchema)]
#[schemars(rename = "parameters", rename_all = "camelCase", transform = shape::closed)]
struct Parameters {
    /// How many tokens one answer may have.
    #[schemars(example = 1000)]
    max_tokens: Option<Count>,
    /// From which share of the most likely tokens it chooses, from 0 to 1.
    #[schemars(range(min = 0, max = 1), example = 0.9)]
    top_p: Option<f64>,
    /// Texts behind which it stops.
    #[schemars(example = ["END"])]
    stop: Option<Vec<Text>>,
    /// A number that makes answers repeatable, where the provider can do that.
    #[schemars(range(min = 0), example = 7)]
    seed: Option<u32>,
    /// Further fields of the provider's own request, as they are.
    #[schemars(example = json!({ "reasoning_effort": "low" }))]
    extra: Option<Entries>,
}

// How far one question to an agent may go.
#[derive(JsonSchema)]
#[schemars(rename = "agentLimits", rename_all = "camelCase", transform = shape::closed)]
struct AgentLimits {
    /// How many turns of the model; the same as `maxTurns`.
    #[schemars(example = 8)]
    turns: Option<Count>,
    /// How many tokens, of requests and answers together.
    #[schemars(example = 50000)]
    tokens: Option<Count>,
    /// How much money, in the currency of the prices in `interpret.yaml`.
    #[schemars(range(min = 0), example = 0.5)]
    cost: Option<f64>,
    /// The time limit of one attempt, as `timeout` of the step.
    #[schemars(example = &"5m")]
    time: Option<Duration>,
    /// How often an answer that does not fit `schema` is sent back to the model. The default is 2.
    #[schemars(range(min = 0), example = 1)]
    corrections: Option<u32>,
}

/// Something an agent may call: one of `mcp`, `workflow`, `function`, `http` and `exec`.
#[derive(JsonSchema)]
#[schemars(rename = "tool", rename_all = "camelCase", transform = shape::closed, transform = one_tool)]
pub(super) struct Tool {
    /// A tool of an MCP server.
    mcp: Option<McpTool>,
    /// A workflow, by its id; the arguments are its input.
    #[schemars(example = &"send-invoice")]
    workflow: Option<Text>,
    /// A function that the embedding program registered.
    #[schemars(example = &"price")]
    function: Option<Text>,
    /// An HTTP request. Its fields see `arguments`.
    http: Option<Http>,
    /// A program. Its fields see `arguments`, which it reads from standard input unless there is a `stdin`.
    exec: Option<Exec>,
    /// The name by which the model calls it. The default is that of what is called; `http` and `exec` need one.
    #[schemars(example = &"search")]
    name: Option<ToolName>,
    /// What it is for, in words for the model. The default is what the server says, or the workflow's `purpose`.
    #[schemars(example = &"Search the help pages")]
    description: Option<Text>,
    /// What the `arguments` have to match. The default is what the server says, or the workflow's `inputSchema`.
    input_schema: Option<JsonSchemaOfValue>,
    /// If it holds, a person has to approve the call first. The expression sees `arguments`.
    #[schemars(example = &"=arguments.amount > 100")]
    approval: Option<Condition>,
    /// The time limit of one attempt of a call.
    #[schemars(example = &"30s")]
    timeout: Option<Deadline>,
    /// How a failed call is repeated, before the model is told of it.
    retry: Option<Retry>,
}

fn one_tool(schema: &mut Schema) {
    shape::exactly_one(schema, &["mcp", "workflow", "function", "http", "exec"]);
}
