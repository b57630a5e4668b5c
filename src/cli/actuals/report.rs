//! `interpret actuals report`: how often outputs were what they should have been.

use std::collections::{BTreeMap, HashMap};

use clap::{Args, ValueEnum};

use super::Which;
use crate::cli::runs::{Done, Form, print, table, told};
use crate::cli::{Exit, output};
use crate::data;
use crate::data::Data;
use crate::graph::Name;
use crate::store::Store;
use crate::store::actuals::{self, Actual};
use crate::store::releases::{self, Release};

/// About what, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// What is counted together.
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
    /// How it is written on stdout.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// What was said on one day, in UTC.
    Day,
    /// What was said in one month.
    Month,
    /// What was said about executions of one release.
    Release,
}

/// What was said about one output, counted.
#[derive(Clone, Debug, Default, PartialEq)]
struct Count {
    /// How often something was said.
    said: usize,
    /// How often there was something to compare.
    compared: usize,
    /// How often it was the same.
    same: usize,
    /// The sum of all qualities, and how many there were.
    quality: (f64, usize),
}

impl Count {
    /// Counts what was said about an output; `gave` is what it came to, of an execution that is still known.
    fn add(&mut self, actual: &Actual, gave: Option<Option<&Data>>) {
        self.said += 1;
        if let (Some(desired), Some(gave)) = (&actual.desired, gave) {
            self.compared += 1;
            // What failed gave nothing, which is not what was desired.
            self.same += usize::from(gave == Some(desired));
        }
        if let Some(quality) = actual.quality {
            self.quality = (self.quality.0 + quality, self.quality.1 + 1);
        }
    }

    fn agreement(&self) -> Option<f64> {
        (self.compared > 0).then(|| self.same as f64 / self.compared as f64)
    }

    fn quality(&self) -> Option<f64> {
        (self.quality.1 > 0).then(|| self.quality.0 / self.quality.1 as f64)
    }
}

pub(super) async fn run(store: &dyn Store, arguments: Arguments) -> Done {
    let found = arguments.which.find(store).await?;
    let releases = releases::releases(store, Some(&arguments.which.workflow))
        .await
        .map_err(told)?;
    let mut runs: HashMap<Name, Option<(Name, Option<Data>)>> = HashMap::new();
    let mut counts: BTreeMap<(String, Name), Count> = BTreeMap::new();
    for actual in &found {
        if !runs.contains_key(&actual.run) {
            let known = match store.entry(&actual.run).await.map_err(told)? {
                Some(entry) => {
                    let result = actuals::result(store, &actual.run).await.map_err(told)?;
                    Some((entry.program, result))
                }
                None => None,
            };
            runs.insert(actual.run.clone(), known);
        }
        let known = runs.get(&actual.run).and_then(Option::as_ref);
        let gave = known.map(|(_, result)| {
            result
                .as_ref()
                .and_then(|result| actuals::output(result, &actual.output))
        });
        let group = arguments.by.group(actual, known.map(|(program, _)| program), &releases);
        let count = counts.entry((group, actual.output.clone())).or_default();
        count.add(actual, gave);
    }
    let written = match arguments.format {
        Form::Json => return Ok(print(&json(&arguments, &counts))),
        Form::Table => output::result(&text(&arguments, &counts)),
    };
    Ok(written.err().unwrap_or(Exit::Success))
}

impl By {
    fn as_str(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Month => "month",
            By::Release => "release",
        }
    }

    fn group(self, actual: &Actual, program: Option<&Name>, releases: &[Release]) -> String {
        let at = actual.at.to_rfc3339();
        match self {
            By::Day => at.chars().take(10).collect(),
            By::Month => at.chars().take(7).collect(),
            By::Release => {
                let had = |release: &&Release| Some(&release.definition) == program;
                let release = releases.iter().rev().find(had);
                release.map_or_else(|| "none".to_owned(), |release| release.id().to_string())
            }
        }
    }
}

fn json(arguments: &Arguments, counts: &BTreeMap<(String, Name), Count>) -> Data {
    let rows = counts.iter().map(|((group, output), count)| {
        let fields: [(Name, Data); 7] = [
            (arguments.by.as_str().into(), Data::from(group)),
            ("output".into(), Data::Text(output.clone())),
            ("actuals".into(), Data::from(count.said)),
            ("compared".into(), Data::from(count.compared)),
            ("agreed".into(), Data::from(count.same)),
            ("agreement".into(), Data::from(count.agreement())),
            ("quality".into(), Data::from(count.quality())),
        ];
        fields.into_iter().collect::<Data>()
    });
    let rows: Data = rows.collect();
    data!({ "workflow": &arguments.which.workflow, "report": rows })
}

fn text(arguments: &Arguments, counts: &BTreeMap<(String, Name), Count>) -> String {
    let group = arguments.by.as_str().to_uppercase();
    let heads = [
        &group,
        "OUTPUT",
        "ACTUALS",
        "COMPARED",
        "AGREED",
        "AGREEMENT",
        "QUALITY",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for ((group, name), count) in counts {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        rows.push(vec![
            group.clone(),
            output::tame(name),
            count.said.to_string(),
            count.compared.to_string(),
            count.same.to_string(),
            count.agreement().map(percent).unwrap_or_default(),
            count
                .quality()
                .map(|quality| format!("{quality:.2}"))
                .unwrap_or_default(),
        ]);
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Timestamp;

    fn actual(desired: Option<Data>, quality: Option<f64>) -> Actual {
        Actual {
            workflow: "triage".into(),
            run: "a".into(),
            output: "team".into(),
            desired,
            quality,
            metadata: Data::Null,
            at: Timestamp(1_767_225_600_000),
        }
    }

    #[test]
    fn what_agrees_is_counted_among_what_can_be_compared() {
        let mut count = Count::default();
        assert_eq!((count.agreement(), count.quality()), (None, None));
        let sales = data!("sales");
        count.add(&actual(Some(sales.clone()), Some(1.0)), Some(Some(&sales)));
        count.add(&actual(Some(data!("support")), Some(0.0)), Some(Some(&sales)));
        // It failed, it is no longer known, and nothing was desired.
        count.add(&actual(Some(sales.clone()), None), Some(None));
        count.add(&actual(Some(sales.clone()), None), None);
        count.add(&actual(None, Some(0.5)), Some(Some(&sales)));
        assert_eq!((count.said, count.compared, count.same), (5, 3, 1));
        assert_eq!((count.agreement(), count.quality()), (Some(1.0 / 3.0), Some(0.5)));
    }

    #[test]
    fn groups_are_days_months_and_releases() {
        let actual = actual(None, None);
        let release = |number, definition: &str| Release {
            workflow: "triage".into(),
            number,
            definition: definition.into(),
            since: Timestamp(0),
        };
        let releases = [release(1, "x"), release(2, "y"), release(3, "x")];
        assert_eq!(By::Day.group(&actual, None, &releases), "2026-01-01");
        assert_eq!(By::Month.group(&actual, None, &releases), "2026-01");
        assert_eq!(By::Release.group(&actual, Some(&"x".into()), &releases), "3-x");
        assert_eq!(By::Release.group(&actual, None, &releases), "none");
    }
}
