//! Finding values of secrets in what comes from outside.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::data::{Data, Map};

/// Shorter values occur by chance everywhere; taking them out would garble more than it hides.
const SHORTEST: usize = 4;

/// A value that has been used, with the forms it may come back in.
pub(super) struct Known {
    pub value: Arc<str>,
    /// The longest first, so that no form hides the rest of a longer one.
    forms: Vec<String>,
}

impl Known {
    pub fn new(value: Arc<str>) -> Known {
        let mut forms = vec![value.to_string(), json(&value)];
        for space_as_plus in [false, true] {
            let upper = percent(&value, space_as_plus);
            forms.push(lower_escapes(&upper));
            forms.push(upper);
        }
        for url_safe in [false, true] {
            forms.extend((0..3).map(|offset| inner_base64(value.as_bytes(), offset, url_safe)));
        }
        forms.retain(|form| form.len() >= SHORTEST);
        if value.len() < SHORTEST {
            forms.clear();
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Known { value, forms }
    }
}

/// The text without values of secrets; `None` if there are none in it.
pub(super) fn text(known: &BTreeMap<Arc<str>, Known>, text: &str) -> Option<String> {
    let mut redacted: Option<String> = None;
    for (name, known) in known {
        for form in &known.forms {
            let current = redacted.as_deref().unwrap_or(text);
            if current.contains(form.as_str()) {
                redacted = Some(current.replace(form.as_str(), &format!("[secret {name}]")));
            }
        }
    }
    redacted
}

/// The length of the longest end of a text that a form may begin with.
pub(super) fn held_back(known: &BTreeMap<Arc<str>, Known>, text: &str) -> usize {
    let forms = known.values().flat_map(|known| &known.forms);
    let beginning = |form: &String| {
        let lengths = form.char_indices().map(|(length, _)| length);
        lengths.rev().find(|length| text.ends_with(&form[..*length]))
    };
    forms.filter_map(beginning).max().unwrap_or(0)
}

/// The value without values of secrets, keys included.
pub(super) fn data(known: &BTreeMap<Arc<str>, Known>, value: &Data) -> Data {
    let clean = |value: &Arc<str>| text(known, value).map_or_else(|| value.clone(), Arc::from);
    match value {
        Data::Text(value) => Data::Text(clean(value)),
        Data::List(list) => list.iter().map(|item| data(known, item)).collect(),
        Data::Map(map) => Data::from(
            map.iter()
                .map(|(key, value)| (clean(key), data(known, value)))
                .collect::<Map>(),
        ),
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) => value.clone(),
    }
}

/// As inside a JSON text.
fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As in a URL or a form.
fn percent(value: &str, space_as_plus: bool) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            b' ' if space_as_plus => encoded.push('+'),
            byte => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn lower_escapes(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let mut lowered = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at(piece.len().min(2));
        let _ = write!(lowered, "%{}{rest}", digits.to_ascii_lowercase());
    }
    lowered
}

/// The characters that stand for these bytes alone in the base64 of a longer text, `offset` bytes (modulo 3) before
/// them.
fn inner_base64(bytes: &[u8], offset: usize, url_safe: bool) -> String {
    let shifted = [&[0; 3][..offset], bytes].concat();
    let encoded = base64(&shifted, url_safe);
    let first = (offset * 8).div_ceil(6);
    let last = shifted.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().to_owned()
}

/// Base64 without padding.
pub(super) fn base64(bytes: &[u8], url_safe: bool) -> String {
    let extra = if url_safe { b"-_" } else { b"+/" };
    let letter = |sextet: u32| match sextet as u8 {
        at @ 0..26 => b'A' + at,
        at @ 26..52 => b'a' + at - 26,
        at @ 52..62 => b'0' + at - 52,
        62 => extra[0],
        _ => extra[1],
    };
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            encoded.push(char::from(letter(word >> (18 - 6 * at) & 63)));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_base64() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            assert_eq!(base64(text.as_bytes(), false), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff], false), "+/8");
        assert_eq!(base64(&[0xfb, 0xff], true), "-_8");
    }

    #[test]
    fn short_values_are_left_alone() {
        let known = BTreeMap::from([(Arc::from("PIN"), Known::new("1".into()))]);
        assert_eq!(text(&known, "10 of 11"), None);
    }
}
