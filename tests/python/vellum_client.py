"""What programs do with the client of Vellum.

Usage: vellum_client.py BASE_URL KEY
"""

import asyncio
import json
import sys
import time

import httpx
from vellum import AsyncVellum, Vellum
from vellum.client.core.api_error import ApiError
from vellum.client.environment import VellumEnvironment
from vellum.client.errors import BadRequestError, NotFoundError
from vellum.client.types import (
    ChatMessageRequest,
    WorkflowExecutionActualJsonRequest,
    WorkflowExecutionActualStringRequest,
    WorkflowRequestChatHistoryInputRequest,
    WorkflowRequestJsonInputRequest,
    WorkflowRequestNumberInputRequest,
    WorkflowRequestStringInputRequest,
)

BASE, KEY = sys.argv[1], sys.argv[2]
ENVIRONMENT = VellumEnvironment(default=BASE, predict=BASE, documents=BASE)
client = Vellum(api_key=KEY, environment=ENVIRONMENT)


def text(name, value):
    return WorkflowRequestStringInputRequest(name=name, value=value)


QUERY = [text("query", "Process this \u2028 now \U0001f600")]


def execute(**more):
    return client.execute_workflow(workflow_deployment_name="my-workflow", inputs=QUERY, **more)


def outputs(response):
    assert response.data.state == "FULFILLED", response
    return {output.name: output for output in response.data.outputs}


def refused(kind, status, call):
    try:
        call()
    except ApiError as error:
        assert isinstance(error, kind) and error.status_code == status, (status, error)
        assert isinstance(error.body["detail"], str), error.body
        return error.body["detail"]
    raise AssertionError("it is not refused")


def the_page():
    response = execute(external_id="order-1", metadata={"team": "sales", "deep": {"n": 1}})
    got = outputs(response)
    assert got["result"].type == "STRING" and got["result"].value == "PROCESS THIS \u2028 NOW \U0001f600", got
    assert got["length"].type == "NUMBER" and got["length"].value == 20.0, got
    assert got["words"].type == "JSON" and got["words"].value[0] == "Process", got
    assert got["result"].id and response.external_id == "order-1", response
    # As the page writes it: an input without a type.
    untyped = client.execute_workflow(
        workflow_deployment_name="my-workflow", inputs=[{"name": "query", "value": "Process this"}]
    )
    assert outputs(untyped)["result"].value == "PROCESS THIS", untyped
    client.submit_workflow_execution_actuals(
        actuals=[WorkflowExecutionActualStringRequest(output_key="result", desired_output_value="Expected output")],
        execution_id=untyped.execution_id,
    )


async def the_page_streams():
    client = AsyncVellum(api_key=KEY, environment=ENVIRONMENT)
    told = []
    async for event in client.execute_workflow_stream(
        workflow_deployment_name="my-workflow", inputs=QUERY, event_types=["WORKFLOW", "NODE"]
    ):
        if event.type == "WORKFLOW":
            told.append(event.data.state)
        elif event.type == "NODE":
            told.append(f"{event.data.node_id}: {event.data.state}")
    assert told == [
        "INITIATED",
        "split: INITIATED",
        "split: FULFILLED",
        "shout: INITIATED",
        "shout: FULFILLED",
        "STREAMING",
        "STREAMING",
        "STREAMING",
        "FULFILLED",
    ], told


def raw(path, body):
    """The lines of a stream, before the client looks at them: it drops what it cannot read."""
    sent = httpx.post(f"{BASE}{path}", json=body, headers={"X-API-KEY": KEY}, timeout=60)
    sent.raise_for_status()
    assert sent.content.isascii() and sent.content.endswith(b"\n"), sent.content
    return [json.loads(line) for line in sent.text.split("\n")[:-1] if line]


