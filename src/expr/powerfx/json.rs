//! JSON whose numbers keep their digits, as `ParseJSON` reads it.

use std::sync::Arc;

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Boolean(bool),
    /// As it is written.
    Number(Arc<str>),
    Text(Arc<str>),
    Array(Arc<Vec<Json>>),
    /// Of equal names the last one counts, at the place of the first.
    Object(Arc<Vec<(Arc<str>, Json)>>),
}

/// How deep arrays and objects may nest.
const DEPTH: usize = 64;

/// Reads a text that is one value of JSON, or says what is wrong.
pub(super) fn parse(text: &str) -> Result<Json, &'static str> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    match reader.at == text.len() {
        true => Ok(value),
        false => Err("something follows the value"),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, &'static str> {
        if depth > DEPTH {
            return Err("it nests too deeply");
        }
        self.blanks();
        match self.rest().bytes().next() {
            Some(b'"') => self.string().map(|text| Json::Text(text.into())),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.eat("null") => Ok(Json::Null),
            _ if self.eat("true") => Ok(Json::Boolean(true)),
            _ if self.eat("false") => Ok(Json::Boolean(false)),
            None => Err("it ends too early"),
            _ => Err("a value is expected"),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.eat("]") {
            return Ok(Json::Array(Arc::new(items)));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.eat("]") {
                return Ok(Json::Array(Arc::new(items)));
            }
            if !self.eat(",") {
                return Err("`,` or `]` is expected");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut fields: indexmap::IndexMap<Arc<str>, Json> = indexmap::IndexMap::new();
        self.blanks();
        if !self.eat("}") {
            loop {
                self.blanks();
                if !self.rest().starts_with('"') {
                    return Err("a name in quotes is expected");
                }
                let name = self.string()?;
                self.blanks();
                if !self.eat(":") {
                    return Err("`:` is expected");
                }
                let value = self.value(depth + 1)?;
                fields.insert(name.into(), value);
                self.blanks();
                if self.eat("}") {
                    break;
                }
                if !self.eat(",") {
                    return Err("`,` or `}` is expected");
                }
            }
        }
        Ok(Json::Object(Arc::new(fields.into_iter().collect())))
    }

    fn number(&mut self) -> Result<Json, &'static str> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let number = &rest[..length];
        if !is_number(number) {
            return Err("the number is malformed");
        }
        let value = Json::Number(number.into());
        self.at += length;
        Ok(value)
    }

    fn string(&mut self) -> Result<String, &'static str> {
        let mut text = String::new();
        let mut chars = self.text[self.at + 1..].char_indices();
        let start = self.at + 1;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('b') => text.push('\u{8}'),
                    Some('f') => text.push('\u{c}'),
                    Some(c @ ('"' | '\\' | '/')) => text.push(c),
                    Some('u') => {
                        let unit = |chars: &mut std::str::CharIndices<'_>| {
                            let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                            u16::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4)
                        };
                        let first = unit(&mut chars).ok_or("an escape is malformed")?;
                        let mut units = vec![first];
                        if (0xd800..0xdc00).contains(&first) && chars.as_str().starts_with("\\u") {
                            chars.next();
                            chars.next();
                            units.push(unit(&mut chars).ok_or("an escape is malformed")?);
                        }
                        text.push_str(&String::from_utf16_lossy(&units));
                    }
                    _ => return Err("an escape is malformed"),
                },
                c if c < ' ' => return Err("a control character stands in a text"),
                c => text.push(c),
            }
        }
        Err("a text does not end")
    }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// Appends a text as JSON writes it.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c) => out.push_str(&format!("\\u{:04X}", c as u32)),
            // As .NET writes them: characters of two units as their escapes.
            c if c as u32 > 0xffff => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
