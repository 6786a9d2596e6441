// AWS's JavaScript SDK against strata's plain listener: it speaks HTTP/2 with prior knowledge there.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/");
const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } = require("@aws-sdk/client-bedrock-runtime");
const { BedrockAgentRuntimeClient, RetrieveCommand } = require("@aws-sdk/client-bedrock-agent-runtime");

const options = {
  endpoint: process.env.STRATA_URL,
  region: "us-east-1",
  maxAttempts: 1,
  credentials: { accessKeyId: process.env.STRATA_ACCESS_KEY, secretAccessKey: process.env.STRATA_SECRET_KEY },
};
const messages = [{ role: "user", content: [{ text: "What is the fee for a berth in summer?" }] }];

const runtime = new BedrockRuntimeClient(options);
const answer = await runtime.send(new ConverseCommand({ modelId: "kb/harbour", messages }));
assert.match(JSON.stringify(answer.output), /25 euros/);

let streamed = "";
let last = "";
const stream = await runtime.send(new ConverseStreamCommand({ modelId: "kb/harbour", messages }));
for await (const event of stream.stream) {
  streamed += event.contentBlockDelta?.delta?.text ?? "";
  last = Object.keys(event)[0];
}
assert.match(streamed, /25 euros/);
assert.equal(last, "metadata");

const agent = new BedrockAgentRuntimeClient(options);
const found = await agent.send(
  new RetrieveCommand({ knowledgeBaseId: process.env.STRATA_KB, retrievalQuery: { text: "channel for long boats" } }),
);
assert.match(found.retrievalResults[0].content.text, /channel 14/);
runtime.destroy();
agent.destroy();
console.log("javascript: good");
