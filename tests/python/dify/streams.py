"""Streams: the order of events, and going on where one was cut."""

import re

from around import attach, chunks, events, get, names, stream


def about(told, kind):
    return [event["data"] for event in told if event["event"] == kind]


# One step after the other.
told = stream("app-greet", {"input_text": "x"}, "ada")
assert names(told) == [
    "workflow_started", "node_started", "node_finished", "node_started", "text_chunk", "node_finished",
    "workflow_finished",
], names(told)
run_id = told[0]["workflow_run_id"]
assert all(event["task_id"] == event["workflow_run_id"] == run_id for event in told), told
started = told[0]["data"]
assert started["id"] == run_id and started["reason"] == "initial" and started["inputs"]["input_text"] == "x", started
assert (started["inputs"]["sys.user_id"], started["inputs"]["sys.workflow_run_id"]) == ("ada", run_id), started
assert started["inputs"]["sys.files"] == [] and isinstance(started["created_at"], int), started
nodes = about(told, "node_started")
assert [(n["node_id"], n["index"], n["predecessor_node_id"]) for n in nodes] == [("said", 1, None), ("text", 2, "said")]
finished = about(told, "node_finished")
assert [n["id"] for n in finished] == [n["id"] for n in nodes] and finished[0]["id"] != finished[1]["id"], finished
assert finished[1]["outputs"] == {"text": "You said: x"} and finished[1]["status"] == "succeeded", finished
assert about(told, "text_chunk") == [{"text": "You said: x", "from_variable_selector": ["text", "text"]}], told
end = told[-1]["data"]
assert end["outputs"] == {"text": "You said: x"} and end["created_by"]["user"] == "ada", end
assert (end["exceptions_count"], end["files"], end["total_steps"]) == (0, [], 2), end

# Items are an iteration, in which each is told before what happens with it.
told = stream("app-items", {})
kinds = names(told)
assert kinds == [
    "workflow_started", "iteration_started",
    "iteration_next", "node_started", "node_finished", "iteration_next", "node_started", "node_finished",
    "iteration_completed", "workflow_finished",
], kinds
assert [n["index"] for n in about(told, "iteration_next")] == [0, 1], told
assert {n["iteration_id"] for n in about(told, "node_started")} == {"each"}, told
assert [n["execution_metadata"]["iteration_index"] for n in about(told, "node_finished")] == [0, 1], told
done = about(told, "iteration_completed")[0]
assert (done["id"], done["steps"], done["outputs"], done["status"]) == ("each", 2, {"output": [2, 4]}, "succeeded"), done
begun = about(told, "iteration_started")[0]
assert begun["metadata"] == {"iterator_length": 2} and begun["inputs"] == {"iterator_selector": [1, 2]}, begun

# A loop tells of its rounds from the second on.
told = stream("app-rounds", {})
kinds = names(told)
assert kinds == [
    "workflow_started", "node_started", "node_finished", "loop_started", "node_started", "node_finished",
    "loop_next", "node_started", "node_finished", "loop_next", "node_started", "node_finished",
    "loop_completed", "workflow_finished",
], kinds
assert [n["index"] for n in about(told, "loop_next")] == [1, 2], told
assert [n["pre_loop_output"] for n in about(told, "loop_next")] == [{}, {}], told
assert about(told, "loop_completed")[0]["outputs"] == {"n": 3, "loop_round": 3}, told
assert about(told, "node_started")[1]["loop_id"] == "count", told

# What an agent takes is counted.
told = stream("app-asks", {})
assert told[-1]["data"]["total_tokens"] > 0, told
assert about(told, "node_finished")[0]["execution_metadata"]["total_tokens"] == told[-1]["data"]["total_tokens"], told
assert about(told, "node_finished")[0]["node_type"] == "llm", told
assert "".join(c["text"] for c in about(told, "text_chunk")) == "Seven it is", told
assert get("app-asks", f"/v1/workflows/run/{told[0]['workflow_run_id']}")[1]["total_tokens"] > 0

# A stream that is cut goes on elsewhere, for who has begun it and nobody else.
cut = events(chunks("app-naps", {}, "ada"), until="iteration_next")
before = list(cut)
run_id = before[0]["workflow_run_id"]
again = list(attach("app-naps", run_id, "ada", include_state_snapshot="true"))
kinds = names(again)
assert kinds[:2] == ["workflow_started", "iteration_started"] and kinds[-1] == "workflow_finished", kinds
assert kinds.count("iteration_next") == kinds.count("node_started") == kinds.count("node_finished") == 5, kinds
assert kinds.count("workflow_finished") == 1, kinds
assert again[-1]["data"]["outputs"] == {"output": [1, 2, 3, 4, 5]}, again
for key, user in [("app-naps", "bob"), ("app-greet", "ada")]:
    status, said = get(key, f"/v1/workflow/{run_id}/events", user=user)
    assert (status, said["code"]) == (404, "not_found"), said
status, said = get("app-naps", f"/v1/workflow/{run_id}/events")
assert (status, said["message"]) == (400, "Arg user must be provided."), said
# What is over is told in one event.
over = list(attach("app-naps", run_id, "ada"))
assert names(over) == ["workflow_finished"] and over[0]["data"]["outputs"] == {"output": [1, 2, 3, 4, 5]}, over
# Without a snapshot, only what happens from now on.
cut = list(events(chunks("app-naps", {}, "ada"), until="iteration_next"))
later = list(attach("app-naps", cut[0]["workflow_run_id"], "ada"))
assert names(later)[-1] == "workflow_finished" and "workflow_started" not in names(later), later
# Ids and times have the shapes that clients look for.
assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", run_id), run_id
print("done")
