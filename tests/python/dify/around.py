"""What every script here begins with: the client, and shorthands for what it says."""

import json
import sys

from dify_oapi.api.workflow.v1.model.run_workflow_request import RunWorkflowRequest
from dify_oapi.api.workflow.v1.model.run_workflow_request_body import RunWorkflowRequestBody
from dify_oapi.client import Client
from dify_oapi.core.enum import HttpMethod
from dify_oapi.core.http.transport import Transport
from dify_oapi.core.model.base_request import BaseRequest
from dify_oapi.core.model.request_option import RequestOption

BASE = sys.argv[1]
client = Client.builder().domain(BASE).max_retry_count(0).build()
workflow = client.workflow.v1.workflow


def option(key):
    return RequestOption.builder().api_key(key).build()


def body(inputs, user="user-123", mode="blocking", **more):
    built = RunWorkflowRequestBody.builder().inputs(inputs).response_mode(mode).user(user)
    for name, value in more.items():
        built = getattr(built, name)(value)
    return RunWorkflowRequest.builder().request_body(built.build()).build()


def run(key, inputs, user="user-123", **more):
    return workflow.run(body(inputs, user, **more), option(key), False)


def chunks(key, inputs, user="user-123"):
    return workflow.run(body(inputs, user, "streaming"), option(key), True)


def events(stream, until=None):
    """The events in a stream of bytes, wherever they are cut; pings are passed over."""
    text = b""
    for chunk in stream:
        text += chunk
        while b"\n\n" in text:
            frame, text = text.split(b"\n\n", 1)
            if frame == b"event: ping":
                continue
            assert frame.startswith(b"data: ") and b"\n" not in frame, frame
            event = json.loads(frame[len(b"data: "):])
            yield event
            if event["event"] == until:
                return
    assert text == b"", text


def stream(key, inputs, user="user-123"):
    return list(events(chunks(key, inputs, user)))


def request(method, uri, sent=None, **queries):
    asked = BaseRequest()
    asked.http_method = method
    asked.uri = uri
    asked.body = sent
    for name, value in queries.items():
        asked.add_query(name, value)
    return asked


def ask(key, method, uri, sent=None, **queries):
    """What the client has no method for, by its own transport: the status and what was said."""
    said = Transport.execute(client._config, request(method, uri, sent, **queries), option=option(key))
    return said.raw.status_code, json.loads(said.raw.content)


def get(key, uri, **queries):
    return ask(key, HttpMethod.GET, uri, **queries)


def post(key, uri, sent):
    return ask(key, HttpMethod.POST, uri, sent)


def attach(key, run_id, user="user-123", **queries):
    asked = request(HttpMethod.GET, f"/v1/workflow/{run_id}/events", user=user, **queries)
    return events(Transport.execute(client._config, asked, stream=True, option=option(key)))


def names(told):
    return [event["event"] for event in told]


def refused(response, code, status):
    assert not response.success, response
    said = json.loads(response.raw.content)
    assert (response.code, response.raw.status_code, said["status"]) == (code, status, status), said
    assert response.msg and response.msg == said["message"], said
    return response.msg
