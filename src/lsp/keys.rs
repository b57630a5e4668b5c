//! The JSON Schema of the language at a place of a document: which keys and words there are, and what they mean.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::cursor::Link;
use crate::language;
use crate::testing;
use crate::yaml::Node;

static WORKFLOW: LazyLock<Value> = LazyLock::new(language::schema);
static TEST: LazyLock<Value> = LazyLock::new(testing::schema);

/// No chain of references in the schema is longer.
const DEEPEST: usize = 16;

/// The parts of the schema that speak of one value.
pub(super) struct Here {
    /// Where references lead from.
    whole: &'static Value,
    parts: Vec<&'static Map<String, Value>>,
}

/// A key that may stand in a mapping.
pub(super) struct Key {
    pub name: &'static str,
    pub required: bool,
    /// What it means, in Markdown.
    pub text: Option<&'static str>,
    /// Whether its value is a mapping or list, never a single word.
    pub nests: bool,
}

impl Here {
    /// What is said of the value at the end of a way.
    pub fn at(root: &Node, way: &[Link]) -> Here {
        let whole: &'static Value = match root.get("kind").and_then(Node::as_str) {
            Some("WorkflowTest") => &TEST,
            _ => &WORKFLOW,
        };
        let mut here = Here::of(whole, whole, Some(root));
        let mut node = Some(root);
        for link in way {
            node = node.and_then(|node| match link {
                Link::Key(key) => node.get(key),
                Link::Index(at) => node.as_list().and_then(|items| items.get(*at)),
            });
            let below = here.parts.iter().flat_map(|schema| below(schema, link));
            let mut next = Here {
                whole,
                parts: Vec::new(),
            };
            below.for_each(|schema| next.collect(schema, node, 0));
            here = next;
        }
        here
    }

    fn of(whole: &'static Value, schema: &'static Value, node: Option<&Node>) -> Here {
        let mut here = Here {
            whole,
            parts: Vec::new(),
        };
        here.collect(schema, node, 0);
        here
    }

    /// Takes in a schema with what it refers to and what it adds for this value.
    fn collect(&mut self, schema: &'static Value, node: Option<&Node>, depth: usize) {
        let Some(map) = schema.as_object().filter(|_| depth < DEEPEST) else {
            return;
        };
        self.parts.push(map);
        let target = map.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| self.whole.pointer(target.strip_prefix('#')?));
        let groups = ["allOf", "anyOf"]
            .into_iter()
            .filter_map(|keyword| map.get(keyword)?.as_array());
        let branch = map.get("if").and_then(|condition| match fits(condition, node) {
            true => map.get("then"),
            false => map.get("else"),
        });
        for more in target.into_iter().chain(groups.flatten()).chain(branch) {
            self.collect(more, node, depth + 1);
        }
    }

    /// The keys that a mapping here may have, those with a meaning of their own: the required ones first.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for (name, schema) in self.each("properties").filter_map(Value::as_object).flatten() {
            if keys.iter().any(|known| known.name == name) || self.excludes(name) {
                continue;
            }
            let own = Here::of(self.whole, schema, None);
            keys.push(Key {
                name,
                required: self.requires(name),
                text: own.text(),
                nests: own.nests(),
            });
        }
        keys.sort_by_key(|key| !key.required);
        keys
    }

    fn requires(&self, name: &str) -> bool {
        let lists = self.each("required").filter_map(Value::as_array);
        lists.flatten().any(|required| required == name)
    }

    /// Whether a key may not stand beside those that are there.
    fn excludes(&self, name: &str) -> bool {
        let patterns = self.each("patternProperties").filter_map(Value::as_object).flatten();
        let mut refused = patterns.filter(|(_, schema)| **schema == Value::Bool(false));
        refused.any(|(pattern, _)| words(pattern).any(|word| word == name))
    }

    /// The words that may stand here, each with what it means.
    pub fn values(&self) -> Vec<(String, Option<&'static str>)> {
        let mut values: Vec<(String, Option<&'static str>)> = Vec::new();
        for schema in &self.parts {
            let texts = schema
                .get("markdownEnumDescriptions")
                .or(schema.get("enumDescriptions"));
            let all = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            for (at, value) in all.enumerate() {
                let text = texts.and_then(|texts| texts.get(at)).and_then(Value::as_str);
                if let Some(word) = value.as_str() {
                    values.push((word.to_owned(), text));
                }
            }
            if schema
                .get("type")
                .is_some_and(|ty| names(ty).any(|name| name == "boolean"))
            {
                values.extend(["true", "false"].map(|word| (word.to_owned(), None)));
            }
        }
        let mut seen = std::collections::HashSet::new();
        values.retain(|(word, _)| seen.insert(word.clone()));
        values
    }

    /// What the value means, in Markdown.
    pub fn text(&self) -> Option<&'static str> {
        let text = |schema: &&'static Map<String, Value>| {
            let text = schema.get("markdownDescription").or(schema.get("description"));
            text.and_then(Value::as_str)
        };
        self.parts.iter().find_map(text)
    }

    /// An example of the value.
    pub fn example(&self) -> Option<&'static Value> {
        self.each("examples").find_map(|examples| examples.get(0))
    }

    fn nests(&self) -> bool {
        let mut types = self.each("type").peekable();
        types.peek().is_some() && types.all(|ty| names(ty).all(|name| matches!(name, "object" | "array")))
    }

    fn each(&self, keyword: &'static str) -> impl Iterator<Item = &'static Value> {
        self.parts.iter().filter_map(move |schema| schema.get(keyword))
    }
}

