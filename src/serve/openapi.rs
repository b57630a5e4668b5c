//! The description of the API in OpenAPI 3.1, made of the types that are read and written, and a page to read it by.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// A description in the making.
#[derive(Clone, Debug)]
pub(super) struct Description {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
    errors: Value,
}

/// What an operation of the API is like.
pub(super) struct Operation {
    method: String,
    path: String,
    id: String,
    summary: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    needs_body: bool,
    /// Whether it needs no token.
    is_open: bool,
    answers: Vec<(u16, Value)>,
    refusals: &'static [u16],
}

/// What can be refused everywhere: who asks, from where, how often.
const EVERYWHERE: &[u16] = &[400, 401, 403, 429, 431, 500, 503];

impl Description {
    pub fn new() -> Description {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
        });
        let mut schemas = settings.into_generator();
        let errors = value(schemas.subschema_for::<super::refusal::Told>());
        Description {
            schemas,
            paths: Map::new(),
            errors,
        }
    }

    /// The schema of a type, by reference where it has a name.
    pub fn schema<T: JsonSchema>(&mut self) -> Value {
        value(self.schemas.subschema_for::<T>())
    }

    pub fn add(&mut self, operation: Operation) {
        let mut responses = Map::new();
        for (status, answer) in operation.answers {
            responses.insert(status.to_string(), answer);
        }
        for status in EVERYWHERE.iter().chain(operation.refusals) {
            responses.insert(status.to_string(), self.refusal(*status));
        }
        let mut described = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "parameters": operation.parameters,
            "responses": responses,
        });
        if let (Some(body), Some(described)) = (operation.body, described.as_object_mut()) {
            described.insert(
                "requestBody".to_owned(),
                json!({ "required": operation.needs_body, "content": { "application/json": { "schema": body } } }),
            );
        }
        if operation.is_open {
            described["security"] = json!([]);
        }
        let path = self.paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method, described);
        }
    }

    fn refusal(&self, status: u16) -> Value {
        let mut refusal = json!({
            "description": meaning(status),
            "content": { "application/json": { "schema": self.errors } }
        });
        if matches!(status, 429 | 503) {
            refusal["headers"] = json!({
                "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer" } }
            });
        }
        refusal
    }

    pub fn finish(mut self) -> Value {
        let schemas = self.schemas.take_definitions(true);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "interpret",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Workflows kept as YAML files: list, inspect, execute, stream, suspend, resume."
            },
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } }
            },
            "security": [{}, { "bearer": [] }]
        })
    }
}

fn value(schema: schemars::Schema) -> Value {
    schema.to_value()
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "What was sent makes no sense, or does not match its schema; `violations` lists everything.",
        401 => "The caller has not said who it is.",
        403 => "The caller may not do that.",
        404 => "There is no such thing, or the caller may not know of it.",
        408 => "The body did not arrive in time.",
        409 => "Somebody else was faster, or it is too late.",
        413 => "The body is too large.",
        429 => "Too much is going on, or too many wrong tokens have come from there.",
        431 => "The request has more or larger headers than the server takes.",
        500 => "Something is wrong with the server.",
        _ => "The server cannot do it now.",
    }
}

