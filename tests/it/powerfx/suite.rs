//! The public cases of Power Fx: how they are read, run and compared.

use std::fs;
use std::path::{Path, PathBuf};

use interpret::data::Data;
use interpret::expr::Problem;
use interpret::expr::powerfx::{Context, Formula, Globals, Options, Shown, functions};

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Passed,
    /// What the formula gave.
    Failed(String),
    /// Why the case is not ours.
    OutOfScope(&'static str),
}

/// A case of a file.
pub struct Case {
    pub line: usize,
    pub formula: String,
    pub expected: String,
}

/// A file of cases and how it wants them to be run.
pub struct File {
    pub name: String,
    pub setups: Vec<String>,
    pub cases: Vec<Case>,
}

/// Setups that change what the evaluator does, or that it has anyway.
const SETUPS: &[&str] = &[
    "AllEnumsSetup",
    "ConsistentOneColumnTableResult",
    "DecimalSupport",
    "DisableMemChecks",
    "EnableExpressionChaining",
    "EnableJsonFunctions",
    "FirstLastNRequiresSecondArguments",
    "NumberIsFloat",
    "PowerFxV1CompatibilityRules",
    "RegEx",
    "RestrictedIsEmptyArguments",
    "StronglyTypedBuiltinEnums",
    "SupportColumnNamesAsIdentifiers",
    "TableSyntaxDoesntWrapRecords",
    "disable:DisableReservedKeywords",
    "disable:NumberIsFloat",
];

/// Setups that are not ours, and why.
const OTHER_SETUPS: &[(&str, &str)] = &[
    ("AllEnumsPlusTestEnumsSetup", "enumerations that a host defines"),
    ("AllEnumsPlusTestOptionSetsSetup", "option sets that a host defines"),
    ("Blob", "binary values of a host"),
    ("DisableReservedKeywords", "reserved words are reserved in Power Fx 1.0"),
    ("MutationFunctionsTestSetup", "functions that change tables of a host"),
    ("OptionSetSortTestSetup", "option sets that a host defines"),
    ("OptionSetTestSetup", "option sets that a host defines"),
    (
        "TextFirst",
        "texts with formulas as a mode of the parser; templates are ours",
    ),
    ("TraceSetup", "a trace that a host keeps"),
    (
        "disable:ConsistentOneColumnTableResult",
        "the rules before Power Fx 1.0",
    ),
    (
        "disable:FirstLastNRequiresSecondArguments",
        "the rules before Power Fx 1.0",
    ),
    ("disable:PowerFxV1CompatibilityRules", "the rules before Power Fx 1.0"),
    ("disable:StronglyTypedBuiltinEnums", "the rules before Power Fx 1.0"),
    (
        "disable:SupportColumnNamesAsIdentifiers",
        "the rules before Power Fx 1.0",
    ),
    ("disable:TableSyntaxDoesntWrapRecords", "the rules before Power Fx 1.0"),
];

/// Files that are not ours, and why. The suite itself does not run what is not yet ready; of that, the weeks of a year
/// are as good as any.
const OTHER_FILES: &[(&str, &str)] = &[
    ("NotYetReady/Find", "results from before Power Fx 1.0"),
    (
        "NotYetReady/If",
        "results of another implementation, in another notation",
    ),
    (
        "NotYetReady/Sort",
        "results of another implementation, in another notation",
    ),
    (
        "NotYetReady/Switch",
        "results of another implementation, in another notation",
    ),
    (
        "NotYetReady/Value",
        "results of another implementation, in another notation",
    ),
    ("TypedParseJSON", "types in formulas"),
    ("TypedParseJSON_TimeZone_Seattle", "types in formulas"),
];

