// The AI SDK with @ai-sdk/anthropic: objects by each of its ways, tools with steps, streams, thinking.

import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { APICallError, generateObject, generateText, jsonSchema, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";
import {
  CLAUDE, cutting, fits, FLOOD, HELD, isClosed, many, OPEN, refused, REMOVE, remove, replayed, SEEDS, SKIP, TASK,
  tooLong,
} from "./shared.mjs";

// What the SDK has no name for is put into the body on its way.
const provider = (extra = {}) =>
  createAnthropic({
    baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8000/v1",
    apiKey: process.env.API_KEY ?? "none",
    fetch: (url, init) => fetch(url, { ...init, body: JSON.stringify({ ...JSON.parse(init.body), ...extra }) }),
  });
const ask = {
  model: provider()(CLAUDE),
  temperature: 0,
  maxOutputTokens: 200,
  maxRetries: 0,
};
const report = "The printer on floor 3 is on fire. File a ticket.";
const question = "When does the bakery open on Monday?";
const Ticket = z.object({
  title: z.string().max(40),
  priority: z.enum(["low", "medium", "high"]),
  minutes: z.number().int().min(1).max(90),
  owner: z.enum(["Ada", "Bob"]).optional(),
});
// Bounds of each kind, some of which it sends as text of a description; a tuple.
const Address = z.object({
  zip: z.string().regex(/^\d{5}$/).describe("Of five digits."),
  floors: z.array(z.number().int()).min(2).max(3),
  share: z.number().gt(0).lt(1),
  note: z.string().max(12).nullable(),
  place: z.tuple([z.number().int().min(0).max(9), z.enum(["north", "south"])]),
});
const OpeningHours = z.object({ shop: z.enum(["bakery", "library"]), day: z.enum(["Monday", "Sunday"]) });

export async function structured_output_object() {
  const { object, usage } = await generateObject({ ...ask, prompt: report, schema: Ticket });
  Ticket.parse(object);
  assert.ok(usage.outputTokens > 0);
}

export async function structured_output_enum() {
  const { object } = await generateObject({ ...ask, prompt: report, output: "enum", enum: ["low", "high"] });
  assert.ok(["low", "high"].includes(object));
}

// For a name that it doesn't know, a tool that is forced.
export async function structured_output_unknown() {
  const model = provider()(process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct");
  Ticket.parse((await generateObject({ ...ask, model, prompt: report, schema: Ticket })).object);
}

export async function structured_output_bounds() {
  for (const seed of SEEDS) {
    const sampled = { ...ask, model: provider({ seed })(CLAUDE), temperature: 1 };
    Address.parse((await generateObject({ ...sampled, prompt: report, schema: Address })).object);
  }
}

// The first step has to call, once, the second may not.
const twoSteps = {
  providerOptions: { anthropic: { disableParallelToolUse: true } },
  stopWhen: stepCountIs(2),
  prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
};

function openingHours(asked) {
  return tool({
    description: "When a shop opens.",
    inputSchema: OpeningHours,
    execute: async (given) => {
      asked.push(OpeningHours.parse(given));
      return "It opens at 7:30.";
    },
  });
}

export async function tool_loop_text() {
  const asked = [];
  const tools = { opening_hours: openingHours(asked) };
  const { steps } = await generateText({ ...ask, ...twoSteps, prompt: question, tools });
  assert.equal(steps.length, 2);
  assert.ok(asked.length > 0);
  assert.equal(steps[0].toolResults.length, asked.length);
  assert.equal(steps[1].toolCalls.length, 0);
}

export async function tool_loop_object() {
  const asked = [];
  const tools = { opening_hours: openingHours(asked) };
  const output = Output.object({ schema: Ticket });
  const answer = await generateText({ ...ask, ...twoSteps, prompt: report, tools, output });
  assert.ok(asked.length > 0);
  Ticket.parse(answer.output);
}

export async function streaming_text() {
  const short = { ...ask, maxOutputTokens: 20, prompt: question };
  const deltas = [];
  for await (const delta of streamText(short).textStream) deltas.push(delta);
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), (await generateText(short)).text);
}

export async function streaming_object() {
  const { partialObjectStream, object } = streamObject({ ...ask, prompt: report, schema: Ticket });
  const partial = [];
  for await (const one of partialObjectStream) partial.push(one);
  assert.ok(partial.length > 1);
  assert.deepEqual(partial.at(-1), await object);
  Ticket.parse(await object);
}

