"""Runs, and what can go wrong with them."""

import asyncio
import threading

from around import ask, body, chunks, events, get, names, option, post, refused, run, stream, workflow
from pydantic import ValidationError

from dify_oapi.api.workflow.v1.model.get_workflow_logs_request import GetWorkflowLogsRequest
from dify_oapi.api.workflow.v1.model.get_workflow_run_detail_request import GetWorkflowRunDetailRequest
from dify_oapi.api.workflow.v1.model.stop_workflow_request import StopWorkflowRequest
from dify_oapi.api.workflow.v1.model.stop_workflow_request_body import StopWorkflowRequestBody
from dify_oapi.api.workflow.v1.model.workflow_inputs import WorkflowInputs

UNKNOWN = "0192f6f0-aaaa-7000-8000-000000000000"


def detail(key, run_id):
    asked = GetWorkflowRunDetailRequest.builder().workflow_run_id(run_id).build()
    return workflow.detail(asked, option(key))


def stop(key, task_id, user="user-123"):
    asked = StopWorkflowRequest.builder().task_id(task_id)
    asked = asked.request_body(StopWorkflowRequestBody.builder().user(user).build()).build()
    return workflow.stop(asked, option(key))


# What it has come to.
done = run("app-greet", {"input_text": "x"}, user="ada")
assert done.data.status == "succeeded" and done.data.error is None, done
assert done.task_id and done.data.id == done.workflow_run_id, done
assert isinstance(done.data.elapsed_time, float) and done.data.created_at <= done.data.finished_at, done
assert (done.data.total_steps, done.data.total_tokens) == (2, 0), done

# The wrapper of the client's own examples says `inputs` twice.
wrapped = WorkflowInputs.builder().inputs({"input_text": "wrapped"}).build()
assert run("app-greet", wrapped).data.outputs == {"text": "You said: wrapped"}
# What a closed form does not declare is dropped; null is nothing where it is optional.
assert run("app-greet", {"input_text": "x", "else": 1, "times": None}).data.status == "succeeded"
# It works without waiting, too.
assert asyncio.run(workflow.arun(body({"input_text": "async"}), option("app-greet"), False)).data.outputs == {
    "text": "You said: async"
}

# A run that fails is answered with 200.
failed = run("app-fails", {})
assert failed.success and failed.raw.status_code == 200, failed
assert failed.data.status == "failed" and failed.data.outputs is None, failed
assert failed.data.error == "CLOSED: We are closed", failed
assert detail("app-fails", failed.workflow_run_id).error == "CLOSED: We are closed"
told = stream("app-fails", {})
assert names(told)[-1] == "workflow_finished" and told[-1]["data"]["status"] == "failed", told
assert [e["data"]["status"] for e in told if e["event"] == "node_finished"] == ["failed"], told
# An error that was dealt with is an exception, and the run succeeds.
told = stream("app-careful", {})
assert [e["data"]["status"] for e in told if e["event"] == "node_finished"] == ["exception"], told
assert told[-1]["data"]["status"] == "succeeded" and told[-1]["data"]["exceptions_count"] == 1, told

# Bad input, whatever the mode.
assert refused(run("app-greet", {}), "invalid_param", 400) == "input_text is required in input form"
long = refused(run("app-greet", {"input_text": "x" * 41}), "invalid_param", 400)
assert long == "input_text in input form must be less than 40 characters", long
assert "must be a string" in refused(run("app-greet", {"input_text": 1}), "invalid_param", 400)
assert "must be one of" in refused(run("app-greet", {"input_text": "x", "tone": "rude"}), "invalid_param", 400)
raw = b"".join(chunks("app-greet", {}))
assert raw.startswith(b"data: [ERROR] {") and b'"invalid_param"' in raw, raw
no_user = post("app-greet", "/v1/workflows/run", {"inputs": {"input_text": "x"}})
assert no_user == (400, {"code": "invalid_param", "message": "Arg user must be provided.", "status": 400}), no_user
status, said = post("app-greet", "/v1/workflows/run", {"user": "ada"})
assert (status, said["code"]) == (400, "invalid_param") and "inputs" in said["message"], said
status, said = post("app-greet", "/v1/workflows/run", {"inputs": {}, "user": "ada", "response_mode": "later"})
assert (status, said["code"]) == (400, "invalid_param"), said

