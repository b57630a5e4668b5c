//! Releases: the definitions that a workflow has had, one behind the other, and the names that people give to them.
//!
//! A release is made when a server begins to serve a definition that is not that of the youngest release. The youngest is
//! always `LATEST`; every other name, a tag, stays where somebody put it.

use super::{Error, Expected, KeyPage, Register, Registered, Store};
use crate::data;
use crate::data::Data;
use crate::graph::{Name, Timestamp};

/// The name of the youngest release, which nobody moves.
pub const LATEST: &str = "LATEST";
/// The longest name of a tag.
const LONGEST_TAG: usize = 150;
/// How many entries of a register are read at once.
const PAGE: usize = 500;
/// How many digits of a definition's hash stand in the id of a release.
const DIGITS: usize = 12;
/// How often somebody else may be faster at making a release.
const PATIENCE: usize = 100;

/// A definition that a workflow had from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The id of the workflow.
    pub workflow: Name,
    /// Which one it is of the workflow, from 1.
    pub number: u64,
    /// The hash of the definition.
    pub definition: Name,
    /// Since when.
    pub since: Timestamp,
}

/// A name for a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The id of the workflow.
    pub workflow: Name,
    /// The name.
    pub name: Name,
    /// The number of the release.
    pub release: u64,
    /// When it was put there.
    pub since: Timestamp,
}

/// Why a tag is not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// It is no name for a tag.
    #[error("`{0}` is no name for a tag: {1}")]
    Name(String, &'static str),
    /// There is no such release.
    #[error("`{workflow}` has no release `{release}`")]
    NoSuchRelease {
        /// The workflow.
        workflow: Name,
        /// What was asked for.
        release: String,
    },
    /// The store does not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Release {
    /// What it is called where it has no tag: its number, and the beginning of its definition's hash.
    pub fn id(&self) -> Name {
        let digits = self.definition.get(..DIGITS).unwrap_or(&self.definition);
        format!("{}-{digits}", self.number).into()
    }

    /// Whether a name is its id or its number.
    pub fn is_called(&self, name: &str) -> bool {
        *self.id() == *name || self.number.to_string() == name
    }

    fn key(&self) -> Name {
        // As many digits each, so that the order of keys is that of numbers.
        format!("{}/{:010}", self.workflow, self.number).into()
    }

    fn read(registered: &Registered) -> Result<Release, Error> {
        let read = || {
            let (workflow, number) = registered.key.rsplit_once('/')?;
            Some(Release {
                workflow: workflow.into(),
                number: number.parse().ok()?,
                definition: registered.value.get("definition")?.as_str()?.into(),
                since: Timestamp(registered.value.get("since")?.as_i64()?),
            })
        };
        read().ok_or_else(|| damaged(&registered.key))
    }
}

impl Tag {
    fn read(registered: &Registered) -> Result<Tag, Error> {
        let read = || {
            let (workflow, name) = registered.key.split_once('/')?;
            Some(Tag {
                workflow: workflow.into(),
                name: name.into(),
                release: u64::try_from(registered.value.get("release")?.as_i64()?).ok()?,
                since: Timestamp(registered.value.get("since")?.as_i64()?),
            })
        };
        read().ok_or_else(|| damaged(&registered.key))
    }
}

/// The releases of a workflow, or of all, the oldest of each first.
///
/// # Errors
///
/// When the store cannot tell.
pub async fn releases(store: &dyn Store, workflow: Option<&str>) -> Result<Vec<Release>, Error> {
    let found = all(store, Register::Releases, workflow).await?;
    found.iter().map(Release::read).collect()
}

/// The tags of a workflow, or of all, by name; without [`LATEST`].
///
/// # Errors
///
/// When the store cannot tell.
pub async fn tags(store: &dyn Store, workflow: Option<&str>) -> Result<Vec<Tag>, Error> {
    let found = all(store, Register::Tags, workflow).await?;
    found.iter().map(Tag::read).collect()
}

