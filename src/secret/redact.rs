//! Finding values of secrets in what comes from outside.
//!
//! A value is looked for as it is and as the six ways in which base64 may write it inside something longer; each of
//! them character by character, where a character may be escaped as in JSON or a URL, also several times over.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::data::{Data, Map};

/// Shorter values occur by chance everywhere; taking them out would garble more than it hides.
const SHORTEST: usize = 4;
/// How many backslashes before a character count: more than any nesting makes, and so many that no text takes long.
const MOST_BACKSLASHES: usize = 64;
/// How often the sign of an escape in a URL may be escaped itself.
const MOST_PERCENTS: usize = 4;
/// How many bytes a character takes at most, where it is escaped as often as anybody does it.
const LONGEST_ESCAPE: usize = 40;

/// A value that has been used, with the forms it may come back in.
pub(super) struct Known {
    pub value: Arc<str>,
    forms: Vec<Vec<char>>,
    /// Whether a form can begin with a byte.
    begins: [bool; 256],
    /// Whether it could come back as a number.
    numeric: bool,
}

impl Known {
    pub fn new(value: Arc<str>) -> Known {
        let mut forms: Vec<Vec<char>> = Vec::new();
        if value.len() >= SHORTEST {
            forms.push(value.chars().collect());
            let engines = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
            let inner = engines.map(|engine| [0, 1, 2].map(|offset| inner_base64(value.as_bytes(), offset, engine)));
            forms.extend(inner.into_iter().flatten().filter(|form| form.len() >= SHORTEST));
            forms.sort();
            forms.dedup();
        }
        let mut begins = [false; 256];
        for first in forms.iter().filter_map(|form| form.first()) {
            begins[usize::from(utf8(*first, &mut [0; 4])[0])] = true;
            begins[usize::from(b'%')] = true;
            begins[usize::from(b'\\')] = true;
            begins[usize::from(b'+')] |= *first == ' ';
        }
        Known {
            numeric: value.len() >= SHORTEST && value.parse::<f64>().is_ok(),
            value,
            forms,
            begins,
        }
    }

    /// The end of the longest form that begins at a place, and whether the text ends before one that may begin there.
    fn at(&self, text: &[u8], at: usize) -> (Option<usize>, bool) {
        if !self.begins[usize::from(text[at])] {
            return (None, false);
        }
        let found = self.forms.iter().map(|form| follow(form, text, at));
        found.fold((None, false), |(longest, partial), (end, cut)| {
            (longest.max(end), partial | cut)
        })
    }
}

/// The text without values of secrets; `None` if there are none in it.
pub(super) fn text(known: &BTreeMap<Arc<str>, Known>, text: &str) -> Option<String> {
    let mut redacted: Option<String> = None;
    let (mut kept, mut at) = (0, 0);
    while at < text.len() {
        let found = known
            .iter()
            .filter_map(|(name, known)| Some((known.at(text.as_bytes(), at).0?, name)))
            .max_by_key(|(end, _)| *end);
        // What is found begins and ends where characters do, as forms are made of whole ones.
        match found.filter(|_| text.is_char_boundary(at)) {
            Some((end, name)) => {
                let redacted = redacted.get_or_insert_default();
                redacted.push_str(text.get(kept..at).unwrap_or_default());
                redacted.push_str(&format!("[secret {name}]"));
                (kept, at) = (end, end);
            }
            None => at += 1,
        }
    }
    if let Some(redacted) = &mut redacted {
        redacted.push_str(text.get(kept..).unwrap_or_default());
    }
    redacted
}

/// The length of the longest end of a text that a form may begin with.
pub(super) fn held_back(known: &BTreeMap<Arc<str>, Known>, text: &str) -> usize {
    let longest = known.values().flat_map(|known| &known.forms).map(Vec::len).max();
    let window = longest.unwrap_or(0).saturating_mul(LONGEST_ESCAPE);
    let first = text.len().saturating_sub(window);
    let begins =
        |at: &usize| text.is_char_boundary(*at) && known.values().any(|known| known.at(text.as_bytes(), *at).1);
    (first..text.len()).find(begins).map_or(0, |at| text.len() - at)
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
        Data::Int(_) | Data::UInt(_) | Data::Float(_) => {
            let same = |known: &Known| known.numeric && *known.value == *value.to_text();
            let found = known.iter().find(|(_, known)| same(known));
            found.map_or_else(|| value.clone(), |(name, _)| Data::from(format!("[secret {name}]")))
        }
        Data::Null | Data::Bool(_) => value.clone(),
    }
}

