use super::*;
use crate::data;
use crate::expr::Root;

#[test]
fn answers_are_read_as_what_is_asked_for() {
    let read = |name: &str, text: &str| Entity::parse(name).unwrap().read(text);
    assert_eq!(read("StringPrebuiltEntity", " a b "), Some(data!("a b")));
    assert_eq!(read("StringPrebuiltEntity", "  "), None);
    assert_eq!(read("NumberPrebuiltEntity", "1,200.5"), Some(data!(1200.5)));
    assert_eq!(read("numberprebuiltentity", "12"), Some(data!(12)));
    assert_eq!(read("NumberPrebuiltEntity", "inf"), None);
    assert_eq!(read("BooleanPrebuiltEntity", "TRUE"), Some(data!(true)));
    assert_eq!(read("BooleanPrebuiltEntity", "yes"), None);
    assert_eq!(read("DatePrebuiltEntity", "2026-11-21"), Some(data!("2026-11-21")));
    assert_eq!(
        read("DateTimePrebuiltEntity", "2026-11-21T10:00:00"),
        Some(data!("2026-11-21T10:00:00Z"))
    );
    assert_eq!(read("DatePrebuiltEntity", "11/21/2026"), Some(data!("2026-11-21")));
    assert_eq!(read("DatePrebuiltEntity", "soon"), None);
    assert_eq!(read("DurationPrebuiltEntity", "PT5M"), Some(data!("PT5M")));
    assert_eq!(read("DurationPrebuiltEntity", "1:30:00"), Some(data!("1:30:00")));
    assert_eq!(read("DurationPrebuiltEntity", "long"), None);
    assert_eq!(
        read("EmailPrebuiltEntity", "ada@example.com"),
        Some(data!("ada@example.com"))
    );
    assert_eq!(read("EmailPrebuiltEntity", "ada@example"), None);
    assert_eq!(
        read("URLPrebuiltEntity", "https://example.com/a"),
        Some(data!("https://example.com/a"))
    );
    assert_eq!(read("URLPrebuiltEntity", "example"), None);
    assert_eq!(
        read("TemperaturePrebuiltEntity", "about -12.5 °C."),
        Some(data!("-12.5"))
    );
    assert_eq!(read("AgePrebuiltEntity", "36 years"), Some(data!("36")));
    assert!(Entity::parse("NoEntity").is_none());
}

#[test]
fn texts_become_values_of_their_types() {
    let record = ValueType::Record(vec![("n".into(), ValueType::Number)]);
    assert_eq!(
        record.read(&data!("```json\n{\"n\": \"3\", \"x\": 1}\n```")),
        Ok(data!({ "n": 3, "x": 1 }))
    );
    assert_eq!(record.read(&data!("{}")), Ok(data!({ "n": null })));
    assert!(record.read(&data!("[1]")).is_err());
    assert!(
        record
            .read(&data!({ "n": "x" }))
            .unwrap_err()
            .message
            .starts_with("in `n`: ")
    );
    let table = ValueType::Table(Vec::new());
    assert_eq!(table.read(&data!("[{\"a\": 1}]")), Ok(data!([{ "a": 1 }])));
    assert_eq!(table.read(&data!({ "a": 1 })), Ok(data!([{ "a": 1 }])));
    assert_eq!(ValueType::String.read(&data!(true)), Ok(data!("True")));
    assert_eq!(ValueType::String.read(&data!(null)), Ok(data!("")));
    assert_eq!(ValueType::Number.read(&data!("")), Ok(data!(null)));
}

#[test]
fn names_of_variables_are_read() {
    let key = |text: &str| Variable::parse(text).map(|variable| variable.key.to_string());
    assert_eq!(key("Topic.X").as_deref(), Some("Local.X"));
    assert_eq!(key("x").as_deref(), Some("Local.x"));
    assert_eq!(
        key("workflow.outputs.result").as_deref(),
        Some("Workflow.Outputs.result")
    );
    assert_eq!(Variable::parse("Local.A.b.c").unwrap().path.len(), 2);
    for wrong in ["", "Local", "Nowhere.X", "Local.", "a..b"] {
        assert_eq!(key(wrong), None, "{wrong}");
    }
}

#[test]
fn what_users_send_becomes_messages() {
    let text = |payload: Data| {
        let names = |root: &Root| (*root == Root::Resume).then(|| payload.clone());
        let heard = Compute::Heard(None).eval(&names).unwrap();
        heard.get("text").unwrap().to_text().to_string()
    };
    assert_eq!(text(data!("hi")), "hi");
    assert_eq!(
        text(data!({ "messages": [{ "role": "user", "text": "a" }, { "role": "user", "content": "b" }] })),
        "b"
    );
    assert_eq!(
        text(data!({ "messages": [{ "role": "user", "content": [{ "type": "input_text", "text": "c" }] }] })),
        "c"
    );
    assert_eq!(text(data!({ "input": "d" })), "d");
    assert_eq!(text(data!(7)), "7");
    assert_eq!(text(data!(null)), "");
}
