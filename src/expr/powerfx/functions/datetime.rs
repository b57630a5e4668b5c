//! Functions of dates and times.

use std::ops::Range;

use super::Blank::{Keep, Zero};
use super::{Family, Function, Param, Returns};
use crate::expr::ProblemKind;
use crate::expr::powerfx::bind::Binder;
use crate::expr::powerfx::dateparse;
use crate::expr::powerfx::datetime::{self, DAY, HOUR, MILLISECOND, MINUTE, Parts, SECOND};
use crate::expr::powerfx::enums::{Raw, START_OF_WEEK, TIME_UNIT};
use crate::expr::powerfx::error::{Eval, Failure, Kind};
use crate::expr::powerfx::eval::Cx;
use crate::expr::powerfx::ir::Expr;
use crate::expr::powerfx::locale::Locale;
use crate::expr::powerfx::types::Type;
use crate::expr::powerfx::value::Value;

const fn date_function(function: Function) -> Function {
    function.family(Family::Date)
}

const FLOAT: Param = Param::Float(Zero);
const DATE: Param = Param::DateTime(Zero);
const DATE_OR_BLANK: Param = Param::DateTime(Keep);

/// The parts that a blank has, as spreadsheets see it.
const NOTHING: Parts = Parts {
    year: 1900,
    month: 1,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    millisecond: 0,
};

macro_rules! part {
    ($name:literal $param:expr, $part:expr, $formula:literal $gives:literal) => {
        date_function(Function::plain($name, &[$param], Returns::Int, |cx, values| {
            let part: fn(Parts) -> i64 = $part;
            Ok(match &values[0] {
                Value::Blank => cx.int(part(NOTHING)),
                value => {
                    let ticks = cx.ticks(value)?;
                    cx.int(part(datetime::parts(ticks)))
                }
            })
        }))
        .tabular()
        .example($formula, $gives)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    date_function(Function::plain(
        "Date",
        &[FLOAT, FLOAT, FLOAT],
        Returns::Date,
        |cx, values| {
            let ticks = date(values)?;
            Ok(Value::Date(datetime::existing(ticks, cx.zone())))
        },
    ))
    .example("Date(2026, 2, 30)", "Date(2026,3,2)"),
    date_function(Function::plain(
        "DateAdd",
        &[DATE, FLOAT, Param::Enum(&TIME_UNIT)],
        Returns::Check(add_type),
        date_add,
    ))
    .arity(2, 3)
    .tabular()
    .example("DateAdd(Date(2026, 1, 31), 1, TimeUnit.Months)", "Date(2026,2,28)"),
    date_function(Function::plain(
        "DateDiff",
        &[DATE, DATE, Param::Enum(&TIME_UNIT)],
        Returns::Int,
        date_diff,
    ))
    .arity(2, 3)
    .tabular()
    .example("DateDiff(Date(2026, 1, 1), Date(2026, 3, 1))", "59"),
    date_function(Function::plain("DateTime", &[FLOAT; 7], Returns::DateTime, date_time))
        .arity(3, 7)
        .example("DateTime(2026, 1, 2, 3, 4, 5)", "DateTime(2026,1,2,3,4,5,0)"),
    date_function(Function::plain(
        "DateTimeValue",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(parse_date_time),
        |cx, values| parsed(cx, values, Wanted::DateTime),
    ))
    .arity(1, 2)
    .example("DateTimeValue(\"2026-01-02 03:04\")", "DateTime(2026,1,2,3,4,0,0)"),
    date_function(Function::plain(
        "DateValue",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(parse_date),
        |cx, values| parsed(cx, values, Wanted::Date),
    ))
    .arity(1, 2)
    .example("DateValue(\"1/2/2026\")", "Date(2026,1,2)"),
    part!("Day" DATE_OR_BLANK, |at| at.day, "Day(Date(2026, 1, 2))" "2"),
    date_function(Function::plain("EDate", &[DATE, FLOAT], Returns::Date, edate))
        .tabular()
        .example("EDate(Date(2026, 1, 31), 1)", "Date(2026,2,28)"),
    date_function(Function::plain("EOMonth", &[DATE, FLOAT], Returns::Date, eomonth))
        .tabular()
        .example("EOMonth(Date(2026, 1, 15), 1)", "Date(2026,2,28)"),
    part!("Hour" DATE_OR_BLANK, |at| at.hour, "Hour(Time(3, 4, 5))" "3"),
    date_function(Function::plain("ISOWeekNum", &[DATE], Returns::Int, |cx, values| {
        let ticks = cx.ticks(&values[0])?;
        Ok(cx.int(iso_week(ticks)))
    }))
    .tabular()
    .example("ISOWeekNum(Date(2026, 1, 4))", "1"),
    date_function(Function::plain("IsToday", &[DATE], Returns::Boolean, |cx, values| {
        let ticks = cx.ticks(&values[0])?;
        Ok(Value::Boolean(ticks - ticks.rem_euclid(DAY) == cx.today()))
    }))
    .example("IsToday(Today())", "true"),
    part!("Minute" DATE_OR_BLANK, |at| at.minute, "Minute(Time(3, 4, 5))" "4"),
    part!("Month" DATE_OR_BLANK, |at| at.month, "Month(Date(2026, 1, 2))" "1"),
    date_function(Function::plain("Now", &[], Returns::DateTime, |cx, _| {
        Ok(Value::DateTime(cx.now()))
    }))
    .example("Now() >= Today()", "true"),
    part!("Second" DATE_OR_BLANK, |at| at.second, "Second(Time(3, 4, 5))" "5"),
    date_function(Function::plain("Time", &[FLOAT; 4], Returns::Time, time))
        .arity(3, 4)
        .example("Time(3, 90, 0)", "Time(4,30,0,0)"),
    date_function(Function::plain(
        "TimeValue",
        &[Param::Any, Param::Text(Keep)],
        Returns::Check(parse_time),
        |cx, values| parsed(cx, values, Wanted::Time),
    ))
    .arity(1, 2)
    .example("TimeValue(\"3:04 PM\")", "Time(15,4,0,0)"),
    date_function(Function::plain(
        "TimeZoneOffset",
        &[DATE],
        Returns::Int,
        |cx, values| {
            let ticks = match values.first() {
                Some(value) => cx.ticks(value)?,
                None => cx.now(),
            };
            let minutes = -datetime::offset(ticks, cx.zone()) / 60;
            Ok(cx.int(minutes))
        },
    ))
    .arity(0, 1)
    .example("TimeZoneOffset(Date(2026, 1, 2))", "0"),
    date_function(Function::plain("Today", &[], Returns::Date, |cx, _| {
        Ok(Value::Date(cx.today()))
    }))
    .example("Hour(Today())", "0"),
    date_function(Function::plain(
        "Weekday",
        &[DATE, Param::Enum(&START_OF_WEEK)],
        Returns::Int,
        weekday,
    ))
    .arity(1, 2)
    .tabular()
    .example("Weekday(Date(2026, 1, 2))", "6"),
    date_function(Function::plain(
        "WeekNum",
        &[DATE, Param::Any],
        Returns::Check(week_num_type),
        week_num,
    ))
    .arity(1, 2)
    .tabular()
    .example("WeekNum(Date(2026, 1, 4))", "2"),
    part!("Year" DATE_OR_BLANK, |at| at.year, "Year(Date(2026, 1, 2))" "2026"),
];

fn float(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Float(value)) => value.trunc(),
        _ => 0.0,
    }
}

