//! Colors.

use super::Blank::{Stop, Zero};
use super::{Family, Function, Param, Returns};
use crate::expr::powerfx::colors::COLORS;
use crate::expr::powerfx::enums::Raw;
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::value::Value;

const FLOAT: Param = Param::Float(Zero);

pub(super) static FUNCTIONS: &[Function] = &[
    Function::plain("ColorFade", &[Param::Color(Zero), FLOAT], Returns::Color, fade)
        .tabular()
        .family(Family::Color)
        .example("ColorFade(Color.Black, 1)", "RGBA(255,255,255,1)"),
    Function::plain("ColorValue", &[Param::Text(Stop)], Returns::Color, color_value)
        .family(Family::Color)
        .example("ColorValue(\"#ff8000\")", "RGBA(255,128,0,1)"),
    Function::plain("RGBA", &[FLOAT; 4], Returns::Color, rgba)
        .family(Family::Color)
        .example("RGBA(255, 128, 0, 0.2)", "RGBA(255,128,0,0.2)"),
];

fn float(value: &Value) -> f64 {
    match value {
        Value::Float(value) => *value,
        _ => 0.0,
    }
}

fn rgba(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    let mut bytes = [0u8; 4];
    for (place, value) in [1, 2, 3].into_iter().zip(values) {
        let value = float(value);
        if !(0.0..256.0).contains(&value) {
            return Err(Failure::invalid("red, green and blue are from 0 to 255"));
        }
        bytes[place] = value as u8;
    }
    let alpha = float(&values[3]);
    if !(0.0..=1.0).contains(&alpha) {
        return Err(Failure::invalid("alpha is from 0 to 1"));
    }
    bytes[0] = (alpha * 255.0).round() as u8;
    Ok(Value::Color(u32::from_be_bytes(bytes)))
}

fn color_value(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    let Value::Text(text) = &values[0] else {
        return Ok(Value::Blank);
    };
    if text.is_empty() {
        return Ok(Value::Blank);
    }
    let color = parse(text).ok_or_else(|| Failure::invalid(format!("`{text}` is not a color")))?;
    Ok(Value::Color(color))
}

/// A color by its name, or by the hexadecimal digits of its parts.
pub(in crate::expr::powerfx) fn parse(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix('#') {
        let number = u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'))?;
        return match hex.len() {
            6 => Some(0xff00_0000 | number),
            8 => Some(number.rotate_right(8)),
            _ => None,
        };
    }
    match COLORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, Raw::Color(color))) => Some(*color),
        _ => None,
    }
}

/// Towards white with a positive share, towards black with a negative one.
fn fade(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    let Value::Color(color) = values[0] else {
        return Ok(Value::Blank);
    };
    let share = float(&values[1]);
    if !(-1.0..=1.0).contains(&share) {
        return Err(Failure::invalid("a color fades by a share from -1 to 1"));
    }
    let [alpha, rest @ ..] = color.to_be_bytes();
    let target = if share > 0.0 { 255.0 } else { 0.0 };
    let faded = rest.map(|part| {
        let part = f64::from(part);
        (part + (target - part) * share.abs()).floor() as u8
    });
    Ok(Value::Color(u32::from_be_bytes([alpha, faded[0], faded[1], faded[2]])))
}