/// Keeps that a workflow has a definition from now on, unless it has it already; the release with it.
///
/// # Errors
///
/// When the store does not keep it.
pub async fn release(store: &dyn Store, workflow: &Name, definition: &Name, now: Timestamp) -> Result<Release, Error> {
    for _ in 0..PATIENCE {
        let last = releases(store, Some(workflow)).await?.pop();
        let number = match last {
            Some(last) if last.definition == *definition => return Ok(last),
            Some(last) => last.number + 1,
            None => 1,
        };
        let release = Release {
            workflow: workflow.clone(),
            number,
            definition: definition.clone(),
            since: now,
        };
        let value = data!({ "definition": definition.clone(), "since": now.0 });
        // Another server may be at the same number.
        if put(
            store,
            Register::Releases,
            &release.key(),
            Expected::Nothing,
            Some(value),
        )
        .await?
        {
            return Ok(release);
        }
    }
    Err(Error::Unavailable("others make releases all the time".to_owned()))
}

/// The release with a tag, an id or a number; [`LATEST`] is the youngest.
///
/// # Errors
///
/// When the store cannot tell.
pub async fn find(store: &dyn Store, workflow: &str, name: &str) -> Result<Option<Release>, Error> {
    let tag = Name::from(format!("{workflow}/{name}"));
    let tagged = match name {
        LATEST => None,
        _ => store.registered(Register::Tags, &tag).await?,
    };
    let tagged = tagged.as_ref().map(Tag::read).transpose()?;
    let mut found = releases(store, Some(workflow)).await?;
    Ok(match tagged {
        Some(tag) => found.into_iter().find(|release| release.number == tag.release),
        None if name == LATEST => found.pop(),
        None => found.into_iter().find(|release| release.is_called(name)),
    })
}

/// Puts a tag at a release: one with another tag, an id or a number.
///
/// # Errors
///
/// [`TagError`]; then nothing has changed.
pub async fn tag(
    store: &dyn Store,
    workflow: &Name,
    name: &str,
    release: &str,
    now: Timestamp,
) -> Result<(Tag, Release), TagError> {
    check_name(name)?;
    let found = find(store, workflow, release).await?;
    let found = found.ok_or_else(|| TagError::NoSuchRelease {
        workflow: workflow.clone(),
        release: release.to_owned(),
    })?;
    let tag = Tag {
        workflow: workflow.clone(),
        name: name.into(),
        release: found.number,
        since: now,
    };
    let value = data!({ "release": found.number, "since": now.0 });
    let key = format!("{workflow}/{name}").into();
    put(store, Register::Tags, &key, Expected::Anything, Some(value)).await?;
    Ok((tag, found))
}

/// Removes a tag; false when there is none of that name.
///
/// # Errors
///
/// When the store does not do it.
pub async fn untag(store: &dyn Store, workflow: &str, name: &str) -> Result<bool, Error> {
    let key = Name::from(format!("{workflow}/{name}"));
    match store.registered(Register::Tags, &key).await? {
        None => Ok(false),
        Some(_) => put(store, Register::Tags, &key, Expected::Anything, None).await,
    }
}

/// A tag begins and ends with a letter, a digit or `_`; within it, `-` and `.` may stand too, but no two dots together.
fn check_name(name: &str) -> Result<(), TagError> {
    let wrong = |why| Err(TagError::Name(name.to_owned(), why));
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name == LATEST {
        return wrong("it is always at the youngest release");
    }
    if name.len() > LONGEST_TAG {
        return wrong("it has more than 150 characters");
    }
    if !name.starts_with(word) || !name.ends_with(word) {
        return wrong("it begins and ends with a letter, a digit or `_`");
    }
    if !name.chars().all(|letter| word(letter) || "-.".contains(letter)) || name.contains("..") {
        return wrong("it has letters, digits, `_`, `-` and `.`, and no two dots together");
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) || is_id(name) {
        return wrong("it could be the number or the id of a release");
    }
    Ok(())
}

/// Whether a name looks like the id of a release.
fn is_id(name: &str) -> bool {
    let Some((number, digits)) = name.split_once('-') else {
        return false;
    };
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    number.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() == DIGITS && digits.bytes().all(hex)
}

/// All entries of a workflow in a register.
pub(super) async fn all(
    store: &dyn Store,
    register: Register,
    workflow: Option<&str>,
) -> Result<Vec<Registered>, Error> {
    let mut page = KeyPage {
        prefix: workflow.map(|workflow| format!("{workflow}/")).unwrap_or_default(),
        after: None,
        limit: PAGE,
    };
    let mut found = Vec::new();
    loop {
        let more = store.list_registered(register, page.clone()).await?;
        let Some(last) = more.last() else { return Ok(found) };
        page.after = Some(last.key.clone());
        let is_last = more.len() < PAGE;
        found.extend(more);
        if is_last {
            return Ok(found);
        }
    }
}

