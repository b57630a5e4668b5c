//! The environment of the virtual machine: which filters, tests and functions there are, and their bounds.
//!
//! Nothing here reads a clock, a file or chance. What could make a large value from small ones is bounded here.

use std::sync::LazyLock;

use minijinja::value::{Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, State, UndefinedBehavior, filters, functions, tests};

use super::helper::{self, order};
use super::{filter, limits, output, time};

/// Functions that can be called; `now()` is read as a name.
pub(super) const FUNCTIONS: &[&str] = &["range", "dict", "namespace"];

macro_rules! table {
    ($names:ident, $install:ident, $add:expr; $($name:literal => $function:expr,)+) => {
        pub(super) const $names: &[&str] = &[$($name,)+];

        fn $install(environment: &mut Environment<'static>) {
            $($add(environment, $name, Value::from_function($function));)+
        }
    };
}

table! { FILTERS, install_filters, add_filter;
    "abs" => filters::abs,
    "attr" => filters::attr,
    "batch" => filters::batch,
    "bool" => filters::bool,
    "chain" => filters::chain,
    "count" => filters::length,
    "d" => filters::default,
    "date" => time::date,
    "default" => filters::default,
    "dictsort" => filters::dictsort,
    "e" => filters::escape,
    "escape" => filters::escape,
    "first" => filters::first,
    "float" => filters::float,
    "format" => filters::format,
    "fromjson" => filter::fromjson,
    "groupby" => filters::groupby,
    "indent" => filters::indent,
    "int" => filters::int,
    "items" => filters::items,
    "join" => filter::join,
    "last" => filters::last,
    "length" => filters::length,
    "lines" => filters::lines,
    "list" => filters::list,
    "lower" => filters::lower,
    "map" => filters::map,
    "max" => filters::max,
    "merge" => filter::merge,
    "min" => filters::min,
    "reject" => filters::reject,
    "rejectattr" => filters::rejectattr,
    "replace" => filters::replace,
    "reverse" => filters::reverse,
    "round" => filters::round,
    "select" => filters::select,
    "selectattr" => filters::selectattr,
    "shift" => time::shift,
    "slice" => filters::slice,
    "sort" => filters::sort,
    "split" => filters::split,
    "string" => filter::string,
    "sum" => filters::sum,
    "title" => filters::title,
    "tojson" => filter::tojson,
    "trim" => filters::trim,
    "unique" => filters::unique,
    "upper" => filters::upper,
    "urlencode" => filter::urlencode,
    "capitalize" => filters::capitalize,
    "zip" => filters::zip,
}

table! { TESTS, install_tests, add_test;
    "defined" => tests::is_defined,
    "undefined" => tests::is_undefined,
    "none" => tests::is_none,
    "boolean" => tests::is_boolean,
    "odd" => tests::is_odd,
    "even" => tests::is_even,
    "divisibleby" => tests::is_divisibleby,
    "number" => tests::is_number,
    "integer" => tests::is_integer,
    "int" => tests::is_integer,
    "float" => tests::is_float,
    "string" => tests::is_string,
    "sequence" => tests::is_sequence,
    "iterable" => tests::is_iterable,
    "mapping" => tests::is_mapping,
    "startingwith" => tests::is_startingwith,
    "endingwith" => tests::is_endingwith,
    "lower" => tests::is_lower,
    "upper" => tests::is_upper,
    "sameas" => tests::is_sameas,
    "eq" => tests::is_eq,
    "equalto" => tests::is_eq,
    "==" => tests::is_eq,
    "ne" => tests::is_ne,
    "!=" => tests::is_ne,
    "lt" => |a: Value, b: Value| order("<", &a, &b),
    "lessthan" => |a: Value, b: Value| order("<", &a, &b),
    "<" => |a: Value, b: Value| order("<", &a, &b),
    "le" => |a: Value, b: Value| order("<=", &a, &b),
    "<=" => |a: Value, b: Value| order("<=", &a, &b),
    "gt" => |a: Value, b: Value| order(">", &a, &b),
    "greaterthan" => |a: Value, b: Value| order(">", &a, &b),
    ">" => |a: Value, b: Value| order(">", &a, &b),
    "ge" => |a: Value, b: Value| order(">=", &a, &b),
    ">=" => |a: Value, b: Value| order(">=", &a, &b),
    "in" => tests::is_in,
    "true" => tests::is_true,
    "false" => tests::is_false,
}

