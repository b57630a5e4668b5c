//! The core schema of YAML 1.2 (chapter 10.3): which plain scalars are not texts.

use std::sync::Arc;

use crate::data::Data;

/// Why a number in the core schema has no value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrepresentable {
    /// `.inf` or `.nan`, which JSON cannot hold.
    NotFinite,
    /// An integer beyond 64 bits, or a float beyond the largest; rounding would change it silently.
    TooLarge,
}

/// The value of a plain scalar without a tag.
pub(super) fn resolve(text: &Arc<str>) -> Result<Data, Unrepresentable> {
    if let Some(data) = null(text).or_else(|| bool(text)) {
        return Ok(data);
    }
    // All numbers begin with one of these, and few texts do.
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Ok(Data::Text(text.clone()));
    }
    match int(text).transpose()?.or(float(text).transpose()?) {
        Some(number) => Ok(number),
        None => Ok(Data::Text(text.clone())),
    }
}

/// `!!null`
pub(super) fn null(text: &str) -> Option<Data> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Data::Null)
}

/// `!!bool`
pub(super) fn bool(text: &str) -> Option<Data> {
    match text {
        "true" | "True" | "TRUE" => Some(Data::Bool(true)),
        "false" | "False" | "FALSE" => Some(Data::Bool(false)),
        _ => None,
    }
}

/// `!!int`: decimal, `0o17` or `0xFF`.
pub(super) fn int(text: &str) -> Option<Result<Data, Unrepresentable>> {
    let (digits, radix) = match text.get(..2) {
        Some("0o") => (&text[2..], 8),
        Some("0x") => (&text[2..], 16),
        _ => (text.strip_prefix(['+', '-']).unwrap_or(text), 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    // The sign was taken off above, so it is put back by value; a prefixed number has none.
    let signed = match text.starts_with('-') {
        true => i64::from_str_radix(text, radix).map(Data::Int).ok(),
        false => u64::from_str_radix(digits, radix)
            .map(|number| i64::try_from(number).map_or(Data::UInt(number), Data::Int))
            .ok(),
    };
    Some(signed.ok_or(Unrepresentable::TooLarge))
}

/// `!!float`: with a fraction, an exponent, or neither.
pub(super) fn float(text: &str) -> Option<Result<Data, Unrepresentable>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(Unrepresentable::NotFinite));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    if !well_formed {
        return None;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(Ok(Data::Float(number))),
        _ => Some(Err(Unrepresentable::TooLarge)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Data, Unrepresentable> {
        resolve(&Arc::from(text))
    }

    #[test]
    fn numbers() {
        assert!(matches!(read("12"), Ok(Data::Int(12))));
        assert!(matches!(read("-012"), Ok(Data::Int(-12))));
        assert!(matches!(read("+1"), Ok(Data::Int(1))));
        assert!(matches!(read("0o17"), Ok(Data::Int(15))));
        assert!(matches!(read("0xfF"), Ok(Data::Int(255))));
        assert!(matches!(read("-9223372036854775808"), Ok(Data::Int(i64::MIN))));
        assert!(matches!(read("18446744073709551615"), Ok(Data::UInt(u64::MAX))));
        for (text, number) in [("1.5", 1.5), (".5", 0.5), ("-2.", -2.0), ("1e3", 1e3), ("+1.e-2", 0.01)] {
            assert!(matches!(read(text), Ok(Data::Float(read)) if read == number), "{text}");
        }
    }

    #[test]
    fn texts_that_look_like_something_else() {
        let texts = [
            "no",
            "yes",
            "on",
            "off",
            "1_000",
            "0b1",
            "1:30",
            "2021-01-01",
            "+",
            "-",
            ".",
            "1e",
            "1.2.3",
            "0o8",
            "0x",
            "-0x1",
            "e3",
            ".e3",
            "tRUE",
            "nULL",
            "+.nan",
            "=1",
        ];
        for text in texts {
            assert!(matches!(read(text), Ok(Data::Text(read)) if &*read == text), "{text}");
        }
    }

    #[test]
    fn numbers_that_have_no_value() {
        assert_eq!(read(".inf").unwrap_err(), Unrepresentable::NotFinite);
        assert_eq!(read("-.Inf").unwrap_err(), Unrepresentable::NotFinite);
        assert_eq!(read(".NaN").unwrap_err(), Unrepresentable::NotFinite);
        assert_eq!(read("18446744073709551616").unwrap_err(), Unrepresentable::TooLarge);
        assert_eq!(read("1e999").unwrap_err(), Unrepresentable::TooLarge);
    }
}
