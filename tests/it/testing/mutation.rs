//! The examples with one mistake each: checking them and running their tests finds it.
//!
//! Every operator is applied at every site of every example. A mutant is caught if loading it finds something, or a
//! case of the example fails, snapshots included. Those that are not caught stand in `survivors.txt`;
//! `INTERPRET_UPDATE=1` writes it anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use interpret::load;
use interpret::source::Sources;
use interpret::testing::{self, Mode, Options};
use interpret::yaml;

const SURVIVORS: &str = "tests/it/testing/survivors.txt";

/// A document that can be changed and written as JSON, which is YAML, with its keys in their order.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Scalar(serde_json::Value),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn of(node: &yaml::Node) -> Tree {
        match &node.value {
            yaml::Value::Scalar(scalar) => Tree::Scalar(scalar.data.to_json()),
            yaml::Value::List(items) => Tree::List(items.iter().map(Tree::of).collect()),
            yaml::Value::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| (entry.key.to_string(), Tree::of(&entry.value)));
                Tree::Map(entries.collect())
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Tree::Scalar(value) => value.to_string(),
            Tree::List(items) => format!("[{}]", items.iter().map(Tree::text).collect::<Vec<_>>().join(", ")),
            Tree::Map(entries) => {
                let entry = |(key, value): &(String, Tree)| format!("{}: {}", serde_json::json!(key), value.text());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Map(entries) => entries.iter().find(|(other, _)| other == key).map(|(_, value)| value),
            _ => None,
        }
    }

    fn str(&self) -> Option<&str> {
        match self {
            Tree::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    fn at(&mut self, path: &[usize]) -> &mut Tree {
        path.iter().fold(self, |tree, at| match tree {
            Tree::List(items) => &mut items[*at],
            Tree::Map(entries) => &mut entries[*at].1,
            Tree::Scalar(_) => unreachable!(),
        })
    }

    fn is_step(&self) -> bool {
        self.get("kind").is_some() && self.get("id").is_some()
    }

    fn values(&self) -> Vec<&Tree> {
        match self {
            Tree::Scalar(_) => Vec::new(),
            Tree::List(items) => items.iter().collect(),
            Tree::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
        }
    }
}

/// One mistake: its name, where it is made, and what stands there then.
struct Mutant {
    name: String,
    path: Vec<usize>,
    with: Tree,
}

/// Finds the sites of all operators.
struct Sites {
    workflow: String,
    inputs: Vec<String>,
    steps: Vec<String>,
    found: Vec<Mutant>,
}

/// What is there for people alone, or names something.
const PROSE: [&str; 12] = [
    "kind",
    "id",
    "name",
    "purpose",
    "description",
    "title",
    "version",
    "examples",
    "instructions",
    "model",
    "provider",
    "$schema",
];

impl Sites {
    fn add(&mut self, operator: &str, place: &str, path: &[usize], with: Tree) {
        self.found.push(Mutant {
            name: format!("{}: {operator} at {place}", self.workflow),
            path: path.to_vec(),
            with,
        });
    }

    fn walk(&mut self, tree: &Tree, key: &str, place: &str, path: &mut Vec<usize>) {
        match tree {
            Tree::Scalar(value) => self.scalar(value, key, place, path),
            Tree::List(_) | Tree::Map(_) => {
                self.steps(tree, key, place, path);
                let keys: Vec<String> = match tree {
                    Tree::Map(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
                    _ => (0..tree.values().len()).map(|at| at.to_string()).collect(),
                };
                for (at, (name, value)) in keys.iter().zip(tree.values()).enumerate() {
                    let inner = match value.get("id").and_then(Tree::str) {
                        Some(id) if value.is_step() => id.to_owned(),
                        _ => format!("{place}.{name}"),
                    };
                    let named = if matches!(tree, Tree::List(_)) { key } else { name };
                    path.push(at);
                    self.walk(value, named, &inner, path);
                    path.pop();
                }
            }
        }
    }

    fn steps(&mut self, tree: &Tree, key: &str, place: &str, path: &[usize]) {
        let items = tree.values();
        if items.len() > 1 && items.iter().all(|item| item.is_step()) {
            for at in 0..items.len() {
                let mut less = tree.clone();
                match &mut less {
                    Tree::List(items) => drop(items.remove(at)),
                    Tree::Map(entries) => drop(entries.remove(at)),
                    Tree::Scalar(_) => {}
                }
                let id = items[at].get("id").and_then(Tree::str).unwrap_or_default();
                self.add("step removed", id, path, less);
                if at + 1 == items.len() {
                    break;
                }
                let mut swapped = tree.clone();
                let operator = match &mut swapped {
                    Tree::List(items) => {
                        items.swap(at, at + 1);
                        "swapped with the next"
                    }
                    Tree::Map(entries) => {
                        let (first, second) = (entries[at].1.clone(), entries[at + 1].1.clone());
                        (entries[at].1, entries[at + 1].1) = (second, first);
                        "branch swapped with the next"
                    }
                    Tree::Scalar(_) => continue,
                };
                self.add(operator, id, path, swapped);
            }
        }
        if key == "branches"
            && let Tree::List(branches) = tree
        {
            for at in 1..branches.len() {
                let Tree::List(mut swapped) = tree.clone() else {
                    continue;
                };
                let (before, behind) = swapped.split_at_mut(at);
                let (Tree::Map(first), Tree::Map(second)) = (&mut before[at - 1], &mut behind[0]) else {
                    continue;
                };
                let conditional = |(key, _): &(String, Tree)| key == "condition" || key == "when" || key == "if";
                let take = |entries: &mut Vec<(String, Tree)>| {
                    let all = std::mem::take(entries);
                    all.into_iter().partition::<Vec<_>, _>(conditional)
                };
                let ((first_if, first_do), (second_if, second_do)) = (take(first), take(second));
                first.extend(first_if.into_iter().chain(second_do));
                second.extend(second_if.into_iter().chain(first_do));
                self.add("branches swapped", &format!("{place}.{at}"), path, Tree::List(swapped));
            }
        }
        if let Tree::Map(entries) = tree
            && tree.is_step()
        {
            let mut renamed = entries.clone();
            for (key, value) in &mut renamed {
                if let ("id", Some(id)) = (&**key, value.str()) {
                    *value = Tree::Scalar(format!("{id}-2").into());
                }
            }
            self.add("renamed", place, path, Tree::Map(renamed));
        }
        if let (Some(Tree::Map(retry)), Tree::Map(entries)) = (tree.get("retry"), tree) {
            for by in [-1, 1] {
                let mut changed = retry.clone();
                for (key, value) in &mut changed {
                    if let ("attempts", Tree::Scalar(number)) = (&**key, &*value) {
                        *value = Tree::Scalar((number.as_i64().unwrap_or_default() + by).into());
                    }
                }
                let mut all = entries.clone();
                all.iter_mut()
                    .filter(|(key, _)| key == "retry")
                    .for_each(|(_, value)| *value = Tree::Map(changed.clone()));
                self.add(&format!("attempts {by:+}"), place, path, Tree::Map(all));
            }
        }
    }

    fn scalar(&mut self, value: &serde_json::Value, key: &str, place: &str, path: &[usize]) {
        if PROSE.contains(&key) || key.starts_with("x-") {
            return;
        }
        let scalar = |value: serde_json::Value| Tree::Scalar(value);
        match value {
            serde_json::Value::Bool(value) => self.add("value changed", place, path, scalar((!value).into())),
            serde_json::Value::Number(number) => {
                let more = match number.as_i64() {
                    Some(whole) => serde_json::Value::from(whole + 1),
                    None => serde_json::json!(number.as_f64().unwrap_or_default() + 1.0),
                };
                // Attempts have an operator of their own.
                if key != "attempts" {
                    self.add("value changed", place, path, scalar(more));
                }
            }
            serde_json::Value::String(text) => {
                let condition = ["condition", "when", "if", "until", "while", "where", "require"].contains(&key);
                if let (true, Some(source)) = (condition, text.strip_prefix('=')) {
                    self.add(
                        "condition negated",
                        place,
                        path,
                        scalar(format!("=not ({source})").into()),
                    );
                }
                if text.starts_with('=') || text.contains("{{") {
                    self.references(text, place, path);
                    self.literals(text, place, path);
                } else {
                    let changed = longer(text).unwrap_or_else(|| format!("{text}2"));
                    self.add("value changed", place, path, scalar(changed.into()));
                }
            }
            _ => {}
        }
    }

    /// Each `input.KEY` and `steps.ID` becomes another, if there is another.
    fn references(&mut self, text: &str, place: &str, path: &[usize]) {
        for (root, known) in [("input.", self.inputs.clone()), ("steps.", self.steps.clone())] {
            for (number, (at, _)) in text.match_indices(root).enumerate() {
                let inside = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
                if text[..at].ends_with(inside) {
                    continue;
                }
                let begin = at + root.len();
                let rest = &text[begin..];
                let end = rest
                    .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .unwrap_or(rest.len());
                let name = &rest[..end];
                let other = known
                    .iter()
                    .find(|other| *other != name)
                    .cloned()
                    .unwrap_or(format!("{name}2"));
                let changed = format!("{}{other}{}", &text[..begin], &rest[end..]);
                let operator = format!("{root}{name} -> {root}{other} ({number})");
                self.add(&operator, place, path, Tree::Scalar(changed.into()));
            }
        }
    }

    /// Each number and quoted text in an expression becomes another.
    fn literals(&mut self, text: &str, place: &str, path: &[usize]) {
        let bytes = text.as_bytes();
        let mut quote = None;
        let mut inside = text.starts_with('=');
        let mut number = 0;
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let mut changed = None;
            if text[at..].starts_with("{{") {
                inside = true;
            } else if text[at..].starts_with("}}") && quote.is_none() {
                inside = text.starts_with('=');
            } else if inside {
                match (quote, byte) {
                    (None, b'\'' | b'"') => quote = Some(byte),
                    (Some(open), _) if open == byte => {
                        quote = None;
                        changed = Some((at, at, "2".to_owned()));
                    }
                    (None, b'0'..=b'9')
                        if at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') =>
                    {
                        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                        let more = text[at..at + digits].parse::<u64>().unwrap() + 1;
                        changed = Some((at, at + digits, more.to_string()));
                        at += digits - 1;
                    }
                    _ => {}
                }
            }
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            if let Some((from, to, new)) = changed {
                number += 1;
                let with = format!("{}{new}{}", &text[..from], &text[to..]);
                self.add(
                    &format!("literal {number} changed"),
                    place,
                    path,
                    Tree::Scalar(with.into()),
                );
            }
        }
    }
}

/// A duration, twice as long.
fn longer(text: &str) -> Option<String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    ["ms", "s", "m", "h", "d"]
        .contains(&&text[digits..])
        .then(|| format!("{}{}", number * 2, &text[digits..]))
}