fn whole(value: Option<&Value>) -> Eval<i64> {
    let value = float(value);
    match value.abs() < 1e15 {
        true => Ok(value as i64),
        false => Err(Failure::invalid("the number is too large for a date")),
    }
}

fn date(values: &[Value]) -> Eval<i64> {
    let (year, month, day) = (whole(values.first())?, whole(values.get(1))?, whole(values.get(2))?);
    if !(1..=9999).contains(&year) {
        return Err(Failure::invalid("a year is from 1 to 9999"));
    }
    datetime::date(year, month, day)
}

fn clock(values: &[Value]) -> Eval<i64> {
    let units = [HOUR, MINUTE, SECOND, MILLISECOND];
    let mut ticks: i64 = 0;
    for (value, unit) in values.iter().zip(units) {
        let part = whole(Some(value))?.checked_mul(unit);
        ticks = part
            .and_then(|part| ticks.checked_add(part))
            .ok_or_else(|| Failure::invalid("the number is too large for a time"))?;
    }
    Ok(ticks)
}

fn date_time(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let ticks = date(values)?
        .checked_add(clock(&values[3..])?)
        .and_then(datetime::in_range);
    let outside = || Failure::invalid("the date is not between the years 1 and 9999");
    let ticks = ticks.ok_or_else(outside)?;
    Ok(Value::DateTime(datetime::existing(ticks, cx.zone())))
}

fn time(_: &mut Cx<'_>, values: &[Value]) -> Eval {
    clock(values).map(Value::Time)
}

fn add_type(_: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    let of = |of: &Type| match of {
        of @ (Type::Date | Type::Time | Type::DateTime | Type::Any) => of.clone(),
        _ => Type::DateTime,
    };
    match &arguments[0].of {
        Type::Table(columns) => {
            let inner = columns.single().map_or(Type::DateTime, |(_, inner)| of(inner));
            Type::table_of(crate::expr::powerfx::value::VALUE, inner)
        }
        first => {
            let inner = of(first);
            match arguments.iter().any(|argument| matches!(argument.of, Type::Table(_))) {
                true => Type::table_of(crate::expr::powerfx::value::VALUE, inner),
                false => inner,
            }
        }
    }
}

