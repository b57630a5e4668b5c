// VoltAgent's own server with the workflows that ours is compared on.
import { VoltAgent, andAll, andThen, andWhen, createWorkflowChain } from "@voltagent/core";
import { honoServer } from "@voltagent/server-hono";
import { z } from "zod";

const input = z.object({ n: z.number() });
const add = (id) => ({ id, execute: async ({ data }) => ({ n: data.n + 1 }) });

let ten = createWorkflowChain({ id: "ten", name: "ten", input, result: z.any() });
for (let step = 0; step < 10; step++) ten = ten.andThen(add(`s${step}`));

const all = createWorkflowChain({ id: "all", name: "all", input, result: z.any() }).andAll({
  id: "both",
  steps: Array.from({ length: 10 }, (_, step) => andThen(add(`s${step}`))),
});

let when = createWorkflowChain({ id: "when", name: "when", input, result: z.any() });
for (let step = 0; step < 3; step++) {
  when = when.andWhen({ id: `w${step}`, condition: async ({ data }) => data.n > 0, step: andThen(add(`s${step}`)) });
}

const port = Number(process.env.PORT);
new VoltAgent({
  agents: {},
  workflows: { ten: ten.toWorkflow ? ten.toWorkflow() : ten, all: all.toWorkflow ? all.toWorkflow() : all, when: when.toWorkflow ? when.toWorkflow() : when },
  server: honoServer({ port, hostname: "127.0.0.1" }),
});
