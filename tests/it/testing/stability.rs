//! The same cases give the same traces, in whichever order and however many at once.

use std::path::Path;

use interpret::testing::{self, Mode};

use super::{results, suites};

#[test]
fn traces_do_not_depend_on_order_or_parallelism() {
    let asked = std::env::var("INTERPRET_REPEAT")
        .ok()
        .and_then(|times| times.parse().ok());
    let times: u64 = asked.unwrap_or(100);
    let mut all = suites(&Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows"));
    let told = |suites: &[testing::Suite], jobs: usize| {
        let results = results(suites, Mode::Check, jobs);
        let mut texts: Vec<(String, String)> = results
            .iter()
            .map(|result| {
                let suite = &suites[result.suite];
                let case = &suite.cases[result.case].name;
                let name = format!("{}: {case}", suite.path.display());
                assert!(result.passed(), "{name}: {:?}", result.problems);
                (
                    name,
                    testing::tell(&result.played).text + &testing::result(&result.played),
                )
            })
            .collect();
        texts.sort();
        texts
    };
    let first = told(&all, 1);
    assert!(first.len() > 50);
    // Any numbers will do, as long as they are the same each time.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % bound as u64) as usize
    };
    for _ in 0..times {
        for at in (1..all.len()).rev() {
            all.swap(at, below(at + 1));
        }
        for suite in &mut all {
            for at in (1..suite.cases.len()).rev() {
                suite.cases.swap(at, below(at + 1));
            }
        }
        assert!(told(&all, 1 + below(8)) == first, "a trace differs");
    }
}