fn unit(value: Option<&Value>) -> &str {
    match value {
        Some(Value::Enum(_, Raw::Text(text))) => text,
        _ => "days",
    }
}

fn date_add(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let amount = match values.get(1) {
        Some(Value::Float(value)) => *value,
        _ => 0.0,
    };
    let ticks = cx.ticks(&values[0])?;
    let outside = || Failure::invalid("the date is not between the years 1 and 9999");
    if amount.abs() > 1e15 {
        return Err(outside());
    }
    let months = |per: i64| datetime::add_months(ticks, amount.trunc() as i64 * per);
    let by = |unit: i64| {
        let more = amount * unit as f64;
        (more.abs() < 9e18)
            .then(|| ticks.checked_add(more.round() as i64))
            .flatten()
    };
    // Hours and less pass on the clock of the world, so that they go over changes of the clock on the wall.
    let real = |unit: i64| {
        let moved = by(unit)?
            .checked_sub(ticks)?
            .checked_add(datetime::to_utc(ticks, cx.zone()))?;
        datetime::in_range(moved).map(|moved| datetime::from_utc(moved, cx.zone()))
    };
    let lower = unit(values.get(2)).to_ascii_lowercase();
    let moved = match &*lower {
        "years" => months(12),
        "quarters" => months(3),
        "months" => months(1),
        "days" => by(DAY)
            .and_then(datetime::in_range)
            .map(|moved| datetime::existing(moved, cx.zone())),
        "hours" => real(HOUR),
        "minutes" => real(MINUTE),
        "seconds" => real(SECOND),
        "milliseconds" => real(MILLISECOND),
        other => return Err(Failure::invalid(format!("`{other}` is not a unit of time"))),
    };
    let moved = moved.and_then(datetime::in_range).ok_or_else(outside)?;
    Ok(match &values[0] {
        Value::Time(_) => Value::Time(moved - datetime::EPOCH),
        Value::Date(_) => Value::Date(moved),
        _ => Value::DateTime(moved),
    })
}

fn date_diff(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let (start, end) = (cx.ticks(&values[0])?, cx.ticks(&values[1])?);
    let (first, last) = (datetime::parts(start), datetime::parts(end));
    let months = (last.year - first.year) * 12 + last.month - first.month;
    let real = |unit: i64| {
        let units = |ticks: i64| datetime::to_utc(ticks, cx.zone()).div_euclid(unit);
        units(end) - units(start)
    };
    let lower = unit(values.get(2)).to_ascii_lowercase();
    let count = match &*lower {
        "years" => last.year - first.year,
        "quarters" => (last.year * 4 + (last.month - 1) / 3) - (first.year * 4 + (first.month - 1) / 3),
        "months" => months,
        "days" => end.div_euclid(DAY) - start.div_euclid(DAY),
        "hours" => real(HOUR),
        "minutes" => real(MINUTE),
        "seconds" => real(SECOND),
        "milliseconds" => real(MILLISECOND),
        other => return Err(Failure::invalid(format!("`{other}` is not a unit of time"))),
    };
    Ok(cx.int(count))
}

fn months_later(cx: &mut Cx<'_>, values: &[Value]) -> Eval<i64> {
    let ticks = cx.ticks(&values[0])?;
    let day = ticks - ticks.rem_euclid(DAY);
    let months = whole(values.get(1))?;
    datetime::add_months(day, months).ok_or_else(|| Failure::invalid("the date is not between the years 1 and 9999"))
}

fn edate(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    months_later(cx, values).map(Value::Date)
}

fn eomonth(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    let at = datetime::parts(months_later(cx, values)?);
    let last = datetime::days_in_month(at.year, at.month);
    Ok(Value::Date(datetime::days(at.year, at.month, last) * DAY))
}

fn iso_week(ticks: i64) -> i64 {
    // The week belongs to the year of its Thursday.
    let monday_based = (datetime::weekday(ticks) + 6) % 7;
    let thursday = ticks.div_euclid(DAY) - monday_based + 3;
    let year = datetime::parts(thursday * DAY).year;
    (thursday - datetime::days(year, 1, 1)) / 7 + 1
}

/// The first day of the week, Sunday is 0, and the number that it has.
fn start_of_week(value: Option<&Value>, default: i64) -> Eval<(i64, i64)> {
    let code = match value {
        Some(Value::Enum(_, Raw::Number(code))) => *code,
        Some(value @ (Value::Float(_) | Value::Decimal(_))) => match value {
            Value::Float(code) => *code as i64,
            Value::Decimal(code) => crate::expr::powerfx::number::to_float(*code) as i64,
            _ => default,
        },
        _ => default,
    };
    match code {
        1 | 17 => Ok((0, 1)),
        2 | 11 => Ok((1, 1)),
        3 => Ok((1, 0)),
        12..=16 => Ok((code - 10, 1)),
        _ => Err(Failure::invalid("there is no such start of a week")),
    }
}

