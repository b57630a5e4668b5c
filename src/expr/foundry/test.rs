//! What a Foundry workflow decides by.

use std::sync::Arc;

use super::world::{conversation_id, variable};
use super::{failed, is_blank, value};
use crate::data::Data;
use crate::expr::powerfx::Formula;
use crate::expr::{Build, EvalError, Names, Root};

/// A condition.
#[derive(Clone, Debug)]
pub enum Test {
    /// A formula an author wrote; blank is false.
    Formula(Formula),
    /// A value that was written; the text is what it looks like.
    Value(Build, String),
    /// A variable, by its key, has a value.
    Filled(String),
    /// It is true in what the step received.
    Received(&'static str),
    /// It is true in a record that is kept under a key.
    Kept(String, &'static str),
    /// The answer that is kept under a key says something.
    Said(String),
    /// There is an item left, of the list and the position that are kept under these keys.
    Left(String, String),
    /// The number under a key is as large as another; the text is what that looks like.
    Reached(String, Build, String),
    /// A value is the name of an agent: its id, or its display name. Case does not matter, nor do spaces.
    Named(Build, Arc<str>, Option<Arc<str>>),
    /// A value is not the conversation of the run.
    Elsewhere(Build),
    /// The other is not so.
    Not(Box<Test>),
    /// One of them is so.
    Either(Box<Test>, Box<Test>),
    /// Both are so; the second counts only if the first is so.
    Both(Box<Test>, Box<Test>),
}

impl Test {
    /// What it looks like in a drawing.
    pub fn source(&self) -> &str {
        match self {
            Test::Formula(formula) => formula.source(),
            Test::Value(_, text) => text,
            Test::Filled(_) => "has a value",
            Test::Received(what) | Test::Kept(_, what) => what,
            Test::Named(_, id, _) => id,
            Test::Elsewhere(_) => "in another conversation",
            Test::Said(_) => "an answer",
            Test::Left(..) => "items left",
            Test::Reached(_, _, text) => text,
            Test::Not(other) => match &**other {
                Test::Received("approved") | Test::Kept(_, "approved") => "refused",
                _ => "otherwise",
            },
            Test::Both(_, other) | Test::Either(_, other) => other.source(),
        }
    }

    /// Whether it is so.
    ///
    /// # Errors
    ///
    /// Those of the formula, and `expression.type` for a value that is no boolean.
    pub fn holds(&self, names: &dyn Names) -> Result<bool, EvalError> {
        Ok(match self {
            Test::Formula(formula) => truth(&value(formula, names)?).map_err(|error| error.within(formula.source()))?,
            Test::Value(build, _) => truth(&build.eval(names)?)?,
            Test::Filled(key) => !is_blank(&variable(names, key)),
            Test::Received(what) => {
                let received = names.get(&Root::Data);
                received
                    .as_ref()
                    .and_then(|data| data.get(what))
                    .and_then(Data::as_bool)
                    == Some(true)
            }
            Test::Kept(key, what) => variable(names, key).get(what).and_then(Data::as_bool) == Some(true),
            Test::Said(key) => variable(names, key)
                .get("text")
                .is_some_and(|text| !text.to_text().trim().is_empty()),
            Test::Left(items, at) => {
                let items = variable(names, items);
                let count = items.as_list().map_or(0, |items| items.len());
                let at = variable(names, at).as_i64().unwrap_or(0);
                usize::try_from(at).is_ok_and(|at| at < count)
            }
            Test::Reached(key, most, _) => match most.eval(names)?.as_f64() {
                Some(most) => variable(names, key).as_f64().unwrap_or(0.0) >= most,
                None => return Err(failed("a number is needed to count to")),
            },
            Test::Named(build, id, name) => {
                let wanted = agent_id(&build.eval(names)?.to_text());
                wanted == agent_id(id) || name.as_ref().is_some_and(|name| agent_id(name) == wanted)
            }
            Test::Elsewhere(conversation) => conversation.eval(names)?.to_text() != conversation_id(names),
            Test::Not(other) => !other.holds(names)?,
            Test::Either(first, second) => first.holds(names)? || second.holds(names)?,
            Test::Both(first, second) => first.holds(names)? && second.holds(names)?,
        })
    }
}

/// The truth of a value: blank is false.
fn truth(value: &Data) -> Result<bool, EvalError> {
    match value {
        Data::Bool(value) => Ok(*value),
        value if is_blank(value) => Ok(false),
        Data::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Data::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(failed(format!(
            "a condition must be true or false, but this is {}",
            other.a_kind()
        ))),
    }
}

/// A name of an agent as an id, so that names that mean the same are the same: `Triage Agent` is `triage-agent`.
pub fn agent_id(name: &str) -> String {
    let sign = |c: char| match c {
        ' ' | '_' => '-',
        c => c.to_ascii_lowercase(),
    };
    name.trim().chars().map(sign).collect()
}
