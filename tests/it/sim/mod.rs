//! The independent side of the simulation test.
//!
//! # Method
//!
//! A seed gives a random workflow ([`generate`]) and a random world ([`World`](world::World)): how long each call takes
//! and what it gives, who answers which wait and when, which events arrive, whether somebody cancels or suspends the
//! run. The [`oracle`] predicts from the two what becomes of the run: its status, result, error and end, the status and
//! times of every step's visit, and every call that was started, with how it ended. The harness writes the workflow as
//! [`yaml`], runs it in the interpreter under virtual time against the same world, and compares; [`shrink`] makes a
//! workflow that differs small.
//!
//! The oracle and the interpreter share no code and no idea. The interpreter is a state machine that reacts to inputs
//! and applies events; the oracle is a direct evaluator in which each step kind is straight `async` code. What is due
//! is found by polling the run from its root, so depth first and in declared order, which is the order the rules give
//! to one instant. Cancelling is a flag that a whole subtree finds at its next poll; `finally` runs outside its
//! reach.
//!
//! # Addresses
//!
//! A step's visit is named by the ids from the root, joined by `/`. An ancestor in its n-th attempt, n > 1, has `@n`
//! after it, a looping ancestor then `[index]`: `load@2[3]/put`. What is reached behind the n-th jump backwards in a list
//! has `+n` directly behind its id: `ask+1#1`, `load+1@2[3]/put`. Steps of a child workflow are behind the calling step and a `:`.
//! Handlers and `finally` belong to the last attempt and to no iteration. An effect id is an address with `#attempt`; a
//! unit directly on `andWhen` or `andTap` has the owner's, but beside an `else`, in an `else` and in a handler it has
//! `owner/then`, `owner/else` and `owner/catch.N`, always `#1`.
//!
//! # Semantic notes
//!
//! What the rules leave open is fixed here; the examples cite these numbers.
//!
//! 1. At one instant the run goes depth first in declared order, each branch as far as it can. When a child's end
//!    decides its parent, the parent acts at once: later branches never start.
//! 2. Cancelling stops calls, waits and sleeps at once. Then `finally` runs for every `andTry` that had started,
//!    innermost first, shielded from further cancellation, and the canceller acts when all are done. A step cancelled
//!    while its own `finally` runs is cancelled when that is done.
//! 3. `end` cancels everything else in its workflow, then completes it; its own step is a success. `cancel` cancels the
//!    whole run; its own step is cancelled.
//! 4. What has not started is not in the table; what is skipped is.
//! 5. After an outside suspend no step, attempt, handler or `finally` starts before the resume, and no timer acts.
//!    Then all that was due acts in the order of its due times. Calls, answers and events end at their own time, and
//!    with them loops, joins, blocks and the run. A cancel lifts the suspension.
//! 6. A cancel from outside does nothing to a run that has ended or cleans up after `end`, its timeout or a cancel.
//! 7. Retries follow rule 25. A rethrown error is retried like the original.
//! 8. A timeout counts from its attempt's start until what comes of the attempt is certain: a race that is won, or an
//!    `andAll` that has failed, is not undone by the cleanup of the others.
//! 9. `andAll`, `andForEach` and `andBranch` raise the first failure in time. Codes: `race.failed`, `loop.limit`,
//!    `guardrail.failed`, `failed`, `suspend.timeout`, `event.timeout`, `expression.type`.
//! 10. A tap is a success whatever happens inside.
//! 11. `andBranch` evaluates all conditions first; with none matching it gives `else`, or an array of nulls.
//! 12. An event goes to the wait that began first among those that fit.
//! 13. `setState` counts when its step completes.
//! 14. A child's error keeps its code.
//! 15. `concurrency: k`: the next branch starts, in declared order, when one ends.
//! 16. A turn of an agent is the effect `desk[turn]#attempt`, another model's `desk[turn.model]#attempt`; a call of a
//!     tool has the address `desk[turn]/tool[call]`. What the world says of a turn depends on its effect id alone. A
//!     further attempt goes on with what was said and done; behind `schema.output` and `limit.exceeded` it begins anew.
//! 17. A jump is the core's and not the language's: it goes on at another step of its list, or at its end, `data` as it
//!     is. One backwards (to itself or what stands before it) forgets the outputs from there to the end of the list, and
//!     fails with `loop.limit` when the list has made as many as it allows.
//!
//! The body of `andForEach` begins with the item as its `data`, and `concurrency` there defaults to 1, as in VoltAgent.
//!
//! # What is left out
//!
//! Because the rules do not decide it, or a load check may refuse it: `catch` together with `into` or `setState`;
//! common keys on `andTap`; `timeout`, `retry` and `output` on `fail`, `end` and `cancel`; `into` without a raw
//! result; rewriting guardrail rules but the last; sleeps, waits and children in `finally`, children in `andTap`;
//! `waitFor` in children; steps after one that always ends the list; reading steps that control; defaults of
//! `retry`'s `delay` and `backoff`. Settled errors are reduced to their status, since messages are not predicted.
//! Left out as well: `jitter`, schemas but a wait's, `andSleepUntil`, `exec`, limits of agents but turns, `mcp`, empty bodies.

mod examples;
pub mod flow;
pub mod generate;
pub mod harness;
pub mod oracle;
mod retry;
pub mod shrink;
mod trial;
pub mod world;
pub mod yaml;