/// The zones that cases ask for, by the names that Windows has for them.
const ZONES: &[(&str, &str)] = &[
    ("GMT Standard Time", "Europe/London"),
    ("Lord Howe Standard Time", "Australia/Lord_Howe"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Romance Standard Time", "Europe/Paris"),
    ("UTC", "UTC"),
];

/// Functions that are not ours, and why.
pub const OTHER_FUNCTIONS: &[(&str, &str)] = &[
    ("AsType", "types in formulas"),
    ("Clear", "functions that change tables of a host"),
    ("Collect", "functions that change tables of a host"),
    ("IsType", "types in formulas"),
    ("Join", "joined tables"),
    ("Remove", "functions that change tables of a host"),
    ("Set", "functions that change variables of a host"),
    ("Trace", "a trace that a host keeps"),
    ("Type", "types in formulas"),
];

/// All files of the suite.
pub fn files(folder: &Path) -> Vec<File> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in [folder.to_owned(), folder.join("NotYetReady")] {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "txt")));
    }
    paths.sort();
    paths.iter().map(|path| read(folder, path)).collect()
}

fn read(folder: &Path, path: &Path) -> File {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(folder).unwrap().with_extension("");
    let mut file = File {
        name: name.to_string_lossy().replace('\\', "/"),
        setups: Vec::new(),
        cases: Vec::new(),
    };
    let mut open: Option<Case> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}');
        if line.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("#setup:")) {
            let setup = &line[7..];
            let setup = setup.split("//").next().unwrap();
            file.setups.extend(setup.split(',').map(|flag| flag.trim().to_owned()));
        } else if let Some(formula) = line.strip_prefix(">>") {
            open = Some(Case {
                line: index + 1,
                formula: formula.trim().to_owned(),
                expected: String::new(),
            });
        } else if line.trim().is_empty() || (line.starts_with("//") && open.is_none()) {
            // The empty lines and comments between cases.
        } else if let Some(mut case) = open.take() {
            if line.starts_with(' ') {
                case.formula.push_str("\r\n");
                case.formula.push_str(line);
                open = Some(case);
            } else {
                case.expected = line.trim().to_owned();
                file.cases.push(case);
            }
        }
    }
    file
}

/// How the cases of a file are run.
pub struct Setting {
    options: Options,
    zone: jiff::tz::TimeZone,
}

impl File {
    /// How its cases are run, or why they are not.
    pub fn setting(&self) -> Result<Setting, &'static str> {
        if let Some((_, why)) = OTHER_FILES.iter().find(|(name, _)| *name == self.name) {
            return Err(why);
        }
        let mut setting = Setting {
            options: Options {
                globals: Globals::Named(Vec::new()),
                number_is_float: false,
            },
            zone: jiff::tz::TimeZone::UTC,
        };
        for setup in &self.setups {
            if let Some((_, why)) = OTHER_SETUPS.iter().find(|(name, _)| name == setup) {
                return Err(why);
            }
            if let Some(zone) = setup.strip_prefix("TimeZoneInfo(\"") {
                let zone = zone.trim_end_matches("\")");
                let (_, name) = ZONES.iter().find(|(windows, _)| *windows == zone).unwrap();
                setting.zone = jiff::tz::TimeZone::get(name).unwrap();
            } else {
                assert!(SETUPS.contains(&setup.as_str()), "{}: unknown setup {setup}", self.name);
            }
            setting.options.number_is_float |= setup == "NumberIsFloat";
        }
        Ok(setting)
    }
}

impl Setting {
    pub fn run(&self, case: &Case) -> Verdict {
        if case.expected.to_ascii_lowercase().starts_with("#skip") {
            return Verdict::OutOfScope("skipped by the suite itself");
        }
        if case.formula.contains("{FirstError.Kind}: {FirstError.Message}") {
            return Verdict::OutOfScope("the words of messages are ours");
        }
        if let Some(why) = other_function(&case.formula) {
            return Verdict::OutOfScope(why);
        }
        let wants_problem = case.expected.starts_with("Errors:");
        let formula = match Formula::compile_with(&case.formula, &self.options) {
            // The words for what is wrong are ours; the place has to be one of those that the suite names.
            Err(problems) if wants_problem && problems.iter().any(|problem| is_named(case, problem)) => {
                return Verdict::Passed;
            }
            Err(problems) => {
                let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
                return Verdict::Failed(format!("Problems: {}", messages.join("; ")));
            }
            Ok(formula) => formula,
        };
        let nothing = |_: &str| None::<Data>;
        let context = Context {
            globals: &nothing,
            now: "2026-08-07T10:11:12.345Z".parse().unwrap(),
            zone: self.zone.clone(),
            locale: "en-US",
            seed: 7,
        };
        let shown = formula.show(&context);
        match !wants_problem && same(&shown, &case.expected) {
            true => Verdict::Passed,
            false => Verdict::Failed(shown.formula),
        }
    }
}

