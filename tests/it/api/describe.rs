//! The description of the API: it is that of the routes.

use interpret::data;
use interpret::data::Data;

use super::{ORDER, Served};

#[test]
fn every_operation_that_is_described_is_there() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let described = served.get("/openapi.json").body;
    assert_eq!(described.get("openapi"), Some(&data!("3.1.0")));
    let paths = described.get("paths").and_then(Data::as_map).unwrap();
    let mut count = 0;
    for (path, operations) in paths.iter() {
        let path = path.replace("{id}", "order-approval").replace("{executionId}", "nope");
        for method in operations.as_map().unwrap().keys() {
            let answer = match &**method {
                "get" => served.get(&path),
                "post" => served.post(&path, &data!({})),
                other => panic!("{other} {path}"),
            };
            // What is not routed is told as such.
            assert_ne!(answer.at("/code"), data!("not-found"), "{method} {path}");
            assert_ne!(answer.status, 405, "{method} {path}");
            let documented = operations.get(method).and_then(|operation| operation.get("responses"));
            let documented = documented.and_then(|responses| responses.get(&answer.status.to_string()));
            assert!(documented.is_some(), "{method} {path}: {answer:?}");
            count += 1;
        }
    }
    assert_eq!(count, 14);
}

#[test]
fn references_in_the_description_lead_somewhere() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let described = served.get("/openapi.json").body;
    let text = described.to_string();
    let mut references = 0;
    for behind in text.split("\"$ref\":\"#").skip(1) {
        let pointer = behind.split('"').next().unwrap();
        assert!(described.pointer(pointer).is_some(), "{pointer}");
        references += 1;
    }
    assert!(references > 20);
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let page = served.get("/docs");
    let text = page.body.to_text();
    assert!(text.contains("/workflows/{id}/execute"), "{text}");
    for outside in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
}
