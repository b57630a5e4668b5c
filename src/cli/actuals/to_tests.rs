//! `interpret actuals to-tests`: executions as cases of a test file, which expect what people wanted of them.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use indexmap::IndexMap;

use super::Which;
use crate::cli::runs::{Done, each_event, told};
use crate::cli::{Exit, output};
use crate::data::{Data, Map};
use crate::graph::{Name, Program};
use crate::load;
use crate::run::Event;
use crate::store::Store;
use crate::store::actuals::{self, Actual, WHOLE};
use crate::testing::{self, Judged};

/// Which executions, and where the cases go.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The file that is written, `NAME.test.yaml` beside the workflow; what is in it is lost.
    #[arg(value_name = "FILE", value_parser = checked)]
    file: PathBuf,
}

fn checked(text: &str) -> Result<PathBuf, String> {
    match text.ends_with(".test.yaml") || text.ends_with(".test.yml") {
        true => Ok(PathBuf::from(text)),
        false => Err("write NAME.test.yaml: other files are no tests".to_owned()),
    }
}

pub(super) async fn run(store: &dyn Store, arguments: Arguments) -> Done {
    let workflow = &arguments.which.workflow;
    let mut runs: IndexMap<Name, Vec<Actual>> = IndexMap::new();
    for actual in arguments.which.find(store).await? {
        if actual.desired.is_some() {
            runs.entry(actual.run.clone()).or_default().push(actual);
        }
    }
    if runs.is_empty() {
        return Err(format!(
            "nobody has said what executions of `{workflow}` should have come to"
        ));
    }
    let (mut cases, mut gone) = (Vec::new(), Vec::new());
    for (run, said) in runs {
        match journal(store, &run).await? {
            Some((program, events)) => {
                let result = actuals::result(store, &run).await.map_err(told)?;
                cases.push(Judged {
                    name: format!("actual {run}"),
                    desired: desired(&said, result.as_ref(), &program),
                    program,
                    events,
                });
            }
            None => gone.push(run),
        }
    }
    for run in &gone {
        output::say(&format!("warning: {run} is no longer kept, and has no case\n"));
    }
    if cases.is_empty() {
        return Err("none of the executions is kept any more".to_owned());
    }
    let file = arguments.file.display();
    let text = testing::record_judged(workflow, &cases).map_err(told)?;
    std::fs::write(&arguments.file, text).map_err(|error| format!("cannot write {file}: {error}"))?;
    let cases = cases.len();
    output::say(&format!(
        "{cases} case{} written to {file}; `interpret test {file}` runs them\n",
        if cases == 1 { "" } else { "s" }
    ));
    Ok(Exit::Success)
}

/// An execution with its program, if both are still kept.
async fn journal(store: &dyn Store, run: &Name) -> Result<Option<(Arc<Program>, Vec<Event>)>, String> {
    let Some(entry) = store.entry(run).await.map_err(told)? else {
        return Ok(None);
    };
    let Some(definition) = store.definition(&entry.program).await.map_err(told)? else {
        return Ok(None);
    };
    let (program, _) = load::reload(&definition).map_err(told)?;
    let mut events = Vec::new();
    each_event(store, run, 0, |_, event| {
        events.push(event.clone());
        Ok(true)
    })
    .await?;
    Ok(Some((program, events)))
}

/// What an execution should have come to: those of its outputs of which something was said.
fn desired(said: &[Actual], result: Option<&Data>, program: &Program) -> Data {
    let wanted = |actual: &Actual| actual.desired.clone().unwrap_or_default();
    let is_whole = match result {
        Some(result) => result.as_map().is_none(),
        // It has failed: what it would have given is for its schema to say.
        None => {
            let schema = program.main().header.output_schema.as_ref();
            schema.is_none_or(|schema| !schema.ty().kinds().contains(crate::contract::Kinds::MAP))
        }
    };
    match said {
        [only] if is_whole && *only.output == *WHOLE => wanted(only),
        said => {
            let fields = said.iter().map(|actual| (actual.output.clone(), wanted(actual)));
            Data::from(fields.collect::<Map>())
        }
    }
}
