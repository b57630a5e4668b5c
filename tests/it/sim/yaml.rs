//! Writes a generated workflow as YAML in the native language.

use serde_json::{Map, Value as Json, json};

use super::flow::{Body, Cond, Does, Expr, Flow, Handler, Jump, Kind, Retry, Step, Tool, Unit};

/// The main workflow, then its children, as documents of one file.
pub fn write(flow: &Flow) -> String {
    let documents: Vec<String> = all(flow).map(|one| document(one, flow)).collect();
    documents.join("---\n")
}

pub fn all(flow: &Flow) -> impl Iterator<Item = &Flow> {
    std::iter::once(flow).chain(&flow.children)
}

fn document(flow: &Flow, main: &Flow) -> String {
    let mut text = String::new();
    block(&tree(flow, main), 0, &mut text);
    text
}

fn tree(flow: &Flow, main: &Flow) -> Json {
    let mut top = Map::new();
    top.insert("kind".into(), json!("Workflow"));
    top.insert("id".into(), json!(flow.id));
    // Cleanup is unlimited as far as the oracle is concerned.
    top.insert("limits".into(), json!({ "cleanup": "24h" }));
    top.insert("permissions".into(), json!({ "http": ["*"] }));
    if let Some(ms) = flow.timeout {
        top.insert("timeout".into(), duration(ms));
    }
    if flow.state {
        top.insert("state".into(), json!({ "n": 0 }));
    }
    top.insert("steps".into(), steps(&flow.steps, main));
    if let Some(output) = &flow.output {
        top.insert("output".into(), value(output));
    }
    Json::Object(top)
}

fn steps(list: &[Step], main: &Flow) -> Json {
    list.iter().map(|one| step(one, main)).collect()
}

fn step(step: &Step, main: &Flow) -> Json {
    let mut map = Map::new();
    let mut put = |key: &str, value: Json| {
        map.insert(key.to_owned(), value);
    };
    put("kind", json!(kind(&step.kind)));
    put("id", json!(step.id));
    match &step.kind {
        Kind::Then(one) => unit(one, &step.id, &mut put),
        Kind::When {
            condition,
            then,
            otherwise,
        } => {
            put("condition", condition_text(condition));
            match then {
                Body::Unit(one) => unit(one, &step.id, &mut put),
                Body::Steps(list) => put("steps", steps(list, main)),
            }
            if let Some(otherwise) = otherwise {
                put("else", beside(otherwise, &step.id, main));
            }
        }
        Kind::Branch {
            branches,
            first,
            otherwise,
        } => {
            put("match", json!(if *first { "first" } else { "all" }));
            let one = |(condition, list): &(Cond, Vec<Step>)| {
                let (condition, steps) = (condition_text(condition), steps(list, main));
                json!({ "condition": condition, "steps": steps })
            };
            put("branches", branches.iter().map(one).collect());
            if let Some(otherwise) = otherwise {
                put("else", steps(otherwise, main));
            }
        }
        Kind::All {
            branches,
            concurrency,
            settle,
        } => {
            if let Some(width) = concurrency {
                put("concurrency", json!(width));
            }
            if *settle {
                put("settle", json!(true));
            }
            put("steps", named(&branches.names, &branches.lists, main));
        }
        Kind::Race { branches, success } => {
            if *success {
                put("until", json!("success"));
            }
            put("steps", named(&branches.names, &branches.lists, main));
        }
        Kind::Tap(Body::Unit(one)) => unit(one, &step.id, &mut put),
        Kind::Tap(Body::Steps(list)) => put("steps", steps(list, main)),
        Kind::ForEach {
            items,
            name,
            concurrency,
            settle,
            steps: list,
        } => {
            put("items", value(items));
            if let Some(name) = name {
                put("as", json!(name));
            }
            if let Some(width) = concurrency {
                put("concurrency", json!(width));
            }
            if *settle {
                put("settle", json!(true));
            }
            put("steps", steps(list, main));
        }
        Kind::Loop {
            condition,
            steps: list,
            max,
            proceed,
            ..
        } => {
            if let Some(max) = max {
                put("maxIterations", json!(max));
            }
            if *proceed {
                put("onLimit", json!("continue"));
            }
            put("condition", condition_text(condition));
            put("steps", steps(list, main));
        }
        Kind::Jump(jump) => place_of_jump(jump, &step.id, &mut put),
        Kind::Map(entries) => put("map", object(entries)),
        Kind::Sleep(ms) => put("duration", duration(*ms)),
        Kind::Child { flow, input } => {
            put("workflow", json!(main.children[*flow].id));
            if let Some(input) = input {
                put("input", value(input));
            }
        }
        Kind::Guardrail(rules) => {
            let one = |rule: &super::flow::Rule| {
                let mut one = json!({ "require": condition_text(&rule.require), "message": "guarded" });
                match &rule.rewrite {
                    Some(new) => {
                        one["action"] = json!("rewrite");
                        one["value"] = value(new);
                    }
                    None => one["action"] = json!("fail"),
                }
                one
            };
            put("rules", rules.iter().map(one).collect());
        }
        Kind::Agent(agent) => {
            let tool = |(number, tool): (usize, &Tool)| {
                let mut one = json!({
                    "name": format!("tool{number}"),
                    "inputSchema": {
                        "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
                    },
                });
                match tool.does {
                    Does::Call => one["http"] = json!({ "url": "http://sim/{{ arguments.n }}" }),
                    Does::Child(flow) => one["workflow"] = json!(main.children[flow].id),
                }
                if let Some(most) = tool.asks_above {
                    one["approval"] = json!(format!("=arguments.n > {most}"));
                }
                one
            };
            let mut asked = json!({
                "model": "sim/model-0", "maxTurns": agent.turns, "limits": { "corrections": agent.corrections },
            });
            if !agent.tools.is_empty() {
                asked["tools"] = agent.tools.iter().enumerate().map(tool).collect();
            }
            if agent.models > 1 {
                asked["fallbacks"] = (1..agent.models)
                    .map(|model| json!(format!("sim/model-{model}")))
                    .collect();
            }
            put("agent", asked);
            put("prompt", json!("What next?"));
            if agent.schema {
                put("schema", json!({ "type": "integer" }));
            }
        }
        Kind::Try { steps: list, finally } => {
            put("steps", steps(list, main));
            if !finally.is_empty() {
                put("finally", steps(finally, main));
            }
        }
    }
    common(step, main, &mut put);
    Json::Object(map)
}

