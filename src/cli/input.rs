//! Values on the command line: JSON, a file, or standard input.

use std::io::Read;
use std::path::Path;

use crate::data::Data;

/// The largest value that is read.
const LARGEST: usize = 64 * 1024 * 1024;

/// Reads `JSON`, `@FILE` or `-` (standard input); `what` is the option's name.
///
/// # Errors
///
/// A message that says what is wrong and what to write.
pub(super) fn value(text: &str, what: &str) -> Result<Data, String> {
    let (json, from) = match (text, text.strip_prefix('@')) {
        ("-", _) => (
            read(std::io::stdin().lock(), "standard input", LARGEST)?,
            "standard input".to_owned(),
        ),
        (_, Some(path)) => (file(Path::new(path), what, LARGEST)?, path.to_owned()),
        (text, None) => (text.to_owned(), what.to_owned()),
    };
    serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|error| {
        let hint = match json.trim() {
            "" => "; it is empty",
            trimmed if trimmed.starts_with('{') && trimmed.contains(':') && !trimmed.contains('"') => {
                "; the shell has removed its quotes: write '{\"key\": \"value\"}' in single quotes"
            }
            path if path == text && Path::new(path).is_file() => "; write @ before the name of a file",
            _ => "",
        };
        format!("{from} is not JSON: {error}{hint}")
    })
}

/// The text of a file.
///
/// # Errors
///
/// A message that says why there is none, or that it is larger than a number of bytes.
pub(super) fn file(path: &Path, what: &str, largest: usize) -> Result<String, String> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| format!("{what}: cannot read {name}: {error}"))?;
    read(file, &name, largest)
}

fn read(from: impl Read, name: &str, largest: usize) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(largest as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if bytes.len() > largest {
        return Err(format!("{name} is larger than {} MiB", largest / 1024 / 1024));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{name} is not UTF-8 text: line {line} has a byte that is part of no character")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_and_mistakes_are_explained() {
        assert_eq!(value("{\"a\": 1}", "--input"), Ok(crate::data!({ "a": 1 })));
        let message = value("{a: 1}", "--input").unwrap_err();
        assert!(message.contains("single quotes"), "{message}");
        let message = value("@/does/not/exist.json", "--input").unwrap_err();
        assert!(
            message.starts_with("--input: cannot read /does/not/exist.json"),
            "{message}"
        );
    }
}
