//! JSON Schemas in a workflow: references to files are taken in, faults point into the YAML.

use std::collections::HashMap;
use std::sync::Arc;

use super::fields::Fields;
use super::reader::Reader;
use crate::contract::{Schema, SchemaProblem, TYPES};
use crate::data::{Data, List, Map};
use crate::diagnostic::{Code, Diagnostic, certain};
use crate::source::Sources;
use crate::yaml::{self, Node, Value};

/// How many files one schema may take in, references of references included.
const MOST_FILES: usize = 64;

impl Fields<'_> {
    /// A JSON Schema.
    pub fn schema(&mut self, reader: &mut Reader, key: &'static str) -> Option<Schema> {
        let entry = self.entry(key)?;
        read(reader, key, &entry.value)
    }
}

/// Reads a schema.
pub(super) fn read(reader: &mut Reader, key: &str, node: &Node) -> Option<Schema> {
    let boolean = node.as_scalar().is_some_and(|scalar| scalar.data.as_bool().is_some());
    if node.as_map().is_none() && !boolean {
        let help = format!("write for example `{key}: {{ type: object, required: [name] }}`");
        reader.wrong_type(key, node, "a JSON Schema", help);
        return None;
    }
    let data = include(reader, node)?;
    let schema = match Schema::new(&data) {
        Ok(schema) => schema,
        Err(problems) => {
            // One mistake may break several rules about schemas.
            let mut told: Vec<SchemaProblem> = Vec::new();
            for problem in problems {
                if told.contains(&problem) {
                    continue;
                }
                let span = node.locate(&problem.pointer);
                let mut finding =
                    Diagnostic::error(Code::InvalidSchema, span, problem.message.clone()).here(format!("in `{key}`"));
                let wrong = node.find(&problem.pointer).and_then(Node::as_str);
                match wrong.map(|wrong| (wrong, certain(wrong, TYPES))) {
                    Some((_, Some(meant))) if problem.pointer.ends_with("/type") => finding = finding.fix(span, meant),
                    Some((wrong, _)) if TYPES.contains(&wrong) => {
                        finding = finding.help(format!("a type is given by its key: `{{ type: {wrong} }}`"));
                    }
                    _ => {}
                }
                reader.report(finding);
                told.push(problem);
            }
            return None;
        }
    };
    for problem in schema.literal_problems() {
        let span = node.locate(&problem.pointer);
        let message = format!("the schema refuses its own value: {}", problem.message);
        reader.report(Diagnostic::error(Code::DefaultMismatch, span, message));
    }
    Some(schema)
}

/// The schema with every file that it refers to in its `$defs`.
fn include(reader: &mut Reader, node: &Node) -> Option<Data> {
    let mut inclusion = Inclusion {
        reader,
        names: HashMap::new(),
        found: Vec::new(),
        broken: false,
    };
    inclusion.look_for_references(node);
    if inclusion.names.is_empty() && !inclusion.broken {
        return Some(node.data());
    }
    let data = inclusion.rewrite(&node.data(), "", None);
    let mut definitions = Map::new();
    let mut next = 0;
    while let Some((path, text)) = inclusion.found.get(next).cloned() {
        next += 1;
        let definition = inclusion.parse(&path, &text, node);
        let name = inclusion.names[&path].clone();
        let definition = inclusion.rewrite(&definition, &folder(&path), Some(&name));
        definitions = definitions.with(name.into(), definition);
    }
    if inclusion.broken {
        return None;
    }
    let Data::Map(map) = data else { return Some(data) };
    let known = map.get("$defs").and_then(Data::as_map).cloned().unwrap_or_default();
    let all: Map = known
        .iter()
        .chain(definitions.iter())
        .map(|(name, definition)| (name.clone(), definition.clone()))
        .collect();
    Some(Data::Map(Arc::new(map.with("$defs".into(), Data::Map(Arc::new(all))))))
}

struct Inclusion<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// The names in `$defs` of the files, by their paths.
    names: HashMap<String, String>,
    /// The files in the order of their names.
    found: Vec<(String, Arc<str>)>,
    broken: bool,
}

