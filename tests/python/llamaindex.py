"""What programs do with the workflow client of LlamaIndex, with either of its two packages.

Usage: llamaindex.py agents|workflows BASE_URL
"""

import asyncio
import sys
import traceback
import uuid

import httpx
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

NEW = sys.argv[1] == "agents"
BASE = sys.argv[2]

if NEW:
    from llama_agents.client import WorkflowClient
else:
    from workflows.client import WorkflowClient


class ResponseEvent(HumanResponseEvent):
    response: str


class OutEvent(StopEvent):
    output: str


class Order(StartEvent):
    amount: int


# How long a machine with much to do may take; by itself a client waits for five seconds.
HTTP = httpx.AsyncClient(base_url=BASE, timeout=60)


def client():
    return WorkflowClient(httpx_client=HTTP)


def new_id():
    return f"h-{uuid.uuid4().hex[:8]}"


async def refused(awaitable, *expected):
    """The text of an HTTP error, which has to say all of that."""
    try:
        await awaitable
    except httpx.HTTPStatusError as error:
        for text in expected:
            assert text in str(error), f"{text!r} is not in {error}"
        return error
    raise AssertionError(f"nothing was refused, though {expected} was expected")


async def events_of(handler_id, **options):
    return [event async for event in client().get_workflow_events(handler_id, **options)]


async def looks_around():
    health = await client().is_healthy()
    assert health.status == "healthy"
    workflows = (await client().list_workflows()).workflows
    assert {"greet", "human", "fails", "counts", "typed"} <= set(workflows), workflows


async def runs_to_the_end():
    handler = await client().run_workflow("greet", start_event=StartEvent(name="Ada"))
    assert (handler.status, handler.error) == ("completed", None), handler
    assert handler.result.value == {"result": "Hello, Ada!"}
    assert handler.result.load_event().result == "Hello, Ada!"
    # Nothing at all, and a mapping.
    assert (await client().run_workflow("greet")).result.value == {"result": "Hello, World!"}
    bob = await client().run_workflow("greet", start_event={"name": "Bob"})
    assert bob.result.value == {"result": "Hello, Bob!"}


async def begins_with_a_class_of_its_own():
    for run in (client().run_workflow, client().run_workflow_nowait):
        handler = await run("typed", start_event=Order(amount=3))
        events = await events_of(handler.handler_id)
        assert events[-1].value == {"result": 6}, events


async def follows_a_run():
    handler = await client().run_workflow_nowait("greet", start_event=StartEvent(name="John"))
    assert handler.status == "running"
    events = await events_of(handler.handler_id)
    assert [event.type for event in events] == ["StreamEvent"] * 3 + ["StopEvent"], events
    assert [event.value for event in events[:3]] == [{"sequence": n} for n in range(3)]
    # What is over can be read again, by as many as like.
    assert await events_of(handler.handler_id) == events
    result = await client().get_handler(handler.handler_id)
    assert (result.status, result.result.value) == ("completed", {"result": "Hello, John!"})


async def sees_what_the_steps_do():
    handler = await client().run_workflow("greet")
    events = await events_of(handler.handler_id, include_internal_events=True)
    states = [event for event in events if event.type == "StepStateChanged"]
    assert states and all(event.types == ["InternalDispatchEvent"] for event in states)
    assert {event.value["name"] for event in states} >= {"each", "tell", "hello"}


async def asks_a_person(silence=0, reader=None):
    handler = await client().run_workflow_nowait("human")
    answered = False
    async for event in (reader or client()).get_workflow_events(handler.handler_id):
        if event.type == "RequestEvent":
            assert event.value == {"prompt": "What is your name?"}
            assert event.types == ["InputRequiredEvent"]
            running = await client().get_handler(handler.handler_id)
            assert running.status == "running"
            await asyncio.sleep(silence)
            sent = await client().send_event(handler.handler_id, ResponseEvent(response="Ada"))
            assert sent.status == "sent"
            answered = True
    assert answered
    result = await client().get_handler(handler.handler_id)
    assert result.status == "completed"
    assert OutEvent.model_validate(result.result.value).output == "Hello, Ada"
    assert result.result.load_event([OutEvent]).output == "Hello, Ada"