impl Operation {
    pub fn new(method: &str, path: impl Into<String>, id: impl Into<String>, summary: impl Into<String>) -> Operation {
        let path = path.into();
        let names = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters = names.map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string" }
            })
        });
        Operation {
            method: method.to_owned(),
            parameters: parameters.collect(),
            path,
            id: id.into(),
            summary: summary.into(),
            body: None,
            needs_body: false,
            is_open: false,
            answers: Vec::new(),
            refusals: &[],
        }
    }

    /// A parameter of the query.
    pub fn query(self, name: &str, schema: Value, description: &str) -> Operation {
        self.parameter("query", name, false, schema, description)
    }

    /// A header.
    pub fn header(self, name: &str, schema: Value, description: &str) -> Operation {
        self.parameter("header", name, false, schema, description)
    }

    /// A header that has to be there.
    pub fn needs_header(self, name: &str, schema: Value, description: &str) -> Operation {
        self.parameter("header", name, true, schema, description)
    }

    fn parameter(mut self, place: &str, name: &str, required: bool, schema: Value, description: &str) -> Operation {
        self.parameters.push(json!({
            "name": name,
            "in": place,
            "required": required,
            "description": description,
            "schema": schema
        }));
        self
    }

    /// What has to be sent.
    pub fn needs(self, schema: Value) -> Operation {
        Operation {
            needs_body: true,
            ..self.body(schema)
        }
    }

    /// What can be sent.
    pub fn body(mut self, schema: Value) -> Operation {
        self.body = Some(schema);
        self
    }

    /// No token is needed.
    pub fn open(self) -> Operation {
        Operation { is_open: true, ..self }
    }

    /// The answer when all is well.
    pub fn answers(self, description: &str, kind: &str, schema: Value) -> Operation {
        self.answers_with(200, description, kind, schema)
    }

    /// The same with another status.
    pub fn answers_with(mut self, status: u16, description: &str, kind: &str, schema: Value) -> Operation {
        let answer = json!({ "description": description, "content": { kind: { "schema": schema } } });
        self.answers.push((status, answer));
        self
    }

    /// The statuses with which it can be refused, besides those that are everywhere.
    pub fn refuses(mut self, statuses: &'static [u16]) -> Operation {
        self.refusals = statuses;
        self
    }
}

/// A page for people, which needs nothing but itself.
pub(super) fn page(description: &Value) -> String {
    let mut out = String::from(HEAD);
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let paths = description["paths"].as_object();
    for (path, operations) in paths.into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            // Writing to a string does not fail.
            let _ = write!(
                out,
                "<details id=\"{id}\"><summary><b class=\"{method}\">{upper}</b> <code>{path}</code> <span>{summary}</span></summary>",
                id = text(&operation["operationId"]),
                upper = method.to_uppercase(),
                path = escaped(path),
                summary = text(&operation["summary"]),
            );
            parameters(&operation["parameters"], &mut out);
            let sent = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !sent.is_null() {
                let _ = write!(out, "<h3>Body</h3>{}", shown(sent));
            }
            let _ = write!(out, "<h3>Answers</h3><dl>");
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                let _ = write!(out, "<dt>{status}</dt><dd>{}</dd>", text(&answer["description"]));
            }
            out.push_str("</dl></details>\n");
        }
    }
    out.push_str("<h2>Types</h2>\n");
    for (name, schema) in description["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = writeln!(
            out,
            "<details id=\"type-{name}\"><summary><code>{name}</code> <span>{}</span></summary>{}</details>",
            text(&schema["description"]),
            shown(schema)
        );
    }
    out.push_str("</main></body></html>\n");
    out
}

fn parameters(parameters: &Value, out: &mut String) {
    let parameters = parameters.as_array().map(Vec::as_slice).unwrap_or_default();
    if parameters.is_empty() {
        return;
    }
    out.push_str("<h3>Parameters</h3><dl>");
    for parameter in parameters {
        let text = |key: &str| escaped(parameter[key].as_str().unwrap_or_default());
        let _ = write!(
            out,
            "<dt><code>{}</code> <small>{}</small></dt><dd>{}</dd>",
            text("name"),
            text("in"),
            text("description")
        );
    }
    out.push_str("</dl>");
}

fn shown(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return format!("<p><a href=\"#type-{0}\"><code>{0}</code></a></p>", escaped(name));
    }
    // JSON values have texts for keys.
    let text = serde_json::to_string_pretty(schema).unwrap_or_default();
    format!("<pre>{}</pre>", escaped(&text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>interpret: the workflow API</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color-scheme: light dark; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
summary { cursor: pointer; padding: .4rem 0; }
summary span { opacity: .75; }
b.get { color: #1a7f37; } b.post { color: #9a6700; }
details { border-bottom: 1px solid #8884; }
pre { overflow: auto; padding: .75rem; background: #8881; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1rem; }
</style></head><body><main>
<h1>interpret</h1>
<p>The workflow API. The same for programs: <a href=\"openapi.json\"><code>/openapi.json</code></a>.</p>
";
