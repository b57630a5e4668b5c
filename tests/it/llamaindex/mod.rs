//! LlamaIndex's protocol as its clients see it: the real program, over a socket.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests start servers and clients, and talk to them in real time"
)]

mod clients;
mod streams;
mod wire;

/// The workflow of the published page that greets.
pub const GREET: &str = "
kind: Workflow
id: greet
events: { StreamEvent: { schema: { type: object, required: [sequence], properties: { sequence: { type: integer } } } } }
inputSchema: { type: object, properties: { name: { type: string, default: World } } }
steps:
  - kind: andForEach
    id: each
    items: [0, 1, 2]
    steps:
      - { kind: andThen, id: tell, emit: { event: StreamEvent, data: { sequence: =item } } }
      - { kind: andSleep, id: nap, duration: 50ms }
  - { kind: andThen, id: hello, set: \"Hello, {{ input.name }}!\" }
";

/// The workflow of the published page that asks a person.
pub const HUMAN: &str = "
kind: Workflow
id: human
events:
  RequestEvent: { role: request, schema: { type: object, required: [prompt] } }
  ResponseEvent: { role: response, schema: { type: object, required: [response], properties: { response: { type: string } } } }
  OutEvent: { role: stop, schema: { type: object, required: [output] } }
steps:
  - kind: andThen
    id: prompt_human
    suspend: { request: RequestEvent, response: ResponseEvent, data: { prompt: What is your name? } }
  - { kind: andThen, id: greet_human, set: { output: \"Hello, {{ data.response }}\" } }
";

/// Fails.
pub const FAILS: &str = "
kind: Workflow
id: fails
steps:
  - { kind: andThen, id: boom, fail: { code: NO_STOCK, message: Sold out } }
";

/// Counts how often it was asked, under one handler; waits if it is told to.
pub const COUNTS: &str = "
kind: Workflow
id: counts
state: { asked: 0 }
steps:
  - { kind: andThen, id: count, set: =state.asked + 1, setState: { asked: =state.asked + 1 } }
  - { kind: andWhen, id: hold, condition: \"=input.wait | default(false)\", suspend: {} }
  - { kind: andThen, id: told, set: =state.asked }
";

/// Two people are asked at once, and another system.
pub const PANEL: &str = "
kind: Workflow
id: panel
events:
  Vote: { role: response, schema: { type: object, required: [yes] } }
  Stamped: {}
steps:
  - kind: andAll
    id: votes
    steps:
      a: { kind: andThen, id: first, suspend: { response: Vote } }
      b: { kind: andThen, id: second, suspend: { response: Vote } }
  - { kind: andThen, id: stamp, waitFor: { event: Stamped } }
";
