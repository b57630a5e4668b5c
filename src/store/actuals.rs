//! Actuals: what people say that an execution should have come to, and how good they find what it came to.

use super::releases::all;
use super::{Error, Expected, KeyPage, Register, Registered, Store};
use crate::data::{Data, Map};
use crate::graph::{Name, Timestamp};
use crate::run::{EventKind, RunEnd};

/// What the result is called as an output where it has no names in it.
pub const WHOLE: &str = "output";
/// No more is said about one execution.
const MOST: usize = 1000;

/// What somebody says about one output of an execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Actual {
    /// The id of the workflow.
    pub workflow: Name,
    /// The execution.
    pub run: Name,
    /// The output: a key of the result, or [`WHOLE`].
    pub output: Name,
    /// What it should have been.
    pub desired: Option<Data>,
    /// How good it was, from 0 to 1.
    pub quality: Option<f64>,
    /// What else is known.
    pub metadata: Data,
    /// When it was said.
    pub at: Timestamp,
}

impl Actual {
    fn value(&self) -> Data {
        let mut fields: Vec<(Name, Data)> = vec![
            ("output".into(), Data::Text(self.output.clone())),
            ("at".into(), Data::Int(self.at.0)),
        ];
        // Null is something that can be desired.
        fields.extend(self.desired.clone().map(|desired| ("desired".into(), desired)));
        fields.extend(self.quality.map(|quality| ("quality".into(), Data::from(quality))));
        if !self.metadata.is_null() {
            fields.push(("metadata".into(), self.metadata.clone()));
        }
        Data::from(fields.into_iter().collect::<Map>())
    }

    fn read(registered: &Registered) -> Result<Actual, Error> {
        let read = || {
            let (workflow, rest) = registered.key.split_once('/')?;
            let (run, _) = rest.rsplit_once('/')?;
            let value = &registered.value;
            Some(Actual {
                workflow: workflow.into(),
                run: run.into(),
                output: value.get("output")?.as_str()?.into(),
                desired: value.get("desired").cloned(),
                quality: value.get("quality").and_then(Data::as_f64),
                metadata: value.get("metadata").cloned().unwrap_or_default(),
                at: Timestamp(value.get("at")?.as_i64()?),
            })
        };
        read().ok_or_else(|| Error::Damaged(format!("the entry `{}` of a register", registered.key)))
    }
}

/// Keeps what somebody has said.
///
/// # Errors
///
/// When the store does not keep it.
pub async fn keep(store: &dyn Store, actual: &Actual) -> Result<(), Error> {
    // In the order of time, and never twice.
    let key = format!("{}/{}/{}", actual.workflow, actual.run, uuid::Uuid::now_v7()).into();
    let put = store.put_registered(Register::Actuals, &key, Expected::Anything, Some(actual.value()));
    put.await.map(drop)
}

/// What was said about the executions of a workflow: by execution, in the order in which it was said.
///
/// # Errors
///
/// When the store cannot tell.
pub async fn of_workflow(store: &dyn Store, workflow: &str) -> Result<Vec<Actual>, Error> {
    let found = all(store, Register::Actuals, Some(workflow)).await?;
    found.iter().map(Actual::read).collect()
}

/// What was said about an execution, in the order in which it was said.
///
/// # Errors
///
/// When the store cannot tell.
pub async fn of_run(store: &dyn Store, workflow: &str, run: &str) -> Result<Vec<Actual>, Error> {
    let page = KeyPage {
        prefix: format!("{workflow}/{run}/"),
        after: None,
        limit: MOST,
    };
    let found = store.list_registered(Register::Actuals, page).await?;
    found.iter().map(Actual::read).collect()
}

/// Of what was said about the same output of the same execution, the last: people correct themselves.
pub fn last(actuals: Vec<Actual>) -> Vec<Actual> {
    let mut kept: indexmap::IndexMap<(Name, Name), Actual> = indexmap::IndexMap::new();
    for actual in actuals {
        let place = (actual.run.clone(), actual.output.clone());
        match kept.get(&place) {
            Some(known) if known.at > actual.at => {}
            _ => drop(kept.insert(place, actual)),
        }
    }
    kept.into_values().collect()
}

/// An output in a result: what stands under its key, or all of what has no keys.
pub fn output<'r>(result: &'r Data, name: &str) -> Option<&'r Data> {
    match result {
        Data::Map(map) => map.get(name),
        whole if name == WHOLE => Some(whole),
        _ => None,
    }
}

/// The result of an execution, if it has one: from its last event alone.
///
/// # Errors
///
/// When the store cannot tell.
pub async fn result(store: &dyn Store, run: &Name) -> Result<Option<Data>, Error> {
    let Some(entry) = store.entry(run).await? else {
        return Ok(None);
    };
    let page = store.load(run, entry.seq.saturating_sub(1)).await?;
    let last = page.last().and_then(|batch| batch.events.last());
    Ok(match last.map(|event| &event.kind) {
        Some(EventKind::RunEnded {
            end: RunEnd::Completed(result),
        }) => Some(result.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::store::Memory;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future)
    }

    fn actual(run: &str, output: &str, desired: Option<Data>, at: i64) -> Actual {
        Actual {
            workflow: "triage".into(),
            run: run.into(),
            output: output.into(),
            desired,
            quality: None,
            metadata: Data::Null,
            at: Timestamp(at),
        }
    }

    #[test]
    fn what_was_said_is_read_as_it_was_said() {
        let store = Memory::default();
        block_on(async {
            let full = Actual {
                quality: Some(0.5),
                metadata: data!({ "by": "ada" }),
                ..actual("a", "team", Some(data!(["x", 1])), 5)
            };
            // Null is desired, and nothing is.
            let null = actual("a", "note", Some(Data::Null), 6);
            let none = actual("b", "team", None, 7);
            for said in [&full, &null, &none] {
                keep(&store, said).await.unwrap();
            }
            assert_eq!(
                of_run(&store, "triage", "a").await.unwrap(),
                [full.clone(), null.clone()]
            );
            assert_eq!(of_workflow(&store, "triage").await.unwrap(), [full, null, none]);
            assert_eq!(of_workflow(&store, "tri").await.unwrap(), []);
        });
    }

    #[test]
    fn the_last_word_counts() {
        let all = vec![
            actual("a", "team", Some(data!("x")), 1),
            actual("a", "note", Some(data!("n")), 1),
            actual("a", "team", Some(data!("y")), 2),
            actual("b", "team", Some(data!("z")), 9),
            // Said later, about what was found earlier.
            actual("b", "team", Some(data!("w")), 3),
        ];
        let kept = last(all);
        let told: Vec<_> = kept
            .iter()
            .map(|actual| (&*actual.run, actual.desired.clone().unwrap()))
            .collect();
        assert_eq!(told, [("a", data!("y")), ("a", data!("n")), ("b", data!("z"))]);
    }

    #[test]
    fn outputs_are_keys_of_the_result_or_the_whole() {
        let result = data!({ "team": "sales" });
        assert_eq!(output(&result, "team"), Some(&data!("sales")));
        assert_eq!(output(&result, WHOLE), None);
        assert_eq!(output(&data!("sales"), WHOLE), Some(&data!("sales")));
        assert_eq!(output(&data!("sales"), "team"), None);
    }
}
