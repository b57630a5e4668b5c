//! Values on the command line: JSON, a file, or standard input.

use std::io::Read;

use crate::data::Data;

/// The largest value that is read.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Reads `JSON`, `@FILE` or `-` (standard input); `what` is the option's name.
///
/// # Errors
///
/// A message that says what is wrong and what to write.
pub(super) fn value(text: &str, what: &str) -> Result<Data, String> {
    let (json, from) = match (text, text.strip_prefix('@')) {
        ("-", _) => (
            read(std::io::stdin().lock(), "standard input")?,
            "standard input".to_owned(),
        ),
        (_, Some(path)) => {
            let file = std::fs::File::open(path).map_err(|error| format!("{what}: cannot read {path}: {error}"))?;
            (read(file, path)?, path.to_owned())
        }
        (text, None) => (text.to_owned(), what.to_owned()),
    };
    serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|error| {
        let quotes = if text.starts_with('{') && !text.contains('"') {
            "; the shell has removed its quotes: write '{\"key\": \"value\"}' in single quotes"
        } else {
            ""
        };
        format!("{from} is not JSON: {error}{quotes}")
    })
}

fn read(from: impl Read, name: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut limited = from.take(LARGEST + 1);
    limited
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if text.len() as u64 > LARGEST {
        return Err(format!("{name} is larger than {} MiB", LARGEST / 1024 / 1024));
    }
    Ok(text)
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
