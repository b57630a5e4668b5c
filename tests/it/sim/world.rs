//! What happens outside a run: a table of outcomes with their times, fixed by a seed.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// A small deterministic generator (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// An error as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    /// Of an `http.status`.
    pub status: Option<u16>,
}

impl Failure {
    pub fn new(code: &str) -> Failure {
        Failure {
            code: code.to_owned(),
            status: None,
        }
    }

    /// Retried by default.
    pub fn network() -> Failure {
        Failure::new("http.network")
    }

    /// Not retried by default.
    pub fn not_found() -> Failure {
        Failure {
            code: "http.status".to_owned(),
            status: Some(404),
        }
    }
}

/// How a call ends, `ms` after it was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub ms: u64,
    pub outcome: Result<Json, Failure>,
}

/// An event sent to the main run; its payload is `{k: <int>}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub at: u64,
    pub event: String,
    pub payload: Json,
}

/// What a model says in a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// Calls of tools by their number, with the argument `n`. One that does not exist has the number behind the last; a
    /// text as the argument is wrong.
    Calls(Vec<(usize, Json)>),
    Answer(Json),
}

/// How a turn ends, `ms` after it was started.
#[derive(Clone, Debug)]
pub struct TurnEnd {
    pub ms: u64,
    pub outcome: Result<Turn, Failure>,
}

/// The event names that are delivered.
pub const EVENTS: [&str; 3] = ["Alpha", "Beta", "Gamma"];

/// Everything that is not decided by the definition. A call's or wait's fate depends only on the seed and its effect
/// id.
#[derive(Clone, Debug)]
pub struct World {
    /// `None`: only what is scripted happens.
    seed: Option<u64>,
    /// Percentage of calls that fail.
    pub failing: u64,
    /// Percentage of waits nobody ever answers.
    pub silent: u64,
    /// In order of time, which are all different.
    pub deliveries: Vec<Delivery>,
    /// Cancel from outside at this time.
    pub cancel: Option<u64>,
    /// Suspend from outside at the first time, resume at the second.
    pub suspend: Option<(u64, u64)>,
    calls: BTreeMap<String, Call>,
    waits: BTreeMap<String, Option<(u64, Json)>>,
}

const LONGEST: u64 = 40_000;

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = Random::new(seed ^ 0x5EED_0F0A_11D0_0D1E);
        let mut world = World {
            seed: Some(seed),
            failing: 18,
            silent: 10,
            ..World::empty()
        };
        let mut at = 0;
        for _ in 0..random.range(0, 5) {
            at += random.range(1, 40_000);
            let event = EVENTS[random.range(0, 2) as usize].to_owned();
            world.deliveries.push(Delivery {
                at,
                event,
                payload: json!({ "k": random.range(0, 2) }),
            });
        }
        if random.chance(25) {
            let from = random.range(1, 60_000);
            world.suspend = Some((from, from + random.range(1, 40_000)));
        }
        if random.chance(12) {
            // Never before an outside suspend: suspending a run that cleans up after a cancel has no rule.
            world.cancel = Some(world.suspend.map_or(0, |(from, _)| from) + random.range(1, 80_000));
        }
        world
    }

    /// A world in which only what is scripted happens; a call that is not scripted takes 1 ms and gives 0.
    pub fn empty() -> World {
        World {
            seed: None,
            failing: 0,
            silent: 100,
            deliveries: Vec::new(),
            cancel: None,
            suspend: None,
            calls: BTreeMap::new(),
            waits: BTreeMap::new(),
        }
    }

    /// The same world with another share of calls that fail, and nobody who interferes.
    pub fn undisturbed(self, failing: u64) -> World {
        World {
            failing,
            deliveries: Vec::new(),
            cancel: None,
            suspend: None,
            ..self
        }
    }

    /// Fixes how a call ends.
    pub fn with_call(mut self, effect: &str, ms: u64, outcome: Result<Json, Failure>) -> World {
        self.calls.insert(effect.to_owned(), Call { ms, outcome });
        self
    }

    /// Fixes when a wait is answered and with what.
    pub fn with_wait(mut self, effect: &str, ms: u64, payload: Json) -> World {
        self.waits.insert(effect.to_owned(), Some((ms, payload)));
        self
    }

    pub fn with_delivery(mut self, at: u64, event: &str, payload: Json) -> World {
        self.deliveries.push(Delivery {
            at,
            event: event.to_owned(),
            payload,
        });
        self
    }

    pub fn call(&self, effect: &str) -> Call {
        // Behind a retry everything goes well.
        if let Some((once, _)) = effect.split_once('~') {
            let mended = World {
                failing: 0,
                ..self.clone()
            };
            return mended.call(once);
        }
        if let Some(call) = self.calls.get(effect) {
            return call.clone();
        }
        let Some(mut random) = self.random(effect) else {
            return Call {
                ms: 1,
                outcome: Ok(json!(0)),
            };
        };
        let ms = random.range(1, LONGEST);
        let outcome = if random.chance(self.failing) {
            Err(if random.chance(65) {
                Failure::network()
            } else {
                Failure::not_found()
            })
        } else {
            Ok(value(&mut random))
        };
        Call { ms, outcome }
    }

    /// What a model says to an agent with so many tools.
    pub fn turn(&self, effect: &str, tools: usize) -> TurnEnd {
        let call = self.call(effect);
        let once = effect.split('~').next().unwrap_or_default();
        let mut random = self.random(&format!("{once} says")).unwrap_or(Random::new(0));
        let outcome = call.outcome.map_err(|_| Failure::new("agent.network")).map(|value| {
            if tools == 0 && random.chance(90) || random.chance(45) {
                return Turn::Answer(value);
            }
            let count = random.range(1, 3);
            let one = |random: &mut Random| {
                let tool = match random.chance(8) {
                    true => tools,
                    false => random.range(0, tools.saturating_sub(1) as u64) as usize,
                };
                let given = random.range(0, 9);
                (tool, if random.chance(8) { json!("many") } else { json!(given) })
            };
            Turn::Calls((0..count).map(|_| one(&mut random)).collect())
        });
        TurnEnd { ms: call.ms, outcome }
    }

    /// When, counted from its start, a wait is answered and with what; `None`: nobody ever does.
    pub fn wait(&self, effect: &str) -> Option<(u64, Json)> {
        if let Some(wait) = self.waits.get(effect) {
            return wait.clone();
        }
        let mut random = self.random(effect)?;
        if random.chance(self.silent) {
            return None;
        }
        let ms = random.range(1, LONGEST);
        Some((ms, json!({ "n": random.range(0, 9) })))
    }

    fn random(&self, effect: &str) -> Option<Random> {
        let seed = self.seed?;
        // FNV-1a, then the seed.
        let hash = effect.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Some(Random::new(hash ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

fn value(random: &mut Random) -> Json {
    match random.range(0, 19) {
        0 => Json::Null,
        1..=2 => json!("text"),
        3..=5 => json!({ "n": random.range(0, 9), "m": random.range(0, 9) }),
        6..=8 => (0..random.range(0, 3)).map(|_| json!(random.next() % 10)).collect(),
        _ => json!(random.range(0, 9)),
    }
}
