//! The names that the virtual machine finds, fetched before it runs.

use std::sync::Arc;

use minijinja::value::{Object, Value};

use super::output::SEALED;
use super::print::root_name;
use super::value;
use crate::expr::{Names, Root};

/// Which roots a source needs and under which names.
pub(super) struct Scope {
    names: Arc<[Arc<str>]>,
    roots: Vec<Root>,
}

impl Scope {
    pub fn new(roots: Vec<Root>) -> Scope {
        let names = roots
            .iter()
            .enumerate()
            .map(|(number, root)| Arc::from(root_name(root, number)))
            .collect();
        Scope { names, roots }
    }

    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The values of all roots, as the machine's context.
    pub fn fetch(&self, names: &dyn Names, sealed: bool) -> Value {
        let values = self.roots.iter().map(|root| match names.get(root) {
            Some(data) => value::from_data(&data),
            None => Value::UNDEFINED,
        });
        Value::from_object(Context {
            names: self.names.clone(),
            values: values.collect(),
            sealed,
        })
    }
}

#[derive(Debug)]
struct Context {
    names: Arc<[Arc<str>]>,
    values: Vec<Value>,
    sealed: bool,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match self.names.iter().position(|name| &**name == key) {
            Some(position) => self.values.get(position).filter(|value| !value.is_undefined()).cloned(),
            None if key == SEALED && self.sealed => Some(Value::from(true)),
            None => None,
        }
    }
}
