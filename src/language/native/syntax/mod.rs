//! The written form of the language as types, from which its JSON Schema is made.
//!
//! The types describe and are never filled: files are read by the modules beside this one, and a test holds both to the
//! same keys. What stands above a field is its documentation, in editors and in the manual. Kinds and units have theirs
//! in the lists of `step` and `unit`; what stands above their types is said in addition.
#![allow(dead_code, reason = "the types are there for what is derived from them")]

mod agent;
mod common;
mod document;
mod event;
mod keys;
mod schema;
mod shape;
mod step;
mod trigger;
mod unit;
mod value;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::step::StepKind;
use super::unit::UnitKind;

/// A kind of document: its name and how the generator gets to its type.
type Document = (&'static str, fn(&mut SchemaGenerator) -> schemars::Schema);

/// The kinds of documents that a file may hold, in the order in which editors offer them.
const DOCUMENTS: &[Document] = &[
    ("Workflow", |generator| generator.subschema_for::<document::Workflow>()),
    ("Agent", |generator| generator.subschema_for::<agent::Agent>()),
];

/// The JSON Schema of all documents. Its definitions have the names that files use: `Workflow`, `andThen`, `http`.
///
/// It is of draft 7, which every editor knows, and decides by `kind` with `if` and `then`: alternatives in a `oneOf`
/// would make editors name every one of them for one mistake in any.
pub(crate) fn schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let cases: Vec<Value> = DOCUMENTS
        .iter()
        .map(|(kind, subschema)| case(&[kind], subschema(&mut generator)))
        .collect();
    let kinds: Vec<&str> = DOCUMENTS.iter().map(|(kind, _)| *kind).collect();
    generator.subschema_for::<keys::Common>();
    let mut definitions = generator.take_definitions(true);
    for shared in ["unit", "common"] {
        shape::share(&mut definitions, shared);
    }
    describe(&mut definitions);
    definitions.sort_keys();
    let descriptions: Vec<&str> = kinds
        .iter()
        .map(|kind| definitions[*kind]["description"].as_str().unwrap_or_default())
        .collect();
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:interpret:workflow",
        "title": "interpret",
        "description": "Workflows and the agents they ask, each a YAML document that begins with its `kind`.",
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": {
                "description": "What the document declares.",
                "enum": kinds,
                "enumDescriptions": descriptions,
            },
        },
        "allOf": cases,
        "definitions": definitions,
    });
    shape::markdown(&mut schema);
    schema
}

/// What holds of an object with one of these kinds.
///
/// The condition is turned around twice for the sake of completion: looking for what to offer, editors take a `required`
/// key for present and a `const` for met by its beginning, and would offer the keys of all kinds.
fn case(kinds: &[&str], then: schemars::Schema) -> Value {
    let other = json!({ "not": { "type": "string", "pattern": format!("^({})$", kinds.join("|")) } });
    json!({ "if": { "not": { "properties": { "kind": other } } }, "then": then })
}

/// Gives kinds, units and documents their titles, and the first two the texts of their lists.
fn describe(definitions: &mut Map<String, Value>) {
    for (name, _) in DOCUMENTS {
        definitions[*name]["title"] = json!(name);
    }
    for kind in StepKind::ALL {
        let text = introduce(&mut definitions[kind.tag()], kind.tag(), kind.summary());
        definitions[kind.tag()]["properties"]["kind"] = json!({ "description": text });
    }
    for kind in UnitKind::ALL {
        let text = match definitions.contains_key(kind.key()) {
            true => introduce(&mut definitions[kind.key()], kind.key(), kind.summary()),
            // Its value is not one of a fixed form.
            false => kind.summary().to_owned(),
        };
        definitions["unit"]["properties"][kind.key()]["description"] = text.into();
    }
}

/// Puts a title and a summary before what the type itself says, and gives all that is said.
fn introduce(definition: &mut Value, title: &str, summary: &str) -> String {
    let text = match definition["description"].as_str() {
        Some(more) => format!("{summary}\n\n{more}"),
        None => summary.to_owned(),
    };
    definition["title"] = title.into();
    definition["description"] = text.clone().into();
    text
}

/// Declares a type by its schema alone.
macro_rules! literally {
    ($($name:ident = $schema:tt;)+) => {$(
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
                json_schema!($schema)
            }
        }
    )+};
}
use literally;
