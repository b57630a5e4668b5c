use std::sync::Arc;

use super::{Kinds, Lookup, Schema, Type};
use crate::data;
use crate::data::{Data, Map};

fn schema(schema: Data) -> Schema {
    Schema::new(&schema).unwrap_or_else(|problems| panic!("{schema}: {problems:?}"))
}

fn violations(source: Data, value: Data) -> Vec<String> {
    let found = schema(source).validate(&value).err().unwrap_or_default();
    found
        .into_iter()
        .map(|violation| format!("{}: {}", violation.pointer, violation.message))
        .collect()
}

fn problems(schema: Data) -> Vec<String> {
    let found = Schema::new(&schema).err().unwrap_or_default();
    found
        .into_iter()
        .map(|problem| format!("{}: {}", problem.pointer, problem.message))
        .collect()
}

#[test]
fn every_violation_in_plain_words() {
    let source = data!({
        "type": "object",
        "required": ["orderId", "amount"],
        "properties": {
            "amount": { "type": "number", "minimum": 0 },
            "tier": { "enum": ["free", "pro"] },
            "email": { "type": "string", "format": "email" },
            "name": { "type": "string", "minLength": 1, "maxLength": 3 },
            "note": { "type": ["string", "null"] },
            "items": { "type": "array", "minItems": 2, "items": { "type": "integer" } },
            "either": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
            "shape": { "oneOf": [
                { "type": "object", "required": ["a"] },
                { "type": "object", "required": ["b", "c"] }
            ] }
        },
        "additionalProperties": false
    });
    let value = data!({
        "amount": (-1), "tier": "fre", "email": "x", "name": "long", "note": 1, "items": [1.5], "either": true,
        "shape": {}, "ammount": 1, "zzz": 1
    });
    assert_eq!(
        {
            let mut found = violations(source, value);
            found.sort();
            found
        },
        [
            "/ammount: `ammount` is not allowed here; did you mean `amount`?",
            "/amount: must be at least 0, found -1",
            "/either: expected a text or a whole number, found true",
            "/email: is no valid email",
            "/items/0: expected a whole number, found the number 1.5",
            "/items: must have at least 2 items, has 1",
            "/name: must have at most 3 characters, has 4",
            "/note: expected null or a text, found the number 1",
            "/shape: fits none of the 2 alternatives; the nearest: `a` is missing",
            "/tier: must be one of `free`, `pro`, found `fre`; did you mean `free`?",
            "/zzz: `zzz` is not allowed here",
            ": `orderId` is missing",
        ]
    );
}

#[test]
fn unexpected_properties_are_suggested_through_references() {
    let source = data!({
        "properties": { "a": { "$ref": "#/$defs/a" } },
        "$defs": { "a": { "properties": { "andThen": true }, "additionalProperties": false } }
    });
    assert_eq!(
        violations(source, data!({ "a": { "andThn": 1 } })),
        ["/a/andThn: `andThn` is not allowed here; did you mean `andThen`?"]
    );
}

#[test]
fn schemas_that_are_none() {
    assert_eq!(
        problems(data!("string")),
        [": a schema must be an object, or true or false"]
    );
    assert_eq!(
        problems(data!({ "type": "strng", "properties": { "a": { "minLength": "x" }, "b": { "type": "list" } } })),
        [
            "/properties/a/minLength: expected a whole number, found the text `x`",
            "/properties/b/type: `list` is no type; types are string, number, integer, boolean, object, array, null",
            "/type: `strng` is no type; did you mean `string`?",
        ]
    );
    assert_eq!(
        problems(data!({ "items": { "$ref": "#/$defs/x" } })),
        ["/items/$ref: nothing stands at `#/$defs/x` in this schema"]
    );
    assert_eq!(
        problems(data!({ "$ref": "https://example.com/x.json" })),
        ["/$ref: `https://example.com/x.json` is not in this schema; other documents are never fetched"]
    );
    assert_eq!(problems(data!({ "$ref": "other.yaml" })).len(), 1);
    assert_eq!(
        problems(data!({ "pattern": "(" })),
        ["/pattern: `(` is no regular expression"]
    );
    assert_eq!(problems(data!({ "$schema": "https://example.com/mine" })).len(), 1);
    assert!(problems(data!({ "$schema": "http://json-schema.org/draft-07/schema#" })).is_empty());
    assert!(problems(data!({ "$ref": "#x", "$defs": { "a": { "$anchor": "x" } } })).is_empty());
    assert!(problems(data!(true)).is_empty());
    let embedded = data!({ "$id": "urn:b", "$ref": "#/$defs/c", "$defs": { "c": true } });
    assert!(problems(data!({ "$ref": "urn:b", "$defs": { "b": embedded } })).is_empty());
}

#[test]
fn references_in_a_circle_end() {
    for source in [
        data!({ "$ref": "#" }),
        data!({ "allOf": [{ "$ref": "#" }, { "$ref": "#" }] }),
        data!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
    ] {
        let Ok(schema) = Schema::new(&source) else {
            continue;
        };
        let _ = schema.validate(&data!({ "a": 1 }));
        schema.fill_defaults(data!({ "a": 1 }));
        schema.literal_problems();
        schema.ty().kinds();
        assert!(matches!(schema.ty().property("a"), Lookup::Open));
        schema.ty().item();
        schema.ty().required();
    }
}

