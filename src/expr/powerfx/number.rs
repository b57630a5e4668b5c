//! Numbers: decimals of 28 digits, and floats where a formula asks for them.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::error::{Eval, Failure};

/// A float as a text: as few digits as tell it from its neighbours, with an exponent when it is very large or small.
pub(super) fn float_text(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    if (-5..count.max(15)).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}E{sign}{:02}", exponent.abs())
}

/// A decimal as a text, without zeros at its end.
pub(super) fn decimal_text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// The decimal nearest to a float, of which 15 digits count.
pub(super) fn to_decimal(value: f64) -> Eval<Decimal> {
    let out_of_range = || Failure::invalid("the number is too large for a decimal");
    if !value.is_finite() {
        return Err(out_of_range());
    }
    let rounded = format!("{value:.14e}");
    if value.abs() < 1e-29 {
        return Ok(Decimal::ZERO);
    }
    Decimal::from_scientific(&rounded)
        .ok()
        .or_else(|| Decimal::from_f64(value))
        .map(|decimal| decimal.normalize())
        .ok_or_else(out_of_range)
}

pub(super) fn to_float(value: Decimal) -> f64 {
    // The text is exact and is parsed to the nearest float; the shortcut for whole numbers saves time only.
    if value.scale() == 0
        && let Some(whole) = value.to_i64()
        && whole.unsigned_abs() < 1 << 53
    {
        return whole as f64;
    }
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// A decimal from digits with or without an exponent; more digits than fit are rounded.
pub(super) fn parse_decimal(text: &str) -> Option<Decimal> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The digits as one whole number, of which `point` stand before the point.
    let all = format!("{whole}{fraction}");
    let skipped = all.len() - all.trim_start_matches('0').len();
    let all = &all[skipped..];
    if all.is_empty() {
        return Some(Decimal::ZERO);
    }
    let point = (whole.len() as i64) - (skipped as i64) + i64::from(exponent);
    if point > 29 {
        return None;
    }
    if point < -28 {
        return Some(Decimal::ZERO);
    }
    let mut plain = String::new();
    if point <= 0 {
        plain.push_str("0.");
        plain.extend(std::iter::repeat_n('0', (-point) as usize));
        plain.push_str(all);
    } else {
        let point = point as usize;
        plain.push_str(&all[..point.min(all.len())]);
        plain.extend(std::iter::repeat_n('0', point.saturating_sub(all.len())));
        if point < all.len() {
            plain.push('.');
            plain.push_str(&all[point..]);
        }
    }
    let mut value = Decimal::from_str_exact(&plain)
        .or_else(|_| plain.parse::<Decimal>())
        .ok()?;
    value.set_sign_negative(negative && !value.is_zero());
    Some(value)
}

/// A number as JSON, TimeValue and others write it: digits, a point and an exponent, nothing else.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| plain && value.is_finite())
}