async def a_person_takes_longer_than_the_client_waits_for_bytes():
    await asks_a_person(silence=6, reader=WorkflowClient(base_url=BASE))


async def is_told_what_is_wrong():
    for run in (client().run_workflow, client().run_workflow_nowait):
        await refused(run("nobody"), "404", "Workflow not found")
        await refused(run("greet", start_event={"name": 1}), "400", "/name")
        await refused(run("greet", context={"state": {}}), "400", "handler_id")
    await refused(client().get_handler("nobody"), "404", "Handler not found")
    await refused(client().cancel_handler("nobody"), "404")
    await refused(client().send_event("nobody", ResponseEvent(response="x")), "404")
    try:
        await events_of("nobody")
    except ValueError as error:
        assert "Handler not found" in str(error)
    else:
        raise AssertionError("there are no such events")


async def a_run_fails():
    await refused(client().run_workflow("fails"), "500", '"workflow_name":"fails"', "Sold out")
    handler = await client().run_workflow_nowait("fails")
    events = await events_of(handler.handler_id)
    assert [event.type for event in events] == ["WorkflowFailedEvent"]
    assert events[0].types == ["StopEvent"]
    assert events[0].value["exception"] == {
        "exception_type": "NO_STOCK",
        "exception_message": "Sold out",
    }
    await refused(client().get_handler(handler.handler_id), "500", "Sold out")
    listed = await client().get_handlers(status=["failed"], workflow_name=["fails"])
    failed = [row for row in listed.handlers if row.handler_id == handler.handler_id]
    assert [row.error for row in failed] == ["Sold out"]


async def cancels():
    handler = await client().run_workflow_nowait("human")
    reading = asyncio.create_task(events_of(handler.handler_id))
    cancelled = await client().cancel_handler(handler.handler_id)
    assert cancelled.status == "cancelled"
    events = await reading
    assert events[-1].type == "WorkflowCancelledEvent", events
    await refused(client().get_handler(handler.handler_id), "500", '"workflow_name":"human"')
    await refused(client().cancel_handler(handler.handler_id), "404")
    deleted = await client().cancel_handler(handler.handler_id, purge=True)
    assert deleted.status == "deleted"
    await refused(client().get_handler(handler.handler_id), "404")


async def sends_what_nobody_takes():
    handler = await client().run_workflow_nowait("human")
    id = handler.handler_id
    wrong = {"type": "Other", "value": {}}
    await refused(client().send_event(id, wrong), "400", "Invalid event type: Other")
    await refused(client().send_event(id, {"response": "x"}), "400")
    await refused(client().send_event(id, ResponseEvent(response="x"), step="nowhere"), "500", "nowhere")
    sent = await client().send_event(id, ResponseEvent(response="x"), step="prompt_human")
    assert sent.status == "sent"
    await events_of(id)
    await refused(client().send_event(id, ResponseEvent(response="y")), "409", "already completed")


async def goes_on_under_the_same_handler():
    id = new_id()
    for asked in (1, 2, 3):
        handler = await client().run_workflow("counts", handler_id=id)
        assert handler.handler_id == id
        assert handler.result.value == {"result": asked}
    waiting = await client().run_workflow_nowait("counts", handler_id=id, start_event={"wait": True})
    assert waiting.status == "running"
    await refused(client().run_workflow("counts", handler_id=id), "409", "already running")
    await client().send_event(id, HumanResponseEvent())
    events = await events_of(id)
    assert events[-1].value == {"result": 4}
    rows = [row for row in (await client().get_handlers()).handlers if row.handler_id == id]
    assert [row.run_id for row in rows] == [waiting.run_id]


async def lists_handlers():
    handler = await client().run_workflow("greet")
    ids = lambda listed: [row.handler_id for row in listed.handlers]
    assert handler.handler_id in ids(await client().get_handlers())
    assert handler.handler_id in ids(await client().get_handlers(status=["completed"]))
    assert handler.handler_id not in ids(await client().get_handlers(status=["running"]))
    assert handler.handler_id not in ids(await client().get_handlers(workflow_name=["human", "fails"]))
    assert handler.handler_id in ids(await client().get_handlers(workflow_name=["greet"]))


