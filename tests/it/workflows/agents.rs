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
fn research() {
    let input = data!({ "question": "Which tea has more caffeine, sencha or matcha?" });
    Story::of("research", "answered", input).check();
}

#[test]
fn refund_desk() {
    let complaint = |path, message: &str| Story::of("refund-desk", path, data!({ "message": message }));
    complaint("small", "My lamp came broken, order 1042.").check();
    complaint("asked", "My sofa came broken, order 7.").check();
    complaint("allowed", "My sofa came broken, order 7.")
        .resume("desk", data!({ "approved": true }))
        .check();
    complaint("refused", "My sofa came broken, order 7.")
        .resume("desk", data!({ "approved": false, "reason": "offer a repair" }))
        .check();
}

#[test]
fn extract_invoice() {
    let text = "Invoice 17: 2 lamps at 20 euros, 1 sofa at 400 euros. Total 440.";
    Story::of("extract-invoice", "corrected", data!({ "text": text })).check();
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
