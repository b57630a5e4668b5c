"""Waits for people."""

from around import attach, get, names, post, run, stream

KEY = "app-approve"


def wait(user="ada", amount=5000):
    told = stream(KEY, {"amount": amount}, user)
    assert names(told)[-2:] == ["human_input_required", "workflow_paused"], names(told)
    return told


told = wait()
run_id = told[0]["workflow_run_id"]
asked, paused = told[-2]["data"], told[-1]["data"]
assert names(told)[-3] == "node_started" and told[-3]["data"]["node_type"] == "human-input", told
assert asked["node_id"] == "ask" and asked["node_title"] == "Ask a manager", asked
assert asked["form_content"] == "Pay 5000?\n\n- **amount**: 5000", asked
assert [(a["id"], a["title"], a["button_style"]) for a in asked["actions"]] == [
    ("pay", "Pay it", "primary"), ("drop", "drop", "default"),
], asked
assert [(i["output_variable_name"], i["type"]) for i in asked["inputs"]] == [("by", "paragraph"), ("level", "select")]
assert isinstance(asked["expiration_time"], int), asked
assert paused["paused_nodes"] == ["ask"] and paused["status"] == "paused" and paused["outputs"] == {}, paused
assert paused["reasons"][0]["TYPE"] == "human_input_required", paused
assert paused["reasons"][0]["form_id"] == asked["form_id"], paused
token = asked["form_token"]

# Whoever looks sees that it waits, with the words that the client knows.
status, said = get(KEY, f"/v1/workflows/run/{run_id}")
assert (said["status"], said["outputs"], said["paused_nodes"]) == ("running", {}, ["ask"]), said
blocking = run(KEY, {"amount": 5000})
assert blocking.data.status == "running" and blocking.data.finished_at is None, blocking

# The form.
status, form = get(KEY, f"/v1/form/human_input/{token}")
assert status == 200 and form["form_content"] == asked["form_content"], form
assert form["user_actions"] == asked["actions"] and form["inputs"] == asked["inputs"], form
assert form["resolved_default_values"] == {"level": "low"}, form
assert get("app-greet", f"/v1/form/human_input/{token}")[0] == 404
assert get(KEY, "/v1/form/human_input/nonsense")[1]["code"] == "not_found"

# Answers that do not fit change nothing.
for sent, why in [
    ({"action": "pay", "inputs": {}, "user": "boss"}, "Missing required inputs: by"),
    ({"action": "burn", "inputs": {"by": "x"}, "user": "boss"}, "Invalid action"),
    ({"action": "pay", "inputs": {"by": "x", "level": "odd"}, "user": "boss"}, "must be one of"),
    ({"inputs": {"by": "x"}, "user": "boss"}, "action"),
]:
    status, said = post(KEY, f"/v1/form/human_input/{token}", sent)
    assert (status, said["code"]) == (400, "invalid_form_data") and why in said["message"], said
# Attached while it waits, one sees the wait again.
assert names(attach(KEY, run_id, "ada")) == ["human_input_required", "workflow_paused"]
snapshot = list(attach(KEY, run_id, "ada", include_state_snapshot="true"))
assert names(snapshot) == [
    "workflow_started", "node_started", "node_finished", "node_started", "human_input_required", "workflow_paused",
], names(snapshot)
assert snapshot[2]["data"]["outputs"] is None and snapshot[2]["data"]["inputs"] is None, snapshot

# Anybody with the key answers; the rest is told to who has begun it.
answer = {"action": "pay", "inputs": {"by": "boss"}, "user": "boss"}
assert post(KEY, f"/v1/form/human_input/{token}", answer) == (200, {})
rest = list(attach(KEY, run_id, "ada"))
if len(rest) > 1:  # It was not over yet.
    assert names(rest)[:2] == ["workflow_started", "human_input_form_filled"], rest
    assert rest[0]["data"]["reason"] == "resumption", rest
    filled = rest[1]["data"]
    assert (filled["node_id"], filled["action_id"], filled["action_text"]) == ("ask", "pay", "Pay it"), filled
    assert filled["submitted_data"]["by"] == "boss" and filled["rendered_content"] == asked["form_content"], filled
assert rest[-1]["event"] == "workflow_finished", rest
assert rest[-1]["data"]["outputs"] == {"paid": "pay", "by": "boss", "level": "low"}, rest

# Once is enough.
for status, said in [post(KEY, f"/v1/form/human_input/{token}", answer), get(KEY, f"/v1/form/human_input/{token}")]:
    assert (status, said["code"]) == (412, "human_input_form_submitted"), said

# Nobody comes in time.
told = stream("app-hasty", {}, "ada")
hasty = told[-1]["data"]["reasons"][0]["form_token"]
last = list(attach("app-hasty", told[0]["workflow_run_id"], "ada", continue_on_pause="true"))
assert names(last)[-1] == "workflow_finished", names(last)
if "workflow_paused" in names(last):  # It was still waiting.
    assert "human_input_form_timeout" in names(last), names(last)
status, said = post("app-hasty", f"/v1/form/human_input/{hasty}", {"action": "approve", "inputs": {}, "user": "a"})
assert (status, said["code"]) == (412, "human_input_form_expired"), said
print("done")
