use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Data, List, Map};

/// A value of a call's field that may hold secrets, which are references until the provider acts.
///
/// The references stand beside the text, never in it, so no data can pass for one. `Text`, `List` and `Map` occur
/// only where a secret is inside; everything else is `Plain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sealed {
    /// A value without secrets.
    Plain(Data),
    /// A text some parts of which are secrets.
    Text(Vec<Part>),
    /// A list that holds a secret somewhere.
    List(Vec<Sealed>),
    /// An object that holds a secret somewhere.
    Map(Vec<(Arc<str>, Sealed)>),
}

/// A part of a text with secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text as it is.
    Text(Arc<str>),
    /// The name of the secret whose value belongs here.
    Secret(Arc<str>),
}

impl Sealed {
    /// The value, if no secret is inside.
    pub fn plain(&self) -> Option<&Data> {
        match self {
            Sealed::Plain(data) => Some(data),
            _ => None,
        }
    }

    /// A text of parts: plain if none of them is a secret.
    pub fn text(parts: Vec<Part>) -> Sealed {
        if parts.iter().any(|part| matches!(part, Part::Secret(_))) {
            return Sealed::Text(parts);
        }
        let texts = parts.iter().map(|part| match part {
            Part::Text(text) | Part::Secret(text) => &**text,
        });
        Sealed::Plain(Data::from(texts.collect::<String>()))
    }

    /// A list of values: plain if all of them are.
    pub fn list(items: Vec<Sealed>) -> Sealed {
        if items.iter().any(|item| item.plain().is_none()) {
            return Sealed::List(items);
        }
        Sealed::Plain(items.iter().filter_map(Sealed::plain).cloned().collect())
    }

    /// An object of values: plain if all of them are.
    pub fn map(entries: Vec<(Arc<str>, Sealed)>) -> Sealed {
        if entries.iter().any(|(_, value)| value.plain().is_none()) {
            return Sealed::Map(entries);
        }
        let plain = entries
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.plain()?.clone())));
        Sealed::Plain(plain.collect())
    }

    /// The names of all secrets inside, without repetition.
    pub fn secrets(&self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        self.collect_secrets(&mut names);
        names
    }

    /// The value with every secret replaced by what `value_of` gives for its name.
    ///
    /// # Errors
    /// The name of the first secret that has no value.
    pub fn reveal(&self, value_of: &dyn Fn(&str) -> Option<Arc<str>>) -> Result<Data, Arc<str>> {
        match self {
            Sealed::Plain(data) => Ok(data.clone()),
            Sealed::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(plain) => text.push_str(plain),
                        Part::Secret(name) => text.push_str(&value_of(name).ok_or_else(|| name.clone())?),
                    }
                }
                Ok(Data::from(text))
            }
            Sealed::List(items) => {
                let items: Result<List, Arc<str>> = items.iter().map(|item| item.reveal(value_of)).collect();
                items.map(Data::from)
            }
            Sealed::Map(entries) => {
                let entries: Result<Map, Arc<str>> = entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.reveal(value_of)?)))
                    .collect();
                entries.map(Data::from)
            }
        }
    }

    fn collect_secrets(&self, names: &mut BTreeSet<Arc<str>>) {
        match self {
            Sealed::Plain(_) => {}
            Sealed::Text(parts) => names.extend(parts.iter().filter_map(|part| match part {
                Part::Secret(name) => Some(name.clone()),
                Part::Text(_) => None,
            })),
            Sealed::List(items) => items.iter().for_each(|item| item.collect_secrets(names)),
            Sealed::Map(entries) => entries.iter().for_each(|(_, value)| value.collect_secrets(names)),
        }
    }
}

impl From<Data> for Sealed {
    fn from(data: Data) -> Sealed {
        Sealed::Plain(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn secrets_stay_references_in_json_and_appear_when_revealed() {
        let header = Sealed::Text(vec![Part::Text("Bearer ".into()), Part::Secret("KEY".into())]);
        let sealed = Sealed::map(vec![
            ("authorization".into(), header),
            ("tags".into(), Sealed::list(vec![data!(1).into(), data!("x").into()])),
        ]);
        let text = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
        assert_eq!(sealed.secrets().into_iter().collect::<Vec<_>>(), [Arc::from("KEY")]);
        assert_eq!(
            sealed.reveal(&|_| Some("s3cret".into())).unwrap(),
            data!({ "authorization": "Bearer s3cret", "tags": [1, "x"] })
        );
        assert_eq!(sealed.reveal(&|_| None), Err("KEY".into()));
    }

    #[test]
    fn what_holds_no_secret_is_plain() {
        let sealed = Sealed::map(vec![("a".into(), Sealed::list(vec![data!(1).into()]))]);
        assert_eq!(sealed.plain(), Some(&data!({ "a": [1] })));
    }

    #[test]
    fn data_cannot_forge_a_reference() {
        let forged = Sealed::Plain(data!({ "text": [{ "secret": "KEY" }] }));
        let text = serde_json::to_string(&forged).unwrap();
        let again: Sealed = serde_json::from_str(&text).unwrap();
        assert!(again.secrets().is_empty());
    }
}
