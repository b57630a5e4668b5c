// What programs do with the client of Vellum for Node.js. BASE and KEY stand in the environment.
const assert = require("node:assert");
const { VellumClient, VellumError } = require("vellum-ai");

const { BASE, KEY } = process.env;
const environment = { default: BASE, predict: BASE, documents: BASE };
const client = new VellumClient({ apiKey: KEY, environment });
const query = (value) => [{ type: "STRING", name: "query", value }];
const WORDS = "Process this \u2028 now \u{1f600} grüße";

async function refused(status, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof VellumError, String(error));
    assert.strictEqual(error.statusCode, status, JSON.stringify(error.body));
    return true;
  });
}

async function thePage() {
  const response = await client.executeWorkflow({ workflowDeploymentName: "my-workflow", inputs: query(WORDS) });
  assert.strictEqual(response.data.state, "FULFILLED");
  const [result, length, words] = response.data.outputs;
  assert.deepStrictEqual([result.name, result.type], ["result", "STRING"]);
  assert.ok(result.value.startsWith("PROCESS THIS \u2028 NOW \u{1f600}"), result.value);
  assert.strictEqual(length.type, "NUMBER");
  assert.deepStrictEqual(words.value[0], "Process");
  await client.submitWorkflowExecutionActuals({
    executionId: response.executionId,
    actuals: [{ outputType: "STRING", outputKey: "result", desiredOutputValue: "Expected output", quality: 0.5 }],
  });
  await refused(404, () =>
    client.submitWorkflowExecutionActuals({
      executionId: "nowhere",
      actuals: [{ outputType: "STRING", outputKey: "result", desiredOutputValue: "x" }],
    }),
  );
}

async function streams() {
  // Long enough to come in many pieces, with a letter of several bytes at every place.
  const long = "é\u2028\u{1f600}".repeat(20000);
  const told = [];
  let inputs, outputs;
  for await (const event of await client.executeWorkflowStream({
    workflowDeploymentName: "my-workflow",
    inputs: query(long),
    eventTypes: ["WORKFLOW", "NODE"],
  })) {
    told.push(event.type === "WORKFLOW" ? event.data.state : `${event.data.nodeId}: ${event.data.state}`);
    if (event.data.state === "INITIATED" && event.type === "WORKFLOW") inputs = event.data.inputs;
    if (event.data.state === "FULFILLED" && event.type === "WORKFLOW") outputs = event.data.outputs;
  }
  assert.deepStrictEqual(told, [
    "INITIATED",
    "split: INITIATED",
    "split: FULFILLED",
    "shout: INITIATED",
    "shout: FULFILLED",
    "STREAMING",
    "STREAMING",
    "STREAMING",
    "FULFILLED",
  ]);
  assert.strictEqual(inputs[0].value, long);
  assert.ok(!outputs[0].value.includes("\ufffd"));
  const names = [];
  for await (const event of await client.workflowDeployments.executeStream("my-workflow", { inputs: { query: "tea" } })) {
    names.push(event.name);
  }
  assert.strictEqual(names[0], "workflow.execution.initiated");
  assert.strictEqual(names.at(-1), "workflow.execution.fulfilled");
  assert.ok(names.includes("node.execution.fulfilled"), names.join());
}

async function failures() {
  const inputs = [{ type: "STRING", name: "code", value: "OUT_OF_STOCK" }];
  const response = await client.executeWorkflow({ workflowDeploymentName: "fails", inputs });
  assert.strictEqual(response.data.state, "REJECTED");
  assert.strictEqual(response.data.error.code, "USER_DEFINED_ERROR");
  assert.strictEqual(response.data.error.message, "Sold out");
  let last;
  for await (const event of await client.executeWorkflowStream({ workflowDeploymentName: "fails", inputs })) last = event;
  assert.strictEqual(last.data.state, "REJECTED");
  await refused(404, () => client.executeWorkflow({ workflowDeploymentName: "nothing", inputs: [] }));
  await refused(400, () => client.executeWorkflow({ workflowDeploymentName: "my-workflow", inputs: [] }));
  await refused(400, () => client.executeWorkflow({ inputs: [] }));
  await refused(404, () =>
    client.executeWorkflow({ workflowDeploymentName: "my-workflow", inputs: query("x"), releaseTag: "nowhere" }),
  );
  await refused(404, async () => {
    for await (const _ of await client.executeWorkflowStream({ workflowDeploymentName: "nothing", inputs: [] }));
  });
  const stranger = new VellumClient({ apiKey: "somebody-else", environment });
  await refused(401, () => stranger.workflowDeployments.list());
}

async function asynchronous() {
  const { executionId } = await client.executeWorkflowAsync({ workflowDeploymentName: "naps", inputs: [] });
  let status;
  for (let tries = 0; tries < 300; tries++) {
    status = await client.workflows.workflowExecutionStatus(executionId);
    if (status.status === "FULFILLED") break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepStrictEqual(status.outputs, { output: "rested" });
}

async function deployments() {
  const api = client.workflowDeployments;
  const listed = await api.list({ limit: 2 });
  assert.strictEqual(listed.count, 6);
  const found = await api.retrieve("my-workflow");
  assert.deepStrictEqual(
    found.inputVariables.map((variable) => [variable.key, variable.type]),
    [["query", "STRING"]],
  );
  const latest = await api.retrieveWorkflowReleaseTag("my-workflow", "LATEST");
  const moved = await api.updateWorkflowReleaseTag("my-workflow", "node", { historyItemId: latest.release.id });
  assert.strictEqual(moved.release.id, latest.release.id);
  const tags = await api.listWorkflowReleaseTags("my-workflow", { source: "USER" });
  assert.ok(tags.results.some((tag) => tag.name === "node"));
  const release = await api.retrieveWorkflowDeploymentRelease("my-workflow", "node");
  assert.ok(release.releaseTags.some((tag) => tag.name === "LATEST"));
  const item = await api.workflowDeploymentHistoryItemRetrieve("node", "my-workflow");
  assert.strictEqual(item.id, latest.release.id);
  const response = await client.executeWorkflow({
    workflowDeploymentName: "my-workflow",
    inputs: query("tea"),
    releaseTag: "node",
    externalId: "from-node",
    metadata: { team: "sales" },
  });
  assert.strictEqual(response.externalId, "from-node");
  const event = await api.workflowDeploymentEventExecution(response.executionId, "my-workflow");
  assert.strictEqual(event.parentContext.releaseTagName, "node");
  assert.deepStrictEqual(event.parentContext.metadata, { team: "sales" });
  assert.strictEqual(event.spans.length, 3);
  const events = await api.listWorkflowDeploymentEventExecutions("my-workflow", { limit: 1 });
  assert.strictEqual(events.results[0].spanId, response.executionId);
  const detail = await client.workflowExecutions.retrieveWorkflowExecutionDetail(response.executionId);
  assert.strictEqual(detail.spans.length, 3);
}

(async () => {
  for (const check of [thePage, streams, failures, asynchronous, deployments]) await check();
  console.log("done");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