#[test]
fn defaults_are_filled_where_they_surely_apply() {
    let source = data!({
        "properties": {
            "a": { "default": 1 },
            "b": { "type": "object", "default": {}, "properties": { "c": { "default": "x" } } },
            "list": { "items": { "$ref": "#/$defs/item" } },
            "pair": { "prefixItems": [true, { "properties": { "p": { "default": 2 } } }] },
            "ref": { "$ref": "#/$defs/number" },
            "either": { "anyOf": [{ "default": 1 }] }
        },
        "additionalProperties": { "properties": { "extra": { "default": true } } },
        "allOf": [{ "properties": { "late": { "default": null } } }],
        "$defs": { "item": { "properties": { "n": { "default": 0 } } }, "number": { "default": 7 } }
    });
    let filled = schema(source).fill_defaults(data!({
        "a": null, "list": [{}, { "n": 5 }, 3], "pair": [1, {}], "other": {}
    }));
    assert_eq!(
        filled,
        data!({
            "a": null, "list": [{ "n": 0 }, { "n": 5 }, 3], "pair": [1, { "p": 2 }], "other": { "extra": true },
            "b": { "c": "x" }, "ref": 7, "late": null
        })
    );
    let untouched = data!({ "x": [1] });
    let Data::Map(before) = &untouched else { unreachable!() };
    let Data::Map(after) = schema(data!({ "properties": { "x": { "items": {} } } })).fill_defaults(untouched.clone())
    else {
        unreachable!()
    };
    assert!(Arc::ptr_eq(before, &after));
}

#[test]
fn defaults_that_hold_themselves_end() {
    let endless = data!({ "properties": { "child": { "$ref": "#", "default": {} } } });
    assert_eq!(
        schema(endless).fill_defaults(data!({})),
        data!({ "child": { "child": {} } })
    );
    let mut definitions = serde_json::json!({ "d0": { "default": {} } });
    for level in 1..40 {
        let below = serde_json::json!({ "$ref": format!("#/$defs/d{}", level - 1), "default": {} });
        definitions[format!("d{level}")] = serde_json::json!({ "properties": { "a": below, "b": below } });
    }
    let bomb = Data::from(serde_json::json!({ "$ref": "#/$defs/d39", "$defs": definitions }));
    assert!(schema(bomb).fill_defaults(data!({})).size() < 1_000_000);
}

#[test]
fn literals_must_fit_their_schema() {
    let source = schema(data!({
        "properties": {
            "a": { "type": "number", "default": "x" },
            "b": { "type": "object", "required": ["c"], "properties": { "c": { "default": 1 } }, "default": {} },
            "d": { "$ref": "#/$defs/text", "examples": ["ok", 5] }
        },
        "$defs": { "text": { "type": "string" } }
    }));
    let found: Vec<String> = source
        .literal_problems()
        .into_iter()
        .map(|problem| format!("{}: {}", problem.pointer, problem.message))
        .collect();
    assert_eq!(
        found,
        [
            "/properties/a/default: expected a number, found the text `x`",
            "/properties/d/examples/1: expected a text, found the number 5",
        ]
    );
}

#[test]
fn literals_under_unusual_names() {
    let mut map = Map::new();
    for name in ["größe", "a b", "x/y", "m~n", "50%", "q\"", "^[a-z]+$"] {
        map = map.with(name.into(), data!({ "type": "number", "default": "x" }));
    }
    let found = schema(data!({ "properties": (Data::from(map)) })).literal_problems();
    assert_eq!(found.len(), 7, "{found:?}");
}

fn known(lookup: Lookup) -> Type {
    match lookup {
        Lookup::Known(ty) => ty,
        other => panic!("{other:?}"),
    }
}

fn unknown(lookup: Lookup) -> (Vec<String>, bool) {
    match lookup {
        Lookup::Unknown { known, closed } => (known, closed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn types_of_schemas() {
    let ty = schema(data!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "type": "string" },
            "n": { "type": ["integer", "null"] },
            "tags": { "type": "array", "items": { "type": "object", "properties": { "t": { "const": 1 } } } },
            "deep": { "$ref": "#/$defs/deep" },
            "free": { "type": "object" },
            "map": { "type": "object", "additionalProperties": { "type": "boolean" } }
        },
        "$defs": { "deep": { "additionalProperties": false, "properties": { "self": { "$ref": "#/$defs/deep" } } } }
    }))
    .ty();
    assert_eq!(ty.kinds(), Kinds::MAP);
    assert_eq!(ty.required(), ["id"]);
    assert_eq!(known(ty.property("id")).kinds(), Kinds::TEXT);
    assert_eq!(known(ty.property("n")).kinds(), Kinds::NUMBER.or(Kinds::NULL));
    let (names, closed) = unknown(ty.property("di"));
    assert!(names.contains(&"id".to_owned()) && !closed);
    let tag = known(ty.property("tags")).item();
    assert_eq!(known(tag.property("t")).kinds(), Kinds::NUMBER);
    assert!(matches!(tag.property("u"), Lookup::Unknown { .. }));
    let deep = known(known(known(ty.property("deep")).property("self")).property("self"));
    assert_eq!(unknown(deep.property("x")), (vec!["self".to_owned()], true));
    assert!(matches!(known(ty.property("free")).property("x"), Lookup::Open));
    assert_eq!(known(known(ty.property("map")).property("x")).kinds(), Kinds::BOOL);
    assert!(unknown(known(ty.property("id")).property("x")).0.is_empty());
}

