//! Inputs and outputs of a workflow as typed variables, which is how Vellum knows them: its JSON Schemas tell the types.

use crate::contract::{Kinds, Lookup, Schema, Type};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Header, Name};
use crate::serve::problem::Problem;
use crate::store::actuals::WHOLE;

/// What an input that is no object is called.
const INPUT: &str = "input";

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Json,
    ChatHistory,
    Audio,
    Video,
    Image,
    Document,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Text,
        Kind::Number,
        Kind::Json,
        Kind::ChatHistory,
        Kind::Audio,
        Kind::Video,
        Kind::Image,
        Kind::Document,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "STRING",
            Kind::Number => "NUMBER",
            Kind::Json => "JSON",
            Kind::ChatHistory => "CHAT_HISTORY",
            Kind::Audio => "AUDIO",
            Kind::Video => "VIDEO",
            Kind::Image => "IMAGE",
            Kind::Document => "DOCUMENT",
        }
    }

    /// The type of that name, in whatever case: old documents write them small.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }

    /// The type that a value has by itself.
    pub fn of(value: &Data) -> Kind {
        match value {
            Data::Text(_) => Kind::Text,
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => Kind::Number,
            Data::List(items) if !items.is_empty() && items.iter().all(is_message) => Kind::ChatHistory,
            _ => Kind::Json,
        }
    }

    /// The type of what a schema allows.
    fn of_type(ty: &Type) -> Kind {
        let kinds = ty.kinds();
        let only = |wanted: Kinds| kinds.intersects(wanted) && wanted.or(Kinds::NULL).contains(kinds);
        if only(Kinds::TEXT) {
            return Kind::Text;
        }
        if only(Kinds::NUMBER) {
            return Kind::Number;
        }
        let says = |name: &str| matches!(ty.item().property(name), Lookup::Known(_));
        match only(Kinds::LIST) && says("role") && (says("text") || says("content")) {
            true => Kind::ChatHistory,
            false => Kind::Json,
        }
    }

    /// Whether a value can be of this type.
    pub fn admits(self, value: &Data) -> bool {
        match (self, value) {
            (_, Data::Null) | (Kind::Json, _) => true,
            (Kind::Text, value) => matches!(value, Data::Text(_)),
            (Kind::Number, value) => matches!(value, Data::Int(_) | Data::UInt(_) | Data::Float(_)),
            (Kind::ChatHistory, value) => value.as_list().is_some_and(|items| items.iter().all(is_message)),
            (Kind::Audio | Kind::Video | Kind::Image | Kind::Document, value) => {
                value.get("src").is_some_and(|source| source.as_str().is_some())
            }
        }
    }
}

/// Whether a value is a message of a chat, as clients know it.
fn is_message(value: &Data) -> bool {
    let role = value.get("role").and_then(Data::as_str);
    role.is_some_and(|role| ["SYSTEM", "ASSISTANT", "USER", "FUNCTION"].contains(&role))
}

/// An input or an output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    pub name: Name,
    pub kind: Kind,
    required: bool,
    schema: Option<Data>,
}

impl Variable {
    /// As listings of deployments show it. Names are ids: nothing else is as stable.
    pub fn to_data(&self) -> Data {
        let described = |key: &str| self.schema.as_ref().and_then(|schema| schema.get(key)).cloned();
        let default = described("default").map(|value| data!({ "type": self.kind.as_str(), "value": value }));
        let extensions = data!({
            "title": described("title"),
            "description": described("description")
        });
        data!({
            "id": self.name.clone(),
            "key": self.name.clone(),
            "type": self.kind.as_str(),
            "required": self.required,
            "default": default,
            "extensions": extensions,
            "schema": self.schema.clone()
        })
    }
}

/// What a workflow takes.
pub(super) fn inputs(header: &Header) -> Vec<Variable> {
    variables(header.input_schema.as_ref(), INPUT)
}

/// What a workflow gives, as far as it says so.
pub(super) fn outputs(header: &Header) -> Vec<Variable> {
    variables(header.output_schema.as_ref(), WHOLE)
}

/// The properties of an object, or one variable for everything else.
fn variables(schema: Option<&Schema>, whole: &str) -> Vec<Variable> {
    let Some(schema) = schema else { return Vec::new() };
    let (ty, source) = (schema.ty(), schema.source());
    if !is_object(&ty) {
        return vec![Variable {
            name: whole.into(),
            kind: Kind::of_type(&ty),
            required: true,
            schema: Some(source.clone()),
        }];
    }
    let required = ty.required();
    let properties = source.get("properties").and_then(Data::as_map);
    let variable = |(name, schema): (&Name, &Data)| Variable {
        name: name.clone(),
        kind: match ty.property(name) {
            Lookup::Known(ty) => Kind::of_type(&ty),
            Lookup::Unknown { .. } | Lookup::Open => Kind::Json,
        },
        required: required.iter().any(|required| **required == **name),
        schema: schema.as_map().is_some().then(|| schema.clone()),
    };
    properties
        .into_iter()
        .flat_map(|map| map.iter())
        .map(variable)
        .collect()
}

