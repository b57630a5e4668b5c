//! A fuzz target for the stable toolchain: workflows and expressions are changed at random, loaded, linked and played for
//! a bounded number of steps. Nothing may panic, and no case may take long.
//!
//! The ordinary test run gives it a second or two. `INTERPRET_FUZZ_SECONDS=600 cargo test --test it fuzz::` gives it
//! longer, `INTERPRET_FUZZ_SEED=N` begins with another case. A case that fails is printed with its seed; the seed of the
//! last case lies in `target/tmp/fuzz-last-*.txt`, should the process be gone.
#![allow(
    clippy::disallowed_methods,
    reason = "the fuzzer reads the environment, files and the clock"
)]

use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use interpret::data;
use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::expr::{Expression, Root, Text};
use interpret::graph::{Program, Timestamp, export};
use interpret::load;
use interpret::run::{Answer, Failure, Input, Outcome, Run, Start, Status, Tracer};

use crate::load_mutated::{Change, PIECES, TEXT, apply};

/// What one case may take, on a slow machine without optimisation; mostly it is a millisecond.
const MOST: Duration = Duration::from_secs(30);

/// How long a case is played, and how often the run is told something in it.
const PLAY: Duration = Duration::from_millis(300);
const INPUTS: usize = 200;

/// Numbers that are random enough, the same for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// Runs cases until the time is up.
fn fuzz(name: &str, mut case: impl FnMut(&mut Random) -> String, check: impl Fn(&str, &mut Random)) {
    let variable = |name: &str| std::env::var(name).ok().map(|value| value.parse::<f64>().unwrap());
    let time = Duration::from_secs_f64(variable("INTERPRET_FUZZ_SECONDS").unwrap_or(1.5));
    let first = variable("INTERPRET_FUZZ_SEED").map_or(0, |seed| seed as u64);
    let last = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-last-{name}.txt"));
    let mut last = std::fs::File::create(last).unwrap();
    let begun = Instant::now();
    let mut cases = 0;
    for seed in first.. {
        if begun.elapsed() > time && cases > 0 {
            break;
        }
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let text = case(&mut random);
        last.rewind().and_then(|()| writeln!(last, "{seed:020}")).unwrap();
        let started = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| check(&text, &mut random)));
        let took = started.elapsed();
        assert!(ended.is_ok(), "{name} with INTERPRET_FUZZ_SEED={seed} panics:\n{text}");
        assert!(
            took < MOST,
            "{name} with INTERPRET_FUZZ_SEED={seed} takes {took:?}:\n{text}"
        );
        cases += 1;
    }
    eprintln!("{name}: {cases} cases in {:?}", begun.elapsed());
}

#[test]
fn workflows() {
    let corpus = corpus();
    fuzz("workflows", |random| mutated(&corpus, random), play_all);
}

#[test]
fn expressions() {
    fuzz("expressions", |random| expression(random, 5), |text, _| evaluate(text));
}

/// The texts of the examples and tests of this repo, and the one that has every kind of step.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![TEXT.to_owned()];
    let mut folders = vec![root.join("workflows"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                texts.extend(
                    std::fs::read_to_string(&path)
                        .ok()
                        .filter(|text| text.len() < 64 * 1024),
                );
            }
        }
    }
    texts
}

fn mutated(corpus: &[String], random: &mut Random) -> String {
    let mut text = random.of(corpus).clone();
    for _ in 0..1 + random.below(6) {
        let (at, piece) = (random.next() as usize, random.next() as usize);
        text = match random.below(9) {
            0 => apply(&text, &Change::Drop(at)),
            1 => apply(&text, &Change::Double(at)),
            2 => apply(&text, &Change::Indent(at, random.one_in(2))),
            3 => apply(&text, &Change::Insert(at, piece)),
            4 | 5 => apply(&text, &Change::Value(at, piece)),
            6 => with_expression(&text, random),
            7 => {
                let other = random.of::<String>(corpus);
                crossed(&text, other, random)
            }
            _ if random.one_in(8) => apply(&text, &Change::Cut(at)),
            _ => swapped(&text, random),
        };
        if text.is_empty() {
            return random.of(PIECES).to_string();
        }
    }
    text
}

/// Puts a random expression in the place of one that is there.
fn with_expression(text: &str, random: &mut Random) -> String {
    let places: Vec<usize> = text.match_indices(": =").map(|(place, _)| place + 2).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let from = *random.of(&places);
    let until = text[from..].find([',', '}', '\n']).map_or(text.len(), |at| from + at);
    let new = expression(random, 3).replace(['\n', '"', '\\'], " ");
    format!("{}\"={new}\"{}", &text[..from], &text[until..])
}