#[test]
fn what_a_type_does_not_understand_is_open() {
    let open = |source: Data| matches!(schema(source).ty().property("x"), Lookup::Open);
    assert!(open(data!({})));
    assert!(open(data!(true)));
    assert!(open(data!({ "properties": { "a": {} }, "additionalProperties": true })));
    assert!(open(
        data!({ "properties": { "a": {} }, "patternProperties": { "^x": {} } })
    ));
    assert!(open(
        data!({ "properties": { "a": {} }, "$ref": "#b", "$defs": { "b": { "$anchor": "b" } } })
    ));
    assert!(open(
        data!({ "anyOf": [{ "properties": { "a": {} } }, { "type": "object" }] })
    ));
    assert!(!open(
        data!({ "properties": { "a": {} }, "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] })
    ));
    assert!(!open(
        data!({ "anyOf": [{ "properties": { "a": {} } }, { "properties": { "b": {} } }] })
    ));
}

#[test]
fn alternatives_know_what_one_of_them_knows() {
    let ty = schema(data!({
        "properties": { "kind": { "type": "string" } },
        "oneOf": [
            { "properties": { "a": { "type": "number" } } },
            { "properties": { "b": { "type": "string" }, "a": { "type": "null" } } }
        ]
    }))
    .ty();
    assert_eq!(known(ty.property("kind")).kinds(), Kinds::TEXT);
    assert_eq!(known(ty.property("a")).kinds(), Kinds::NUMBER.or(Kinds::NULL));
    assert_eq!(unknown(ty.property("c")).0, ["a", "b", "kind"]);
    let conditional = schema(data!({
        "properties": { "kind": {} }, "if": { "properties": { "kind": { "const": 1 } } }, "then": { "properties": { "a": {} } }
    }))
    .ty();
    assert!(matches!(conditional.property("a"), Lookup::Known(_)));
    assert!(matches!(conditional.property("b"), Lookup::Unknown { .. }));
}

#[test]
fn types_made_by_hand() {
    let ty = Type::of(&data!({ "a": [1, "x"], "b": { "c": null } }));
    assert_eq!(known(ty.property("a")).item().kinds(), Kinds::NUMBER.or(Kinds::TEXT));
    assert_eq!(unknown(ty.property("c")), (vec!["a".to_owned(), "b".to_owned()], true));
    assert_eq!(ty.required(), ["a", "b"]);
    let other = Type::object(
        vec![("a".into(), Type::text(), true), ("d".into(), Type::boolean(), false)],
        false,
    );
    let both = Type::union([ty.clone(), other, Type::null()]);
    assert_eq!(both.kinds(), Kinds::MAP.or(Kinds::NULL));
    assert_eq!(known(both.property("d")).kinds(), Kinds::BOOL);
    assert_eq!(known(both.property("a")).kinds(), Kinds::LIST.or(Kinds::TEXT));
    assert!(matches!(both.property("e"), Lookup::Unknown { .. }));
    assert!(matches!(Type::union([both, Type::any()]).property("e"), Lookup::Open));
    assert!(Type::union([]).kinds().is_none());
    assert!(Type::any().is_any() && Type::list(Type::any()).item().is_any());
    assert!(matches!(Type::object(Vec::new(), true).property("x"), Lookup::Open));
}

#[test]
fn properties_are_added_to_what_a_type_already_has() {
    let schema = self::schema(data!({"type": "object", "properties": {"a": {"type": "string"}}}));
    let with = |ty: &Type| ty.with_property("b".into(), Type::number());
    let known = |ty: &Type, name: &str| matches!(ty.property(name), Lookup::Known(_));
    for ty in [schema.ty(), Type::of(&data!({"a": "x"}))] {
        let ty = with(&ty);
        assert!(known(&ty, "a") && known(&ty, "b"), "{ty:?}");
        let Lookup::Unknown { known, .. } = ty.property("c") else {
            panic!("{ty:?}")
        };
        assert!(known.contains(&"a".to_owned()) && known.contains(&"b".to_owned()));
    }
    assert!(matches!(with(&Type::any()).property("c"), Lookup::Open));
    let either = Type::union([Type::of(&data!({"a": 1})), Type::null()]);
    assert!(known(&with(&either), "a"));
}

#[test]
fn types_that_hold_each_other_stay_shallow() {
    let mut ty = Type::any();
    for _ in 0..100_000 {
        ty = Type::list(Type::object(vec![("a".into(), ty, true)], false));
    }
    assert!(Kinds::LIST.contains(ty.kinds()));
}
