//! stub
#![allow(missing_docs)]
use crate::data::*;
use std::sync::Arc;
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepPart {
    Output,
    Input,
    Status,
    Error,
}
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    Input,
    Data,
    State,
    Context,
    Execution,
    Env,
    Secrets,
    Index,
    Resume,
    Error,
    Result,
    Response,
    Winner,
    Attempt,
    Event,
    Arguments,
    Trigger,
    Output,
    Now,
    Local(Arc<str>),
    Step { id: Arc<str>, part: StepPart },
}
pub trait Names {
    fn get(&self, root: &Root) -> Option<Data>;
}
impl<F: Fn(&Root) -> Option<Data>> Names for F {
    fn get(&self, root: &Root) -> Option<Data> {
        self(root)
    }
}
#[derive(Clone, Debug, PartialEq)]
pub struct EvalError {
    pub code: &'static str,
    pub message: String,
}
#[derive(Clone, Debug)]
pub struct Expression(Data, Arc<str>);
impl Expression {
    pub fn source(&self) -> &str {
        &self.1
    }
    pub fn eval(&self, _: &dyn Names) -> Result<Data, EvalError> {
        Ok(self.0.clone())
    }
    pub fn eval_bool(&self, _: &dyn Names) -> Result<bool, EvalError> {
        Ok(true)
    }
}
#[derive(Clone, Debug)]
pub enum Build {
    Literal(Data),
    Expression(Arc<Expression>),
}
impl Build {
    pub fn eval(&self, _n: &dyn Names) -> Result<Data, EvalError> {
        match self {
            Build::Literal(d) => Ok(d.clone()),
            Build::Expression(e) => e.eval(_n),
        }
    }
    pub fn eval_sealed(&self, n: &dyn Names) -> Result<Sealed, EvalError> {
        Ok(Sealed::Plain(self.eval(n)?))
    }
}
