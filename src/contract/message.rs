//! The validator's errors in words that need no knowledge of JSON Schema.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::Violation;
use super::subschemas::escape;
use crate::data::Data;
use crate::diagnostic::closest;

/// Adds what an error says; several violations where one keyword found several faults.
pub(super) fn violations(schema: &Data, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
    let pointer = error.instance_path().as_str();
    let names = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected,
        _ => {
            out.push(Violation {
                pointer: pointer.to_owned(),
                message: message(error),
            });
            return;
        }
    };
    let known = known_properties(schema, error);
    for name in names {
        let suggestion = match closest(name, known.iter().copied()) {
            Some(known) => format!("; did you mean `{known}`?"),
            None => String::new(),
        };
        out.push(Violation {
            pointer: format!("{pointer}/{}", escape(name)),
            message: format!("`{}` is not allowed here{suggestion}", short(name)),
        });
    }
}

fn message(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    let instance: &Value = error.instance();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| format!("`{}`", short(name))).collect();
            format!(
                "{} not allowed here",
                names.join(", ") + if names.len() == 1 { " is" } else { " are" }
            )
        }
        Kind::Required { property } => format!("`{}` is missing", plain(property)),
        Kind::Type { kind } => format!("expected {}, found {}", expected(kind), found(instance)),
        Kind::Enum { options } => one_of(options, instance),
        Kind::Constant { expected_value } => format!("must be {}, found {}", value(expected_value), found(instance)),
        Kind::Minimum { limit } => format!("must be at least {limit}, found {}", value(instance)),
        Kind::Maximum { limit } => format!("must be at most {limit}, found {}", value(instance)),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, found {}", value(instance)),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, found {}", value(instance)),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}, found {}", value(instance)),
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => format!("must have at least {limit} characters, has {}", length(instance)),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters, has {}", length(instance)),
        Kind::MinItems { limit: 1 } => "must have at least one item".to_owned(),
        Kind::MinItems { limit } => format!("must have at least {limit} items, has {}", length(instance)),
        Kind::MaxItems { limit } => format!("must have at most {limit} items, has {}", length(instance)),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items, has {}", length(instance)),
        Kind::MinProperties { limit } => format!("must have at least {limit} properties, has {}", length(instance)),
        Kind::MaxProperties { limit } => format!("must have at most {limit} properties, has {}", length(instance)),
        Kind::UniqueItems => "has an item twice".to_owned(),
        Kind::Contains => "has no item of the required form".to_owned(),
        Kind::UnevaluatedItems { .. } => "has items that are not allowed".to_owned(),
        Kind::Pattern { pattern } => format!("does not match the pattern `{}`", short(pattern)),
        Kind::Format { format } => format!("is no valid {format}"),
        Kind::FalseSchema => "is not allowed here".to_owned(),
        Kind::Not { .. } => "has a form that is not allowed here".to_owned(),
        Kind::PropertyNames { error } => format!("has a property whose name is not allowed: {}", message(error)),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => alternatives(error, context),
        Kind::OneOfMultipleValid { .. } => {
            "fits more than one of the alternatives, where exactly one is allowed".to_owned()
        }
        Kind::ContentEncoding { content_encoding } => format!("is not encoded as {content_encoding}"),
        Kind::ContentMediaType { content_media_type } => format!("is not of type {content_media_type}"),
        Kind::FromUtf8 { .. } => "holds no text after decoding".to_owned(),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "is too hard to compare with the pattern".to_owned()
        }
        Kind::Referencing(error) => format!("a reference of the schema leads nowhere: {error}"),
        Kind::Custom { message, .. } => message.clone(),
    }
}

/// What to say when a value fits none of several schemas: the kinds, if it is none of them, else the nearest miss.
fn alternatives(error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) -> String {
    let base = error.instance_path().as_str();
    let is_here = |error: &ValidationError<'_>| error.instance_path().as_str() == base;
    let mut kinds = Vec::new();
    for errors in context {
        match errors.iter().find(|error| is_here(error)).map(ValidationError::kind) {
            Some(ValidationErrorKind::Type { kind }) => kinds.push(expected(kind)),
            _ => kinds.clear(),
        }
        if kinds.is_empty() {
            break;
        }
    }
    if !kinds.is_empty() {
        kinds.dedup();
        return format!("expected {}, found {}", kinds.join(" or "), found(error.instance()));
    }
    let is_other_kind = |errors: &[ValidationError<'_>]| {
        errors
            .iter()
            .any(|error| matches!(error.kind(), ValidationErrorKind::Type { .. }) && is_here(error))
    };
    let nearest = context
        .iter()
        .filter(|errors| !errors.is_empty())
        .min_by_key(|errors| (is_other_kind(errors), errors.len()));
    let reason = nearest.and_then(|errors| errors.first()).map(|error| {
        let path = error.instance_path().as_str();
        match path.strip_prefix(base).unwrap_or(path) {
            "" => message(error),
            path => format!("{path}: {}", message(error)),
        }
    });
    match reason {
        Some(reason) => format!("fits none of the {} alternatives; the nearest: {reason}", context.len()),
        None => "fits none of the alternatives".to_owned(),
    }
}

fn one_of(options: &Value, instance: &Value) -> String {
    let Value::Array(options) = options else {
        return "is not one of the allowed values".to_owned();
    };
    let texts = options.iter().filter_map(Value::as_str);
    let suggestion = instance.as_str().and_then(|text| closest(text, texts));
    let shown: Vec<String> = options.iter().take(MOST_SHOWN).map(value).collect();
    let more = match options.len() > MOST_SHOWN {
        true => ", …",
        false => "",
    };
    let message = format!("must be one of {}{more}, found {}", shown.join(", "), value(instance));
    match suggestion {
        Some(known) => format!("{message}; did you mean `{known}`?"),
        None => message,
    }
}

const MOST_SHOWN: usize = 10;

/// The properties that the schema declares beside the keyword that refused one.
fn known_properties<'a>(schema: &'a Data, error: &ValidationError<'_>) -> Vec<&'a str> {
    let path = error.schema_path().as_str();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = schema
        .pointer(parent)
        .and_then(|schema| schema.get("properties"))
        .and_then(Data::as_map);
    properties.map_or_else(Vec::new, |map| map.keys().map(|name| &**name).collect())
}

fn expected(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => type_name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => kinds.iter().map(type_name).collect::<Vec<_>>().join(" or "),
    }
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a text",
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", short(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", short(text)),
        Value::Array(_) | Value::Object(_) => format!("`{}`", short(&value.to_string())),
        _ => value.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), short)
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

/// Enough of a text to recognise it.
fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
