//! The evaluation of a checked formula, metered.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::convert;
use super::datetime;
use super::error::{Eval, Failure, Kind as ErrorKind, all, both};
use super::formula::{Context, Options};
use super::functions::{self, Body};
use super::ir::{Expr, Kind};
use super::limits;
use super::locale::Locale;
use super::operators;
use super::syntax::{Binary, Unary};
use super::types::Type;
use super::value::{Record, Value};

/// A name from outside, the fields behind it, and what was found there.
type Known = (Arc<str>, Arc<[Arc<str>]>, Value);

/// An evaluation in progress.
pub(super) struct Cx<'a> {
    pub options: &'a Options,
    pub locale: &'static Locale,
    context: &'a Context<'a>,
    /// The rows and records that names may mean, the outermost first.
    scopes: Vec<Value>,
    fuel: u64,
    memory: usize,
    random: u64,
    /// What names from outside were found to be, so that a table is converted once.
    known: Vec<Known>,
}

impl<'a> Cx<'a> {
    pub fn new(options: &'a Options, context: &'a Context<'a>) -> Cx<'a> {
        Cx {
            options,
            locale: Locale::find(context.locale).unwrap_or_else(Locale::english),
            context,
            scopes: Vec::new(),
            fuel: limits::FUEL,
            memory: limits::MEMORY,
            random: context.seed,
            known: Vec::new(),
        }
    }

    /// Uses up fuel.
    pub fn burn(&mut self, steps: u64) -> Eval<()> {
        self.fuel = self
            .fuel
            .checked_sub(steps)
            .ok_or(Failure::Limit("the evaluation takes too long"))?;
        Ok(())
    }

    /// Accounts for a text that was made.
    pub fn grow(&mut self, bytes: usize) -> Eval<()> {
        if bytes > limits::TEXT {
            return Err(Failure::Limit("a text becomes too large"));
        }
        self.memory = self
            .memory
            .checked_sub(bytes)
            .ok_or(Failure::Limit("the evaluation makes too many texts"))?;
        Ok(())
    }

    /// A text that was made, accounted for.
    pub fn make_text(&mut self, text: String) -> Eval {
        self.grow(text.len())?;
        self.burn(text.len() as u64 / 64)?;
        Ok(Value::Text(text.into()))
    }

    pub fn zone(&self) -> &TimeZone {
        &self.context.zone
    }

    /// The recorded time on a clock of the time zone.
    pub fn now(&self) -> i64 {
        datetime::local(self.context.now, &self.context.zone)
    }

    pub fn today(&self) -> i64 {
        let now = self.now();
        now - now.rem_euclid(datetime::DAY)
    }

    /// The next number below 1 of the sequence that the seed begins (SplitMix64).
    pub fn random(&mut self) -> f64 {
        (self.random_bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn random_bits(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evaluates with a row or record in scope.
    pub fn within(&mut self, row: Value, expr: &Expr) -> Eval {
        self.scopes.push(row);
        let result = self.eval(expr);
        self.scopes.pop();
        result
    }

    /// Evaluates all of them, even behind one that fails.
    pub fn eval_all(&mut self, exprs: &[Expr]) -> Eval<Vec<Value>> {
        let results: Vec<Eval> = exprs.iter().map(|expr| self.eval(expr)).collect();
        all(results)
    }

    /// The value of an expression, or why it has none, with the place of the part that failed.
    pub fn eval(&mut self, expr: &Expr) -> Eval {
        self.burn(1)?;
        self.step(expr).map_err(|failure| failure.at(&expr.span))
    }

    fn step(&mut self, expr: &Expr) -> Eval {
        match &expr.kind {
            Kind::Constant(value) => Ok(value.clone()),
            Kind::Pattern(_) => Ok(Value::Blank),
            Kind::Global(name, path) => self.global(name, path),
            Kind::Scope(level) => self.scopes.get(*level).cloned().unwrap_or(Value::Blank).read(),
            Kind::Field(of, name) => {
                let value = self.eval(of)?;
                self.field(value, name)
            }
            Kind::Late(name, levels) => self.late(name, levels),
            Kind::Call(function, arguments) => match function.body {
                Body::Plain(run) => functions::call(self, function, run, arguments, &expr.of),
                Body::Special(run) => run(self, arguments, &expr.of),
            },
            Kind::Unary(operator, of) => {
                let value = self.eval(of)?;
                self.unary(*operator, &value)
            }
            Kind::Binary(operator, left, right) => {
                let (left_value, right_value) = both(self.eval(left), self.eval(right))?;
                let (left_value, right_value) = match operator {
                    Binary::Equal | Binary::NotEqual => (left_value, right_value),
                    _ => (
                        start_of_time(left_value, &left.of),
                        start_of_time(right_value, &right.of),
                    ),
                };
                operators::binary(self, *operator, left_value, right_value)
            }
            Kind::And(parts) => self.junction(parts, false),
            Kind::Or(parts) => self.junction(parts, true),
            Kind::Concat(parts) => {
                let mut text = String::new();
                for value in self.eval_all(parts)? {
                    text.push_str(&self.string(&value)?);
                    self.grow(text.len().min(1))?;
                    if text.len() > limits::TEXT {
                        return Err(Failure::Limit("a text becomes too large"));
                    }
                }
                self.make_text(text)
            }
            Kind::Chain(parts) => self.chain(parts),
            Kind::Record(fields) => {
                let mut record = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    record.push((name.clone(), Value::cell(self.eval(value))?));
                }
                Ok(Value::record(record))
            }
            Kind::Table(rows, wrap) => {
                let mut table = Vec::with_capacity(rows.len());
                for row in rows {
                    let value = Value::cell(self.eval(row))?;
                    table.push(match wrap {
                        true => Value::row(super::value::VALUE, value),
                        false => value,
                    });
                }
                Ok(Value::table(table))
            }
            Kind::LateTable(rows) => {
                let mut table = Vec::with_capacity(rows.len());
                for row in rows {
                    table.push(match Value::cell(self.eval(row))? {
                        row @ (Value::Record(_) | Value::Blank) => row,
                        value => Value::row(super::value::VALUE, value),
                    });
                }
                Ok(Value::table(table))
            }
            Kind::Coerce(of) => {
                let value = self.eval(of)?;
                self.coerce(value, &expr.of)
            }
        }
    }

    fn unary(&mut self, operator: Unary, value: &Value) -> Eval {
        match operator {
            Unary::Not => Ok(Value::Boolean(!self.boolean(value)?)),
            Unary::Minus => operators::negate(self, value),
            Unary::Percent => operators::percent(self, value),
        }
    }

    /// `&&` and `||`: the first part that decides ends it.
    fn junction(&mut self, parts: &[Expr], decides: bool) -> Eval {
        for part in parts {
            let value = self.eval(part)?;
            if self.boolean(&value)? == decides {
                return Ok(Value::Boolean(decides));
            }
        }
        Ok(Value::Boolean(!decides))
    }

    /// Every part runs; errors of all of them are the chain's.
    fn chain(&mut self, parts: &[Expr]) -> Eval {
        let mut values = self.eval_all(parts)?;
        Ok(values.pop().unwrap_or(Value::Blank))
    }

    fn global(&mut self, name: &Arc<str>, path: &[Arc<str>]) -> Eval {
        let known = self
            .known
            .iter()
            .find(|(known, known_path, _)| known == name && **known_path == *path);
        if let Some((_, _, value)) = known {
            return Ok(value.clone());
        }
        let value = self.outside(name, path)?;
        self.known.push((name.clone(), path.into(), value.clone()));
        Ok(value)
    }

    /// The value of a name from outside and of the fields behind it; blank where there is none.
    fn outside(&mut self, name: &Arc<str>, path: &[Arc<str>]) -> Eval {
        let Some(root) = self.context.globals.get(name) else {
            return Ok(Value::Blank);
        };
        let mut at = &root;
        for (position, key) in path.iter().enumerate() {
            match at {
                crate::data::Data::Map(map) => match map.get(key) {
                    Some(inner) => at = inner,
                    None => return Ok(Value::Blank),
                },
                crate::data::Data::Null => return Ok(Value::Blank),
                other => {
                    let mut value = convert::from_data(other, self)?;
                    for key in &path[position..] {
                        value = self.field(value, key)?;
                    }
                    return Ok(value);
                }
            }
        }
        convert::from_data(at, self)
    }

    fn late(&mut self, name: &Arc<str>, levels: &[usize]) -> Eval {
        for level in levels {
            if let Some(Value::Record(record)) = self.scopes.get(*level)
                && let Some(value) = record.get(name)
            {
                return value.clone().read();
            }
        }
        self.global(name, &[])
    }

    /// The field of a record; of a table, the table of that column.
    pub fn field(&mut self, value: Value, name: &Arc<str>) -> Eval {
        match value {
            Value::Record(record) => record.get(name).cloned().unwrap_or(Value::Blank).read(),
            Value::Blank => Ok(Value::Blank),
            Value::Untyped(json) => Ok(functions::untyped::field(&json, name)?),
            Value::Table(table) => {
                let mut rows = Vec::with_capacity(table.rows().len());
                for row in table.rows() {
                    self.burn(1)?;
                    rows.push(match row {
                        Value::Record(record) => {
                            let value = record.get(name).cloned().unwrap_or(Value::Blank);
                            Value::Record(Record::new(vec![(name.clone(), value)]))
                        }
                        other => other.clone(),
                    });
                }
                Ok(Value::table(rows))
            }
            other => Err(Failure::new(
                ErrorKind::INVALID,
                format!("{} has no `{name}`", other.a_kind()),
            )),
        }
    }
}

/// A blank where a date or time is expected: the moment that dates count from.
fn start_of_time(value: Value, of: &Type) -> Value {
    match (&value, of) {
        (Value::Blank, Type::Date) => Value::Date(datetime::EPOCH),
        (Value::Blank, Type::DateTime) => Value::DateTime(datetime::EPOCH),
        (Value::Blank, Type::Time) => Value::Time(0),
        _ => value,
    }
}
