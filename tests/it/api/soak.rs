//! A server under load for long: its memory stays where it is.
//!
//! Half a minute in the ordinary test run; `INTERPRET_SOAK=3600` makes it an hour.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use super::{NAPS, ORDER, Served, block_on, client};

/// How many clients ask, and how long each rests between two requests: about half of what a server on two cores does.
const CLIENTS: usize = 8;
const REST: Duration = Duration::from_millis(2);

#[test]
fn memory_is_flat_under_load() {
    let seconds = std::env::var("INTERPRET_SOAK").ok().and_then(|text| text.parse().ok());
    let length = Duration::from_secs(seconds.unwrap_or(30));
    let served = Served::with(
        &[("order.yaml", ORDER), ("naps.yaml", NAPS)],
        &["--store", "memory", "--log", "none"],
    );
    let begun = Instant::now();
    let (counts, sizes) = block_on(async {
        let clients = (0..CLIENTS).map(|_| ask(&served, begun, length));
        futures_util::future::join(futures_util::future::join_all(clients), watch(&served, begun, length)).await
    });
    let count: usize = counts.iter().sum();
    // By half of the time, as much is kept as ever is: finished executions are forgotten beyond a size.
    let quarter = sizes.len() / 4;
    let most = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    let (third, last) = (most(&sizes[2 * quarter..3 * quarter]), most(&sizes[3 * quarter..]));
    let at = |part: usize| sizes[(part * quarter).min(sizes.len() - 1)];
    println!(
        "{count} executions in {} s; resident memory {:.1} MB at the beginning, {:.1} in the middle, {:.1} at the end; at most \
         {third:.1} in the third quarter, {last:.1} in the last",
        length.as_secs(),
        at(0),
        at(2),
        at(4),
    );
    assert!(count > 500, "{count}");
    assert!(last < third * 1.1 + 2.0, "{sizes:?}");
}

/// Executes, follows and lists, one after the other.
async fn ask(served: &Served, begun: Instant, length: Duration) -> usize {
    let client = client();
    let body = r#"{"input":{"orderId":"A-1","amount":40}}"#;
    let mut count = 0;
    while begun.elapsed() < length {
        let route = match count % 10 {
            9 => "stream",
            _ => "execute",
        };
        let url = format!("{}/workflows/order-approval/{route}", served.base);
        let response = client.post(url).body(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        assert!(text.contains("\"completed\""), "{text}");
        count += 1;
        // The load is to be steady in real time.
        tokio::time::sleep(REST).await;
    }
    count
}

/// The memory of the server, in MB, ten times a second.
async fn watch(served: &Served, begun: Instant, length: Duration) -> Vec<f64> {
    let mut sizes = Vec::new();
    while begun.elapsed() < length {
        sizes.push(served.resident());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sizes
}