fn common(step: &Step, main: &Flow, put: &mut impl FnMut(&str, Json)) {
    let common = &step.common;
    if let Some(ms) = common.timeout {
        put("timeout", duration(ms));
    }
    if let Some(policy) = &common.retry {
        put("retry", retry(policy));
    }
    if !common.catch.is_empty() {
        put(
            "catch",
            common.catch.iter().map(|one| handler(one, &step.id, main)).collect(),
        );
    }
    if let Some(output) = &common.output {
        put("output", value(output));
    }
    if let Some(key) = &common.into {
        put("into", json!(key));
    }
    if let Some(more) = common.set_state {
        put("setState", json!({ "n": format!("=state.n + {more}") }));
    }
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Then(_) => "andThen",
        Kind::When { .. } => "andWhen",
        Kind::Branch { .. } => "andBranch",
        Kind::Jump(jump) if jump.arms.is_empty() => "andThen",
        Kind::Jump(_) => "andBranch",
        Kind::All { .. } => "andAll",
        Kind::Race { .. } => "andRace",
        Kind::Tap(_) => "andTap",
        Kind::ForEach { .. } => "andForEach",
        Kind::Loop { until: false, .. } => "andDoWhile",
        Kind::Loop { until: true, .. } => "andDoUntil",
        Kind::Map(_) => "andMap",
        Kind::Sleep(_) => "andSleep",
        Kind::Child { .. } => "andWorkflow",
        Kind::Guardrail(_) => "andGuardrail",
        Kind::Agent(_) => "andAgent",
        Kind::Try { .. } => "andTry",
    }
}

fn unit(unit: &Unit, owner: &str, put: &mut impl FnMut(&str, Json)) {
    let with = |when: &Option<Cond>, mut map: Json| {
        if let Some(when) = when {
            map["when"] = condition_text(when);
        }
        map
    };
    match unit {
        Unit::Set(new) => put("set", value(new)),
        Unit::Assign(entries) => put("assign", object(entries)),
        Unit::Call => put("http", json!({ "url": format!("http://sim/{owner}") })),
        Unit::Suspend { when, timeout, go_on } => {
            let mut map = with(when, json!({ "reason": "waiting" }));
            if let Some(ms) = timeout {
                map["timeout"] = duration(*ms);
                map["onTimeout"] = json!(if *go_on { "continue" } else { "fail" });
            }
            put("suspend", map);
            put(
                "resumeSchema",
                json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } }),
            );
        }
        Unit::WaitFor { event, key, timeout } => {
            let mut map = json!({ "event": event });
            if let Some(key) = key {
                map["where"] = json!(format!("=event.k == {key}"));
            }
            if let Some(ms) = timeout {
                map["timeout"] = duration(*ms);
            }
            put("waitFor", map);
        }
        Unit::Emit { event, when, data } => put("emit", with(when, json!({ "event": event, "data": value(data) }))),
        Unit::Fail { when, code } => {
            let mut map = with(when, json!({ "message": "failed on purpose" }));
            if let Some(code) = code {
                map["code"] = json!(code);
            }
            put("fail", map);
        }
        Unit::Rethrow => put("fail", json!("=error")),
        Unit::End { when, output } => {
            let mut map = with(when, json!({}));
            if let Some(output) = output {
                map["output"] = value(output);
            }
            put("end", map);
        }
        Unit::Cancel { when } => put("cancel", with(when, json!({}))),
    }
}

