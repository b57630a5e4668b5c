//! What there is: workflows, and executions by what they are marked with.

use interpret::data;
use interpret::data::Data;

use super::{NAPS, ORDER, Served};

#[test]
fn workflows_are_listed_and_told_as_in_the_published_page() {
    let served = Served::new(&[("order.yaml", ORDER), ("naps.yaml", NAPS)]);
    let listed = served.get("/workflows");
    assert_eq!(
        listed.data().index(1).unwrap(),
        &data!({
            "id": "order-approval",
            "name": "Order Approval Workflow",
            "purpose": "Process and approve customer orders",
            "stepsCount": 3,
            "status": "idle"
        })
    );
    let detail = served.get("/workflows/order-approval");
    assert_eq!(detail.at("/data/inputSchema/required"), data!(["orderId", "amount"]));
    assert_eq!(detail.at("/data/suspendSchema"), data!(null));
    assert_eq!(
        detail.at("/data/steps/0"),
        data!({ "id": "validate-order", "name": "Validate Order", "type": "andThen", "nodeType": "func", "stepIndex": 0 })
    );
    assert_eq!(detail.at("/data/steps/1/type"), data!("andWhen"));
    assert_eq!(detail.at("/data/steps/1/resumeSchema/required"), data!(["approved"]));
    let naps = served.get("/workflows/naps");
    assert_eq!(naps.at("/data/steps/0/nodeType"), data!("foreach"));
    assert_eq!(naps.at("/data/steps/0/subSteps/1/id"), data!("tell"));
    // The same under the prefix of the protocol.
    assert_eq!(served.get("/voltagent/workflows").body, listed.body);
}

#[test]
fn executions_are_found_by_what_is_known_of_them() {
    let served = Served::new(&[("order.yaml", ORDER), ("naps.yaml", NAPS)]);
    for (id, amount, user, team) in [
        ("a", 1, "ada", "red"),
        ("b", 5000, "ada", "blue"),
        ("c", 5000, "bob", "red"),
    ] {
        let options = data!({ "executionId": id, "userId": user, "metadata": { "team": team, "big": amount > 9 } });
        let body = data!({ "input": { "orderId": id, "amount": amount }, "options": options });
        served.post("/workflows/order-approval/execute", &body).data();
    }
    let found = |query: &str| {
        let answer = served.get(&format!("/workflows/executions?{query}"));
        let each = answer
            .data()
            .as_list()
            .unwrap()
            .iter()
            .map(|one| one.get("executionId").cloned());
        each.flatten().collect::<Data>()
    };
    assert_eq!(found(""), data!(["c", "b", "a"]));
    assert_eq!(found("status=suspended"), data!(["c", "b"]));
    assert_eq!(found("status=success"), data!(["a"]));
    assert_eq!(found("userId=ada"), data!(["b", "a"]));
    assert_eq!(found("metadata.team=red"), data!(["c", "a"]));
    assert_eq!(
        found("metadata=%7B%22team%22%3A%22red%22%2C%22big%22%3Atrue%7D"),
        data!(["c"])
    );
    assert_eq!(found("limit=1&offset=1"), data!(["b"]));
    assert_eq!(found("workflowId=naps"), data!([]));
    assert_eq!(found("from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z"), data!([]));
    assert_eq!(found("limit=many&status=odd"), data!(["c", "b", "a"]));
    let state = served.get("/workflows/executions?limit=1");
    assert_eq!(state.at("/data/0/metadata"), data!({ "big": "true", "team": "red" }));
    assert_eq!(state.at("/data/0/userId"), data!("bob"));
    assert_eq!(state.at("/data/0/id"), data!("c"));
}