/// Follows a form from a place on: where it ends, if all of it is there, and whether the text ended first.
fn follow(form: &[char], text: &[u8], at: usize) -> (Option<usize>, bool) {
    // Where it may stand in the text: an escape can be read in several ways.
    let (mut places, mut next) = (vec![at], Vec::new());
    let mut cut = false;
    for letter in form {
        for place in places.drain(..) {
            cut |= step(*letter, text, place, &mut next);
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return (None, cut);
        }
        std::mem::swap(&mut places, &mut next);
    }
    (places.last().copied(), cut)
}

/// The places behind a character, written in any way, from a place on; true if the text ends within one.
fn step(letter: char, text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let mut buffer = [0; 4];
    let bytes = utf8(letter, &mut buffer);
    let mut cut = literal(bytes, text, at, next);
    match text.get(at) {
        Some(b'%') => {
            cut |= percent(bytes, text, at, next);
            cut |= backslash(letter, bytes, text, at, next);
            cut |= letter == ' ' && percent(b"+", text, at, next);
        }
        Some(b'\\') => cut |= backslash(letter, bytes, text, at, next),
        Some(b'+') if letter == ' ' => next.push(at + 1),
        _ => {}
    }
    cut
}

/// Bytes as they are.
fn literal(bytes: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let there = &text[at.min(text.len())..];
    if there.starts_with(bytes) {
        next.push(at + bytes.len());
    }
    there.len() < bytes.len() && bytes.starts_with(there)
}

/// The same for an escape, whose digits may be of either case.
fn digits(escape: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let there = &text[at.min(text.len())..];
    let same = there
        .iter()
        .zip(escape)
        .all(|(there, digit)| there.eq_ignore_ascii_case(digit));
    if same && there.len() >= escape.len() {
        next.push(at + escape.len());
    }
    same && there.len() < escape.len()
}

/// Bytes as in a URL, where the sign may be escaped itself: `%2F`, `%252F`.
fn percent(bytes: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let Some((byte, rest)) = bytes.split_first() else {
        next.push(at);
        return false;
    };
    match text.get(at) {
        None => return true,
        Some(b'%') => {}
        Some(_) => return false,
    }
    let digits = [byte >> 4, byte & 15].map(hex);
    let (mut from, mut cut) = (at + 1, false);
    for _ in 0..=MOST_PERCENTS {
        let there = &text[from.min(text.len())..];
        let same = there
            .iter()
            .zip(digits)
            .all(|(there, digit)| there.eq_ignore_ascii_case(&digit));
        match (same, there.len() < 2) {
            (true, false) => cut |= percent(rest, text, from + 2, next),
            (true, true) => cut = true,
            (false, _) => {}
        }
        match there {
            [b'2', b'5', ..] => from += 2,
            [b'2'] => return true,
            _ => return cut,
        }
    }
    cut
}

/// A character as in a JSON text, which may stand in another or in a URL: `\"`, `\\\"`, `\u00e4`, `%5Cn`.
fn backslash(letter: char, bytes: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let mut cut = false;
    for place in backslashes(text, at, &mut cut) {
        cut |= escaped(letter, bytes, text, place, next);
    }
    cut
}

/// The places behind one backslash, behind two and so on: each text around it doubles them.
fn backslashes(text: &[u8], at: usize, cut: &mut bool) -> Vec<usize> {
    let (mut all, mut last) = (Vec::new(), vec![at]);
    for _ in 0..MOST_BACKSLASHES {
        let mut next = Vec::new();
        for place in last {
            *cut |= either(b"\\", text, place, &mut next);
        }
        if next.is_empty() {
            break;
        }
        all.extend_from_slice(&next);
        last = next;
    }
    all
}

