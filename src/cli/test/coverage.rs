//! `--coverage`: what the cases have brought about, and what they have not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Arguments, Exit, Format, Report, complain, output};
use crate::graph::Graph;
use crate::load::Loaded;
use crate::source::Sources;
use crate::testing::{Coverage, Covered, Point, Share, Spot};

/// What is said about coverage, and how.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Tells which steps ran, which conditions came out both ways, which `catch` was entered and which branch won.
    #[arg(long)]
    coverage: bool,
    /// How coverage is written: text on stderr, all else on stdout. Asks for coverage, as do the next two.
    #[arg(long, value_enum, value_name = "FORMAT")]
    coverage_format: Option<How>,
    /// Writes coverage into a file.
    #[arg(long, value_name = "FILE")]
    coverage_out: Option<PathBuf>,
    /// Fails if less than this is covered.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    Text,
    Json,
    Lcov,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse::<f64>().ok();
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "write a number from 0 to 100".to_owned())
}

impl Asked {
    /// What cannot be asked for at once.
    pub fn conflict(&self, format: Format) -> Option<&'static str> {
        let on_stdout = matches!(self.coverage_format, Some(How::Json | How::Lcov)) && self.coverage_out.is_none();
        (on_stdout && format != Format::Text)
            .then_some("both reports would go to stdout; write one of them into a file with --coverage-out FILE")
    }

    fn wanted(&self) -> bool {
        self.coverage || self.coverage_format.is_some() || self.coverage_out.is_some() || self.fail_under.is_some()
    }
}

/// Tells the coverage, if it was asked for.
pub(super) fn tell(arguments: &Arguments, report: &Report<'_>, loaded: &Loaded) -> Exit {
    let asked = &arguments.coverage;
    if !asked.wanted() {
        return Exit::Success;
    }
    let graphs = loaded.workflows().map(|graph| &**graph);
    let graphs: Vec<&Graph> = graphs.filter(|graph| meant(&arguments.paths, graph, report)).collect();
    let runs = report.results.iter().map(|result| &result.played);
    let coverage = Coverage::new(graphs, runs, report.sources);
    let how = asked.coverage_format.unwrap_or(How::Text);
    let written = match how {
        How::Text => text(&coverage, report.sources),
        How::Json => format!("{:#}\n", to_json(&coverage, report.sources)),
        How::Lcov => lcov(&coverage, report.sources),
    };
    let told = match (&asked.coverage_out, how) {
        (Some(file), _) => {
            std::fs::write(file, written).map_err(|error| complain(format!("cannot write {}: {error}", file.display())))
        }
        (None, How::Text) => {
            output::say(&format!("\n{written}"));
            Ok(())
        }
        (None, How::Json | How::Lcov) => output::result(&written),
    };
    if let Err(exit) = told {
        return exit;
    }
    let found = coverage.share().percent();
    match asked.fail_under {
        Some(least) if found < least => {
            complain(format!(
                "{found} % is covered, which is less than {least} % (--fail-under)"
            ));
            Exit::Error
        }
        _ => Exit::Success,
    }
}

/// Whether a workflow is one that should be tested: those in the folders that were given, and all that were run.
fn meant(paths: &[PathBuf], graph: &Graph, report: &Report<'_>) -> bool {
    let header = &graph.header;
    let file = report.sources.file(header.origin.file).name();
    let file = Path::new(file.strip_prefix("./").unwrap_or(file));
    let inside = |folder: &PathBuf| {
        let folder = folder.strip_prefix(".").unwrap_or(folder);
        folder.as_os_str().is_empty() || file.starts_with(folder)
    };
    let run = || {
        let mut workflows = report.suites.iter().flat_map(|suite| &suite.program.workflows);
        workflows.any(|workflow| workflow.header.id == header.id && workflow.header.version == header.version)
    };
    paths.iter().filter(|path| path.is_dir()).any(inside) || run()
}

fn text(coverage: &Coverage, sources: &Sources) -> String {
    let mut text = "coverage:\n".to_owned();
    for covered in &coverage.workflows {
        let file = sources.file(covered.file).name();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:>6}  {file} ({})", shown(covered.share()), covered.workflow);
        for spot in covered.missing() {
            let _ = writeln!(
                text,
                "          {file}:{}: {}: {}",
                spot.place.line, spot.step, spot.missing
            );
        }
    }
    let all = coverage.share();
    let _ = writeln!(text, "{:>6}  in all: {} of {}", shown(all), all.covered, all.all);
    text
}

