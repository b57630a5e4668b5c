//! Vellum's API as its clients see it: the real program, over a socket.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests start servers and clients, and talk to them in real time"
)]

mod actuals;
mod clients;
mod releases;
mod wire;

use crate::api::Served;

/// The workflow of the published page, with typed outputs.
pub const MINE: &str = "
kind: Workflow
id: my-workflow
name: My Workflow
purpose: To make words large
inputSchema: { type: object, required: [query], properties: { query: { type: string } } }
outputSchema:
  type: object
  properties: { result: { type: string }, length: { type: integer }, words: { type: array, items: { type: string } } }
steps:
  - { kind: andThen, id: split, set: { words: \"=input.query | split(' ') | list\" } }
  - { kind: andThen, id: shout, assign: { result: =input.query | upper, length: =input.query | length } }
";

/// Gives back what it gets.
pub const TYPES: &str = "
kind: Workflow
id: types
inputSchema:
  type: object
  properties:
    words: { type: string }
    count: { type: integer }
    order: { type: object }
    chat: { type: array, items: { type: object, properties: { role: { type: string }, text: { type: string } } } }
steps:
  - { kind: andThen, id: back, set: =input }
";

/// Fails on purpose, or because of an expression if its input says nothing.
pub const FAILS: &str = "
kind: Workflow
id: fails
inputSchema: { type: object, properties: { code: { type: string } } }
steps:
  - { kind: andWhen, id: divide, condition: =input.code == '', set: =1 / 0 }
  - { kind: andThen, id: boom, fail: { code: OUT_OF_STOCK, message: Sold out } }
";

pub const NAPS: &str = "
kind: Workflow
id: naps
steps:
  - { kind: andSleep, id: nap, duration: 100ms }
  - { kind: andThen, id: rested, set: rested }
";

pub const ASKS: &str = "
kind: Workflow
id: asks
steps:
  - kind: andThen
    id: approve
    suspend: { reason: Please approve }
    resumeSchema: { type: object, required: [ok], properties: { ok: { type: boolean } } }
  - { kind: andThen, id: said, set: { ok: =data.ok } }
";

pub const COUNTS: &str = "
kind: Workflow
id: counts
state: { asked: 0 }
steps:
  - { kind: andThen, id: count, set: =state.asked + 1, setState: { asked: =state.asked + 1 } }
  - { kind: andThen, id: told, set: { asked: =state.asked } }
";

/// A token that may do everything, and one that may look.
pub const KEY: &str = "key-0123456789abcdefghijklmnopqrstuvwxyz";
pub const READER: &str = "reader-0123456789abcdefghijklmnopqrstuvwxyz";

/// All of them, for those who have a key.
pub fn served() -> Served {
    let (admin, reader) = (crate::serve::hash(KEY), crate::serve::hash(READER));
    let access = format!(
        "tokens:\n  - {{ name: admin, hash: \"{admin}\", scope: admin }}\n  \
         - {{ name: reader, hash: \"{reader}\", scope: read }}\n"
    );
    let files = [
        ("my-workflow.yaml", MINE),
        ("types.yaml", TYPES),
        ("fails.yaml", FAILS),
        ("naps.yaml", NAPS),
        ("asks.yaml", ASKS),
        ("counts.yaml", COUNTS),
        // Not a workflow, so it has another extension.
        ("access.txt", &access),
    ];
    Served::with(&files, &["--auth", "w/access.txt"])
}
