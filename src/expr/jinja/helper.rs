//! The functions that printed source calls in place of what the engine would do (see [`print`](super::print)).

use minijinja::machinery::ast::{BinOp, BinOpKind, Const, Expr, Spanned};
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::error::{Missing, Why, to_engine};
use super::{limits, value};
use crate::diagnostic::closest;
use crate::expr::EvalError;

pub(super) const PATH: &str = "__path";
pub(super) const OPTIONAL_PATH: &str = "__optional_path";
pub(super) const SECRET: &str = "__secret";
pub(super) const CONCATENATE: &str = "__concatenate";
pub(super) const MULTIPLY: &str = "__multiply";
pub(super) const ORDER: &str = "__order";
pub(super) const ORDER_CHAIN: &str = "__order_chain";
pub(super) const CONTAINS: &str = "__contains";
pub(super) const KEEP: &str = "__keep";

/// Bytes that filters and helpers of this evaluation have read and made.
struct Work(usize);

/// Counts work, and ends an evaluation that does too much.
pub(super) fn charge<'v>(state: &mut State<'_, '_>, values: impl IntoIterator<Item = &'v Value>) -> Result<(), Error> {
    let sizes = values.into_iter().map(|value| match value.as_str() {
        Some(text) => text.len(),
        None => value.len().unwrap_or_default().saturating_mul(size_of::<Value>()),
    });
    let size = sizes.fold(0, usize::saturating_add);
    let work = state.get_or_insert_extension_with(|| Work(0));
    work.0 = work.0.saturating_add(size);
    if work.0 > limits::WORK {
        return Err(to_engine(EvalError::new(
            EvalError::LIMIT,
            "the evaluation takes too long",
        )));
    }
    Ok(())
}

/// Follows a path all of whose links must exist: its number, the base, the links.
pub(super) fn path(args: &[Value]) -> Result<Value, Error> {
    let [number, base, links @ ..] = args else {
        return Err(Error::from(ErrorKind::MissingArgument));
    };
    let missing = |link: usize, why: Why| {
        let path = number.as_usize().unwrap_or(usize::MAX);
        Error::from(ErrorKind::UndefinedError).with_source(Missing { path, link, why })
    };
    if base.is_undefined() {
        return Err(missing(0, Why::Undefined));
    }
    let mut at = base.clone();
    for (position, link) in links.iter().enumerate() {
        let next = at.get_item(link)?;
        if next.is_undefined() {
            return Err(missing(position, why_missing(&at, link)));
        }
        if next.kind() == ValueKind::Invalid {
            return Err(missing(position + 1, Why::Undefined));
        }
        at = next;
    }
    Ok(at)
}

/// Follows a path any link of which may be missing; undefined if one is (rule 4).
pub(super) fn optional_path(args: &[Value]) -> Result<Value, Error> {
    let [_, base, links @ ..] = args else {
        return Err(Error::from(ErrorKind::MissingArgument));
    };
    let mut at = base.clone();
    for link in links {
        if at.is_undefined() {
            break;
        }
        at = at.get_item(link)?;
    }
    Ok(at)
}

fn why_missing(parent: &Value, link: &Value) -> Why {
    let name = link.to_string();
    match parent.kind() {
        ValueKind::Map => {
            let keys: Vec<Value> = parent
                .try_iter()
                .map(|keys| keys.take(1000).collect())
                .unwrap_or_default();
            let similar = closest(&name, keys.iter().filter_map(Value::as_str)).map(str::to_owned);
            Why::Key { name, similar }
        }
        ValueKind::Seq | ValueKind::Iterable => match (link.as_i64(), parent.len()) {
            (Some(index), Some(length)) => Why::Index { index, length },
            _ => Why::Kind { name, kind: "a list" },
        },
        _ => Why::Kind {
            name,
            kind: value::describe(parent),
        },
    }
}

/// `a < b` and the like, for two numbers or two texts only (rules 5 and 6).
pub(super) fn order(sign: &str, a: &Value, b: &Value) -> Result<bool, Error> {
    let comparable = matches!(
        (a.kind(), b.kind()),
        (ValueKind::Number, ValueKind::Number) | (ValueKind::String, ValueKind::String)
    );
    if !comparable {
        let message = format!(
            "`{sign}` cannot order {} and {}",
            value::describe(a),
            value::describe(b)
        );
        return Err(to_engine(EvalError::new(EvalError::TYPE, message)));
    }
    Ok(match sign {
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    })
}