export async function streaming_tools() {
  const asked = [];
  const tools = { opening_hours: openingHours(asked) };
  const stream = streamText({ ...ask, ...twoSteps, prompt: question, tools });
  const deltas = [];
  for await (const delta of stream.textStream) deltas.push(delta);
  assert.ok(asked.length > 0);
  assert.equal((await stream.steps).length, 2);
  assert.equal(deltas.join(""), await stream.text);
}

export async function error() {
  await assert.rejects(generateText({ ...ask, model: provider()("no-such-model"), prompt: question }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /no-such-model/);
    return true;
  });
}

export async function error_too_long() {
  await assert.rejects(generateText({ ...ask, prompt: FLOOD }), (error) => {
    assert.ok(APICallError.isInstance(error));
    tooLong(error);
    return true;
  });
}

const forced = (options) => ({
  toolChoice: "required",
  providerOptions: { anthropic: { disableParallelToolUse: true } },
  model: provider(options)(CLAUDE),
});

// One step: the SDK runs what is called in it.
function limited(finished, options) {
  const removing = tool({ inputSchema: jsonSchema(REMOVE), execute: async (given) => remove(given) });
  return async (tokens) => {
    try {
      await finished({ ...ask, ...forced(options), prompt: TASK, tools: { remove: removing }, maxOutputTokens: tokens });
    } catch (error) {
      if (APICallError.isInstance(error)) refused(error);
      else if (error.name !== "AI_ToolChoiceViolationError") throw error; // there was no call
    }
  };
}

async function inPieces(asked) {
  for await (const part of streamText({ ...asked, onError: () => {} }).fullStream) {
    if (part.type === "error") throw part.error;
  }
}

export const cut_whole = () => cutting(limited(generateText));
export const cut_streamed = () => cutting(limited(inPieces));
export const cut_streamed_whole = () => cutting(limited(inPieces, HELD));

async function called(schemas, options, temperature = 0) {
  const entries = Object.entries(schemas).map(([name, given]) => [name, tool({ inputSchema: jsonSchema(given) })]);
  const asked = { ...ask, ...forced(options), temperature, prompt: question, tools: Object.fromEntries(entries) };
  return (await generateText(asked)).toolCalls.map((call) => [call.toolName, call.input]);
}

export async function closed() {
  const sampled = (seed) => called({ hours: OPEN }, { seed }, 1);
  await isClosed(async (seed) => (await sampled(seed)).map(([, given]) => given));
}

export async function many_tools() {
  fits(...(await called(many(), SKIP))[0]);
}

export async function many_tools_dotted() {
  fits(...(await called(many("files.v2/tool_"), SKIP))[0], "files.v2/tool_");
}

// A message of OpenAI's as the SDK's; `names` of the calls so far, by their ids.
function turn({ role, content, tool_calls = [], tool_call_id }, names) {
  for (const call of tool_calls) names[call.id] = call.function.name;
  if (role === "tool") {
    const output = { type: "text", value: content };
    return { role, content: [{ type: "tool-result", toolCallId: tool_call_id, toolName: names[tool_call_id], output }] };
  }
  if (role !== "assistant") return { role: role === "developer" ? "system" : role, content };
  const calls = tool_calls.map(({ id, function: { name, arguments: given } }) => ({
    type: "tool-call",
    toolCallId: id,
    toolName: name,
    input: JSON.parse(given),
  }));
  return { role, content: [...(content === null ? [] : [{ type: "text", text: content }]), ...calls] };
}

export async function histories() {
  await replayed(async (messages) => {
    const names = {};
    const turns = messages.map((message) => turn(message, names));
    return (await generateText({ ...ask, maxOutputTokens: 8, messages: turns })).text;
  });
}

// Thoughts go back in the next turn. The SDK adds the budget to the limit.
export async function thinking() {
  const providerOptions = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };
  const thinker = { ...ask, temperature: undefined, maxOutputTokens: 8, providerOptions };
  const turns = [{ role: "user", content: question }];
  const first = await generateText({ ...thinker, messages: turns });
  const more = [...turns, ...first.response.messages, { role: "user", content: "Thank you." }];
  assert.ok((await generateText({ ...thinker, messages: more })).text);
}
