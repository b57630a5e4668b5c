//! JSON lines in ASCII. The Python client ends a line at U+2028 and its like, wherever it stands, and the one for Node.js
//! spoils a letter whose bytes come in two pieces; escapes spare both.

use std::fmt::Write;

use crate::data::Data;

/// Appends a value as a line.
pub(super) fn line(value: &Data, out: &mut String) {
    let text = value.to_string();
    out.reserve(text.len() + 1);
    for letter in text.chars() {
        // Outside of texts JSON is ASCII, so whatever is not stands within one.
        if letter.is_ascii() && letter != '\x7f' {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn a_line_is_ascii_and_means_the_same() {
        let value = data!({ "é": "a\u{2028}b\u{85}c\n\"\\😀\u{7f}", "n": [1, null] });
        let mut text = String::new();
        line(&value, &mut text);
        assert!(text.is_ascii() && text.ends_with("}\n"), "{text}");
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("\\ud83d\\ude00"), "{text}");
        assert_eq!(serde_json::from_str::<Data>(&text).unwrap(), value);
    }
}