/// What has the conditions of a jump and does nothing.
fn place_of_jump(jump: &Jump, id: &str, put: &mut impl FnMut(&str, Json)) {
    if jump.arms.is_empty() {
        return put("set", json!("=data"));
    }
    let one = |(number, arm): (usize, &(Cond, super::flow::Aim))| {
        let nothing = json!({ "kind": "andThen", "id": format!("{id}-{number}"), "set": "=data" });
        json!({ "condition": condition_text(&arm.0), "steps": [nothing] })
    };
    put("match", json!("first"));
    put("branches", jump.arms.iter().enumerate().map(one).collect());
}

/// An `else`: a list, or one unit.
fn beside(body: &Body, owner: &str, main: &Flow) -> Json {
    match body {
        Body::Steps(list) => steps(list, main),
        Body::Unit(one) => {
            let mut map = Map::new();
            unit(one, owner, &mut |key, value| {
                map.insert(key.to_owned(), value);
            });
            Json::Object(map)
        }
    }
}

fn handler(handler: &Handler, owner: &str, main: &Flow) -> Json {
    let mut map = Map::new();
    if let Some(codes) = &handler.on {
        map.insert("on".into(), json!(codes));
    }
    if let Some(when) = &handler.when {
        map.insert("when".into(), condition_text(when));
    }
    match &handler.body {
        Body::Steps(list) => {
            map.insert("steps".into(), steps(list, main));
        }
        Body::Unit(one) => unit(one, owner, &mut |key, value| {
            map.insert(key.to_owned(), value);
        }),
    }
    Json::Object(map)
}

fn named(names: &Option<Vec<String>>, lists: &[Vec<Step>], main: &Flow) -> Json {
    // A branch is a step or a list (rule 15); the length decides, so that both forms appear.
    let branch = |list: &Vec<Step>| match &list[..] {
        [one] => step(one, main),
        _ => steps(list, main),
    };
    match names {
        Some(names) => Json::Object(names.iter().cloned().zip(lists.iter().map(branch)).collect()),
        None => lists.iter().map(branch).collect(),
    }
}

fn retry(retry: &Retry) -> Json {
    let mut map = json!({ "attempts": retry.attempts, "delay": duration(retry.delay), "backoff": retry.backoff });
    if let Some(ms) = retry.max_delay {
        map["maxDelay"] = duration(ms);
    }
    if let Some(codes) = &retry.on {
        map["on"] = json!(codes);
    }
    map
}

fn duration(ms: u64) -> Json {
    json!(format!("{ms}ms"))
}

fn object(entries: &[(String, Expr)]) -> Json {
    Json::Object(entries.iter().map(|(key, entry)| (key.clone(), value(entry))).collect())
}

/// An expression as an authored value: lists and objects stay YAML.
fn value(expr: &Expr) -> Json {
    match expr {
        Expr::Null => Json::Null,
        Expr::Int(number) => json!(number),
        Expr::List(items) => items.iter().map(value).collect(),
        Expr::Object(entries) => object(entries),
        Expr::Text(inner) => json!(format!("v{{{{ {} }}}}", number(inner))),
        Expr::Settled => json!({
            "status": "=result | map(attribute='status') | list",
            "output": "=result | selectattr('status', 'eq', 'success') | map(attribute='output') | list",
        }),
        Expr::SettledMap(names) => {
            let one = |name: &String| {
                let pair = json!([
                    format!("=result.{name}.status"),
                    format!("=result.{name}.output | default(-1)")
                ]);
                (name.clone(), pair)
            };
            Json::Object(names.iter().map(one).collect())
        }
        _ => json!(format!("={}", inline(expr))),
    }
}