/// `a < b <= c`: operands and signs in turn.
pub(super) fn order_chain(args: &[Value]) -> Result<bool, Error> {
    let mut rest = args.iter();
    let mut left = rest.next();
    while let (Some(a), Some(sign), Some(b)) = (left, rest.next(), rest.next()) {
        let holds = match sign.as_str().unwrap_or_default() {
            "==" => a == b,
            "!=" => a != b,
            sign @ ("in" | "not in") => contains(b, a)? == (sign == "in"),
            sign => order(sign, a, b)?,
        };
        if !holds {
            return Ok(false);
        }
        left = Some(b);
    }
    Ok(true)
}

/// `item in container`
pub(super) fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    match engine_binary(BinOpKind::In, item, container) {
        Some(found) => Ok(found.is_true()),
        None => {
            let message = format!("nothing can be `in` {}", value::describe(container));
            Err(to_engine(EvalError::new(EvalError::TYPE, message)))
        }
    }
}

/// `a ~ b ~ c`, as templates write values (rule 3).
pub(super) fn concatenate(args: &[Value]) -> Result<Value, Error> {
    let mut text = String::new();
    for arg in args {
        match arg.as_str() {
            Some(part) => text.push_str(part),
            None => value::write_data(&mut text, &value::to_data(arg).map_err(to_engine)?),
        }
        check_length(text.len(), limits::SIZE, "text")?;
    }
    Ok(Value::from(text))
}

/// `a * b`, which also repeats texts and lists.
pub(super) fn multiply(a: &Value, b: &Value) -> Result<Value, Error> {
    for (repeated, times) in [(a, b), (b, a)] {
        let bound = match repeated.kind() {
            ValueKind::String => limits::SIZE,
            ValueKind::Seq | ValueKind::Iterable => limits::ITEMS,
            _ => continue,
        };
        let length = repeated
            .as_str()
            .map(str::len)
            .or_else(|| repeated.len())
            .unwrap_or_default();
        let times = times.as_usize().unwrap_or_default();
        check_length(length.saturating_mul(times), bound, value::describe(repeated))?;
    }
    engine_multiply(a, b)
}

fn engine_multiply(a: &Value, b: &Value) -> Result<Value, Error> {
    engine_binary(BinOpKind::Mul, a, b).ok_or_else(|| {
        to_engine(if a.is_number() && b.is_number() {
            EvalError::new(EvalError::LIMIT, format!("{a} * {b} is too large"))
        } else {
            let message = format!("`*` does not work on {} and {}", value::describe(a), value::describe(b));
            EvalError::new(EvalError::TYPE, message)
        })
    })
}

/// One of the engine's own operations, reached through its folding of constants, which follows the same rules; `None`
/// if it fails.
fn engine_binary(op: BinOpKind, a: &Value, b: &Value) -> Option<Value> {
    let constant = |value: &Value| Expr::Const(Spanned::new(Const { value: value.clone() }, Default::default()));
    let operation = BinOp {
        op,
        left: constant(a),
        right: constant(b),
    };
    Expr::BinOp(Spanned::new(operation, Default::default())).as_const()
}

/// What a variable of a template may hold from one iteration to the next: data, whose size and depth are bounded, or
/// one of the engine's own objects.
pub(super) fn keep(kept: &Value) -> Result<Value, Error> {
    let is_data = match kept.kind() {
        ValueKind::String | ValueKind::Seq | ValueKind::Iterable => true,
        // Namespaces and loops are maps too, but must stay themselves.
        ValueKind::Map => !is_engine_object(kept),
        _ => false,
    };
    if is_data {
        return Ok(value::from_data(&value::to_data(kept).map_err(to_engine)?));
    }
    Ok(kept.clone())
}

fn is_engine_object(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        let name = object.type_name();
        name.contains("Namespace") || name.contains("Loop") || name.contains("Module")
    })
}

/// Refuses a filter's result that is too long.
pub(super) fn bounded(result: Value) -> Result<Value, Error> {
    match result.as_str() {
        Some(text) => check_length(text.len(), limits::SIZE, "text")?,
        None => check_length(result.len().unwrap_or_default(), limits::ITEMS, "list")?,
    }
    Ok(result)
}

pub(super) fn check_length(length: usize, bound: usize, what: &str) -> Result<(), Error> {
    if length > bound {
        let message = format!("{what} would be longer than {bound}");
        return Err(to_engine(EvalError::new(EvalError::LIMIT, message)));
    }
    Ok(())
}
