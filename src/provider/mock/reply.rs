//! What a model says, as mocks and scripts write it: `calls: [{ search: { words: tea } }]` and
//! `usage: { inputTokens: 10, outputTokens: 5 }`.

use crate::data::Data;
use crate::run::{ToolCall, Usage};

/// The keys of `usage`.
pub(in crate::provider) const USAGE: &[&str] = &["inputTokens", "outputTokens", "cachedTokens", "cost"];

/// Calls of tools: a list of objects, each with the name of a tool and its arguments.
///
/// # Errors
///
/// What is wrong with them.
pub(in crate::provider) fn calls(calls: &Data) -> Result<Vec<ToolCall>, String> {
    const SHAPE: &str = "`calls` is a list with one tool and its arguments each: `[{ search: { words: tea } }]`";
    let list = calls.as_list().filter(|list| !list.is_empty()).ok_or(SHAPE)?;
    let each = list.iter().enumerate().map(|(at, call)| {
        let map = call.as_map().filter(|map| map.len() == 1).ok_or(SHAPE)?;
        let (name, arguments) = map.iter().next().ok_or(SHAPE)?;
        Ok(ToolCall {
            id: format!("call-{at}").into(),
            name: name.clone(),
            arguments: arguments.clone(),
        })
    });
    each.collect()
}

/// The tokens of a turn, and what it cost where that is written.
///
/// # Errors
///
/// What is wrong with them.
pub(in crate::provider) fn usage(usage: &Data) -> Result<(Usage, Option<f64>), String> {
    const SHAPE: &str = "`usage` is `{ inputTokens: 10, outputTokens: 5 }`, and where they are known `cachedTokens` and \
                         `cost`";
    let map = usage.as_map().ok_or(SHAPE)?;
    if map.keys().any(|key| !USAGE.contains(&&**key)) {
        return Err(SHAPE.to_owned());
    }
    let number = |key: &str| match map.get(key) {
        None => Ok(None),
        Some(found) => match found.as_i64().and_then(|found| u64::try_from(found).ok()) {
            Some(found) => Ok(Some(found)),
            None => Err(format!("`{key}` is a whole number, not {found}")),
        },
    };
    let cost = match map.get("cost") {
        None => None,
        Some(cost) => Some(
            cost.as_f64()
                .filter(|cost| *cost >= 0.0)
                .ok_or("`cost` is a number from 0 on")?,
        ),
    };
    let usage = Usage {
        input_tokens: number("inputTokens")?.unwrap_or(0),
        output_tokens: number("outputTokens")?.unwrap_or(0),
        cached_tokens: number("cachedTokens")?,
    };
    Ok((usage, cost))
}
