//! What a formula can ask about where it runs.

use super::Blank::Keep;
use super::{Family, Function, Param, Returns};
use crate::expr::powerfx::coerce::parse_guid;
use crate::expr::powerfx::error::{Eval, Failure};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::plain("GUID", &[Param::Text(Keep)], Returns::Guid, guid)
        .arity(0, 1)
        .family(Family::Information)
        .example(
            "GUID(\"{0f8fad5b-d9cb-469f-a165-70867728950e}\")",
            "GUID(\"0f8fad5b-d9cb-469f-a165-70867728950e\")",
        ),
    Function::plain("Language", &[], Returns::Text, |cx, _| {
        let tag = cx.locale.tag;
        let (language, region) = tag.split_once('-').unwrap_or((tag, ""));
        cx.make_text(format!("{language}-{}", region.to_uppercase()))
    })
    .family(Family::Information)
    .example("Language()", "\"en-US\""),
];

fn guid(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    match values.first() {
        None => {
            let random = (u128::from(cx.random_bits()) << 64) | u128::from(cx.random_bits());
            // The version and variant of a random one (RFC 9562).
            let marked = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
            Ok(Value::Guid(marked))
        }
        Some(Value::Text(text)) => parse_guid(text)
            .map(Value::Guid)
            .ok_or_else(|| Failure::invalid(format!("`{text}` is not a GUID"))),
        Some(_) => Ok(Value::Blank),
    }
}