async def goes_on_reading_where_it_stopped():
    """Only the newer package has cursors."""
    handler = await client().run_workflow_nowait("human")
    stream = client().get_workflow_events(handler.handler_id)
    async for event in stream:
        assert event.type == "RequestEvent"
        break
    await stream.aclose()
    last = stream.last_sequence
    assert isinstance(last, int)
    # From now on there is nothing but what comes.
    late = asyncio.create_task(events_of(handler.handler_id, after_sequence="now"))
    await asyncio.sleep(0.2)
    await client().send_event(handler.handler_id, ResponseEvent(response="Ada"))
    assert [event.type for event in await late] == ["OutEvent"]
    rest = await events_of(handler.handler_id, after_sequence=last)
    assert [event.type for event in rest] == ["OutEvent"]
    assert await events_of(handler.handler_id, after_sequence="now") == []
    whole = client().get_workflow_events(handler.handler_id)
    assert len([event async for event in whole]) == 2
    assert await events_of(handler.handler_id, after_sequence=whole.last_sequence) == []


async def one_connection_is_enough():
    """Answers without content spoil nothing for what follows."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=BASE, limits=limits, timeout=60) as http:
        one = WorkflowClient(httpx_client=http)
        handler = await one.run_workflow("greet")
        for _ in range(3):
            path = f"/events/{handler.handler_id}?after_sequence=now"
            nothing = await http.get(path)
            assert (nothing.status_code, nothing.content) == (204, b"")
            assert (await one.get_handler(handler.handler_id)).status == "completed"


async def waits_for_a_handler():
    handler = await client().run_workflow_nowait("greet")
    done = await client().wait_for_handler(handler.handler_id, timeout=20, poll_interval=0.05)
    assert done.result.value == {"result": "Hello, World!"}


async def reads_schemas_and_graphs():
    schema = await client().get_workflow_schema("human")
    assert (schema.start["title"], schema.stop["title"]) == ("StartEvent", "OutEvent")
    events = await client().get_workflow_events_schema("human")
    titles = {event["title"] for event in events.events}
    assert {"StartEvent", "RequestEvent", "ResponseEvent", "OutEvent"} == titles
    graph = (await client().get_workflow_graph("human")).graph
    kinds = {(node.id, node.node_type) for node in graph.nodes}
    assert ("prompt_human", "step") in kinds and ("external_step", "external") in kinds
    request = next(node for node in graph.nodes if node.label == "RequestEvent")
    assert request.is_subclass_of("InputRequiredEvent") and request.produced_by == ["prompt_human"]
    ids = {node.id for node in graph.nodes}
    assert all(edge.source in ids and edge.target in ids for edge in graph.edges)


BOTH = [
    looks_around,
    runs_to_the_end,
    begins_with_a_class_of_its_own,
    follows_a_run,
    sees_what_the_steps_do,
    asks_a_person,
    a_person_takes_longer_than_the_client_waits_for_bytes,
    is_told_what_is_wrong,
    a_run_fails,
    cancels,
    sends_what_nobody_takes,
    goes_on_under_the_same_handler,
    lists_handlers,
]
ONLY_NEW = [
    goes_on_reading_where_it_stopped,
    one_connection_is_enough,
    waits_for_a_handler,
    reads_schemas_and_graphs,
]


async def main():
    scenarios = BOTH + (ONLY_NEW if NEW else [])
    done = await asyncio.gather(*(scenario() for scenario in scenarios), return_exceptions=True)
    failed = 0
    for scenario, outcome in zip(scenarios, done):
        print("failed" if outcome else "ok", scenario.__name__)
        if outcome:
            failed += 1
            traceback.print_exception(outcome)
    print(f"{len(scenarios) - failed} of {len(scenarios)}")
    sys.exit(1 if failed else 0)


asyncio.run(main())
