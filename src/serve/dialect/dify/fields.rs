//! A schema as the form that Dify makes of it: for the input of a workflow, and for the answer of a person.

use std::sync::Arc;

use crate::contract::Schema;
use crate::data;
use crate::data::{Data, List, Map};
use crate::graph::Name;

/// From how many characters on a text is a paragraph.
const PARAGRAPH: u64 = 256;
/// The `format` that says of a value in a schema that it is a file.
const FILE: &str = "file";

/// A field of a form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub name: Name,
    label: Name,
    hint: Option<Name>,
    pub required: bool,
    pub default: Option<Data>,
    nullable: bool,
    pub kind: Kind,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text(Option<u64>),
    Paragraph(Option<u64>),
    Select(Vec<Data>),
    Number {
        whole: bool,
    },
    Checkbox,
    /// A file of some media type.
    File(Option<Name>),
    /// Files, at most so many.
    Files(Option<Name>, Option<u64>),
    /// An object of its own; lists and what else there is go by the same name, since Dify has none for them.
    Json,
}

impl Kind {
    /// Dify's word.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Text(_) => "text-input",
            Kind::Paragraph(_) => "paragraph",
            Kind::Select(_) => "select",
            Kind::Number { .. } => "number",
            Kind::Checkbox => "checkbox",
            Kind::File(_) => "file",
            Kind::Files(..) => "file-list",
            Kind::Json => "json_object",
        }
    }

    fn of(schema: &Data) -> Kind {
        let number = |key: &str| {
            schema
                .get(key)
                .and_then(Data::as_i64)
                .and_then(|number| u64::try_from(number).ok())
        };
        if is_file(schema) {
            return Kind::File(media_type(schema));
        }
        if let Some(items) = schema.get("items").filter(|items| is_file(items)) {
            return Kind::Files(media_type(items), number("maxItems"));
        }
        if let Some(options) = schema.get("enum").and_then(Data::as_list) {
            return Kind::Select(options.iter().filter(|option| !option.is_null()).cloned().collect());
        }
        let types = types(schema);
        match types.iter().find(|word| **word != "null").copied() {
            Some("string") => match number("maxLength") {
                Some(most) if most > PARAGRAPH => Kind::Paragraph(Some(most)),
                most => Kind::Text(most),
            },
            Some("number") => Kind::Number { whole: false },
            Some("integer") => Kind::Number { whole: true },
            Some("boolean") => Kind::Checkbox,
            _ => Kind::Json,
        }
    }
}

fn is_file(schema: &Data) -> bool {
    schema.get("format").and_then(Data::as_str) == Some(FILE)
}

fn media_type(schema: &Data) -> Option<Name> {
    schema.get("contentMediaType").and_then(Data::as_str).map(Name::from)
}