fn weekday(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if matches!(values.get(1), Some(Value::Blank)) {
        return Err(Failure::invalid("the start of the week is blank"));
    }
    let (first, number) = start_of_week(values.get(1), 1)?;
    let day = (datetime::weekday(cx.ticks(&values[0])?) - first).rem_euclid(7);
    Ok(cx.int(day + number))
}

/// A start of the week, or the number that spreadsheets have for it.
fn week_num_type(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    if let Some(start) = arguments.get(1) {
        let number = match &start.kind {
            crate::expr::powerfx::ir::Kind::Constant(value) => match value {
                Value::Float(number) => Some(*number),
                Value::Decimal(number) => Some(crate::expr::powerfx::number::to_float(*number)),
                _ => None,
            },
            _ => None,
        };
        let of = match &start.of {
            Type::Table(columns) => columns.single().map_or(Type::Any, |(_, of)| of.clone()),
            of => of.clone(),
        };
        let fits = match (&of, number) {
            (_, Some(number)) => number.fract() == 0.0 && matches!(number as i64, 1 | 2 | 11..=17),
            (of, None) => of.is_number() || of.coerces(&Type::Enum(&START_OF_WEEK)),
        };
        if !fits {
            let span = start.span.clone();
            binder.report(ProblemKind::Type, &span, format!("{of} is not a start of the week"));
        }
    }
    let table = arguments.iter().any(|argument| matches!(argument.of, Type::Table(_)));
    match table {
        true => Type::table_of(crate::expr::powerfx::value::VALUE, binder.number_type()),
        false => binder.number_type(),
    }
}

/// The week of the year, of which the first holds the first of January.
fn week_num(cx: &mut Cx<'_>, values: &[Value]) -> Eval {
    if let Some(Value::Enum(_, Raw::Number(3))) = values.get(1) {
        return Err(Failure::invalid("weeks are not counted by this start of a week"));
    }
    let (first, _) = start_of_week(values.get(1), 1)?;
    let ticks = cx.ticks(&values[0])?;
    let year = datetime::parts(ticks).year;
    let new_year = datetime::days(year, 1, 1);
    let skipped = (datetime::weekday(new_year * DAY) - first).rem_euclid(7);
    let week = (ticks.div_euclid(DAY) - new_year + skipped) / 7 + 1;
    Ok(cx.int(week))
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Date,
    Time,
    DateTime,
}

fn parse_type(binder: &mut Binder<'_>, arguments: &[Expr], gives: Type) -> Type {
    let of = &arguments[0].of;
    let fits = matches!(of, Type::Text | Type::Untyped | Type::Any | Type::Blank) || of.is_temporal();
    let of_text = match of {
        Type::Enum(_) | Type::Boolean => false,
        Type::Float | Type::Decimal => true,
        _ => fits,
    };
    if !of_text {
        let message = format!("{of} is not read as a date");
        let span = arguments[0].span.clone();
        binder.report(ProblemKind::Type, &span, message);
    }
    gives
}

fn parse_date(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    parse_type(binder, arguments, Type::Date)
}

fn parse_date_time(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    parse_type(binder, arguments, Type::DateTime)
}

fn parse_time(binder: &mut Binder<'_>, arguments: &mut [Expr], _: &Range<usize>) -> Type {
    parse_type(binder, arguments, Type::Time)
}

fn parsed(cx: &mut Cx<'_>, values: &[Value], wanted: Wanted) -> Eval {
    let value = &values[0];
    if value.is_blank() {
        return Ok(Value::Blank);
    }
    let locale = match values.get(1) {
        Some(Value::Text(tag)) => Locale::find(tag)
            .ok_or_else(|| Failure::new(Kind::BAD_LANGUAGE, format!("the language `{tag}` is not known")))?,
        _ => cx.locale,
    };
    let read = match value {
        Value::Text(text) => match wanted {
            Wanted::Time => dateparse::time_in(text, locale)?,
            _ => dateparse::date_time_in(text, cx, locale)?,
        },
        value => Some(match wanted {
            Wanted::Time => cx.time(value)?,
            _ => cx.ticks(value)?,
        }),
    };
    let Some(ticks) = read else {
        return Ok(Value::Blank);
    };
    Ok(match wanted {
        Wanted::Date => Value::Date(ticks - ticks.rem_euclid(DAY)),
        Wanted::DateTime => Value::DateTime(ticks),
        Wanted::Time => Value::Time(ticks),
    })
}