/// Whether a problem is at a place, or around one, that the expected errors name: `Error 4-9: …|Warning 1-2: …`.
fn is_named(case: &Case, problem: &Problem) -> bool {
    // The suite counts units of UTF-16.
    let units = |at: usize| case.formula[..at].encode_utf16().count();
    let (start, end) = (units(problem.range.start), units(problem.range.end));
    let places = case
        .expected
        .trim_start_matches("Errors: ")
        .split('|')
        .filter_map(|error| {
            let place = error
                .strip_prefix("Error ")
                .or_else(|| error.strip_prefix("Warning "))?;
            let (from, to) = place.split_once(':')?.0.split_once('-')?;
            Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?))
        });
    places
        .into_iter()
        .any(|(from, to)| start < to.max(from + 1) && from < end.max(start + 1))
}

/// The first function that is not ours, unless it stands in a text.
fn other_function(formula: &str) -> Option<&'static str> {
    let outside: String = formula.split('"').step_by(2).collect::<Vec<_>>().join("\"");
    OTHER_FUNCTIONS.iter().find_map(|(name, why)| {
        let mut from = 0;
        while let Some(at) = outside[from..].find(&format!("{name}(")) {
            let before = outside[..from + at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                return Some(*why);
            }
            from += at + 1;
        }
        None
    })
}

/// Whether a value is what was expected: the same text, an equal decimal, or a float or time that is as near as the
/// suite allows.
fn same(shown: &Shown, expected: &str) -> bool {
    let formula = shown.formula.as_str();
    if formula == expected {
        return true;
    }
    if let (Ok(number), Ok(wanted)) = (formula.parse::<f64>(), expected.parse::<f64>()) {
        let fraction = expected.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        return match shown.is_float {
            true => fraction <= 17 && ((number - wanted).abs() < 1e-5 || ((number - wanted) / wanted).abs() < 1e-14),
            false => decimal(formula) == decimal(expected),
        };
    }
    match (time(formula), time(expected)) {
        (Some(shown), Some(expected)) => (shown - expected).abs() <= 1,
        _ => false,
    }
}

/// A decimal; digits beyond those that it has are rounded.
fn decimal(text: &str) -> Option<rust_decimal::Decimal> {
    let parsed = text.parse().or_else(|_| rust_decimal::Decimal::from_scientific(text));
    parsed.ok().map(|decimal: rust_decimal::Decimal| decimal.normalize())
}

/// The milliseconds of `DateTime(…)`, not to the day but enough to tell neighbours.
fn time(text: &str) -> Option<i64> {
    let parts = text.strip_prefix("DateTime(")?.strip_suffix(')')?;
    let parts: Option<Vec<i64>> = parts.split(',').map(|part| part.parse().ok()).collect();
    let parts = parts.filter(|parts| parts.len() == 7)?;
    let units = [12 * 31, 31, 1]
        .map(|days| days * 86_400_000)
        .into_iter()
        .chain([3_600_000, 60_000, 1_000, 1]);
    Some(parts.iter().zip(units).map(|(part, unit)| part * unit).sum())
}

/// Whether a function is ours, for the test of the lists above.
pub fn is_ours(name: &str) -> bool {
    functions().iter().any(|function| function.name == name)
}