fn types(schema: &Data) -> Vec<&str> {
    match schema.get("type") {
        Some(Data::Text(word)) => vec![word],
        Some(Data::List(words)) => words.iter().filter_map(Data::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The fields that a schema declares, in their order.
pub(super) fn fields(schema: Option<&Schema>) -> Vec<Field> {
    let Some(source) = schema.map(Schema::source) else {
        return Vec::new();
    };
    let required: Vec<&str> = source
        .get("required")
        .and_then(Data::as_list)
        .map(|names| names.iter().filter_map(Data::as_str).collect())
        .unwrap_or_default();
    let properties = source.get("properties").and_then(Data::as_map);
    let each = properties.into_iter().flat_map(|properties| properties.iter());
    each.map(|(name, schema)| {
        let text = |key: &str| schema.get(key).and_then(Data::as_str).map(Name::from);
        let options = schema.get("enum").and_then(Data::as_list);
        let types = types(schema);
        Field {
            name: name.clone(),
            label: text("title").unwrap_or_else(|| name.clone()),
            hint: text("description"),
            required: required.contains(&&**name),
            default: schema.get("default").cloned(),
            nullable: match options {
                Some(options) => options.iter().any(Data::is_null),
                None => types.is_empty() || types.contains(&"null"),
            },
            kind: Kind::of(schema),
        }
    })
    .collect()
}

/// Whether a schema takes nothing but what it declares.
pub(super) fn is_closed(schema: Option<&Schema>) -> bool {
    let rest = schema.and_then(|schema| schema.source().get("additionalProperties"));
    rest.and_then(Data::as_bool) == Some(false)
}

impl Field {
    /// The field in `/parameters`.
    pub fn control(&self) -> Data {
        let mut about: Vec<(Name, Data)> = vec![
            ("label".into(), Data::Text(self.label.clone())),
            ("variable".into(), Data::Text(self.name.clone())),
            ("type".into(), Data::from(self.kind.word())),
            ("required".into(), Data::Bool(self.required)),
            ("default".into(), self.default.clone().unwrap_or_else(|| self.nothing())),
            ("hint".into(), Data::from(self.hint.clone().unwrap_or_default())),
        ];
        match &self.kind {
            Kind::Text(most) | Kind::Paragraph(most) => about.push(("max_length".into(), Data::from(*most))),
            Kind::Select(options) => about.push(("options".into(), options.iter().map(shown).collect())),
            Kind::File(media) | Kind::Files(media, _) => {
                if let Kind::Files(_, most) = &self.kind {
                    about.push(("max_length".into(), Data::from(*most)));
                }
                about.push(("allowed_file_types".into(), file_types(media.as_deref())));
                about.push(("allowed_file_extensions".into(), data!([])));
                about.push((
                    "allowed_file_upload_methods".into(),
                    data!(["local_file", "remote_url"]),
                ));
            }
            Kind::Number { .. } | Kind::Checkbox | Kind::Json => {}
        }
        [(Name::from(self.kind.word()), about.into_iter().collect::<Data>())]
            .into_iter()
            .collect()
    }

    /// The field in the form for a person, which knows fewer kinds.
    pub fn question(&self) -> Data {
        let options = match &self.kind {
            Kind::Select(options) => Some(options.iter().map(shown).collect::<Data>()),
            Kind::Checkbox => Some(data!(["true", "false"])),
            _ => None,
        };
        let kind = match &self.kind {
            Kind::Select(_) | Kind::Checkbox => "select",
            Kind::File(_) => "file",
            Kind::Files(..) => "file-list",
            Kind::Text(_) | Kind::Paragraph(_) | Kind::Number { .. } | Kind::Json => "paragraph",
        };
        let default = self.default.as_ref().map(shown).unwrap_or_else(|| Data::from(""));
        let mut entries: Vec<(Name, Data)> = vec![
            ("type".into(), Data::from(kind)),
            ("output_variable_name".into(), Data::Text(self.name.clone())),
            ("label".into(), Data::Text(self.label.clone())),
            ("required".into(), Data::Bool(self.required)),
            (
                "default".into(),
                data!({ "type": "constant", "selector": [], "value": default }),
            ),
        ];
        if let Some(options) = options {
            entries.push(("options".into(), options.clone()));
            entries.push((
                "option_source".into(),
                data!({ "type": "constant", "selector": [], "value": options }),
            ));
        }
        entries.into_iter().collect()
    }

    /// What stands there where nothing is written.
    fn nothing(&self) -> Data {
        match self.kind {
            Kind::Text(_) | Kind::Paragraph(_) => Data::from(""),
            Kind::Files(..) => data!([]),
            _ => Data::Null,
        }
    }

    /// A value as the workflow gets it; `None` if it is left out. Files are looked at elsewhere.
    fn take(&self, value: Option<&Data>) -> Result<Option<Data>, String> {
        let name = &self.name;
        let value = match value {
            Some(Data::Null) if self.nullable => return Ok(Some(Data::Null)),
            None | Some(Data::Null) if self.required && self.default.is_none() => {
                return Err(format!("{name} is required in input form"));
            }
            None | Some(Data::Null) => return Ok(None),
            Some(value) => value,
        };
        let wrong = |what: &str| {
            let word = self.kind.word();
            Err(format!("(type '{word}') {name} in input form must be {what}"))
        };
        let taken = match &self.kind {
            Kind::Text(most) | Kind::Paragraph(most) => {
                let Data::Text(text) = value else {
                    return wrong("a string");
                };
                let text = clean(text);
                if let Some(most) = most.filter(|most| text.chars().count() as u64 > *most) {
                    return Err(format!("{name} in input form must be less than {most} characters"));
                }
                Data::Text(text)
            }
            Kind::Select(options) => match options
                .iter()
                .find(|option| *option == value || shown(option) == *value)
            {
                Some(option) => option.clone(),
                None => {
                    let options: Vec<String> = options.iter().map(|option| format!("'{}'", option.to_text())).collect();
                    return Err(format!(
                        "{name} in input form must be one of the following: [{}]",
                        options.join(", ")
                    ));
                }
            },
            Kind::Number { whole } => match number(value, *whole) {
                Some(number) => number,
                None => return wrong("a valid number"),
            },
            Kind::Checkbox => match truth(value) {
                Some(truth) => Data::Bool(truth),
                None => return wrong("a boolean"),
            },
            // A text may be the JSON that is meant.
            Kind::Json => match value.as_str().map(serde_json::from_str::<Data>) {
                Some(Ok(read @ (Data::Map(_) | Data::List(_)))) if !self.takes_text() => read,
                _ => scrubbed(value),
            },
            Kind::File(_) | Kind::Files(..) => scrubbed(value),
        };
        Ok(Some(taken))
    }

    /// Whether a text is a value of its own, so that it is never read as JSON.
    fn takes_text(&self) -> bool {
        // What has no type takes anything.
        self.nullable
    }
}

/// What a workflow gets of what was sent, by the fields of its form.
pub(super) fn take(fields: &[Field], closed: bool, sent: &Map) -> Result<Map, String> {
    let mut taken = Vec::new();
    for field in fields {
        taken.extend(
            field
                .take(sent.get(&field.name))?
                .map(|value| (field.name.clone(), value)),
        );
    }
    let declared = |name: &Name| fields.iter().any(|field| field.name == *name);
    let others = sent.iter().filter(|(name, _)| !closed && !declared(name));
    taken.extend(others.map(|(name, value)| (name.clone(), scrubbed(value))));
    Ok(taken.into_iter().collect())
}

/// The required fields that are not there.
pub(super) fn missing(fields: &[Field], sent: &Map) -> Vec<Name> {
    let lacks = |field: &&Field| {
        let empty = sent
            .get(&field.name)
            .is_none_or(|value| value.is_null() && !field.nullable);
        field.required && field.default.is_none() && empty
    };
    fields.iter().filter(lacks).map(|field| field.name.clone()).collect()
}

/// A value as an option or a default is shown.
fn shown(value: &Data) -> Data {
    Data::Text(value.to_text())
}

/// What Dify calls the kinds of files of a media type.
fn file_types(media: Option<&str>) -> Data {
    let area = media.and_then(|media| media.split('/').next());
    match area {
        Some(area @ ("image" | "audio" | "video")) => data!([area]),
        Some(_) => data!(["document"]),
        None => data!(["document", "image", "audio", "video", "custom"]),
    }
}

fn number(value: &Data, whole: bool) -> Option<Data> {
    let number = match value {
        Data::Int(_) | Data::UInt(_) | Data::Float(_) => value.clone(),
        Data::Text(text) => {
            let text = text.trim();
            let int = text.parse::<i64>().ok().map(Data::Int);
            int.or_else(|| {
                text.parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite())
                    .map(Data::Float)
            })?
        }
        _ => return None,
    };
    match number {
        Data::Float(float) if whole => (float.fract() == 0.0 && float.abs() < 9e15).then_some(Data::Int(float as i64)),
        number => Some(number),
    }
}

fn truth(value: &Data) -> Option<bool> {
    match value {
        Data::Bool(truth) => Some(*truth),
        Data::Int(1) => Some(true),
        Data::Int(0) => Some(false),
        Data::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text without the characters that databases refuse, as Dify takes them out.
fn clean(text: &Arc<str>) -> Arc<str> {
    match text.contains('\0') {
        true => text.replace('\0', "").into(),
        false => text.clone(),
    }
}

fn scrubbed(value: &Data) -> Data {
    match value {
        Data::Text(text) => Data::Text(clean(text)),
        Data::List(list) => Data::from(list.iter().map(scrubbed).collect::<List>()),
        Data::Map(map) => map.iter().map(|(key, value)| (key.clone(), scrubbed(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(source: Data) -> Schema {
        Schema::new(&source).unwrap()
    }

    fn form() -> Schema {
        schema(data!({
            "type": "object",
            "required": ["text", "size", "doc"],
            "properties": {
                "text": { "type": "string", "maxLength": 5, "title": "The text" },
                "long": { "type": "string", "maxLength": 5000 },
                "size": { "enum": ["S", "L"] },
                "count": { "type": "integer", "default": 3 },
                "share": { "type": "number" },
                "loud": { "type": "boolean" },
                "doc": { "format": "file", "contentMediaType": "image/*" },
                "more": { "type": "array", "items": { "format": "file" }, "maxItems": 2 },
                "note": { "type": ["string", "null"] },
                "any": { "type": "object" },
            }
        }))
    }

    #[test]
    fn a_schema_is_a_form() {
        let fields = fields(Some(&form()));
        let words: Vec<_> = fields.iter().map(|field| field.kind.word()).collect();
        assert_eq!(
            words,
            [
                "text-input",
                "paragraph",
                "select",
                "number",
                "number",
                "checkbox",
                "file",
                "file-list",
                "text-input",
                "json_object"
            ]
        );
        assert_eq!(
            fields[0].control(),
            data!({ "text-input": {
                "label": "The text", "variable": "text", "type": "text-input", "required": true, "default": "",
                "hint": "", "max_length": 5
            } })
        );
        assert_eq!(
            fields[6].control().pointer("/file/allowed_file_types"),
            Some(&data!(["image"]))
        );
    }

    fn taken(sent: Data) -> Result<Data, String> {
        let sent = sent.as_map().unwrap().clone();
        take(&fields(Some(&form())), false, &sent).map(Data::from)
    }

    #[test]
    fn values_are_taken_as_dify_takes_them() {
        let sent = data!({
            "text": "a\u{0}b", "size": "L", "count": "7", "share": "0.5", "loud": "on", "doc": {}, "note": null,
            "any": "{\"a\": 1}", "long": null, "other": "kept"
        });
        assert_eq!(
            taken(sent),
            Ok(data!({
                "text": "ab", "size": "L", "count": 7, "share": 0.5, "loud": true, "doc": {}, "note": null,
                "any": { "a": 1 }, "other": "kept"
            }))
        );
    }

    #[test]
    fn refusals_say_what_dify_says() {
        let with = |key: &str, value: Data| {
            let map = data!({ "text": "a", "size": "S", "doc": {} })
                .as_map()
                .unwrap()
                .with(key.into(), value);
            taken(Data::from(map)).unwrap_err()
        };
        assert_eq!(with("text", Data::Null), "text is required in input form");
        assert_eq!(
            with("text", Data::Int(1)),
            "(type 'text-input') text in input form must be a string"
        );
        assert_eq!(
            with("text", data!("abcdef")),
            "text in input form must be less than 5 characters"
        );
        assert_eq!(
            with("size", data!("M")),
            "size in input form must be one of the following: ['S', 'L']"
        );
        assert_eq!(
            with("count", data!("7.5")),
            "(type 'number') count in input form must be a valid number"
        );
        assert_eq!(
            with("loud", data!("maybe")),
            "(type 'checkbox') loud in input form must be a boolean"
        );
    }

    #[test]
    fn what_a_closed_form_does_not_declare_is_dropped() {
        let closed = schema(data!({ "properties": { "a": { "type": "string" } }, "additionalProperties": false }));
        assert!(is_closed(Some(&closed)) && !is_closed(Some(&form())) && !is_closed(None));
        let sent = data!({ "a": "x", "b": 1 }).as_map().unwrap().clone();
        assert_eq!(
            take(&fields(Some(&closed)), true, &sent).map(Data::from),
            Ok(data!({ "a": "x" }))
        );
    }
}