/// Some lines of another text in the middle of this one.
fn crossed(text: &str, other: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let others: Vec<&str> = other.lines().collect();
    if others.is_empty() {
        return text.to_owned();
    }
    let from = random.below(others.len());
    let until = (from + 1 + random.below(6)).min(others.len());
    let at = random.below(lines.len() + 1);
    lines.splice(at..at, others[from..until].iter().copied());
    lines.join("\n")
}

/// Two words of the text change places.
fn swapped(text: &str, random: &mut Random) -> String {
    let words: Vec<(usize, &str)> = text
        .match_indices(char::is_alphanumeric)
        .filter(|(at, _)| *at == 0 || !text[..*at].ends_with(char::is_alphanumeric))
        .map(|(at, _)| {
            (
                at,
                text[at..]
                    .split(|letter: char| !letter.is_alphanumeric())
                    .next()
                    .unwrap(),
            )
        })
        .collect();
    if words.len() < 2 {
        return text.to_owned();
    }
    let (one, two) = (*random.of(&words), *random.of(&words));
    let (first, second) = if one.0 <= two.0 { (one, two) } else { (two, one) };
    if first.0 == second.0 {
        return text.to_owned();
    }
    let between = &text[first.0 + first.1.len()..second.0];
    let rest = &text[second.0 + second.1.len()..];
    [&text[..first.0], second.1, between, first.1, rest].concat()
}

fn play_all(text: &str, random: &mut Random) {
    let loaded = load::load_text("fuzz.yaml", text);
    let _ = render::text::render(&loaded.diagnostics, &loaded.sources, random.one_in(2));
    let _ = render::json::render(&loaded.diagnostics, &loaded.sources);
    for graph in loaded.workflows() {
        let none = export::Marks::default();
        for draw in [export::to_mermaid, export::to_dot, export::to_svg, export::to_tree] {
            let _ = draw(graph, &none);
        }
        let _ = export::to_json(graph);
        if let Ok(program) = loaded.program(&graph.header.id, graph.header.version.as_deref()) {
            play(Arc::new(program), random);
        }
    }
}

/// Plays a run with answers that mostly fit nothing.
fn play(program: Arc<Program>, random: &mut Random) {
    let begun = Instant::now();
    let mut run = Run::new(program.clone());
    let mut tracer = Tracer::new(program.clone());
    let mut events = Vec::new();
    let mut now = Timestamp(1_900_000_000_000);
    let mut start = Start::new("fuzz", input(&program, random));
    start.env = data!({ "SHOP_URL": "https://shop.example.com" });
    let mut next = Some(Input::Start(start));
    for _ in 0..INPUTS {
        // What does not fit is refused, and changes nothing.
        let _ = run.handle(now, next.take().unwrap_or(Input::Tick), &mut events);
        for event in events.drain(..) {
            tracer.follow(&event).expect("the run takes what it has told itself");
        }
        let over = !matches!(run.status(), Status::Running | Status::Suspended);
        if over || begun.elapsed() > PLAY {
            return;
        }
        let calls: Vec<_> = run.calls().map(|call| call.ticket).take(64).collect();
        let waits: Vec<_> = run.waits().take(64).collect();
        next = match random.below(24) {
            0 => Some(Input::Cancel { reason: None }),
            1 => Some(Input::Suspend { reason: None }),
            2 | 3 => Some(Input::Continue),
            4 => Some(Input::Deliver {
                event: random.of(&["Paid", "Answer", "x"]).to_string().into(),
                data: value(random),
            }),
            5..16 if !calls.is_empty() => Some(Input::Done {
                ticket: *random.of(&calls),
                outcome: outcome(random),
            }),
            5..20 if !waits.is_empty() => Some(Input::Resume {
                target: Some(interpret::run::Target::Ticket(random.of(&waits).ticket)),
                payload: value(random),
            }),
            _ => None,
        };
        if next.is_none() {
            // Time goes on to the next timer, or a little.
            now = Timestamp(run.wake_at().map_or(now.0 + 1, |at| at.0.max(now.0)));
        }
    }
}

/// An input that has what is required, or anything.
fn input(program: &Program, random: &mut Random) -> Data {
    let schema = program.main().header.input_schema.as_ref();
    let properties = schema.and_then(|schema| schema.source().get("properties").and_then(|all| all.as_map()).cloned());
    match properties {
        Some(properties) if !random.one_in(6) => properties
            .iter()
            .map(|(name, schema)| {
                let value = match schema.get("type").and_then(|kind| kind.as_str()) {
                    Some("string") => data!("2031-01-01T00:00:00Z"),
                    Some("number" | "integer") => data!(random.below(2000) as i64),
                    Some("boolean") => data!(random.one_in(2)),
                    Some("array") => data!([{ "id": "a", "total": 3 }, { "id": "b", "total": 900 }]),
                    _ => value(random),
                };
                (name.clone(), value)
            })
            .collect(),
        _ => value(random),
    }
}

