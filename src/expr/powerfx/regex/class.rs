//! Classes of characters.

/// The general categories of Unicode that `\p{…}` knows.
const CATEGORIES: &[&str] = &[
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "Cc", "Cf",
];

pub(super) const NEW_LINES: &str = r"\r\n\x0b\x0c\x{85}\x{2028}\x{2029}";
/// Letters, marks, digits and what connects words.
pub(super) const WORD: &str = r"\p{L}\p{Mn}\p{Nd}\p{Pc}";
const SPACE: &str = r"\p{Z}\x09-\x0d\x{85}";

/// The inside of a class for `\d`, `\w` and `\s`.
pub(super) fn shorthand(letter: char) -> Option<&'static str> {
    match letter.to_ascii_lowercase() {
        'd' => Some(r"\p{Nd}"),
        'w' => Some(WORD),
        's' => Some(SPACE),
        _ => None,
    }
}

/// `\p{…}` and `\P{…}` for the engine.
pub(super) fn category(name: &str, negated: bool) -> Result<String, String> {
    match CATEGORIES.contains(&name) {
        true => Ok(format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' })),
        false => Err(format!("there is no category `{name}` of characters")),
    }
}

/// A character for the engine, within a class or not.
pub(super) fn literal(c: char) -> String {
    match c.is_ascii_alphanumeric() || (!c.is_ascii() && !c.is_whitespace()) {
        true => c.to_string(),
        false => format!(r"\x{{{:x}}}", c as u32),
    }
}
