use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::defaults::Filler;
use super::message;
use super::plain::Plain;
use super::subschemas::{self, escape, local};
use super::types::Type;
use crate::data::Data;
use crate::diagnostic::closest;

/// A valid JSON Schema; cloning is a reference count.
#[derive(Clone)]
pub struct Schema(Arc<Inner>);

struct Inner {
    source: Data,
    plain: Option<Plain>,
    /// Compiled when the first value is checked: most schemas of a file see none in a given run.
    validator: OnceLock<Result<Validator, String>>,
}

/// A fault of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// A fault of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value. A missing property is reported at its object, an unexpected one at itself.
    pub pointer: String,
    /// What is wrong there, without the place.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

impl Schema {
    /// Takes a schema after checking that it is one, that its patterns are regular expressions, and that its references
    /// lead to something within it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn new(schema: &Data) -> Result<Schema, Vec<SchemaProblem>> {
        let plain = Plain::compile(schema);
        let mut problems = match plain {
            Some(_) => Vec::new(),
            None => against_meta_schema(&schema.to_json()),
        };
        let mut unresolved = Vec::new();
        // Within an embedded schema of its own name, references start there and not at the root.
        let mut embedded = false;
        subschemas::each(schema, &mut |pointer, subschema| {
            embedded |= !pointer.is_empty() && subschema.get("$id").is_some();
        });
        if problems.is_empty() {
            subschemas::each(schema, &mut |pointer, subschema| {
                check_references(schema, pointer, subschema, embedded, &mut unresolved, &mut problems);
                check_patterns(pointer, subschema, &mut problems);
            });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let validator = OnceLock::new();
        if let Some((pointer, reference)) = unresolved.into_iter().next() {
            let compiled = options().build(&schema.to_json()).map_err(|_| {
                let reference = shortened(&reference);
                let message = format!("`{reference}` is not in this schema; other documents are never fetched");
                vec![SchemaProblem { pointer, message }]
            })?;
            // The lock is new, so setting it cannot fail.
            let _ = validator.set(Ok(compiled));
        }
        Ok(Schema(Arc::new(Inner {
            source: schema.clone(),
            plain,
            validator,
        })))
    }

    /// The schema as it was written.
    pub fn source(&self) -> &Data {
        &self.0.source
    }

    /// Checks a value. Defaults are not applied; see [`Schema::fill_defaults`].
    ///
    /// # Errors
    ///
    /// Every violation that the schema finds.
    pub fn validate(&self, data: &Data) -> Result<(), Vec<Violation>> {
        if self.0.plain.as_ref().is_some_and(|plain| plain.admits(data)) {
            return Ok(());
        }
        match self.validator() {
            Ok(validator) => self.check(validator, &data.to_json()),
            Err(message) => Err(vec![Violation {
                pointer: String::new(),
                message: message.clone(),
            }]),
        }
    }

    /// Fills in the defaults of absent properties, at all levels: through `properties`, `items`, `prefixItems`,
    /// `additionalProperties`, `allOf` and references within the schema. What is `null` is not absent. A default of an
    /// alternative (`anyOf`, `oneOf`, `if`) is not used, since it is open which of them the value means.
    pub fn fill_defaults(&self, data: Data) -> Data {
        let source = &self.0.source;
        Filler::new(source).fill(source, data)
    }

    /// The `default`s and `examples` in the schema that their own schema refuses.
    pub fn literal_problems(&self) -> Vec<SchemaProblem> {
        let source = &self.0.source;
        let mut literals = Vec::new();
        subschemas::each(source, &mut |pointer, schema| {
            let default = schema.get("default").map(|default| ("default".to_owned(), default));
            let examples = schema.get("examples").and_then(Data::as_list);
            let examples = examples.into_iter().flat_map(|list| list.iter()).enumerate();
            let examples = examples.map(|(index, example)| (format!("examples/{index}"), example));
            let mut own = default.into_iter().chain(examples).peekable();
            let plain = own.peek().and_then(|_| Plain::compile(schema));
            for (keyword, literal) in own {
                let filled = Filler::new(source).fill(schema, literal.clone());
                if !plain.as_ref().is_some_and(|plain| plain.admits(&filled)) {
                    literals.push((pointer.to_owned(), keyword, filled));
                }
            }
        });
        if literals.is_empty() {
            return Vec::new();
        }
        let Ok(validators) = options().build_map(&source.to_json()) else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        for (schema, keyword, filled) in literals {
            let Some(validator) = validators.get(&format!("#{schema}")) else {
                continue;
            };
            let Err(violations) = self.check(validator, &filled.to_json()) else {
                continue;
            };
            problems.extend(violations.into_iter().map(|violation| SchemaProblem {
                pointer: format!("{schema}/{keyword}{}", violation.pointer),
                message: violation.message,
            }));
        }
        problems
    }

