//! Workflows in which people and events decide.

use interpret::data;
use interpret::data::Data;

use super::{Act, Story};

#[test]
fn order_approval() {
    let order = |path, amount: i64| {
        let input = data!({ "orderId": "A-1", "amount": amount, "items": ["laptop", "mouse"] });
        Story::of("order-approval", path, input)
    };
    order("small", 250).check();
    order("large", 5000).check();
    order("approved", 5000)
        .resume("manager-approval", data!({ "approved": true, "managerId": "mgr-456" }))
        .check();
    order("rejected", 5000)
        .resume(
            "manager-approval",
            data!({ "approved": false, "comments": "over budget" }),
        )
        .check();
    order("cancelled", 5000).then(Act::Cancel).check();
    let unknown = data!({ "orderId": "A-2", "amount": 1, "items": ["laptop", "yacht"] });
    Story::of("order-approval", "out-of-stock", unknown).check();
}

#[test]
fn content_review() {
    let brief =
        |path| Story::of("content-review", path, data!({ "brief": "Our spring sale" })).mocks_of("content-review");
    let action = |action: &str| data!({ "action": action });
    let revise = || data!({ "action": "revise", "comment": "Name the date." });
    brief("waits").check();
    brief("approved").resume("review", action("approve")).check();
    brief("rejected").resume("review", action("reject")).check();
    brief("revised")
        .resume("review", revise())
        .resume("review", action("approve"))
        .check();
    (0..5)
        .fold(brief("never-good"), |brief, _| brief.resume("review", revise()))
        .check();
}

#[test]
fn reminder() {
    let input = || data!({ "person": "Grace", "question": "Lunch on Friday?" });
    let answer = || data!({ "answer": "Yes" });
    Story::of("reminder", "answered", input())
        .resume("ask", answer())
        .check();
    Story::of("reminder", "answered-when-reminded", input())
        .then(Act::Pass)
        .resume("ask", answer())
        .check();
    Story::of("reminder", "given-up", input())
        .then(Act::Pass)
        .then(Act::Pass)
        .then(Act::Pass)
        .check();
}

#[test]
fn contract_approvals() {
    let contract =
        |path, value: i64| Story::of("contract-approvals", path, data!({ "contract": "K-7", "value": value }));
    let approve = || data!({ "action": "approve" });
    let reject = |comment: &str| data!({ "action": "reject", "comment": comment });
    contract("approved", 25_000)
        .resume("legal", approve())
        .resume("finance", approve())
        .check();
    contract("small", 900).resume("finance", approve()).check();
    contract("refused-by-finance", 25_000)
        .resume("finance", reject("too dear"))
        .check();
    contract("refused-by-legal", 25_000)
        .resume("finance", approve())
        .resume("legal", reject("clause 4"))
        .check();
    contract("too-late", 25_000)
        .resume("finance", approve())
        .then(Act::Pass)
        .check();
}

#[test]
fn await_payment() {
    let order = |path| Story::of("await-payment", path, data!({ "orderId": "A-1", "cents": 990 }));
    let payment = |order: &str, cents: i64| -> Data { data!({ "orderId": order, "cents": cents }) };
    let paid = |order: &str, cents: i64| Act::Deliver("PaymentReceived", payment(order, cents));
    order("waits").check();
    order("paid").then(paid("A-1", 990)).check();
    order("underpaid").then(paid("A-1", 900)).check();
    order("another-order-paid")
        .then(paid("B-2", 990))
        .then(paid("A-1", 990))
        .check();
    order("never-paid").then(Act::Pass).check();
}
