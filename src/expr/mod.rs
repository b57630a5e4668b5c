//! stub
#![allow(missing_docs)]
mod names;
mod problem;
pub use names::{Names, Reference, Root, Segment, StepPart};
pub use problem::{EvalError, Problem, ProblemKind};
use crate::data::*;
use std::sync::Arc;
#[derive(Clone, Debug)]
pub struct Expression(Data, Arc<str>);
impl Expression {
    pub fn compile(source: &str) -> Result<Expression, Vec<Problem>> {
        Ok(Expression(Data::Null, source.into()))
    }
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
pub struct Text(Arc<str>);
impl Text {
    pub fn compile(source: &str) -> Result<Text, Vec<Problem>> {
        Ok(Text(source.into()))
    }
}
#[derive(Clone, Debug)]
pub enum Build {
    Literal(Data),
    Expression(Arc<Expression>),
    Text(Arc<Text>),
    List(Vec<Build>),
    Map(Vec<(Arc<str>, Build)>),
}
impl Build {
    pub fn eval(&self, _n: &dyn Names) -> Result<Data, EvalError> {
        Ok(Data::Null)
    }
    pub fn eval_sealed(&self, n: &dyn Names) -> Result<Sealed, EvalError> {
        Ok(Sealed::Plain(self.eval(n)?))
    }
}
