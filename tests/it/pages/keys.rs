//! The tables of keys: what the schema of the language says, `<!-- keys of NAME -->` to `<!-- end -->`.

use std::collections::BTreeSet;

use interpret::language;
use serde_json::Value;

use super::{keep, pages, read, regenerate};

/// Where the keys of every step stand, seen from a page of a step.
const COMMON: &str = "README.md#keys-of-every-step";

fn schema() -> Value {
    language::schema()
}

/// The pages of definitions that keys hold, seen from `docs/steps/` and its neighbours.
fn part(name: &str) -> &'static str {
    match name {
        "steps" => "a list of steps",
        "step" => "a step",
        "body" => "a step or a list of steps",
        "branches" => "branches, in a list or under names",
        "otherwise" => "steps, or one unit of work",
        "schema" => "a [JSON Schema](../documents.md#json-schemas)",
        "retry" => "a mapping, [see below](#retry)",
        "handler" => "a mapping, [see below](#handlers)",
        "arm" => "a mapping, [see below](#a-branch)",
        "rule" => "a mapping, [see below](#a-rule)",
        "action" => "a mapping, [see below](#an-action)",
        "tool" => "a [tool](../documents.md#tools)",
        "mcpTool" => "`server` and `tool`",
        "http" => "an [`http`](../units/http.md) request",
        "exec" => "an [`exec`](../units/exec.md) command",
        "inlineAgent" => "the keys of an [agent](../documents.md#agents) but its id",
        "parameters" => "a mapping, [see below](#parameters)",
        "agentLimits" => "a mapping, [see below](#limits-of-an-agent)",
        "defaults" => "a mapping, [see below](#defaults)",
        "limits" => "a mapping, [see below](#limits)",
        "permissions" => "a mapping, [see below](#permissions)",
        "event" => "a mapping, [see below](#events)",
        "trigger" => "a mapping, [see below](#triggers)",
        "cron" | "webhook" => "a mapping, [see below](#triggers)",
        other => panic!("`{other}` has no name on the pages"),
    }
}

/// What stands under a key, in words.
fn value(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return part(name).to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        let words: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        return words.join(", ");
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let computed = pattern.contains("=") && !pattern.contains("(?!=)");
    let or = if computed { " or an expression" } else { "" };
    if pattern.contains("[smhdw]") {
        let instant = if pattern.contains("{4}-") { ", an instant" } else { "" };
        return format!("a duration{instant}{or}");
    }
    if pattern.contains("{4}-") {
        return format!("an instant{or}");
    }
    match types[..] {
        ["boolean", "string"] => "a condition".to_owned(),
        ["boolean"] => "`true` or `false`".to_owned(),
        ["integer", "string"] if computed => format!("a whole number{or}"),
        ["integer", "string"] => "a status".to_owned(),
        ["array", "string"] => format!("a list{or}"),
        ["object", "string"] => format!("a mapping{or}"),
        ["integer"] => "a whole number".to_owned(),
        ["number"] => "a number".to_owned(),
        ["string"] => "a text".to_owned(),
        ["array"] => format!("a list: {}", value(&schema["items"])),
        ["object"] => match schema["additionalProperties"].is_object() {
            true => format!("a mapping of names: {}", value(&schema["additionalProperties"])),
            false => "a mapping".to_owned(),
        },
        ["object", ..] => "a mapping".to_owned(),
        _ => "anything".to_owned(),
    }
}

fn reference(schema: &Value) -> Option<&str> {
    let target = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    target?.strip_prefix("#/definitions/")
}

/// A row of a table.
fn row(key: &str, schema: &Value, required: bool, from_root: bool) -> String {
    let said = schema["description"]
        .as_str()
        .unwrap_or_default()
        .replace("\n\n", " ")
        .replace('|', "\\|");
    let example = match schema["examples"][0] {
        Value::Null => String::new(),
        ref example => format!("`{key}: {}`", yaml(example)).replace('|', "\\|"),
    };
    let must = if required { " (required)" } else { "" };
    let mut value = value(schema);
    if from_root {
        value = value
            .replace("../documents.md", "")
            .replace("../units/", "units/")
            .replace("(#retry)", "(steps/README.md#retry)");
    }
    format!("| `{key}`{must} | {value} | {said} | {example} |\n").replace("|  |", "| |")
}