impl Inclusion<'_, '_> {
    /// Reads the files that the schema itself names, with findings at the references.
    fn look_for_references(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => items.iter().for_each(|item| self.look_for_references(item)),
            Value::Map(entries) => {
                for entry in entries {
                    match (&*entry.key, entry.value.as_str()) {
                        ("$ref", Some(reference)) => {
                            if let Some((path, _)) = split(reference, "")
                                && let Err(message) = self.take(&path)
                            {
                                self.refuse(&entry.value, message);
                            }
                        }
                        _ => self.look_for_references(&entry.value),
                    }
                }
            }
        }
    }

    fn refuse(&mut self, node: &Node, message: String) {
        self.broken = true;
        let help = "`$ref` leads to a part of the same schema (`#/$defs/order`) or to a file beside the workflow";
        self.reader
            .report(Diagnostic::error(Code::InvalidSchema, node.span, message).help(help));
    }

    /// The name in `$defs` of a file, which is read when it is new.
    fn take(&mut self, path: &str) -> Result<String, String> {
        if let Some(name) = self.names.get(path) {
            return Ok(name.clone());
        }
        if path.contains("://") {
            return Err(format!("`{path}` is not in the folder; schemas are never fetched"));
        }
        if self.names.len() >= MOST_FILES {
            return Err(format!("a schema can take in {MOST_FILES} files at most"));
        }
        let text = self
            .reader
            .files
            .text(path)
            .map_err(|reason| format!("`{path}` {reason}"))?;
        self.reader.included.push(text.clone());
        let name = format!("file:{}", path.replace(['/', '~', '#', '%'], "."));
        self.names.insert(path.to_owned(), name.clone());
        self.found.push((path.to_owned(), text));
        Ok(name)
    }

    /// The schema in a file; a part of JSON is read as the YAML it is.
    fn parse(&mut self, path: &str, text: &str, node: &Node) -> Data {
        let file = Sources::new().add(path, text);
        let (documents, findings) = yaml::parse(file, text, &yaml::Limits::default());
        match (&documents[..], findings.iter().find(|finding| finding.is_error())) {
            ([document], None) => document.root.data(),
            (_, Some(finding)) => {
                self.refuse(
                    node,
                    format!("the schema file `{path}` cannot be read: {}", finding.message),
                );
                Data::Null
            }
            _ => {
                self.refuse(node, format!("the schema file `{path}` must hold one document"));
                Data::Null
            }
        }
    }

    /// The same schema with references that stay inside the whole. `own` is the name of the file it comes from.
    fn rewrite(&mut self, data: &Data, folder: &str, own: Option<&str>) -> Data {
        match data {
            Data::List(items) => {
                let items: List = items.iter().map(|item| self.rewrite(item, folder, own)).collect();
                Data::List(Arc::new(items))
            }
            Data::Map(map) => {
                let mut entries = Vec::with_capacity(map.len());
                for (key, value) in map.iter() {
                    let value = match (&**key, value.as_str()) {
                        ("$ref", Some(reference)) => Data::from(self.reference(reference, folder, own)),
                        _ => self.rewrite(value, folder, own),
                    };
                    entries.push((key.clone(), value));
                }
                Data::Map(Arc::new(entries.into_iter().collect()))
            }
            scalar => scalar.clone(),
        }
    }

    fn reference(&mut self, reference: &str, folder: &str, own: Option<&str>) -> String {
        match (split(reference, folder), own) {
            (Some((path, fragment)), _) => match self.take(&path) {
                Ok(name) => format!("#/$defs/{name}{fragment}"),
                // Named nowhere in the workflow's own text, so it stays as it is and the schema is refused for it.
                Err(_) => reference.to_owned(),
            },
            (None, Some(own)) => format!("#/$defs/{own}{}", reference.trim_start_matches('#')),
            (None, None) => reference.to_owned(),
        }
    }
}

/// The file that a reference leads to, and the pointer behind `#`; `None` if it stays in its document.
fn split(reference: &str, folder: &str) -> Option<(String, String)> {
    let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    if path.is_empty() {
        return None;
    }
    let path = match path.contains("://") || folder.is_empty() {
        true => path.to_owned(),
        false => format!("{folder}/{path}"),
    };
    Some((path, fragment.to_owned()))
}

fn folder(path: &str) -> String {
    path.rsplit_once('/')
        .map_or(String::new(), |(folder, _)| folder.to_owned())
}