    /// What is known before a run about the values that fit.
    pub fn ty(&self) -> Type {
        Type::of_schema(&self.0.source)
    }

    fn validator(&self) -> Result<&Validator, &String> {
        let validator = self.0.validator.get_or_init(|| {
            options()
                .build(&self.0.source.to_json())
                .map_err(|error| error.to_string())
        });
        validator.as_ref()
    }

    fn check(&self, validator: &Validator, json: &Value) -> Result<(), Vec<Violation>> {
        // Finding out what is wrong takes longer than finding out that nothing is.
        if validator.is_valid(json) {
            return Ok(());
        }
        let mut violations = Vec::new();
        for error in validator.iter_errors(json) {
            message::violations(&self.0.source, &error, &mut violations);
        }
        Err(violations)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.0.source).finish()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.source == other.0.source
    }
}

fn options<'a>() -> jsonschema::ValidationOptions<'a> {
    jsonschema::options()
        .offline()
        .with_pattern_options(jsonschema::PatternOptions::fancy_regex().backtrack_limit(100_000))
        .should_validate_formats(true)
}

fn against_meta_schema(json: &Value) -> Vec<SchemaProblem> {
    if !json.is_object() && !json.is_boolean() {
        return vec![SchemaProblem {
            pointer: String::new(),
            message: "a schema must be an object, or true or false".to_owned(),
        }];
    }
    if let Some(declared) = json.get("$schema") {
        let known = declared.as_str().is_some_and(is_known_draft);
        if !known {
            return vec![SchemaProblem {
                pointer: "/$schema".to_owned(),
                message: "this version of JSON Schema is not known".to_owned(),
            }];
        }
    }
    match jsonschema::meta::validator_for(json) {
        Ok(validator) => validator.iter_errors(json).map(|error| meta_problem(&error)).collect(),
        Err(error) => vec![SchemaProblem {
            pointer: "/$schema".to_owned(),
            message: shortened(&error.to_string()),
        }],
    }
}

fn is_known_draft(uri: &str) -> bool {
    let uri = uri.trim_end_matches('#');
    let drafts = [
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-04/schema",
    ];
    drafts.contains(&uri)
}

/// The names of types.
pub const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];

fn meta_problem(error: &ValidationError<'_>) -> SchemaProblem {
    let pointer = error.instance_path().as_str().to_owned();
    let instance = error.instance().as_str();
    if let (true, Some(name)) = (pointer.ends_with("/type"), instance) {
        let suggestion = match closest(name, TYPES) {
            Some(known) => format!("; did you mean `{known}`?"),
            None => format!("; types are {}", TYPES.join(", ")),
        };
        return SchemaProblem {
            pointer,
            message: format!("`{}` is no type{suggestion}", shortened(name)),
        };
    }
    let mut violations = Vec::new();
    message::violations(&Data::Null, error, &mut violations);
    let message = violations
        .into_iter()
        .next()
        .map_or_else(|| error.to_string(), |found| found.message);
    SchemaProblem { pointer, message }
}

/// Checks the references of one schema; those that only compiling can resolve are added to `unresolved`.
fn check_references(
    root: &Data,
    pointer: &str,
    schema: &Data,
    embedded: bool,
    unresolved: &mut Vec<(String, String)>,
    problems: &mut Vec<SchemaProblem>,
) {
    for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
        let Some(reference) = schema.get(keyword).and_then(Data::as_str) else {
            continue;
        };
        let pointer = format!("{pointer}/{keyword}");
        let is_local = reference == "#" || reference.starts_with("#/");
        if !is_local || embedded {
            unresolved.push((pointer, reference.to_owned()));
        } else if local(root, reference).is_none() {
            problems.push(SchemaProblem {
                pointer,
                message: format!("nothing stands at `{}` in this schema", shortened(reference)),
            });
        }
    }
}

fn check_patterns(pointer: &str, schema: &Data, problems: &mut Vec<SchemaProblem>) {
    let mut check = |pointer: String, pattern: &str| {
        if options().build(&serde_json::json!({ "pattern": pattern })).is_err() {
            problems.push(SchemaProblem {
                pointer,
                message: format!("`{}` is no regular expression", shortened(pattern)),
            });
        }
    };
    if let Some(pattern) = schema.get("pattern").and_then(Data::as_str) {
        check(format!("{pointer}/pattern"), pattern);
    }
    let named = schema.get("patternProperties").and_then(Data::as_map);
    for pattern in named.into_iter().flat_map(|map| map.keys()) {
        check(format!("{pointer}/patternProperties/{}", escape(pattern)), pattern);
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