async fn put(
    store: &dyn Store,
    register: Register,
    key: &Name,
    expected: Expected,
    value: Option<Data>,
) -> Result<bool, Error> {
    store.put_registered(register, key, expected, value).await
}

fn damaged(key: &Name) -> Error {
    Error::Damaged(format!("the entry `{key}` of a register"))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::store::Memory;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_release_is_made_when_the_definition_is_another() {
        let store = Memory::default();
        block_on(async {
            let (orders, a, b): (Name, Name, Name) = ("orders".into(), "aaaaaaaaaaaaaaaa".into(), "bb".into());
            let first = release(&store, &orders, &a, Timestamp(1)).await.unwrap();
            assert_eq!((first.number, &*first.id()), (1, "1-aaaaaaaaaaaa"));
            assert_eq!(release(&store, &orders, &a, Timestamp(2)).await.unwrap(), first);
            let second = release(&store, &orders, &b, Timestamp(3)).await.unwrap();
            assert_eq!((second.number, second.since), (2, Timestamp(3)));
            // Back to the first is a step forward.
            let third = release(&store, &orders, &a, Timestamp(4)).await.unwrap();
            assert_eq!((third.number, &third.definition), (3, &a));
            release(&store, &"orders-2".into(), &a, Timestamp(5)).await.unwrap();
            assert_eq!(
                releases(&store, Some("orders")).await.unwrap(),
                [first, second, third.clone()]
            );
            assert_eq!(releases(&store, None).await.unwrap().len(), 4);
            assert_eq!(find(&store, "orders", LATEST).await.unwrap(), Some(third));
            assert_eq!(find(&store, "nothing", LATEST).await.unwrap(), None);
        });
    }

    #[test]
    fn of_servers_that_begin_together_each_makes_a_release_of_its_own() {
        let store = Memory::default();
        block_on(async {
            let orders = Name::from("orders");
            let definitions: Vec<Name> = (0..8).map(|number| format!("{number}").into()).collect();
            let making = definitions
                .iter()
                .map(|definition| release(&store, &orders, definition, Timestamp(1)));
            for made in join_all(making).await {
                made.unwrap();
            }
            let numbers: Vec<u64> = releases(&store, Some("orders"))
                .await
                .unwrap()
                .iter()
                .map(|release| release.number)
                .collect();
            assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
        });
    }

    #[test]
    fn tags_are_moved_and_found() {
        let store = Memory::default();
        block_on(async {
            let orders = Name::from("orders");
            for (definition, at) in [("one", 1), ("two", 2)] {
                let definition = definition.into();
                release(&store, &orders, &definition, Timestamp(at)).await.unwrap();
            }
            let number = async |name: &str| Some(find(&store, "orders", name).await.unwrap()?.number);
            tag(&store, &orders, "staging", LATEST, Timestamp(3)).await.unwrap();
            tag(&store, &orders, "production", "1", Timestamp(3)).await.unwrap();
            assert_eq!(
                (number("staging").await, number("production").await),
                (Some(2), Some(1))
            );
            // Promoting is putting one where the other is.
            tag(&store, &orders, "production", "staging", Timestamp(4))
                .await
                .unwrap();
            assert_eq!(number("production").await, Some(2));
            tag(&store, &orders, "production", "1-one", Timestamp(5)).await.unwrap();
            assert_eq!(number("production").await, Some(1));
            let names: Vec<Name> = tags(&store, Some("orders"))
                .await
                .unwrap()
                .into_iter()
                .map(|tag| tag.name)
                .collect();
            assert_eq!(names, ["production".into(), "staging".into()]);
            let missing = tag(&store, &orders, "production", "9", Timestamp(5)).await;
            assert!(matches!(missing, Err(TagError::NoSuchRelease { .. })), "{missing:?}");
            assert_eq!(untag(&store, "orders", "production").await, Ok(true));
            assert_eq!(untag(&store, "orders", "production").await, Ok(false));
            assert_eq!(number("production").await, None);
        });
    }

    #[test]
    fn names_of_tags_are_bounded() {
        let longest = "a".repeat(150);
        for name in ["production", "v1.2.3", "a", "_a", "2026-11-21", &longest] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let longer = "a".repeat(151);
        for name in [
            "",
            LATEST,
            "-a",
            "a.",
            "a..b",
            "a b",
            "a/b",
            "12",
            "3-0123456789ab",
            "é",
            &longer,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
