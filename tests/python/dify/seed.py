"""The code of the published examples. What is spelt otherwise there than in the client is spelt as in the client:
`run_workflow` is `run`, `get_workflow_run_detail` is `detail`, `steps` is `total_steps`."""

from io import BytesIO

from around import BASE, Client, option

from dify_oapi.api.dify.v1.model.upload_file_body import UploadFileBody
from dify_oapi.api.dify.v1.model.upload_file_request import UploadFileRequest
from dify_oapi.api.workflow.v1.model.get_workflow_logs_request import GetWorkflowLogsRequest
from dify_oapi.api.workflow.v1.model.get_workflow_run_detail_request import GetWorkflowRunDetailRequest
from dify_oapi.api.workflow.v1.model.run_workflow_request import RunWorkflowRequest
from dify_oapi.api.workflow.v1.model.run_workflow_request_body import RunWorkflowRequestBody
from dify_oapi.api.workflow.v1.model.stop_workflow_request import StopWorkflowRequest
from dify_oapi.api.workflow.v1.model.stop_workflow_request_body import StopWorkflowRequestBody

# export DOMAIN="https://api.dify.ai"; export WORKFLOW_KEY="your-workflow-api-key"
client = Client.builder().domain(BASE).build()
req_option = option("app-greet")

# Basic workflow execution
req_body = (
    RunWorkflowRequestBody.builder()
    .inputs({"input_text": "Hello, world!"})
    .response_mode("blocking")
    .user("user-123")
    .build()
)

req = RunWorkflowRequest.builder().request_body(req_body).build()
response = client.workflow.v1.workflow.run(req, req_option, False)

print(f"Workflow ID: {response.workflow_run_id}")
print(f"Result: {response.data}")
assert response.success and response.data.status == "succeeded", response
assert response.data.outputs == {"text": "You said: Hello, world!"}, response
run_id = response.workflow_run_id

# Streaming workflow execution
req_body = (
    RunWorkflowRequestBody.builder()
    .inputs({"input_text": "Hello, world!"})
    .response_mode("streaming")
    .user("user-123")
    .build()
)

req = RunWorkflowRequest.builder().request_body(req_body).build()
response = client.workflow.v1.workflow.run(req, req_option, True)

told = ""
for chunk in response:
    print(f"Event: {chunk}")
    told += chunk.decode()
for event in ["workflow_started", "node_started", "node_finished", "workflow_finished"]:
    assert f'"event":"{event}"' in told.replace(": ", ":"), told

# Monitor workflow execution
req = (
    GetWorkflowRunDetailRequest.builder()
    .workflow_run_id(run_id)
    .build()
)

response = client.workflow.v1.workflow.detail(req, req_option)
print(f"Status: {response.status}")
print(f"Steps: {response.total_steps}")
assert (response.status, response.total_steps) == ("succeeded", 2), response
assert response.inputs == {"input_text": "Hello, world!"}, response

# Upload, and the kinds of inputs
upload = UploadFileRequest.builder().file(BytesIO(b"what it says"), "note.txt")
upload = upload.request_body(UploadFileBody.builder().user("user-123").build()).build()
uploaded = client.workflow.v1.file.upload(upload, option("app-everything"))
inputs = {
    "text_input": "Your text here",
    "number_input": 42,
    "boolean_input": True,
    "file_input": uploaded.id,
    "array_input": ["item1", "item2"],
    "object_input": {"key": "value"},
}
req_body = RunWorkflowRequestBody.builder().inputs(inputs).response_mode("blocking").user("user-123").build()
req = RunWorkflowRequest.builder().request_body(req_body).build()
response = client.workflow.v1.workflow.run(req, option("app-everything"), False)
got = response.data.outputs
assert got["file_input"]["name"] == "note.txt" and got["file_input"]["size"] == 12, got
del got["file_input"], inputs["file_input"]
assert got == inputs, got

# Stop, and logs
req = StopWorkflowRequest.builder().task_id(run_id)
req = req.request_body(StopWorkflowRequestBody.builder().user("user-123").build()).build()
assert client.workflow.v1.workflow.stop(req, req_option).result == "success"
response = client.workflow.v1.workflow.logs(GetWorkflowLogsRequest.builder().page(1).limit(20).build(), req_option)
assert response.total == 2 and response.data[1].workflow_run.id == run_id, response
print("done")
