//! Steps: what one is, and the keys of each kind.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::agent::{AgentOrId, Tool};
use super::keys::{self, Common, Something, Units};
use super::schema::JsonSchemaOfValue;
use super::value::{
    Any, ComputedCount, ComputedDuration, ComputedList, Condition, Count, Entries, Flag, Instant, Name, Text,
};
use super::{case, shape};
use crate::language::native::step::StepKind;

/// A step, of any kind.
pub(super) struct Step;

impl JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut names = Vec::new();
        let mut descriptions = Vec::new();
        let mut cases = Vec::new();
        for kind in StepKind::ALL {
            let tags = [Some(kind.tag()), kind.short()];
            let tags: Vec<&str> = tags.into_iter().flatten().collect();
            cases.push(case(&tags, keys_of(*kind, generator)));
            descriptions.extend(tags.iter().map(|_| kind.summary()));
            names.extend(tags);
        }
        json_schema!({
            "description": "A step. Its `kind` says what it does and which keys it takes.",
            "type": "object",
            "required": ["kind"],
            "properties": {
                // Each kind says about itself what it does.
                "kind": { "enum": names, "enumDescriptions": descriptions },
            },
            "allOf": cases,
        })
    }
}

/// The schema of a kind.
fn keys_of(kind: StepKind, generator: &mut SchemaGenerator) -> Schema {
    match kind {
        StepKind::Then => generator.subschema_for::<Then>(),
        StepKind::When => generator.subschema_for::<When>(),
        StepKind::Branch => generator.subschema_for::<Branch>(),
        StepKind::All => generator.subschema_for::<All>(),
        StepKind::Race => generator.subschema_for::<Race>(),
        StepKind::Tap => generator.subschema_for::<Tap>(),
        StepKind::ForEach => generator.subschema_for::<ForEach>(),
        StepKind::DoWhile => generator.subschema_for::<DoWhile>(),
        StepKind::DoUntil => generator.subschema_for::<DoUntil>(),
        StepKind::Map => generator.subschema_for::<Map>(),
        StepKind::Sleep => generator.subschema_for::<Sleep>(),
        StepKind::SleepUntil => generator.subschema_for::<SleepUntil>(),
        StepKind::Agent => generator.subschema_for::<Agent>(),
        StepKind::Workflow => generator.subschema_for::<Workflow>(),
        StepKind::Guardrail => generator.subschema_for::<Guardrail>(),
        StepKind::Try => generator.subschema_for::<Try>(),
    }
}

/// One step after the other.
pub(super) struct Steps;

impl JsonSchema for Steps {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "steps".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let step = generator.subschema_for::<Step>();
        json_schema!({
            "type": "array",
            "minItems": 1,
            "items": step,
        })
    }
}

/// A step, or several one after the other.
struct Body;

impl JsonSchema for Body {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "body".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "array"],
            "if": { "type": "array" },
            "then": generator.subschema_for::<Steps>(),
            "else": generator.subschema_for::<Step>(),
        })
    }
}

/// Branches, in a list or under names.
struct Branches;

impl JsonSchema for Branches {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "branches".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let body = generator.subschema_for::<Body>();
        json_schema!({
            "type": ["array", "object"],
            "minItems": 1,
            "items": body,
            "minProperties": 1,
            "additionalProperties": body,
        })
    }
}

/// Steps, or one unit of work.
struct Otherwise;

impl JsonSchema for Otherwise {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "otherwise".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "array"],
            "if": { "type": "array" },
            "then": generator.subschema_for::<Steps>(),
            "else": {
                "if": { "required": ["kind"] },
                "then": generator.subschema_for::<Step>(),
                "else": generator.subschema_for::<Units>(),
            },
        })
    }
}

