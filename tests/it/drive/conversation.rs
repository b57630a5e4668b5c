//! What steps do with conversations, on the store of their run.

use std::sync::atomic::Ordering;

use interpret::data;
use interpret::run::Outcome;
use interpret::store::Page;

use super::store::{Fault, Faulty};
use super::*;

fn talk(converse: Converse) -> Op {
    call(Target::Conversation(Box::new(converse)))
}

/// Makes a conversation, talks in it, and reads what was said.
fn talking() -> Arc<Program> {
    let made = || build("=steps.made.output.id");
    let add = |role: Role, text: &str| {
        talk(Converse::Add {
            conversation: made(),
            role,
            text: build(text),
            author: None,
            metadata: None,
        })
    };
    program(|_| {
        let create = Converse::Create {
            metadata: Some(literal(data!({ "topic": "tea" }))),
        };
        let copied = data!([{ "Role": "Agent", "Text": "Good day", "Author": "desk" }, "And you?"]);
        let list = Converse::List {
            conversation: made(),
            order: Order::Descending,
            limit: Some(literal(data!(2))),
            after: Some(build("=steps.retrieved.output.id")),
            before: None,
        };
        let names = "={'made': steps.made.output.id, 'hello': steps.hello.output, 'told': steps.retrieved.output.text, \
                     'list': steps.listed.output}";
        vec![
            step("made", talk(create)),
            step("hello", add(Role::User, "Hello")),
            step(
                "copied",
                talk(Converse::Copy {
                    conversation: made(),
                    messages: literal(copied),
                }),
            ),
            step(
                "retrieved",
                talk(Converse::Retrieve {
                    conversation: made(),
                    message: build("=steps.copied.output[1].id"),
                }),
            ),
            step("listed", talk(list)),
            step("all", Op::Set(build(names))),
        ]
    })
}

#[test]
fn steps_make_conversations_and_talk_in_them() {
    block_on(async {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let (session, _) = rest(&mocked(store.clone(), data!({})), talking()).await;
        let Some(RunEnd::Completed(all)) = session.run().state().end().cloned() else {
            panic!("{:?}", session.run().state().end());
        };
        let made: Name = all.get("made").unwrap().to_text();
        let known = store.conversation(&made).await.unwrap().unwrap();
        assert_eq!(known.metadata, data!({ "topic": "tea" }));
        let said = store.said(&made, Page::of(Order::Ascending, 10)).await.unwrap();
        let said: Vec<_> = said.iter().map(|said| (said.role, said.text())).collect();
        let expected = [
            (Role::User, "Hello"),
            (Role::Assistant, "Good day"),
            (Role::User, "And you?"),
        ];
        assert_eq!(said, expected.map(|(role, text)| (role, Name::from(text))));
        let hello = all.get("hello").unwrap();
        assert_eq!(
            (hello.get("role"), hello.get("text")),
            (Some(&data!("user")), Some(&data!("Hello")))
        );
        assert_eq!(all.get("told"), Some(&data!("And you?")));
        let texts = all.get("list").and_then(Data::as_list).unwrap().iter();
        let texts: Vec<_> = texts.map(|message| message.get("text").unwrap().to_text()).collect();
        assert_eq!(texts.join(", "), "Good day, Hello");
    });
}

#[test]
fn whichever_append_fails_nothing_is_said_twice() {
    let talked = |at: usize, fault: Fault| {
        block_on(async {
            let store = Faulty::new(at, fault);
            let (session, _) = rest(&mocked(store.clone(), data!({})), talking()).await;
            let Some(RunEnd::Completed(all)) = session.run().state().end() else {
                panic!("append {at} {fault:?}: {:?}", session.run().state().end());
            };
            let made: Name = all.get("made").unwrap().to_text();
            let said = store.said(&made, Page::of(Order::Ascending, 10)).await.unwrap();
            assert_eq!(said.len(), 3, "append {at} {fault:?}");
            store.appends.load(Ordering::SeqCst)
        })
    };
    let appends = talked(0, Fault::Lost);
    assert!(appends >= 3, "{appends} appends");
    for fault in [Fault::Lost, Fault::Unheard, Fault::Late] {
        for at in 2..=appends {
            talked(at, fault);
        }
    }
}

#[test]
fn a_conversation_of_somebody_else_does_not_exist() {
    block_on(async {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let asking = |user: &str| interpret::store::Asking {
            effect: format!("run-{user}/x#1"),
            user: Some(user.into()),
            at: Timestamp(0),
        };
        let add = |conversation: &str| {
            let message = interpret::run::NewMessage {
                role: Role::User,
                text: "Hello".into(),
                author: None,
                metadata: Data::Null,
            };
            interpret::run::Request::Conversation(interpret::run::ConversationRequest::Add {
                conversation: conversation.into(),
                message,
            })
        };
        let done = interpret::store::converse(&*store, &asking("ann"), &add("c")).await;
        assert!(matches!(done, Outcome::Done(_)), "{done:?}");
        let done = interpret::store::converse(&*store, &asking("bob"), &add("c")).await;
        assert!(
            matches!(&done, Outcome::Failed(failure) if &*failure.code == "conversation.unknown"),
            "{done:?}"
        );
        let recall = interpret::run::RecallRequest {
            conversation: "c".into(),
        };
        let recall = interpret::run::Request::Recall(recall);
        let done = interpret::store::converse(&*store, &asking("bob"), &recall).await;
        assert!(matches!(done, Outcome::Failed(_)), "{done:?}");
        let said = store.said(&"c".into(), Page::of(Order::Ascending, 10)).await.unwrap();
        assert_eq!(said.len(), 1);
    });
}
