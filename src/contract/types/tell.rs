//! What people are told about a type.

use super::{Lookup, Repr, Type};
use crate::contract::kinds::Kinds;

/// More properties than these are not named.
const MOST_NAMED: usize = 8;

/// Types of lists inside lists are told so deep.
const DEEPEST: usize = 3;

impl Type {
    /// The properties that are known, each with its type, in the order in which they were declared.
    pub fn properties(&self) -> Vec<(String, Type)> {
        let mut names: Vec<String> = Vec::new();
        self.names(&mut names);
        let typed = names.into_iter().filter_map(|name| match self.property(&name) {
            Lookup::Known(ty) => Some((name, ty)),
            Lookup::Unknown { .. } | Lookup::Open => None,
        });
        typed.collect()
    }

    fn names(&self, found: &mut Vec<String>) {
        let mut add = |name: String| {
            if !found.contains(&name) {
                found.push(name);
            }
        };
        match &self.0 {
            Repr::Kinds(_) | Repr::List(_) => {}
            Repr::Object(object) => {
                object.properties.iter().for_each(|(name, ..)| add(name.to_string()));
                if let Some(base) = &object.base {
                    base.names(found);
                }
            }
            Repr::Union(types) => types.iter().for_each(|ty| ty.names(found)),
            Repr::Schema(view) => view.names(&mut 0).into_iter().for_each(add),
        }
    }

    /// What the schema says that the value is.
    pub fn description(&self) -> Option<String> {
        match &self.0 {
            Repr::Schema(view) => view.description(&mut 0),
            Repr::Union(types) => types.iter().find_map(Type::description),
            Repr::Kinds(_) | Repr::Object(_) | Repr::List(_) => None,
        }
    }
}

impl std::fmt::Display for Type {
    /// In the words of messages: `text`, `list of number`, `object with id, amount`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&tell(self, DEEPEST))
    }
}

fn tell(ty: &Type, depth: usize) -> String {
    let kinds = ty.kinds();
    if kinds == Kinds::ANY {
        return "anything".to_owned();
    }
    if kinds.is_none() {
        return "nothing".to_owned();
    }
    let words = kinds.names().into_iter().map(|kind| match kind {
        "list" if depth > 0 => match ty.item() {
            item if item.is_any() => kind.to_owned(),
            item => format!("list of {}", tell(&item, depth - 1)),
        },
        "object" => match ty.properties() {
            known if known.is_empty() => kind.to_owned(),
            known => {
                let names: Vec<&str> = known.iter().take(MOST_NAMED).map(|(name, _)| name.as_str()).collect();
                let more = if known.len() > MOST_NAMED { ", …" } else { "" };
                format!("object with {}{more}", names.join(", "))
            }
        },
        kind => kind.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use crate::contract::Schema;
    use crate::data;

    #[test]
    fn a_type_tells_its_properties_whatever_the_schema_leaves_open() {
        let schema = data!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "description": "The number of the order." },
                "lines": { "type": "array", "items": { "type": "object", "properties": { "sku": {} } } },
            },
            "allOf": [{ "properties": { "note": { "type": ["string", "null"] } } }],
            "anyOf": [{ "properties": { "card": {} } }, {}],
            "additionalProperties": true,
        });
        let ty = Schema::new(&schema).unwrap().ty();
        let known = ty.properties();
        let told: Vec<String> = known.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let expected = [
            "id: text",
            "lines: list of object with sku",
            "card: anything",
            "note: null or text",
        ];
        assert_eq!(told, expected);
        assert_eq!(known[0].1.description().as_deref(), Some("The number of the order."));
        assert_eq!(ty.to_string(), "object with id, lines, card, note");
    }
}