def no_event_is_dropped():
    body = {"workflow_deployment_name": "my-workflow", "event_types": ["WORKFLOW", "NODE"]}
    lines = raw("/v1/execute-workflow-stream", {**body, "inputs": [{"name": "query", "value": "a\u2028b"}]})
    events = list(
        client.execute_workflow_stream(
            workflow_deployment_name="my-workflow", inputs=[text("query", "a\u2028b")], event_types=body["event_types"]
        )
    )
    assert len(lines) == len(events), (lines, events)
    assert all(event.data.ts for event in events), events
    started = events[0].data
    assert started.inputs[0].name == "query" and started.inputs[0].value == "a\u2028b", started
    whole = events[-1].data.outputs
    assert [output.name for output in whole] == ["result", "length", "words"], whole
    streamed = [event.data.output for event in events if event.data.state == "STREAMING"]
    assert [(one.name, one.state) for one in streamed] == [(one.name, "FULFILLED") for one in whole], streamed
    lines = raw("/v1/workflow-deployments/my-workflow/execute-stream", {"inputs": {"query": "a\u2028b"}})
    events = list(client.workflow_deployments.execute_stream("my-workflow", inputs={"query": "a\u2028b"}))
    assert len(lines) == len(events), (lines, events)
    names = [event.name for event in events]
    assert names[:3] == ["workflow.execution.initiated", "node.execution.initiated", "node.execution.fulfilled"], names
    assert names[-1] == "workflow.execution.fulfilled", names
    assert events[-1].body.outputs["result"] == "A\u2028B", events[-1]
    assert events[1].parent.type == "WORKFLOW" and events[1].parent.span_id == events[0].span_id, events[1]
    only = list(client.execute_workflow_stream(workflow_deployment_name="my-workflow", inputs=QUERY))
    assert {event.type for event in only} == {"WORKFLOW"}, only


def types_come_and_go():
    history = [ChatMessageRequest(role="USER", text="hi"), ChatMessageRequest(role="ASSISTANT", text="hello")]
    response = client.execute_workflow(
        workflow_deployment_id="types",
        inputs=[
            text("words", "tea"),
            WorkflowRequestNumberInputRequest(name="count", value=3),
            WorkflowRequestJsonInputRequest(name="order", value={"lines": [1, None, "x"]}),
            WorkflowRequestChatHistoryInputRequest(name="chat", value=history),
        ],
    )
    got = outputs(response)
    assert {name: output.type for name, output in got.items()} == {
        "words": "STRING",
        "count": "NUMBER",
        "order": "JSON",
        "chat": "CHAT_HISTORY",
    }, got
    assert got["count"].value == 3.0 and got["order"].value == {"lines": [1, None, "x"]}, got
    assert got["chat"].value[1].text == "hello" and got["chat"].value[1].role == "ASSISTANT", got


def failures_are_answers():
    def failed(**inputs):
        given = [text(name, value) for name, value in inputs.items()]
        response = client.execute_workflow(workflow_deployment_name="fails", inputs=given)
        assert response.data.state == "REJECTED", response
        return response.data.error

    error = failed(code="OUT_OF_STOCK")
    assert (error.code, error.message) == ("USER_DEFINED_ERROR", "Sold out"), error
    assert error.raw_data["code"] == "OUT_OF_STOCK" and error.raw_data["step"] == "boom", error
    assert failed(code="").code == "NODE_EXECUTION"
    events = list(
        client.execute_workflow_stream(
            workflow_deployment_name="fails", inputs=[text("code", "X")], event_types=["WORKFLOW", "NODE"]
        )
    )
    assert [event.data.state for event in events[-2:]] == ["REJECTED", "REJECTED"], events
    assert (events[-2].type, events[-2].data.error.code) == ("NODE", "USER_DEFINED_ERROR"), events
    assert events[-1].data.error.message == "Sold out", events
    newer = list(client.workflow_deployments.execute_stream("fails", inputs={"code": "X"}))
    assert newer[-1].name == "workflow.execution.rejected", newer
    assert newer[-1].body.error.code == "USER_DEFINED_ERROR", newer


