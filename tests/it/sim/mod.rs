//! Simulation.
pub mod flow;
pub mod oracle;
pub mod world;
pub mod generate;
pub mod shrink;
pub mod yaml;

#[test]
fn rate() {
    let started = std::time::Instant::now();
    let knobs = generate::Knobs::default();
    let mut size = 0;
    let mut why: std::collections::BTreeMap<String, usize> = Default::default();
    for seed in 0..100_000u64 {
        let flow = generate::generate(seed, &knobs);
        size += flow.size();
        let world = world::World::new(seed);
        let key = match oracle::predict(&flow, &world) {
            oracle::Prediction::Clear(fate) => format!("{:?} {}", fate.status, fate.error_code.unwrap_or_default()),
            oracle::Prediction::Ambiguous(why) => {
                if why.starts_with("an exp") { println!("{seed}\n{}", yaml::write(&flow)); panic!() }
                why.to_owned()
            }
        };
        *why.entry(key).or_default() += 1;
    }
    println!("{:?} mean {} {why:#?}", started.elapsed(), size as f64 / 1e5);
    for seed in 0..3 { println!("{}", yaml::write(&generate::generate(seed, &knobs))); }
}