/// What stands behind the backslash of a character.
fn escaped(letter: char, bytes: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let mut cut = match letter {
        '\\' => {
            next.push(at);
            false
        }
        '"' | '/' | '\'' | '`' | '$' => either(bytes, text, at, next),
        '\n' => either(b"n", text, at, next),
        '\r' => either(b"r", text, at, next),
        '\t' => either(b"t", text, at, next),
        '\u{8}' => either(b"b", text, at, next),
        '\u{c}' => either(b"f", text, at, next),
        _ => false,
    };
    let mut units = [0; 2];
    let mut places = vec![at];
    for (index, unit) in letter.encode_utf16(&mut units).iter().enumerate() {
        let code = [12, 8, 4, 0].map(|shift| hex(((unit >> shift) & 15) as u8));
        let escape = [b'u', code[0], code[1], code[2], code[3]];
        let mut ends = Vec::new();
        // The second half of a character has backslashes of its own.
        let mut behind = match index {
            0 => places,
            _ => places
                .into_iter()
                .flat_map(|place| backslashes(text, place, &mut cut))
                .collect(),
        };
        behind.dedup();
        for place in behind {
            cut |= digits(&escape, text, place, &mut ends);
            cut |= text.get(place) == Some(&b'%') && percent(&escape, text, place, &mut ends);
        }
        places = ends;
    }
    next.extend(places);
    cut
}

/// Bytes as they are, or as in a URL.
fn either(bytes: &[u8], text: &[u8], at: usize, next: &mut Vec<usize>) -> bool {
    let cut = literal(bytes, text, at, next);
    cut | (text.get(at) == Some(&b'%') && percent(bytes, text, at, next))
}

fn hex(digit: u8) -> u8 {
    match digit {
        0..10 => b'0' + digit,
        _ => b'a' + digit - 10,
    }
}

fn utf8(letter: char, buffer: &mut [u8; 4]) -> &[u8] {
    letter.encode_utf8(buffer).as_bytes()
}

