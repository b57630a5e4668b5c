//! `interpret test`: the cases of test files, and what is wrong with them.

mod coverage;
mod github;
mod json;
mod junit;
mod text;
mod watch;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Exit, complain, output, show};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::load::{self, Loaded};
use crate::provider::Cassette;
use crate::source::Sources;
use crate::testing::{self, CaseResult, Mode, Options, Suite};

/// Which tests to run, and how to say what came of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  interpret test
  interpret test workflows/etl.test.yaml --filter 'two pages'
  interpret test workflows --accept
  interpret test --check --format junit > report.xml
  interpret test --coverage --fail-under 90
  interpret test --coverage-format lcov --coverage-out lcov.info

Exit codes: 0 all passed, 1 some failed, 2 wrong usage or definitions.")]
pub(super) struct Arguments {
    /// Test files, workflow files (the tests beside them that are about them), and folders with all test files in them.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only cases whose name, or the path of whose file, contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Keeps new and changed snapshots, and removes those that belong to no case.
    #[arg(long, conflicts_with = "check")]
    accept: bool,
    /// Writes nothing, and fails on snapshots that are missing, wait for review or belong to no case. With the variable
    /// `CI` set this is the default.
    #[arg(long)]
    check: bool,
    /// How results are written: text on stderr, all else on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many cases run at once; by default as many as there are processors.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Answers in the place of models from a file that `interpret run --record-models` wrote, where neither a mock nor a
    /// script does.
    #[arg(long, value_name = "FILE")]
    replay_models: Option<PathBuf>,
    /// Runs the tests again whenever a file changes.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    coverage: coverage::Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
    Github,
}

/// What came of all cases.
struct Report<'r> {
    suites: &'r [Suite],
    sources: &'r Sources,
    results: Vec<CaseResult>,
    /// Findings in test files and workflows.
    diagnostics: &'r [Diagnostic],
    /// Snapshots that belong to no case.
    orphans: Vec<PathBuf>,
    mode: Mode,
}

impl Report<'_> {
    fn failed(&self) -> impl Iterator<Item = &CaseResult> {
        self.results.iter().filter(|result| !result.passed())
    }

    /// Whether orphans are a failure.
    fn orphaned(&self) -> bool {
        self.mode == Mode::Check && !self.orphans.is_empty()
    }

    fn exit(&self) -> Exit {
        match self.diagnostics.iter().any(Diagnostic::is_error) {
            true => Exit::Usage,
            false if self.failed().next().is_some() || self.orphaned() => Exit::Error,
            false => Exit::Success,
        }
    }
}

pub(super) fn run(arguments: Arguments) -> Exit {
    match arguments.watch {
        true => watch::run(&arguments),
        false => once(&arguments),
    }
}

fn once(arguments: &Arguments) -> Exit {
    if let Some(conflict) = arguments.coverage.conflict(arguments.format) {
        return complain(conflict);
    }
    let loaded = load::load_tests(&arguments.paths);
    let (mut suites, mut diagnostics) = testing::read(&loaded);
    diagnostics.splice(0..0, loaded.diagnostics.iter().cloned());
    // Folders with tests may hold other YAML too.
    diagnostics.retain(|finding| finding.code != Code::UnknownDocument || finding.severity == Severity::Error);
    if let Some(path) = &arguments.replay_models {
        match Cassette::open(path).map(Arc::new) {
            Ok(cassette) => suites.iter_mut().for_each(|suite| suite.replay(&cassette)),
            Err(error) => return complain(format!("--replay-models: {error}")),
        }
    }
    suites.retain(|suite| meant(&arguments.paths, suite, &loaded));
    show(&diagnostics, &loaded.sources);
    let options = Options {
        mode: mode(arguments),
        jobs: arguments.jobs,
        filter: arguments.filter.clone(),
    };
    if testing::selected(&suites, options.filter.as_deref()).next().is_none() {
        return match diagnostics.iter().any(Diagnostic::is_error) {
            true => Exit::Usage,
            false => complain(nothing(arguments)),
        };
    }
    let mut text = text::Progress::new(&suites, arguments.format == Format::Text);
    let mut results = Vec::new();
    testing::run(&suites, &options, |result| {
        text.push(&result);
        results.push(result);
    });
    text.finish();
    let report = Report {
        suites: &suites,
        sources: &loaded.sources,
        results,
        diagnostics: &diagnostics,
        orphans: match arguments.filter {
            // A filter leaves cases out, not files.
            Some(_) if options.mode == Mode::Accept => Vec::new(),
            _ => testing::orphans(&suites),
        },
        mode: options.mode,
    };
    if options.mode == Mode::Accept
        && let Err(message) = testing::remove_all(&report.orphans)
    {
        return complain(message);
    }
    let written = match arguments.format {
        Format::Text => {
            text::failures(&report);
            Ok(())
        }
        Format::Json => output::result(&json::render(&report)),
        Format::Junit => output::result(&junit::render(&report)),
        Format::Github => output::result(&github::render(&report)),
    };
    if let Err(exit) = written {
        return exit;
    }
    let covered = coverage::tell(arguments, &report, &loaded);
    match report.exit() {
        Exit::Success => covered,
        exit => exit,
    }
}

fn mode(arguments: &Arguments) -> Mode {
    let ci = || std::env::var("CI").is_ok_and(|value| !["", "0", "false"].contains(&&*value));
    match (arguments.accept, arguments.check) {
        (true, _) => Mode::Accept,
        (false, true) => Mode::Check,
        (false, false) if !arguments.watch && ci() => Mode::Check,
        (false, false) => Mode::Review,
    }
}

/// Whether a suite is meant by the paths: one of a workflow file stands for its tests only.
fn meant(paths: &[PathBuf], suite: &Suite, loaded: &Loaded) -> bool {
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let workflow = loaded.sources.file(suite.program.main().header.origin.file).name();
    paths
        .iter()
        .any(|path| path.is_dir() || same(path, &suite.path) || same(path, Path::new(workflow)))
}

fn nothing(arguments: &Arguments) -> String {
    match &arguments.filter {
        Some(filter) => format!("no case has `{filter}` in its name or the path of its file"),
        None => "there are no cases; a test file is called NAME.test.yaml and lies beside its workflow".to_owned(),
    }
}