fn outcome(random: &mut Random) -> Outcome {
    match random.below(4) {
        0 => Outcome::Failed(Arc::new(Failure::new(
            random.of(&["http.network", "timeout", "exec.exit", "X"]).to_string(),
            "it did not work",
        ))),
        1 => Outcome::Done(Answer::default()),
        _ => Outcome::Done(Answer {
            result: Some(value(random)),
            response: random
                .one_in(2)
                .then(|| data!({ "status": 200, "headers": { "a": "b" } })),
        }),
    }
}

fn value(random: &mut Random) -> Data {
    match random.below(12) {
        0 => Data::Null,
        1 => data!(true),
        2 => data!(0),
        3 => data!(i64::MAX),
        4 => data!(-1.5),
        5 => data!("text {{ x }}"),
        6 => data!(""),
        7 => data!([]),
        8 => data!([1, [null, "a"], { "b": 2 }]),
        9 => data!({ "approved": true, "action": "ship", "total": 12 }),
        10 => data!({ "id": "a", "total": 1e300, "text": "é" }),
        _ => data!({}),
    }
}

const NAMES: &[&str] = &[
    "input",
    "data",
    "state",
    "context",
    "steps.begin.output",
    "steps.a.error",
    "item",
    "index",
    "now",
    "none",
    "true",
    "x",
    "loop",
    "execution.id",
    "env.X",
    "result",
];
const LITERALS: &[&str] = &[
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "1e308",
    "0.1",
    "''",
    "'a'",
    "'é日本'",
    "'2030-01-01T00:00:00Z'",
    "'1h'",
    "[]",
    "{}",
    "[1, 2, 3]",
    "{'a': 1}",
    "'{\"a\": [1]}'",
    "range(9)",
    "range(100000)",
];
const BINARY: &[&str] = &[
    "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in", "|",
];
const FILTERS: &[&str] = &[
    "length",
    "upper",
    "join(',')",
    "sum",
    "map('upper')",
    "map(attribute='a')",
    "select('defined')",
    "sort",
    "unique",
    "first",
    "last",
    "default(1)",
    "tojson",
    "fromjson",
    "merge({'a': 2})",
    "date('%Y', 'UTC')",
    "shift('-1d')",
    "int",
    "float",
    "round(2)",
    "batch(3)",
    "slice(2)",
    "groupby('a')",
    "replace('a', 'b')",
    "split(',')",
    "list",
    "items",
    "dictsort",
    "reverse",
    "indent(4)",
    "min",
    "max",
    "abs",
    "string",
    "trim",
    "urlencode",
    "format(1)",
    "reject",
    "nosuch",
];

/// An expression that may be right.
fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.one_in(6) {
        let choices = if random.one_in(2) { NAMES } else { LITERALS };
        return random.of(choices).to_string();
    }
    let mut inner = || expression(&mut *random, depth - 1);
    let (one, two, three) = (inner(), inner(), inner());
    match random.below(16) {
        0..4 => format!("{one} {} {two}", random.of(BINARY)),
        4..8 => format!("{one} | {}", random.of(FILTERS)),
        8 => format!("({one})"),
        9 => format!("{one}.{}", random.of(&["a", "b-c", "length", "0", "if"])),
        10 => format!("{one}[{two}]"),
        11 => format!("{one}[{two}:{three}]"),
        12 => format!("{one} if {two} else {three}"),
        13 => format!("not {one}"),
        14 => format!("{{ 'k': {one}, {two}: {three} }}"),
        // Broken at some place.
        _ => {
            let at = one.floor_char_boundary(random.below(one.len() + 1));
            format!(
                "{}{}{}",
                &one[..at],
                random.of(&["(", "]", "'", "|", ".", "{%", "}}", "\u{0}", "é"]),
                &one[at..]
            )
        }
    }
}

fn evaluate(source: &str) {
    let names = |root: &Root| match root {
        Root::Input => Some(data!({ "a": 1, "orders": [{ "a": 2 }, { "a": null }] })),
        Root::Data => Some(data!([1, 2.5, "x", { "a": "é" }])),
        Root::State => Some(data!({})),
        Root::Index => Some(data!(3)),
        Root::Result => Some(data!("text")),
        _ => None,
    };
    for problem in Expression::compile(source).err().into_iter().flatten() {
        assert!(source.get(problem.range.clone()).is_some(), "{problem:?}");
    }
    if let Ok(expression) = Expression::compile(source) {
        let _ = expression.eval(&names);
        let _ = expression.eval_bool(&names);
    }
    let template = format!("a {{{{ {source} }}}}{{% for i in {source} %}}{{{{ i }}}}{{% endfor %}}");
    if let Ok(text) = Text::compile(&template) {
        let _ = text.eval(&names);
        let _ = text.eval_sealed(&names);
    }
}