/// The characters that stand for these bytes alone in the base64 of a longer text, `offset` bytes (modulo 3) before
/// them.
fn inner_base64(bytes: &[u8], offset: usize, engine: &impl Engine) -> Vec<char> {
    let shifted = [&[0; 3][..offset], bytes].concat();
    let encoded = engine.encode(&shifted);
    let first = (offset * 8).div_ceil(6);
    let last = shifted.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(value: &str) -> BTreeMap<Arc<str>, Known> {
        BTreeMap::from([(Arc::from("KEY"), Known::new(value.into()))])
    }

    /// What it is called, and what it makes of a text.
    type Encoding = (&'static str, fn(&str) -> String);

    /// The ways in which something may be written on its way back.
    fn encodings() -> Vec<Encoding> {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        vec![
            ("plain", str::to_owned),
            ("json", |text| serde_json::Value::from(text).to_string()),
            ("every character", |text| {
                text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
            }),
            ("ascii json", |text| {
                let json = serde_json::Value::from(text).to_string();
                let ascii = |letter: char| match letter.is_ascii() {
                    true => letter.to_string(),
                    false => letter
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                };
                json.chars().map(ascii).collect()
            }),
            ("slashes", |text| {
                serde_json::Value::from(text).to_string().replace('/', "\\/")
            }),
            ("form", |text| {
                percent_all(text, |byte| byte.is_ascii_alphanumeric()).replace("%20", "+")
            }),
            ("url", |text| {
                percent_all(text, |byte| {
                    byte.is_ascii_alphanumeric() || b"-._~!*'()".contains(&byte)
                })
            }),
            ("every byte", |text| percent_all(text, |_| false).to_ascii_lowercase()),
            ("base64", |text| STANDARD.encode(text)),
            ("base64 without padding", |text| STANDARD_NO_PAD.encode(text)),
            ("base64 for URLs", |text| URL_SAFE.encode(text)),
            ("base64 for URLs without padding", |text| URL_SAFE_NO_PAD.encode(text)),
        ]
    }

    fn percent_all(text: &str, plain: impl Fn(u8) -> bool) -> String {
        let encode = |byte: u8| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(encode).collect()
    }

    /// Undoes an encoding as whoever finds it would.
    fn leaks(encoding: &str, redacted: &str, value: &str) -> bool {
        match encoding.starts_with("base64") {
            // What stands for the value alone in any alignment.
            true => (0..3).any(|offset| {
                [
                    inner_base64(value.as_bytes(), offset, &STANDARD_NO_PAD),
                    inner_base64(value.as_bytes(), offset, &URL_SAFE_NO_PAD),
                ]
                .into_iter()
                .any(|form| redacted.contains(&form.iter().collect::<String>()))
            }),
            false => {
                redacted.contains(value)
                    || redacted.contains(&encodings().iter().find(|(name, _)| *name == encoding).unwrap().1(
                        value,
                    ))
            }
        }
    }

    proptest! {
        #[test]
        fn no_encoding_hides_a_value(
            value in "[ -~\u{e4}\u{1f600}\n\t]{4,24}",
            before in "[a-z \u{e4}]{0,7}",
            after in "[A-Z {}\u{1f600}]{0,7}",
            first in 0..12_usize,
            second in 0..12_usize,
        ) {
            let known = known(&value);
            let all = encodings();
            let (name, encode) = all[first];
            let once = encode(&format!("{before}{value}{after}"));
            let redacted = text(&known, &once).unwrap_or(once.clone());
            prop_assert!(redacted.contains("[secret KEY]"), "{name}: {once} -> {redacted}");
            prop_assert!(!leaks(name, &redacted, &value), "{name}: {once} -> {redacted}");
            // Base64 within base64 has no form of its own.
            let (other, again) = all[second];
            if !other.starts_with("base64") && !other.starts_with("every") {
                let twice = again(&once);
                let redacted = text(&known, &twice).unwrap_or(twice.clone());
                prop_assert!(redacted.contains("[secret KEY]"), "{name}, {other}: {twice} -> {redacted}");
            }
        }

        #[test]
        fn wherever_it_is_cut_the_beginning_of_a_value_is_held_back(
            value in "[a-c\"\\\\%/ \u{e4}]{4,9}",
            before in "[a-c\"\\\\% ]{0,5}",
            encoding in 0..12_usize,
        ) {
            let known = known(&value);
            let whole = encodings()[encoding].1(&format!("{before}{value}"));
            let (mut held, mut told) = (String::new(), String::new());
            for letter in whole.chars() {
                held.push(letter);
                let mut clean = text(&known, &held).unwrap_or(held.clone());
                held = clean.split_off(clean.len() - held_back(&known, &clean));
                told += &clean;
            }
            told += &held;
            prop_assert!(told.contains("[secret KEY]"), "{whole} -> {told}");
        }

        #[test]
        fn what_holds_no_value_is_left_alone(value in "[0-9]{6,9}", other in "[ -$&-/:-~]{0,40}") {
            prop_assert_eq!(text(&known(&value), &other), None);
        }

        #[test]
        fn no_text_makes_a_panic(value in "\\PC{0,6}", other in "[%\\\\u25\u{e4}+a-f0-9]{0,40}") {
            let known = known(&value);
            let _ = (text(&known, &other), held_back(&known, &other));
        }
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(text(&known("1"), "10 of 11"), None);
        assert_eq!(data(&known("1"), &Data::Int(1)), Data::Int(1));
    }

    #[test]
    fn a_value_that_comes_back_as_a_number_is_one_too() {
        assert_eq!(data(&known("123456"), &Data::Int(123_456)), Data::from("[secret KEY]"));
        assert_eq!(data(&known("123456"), &Data::Int(12_345)), Data::Int(12_345));
    }

    #[test]
    fn of_two_values_the_longer_counts() {
        let mut both = known("pass");
        both.insert("LONG".into(), Known::new("password".into()));
        assert_eq!(text(&both, "my password").as_deref(), Some("my [secret LONG]"));
    }
}
