//! Work on many things at once, on the processors there are.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Fewer things than this are done before a thread has started.
const WORTH_IT: usize = 16;

/// More threads than this wait for memory more than they compute.
const MOST_THREADS: usize = 8;

/// What a function makes of all things, in their order.
pub(super) fn map<T: Sync, R: Send>(things: &[T], function: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = match things.len() < WORTH_IT {
        true => 1,
        false => thread::available_parallelism().map_or(1, NonZero::get),
    };
    if processors == 1 {
        return things.iter().map(function).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else { return done };
            done.push((at, function(thing)));
        }
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..processors.min(MOST_THREADS)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_things() {
        let things: Vec<usize> = (0..1_000).collect();
        let doubled: Vec<usize> = (0..1_000).map(|thing| thing * 2).collect();
        assert_eq!(super::map(&things, |thing| thing * 2), doubled);
    }
}