/// The unit stands under its own key, such as `set` or `http`.
#[derive(JsonSchema)]
#[schemars(rename = "andThen", transform = keys::step, transform = keys::one_unit)]
struct Then {
    #[schemars(flatten)]
    units: Units,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andWhen", transform = keys::step, transform = keys::one_thing)]
struct When {
    /// What has to hold.
    #[schemars(example = &"=input.amount > 100")]
    condition: Condition,
    /// What is done if the condition does not hold: steps, or one unit of work. The default is nothing: the step is skipped.
    r#else: Option<Otherwise>,
    #[schemars(flatten)]
    something: Something,
    #[schemars(flatten)]
    common: Common,
}

/// All that match run beside each other and give a list, with null for the others.
#[derive(JsonSchema)]
#[schemars(rename = "andBranch", transform = keys::step)]
struct Branch {
    /// Whether all branches run whose conditions hold, which is the default, or only the first.
    r#match: Option<Match>,
    /// The branches, in the order in which their conditions are looked at.
    #[schemars(length(min = 1))]
    branches: Vec<Arm>,
    /// What is done if no condition holds: a step or a list of steps. The default is nothing.
    r#else: Option<Body>,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Match {
    All,
    First,
}

/// A branch with its condition.
#[derive(JsonSchema)]
#[schemars(rename = "arm", transform = shape::closed)]
struct Arm {
    /// What has to hold.
    #[schemars(example = &"=data.total > 500")]
    condition: Condition,
    /// What is done then: a step or a list of steps.
    steps: Body,
}

/// The first failure cancels the others.
#[derive(JsonSchema)]
#[schemars(rename = "andAll", transform = keys::step)]
struct All {
    /// The branches: in a list, which gives a list, or under names, which gives an object. Each is a step or a list of steps.
    steps: Branches,
    /// How many run at once. The default is all.
    #[schemars(example = 4)]
    concurrency: Option<Count>,
    /// Lets every branch end, and gives for each its `status` with its `output` or `error`. The default is `false`.
    settle: Option<Flag>,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andRace", transform = keys::step)]
struct Race {
    /// The branches, in a list or under names. Each is a step or a list of steps.
    steps: Branches,
    /// Whether the first branch to end decides, which is the default (`settled`), or the first to succeed.
    until: Option<Until>,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Until {
    Settled,
    Success,
}

#[derive(JsonSchema)]
#[schemars(rename = "andTap", transform = keys::step, transform = keys::one_thing)]
struct Tap {
    #[schemars(flatten)]
    something: Something,
    #[schemars(flatten)]
    common: Common,
}

/// It gives the list of what came of each.
#[derive(JsonSchema)]
#[schemars(rename = "andForEach", transform = keys::step)]
struct ForEach {
    /// The list.
    #[schemars(example = &"=input.items")]
    items: ComputedList,
    /// The name of an item in expressions; the default is `item`. With `as: order` its position is `order_index`.
    #[schemars(example = &"order")]
    r#as: Option<Name>,
    /// What is done with each item, which is `data` at first.
    steps: Steps,
    /// How many items are worked on at once. The default is 1.
    #[schemars(example = 4)]
    concurrency: Option<Count>,
    /// Goes on when an item fails, and gives for each its `status` with its `output` or `error`. The default is
    /// `false`.
    settle: Option<Flag>,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andDoWhile", transform = keys::step)]
struct DoWhile {
    /// What is done each time; it starts from what the time before gave.
    steps: Steps,
    /// Whether to go on; looked at after each time, on the new `data`. `index` counts from 0.
    #[schemars(example = &"=data.left > 0")]
    condition: Condition,
    #[schemars(flatten)]
    bounds: Bounds,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andDoUntil", transform = keys::step)]
struct DoUntil {
    /// What is done each time; it starts from what the time before gave.
    steps: Steps,
    /// Whether it is done; looked at after each time, on the new `data`. `index` counts from 0.
    #[schemars(example = &"=data.score >= 8")]
    condition: Condition,
    #[schemars(flatten)]
    bounds: Bounds,
    #[schemars(flatten)]
    common: Common,
}

// How long a loop may go on.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
struct Bounds {
    /// How many times at most. The default is 1000.
    #[schemars(example = 10)]
    max_iterations: Option<ComputedCount>,
    /// What follows then: the error `loop.limit`, which is the default, or the next step.
    on_limit: Option<OnLimit>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum OnLimit {
    Fail,
    Continue,
}

#[derive(JsonSchema)]
#[schemars(rename = "andMap", transform = keys::step)]
struct Map {
    /// The keys of the new object with their values.
    #[schemars(example = json!({ "total": "=input.amount" }))]
    map: Entries,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andSleep", transform = keys::step)]
struct Sleep {
    /// How long.
    #[schemars(example = &"30s")]
    duration: ComputedDuration,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andSleepUntil", transform = keys::step)]
struct SleepUntil {
    /// The instant, in the form of RFC 3339. One that is past is not waited for.
    #[schemars(example = &"2030-01-01T09:00:00Z")]
    until: Instant,
    #[schemars(flatten)]
    common: Common,
}

/// The agent is a document with `kind: Agent`, or written here; its answer is the result. Between the turns of its model
/// it calls its tools.
#[derive(JsonSchema)]
#[schemars(rename = "andAgent", transform = keys::step, transform = prompt_or_messages)]
struct Agent {
    /// The agent: its id, or what a document with `kind: Agent` has besides an id.
    #[schemars(example = &"writer")]
    agent: AgentOrId,
    /// What it is asked. Must be there unless there are `messages`.
    #[schemars(example = &"Summarise: {{ data.text }}")]
    prompt: Option<Any>,
    /// Earlier messages: a list of `{ role: user, content: ... }`, where `role` may also be `assistant` or `system`.
    #[schemars(example = &"=data.messages")]
    messages: Option<ComputedList>,
    /// The id of the conversation that it belongs to, or false for none. The default is the conversation of the run.
    #[schemars(example = &"customer-{{ input.customer }}")]
    conversation: Option<Any>,
    /// What the agent may call in this step, besides its own tools.
    tools: Option<Vec<Tool>>,
    /// The shape of the answer. The default is the step's `outputSchema`, unless there is an `output`.
    schema: Option<JsonSchemaOfValue>,
    #[schemars(flatten)]
    common: Common,
}

fn prompt_or_messages(schema: &mut Schema) {
    let schema = schema.ensure_object();
    schema.insert("if".to_owned(), json!({ "not": { "required": ["messages"] } }));
    schema.insert("then".to_owned(), json!({ "required": ["prompt"] }));
}

/// It sees only its own input and state.
#[derive(JsonSchema)]
#[schemars(rename = "andWorkflow", transform = keys::step)]
struct Workflow {
    /// The workflow, by its id.
    #[schemars(example = &"send-invoice")]
    workflow: Text,
    /// Its version. The default is the highest there is.
    #[schemars(example = &"1.0.0")]
    version: Option<Text>,
    /// What it is sent. The default is `data`.
    #[schemars(example = json!({ "order": "=data.order" }))]
    input: Option<Any>,
    #[schemars(flatten)]
    common: Common,
}

#[derive(JsonSchema)]
#[schemars(rename = "andGuardrail", transform = keys::step)]
struct Guardrail {
    /// The rules, one after the other.
    #[schemars(length(min = 1))]
    rules: Vec<Rule>,
    #[schemars(flatten)]
    common: Common,
}

/// Something that has to hold of `data`.
#[derive(JsonSchema)]
#[schemars(rename = "rule", transform = shape::closed, transform = value_of_rewrite)]
struct Rule {
    /// What has to hold.
    #[schemars(example = &"=data.amount > 0")]
    require: Condition,
    /// What is wrong if it does not, for people.
    #[schemars(example = &"no amount")]
    message: Option<Any>,
    /// What follows if it does not hold: the error `guardrail.failed`, which is the default, or other `data`.
    action: Option<Action>,
    /// What `data` becomes with `action: rewrite`, where it must be there.
    #[schemars(example = &"=data | merge({'amount': 0})")]
    value: Option<Any>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
enum Action {
    Fail,
    Rewrite,
}

fn value_of_rewrite(schema: &mut Schema) {
    let schema = schema.ensure_object();
    let rewrites = json!({ "required": ["action"], "properties": { "action": { "const": "rewrite" } } });
    schema.insert("if".to_owned(), rewrites);
    schema.insert("then".to_owned(), json!({ "required": ["value"] }));
}

#[derive(JsonSchema)]
#[schemars(rename = "andTry", transform = keys::step)]
struct Try {
    /// What is done.
    steps: Steps,
    /// What is done at last, once, however the step ended. Nothing may wait in it.
    finally: Option<Steps>,
    #[schemars(flatten)]
    common: Common,
}
