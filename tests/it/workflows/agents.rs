//! Workflows in which agents do the work.

use interpret::data;

use super::Story;

#[test]
fn support_triage() {
    let message = |path, topic: &str, urgency: i64| {
        let input = data!({ "customer": "c-17", "message": "I was charged twice in March." });
        Story::of("support-triage", path, input).mocks(data!({
            "triage": { "output": { "topic": topic, "urgency": urgency } },
            "answer": { "output": "We have refunded it." },
        }))
    };
    message("answered", "billing", 2).check();
    message("queued", "other", 1).check();
    message("escalated", "technical", 5).check();
    message("answered-by-a-person", "abuse", 3)
        .resume("escalate", data!({ "reply": "We are sorry." }))
        .check();
    let input = data!({ "customer": "c-17", "message": "?" });
    Story::of("support-triage", "wrong-answer", input)
        .mocks(data!({ "triage": { "output": { "topic": "weather", "urgency": 2 } } }))
        .check();
}

#[test]
fn improve_text() {
    let topic = |path, rounds: i64| {
        Story::of("improve-text", path, data!({ "topic": "tea", "rounds": rounds })).mocks_of("improve-text")
    };
    topic("good-enough", 4).check();
    topic("limit-reached", 2).check();
}

#[test]
fn reply_guard() {
    let reply = |path, text: &str| {
        Story::of("reply-guard", path, data!({ "question": "Is it safe?" }))
            .mocks(data!({ "answer": { "output": text } }))
    };
    reply("passes", "It has passed all tests of 2025.").check();
    reply("rewritten", "Of course. We guarantee it.").check();
    reply("stopped", "Pay with 4111 1111 1111 1111.").check();
}
