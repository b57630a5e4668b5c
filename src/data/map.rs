use std::sync::Arc;

use super::{Data, Measure};

/// Up to this many entries a linear search is faster than any index.
const LINEAR: usize = 8;

/// Values by name, in the order of insertion; immutable.
///
/// Lookup is linear in small maps and a binary search in large ones: no hashing, so no flooding.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<(Arc<str>, Data)>,
    /// Positions in the order of their keys; empty in small maps.
    sorted: Vec<u32>,
    measure: Measure,
}

impl Map {
    /// An empty map.
    pub fn new() -> Map {
        Map::default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// Whether it has a key.
    pub fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, &Data)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys' insertion.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Data> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The same map with a key set: replaced where it stands, or appended.
    pub fn with(&self, key: Arc<str>, value: Data) -> Map {
        let mut entries = self.entries.clone();
        match self.position(&key) {
            Some(at) => entries[at].1 = value,
            None => entries.push((key, value)),
        }
        Map::from_distinct(entries)
    }

    /// The same map without a key.
    pub fn without(&self, key: &str) -> Map {
        Map::from_distinct(
            self.entries
                .iter()
                .filter(|(name, _)| &**name != key)
                .cloned()
                .collect(),
        )
    }

    pub(super) fn measure(&self) -> Measure {
        self.measure
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.entries.iter().position(|(name, _)| &**name == key);
        }
        let found = self
            .sorted
            .binary_search_by(|at| (*self.entries[*at as usize].0).cmp(key))
            .ok()?;
        Some(self.sorted[found] as usize)
    }

    fn from_distinct(entries: Vec<(Arc<str>, Data)>) -> Map {
        let sorted = if entries.len() > LINEAR {
            sort(&entries)
        } else {
            Vec::new()
        };
        Map::from_parts(entries, sorted)
    }

    fn from_parts(entries: Vec<(Arc<str>, Data)>, sorted: Vec<u32>) -> Map {
        let measure = Measure::of(entries.iter().map(|(key, value)| (key.len(), value)));
        Map {
            entries,
            sorted,
            measure,
        }
    }
}

/// Positions ordered by key; equal keys stay in order of position.
fn sort(entries: &[(Arc<str>, Data)]) -> Vec<u32> {
    // A map of 2^32 entries would take 160 GiB; the parsers' limits end far below.
    let mut sorted: Vec<u32> = (0..entries.len() as u32).collect();
    sorted.sort_by(|a, b| entries[*a as usize].0.cmp(&entries[*b as usize].0));
    sorted
}

impl FromIterator<(Arc<str>, Data)> for Map {
    /// Of equal keys the last value wins, at the place of the first.
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Data)>>(entries: I) -> Map {
        let entries = entries.into_iter();
        // Whoever may fail says that there may be none at all.
        let (least, most) = entries.size_hint();
        let likely = least.max(most.unwrap_or(0).min(LINEAR)).min(1024);
        let mut unique: Vec<(Arc<str>, Data)> = Vec::with_capacity(likely);
        let mut has_duplicates = false;
        for (key, value) in entries {
            if unique.len() < LINEAR
                && let Some((_, old)) = unique.iter_mut().find(|(name, _)| *name == key)
            {
                *old = value;
                continue;
            }
            unique.push((key, value));
        }
        if unique.len() <= LINEAR {
            // The search above stops before the last of `LINEAR` entries is compared with a further one, not before.
            return Map::from_parts(unique, Vec::new());
        }
        let sorted = sort(&unique);
        for pair in sorted.windows(2) {
            has_duplicates |= unique[pair[0] as usize].0 == unique[pair[1] as usize].0;
        }
        if !has_duplicates {
            return Map::from_parts(unique, sorted);
        }
        Map::from_distinct(keep_last(unique, &sorted))
    }
}

/// Moves the last value of every run of equal keys to the run's first place and drops the rest.
fn keep_last(mut entries: Vec<(Arc<str>, Data)>, sorted: &[u32]) -> Vec<(Arc<str>, Data)> {
    let mut dropped = vec![false; entries.len()];
    for run in sorted
        .chunk_by(|a, b| entries_equal(&entries, *a, *b))
        .map(<[u32]>::to_vec)
        .collect::<Vec<_>>()
    {
        if let [first, .., last] = run[..] {
            entries[first as usize].1 = entries[last as usize].1.clone();
            for at in &run[1..] {
                dropped[*at as usize] = true;
            }
        }
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        !dropped[at - 1]
    });
    entries
}

fn entries_equal(entries: &[(Arc<str>, Data)], a: u32, b: u32) -> bool {
    entries[a as usize].0 == entries[b as usize].0
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_an_index_map(entries in proptest::collection::vec(("[a-f]{1,2}", any::<i64>()), 0..40)) {
            let model: indexmap::IndexMap<String, i64> = entries.iter().cloned().collect();
            let map: Map = entries.iter().map(|(key, value)| (Arc::from(key.as_str()), Data::Int(*value))).collect();
            let with = entries.iter().fold(Map::new(), |map, (key, value)| map.with(key.as_str().into(), Data::Int(*value)));
            for map in [map, with] {
                let found: Vec<(String, i64)> =
                    map.iter().map(|(key, value)| (key.to_string(), value.as_i64().unwrap())).collect();
                let expected: Vec<(String, i64)> = model.iter().map(|(key, value)| (key.clone(), *value)).collect();
                prop_assert_eq!(found, expected);
                for key in ["a", "bb", "cd", "zz"] {
                    prop_assert_eq!(map.get(key).and_then(Data::as_i64), model.get(key).copied());
                }
            }
        }
    }

    #[test]
    fn without_removes_one_key() {
        let map: Map = (0..20).map(|n| (Arc::from(n.to_string()), Data::Int(n))).collect();
        let less = map.without("7");
        assert_eq!((less.len(), less.contains("7"), less.contains("8")), (19, false, true));
    }
}