/// A value as it stands in a file, on one line.
fn yaml(value: &Value) -> String {
    let plain = |text: &str| {
        let starts = text.starts_with(|letter: char| letter.is_alphanumeric() || "=/".contains(letter));
        starts
            && !text.contains(": ")
            && !text.contains(" #")
            && !text.contains(['{', ',', '*'])
            && text.parse::<f64>().is_err()
    };
    match value {
        Value::String(text) if plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{key}: {}", yaml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The table of a definition; keys that all steps share, and units of work, stand on pages of their own.
fn table(schema: &Value, name: &str, from_root: bool) -> String {
    let mut out = String::from("| key | value | what it is | for example |\n| --- | --- | --- | --- |\n");
    let definition = &schema["definitions"][name];
    let Some(properties) = definition["properties"].as_object() else {
        // A unit whose value has no keys of its own.
        let unit = &schema["definitions"]["unit"]["properties"][name];
        assert!(unit.is_object(), "there is no definition `{name}`");
        return out + &row(name, unit, true, from_root);
    };
    let required = definition["required"].as_array().cloned().unwrap_or_default();
    let (mut units, mut common) = (false, false);
    let (needed, optional): (Vec<_>, Vec<_>) = properties
        .iter()
        .partition(|(key, _)| required.contains(&Value::from(key.as_str())));
    for (key, property) in needed.into_iter().chain(optional) {
        let target = property["$ref"].as_str().unwrap_or_default();
        // Definitions that are no steps share some keys by chance; those are theirs.
        let is_common = target.starts_with("#/definitions/common/properties/") && name.starts_with("and");
        let is_unit = target.starts_with("#/definitions/unit/") && (name.starts_with("and") || name == "handler");
        let property = match target
            .strip_prefix('#')
            .filter(|target| target.contains("/properties/"))
        {
            Some(pointer) => schema.pointer(pointer).unwrap(),
            None => property,
        };
        units |= is_unit;
        common |= is_common;
        if key == "kind" {
            let kind = if name == "common" {
                "a [kind](#steps)".to_owned()
            } else {
                format!("`{name}`")
            };
            let what = if name.starts_with(char::is_uppercase) {
                "What the document declares."
            } else {
                "What the step does."
            };
            out += &format!("| `kind` (required) | {kind} | {what} | |\n");
        } else if !is_common && !is_unit {
            out += &row(key, property, required.contains(&Value::from(key.as_str())), from_root);
        }
    }
    if units {
        out += "| one [unit of work](../units/README.md) | | What is done. |";
        out += if properties.contains_key("steps") {
            " instead of `steps` |\n"
        } else {
            " |\n"
        };
    }
    if common {
        out += &format!(
            "| [keys of every step]({COMMON}) | | `id` (required), `timeout`, `retry`, `catch`, `output`, `into` and others. | |\n"
        );
    }
    out
}

#[test]
fn every_key_stands_in_a_table_that_is_that_of_the_schema() {
    let schema = schema();
    let mut shown = BTreeSet::new();
    for path in pages() {
        let page = read(&path);
        let from_root = path.parent().is_some_and(|folder| folder.ends_with("docs"));
        let expected = regenerate(&page, |name| {
            let name = name.strip_prefix("keys of ")?;
            shown.insert(name.to_owned());
            Some(table(&schema, name, from_root))
        });
        keep(&path, &expected);
    }
    let definitions = schema["definitions"].as_object().unwrap().iter();
    // All units stand on pages of their own; what only decides by `kind` has no keys; an agent in a step has those of
    // one in a document.
    let with_keys = definitions.filter(|(name, definition)| {
        definition["properties"].is_object() && !["unit", "step", "inlineAgent"].contains(&name.as_str())
    });
    let mut expected: BTreeSet<String> = with_keys.map(|(name, _)| name.clone()).collect();
    let units = schema["definitions"]["unit"]["properties"].as_object().unwrap();
    expected.extend(units.keys().cloned());
    assert_eq!(
        shown, expected,
        "the tables on the pages, and the definitions with keys"
    );
}
