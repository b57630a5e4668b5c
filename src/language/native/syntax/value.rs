//! Values: literal ones, and those that an expression or a template may give.
//!
//! A value of any other type than text may also be a text that begins with `=`. That is one schema with two types and a
//! pattern, which only texts have to fit, so that an editor says one thing about a mistake.

use schemars::{JsonSchema, SchemaGenerator, json_schema};

use super::literally;

literally! {
    // Anything; expressions and templates in it are evaluated.
    Any = {};
    // A text that is taken as it is written.
    Text = {
        "type": "string",
        "pattern": r"^(?!=)(?![\s\S]*\{\{)",
        "errorMessage": "a text is needed here, in quotes if YAML reads it as something else",
        "patternErrorMessage": "this is taken as it is written: no expression or template is evaluated here",
    };
    Id = {
        "type": "string",
        "pattern": "^[A-Za-z][A-Za-z0-9_-]*$",
        "errorMessage": "an id is a text, in quotes if YAML reads it as something else",
        "patternErrorMessage": "an id is a letter, then letters, digits, `_` or `-`",
    };
    // A model with its connection.
    ModelName = {
        "type": "string",
        "pattern": "^(?!=)[^/]+/.+$",
        "errorMessage": "a model is a text: its connection, a slash and its name",
        "patternErrorMessage": "a model is written with its connection, as in `openai/gpt-4o`",
    };
    // The name by which a model calls a tool.
    ToolName = {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "errorMessage": "a name is a text, in quotes if YAML reads it as something else",
        "patternErrorMessage": "the name of a tool has at most 64 letters, digits, `_` and `-`",
    };
    // The name of an item, which expressions use.
    Name = {
        "type": "string",
        "pattern": "^[A-Za-z][A-Za-z0-9_]*$",
        "errorMessage": "a name is a text, in quotes if YAML reads it as something else",
        "patternErrorMessage": "a name is a letter, then letters, digits or `_`",
    };
    ErrorCode = {
        "type": "string",
        "pattern": r"^[^*\s]+(\*)?$|^\*$",
        "patternErrorMessage": "an error code is written in full, as `http.status`, or by its area, as `http.*`",
    };
    Flag = { "type": "boolean", "errorMessage": "write `true` or `false`" };
    // A number from 1 on.
    Count = { "type": "integer", "minimum": 1 };
    Condition = {
        "type": ["boolean", "string"],
        "pattern": "^=[^=]",
        "errorMessage": "a condition is an expression, which begins with `=`, or `true` or `false`",
        "patternErrorMessage": "a condition is an expression, which begins with `=`",
    };
    ComputedCount = {
        "type": ["integer", "string"],
        "minimum": 1,
        "pattern": "^=[^=]",
        "errorMessage": "a whole number, or an expression, which begins with `=`",
        "patternErrorMessage": "a whole number, or an expression, which begins with `=`",
    };
    ComputedList = {
        "type": ["array", "string"],
        "pattern": "^=[^=]",
        "errorMessage": "a list, or an expression, which begins with `=`",
        "patternErrorMessage": "a list, or an expression, which begins with `=`",
    };
    ComputedObject = {
        "type": ["object", "string"],
        "pattern": "^=[^=]",
        "errorMessage": "a mapping, or an expression, which begins with `=`",
        "patternErrorMessage": "a mapping, or an expression, which begins with `=`",
    };
    // A mapping whose values are evaluated and whose keys are not.
    Entries = { "type": "object" };
    Duration = {
        "type": ["string", "integer"],
        "pattern": r"^\s*(([0-9][0-9.]*(ms|[smhdw]))+|[Pp][0-9Tt]\S*|0)\s*$",
        "if": { "type": "integer" },
        "then": { "const": 0, "errorMessage": "a duration has a unit: `30s`, `500ms`, `1h30m`, `2d`" },
        "errorMessage": "a duration is a number with its unit: `30s`, `500ms`, `1h30m`, `2d`",
        "patternErrorMessage": "a duration is a number with its unit: `30s`, `500ms`, `1h30m`, `2d`",
    };
    ComputedDuration = {
        "type": ["string", "integer"],
        "pattern": r"^\s*(([0-9][0-9.]*(ms|[smhdw]))+|[Pp][0-9Tt]\S*|0)\s*$|^=|\{[{%#]",
        "if": { "type": "integer" },
        "then": { "const": 0, "errorMessage": "a duration has a unit: `30s`, `500ms`, `1h30m`, `2d`" },
        "errorMessage": "a duration is a number with its unit: `30s`, `500ms`, `1h30m`, `2d`",
        "patternErrorMessage": "a duration is a number with its unit, such as `30s` or `1h30m`, or an expression",
    };
    // A duration, or the instant at which time is over.
    Deadline = {
        "type": ["string", "integer"],
        "pattern": r"^\s*(([0-9][0-9.]*(ms|[smhdw]))+|[Pp][0-9Tt]\S*|0)\s*$|^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}|^=|\{[{%#]",
        "if": { "type": "integer" },
        "then": { "const": 0, "errorMessage": "a duration has a unit: `30s`, `500ms`, `1h30m`, `2d`" },
        "errorMessage": "a duration is a number with its unit: `30s`, `500ms`, `1h30m`, `2d`",
        "patternErrorMessage": "a duration such as `30s` or `1h30m`, an instant such as `2030-01-01T09:00:00Z`, or an expression",
    };
    Instant = {
        "type": "string",
        "pattern": r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}|^=|\{[{%#]",
        "patternErrorMessage": "an instant such as `2030-01-01T09:00:00Z`, or an expression",
    };
    CronSchedule = {
        "type": "string",
        "pattern": r"^\s*\S+(\s+\S+){4}\s*$",
        "patternErrorMessage": "a schedule has five fields: minute, hour, day of the month, month, day of the week",
    };
    WebhookPath = {
        "type": "string",
        "pattern": "^/[^ ?#]*$",
        "patternErrorMessage": "a path begins with `/`, as in `/hooks/orders`",
    };
    // `404`, `2xx` or `200-204`.
    Status = {
        "type": ["integer", "string"],
        "minimum": 100,
        "maximum": 599,
        "pattern": "^([1-5](xx|XX)|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$",
        "patternErrorMessage": "a status is written `404`, `2xx` or `200-204`",
    };
}