/// Whether values are objects, or can be for all that is known.
fn is_object(ty: &Type) -> bool {
    ty.kinds().contains(Kinds::MAP)
}

/// An input as it was sent.
pub(super) struct Given {
    pub name: Name,
    pub kind: Option<Kind>,
    pub value: Data,
}

/// The input of a workflow, of the variables that were sent.
pub(super) fn input(header: &Header, given: Vec<Given>) -> Result<Data, Problem> {
    let wrong = |message: String| Err(Problem::Malformed(message));
    let ty = header.input_schema.as_ref().map(Schema::ty);
    let mut fields: indexmap::IndexMap<Name, Data> = indexmap::IndexMap::new();
    for Given { name, kind, value } in given {
        let kind = kind.unwrap_or_else(|| Kind::of(&value));
        if !kind.admits(&value) {
            return wrong(format!(
                "the input `{name}` is of the type {}, and its value is {}",
                kind.as_str(),
                value.a_kind()
            ));
        }
        let looked = ty.as_ref().filter(|ty| is_object(ty)).map(|ty| ty.property(&name));
        if let Some(Lookup::Unknown { .. }) = looked {
            let known: Vec<Name> = inputs(header).into_iter().map(|input| input.name).collect();
            let known = known.join(", ");
            return wrong(format!("the workflow has no input `{name}`; it has: {known}"));
        }
        if fields.insert(name.clone(), whole(value)).is_some() {
            return wrong(format!("the input `{name}` is there twice"));
        }
    }
    if ty.is_some_and(|ty| !is_object(&ty)) {
        return match (fields.swap_remove(INPUT), fields.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => wrong(format!("the workflow has one input, whose name is `{INPUT}`")),
        };
    }
    Ok(Data::from(fields.into_iter().collect::<Map>()))
}

/// The input of a workflow as the variables that it was made of.
pub(super) fn given(header: &Header, input: &Data) -> Vec<Data> {
    named(&inputs(header), input, INPUT, false)
}

/// The result of a workflow as outputs.
pub(super) fn results(header: &Header, result: &Data) -> Vec<Data> {
    named(&outputs(header), result, WHOLE, true)
}

/// What the outputs of a workflow are called, as far as that is known.
pub(super) fn output_names(header: &Header, result: Option<&Data>) -> Vec<Name> {
    let declared = outputs(header).into_iter().map(|output| output.name);
    let mut names: Vec<Name> = declared.collect();
    let told = match result {
        Some(Data::Map(map)) => map.keys().cloned().collect(),
        Some(_) => vec![WHOLE.into()],
        None => Vec::new(),
    };
    names.extend(told);
    names.sort();
    names.dedup();
    names
}

/// The parts of a value as typed ones, those that are declared first; `all`: also those that are declared and not there.
fn named(declared: &[Variable], value: &Data, whole: &str, all: bool) -> Vec<Data> {
    let Data::Map(map) = value else {
        let kind = declared.iter().find(|variable| *variable.name == *whole);
        return match (value, kind) {
            (Data::Null, None) => Vec::new(),
            (value, kind) => vec![typed(whole, kind.map(|variable| variable.kind), value)],
        };
    };
    let there = declared
        .iter()
        .filter(|variable| all || map.contains(&variable.name))
        .map(|variable| {
            let value = map.get(&variable.name).unwrap_or(&Data::Null);
            typed(&variable.name, Some(variable.kind), value)
        });
    let others = map
        .iter()
        .filter(|(name, _)| !declared.iter().any(|variable| variable.name == **name))
        .map(|(name, value)| typed(name, None, value));
    there.chain(others).collect()
}

/// A value with its name and type; what is not of its declared type, as a chat in another shape, is JSON.
fn typed(name: &str, kind: Option<Kind>, value: &Data) -> Data {
    let kind = match kind {
        Some(kind) if kind.admits(value) => kind,
        Some(_) => Kind::Json,
        None => Kind::of(value),
    };
    data!({ "id": name, "name": name, "type": kind.as_str(), "value": value.clone() })
}

/// What a step has received or given, as typed values with their names.
pub(super) fn parts(value: &Data, whole: &str) -> Vec<(Name, Kind, Data)> {
    let part = |name: &Name, value: &Data| (name.clone(), Kind::of(value), value.clone());
    match value {
        Data::Null => Vec::new(),
        Data::Map(map) => map.iter().map(|(name, value)| part(name, value)).collect(),
        value => vec![part(&whole.into(), value)],
    }
}