# Bad keys.
for key in ["app-nothing", "wrong"]:
    assert refused(run(key, {}), "unauthorized", 401).startswith("Access token is invalid")
assert "Bearer" in refused(run(None, {}), "unauthorized", 401)

# Runs that are not there, or are another workflow's. The client cannot read a refusal of `detail`.
status, said = get("app-greet", f"/v1/workflows/run/{UNKNOWN}")
assert (status, said) == (404, {"code": "not_found", "message": "Workflow run not found.", "status": 404}), said
assert get("app-fails", f"/v1/workflows/run/{done.workflow_run_id}")[0] == 404
try:
    detail("app-greet", UNKNOWN)
    raise AssertionError("the client reads it now; then tell it so in docs/dialect-dify.md")
except ValidationError:
    pass

# A version of the workflow.
version = post("app-greet", f"/v1/workflows/{done.data.workflow_id}/run", {"inputs": {"input_text": "v"}, "user": "a"})
assert version[0] == 200 and version[1]["data"]["workflow_id"] == done.data.workflow_id, version
assert post("app-greet", "/v1/workflows/1.0.0/run", {"inputs": {"input_text": "v"}, "user": "a"})[0] == 200
for wrong, status, code in [(UNKNOWN, 404, "not_found"), ("9.9", 404, "not_found"), ("draft", 400, "bad_request")]:
    said = post("app-greet", f"/v1/workflows/{wrong}/run", {"inputs": {"input_text": "v"}, "user": "a"})
    assert (said[0], said[1]["code"]) == (status, code), said

# Stop: whoever asks, the stream tells of it, and nothing is left behind.
told = []
began = threading.Event()


def follow():
    for event in events(chunks("app-sleepy", {})):
        told.append(event)
        began.set()


following = threading.Thread(target=follow)
following.start()
assert began.wait(30)
task = told[0]["task_id"]
running = detail("app-sleepy", task)
assert running.status == "running" and running.outputs == {} and running.finished_at is None, running
assert stop("app-sleepy", task, "somebody else").result == "success"
following.join(30)
assert names(told)[-1] == "workflow_finished" and told[-1]["data"]["status"] == "stopped", told
assert detail("app-sleepy", task).status == "stopped"
assert stop("app-sleepy", task).result == "success" and stop("app-sleepy", UNKNOWN).result == "success"

# Logs, in pages and by what is asked.
for number in range(5):
    run("app-logged", {"word": f"word-{number}"}, user=f"user-{number % 2}")
run("app-logged", {"word": "fail"}, user="user-0")


def logs(**asked):
    built = GetWorkflowLogsRequest.builder()
    for name, value in asked.items():
        built = getattr(built, name)(value)
    return workflow.logs(built.build(), option("app-logged"))


first, last = logs(page=1, limit=4), logs(page=2, limit=4)
assert (first.total, first.has_more, len(first.data)) == (6, True, 4), first
assert (last.total, last.has_more, len(last.data)) == (6, False, 2), last
ids = [item.workflow_run.id for item in first.data + last.data]
assert len(set(ids)) == 6 and first.data[0].workflow_run.status == "failed", first
assert first.data[0].created_by_end_user.session_id == "user-0" and first.data[0].created_by_account is None
assert [e.workflow_run.status for e in logs(status="failed").data] == ["failed"]
assert logs(status="succeeded").total == 5 and logs(status="stopped").total == 0
assert logs(keyword="WORD-3").total == 1 and logs(keyword="nowhere").total == 0
assert logs(created_by_end_user_session_id="user-1").total == 2
assert "Account not found" in refused(logs(created_by_account="a@example.com"), "invalid_param", 400)
for wrong in [{"limit": 101}, {"page": 0}, {"status": "odd"}]:
    refused(logs(**wrong), "invalid_param", 400)
assert get("app-logged", "/v1/workflows/logs", created_at__before="2020-01-01T00:00:00Z")[1]["total"] == 0
assert get("app-logged", "/v1/workflows/logs", created_at__after="2020-01-01T00:00:00+00:00")[1]["total"] == 6
print("done")
