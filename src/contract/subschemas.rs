//! Where schemas stand inside a schema, and local references between them.

use crate::data::Data;

/// Keywords whose value is a schema.
const SCHEMA: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value is a list of schemas.
const SCHEMAS: &[&str] = &["allOf", "anyOf", "items", "oneOf", "prefixItems"];

/// Keywords whose value holds schemas by name.
const NAMED_SCHEMAS: &[&str] = &[
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Calls a function with every schema in a schema, itself first, and its JSON pointer.
pub(super) fn each(schema: &Data, visit: &mut dyn FnMut(&str, &Data)) {
    walk(schema, &mut String::new(), visit);
}

fn walk(schema: &Data, pointer: &mut String, visit: &mut dyn FnMut(&str, &Data)) {
    visit(pointer, schema);
    let Data::Map(map) = schema else {
        return;
    };
    for (keyword, value) in map.iter() {
        let keyword: &str = keyword;
        let length = pointer.len();
        match value {
            Data::List(items) if SCHEMAS.contains(&keyword) => {
                for (index, item) in items.iter().enumerate() {
                    pointer.push_str(&format!("/{keyword}/{index}"));
                    walk(item, pointer, visit);
                    pointer.truncate(length);
                }
            }
            Data::Map(named) if NAMED_SCHEMAS.contains(&keyword) => {
                for (name, item) in named.iter() {
                    pointer.push_str(&format!("/{keyword}/{}", escape(name)));
                    walk(item, pointer, visit);
                    pointer.truncate(length);
                }
            }
            Data::Map(_) if SCHEMA.contains(&keyword) => {
                pointer.push_str(&format!("/{keyword}"));
                walk(value, pointer, visit);
                pointer.truncate(length);
            }
            _ => {}
        }
    }
}

/// A name as a segment of a JSON pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The schema that a reference within the document names by a JSON pointer: `#` or `#/...`.
///
/// Anchors and identifiers are left to the validator; whoever asks here treats them as unknown.
pub(super) fn local<'a>(root: &'a Data, reference: &str) -> Option<&'a Data> {
    let fragment = reference.strip_prefix('#')?;
    if !fragment.contains('%') {
        return root.pointer(fragment);
    }
    root.pointer(&percent_decoded(fragment)?)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