/// A whole number as such: a client that has only fractions sends `3.0` for it.
fn whole(value: Data) -> Data {
    match (&value, value.as_i64()) {
        (Data::Float(number), Some(whole)) if number.abs() < 9e15 => Data::Int(whole),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Sources, Span};

    fn header(input: Data, output: Data) -> Header {
        let file = Sources::new().add("w.yaml", "");
        let mut header = Header::new("w", Span::new(file, 0, 0));
        let schema = |source: &Data| (!source.is_null()).then(|| Schema::new(source).unwrap());
        header.input_schema = schema(&input);
        header.output_schema = schema(&output);
        header
    }

    fn kinds(variables: &[Variable]) -> Vec<(&str, &'static str, bool)> {
        let told = |variable: &'_ Variable| (variable.kind.as_str(), variable.required);
        let told = variables.iter().map(|variable| (&*variable.name, told(variable)));
        told.map(|(name, (kind, required))| (name, kind, required)).collect()
    }

    fn message() -> Data {
        data!({ "type": "object", "properties": { "role": { "type": "string" }, "text": { "type": "string" } } })
    }

    #[test]
    fn schemas_tell_the_types() {
        let header = header(
            data!({
                "type": "object",
                "required": ["words", "count"],
                "properties": {
                    "words": { "type": "string" },
                    "count": { "type": "integer" },
                    "note": { "type": ["string", "null"] },
                    "flag": { "type": "boolean" },
                    "chat": { "type": "array", "items": message() },
                    "list": { "type": "array", "items": { "type": "string" } },
                    "either": { "type": ["string", "number"] },
                    "any": {},
                    "kind": { "$ref": "#/$defs/kind" }
                },
                "$defs": { "kind": { "enum": ["a", "b"] } }
            }),
            data!({ "type": "string" }),
        );
        assert_eq!(
            kinds(&inputs(&header)),
            [
                ("words", "STRING", true),
                ("count", "NUMBER", true),
                ("note", "STRING", false),
                ("flag", "JSON", false),
                ("chat", "CHAT_HISTORY", false),
                ("list", "JSON", false),
                ("either", "JSON", false),
                ("any", "JSON", false),
                ("kind", "STRING", false),
            ]
        );
        assert_eq!(kinds(&outputs(&header)), [("output", "STRING", true)]);
    }

    fn given(name: &str, kind: Option<&str>, value: Data) -> Given {
        Given {
            name: name.into(),
            kind: kind.map(|kind| Kind::named(kind).unwrap()),
            value,
        }
    }

    #[test]
    fn inputs_become_one_input() {
        let object = header(
            data!({ "type": "object", "properties": { "words": { "type": "string" }, "count": { "type": "integer" } } }),
            Data::Null,
        );
        let sent = vec![
            given("words", Some("string"), data!("tea")),
            given("count", None, data!(3.0)),
        ];
        let made = input(&object, sent).unwrap();
        assert_eq!(made.to_string(), r#"{"words":"tea","count":3}"#);
        let wrong = |sent: Vec<Given>| input(&object, sent).unwrap_err().to_string();
        assert!(wrong(vec![given("wrods", None, data!("tea"))]).contains("no input `wrods`; it has: words, count"));
        assert!(wrong(vec![given("count", Some("NUMBER"), data!("3"))]).contains("NUMBER, and its value is a text"));
        let twice = vec![given("words", None, data!("a")), given("words", None, data!("b"))];
        assert!(wrong(twice).contains("twice"));
        let text = header(data!({ "type": "string" }), Data::Null);
        assert_eq!(
            input(&text, vec![given("input", None, data!("tea"))]).unwrap(),
            data!("tea")
        );
        assert!(input(&text, vec![given("words", None, data!("tea"))]).is_err());
        let anything = header(Data::Null, Data::Null);
        assert_eq!(input(&anything, Vec::new()).unwrap(), data!({}));
    }

    #[test]
    fn results_become_outputs() {
        let told = |header: &Header, result: Data| {
            let results = results(header, &result);
            let told = results.iter().map(|output| {
                let text = |key: &str| output.get(key).map(Data::to_text).unwrap_or_default();
                format!("{} {} {}", text("id"), text("type"), text("value"))
            });
            told.collect::<Vec<_>>()
        };
        let header_of = |output: Data| header(Data::Null, output);
        let declared = header_of(data!({
            "type": "object",
            "properties": { "team": { "type": "string" }, "score": { "type": "number" } }
        }));
        assert_eq!(
            told(&declared, data!({ "score": 2, "team": "sales", "more": true })),
            ["team STRING sales", "score NUMBER 2", "more JSON true"]
        );
        assert_eq!(
            told(&declared, data!({ "score": 2 })),
            ["team STRING ", "score NUMBER 2"]
        );
        let silent = header_of(Data::Null);
        assert_eq!(told(&silent, data!("tea")), ["output STRING tea"]);
        assert_eq!(told(&silent, Data::Null), Vec::<String>::new());
        let chat = data!({ "chat": [{ "role": "USER", "text": "hi" }] });
        assert_eq!(told(&silent, chat)[0].split(' ').nth(1), Some("CHAT_HISTORY"));
        // A client would choke on a chat whose roles it does not know.
        let schema = data!({ "type": "object", "properties": { "chat": { "type": "array", "items": message() } } });
        let small = data!({ "chat": [{ "role": "user", "text": "hi" }] });
        assert_eq!(told(&header_of(schema), small)[0].split(' ').nth(1), Some("JSON"));
    }
}