/// An example, as documents, with the files that have to be loaded to test it.
struct Example {
    path: PathBuf,
    documents: Vec<Tree>,
    files: Vec<PathBuf>,
}

impl Example {
    fn mutants(&self) -> Vec<(usize, Mutant)> {
        let mut all = Vec::new();
        for (number, document) in self.documents.iter().enumerate() {
            let properties = document.get("inputSchema").and_then(|schema| schema.get("properties"));
            let inputs = match properties {
                Some(Tree::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).collect(),
                _ => Vec::new(),
            };
            let mut steps = Vec::new();
            ids(document.get("steps"), &mut steps);
            let mut sites = Sites {
                workflow: document.get("id").and_then(Tree::str).unwrap_or("?").to_owned(),
                inputs,
                steps,
                found: Vec::new(),
            };
            sites.walk(document, "", "", &mut Vec::new());
            all.extend(sites.found.into_iter().map(|mutant| (number, mutant)));
        }
        all
    }

    fn text(&self, mutant: Option<&(usize, Mutant)>) -> String {
        let mut documents = self.documents.clone();
        if let Some((document, mutant)) = mutant {
            *documents[*document].at(&mutant.path) = mutant.with.clone();
        }
        documents.iter().map(Tree::text).collect::<Vec<_>>().join("\n---\n")
    }