fn shown(share: Share) -> String {
    format!("{} %", share.percent())
}

fn to_json(coverage: &Coverage, sources: &Sources) -> Value {
    let spot = |spot: &Spot| {
        json!({
            "step": &*spot.step,
            "line": spot.place.line,
            "column": spot.place.column,
            "what": what(spot.point),
            "message": spot.missing,
        })
    };
    let workflow = |covered: &Covered| {
        let share = covered.share();
        json!({
            "workflow": &*covered.workflow,
            "version": covered.version.as_deref(),
            "file": sources.file(covered.file).name(),
            "percent": share.percent(),
            "covered": share.covered,
            "all": share.all,
            "uncovered": covered.missing().map(spot).collect::<Vec<_>>(),
        })
    };
    let all = coverage.share();
    json!({
        "percent": all.percent(),
        "covered": all.covered,
        "all": all.all,
        "workflows": coverage.workflows.iter().map(workflow).collect::<Vec<_>>(),
    })
}

fn what(point: Point) -> &'static str {
    match point {
        Point::Ran => "step",
        Point::Outcome(_, true) => "condition-true",
        Point::Outcome(_, false) => "condition-false",
        Point::Caught(_) => "catch",
        Point::CleanedUp => "finally",
        Point::Won(_) => "race",
    }
}

/// LCOV's tracefile: the lines of steps and conditions, and everything but steps as branches.
fn lcov(coverage: &Coverage, sources: &Sources) -> String {
    let mut text = String::new();
    for (file, workflows) in coverage.by_file() {
        let mut lines: BTreeMap<u32, u32> = BTreeMap::new();
        let mut branches = Vec::new();
        let mut block = 0;
        for spot in workflows.iter().flat_map(|covered| &covered.spots) {
            let line = spot.place.line as u32;
            let reached = reached(&workflows, spot);
            let hits = lines.entry(line).or_default();
            match spot.point {
                Point::Ran => {
                    // What is not begun was at least looked at, if only to be skipped.
                    *hits = (*hits).max(spot.hits);
                    block += 1;
                }
                _ => {
                    *hits = (*hits).max(if matches!(spot.point, Point::Outcome(..)) {
                        reached
                    } else {
                        spot.hits
                    });
                    branches.push((line, block, (reached > 0).then_some(spot.hits)));
                }
            }
        }
        branches.sort_by_key(|(line, block, _)| (*line, *block));
        let _ = writeln!(text, "TN:\nSF:{}", sources.file(file).name());
        let mut numbers: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (line, block, hits) in &branches {
            let number = numbers.entry((*line, *block)).or_default();
            let taken = hits.map_or_else(|| "-".to_owned(), |hits| hits.to_string());
            let _ = writeln!(text, "BRDA:{line},{block},{number},{taken}");
            *number += 1;
        }
        let taken = branches
            .iter()
            .filter(|(.., hits)| hits.is_some_and(|hits| hits > 0))
            .count();
        let _ = writeln!(text, "BRF:{}\nBRH:{taken}", branches.len());
        for (line, hits) in &lines {
            let _ = writeln!(text, "DA:{line},{hits}");
        }
        let hit = lines.values().filter(|hits| **hits > 0).count();
        let _ = writeln!(text, "LF:{}\nLH:{hit}\nend_of_record", lines.len());
    }
    text
}

/// How often a step was begun or skipped.
fn reached(workflows: &[&Covered], of: &Spot) -> u32 {
    let own = |covered: &&&Covered| covered.spots.iter().any(|spot| std::ptr::eq(spot, of));
    let Some(covered) = workflows.iter().find(own) else {
        return 0;
    };
    let spots = covered.spots.iter().filter(|spot| spot.node == of.node);
    let skipped = Point::Outcome(crate::testing::Condition::Step, false);
    spots
        .filter(|spot| spot.point == Point::Ran || spot.point == skipped)
        .map(|spot| spot.hits)
        .sum()
}
