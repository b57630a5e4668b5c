//! Functions of the embedding program.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Performing, failed};
use crate::data::Data;
use crate::graph::Name;
use crate::run::{Answer, Failure, FunctionRequest, Outcome};

type Function = Arc<dyn Fn(Data) -> Performing + Send + Sync>;

/// Asynchronous Rust functions by the name workflows call them by.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: BTreeMap<Name, Function>,
}

impl Functions {
    /// No functions.
    pub fn new() -> Functions {
        Functions::default()
    }

    /// The same with one more; it replaces one of the same name.
    ///
    /// ```
    /// use interpret::data;
    /// use interpret::data::Data;
    /// use interpret::provider::Functions;
    /// use interpret::run::Failure;
    ///
    /// let functions = Functions::new().with("double", async |arguments: Data| match arguments.as_i64() {
    ///     Some(number) => Ok(data!(number * 2)),
    ///     None => Err(Failure::new("double.input", "a whole number is needed")),
    /// });
    /// assert!(functions.names().any(|name| name == "double"));
    /// ```
    #[must_use]
    pub fn with<F, R>(mut self, name: impl Into<Name>, function: F) -> Functions
    where
        F: Fn(Data) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Data, Failure>> + Send + 'static,
    {
        let function: Function = Arc::new(move |arguments| {
            let call = AssertUnwindSafe(function(arguments));
            call.catch_unwind()
                .map(|end| answer(end.unwrap_or_else(|_| Err(panicked()))))
                .boxed()
        });
        self.by_name.insert(name.into(), function);
        self
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    pub(super) fn perform(&self, request: &FunctionRequest) -> Performing {
        match self.by_name.get(&request.name) {
            Some(function) => {
                let (function, arguments) = (function.clone(), request.arguments.clone());
                // Called inside the future, so that a function that panics before its first await is caught too.
                let call = AssertUnwindSafe(async move { function(arguments).await });
                call.catch_unwind()
                    .map(|end| end.unwrap_or_else(|_| failed(panicked())))
                    .boxed()
            }
            None => {
                let known = self.names().collect::<Vec<_>>().join(", ");
                let message = match known.is_empty() {
                    true => format!("no function `{}` is registered in this program", request.name),
                    false => format!("no function `{}` is registered; there are {known}", request.name),
                };
                std::future::ready(failed(Failure::new("function.unknown", message))).boxed()
            }
        }
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn answer(end: Result<Data, Failure>) -> Outcome {
    match end {
        Ok(result) => Outcome::Done(Answer {
            result: Some(result),
            response: None,
        }),
        Err(failure) => failed(failure),
    }
}

fn panicked() -> Failure {
    Failure::new("function.panicked", "the function panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn call(functions: &Functions, name: &str) -> Outcome {
        let request = FunctionRequest {
            name: name.into(),
            arguments: data!(21),
        };
        functions.perform(&request).now_or_never().unwrap()
    }

    fn code(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed(failure) => failure.code.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn functions_answer_fail_and_panic_without_harm() {
        async fn boom(_: Data) -> Result<Data, Failure> {
            panic!("boom")
        }
        let functions = Functions::new()
            .with("double", async |value: Data| Ok(data!(value.as_i64().unwrap_or(0) * 2)))
            .with("refuse", async |_| Err(Failure::new("refused", "no")))
            .with("early", |_| -> std::future::Ready<Result<Data, Failure>> {
                panic!("early")
            })
            .with("boom", boom);
        let double = Answer {
            result: Some(data!(42)),
            response: None,
        };
        assert_eq!(call(&functions, "double"), Outcome::Done(double));
        assert_eq!(code(call(&functions, "refuse")), "refused");
        assert_eq!(code(call(&functions, "boom")), "function.panicked");
        assert_eq!(code(call(&functions, "early")), "function.panicked");
        assert_eq!(code(call(&functions, "dubble")), "function.unknown");
    }
}