    /// Whether loading or testing this text finds something.
    fn is_caught(&self, text: String) -> bool {
        let options = load::Options {
            tests: true,
            overlay: HashMap::from([(self.path.clone(), Arc::from(text))]),
            ..load::Options::default()
        };
        let loaded = load::load_with(&self.files, &options);
        if !loaded.diagnostics.is_empty() {
            return true;
        }
        let (suites, findings) = testing::read(&loaded);
        if !findings.is_empty() {
            return true;
        }
        let options = Options {
            mode: Mode::Check,
            jobs: std::num::NonZero::new(1),
            filter: None,
        };
        let mut caught = false;
        testing::run(&suites, &options, |result| caught |= !result.passed());
        caught
    }
}

/// The ids of steps, as expressions write them.
fn ids(tree: Option<&Tree>, found: &mut Vec<String>) {
    let Some(tree) = tree else { return };
    if tree.is_step() {
        found.extend(tree.get("id").and_then(Tree::str).map(|id| id.replace('-', "_")));
    }
    tree.values().into_iter().for_each(|inner| ids(Some(inner), found));
}

fn examples() -> Vec<Example> {
    let folder = Path::new("workflows");
    let loaded = load::load(&[folder]);
    let graphs: Vec<_> = loaded.workflows().collect();
    let mut examples = Vec::new();
    for graph in graphs {
        // The mistakes are those that one makes in native files.
        if loaded.sources.file(graph.header.origin.file).name().contains("foundry") {
            continue;
        }
        let path = PathBuf::from(loaded.sources.file(graph.header.origin.file).name());
        let program = loaded.program(&graph.header.id, None).unwrap();
        let mut files: Vec<PathBuf> = program
            .workflows
            .iter()
            .map(|workflow| PathBuf::from(loaded.sources.file(workflow.header.origin.file).name()))
            .collect();
        files.push(path.with_extension("test.yaml"));
        if examples.iter().any(|example: &Example| example.path == path) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file = Sources::new().add(path.display().to_string(), text.as_str());
        let (documents, _) = yaml::parse(file, &text, &yaml::Limits::default());
        let documents = documents.iter().map(|document| Tree::of(&document.root)).collect();
        examples.push(Example { path, documents, files });
    }
    examples
}

