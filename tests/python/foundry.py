"""What clients of Foundry's projects do beyond the published page, with the packages as they are.

The workflows stand in tests/it/api/foundry.rs. `ENDPOINT` is the address of the server with a prefix of its own.
"""

import os
import sys

from azure.ai.projects import AIProjectClient
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity import DefaultAzureCredential
from openai import APIStatusError, BadRequestError, NotFoundError

project_client = AIProjectClient(
    endpoint=os.environ["ENDPOINT"],
    credential=DefaultAzureCredential(),
    authentication_policy=SansIOHTTPPolicy(),
)
client = project_client.get_openai_client()


def ask(workflow, text, conversation, **more):
    return client.responses.create(
        conversation=conversation,
        input=text,
        extra_body={"agent": {"name": workflow, "type": "agent_reference"}},
        **more,
    )


def texts(response):
    assert response.output is not None
    parts = [part for item in response.output if item.content for part in item.content]
    return [part.text for part in parts if part.type == "output_text"]


def actions(response):
    return [(item.action_id, item.status) for item in response.output if item.type == "workflow_action"]


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def streams():
    """Every event of a stream, in the order and with the fields that clients rely on."""
    conversation = client.conversations.create()
    events = list(ask("greeting", "Ada", conversation.id, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"], kinds
    assert kinds[-1] == "response.completed", kinds
    message = [kind for kind in kinds if "content_part" in kind or "output_text" in kind]
    once = [
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
    ]
    assert message == once * 2, message
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert deltas == ["Hello, Ada.", "Good bye."], deltas
    response = events[-1].response
    assert response.id.startswith("wfresp_") and response.status == "completed"
    assert response.conversation.id == conversation.id
    assert texts(response) == deltas
    assert actions(response) == [("hello", "completed"), ("bye", "completed")], actions(response)
    bye = [item for item in response.output if item.type == "workflow_action"][1]
    assert bye.kind == "andThen" and bye.previous_action_id == "hello" and bye.parent_action_id is None
    assert len({item.id for item in response.output}) == 4
    done = [event for event in events if event.type == "response.output_item.done"]
    assert [event.output_index for event in done] == [0, 1, 2, 3] or len(done) == 4, done
    again = client.responses.retrieve(response.id)
    assert again.to_dict() == response.to_dict()


def waits():
    """A pause ends a response, and what is said next in its conversation is the answer."""
    conversation = client.conversations.create(metadata={"topic": "orders"})
    first = ask("approval", "Order 7", conversation.id)
    assert first.status == "completed" and texts(first) == ["Is it fine?"], first
    assert actions(first) == [("tell", "completed"), ("ask", "in_progress")], actions(first)
    # What does not match the schema is refused, and it goes on waiting.
    error = refused(BadRequestError, lambda: ask("approval", "perhaps", conversation.id))
    assert error.param == "input" and "approved" in error.message, error
    second = ask("approval", '{"approved": true}', conversation.id)
    assert second.status == "completed" and texts(second) == ["Approved: true"], second
    assert actions(second) == [("ask", "completed"), ("settle", "completed")], actions(second)
    # Behind its end it begins anew, here with a stream.
    events = list(ask("approval", "Order 8", conversation.id, stream=True))
    assert events[-1].type == "response.completed" and texts(events[-1].response) == ["Is it fine?"]
    follows = client.responses.create(
        input="yes",
        previous_response_id=events[-1].response.id,
        extra_body={"agent_reference": {"name": "approval", "type": "agent_reference"}},
    )
    assert texts(follows) == ["Approved: true"], follows
    assert client.responses.retrieve(first.id).to_dict() == first.to_dict()
    items = list(client.conversations.items.list(conversation.id, order="asc"))
    said = [(item.role, item.content[0].text) for item in items]
    assert said == [
        ("user", "Order 7"),
        ("assistant", "Is it fine?"),
        ("user", '{"approved": true}'),
        ("assistant", "Approved: true"),
        ("user", "Order 8"),
        ("assistant", "Is it fine?"),
        ("user", "yes"),
        ("assistant", "Approved: true"),
    ], said


def talks():
    """Agents show what they say, and know what was said in the conversation."""
    conversation = client.conversations.create()
    first = ask("desk", "Tea, please", conversation.id)
    assert texts(first) == ["Tea it is."], first
    assert first.usage.total_tokens == 15, first.usage
    second = ask("desk", "And sugar", conversation.id)
    assert texts(second) == ["You have said 2 things."], texts(second)
    items = list(client.conversations.items.list(conversation.id, order="asc", limit=2))
    said = [(item.role, item.content[0].text) for item in items]
    assert said == [
        ("user", "Tea, please"),
        ("assistant", "Tea it is."),
        ("user", "And sugar"),
        ("assistant", "You have said 2 things."),
    ], said


def fails():
    """A failure is a response that failed; what cannot be done at all is refused once, and not tried again."""
    conversation = client.conversations.create()
    response = ask("broken", "", conversation.id)
    assert response.status == "failed" and response.error.code == "order.lost", response
    assert "no such order" in response.error.message
    assert actions(response) == [("look", "failed")]
    events = list(ask("broken", "", conversation.id, stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.code == "order.lost"
    error = refused(NotFoundError, lambda: ask("nobody", "", conversation.id))
    assert error.param == "agent" and "nobody" in error.message, error
    error = refused(NotFoundError, lambda: ask("greeting", "", "conv_unknown", stream=True))
    assert error.param == "conversation", error
    error = refused(BadRequestError, lambda: client.responses.create(input="x", conversation=conversation.id))
    assert error.param == "agent", error
    error = refused(BadRequestError, lambda: ask("strict", "no number", conversation.id))
    assert error.param == "input" and error.status_code == 400, error
    assert texts(ask("strict", '{"n": 3}', conversation.id)) == ["6"]
    refused(NotFoundError, lambda: client.responses.retrieve("wfresp_x_0"))


def keeps():
    """Conversations and their items are made, read and forgotten."""
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    conversation = client.conversations.create(items=[message], metadata={"topic": "tea"})
    assert conversation.id.startswith("conv_") and conversation.object == "conversation"
    assert client.conversations.retrieve(conversation.id).metadata == {"topic": "tea"}
    more = [{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]
    added = client.conversations.items.create(conversation.id, items=more)
    assert [item.role for item in added.data] == ["assistant", "user"]
    page = client.conversations.items.list(conversation.id, limit=2)
    assert [item.content[0].text for item in page.data] == ["Bye", "Hello"] and page.has_more
    assert len(list(page)) == 3
    one = client.conversations.items.retrieve(added.data[0].id, conversation_id=conversation.id)
    assert one.content[0].type == "output_text"
    client.conversations.items.delete(one.id, conversation_id=conversation.id)
    assert len(list(client.conversations.items.list(conversation.id))) == 2
    assert client.conversations.delete(conversation.id).deleted
    refused(NotFoundError, lambda: client.conversations.retrieve(conversation.id))
    refused(APIStatusError, lambda: client.conversations.items.list("conv_unknown"))


def looks():
    """Workflows are agents of the project."""
    agent = project_client.agents.get(agent_name="greeting")
    assert agent.name == "greeting" and agent.versions.latest.definition.kind == "workflow"
    assert "approval" in [agent.name for agent in project_client.agents.list()]


def binds():
    """A client may be that of one agent; its requests do not name it again."""
    bound = project_client.get_openai_client(agent_name="greeting")
    assert texts(bound.responses.create(input="Bo")) == ["Hello, Bo.", "Good bye."]


for name in sys.argv[1:]:
    globals()[name]()
    print(name, "passed")