/// The schemas of what a link leads to.
fn below(schema: &'static Map<String, Value>, link: &Link) -> Option<&'static Value> {
    match link {
        Link::Index(_) => schema.get("items"),
        Link::Key(key) => {
            let properties = schema.get("properties");
            let own = properties.and_then(|properties| properties.get(&**key));
            own.or_else(|| schema.get("additionalProperties"))
        }
    }
}

/// Whether a value meets a condition of the schema, which uses few keywords in them.
fn fits(condition: &Value, node: Option<&Node>) -> bool {
    let Value::Object(map) = condition else {
        return *condition != Value::Bool(false);
    };
    let Some(node) = node else { return true };
    map.iter().all(|(keyword, value)| match keyword.as_str() {
        "not" => !fits(value, Some(node)),
        "properties" => value.as_object().is_none_or(|properties| {
            properties
                .iter()
                .all(|(key, schema)| node.get(key).is_none_or(|value| fits(schema, Some(value))))
        }),
        "required" => value
            .as_array()
            .is_none_or(|keys| keys.iter().filter_map(Value::as_str).all(|key| node.get(key).is_some())),
        "type" => names(value).any(|name| is_of_type(node, name)),
        "pattern" => match (node.as_str(), value.as_str()) {
            (Some(text), Some(pattern)) => words(pattern).any(|word| word == text),
            _ => true,
        },
        _ => true,
    })
}

fn is_of_type(node: &Node, name: &str) -> bool {
    match name {
        "array" => node.as_list().is_some(),
        "object" => node.as_map().is_some(),
        "string" => node.as_str().is_some(),
        "null" => node.is_null(),
        "boolean" => node.kind() == "boolean",
        _ => node.kind() == "number",
    }
}

/// The names in `type`.
fn names(ty: &Value) -> impl Iterator<Item = &str> {
    let list = ty.as_array().into_iter().flatten();
    list.chain(Some(ty)).filter_map(Value::as_str)
}

/// The words of a pattern such as `^(a|b)$`.
fn words(pattern: &str) -> impl Iterator<Item = &str> {
    let inner = pattern.strip_prefix("^(").and_then(|rest| rest.strip_suffix(")$"));
    inner.into_iter().flat_map(|inner| inner.split('|'))
}