/// An expression inside another.
fn inline(expr: &Expr) -> String {
    match expr {
        Expr::Null => "none".to_owned(),
        Expr::Int(number) => number.to_string(),
        Expr::Data => "data".to_owned(),
        Expr::Name(name, None) => (*name).to_owned(),
        Expr::Name(name, Some(key)) => format!("{name}.{key}"),
        Expr::Local(name) => name.clone(),
        Expr::Step(id, default) => format!("(steps.{id}.output | default({default}))"),
        Expr::Plus(inner, more) => format!("({} + {more})", number(inner)),
        Expr::Text(inner) => format!("('v' ~ {})", number(inner)),
        Expr::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Expr::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, entry)| format!("'{key}': {}", inline(entry)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        // Only ever a whole `output`.
        Expr::Settled | Expr::SettledMap(_) => "result".to_owned(),
    }
}

/// The number an expression is, or 0.
fn number(expr: &Expr) -> String {
    match expr {
        Expr::Int(_) | Expr::Plus(..) => inline(expr),
        _ => format!("({0} if {0} is number else 0)", inline(expr)),
    }
}

fn condition_text(condition: &Cond) -> Json {
    json!(match condition {
        Cond::Odd(expr) => format!("={} % 2 == 1", number(expr)),
        Cond::Above(expr, than) => format!("={} > {than}", number(expr)),
        Cond::Code(code) => format!("=error.code == '{code}'"),
        Cond::Raw(expr) => format!("={}", inline(expr)),
    })
}

/// Block style, so that a failing workflow can be read; empty collections and scalars as JSON, which YAML includes.
fn block(value: &Json, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, entry) in map {
                text.push_str(&format!("{pad}{key}:"));
                nested(entry, indent, text);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                if matches!(item, Json::Object(map) if !map.is_empty()) {
                    let mut inner = String::new();
                    block(item, indent + 2, &mut inner);
                    // The dash takes the place of the first key's indentation.
                    text.push_str(&format!("{pad}- {}", &inner[indent + 2..]));
                } else {
                    text.push_str(&format!("{pad}-"));
                    nested(item, indent, text);
                }
            }
        }
        scalar => text.push_str(&format!("{pad}{}\n", plain(scalar))),
    }
}

fn nested(value: &Json, indent: usize, text: &mut String) {
    let empty = value.as_object().is_none_or(Map::is_empty) && value.as_array().is_none_or(Vec::is_empty);
    if empty {
        text.push_str(&format!(" {}\n", plain(value)));
    } else {
        text.push('\n');
        block(value, indent + 2, text);
    }
}

fn plain(value: &Json) -> String {
    match value.as_str() {
        Some(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_plain) => {
            text.to_owned()
        }
        _ => value.to_string(),
    }
}

/// Words of these alone need no quotes; none that is written is a YAML keyword.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::generate::{Knobs, generate};
    use super::*;

    #[test]
    fn the_text_is_the_tree() {
        for seed in 0..1_000 {
            let flow = generate(seed, &Knobs::default());
            let text = write(&flow);
            let read: Vec<Json> = serde_yaml::Deserializer::from_str(&text)
                .map(|document| Json::deserialize(document).unwrap_or_else(|error| panic!("{error}\n{text}")))
                .collect();
            let trees: Vec<Json> = all(&flow).map(|one| tree(one, &flow)).collect();
            assert_eq!(read, trees, "{text}");
        }
    }

    #[test]
    fn every_feature_is_generated() {
        let features = "kind: andThen|kind: andWhen|kind: andBranch|kind: andAll|kind: andRace|kind: andTap\
            |kind: andForEach|kind: andDoWhile|kind: andDoUntil|kind: andMap|kind: andSleep\
            |kind: andWorkflow|kind: andGuardrail|kind: andTry|set:|assign:|http:|suspend:|waitFor:|emit:\
            |fail:|end:|cancel:|fail: \"=error\"|when:|where:|else:|match: first|concurrency:|settle:\
            |until: success|as:|index|item|maxIterations:|onLimit: continue|action: rewrite|catch:|on:\
            |finally:|retry:|maxDelay:|timeout:|onTimeout: fail|onTimeout: continue|resumeSchema:|into:\
            |output:|setState:|state:|input:|winner|result|error.code|default(|left:|v{{";
        let text: String = (0..500).map(|seed| write(&generate(seed, &Knobs::default()))).collect();
        for feature in features.split('|').map(str::trim) {
            assert!(text.contains(feature), "no {feature}");
        }
    }
}
