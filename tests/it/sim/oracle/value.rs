//! Expressions of generated workflows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value as Json, json};

use super::super::flow::{Cond, Expr};
use super::super::world::Failure;

/// A name in scope, and the names around it.
struct Name {
    name: String,
    value: Json,
    outer: Option<Rc<Name>>,
}

/// The outputs of steps of one run or of one item of `andForEach`, whose steps nobody outside reads.
#[derive(Default)]
struct Outputs {
    of: RefCell<BTreeMap<String, Json>>,
    outer: Option<Rc<Outputs>>,
}

/// What an expression sees, but for `data`.
#[derive(Clone, Default)]
pub struct Env {
    names: Option<Rc<Name>>,
    outputs: Rc<Outputs>,
}

/// Why nothing is predicted.
pub enum Unclear {
    /// Something the rules do not decide, or the generator should not have written.
    Undecided,
    /// A value that has grown so much that bounds of memory come near, of which the oracle knows nothing.
    Grown,
}

/// How many values may stand in one, and how deep: loops that put what they have into lists reach any bound.
const MOST_VALUES: usize = 20_000;
const DEEPEST: usize = 80;

/// How many values stand in one, as far as it is not too deep.
fn count(value: &Json, depth: usize) -> Option<usize> {
    let mut inner: Box<dyn Iterator<Item = &Json>> = match value {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(entries) => Box::new(entries.values()),
        _ => return Some(1),
    };
    if depth == 0 {
        return None;
    }
    inner.try_fold(1, |sum, one| {
        Some(sum + count(one, depth - 1)?).filter(|sum| *sum <= MOST_VALUES)
    })
}

impl Env {
    pub fn with(&self, name: &str, value: Json) -> Env {
        let name = Name {
            name: name.to_owned(),
            value,
            outer: self.names.clone(),
        };
        Env {
            names: Some(Rc::new(name)),
            outputs: self.outputs.clone(),
        }
    }

    /// For one item: its steps' outputs are its own.
    pub fn for_item(&self) -> Env {
        let outputs = Outputs {
            of: RefCell::default(),
            outer: Some(self.outputs.clone()),
        };
        Env {
            names: self.names.clone(),
            outputs: Rc::new(outputs),
        }
    }

    pub fn record(&self, step: &str, output: Json) {
        self.outputs.of.borrow_mut().insert(step.to_owned(), output);
    }

    pub fn forget(&self, step: &str) {
        self.outputs.of.borrow_mut().remove(step);
    }

    pub fn name(&self, name: &str) -> Result<&Json, Unclear> {
        let mut at = self.names.as_ref();
        while let Some(found) = at {
            if found.name == name {
                return Ok(&found.value);
            }
            at = found.outer.as_ref();
        }
        Err(Unclear::Undecided)
    }

    fn output(&self, step: &str) -> Option<Json> {
        let mut at = Some(&self.outputs);
        while let Some(outputs) = at {
            if let Some(output) = outputs.of.borrow().get(step) {
                return Some(output.clone());
            }
            at = outputs.outer.as_ref();
        }
        None
    }

    pub fn eval(&self, expr: &Expr, data: &Json) -> Result<Json, Unclear> {
        let value = match expr {
            Expr::Null => Json::Null,
            Expr::Int(value) => json!(value),
            Expr::Data => data.clone(),
            Expr::Name(name, None) => self.name(name)?.clone(),
            Expr::Name(name, Some(key)) => self.name(name)?.get(key).ok_or(Unclear::Undecided)?.clone(),
            Expr::Local(name) => self.name(name)?.clone(),
            Expr::Step(id, default) => self.output(id).unwrap_or(json!(default)),
            Expr::Plus(inner, more) => json!(self.number(inner, data)? + more),
            Expr::Text(inner) => json!(format!("v{}", self.number(inner, data)?)),
            Expr::List(items) => items
                .iter()
                .map(|item| self.eval(item, data))
                .collect::<Result<_, _>>()?,
            Expr::Object(entries) => Json::Object(self.object(entries, data)?),
            Expr::Settled => {
                let all = self.name("result")?.as_array().ok_or(Unclear::Undecided)?;
                let statuses: Vec<_> = all.iter().map(|one| one["status"].clone()).collect();
                let outputs: Vec<_> = all.iter().filter_map(|one| one.get("output").cloned()).collect();
                json!({ "status": statuses, "output": outputs })
            }
            Expr::SettledMap(names) => {
                let result = self.name("result")?;
                let one = |name: &String| {
                    let branch = &result[name];
                    (
                        name.clone(),
                        json!([branch["status"], branch.get("output").unwrap_or(&json!(-1))]),
                    )
                };
                Json::Object(names.iter().map(one).collect())
            }
        };
        match count(&value, DEEPEST) {
            Some(_) => Ok(value),
            None => Err(Unclear::Grown),
        }
    }

    pub fn object(&self, entries: &[(String, Expr)], data: &Json) -> Result<Map<String, Json>, Unclear> {
        entries
            .iter()
            .map(|(key, value)| Ok((key.clone(), self.eval(value, data)?)))
            .collect()
    }

    /// Whether the condition holds; not a boolean is `expression.type` (rule 6).
    pub fn holds(&self, condition: &Cond, data: &Json) -> Result<Result<bool, Failure>, Unclear> {
        Ok(Ok(match condition {
            Cond::Odd(expr) => self.number(expr, data)? % 2 == 1,
            Cond::Above(expr, than) => self.number(expr, data)? > *than,
            Cond::Code(code) => self.name("error")?["code"] == json!(code),
            Cond::Raw(expr) => match self.eval(expr, data)? {
                Json::Bool(value) => value,
                _ => return Ok(Err(Failure::new("expression.type"))),
            },
        }))
    }

    fn number(&self, expr: &Expr, data: &Json) -> Result<i64, Unclear> {
        Ok(self.eval(expr, data)?.as_i64().unwrap_or(0))
    }
}
