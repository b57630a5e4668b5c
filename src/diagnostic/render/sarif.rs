//! Diagnostics as a SARIF 2.1.0 log, the exchange format of static analysis.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::sorted;
use crate::diagnostic::{Code, Diagnostic, Edit, Severity};
use crate::source::{Sources, Span};

/// One run with a rule for each code that was found, and a result for each finding.
///
/// Columns are in Unicode code points, which the log says (`columnKind`). Names of files become relative URIs where they
/// are relative paths. A safe fix is given with the finding.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let found: BTreeSet<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let codes: Vec<Code> = found.into_iter().collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = sorted(diagnostics)
        .into_iter()
        .map(|diagnostic| result(diagnostic, &codes, sources))
        .collect();
    json!({
        // What the format is known by; nothing is fetched from there.
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "interpret",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.summary() },
        "help": {
            "text": format!("`interpret validate --explain {code}` says more."),
            "markdown": code.page(),
        },
        // Nearly every code is an error; a result says so itself where it is a warning.
        "defaultConfiguration": { "level": level(Severity::Error) },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code], sources: &Sources) -> Value {
    let text = [std::slice::from_ref(&diagnostic.message), &diagnostic.help].concat();
    let mut result = Map::from_iter([
        ("ruleId".to_owned(), json!(diagnostic.code.name())),
        ("level".to_owned(), json!(level(diagnostic.severity))),
        ("message".to_owned(), json!({ "text": text.join("\n") })),
    ]);
    if let Ok(index) = codes.binary_search(&diagnostic.code) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    if let Some(span) = diagnostic.span {
        result.insert("locations".to_owned(), json!([location(span, sources)]));
    }
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .enumerate()
        .map(|(id, label)| {
            let mut location = location(label.span, sources);
            location["id"] = json!(id);
            location["message"] = json!({ "text": label.message });
            location
        })
        .collect();
    if !related.is_empty() {
        result.insert("relatedLocations".to_owned(), Value::Array(related));
    }
    if let Some(first) = diagnostic.fixes.first() {
        let replacements: Vec<Value> = diagnostic.fixes.iter().map(|edit| replacement(edit, sources)).collect();
        let fix = json!({
            "description": { "text": diagnostic.help.first().unwrap_or(&diagnostic.message) },
            "artifactChanges": [{
                "artifactLocation": artifact(first.span, sources),
                "replacements": replacements,
            }],
        });
        result.insert("fixes".to_owned(), json!([fix]));
    }
    Value::Object(result)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn replacement(edit: &Edit, sources: &Sources) -> Value {
    json!({
        "deletedRegion": region(edit.span, sources),
        "insertedContent": { "text": edit.replacement },
    })
}

fn location(span: Span, sources: &Sources) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": artifact(span, sources),
        "region": region(span, sources),
    } })
}

fn artifact(span: Span, sources: &Sources) -> Value {
    json!({ "uri": uri(sources.file(span.file).name()) })
}

fn region(span: Span, sources: &Sources) -> Value {
    let file = sources.file(span.file);
    let (start, end) = (file.line_column(span.start), file.line_column(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// The name of a file as a URI, or a reference relative to where the program was started.
fn uri(name: &str) -> String {
    let path = if cfg!(windows) {
        name.replace('\\', "/")
    } else {
        name.to_owned()
    };
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut uri = match path.starts_with('/') {
        true => "file://".to_owned(),
        false => String::new(),
    };
    // A drive letter is absolute, too.
    if path.as_bytes().get(1) == Some(&b':') && cfg!(windows) {
        uri.push_str("file:///");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            // Writing to a text cannot fail.
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_uris() {
        assert_eq!(uri("./flows/a b.yaml"), "flows/a%20b.yaml");
        assert_eq!(uri("/tmp/é:%.yaml"), "file:///tmp/%C3%A9%3A%25.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }

    #[test]
    fn regions_count_code_points_and_edits_are_fixes() {
        let mut sources = Sources::new();
        // Two bytes, and four that UTF-16 needs two units for.
        let file = sources.add("a.yaml", "é😀: 1\né😀kin: 2\n");
        let (start, end) = (16, 19);
        let diagnostic = Diagnostic::warning(Code::UnknownKey, Span::new(file, start, end), "no key")
            .label(Span::new(file, 0, 6), "another")
            .suggest("kin", ["kind"]);
        let log = render(&[diagnostic], &sources);
        let result = &log["runs"][0]["results"][0];
        let expected = json!({ "startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 6 });
        assert_eq!(log["runs"][0]["columnKind"], "unicodeCodePoints");
        assert_eq!(result["level"], "warning");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"], expected);
        let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(change["deletedRegion"], expected);
        assert_eq!(change["insertedContent"]["text"], "kind");
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "another");
    }
}
