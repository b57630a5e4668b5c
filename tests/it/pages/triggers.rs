//! The page of triggers: its schedules mean what the table says, and its deliveries are answered as it shows.

use interpret::data::Data;
use interpret::graph::{Schedule, parse_instant};

use super::markdown::blocks;
use super::play::value;
use super::read;
use crate::api::{Answer, Served, block_on, client};

const PAGE: &str = "docs/triggers.md";

#[test]
fn schedules_mean_what_the_table_says() {
    let page = read(PAGE);
    let mut rows = 0;
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(behind), Some(next)) = (
            parse_instant(cells[2]),
            cells.get(3).and_then(|next| parse_instant(next)),
        ) else {
            continue;
        };
        let schedule = Schedule::new(cells[1].trim_matches('`'), Some("Europe/Berlin")).unwrap();
        assert_eq!(schedule.after(behind), Some(next), "{line}");
        rows += 1;
    }
    assert_eq!(rows, 5);
}

#[test]
fn deliveries_are_answered_as_the_page_shows() {
    let page = read(PAGE);
    let mut served: Option<Served> = None;
    let mut answer: Option<Answer> = None;
    let mut compared = 0;
    for block in blocks(&page) {
        let place = format!("{PAGE}:{}", block.line);
        let word = block.label.split(':').next().unwrap_or_default();
        if block.text.starts_with("kind: Workflow") {
            served = Some(Served::with(
                &[("page.yaml", &block.text)],
                &["--allow-env=HOOK_SECRET"],
            ));
            continue;
        }
        let data = value(&place, &block.text);
        let text = |pointer| {
            data.pointer(pointer)
                .and_then(Data::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        match word {
            "Delivery" => {
                let served = served.as_ref().unwrap();
                let url = format!("{}{}", served.base, text("/path"));
                let mut request = client().post(url).body(data.get("body").unwrap().to_string());
                request = request.header("content-type", "application/json");
                for (name, value) in data.get("headers").and_then(Data::as_map).unwrap().iter() {
                    request = request.header(&**name, value.as_str().unwrap());
                }
                answer = Some(block_on(async { Answer::of(request.send().await.unwrap()).await }));
            }
            "Answer" => {
                let answer = answer.take().unwrap();
                assert_eq!(
                    Some(&Data::from(i64::from(answer.status))),
                    data.get("status"),
                    "{place}"
                );
                for (key, shown) in data.as_map().unwrap().iter().filter(|(key, _)| &***key != "status") {
                    assert_eq!(answer.body.get(key), Some(shown), "{place}");
                }
                compared += 1;
            }
            other => panic!("{place}: `{other}` does not say what this block is"),
        }
    }
    assert_eq!(compared, 3);
}