#[test]
fn a_mistake_in_an_example_is_caught() {
    let examples = examples();
    assert!(examples.len() >= 16);
    let mutants: Vec<(&Example, (usize, Mutant))> = examples
        .iter()
        .flat_map(|example| example.mutants().into_iter().map(move |mutant| (example, mutant)))
        .collect();
    for example in &examples {
        assert!(
            !example.is_caught(example.text(None)),
            "{} without a mistake",
            example.path.display()
        );
    }
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((example, mutant)) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !example.is_caught(example.text(Some(mutant))) {
                        survivors.lock().unwrap().push(mutant.1.name.clone());
                    }
                }
            });
        }
    });
    let mut survivors = survivors.into_inner().unwrap();
    survivors.sort();
    let told = survivors.iter().map(|name| format!("{name}\n")).collect::<String>();
    println!("{} of {} mutants survive:\n{told}", survivors.len(), mutants.len());
    if std::env::var_os("INTERPRET_UPDATE").is_some() {
        std::fs::write(SURVIVORS, &told).unwrap();
    }
    assert!(mutants.len() > 500, "the sites were not found: {}", mutants.len());
    let share = 1.0 - survivors.len() as f64 / mutants.len() as f64;
    assert!(
        share >= 0.95,
        "{:.1} % of {} are caught:\n{told}",
        share * 100.0,
        mutants.len()
    );
    let kept = std::fs::read_to_string(SURVIVORS).unwrap_or_default();
    assert_eq!(told, kept, "INTERPRET_UPDATE=1 writes {SURVIVORS} anew");
}
