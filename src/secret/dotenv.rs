//! Reading a `.env` file: `NAME=value` lines, as shells and other tools know them.
//!
//! Nothing is substituted: `$` stands for itself, since a substitution would read variables of the environment that
//! nobody has granted. Errors tell the line and never what stands there.

/// What cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// The line, from 1 on.
    pub line: usize,
    /// Why.
    pub why: &'static str,
}

/// The values in a text, in their order.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, Unreadable> {
    let mut values = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let wrong = |why| Unreadable { line, why };
        let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
        if trimmed.is_empty() || trimmed.starts_with(['\n', '#']) {
            rest = after_line(trimmed);
            continue;
        }
        let end = trimmed.find('\n').unwrap_or(trimmed.len());
        let Some(equals) = trimmed[..end].find('=') else {
            return Err(wrong("has a line without `=`; write `NAME=value`"));
        };
        let name = trimmed[..equals].trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(wrong("has something before `=` that is no name; write `NAME=value`"));
        }
        let (value, behind) = value(trimmed[equals + 1..].trim_start_matches([' ', '\t'])).map_err(wrong)?;
        values.push((name.to_owned(), value));
        rest = behind;
    }
    Ok(values)
}

/// A value, and what stands behind its last line.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let open = "has a quote that is not closed";
    let (value, behind) = match text.as_bytes().first() {
        Some(b'\'') => {
            let end = text[1..].find('\'').ok_or(open)?;
            (text[1..=end].to_owned(), &text[end + 2..])
        }
        Some(b'"') => quoted(&text[1..]).ok_or(open)?,
        _ => {
            let (line, behind) = text.split_at(text.find('\n').unwrap_or(text.len()));
            // A comment begins behind a space, so that a value may hold `#`.
            let end = [" #", "\t#"].iter().filter_map(|mark| line.find(mark)).min();
            let value = line[..end.unwrap_or(line.len())].trim();
            return Ok((value.to_owned(), after_line(behind)));
        }
    };
    let left = behind[..behind.find('\n').unwrap_or(behind.len())].trim();
    match left.is_empty() || left.starts_with('#') {
        true => Ok((value, after_line(behind))),
        false => Err("has something behind a closing quote"),
    }
}

/// What stands in double quotes, and what behind them.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                kept @ ('"' | '\\' | '$' | '\'') => value.push(kept),
                other => value.extend(['\\', other]),
            },
            letter => value.push(letter),
        }
    }
    None
}

fn after_line(text: &str) -> &str {
    text.find('\n').map_or("", |end| &text[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let text = "\u{feff}# keys\n\nPLAIN=a b # not this\r\nexport EXPORTED = x#y\nEMPTY=\nSINGLE='a\\n$B' # c\n\
                    DOUBLE=\"a\\n\\\"b\\\" $C \\\\\"\nLINES=\"one\ntwo\"\nLAST=\u{e9}";
        let expected = [
            ("PLAIN", "a b"),
            ("EXPORTED", "x#y"),
            ("EMPTY", ""),
            ("SINGLE", "a\\n$B"),
            ("DOUBLE", "a\n\"b\" $C \\"),
            ("LINES", "one\ntwo"),
            ("LAST", "\u{e9}"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse(text), Ok(expected.to_vec()));
    }

    #[test]
    fn mistakes_have_a_line() {
        let line = |text: &str| parse(text).unwrap_err().line;
        assert_eq!(line("A=1\nnothing\n"), 2);
        assert_eq!(line("A=\"1\n2\"\n\n=x"), 4);
        assert_eq!(line("a b=1"), 1);
        assert_eq!(line("\nA='1\n2\n"), 2);
        assert_eq!(line("A=\"1\" 2"), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_panic(text in "[A=\"'\\\\#\n \u{e9}$]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_quoted_comes_back(value in "[^']{0,30}") {
            let read = parse(&format!("A='{value}'\nB=2\n")).unwrap();
            proptest::prop_assert_eq!(&read[0].1, &value);
            proptest::prop_assert_eq!(read.len(), 2);
        }
    }
}
