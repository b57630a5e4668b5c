//! How values are written into a text, and how secrets stay apart from it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, Output, State};

use super::error::to_engine;
use super::{helper, limits, value};
use crate::data::{Part, Sealed};
use crate::expr::EvalError;

/// Marks around the name of a secret in an unfinished text. They are noncharacters, which no text should hold; in
/// everything else that goes into such a text they are refused, so no data can pass for a secret.
const MARKS: [char; 2] = ['\u{FDD0}', '\u{FDD1}'];

/// Defined where the text will be searched for marks.
pub(super) const SEALED: &str = "__sealed";

/// A secret on its way into a text.
#[derive(Debug)]
pub(super) struct Secret(pub String);

impl Object for Secret {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secret")
    }
}

/// Bytes written so far.
struct Written(usize);

/// Writes a value as rule 3 has it, and counts.
pub(super) fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if let Some(Secret(name)) = value.downcast_object_ref::<Secret>() {
        return out
            .write_fmt(format_args!("{}{name}{}", MARKS[0], MARKS[1]))
            .map_err(Error::from);
    }
    let text = match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        // An `if` without `else` that is written nowhere else.
        None if value.is_undefined() => return Ok(()),
        None => Cow::Owned(value::text(value).map_err(to_engine)?),
    };
    let written = state.get_or_insert_extension_with(|| Written(0));
    written.0 = written.0.saturating_add(text.len());
    helper::check_length(written.0, limits::SIZE, "the text")?;
    if text.contains(MARKS[0]) && state.lookup(SEALED).is_some() {
        return Err(to_engine(forgery()));
    }
    out.write_str(&text).map_err(Error::from)
}

/// Whether a text holds what marks a secret.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains(MARKS)
}

/// The error for data that looks like a secret.
pub(super) fn forgery() -> EvalError {
    let message = format!(
        "the text holds U+{:04X}, which cannot stand beside a secret",
        MARKS[0] as u32
    );
    EvalError::new(EvalError::FAILED, message)
}

/// Takes a marked text apart.
pub(super) fn unseal(text: &str) -> Sealed {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        push_text(&mut parts, before);
        let (name, after) = after.split_once(MARKS[1]).unwrap_or((after, ""));
        parts.push(Part::Secret(name.into()));
        rest = after;
    }
    push_text(&mut parts, rest);
    Sealed::text(parts)
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
}
