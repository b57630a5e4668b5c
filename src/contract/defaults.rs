//! Filling in defaults: for absent properties, where it is certain that the default's schema applies.

use std::sync::Arc;

use super::subschemas::local;
use crate::data::{Data, List, Map};

/// How many defaults one value may receive. Definitions that contain each other can ask for exponentially many.
const MOST: usize = 10_000;

/// How many references may follow each other without a value in between.
const LONGEST_CHAIN: usize = 32;

pub(super) struct Filler<'a> {
    root: &'a Data,
    left: usize,
    /// References that are being expanded inside of a default, which must not contain itself.
    expanding: Vec<&'a str>,
    in_default: usize,
}

impl<'a> Filler<'a> {
    pub(super) fn new(root: &'a Data) -> Filler<'a> {
        Filler {
            root,
            left: MOST,
            expanding: Vec::new(),
            in_default: 0,
        }
    }

    /// The value with its defaults.
    pub(super) fn fill(&mut self, schema: &'a Data, data: Data) -> Data {
        self.apply(schema, data, 0)
    }

    fn apply(&mut self, schema: &'a Data, mut data: Data, chain: usize) -> Data {
        let Data::Map(keywords) = schema else {
            return data;
        };
        if chain > LONGEST_CHAIN {
            return data;
        }
        if let Some(reference) = keywords.get("$ref").and_then(Data::as_str) {
            let endless = self.in_default > 0 && self.expanding.contains(&reference);
            if let Some(target) = local(self.root, reference).filter(|_| !endless) {
                self.expanding.push(reference);
                data = self.apply(target, data, chain + 1);
                self.expanding.pop();
            }
        }
        for part in keywords
            .get("allOf")
            .and_then(Data::as_list)
            .into_iter()
            .flat_map(|all| all.iter())
        {
            data = self.apply(part, data, chain + 1);
        }
        match data {
            Data::Map(map) => Data::Map(self.properties(keywords, map)),
            Data::List(list) => Data::List(self.items(keywords, list)),
            other => other,
        }
    }

    fn properties(&mut self, keywords: &'a Map, map: Arc<Map>) -> Arc<Map> {
        let declared = keywords.get("properties").and_then(Data::as_map);
        let additional = keywords
            .get("additionalProperties")
            .filter(|schema| schema.as_map().is_some() && !keywords.contains("patternProperties"));
        if declared.is_none() && additional.is_none() {
            return map;
        }
        let mut entries: Vec<(Arc<str>, Data)> = Vec::with_capacity(map.len());
        let mut changed = false;
        for (key, value) in map.iter() {
            let schema = declared.and_then(|declared| declared.get(key)).or(additional);
            let filled = match schema {
                Some(schema) => self.apply(schema, value.clone(), 0),
                None => value.clone(),
            };
            changed |= !same(value, &filled);
            entries.push((key.clone(), filled));
        }
        for (key, schema) in declared.into_iter().flat_map(|declared| declared.iter()) {
            if map.contains(key) || self.left == 0 {
                continue;
            }
            if let Some(default) = self.default_of(schema, 0) {
                self.left -= 1;
                self.in_default += 1;
                let filled = self.apply(schema, default.clone(), 0);
                self.in_default -= 1;
                entries.push((key.clone(), filled));
                changed = true;
            }
        }
        match changed {
            true => Arc::new(entries.into_iter().collect()),
            false => map,
        }
    }

    fn items(&mut self, keywords: &'a Map, list: Arc<List>) -> Arc<List> {
        // Before draft 2020-12 `items` could be the list that is now `prefixItems`.
        let first = keywords
            .get("prefixItems")
            .and_then(Data::as_list)
            .or_else(|| keywords.get("items").and_then(Data::as_list));
        let rest = keywords.get("items").filter(|schema| schema.as_map().is_some());
        if first.is_none() && rest.is_none() {
            return list;
        }
        let mut changed = false;
        let mut items = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            let filled = match first.and_then(|first| first.get(index)).or(rest) {
                Some(schema) => self.apply(schema, item.clone(), 0),
                None => item.clone(),
            };
            changed |= !same(item, &filled);
            items.push(filled);
        }
        match changed {
            true => Arc::new(List::from(items)),
            false => list,
        }
    }

    /// The default of a schema or of what it surely includes.
    fn default_of(&self, schema: &'a Data, chain: usize) -> Option<&'a Data> {
        let keywords = schema.as_map().filter(|_| chain <= LONGEST_CHAIN)?;
        if let Some(default) = keywords.get("default") {
            return Some(default);
        }
        let target = keywords
            .get("$ref")
            .and_then(Data::as_str)
            .and_then(|reference| local(self.root, reference));
        let parts = keywords.get("allOf").and_then(Data::as_list);
        target
            .into_iter()
            .chain(parts.into_iter().flat_map(|parts| parts.iter()))
            .find_map(|schema| self.default_of(schema, chain + 1))
    }
}

/// Whether nothing was filled in: an unchanged list or map is the same one.
fn same(before: &Data, after: &Data) -> bool {
    match (before, after) {
        (Data::List(before), Data::List(after)) => Arc::ptr_eq(before, after),
        (Data::Map(before), Data::Map(after)) => Arc::ptr_eq(before, after),
        _ => true,
    }
}
