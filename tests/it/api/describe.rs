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
fn the_webhooks_that_are_served_are_described() {
    let hooks = "
kind: Workflow
id: orders
permissions: { secrets: [HOOK_SECRET] }
triggers:
  - webhook: { path: /hooks/orders, secret: =secrets.HOOK_SECRET, respond: result }
  - webhook: { path: /hooks/open, methods: [POST, GET] }
steps:
  - { kind: andThen, id: a, set: 1 }
";
    let served = Served::with(&[("orders.yaml", hooks)], &["--watch"]);
    let described = served.get("/openapi.json").body;
    let signed = described.pointer("/paths/~1hooks~1orders/post").unwrap();
    assert_eq!(signed.get("security"), Some(&data!([])));
    let names = signed.get("parameters").and_then(Data::as_list).unwrap();
    let names: Vec<_> = names.iter().filter_map(|parameter| parameter.get("name")).collect();
    assert_eq!(
        names,
        [
            &data!("webhook-id"),
            &data!("webhook-timestamp"),
            &data!("webhook-signature")
        ]
    );
    for (method, body) in [("post", true), ("get", false)] {
        let open = described.pointer(&format!("/paths/~1hooks~1open/{method}")).unwrap();
        assert_eq!((open.get("security"), open.get("requestBody").is_some()), (None, body));
        let schema = open
            .pointer("/responses/202/content/application~1json/schema/$ref")
            .unwrap()
            .to_text();
        assert!(described.pointer(schema.trim_start_matches('#')).is_some(), "{schema}");
    }
    assert!(served.get("/docs").body.to_text().contains("/hooks/orders"));
    served
        .folder
        .write("w/orders.yaml", hooks.replace("/hooks/open", "/hooks/new").as_bytes());
    served.said("the files were read again");
    let described = served.get("/openapi.json").body;
    assert!(described.pointer("/paths/~1hooks~1new/get").is_some());
    assert!(described.pointer("/paths/~1hooks~1open").is_none());
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
