//! Diagnostics for programs.

use serde_json::{Value, json};

use super::sorted;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Sources;

/// An array with an object per finding, in the order of files and positions:
///
/// | | |
/// | --- | --- |
/// | `code` | the stable code |
/// | `severity` | `error` or `warning` |
/// | `message` | one sentence |
/// | `file` | the name as in text output; null for a finding without a place, as are the four below |
/// | `line`, `column` | where it begins; from 1, columns in characters |
/// | `endLine`, `endColumn` | behind its last character |
/// | `help` | what to do, lines separated by a line feed; null if there is nothing to say |
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    sorted(diagnostics)
        .into_iter()
        .map(|diagnostic| {
            let file = diagnostic.span.map(|span| sources.file(span.file));
            let place = |offset: Option<u32>| file.zip(offset).map(|(file, offset)| file.line_column(offset));
            let start = place(diagnostic.span.map(|span| span.start));
            let end = place(diagnostic.span.map(|span| span.end));
            json!({
                "code": diagnostic.code.name(),
                "severity": match diagnostic.severity {
                    Severity::Warning => "warning",
                    Severity::Error => "error",
                },
                "message": diagnostic.message,
                "file": file.map(|file| file.name()),
                "line": start.map(|place| place.line),
                "column": start.map(|place| place.column),
                "endLine": end.map(|place| place.line),
                "endColumn": end.map(|place| place.column),
                "help": Some(diagnostic.help.join("\n")).filter(|help| !help.is_empty()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn places_are_counted_in_characters() {
        let mut sources = Sources::new();
        let file = sources.add("a.yaml", "é: 1\né: 2\n");
        let diagnostics = [
            Diagnostic::error(Code::DuplicateKey, Span::new(file, 6, 8), "twice")
                .help("remove one")
                .help("or rename it"),
            Diagnostic::warning(Code::Unreadable, None, "no such file"),
        ];
        insta::assert_snapshot!(serde_json::to_string_pretty(&render(&diagnostics, &sources)).unwrap(), @r#"
        [
          {
            "code": "unreadable",
            "severity": "warning",
            "message": "no such file",
            "file": null,
            "line": null,
            "column": null,
            "endLine": null,
            "endColumn": null,
            "help": null
          },
          {
            "code": "duplicate-key",
            "severity": "error",
            "message": "twice",
            "file": "a.yaml",
            "line": 2,
            "column": 1,
            "endLine": 2,
            "endColumn": 2,
            "help": "remove one\nor rename it"
          }
        ]
        "#);
    }
}