def mistakes_are_refused():
    def run(**what):
        return lambda: client.execute_workflow(**{"workflow_deployment_name": "my-workflow", "inputs": QUERY, **what})

    told = refused(NotFoundError, 404, run(workflow_deployment_name="nothing"))
    assert "nothing" in told, told
    told = refused(NotFoundError, 404, run(release_tag="nowhere"))
    assert "nowhere" in told, told
    told = refused(BadRequestError, 400, run(inputs=[text("qurey", "x")]))
    assert "qurey" in told and "query" in told, told
    told = refused(BadRequestError, 400, run(inputs=[]))
    assert "query" in told, told
    refused(BadRequestError, 400, run(inputs=[WorkflowRequestNumberInputRequest(name="query", value=1)]))
    refused(BadRequestError, 400, lambda: client.execute_workflow(inputs=QUERY))
    refused(BadRequestError, 400, run(previous_execution_id="nowhere"))
    refused(NotFoundError, 404, lambda: client.workflows.workflow_execution_status("nowhere"))
    stranger = Vellum(api_key="somebody-else", environment=ENVIRONMENT)
    try:
        stranger.workflow_deployments.list()
        raise AssertionError("a wrong key is taken")
    except ApiError as error:
        assert error.status_code == 401, error


def asynchronous():
    begun = client.execute_workflow_async(workflow_deployment_name="naps", inputs=[])
    first = client.workflows.workflow_execution_status(begun.execution_id)
    assert first.status in ("INITIATED", "FULFILLED") and first.execution_id == begun.execution_id, first
    for _ in range(300):
        status = client.workflows.workflow_execution_status(begun.execution_id)
        if status.status == "FULFILLED":
            break
        time.sleep(0.05)
    assert status.outputs == {"output": "rested"}, status
    failing = client.execute_workflow_async(workflow_deployment_name="fails", inputs=[text("code", "X")])
    for _ in range(300):
        status = client.workflows.workflow_execution_status(failing.execution_id)
        if status.status == "REJECTED":
            break
        time.sleep(0.05)
    assert status.error.code == "USER_DEFINED_ERROR" and status.error.message == "Sold out", status


def waiting():
    response = client.execute_workflow(workflow_deployment_name="asks", inputs=[])
    assert response.data.state == "REJECTED" and response.data.error.code == "WORKFLOW_PAUSED", response
    assert "approve" in response.data.error.message, response
    assert client.workflows.workflow_execution_status(response.execution_id).status == "PENDING"
    paused = list(client.workflow_deployments.execute_stream("asks", inputs={}))
    assert paused[-1].name == "workflow.execution.paused", paused
    assert paused[-1].body.external_inputs[0].name == "approve", paused


def the_state_goes_on():
    def count(**more):
        response = client.execute_workflow(workflow_deployment_name="counts", inputs=[], **more)
        return response.execution_id, outputs(response)["asked"].value

    first, asked = count()
    assert asked == 1
    assert count(previous_execution_id=first)[1] == 2
    assert count()[1] == 1


def deployments():
    listed = client.workflow_deployments.list(limit=2, ordering="label")
    assert listed.count == 6 and len(listed.results) == 2 and listed.next and not listed.previous, listed
    found = client.workflow_deployments.retrieve("my-workflow")
    assert (found.id, found.label, found.status) == ("my-workflow", "My Workflow", "ACTIVE"), found
    given = {variable.key: (variable.type, variable.required) for variable in found.input_variables}
    assert given == {"query": ("STRING", True)}, given
    gives = {variable.key: variable.type for variable in found.output_variables}
    assert gives == {"result": "STRING", "length": "NUMBER", "words": "JSON"}, gives
    refused(ApiError, 404, lambda: client.workflow_deployments.retrieve("nothing"))
    assert client.workflow_deployments.list(status="ARCHIVED").results == []


