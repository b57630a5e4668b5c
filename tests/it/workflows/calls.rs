//! Workflows that call the outside world.

use interpret::data;
use interpret::data::Data;

use super::{Act, Story};

fn status(status: i64) -> Data {
    data!({ "error": { "code": "http.status", "message": "refused", "data": { "status": status } } })
}

fn network() -> Data {
    data!({ "error": { "code": "http.network", "message": "connection refused" } })
}

#[test]
fn etl() {
    let day = |path| Story::of("etl", path, data!({ "day": "2026-03-01" }));
    day("two-pages").mocks_of("etl").check();
    day("no-orders")
        .mocks(data!({ "page": { "output": { "orders": [] } } }))
        .check();
    let orders = data!([{ "id": "o-1" }, { "id": "o-2" }, { "id": "o-3" }]);
    let full = status(507);
    day("warehouse-full")
        .mocks(data!({ "page": { "output": { "orders": orders } }, "put": [{ "output": null }, full] }))
        .check();
}

#[test]
fn mirrors() {
    let file = |path| Story::of("mirrors", path, data!({ "file": "index.json" }));
    let good = |after: &str| data!({ "output": { "packages": 3 }, "after": after });
    file("america-is-first").mocks_of("mirrors").check();
    let (europe, asia) = (good("1s"), good("2s"));
    file("europe-is-first")
        .mocks(data!({ "europe": europe, "america": { "output": 1, "after": "1500ms" }, "asia": asia }))
        .check();
    let (gone, unreachable) = (status(404), network());
    file("no-mirror")
        .mocks(data!({ "europe": gone.clone(), "america": unreachable, "asia": gone }))
        .check();
    let slow = good("1h");
    file("too-slow").mocks(data!({ "*": slow })).check();
}

#[test]
fn link_check() {
    let links = |path| {
        let links = [
            "https://a.example.com",
            "https://b.example.com",
            "https://c.example.com",
        ];
        let links: Data = links.into_iter().map(Data::from).collect();
        Story::of("link-check", path, data!({ "links": links }))
    };
    links("one-broken").mocks_of("link-check").check();
    links("fine").mocks(data!({ "head": {} })).check();
    let (gone, unreachable) = (status(404), network());
    links("mostly-broken")
        .mocks(data!({ "head": [{}, gone, unreachable] }))
        .check();
}

#[test]
fn charge_card() {
    let charge = |path, answers: Vec<Data>| {
        Story::of("charge-card", path, data!({ "card": "tok_17", "cents": 4200 })).mocks(data!({ "charge": answers }))
    };
    let receipt = || data!({ "output": { "receipt": "r-981" } });
    charge("paid", vec![receipt()]).check();
    charge("paid-at-last", vec![status(503), network(), receipt()]).check();
    charge("declined", vec![status(402)]).check();
    charge("unreachable", vec![network()]).check();
    charge("too-slow", vec![data!({ "output": null, "after": "1h" })]).check();
    charge("not-allowed", vec![status(401)]).check();
}

#[test]
fn onboarding() {
    let person = |path, systems: Vec<Data>| {
        Story::of(
            "onboarding",
            path,
            data!({ "name": "Ada Lovelace", "systems": systems }),
        )
        .mocks_of("onboarding")
    };
    person("two-systems", vec!["mail".into(), "wiki".into()]).check();
    let all = || vec!["mail".into(), "payroll".into(), "wiki".into()];
    person("waits", all()).check();
    person("consented", all())
        .resume("consent", data!({ "approved": true }))
        .check();
    person("refused", all())
        .resume("consent", data!({ "approved": false }))
        .check();
    person("server-down", vec!["mail".into()])
        .mocks(data!({ "create": status(503) }))
        .check();
}

#[test]
fn create_account() {
    let account = |path, system: &str| {
        Story::of(
            "create-account",
            path,
            data!({ "name": "Ada Lovelace", "system": system }),
        )
        .mocks_of("onboarding")
    };
    account("created", "wiki").check();
    account("cancelled", "payroll").then(Act::Cancel).check();
}

#[test]
fn book_trip() {
    let trip = |path, flight: Data, hotel: Data| {
        let input = data!({ "city": "Porto", "nights": 3 });
        let undo = vec![network(), data!({ "output": null })];
        let close = data!({ "output": null });
        Story::of("book-trip", path, input)
            .mocks(data!({ "flight": flight, "hotel": hotel, "undo": undo, "close": close }))
    };
    let booked = |id: &str| data!({ "output": { "id": id } });
    trip("booked", booked("f-1"), booked("h-1")).check();
    trip("no-hotel", booked("f-1"), status(409)).check();
    trip("no-flight", status(409), booked("h-1")).check();
}

/// This one calls a real program.
#[test]
#[cfg(unix)]
fn mailing_list() {
    let list = |path, addresses: Vec<Data>| Story::of("mailing-list", path, data!({ "addresses": addresses }));
    let addresses = ["Bob@example.com", "ada@example.com", "bob@example.com"];
    list("doubles", addresses.into_iter().map(Data::from).collect()).check();
    list("empty", Vec::new()).check();
}