/// The names of all filters, tests and functions that expressions may use.
pub fn builtins() -> impl Iterator<Item = (Builtin, &'static str)> {
    let of = |kind, names: &'static [&'static str]| names.iter().map(move |name| (kind, *name));
    of(Builtin::Filter, FILTERS)
        .chain(of(Builtin::Test, TESTS))
        .chain(of(Builtin::Function, FUNCTIONS))
}

/// What something built in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Builtin {
    /// `value | NAME`
    Filter,
    /// `value is NAME`
    Test,
    /// `NAME(…)`
    Function,
}

/// Whether a filter of this name exists.
pub(super) fn is_filter(name: &str) -> bool {
    FILTERS.contains(&name)
}

/// The environment of all expressions; templates add theirs to a copy, which shares everything.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(limits::FUEL));
    // Each level of a macro takes a stack frame of the virtual machine.
    environment.set_recursion_limit(200);
    environment.set_auto_reload(false);
    // Without it errors do not know their place.
    environment.set_debug(true);
    environment.set_formatter(output::format);
    install_filters(&mut environment);
    install_tests(&mut environment);
    environment.add_function("range", functions::range);
    environment.add_function("dict", functions::dict);
    environment.add_function("namespace", namespace);
    environment.add_function(helper::PATH, |args: Rest<Value>| helper::path(&args));
    environment.add_function(helper::OPTIONAL_PATH, |args: Rest<Value>| helper::optional_path(&args));
    environment.add_function(helper::SECRET, |name: String| Value::from_object(output::Secret(name)));
    environment.add_function(helper::CONCATENATE, |state: &mut State<'_, '_>, args: Rest<Value>| {
        helper::charge(state, args.iter())?;
        helper::concatenate(&args)
    });
    environment.add_function(helper::MULTIPLY, |state: &mut State<'_, '_>, a: Value, b: Value| {
        let product = helper::multiply(&a, &b)?;
        helper::charge(state, [&product])?;
        Ok::<_, Error>(product)
    });
    environment.add_function(
        helper::CONTAINS,
        |state: &mut State<'_, '_>, item: Value, container: Value| {
            helper::charge(state, [&container])?;
            helper::contains(&container, &item)
        },
    );
    environment.add_function(helper::ORDER, |sign: String, a: Value, b: Value| order(&sign, &a, &b));
    environment.add_function(helper::ORDER_CHAIN, |state: &mut State<'_, '_>, args: Rest<Value>| {
        helper::charge(state, args.iter())?;
        helper::order_chain(&args)
    });
    environment.add_function(helper::KEEP, |state: &mut State<'_, '_>, value: Value| {
        helper::charge(state, [&value])?;
        helper::keep(&value)
    });
    environment
});

/// A namespace lives as long as the evaluation: what it begins with is bounded like what is set in it later.
fn namespace(state: &mut State<'_, '_>, values: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let kept: Result<Vec<Value>, Error> = values.into_values().iter().map(helper::keep).collect();
    Value::from_function(functions::namespace).call(state, &kept?)
}

fn add_filter(environment: &mut Environment<'static>, name: &'static str, filter: Value) {
    environment.add_filter(name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let args = args.into_values();
        filter::check_arguments(name, &args)?;
        helper::charge(state, &args)?;
        let result = helper::bounded(filter.call(state, &args)?)?;
        helper::charge(state, [&result])?;
        Ok::<_, Error>(result)
    });
}

fn add_test(environment: &mut Environment<'static>, name: &'static str, test: Value) {
    environment.add_test(name, move |state: &mut State<'_, '_>, args: Rest<Value>| {
        test.call(state, &args)
    });
}