def releases():
    api = client.workflow_deployments
    tags = api.list_workflow_release_tags("my-workflow")
    assert [(tag.name, tag.source) for tag in tags.results] == [("LATEST", "SYSTEM")], tags
    release = tags.results[0].release.id
    moved = api.update_workflow_release_tag("my-workflow", "production", history_item_id=release)
    assert (moved.name, moved.source, moved.release.id) == ("production", "USER", release), moved
    assert api.retrieve_workflow_release_tag("my-workflow", "production").history_item.id == release
    assert len(api.list_workflow_release_tags("my-workflow", source="USER").results) == 1
    listed = api.list_workflow_deployment_releases("my-workflow").results
    assert [one.id for one in listed] == [release], listed
    assert {tag.name for tag in listed[0].release_tags} == {"LATEST", "production"}, listed
    one = api.retrieve_workflow_deployment_release("my-workflow", "production")
    assert one.id == release and one.workflow_version.input_variables[0].key == "query", one
    item = api.workflow_deployment_history_item_retrieve("LATEST", "my-workflow")
    assert item.id == release and item.workflow_deployment_id == "my-workflow", item
    for tag in ("production", release, "LATEST", None):
        assert outputs(execute(release_tag=tag))["length"].value == 20.0
    refused(ApiError, 404, lambda: api.update_workflow_release_tag("my-workflow", "x", history_item_id="nowhere"))
    refused(ApiError, 400, lambda: api.update_workflow_release_tag("my-workflow", "LATEST", history_item_id=release))
    refused(ApiError, 404, lambda: api.retrieve_workflow_release_tag("my-workflow", "staging"))


def actuals():
    api = client.workflow_deployments
    response = execute(external_id="judged", metadata={"by": "ada", "n": 2})
    said = [
        WorkflowExecutionActualStringRequest(output_key="result", desired_output_value="other", quality=0.25),
        WorkflowExecutionActualJsonRequest(
            output_key="words", desired_output_value={"a": 1}, metadata={"by": "bob"}, timestamp=time.time() + 1
        ),
    ]
    client.submit_workflow_execution_actuals(actuals=said, external_id="judged")
    event = api.workflow_deployment_event_execution(response.execution_id, "my-workflow")
    assert event.latest_actual.output.name == "words" and event.latest_actual.metadata == {"by": "bob"}, event
    assert event.latest_actual.output.value == {"a": 1}, event
    context = event.parent_context
    assert (context.deployment_name, context.external_id) == ("my-workflow", "judged"), context
    assert context.metadata == {"by": "ada", "n": 2} and context.release_tag_name == "LATEST", context
    assert [span.name for span in event.spans] == ["workflow.execution", "node.execution", "node.execution"], event
    assert event.spans[1].parent_span_id == event.spans[0].span_id == response.execution_id, event.spans
    assert [event.name for event in event.spans[1].events] == ["node.execution.initiated", "node.execution.fulfilled"]
    assert event.inputs[0].value.startswith("Process") and event.outputs[0].name == "result", event
    detail = client.workflow_executions.retrieve_workflow_execution_detail(response.execution_id)
    assert detail.span_id == response.execution_id and len(detail.spans) == 3, detail
    listed = api.list_workflow_deployment_event_executions("my-workflow", limit=2)
    assert listed.count > 2 and len(listed.results) == 2, listed
    assert listed.results[0].span_id == response.execution_id, listed
    further = api.list_workflow_deployment_event_executions("my-workflow", limit=2, offset=1)
    assert further.results[0].span_id == listed.results[1].span_id, further

    def submit(**more):
        actual = WorkflowExecutionActualStringRequest(**{"output_key": "result", "desired_output_value": "x", **more})
        return lambda: client.submit_workflow_execution_actuals(actuals=[actual], execution_id=response.execution_id)

    refused(ApiError, 400, submit(output_key="resutl"))
    refused(ApiError, 400, submit(quality=1.5))
    refused(ApiError, 404, lambda: client.submit_workflow_execution_actuals(actuals=said, execution_id="nowhere"))
    refused(ApiError, 400, lambda: client.submit_workflow_execution_actuals(actuals=said))


for check in (
    the_page,
    lambda: asyncio.run(the_page_streams()),
    no_event_is_dropped,
    types_come_and_go,
    failures_are_answers,
    mistakes_are_refused,
    asynchronous,
    waiting,
    the_state_goes_on,
    deployments,
    releases,
    actuals,
):
    check()
print("done")
