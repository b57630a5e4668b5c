//! Texts that people write for numbers: `1,234.5`, `-12 %`, `$ 3`, `(4)`.

use rust_decimal::Decimal;

use super::coerce::Number;
use super::locale::Locale;
use super::number;

/// The number of a text; nothing for one without content. A float is read even where decimals overflow.
pub(super) fn parse(text: &str, locale: &Locale, float: bool) -> Result<Option<Number>, ()> {
    let mut rest = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut seen = Signs::default();
    // Signs, the percent sign and the currency may stand on both sides, each once.
    loop {
        let before = rest.len();
        rest = seen.strip(rest, locale, true).ok_or(())?;
        if rest.len() == before {
            break;
        }
    }
    loop {
        let before = rest.len();
        rest = seen.strip(rest, locale, false).ok_or(())?;
        if rest.len() == before {
            break;
        }
    }
    let contradictory = (seen.currency && seen.percent) || (seen.open && seen.sign);
    if contradictory || seen.open != seen.close {
        return Err(());
    }
    let negative = seen.minus || seen.open;
    let plain = plain(rest, locale).ok_or(())?;
    let plain = if negative { format!("-{plain}") } else { plain };
    if float {
        let value: f64 = plain.parse().map_err(|_| ())?;
        if !value.is_finite() {
            return Err(());
        }
        let value = if seen.percent { value / 100.0 } else { value };
        return Ok(Some(Number::Float(value)));
    }
    let value = number::parse_decimal(&plain).ok_or(())?;
    let value = match seen.percent {
        true => value.checked_div(Decimal::ONE_HUNDRED).ok_or(())?,
        false => value,
    };
    Ok(Some(Number::Decimal(value)))
}

#[derive(Default)]
struct Signs {
    minus: bool,
    sign: bool,
    percent: bool,
    currency: bool,
    open: bool,
    close: bool,
}

impl Signs {
    /// Takes one sign off an end; nothing when it stands there a second time.
    fn strip<'a>(&mut self, rest: &'a str, locale: &Locale, front: bool) -> Option<&'a str> {
        let rest = rest.trim();
        let take = |sign: &str| match front {
            true => rest.strip_prefix(sign),
            false => rest.strip_suffix(sign),
        };
        let once = |flag: &mut bool| (!std::mem::replace(flag, true)).then_some(());
        if let Some(left) = take("-") {
            once(&mut self.sign)?;
            self.minus = true;
            return Some(left.trim());
        }
        if let Some(left) = take("+") {
            once(&mut self.sign)?;
            return Some(left.trim());
        }
        if let Some(left) = take("%") {
            once(&mut self.percent)?;
            return Some(left.trim());
        }
        if let Some(left) = take(locale.currency) {
            once(&mut self.currency)?;
            return Some(left.trim());
        }
        if front && let Some(left) = rest.strip_prefix('(') {
            once(&mut self.open)?;
            return Some(left.trim());
        }
        if !front && let Some(left) = rest.strip_suffix(')') {
            once(&mut self.close)?;
            return Some(left.trim());
        }
        Some(rest)
    }
}

/// The digits as Rust writes them: without groups, with a point.
fn plain(text: &str, locale: &Locale) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut digits = false;
    let (mut point, mut exponent) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        let group_space = locale.group.trim().is_empty() && matches!(c, ' ' | '\u{a0}' | '\u{202f}');
        if c.is_ascii_digit() {
            digits = true;
            plain.push(c);
        } else if rest.starts_with(locale.decimal) && !point && !exponent {
            point = true;
            plain.push('.');
            length = locale.decimal.len();
        } else if (rest.starts_with(locale.group) || group_space) && digits && !point && !exponent {
            length = if group_space { length } else { locale.group.len() };
        } else if matches!(c, 'e' | 'E') && digits && !exponent {
            exponent = true;
            plain.push('e');
            if let Some(sign) = rest[1..].chars().next().filter(|c| matches!(c, '+' | '-')) {
                plain.push(sign);
                length += 1;
            }
        } else {
            return None;
        }
        rest = &rest[length..];
    }
    (digits && !plain.ends_with(['e', '+', '-'])).then_some(plain)
}
