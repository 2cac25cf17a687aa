// @anthropic-ai/sdk: parsed answers by zod, tools, its tool runner, streams, counted tokens.

import assert from "node:assert/strict";
import Anthropic, { AuthenticationError, BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import {
  cutting, fits, FLOOD, HELD, isClosed, many, OPEN, refused, REMOVE, remove, replayed, SEEDS, SKIP, TASK, tooLong, turns,
} from "./shared.mjs";

const model = process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
const client = new Anthropic({
  baseURL: (process.env.BASE_URL ?? "http://127.0.0.1:8000/v1").replace(/\/v1$/, ""),
  apiKey: process.env.API_KEY ?? "none",
  maxRetries: 0,
});
const ask = { model, temperature: 0, max_tokens: 200 };
const once = { type: "any", disable_parallel_tool_use: true };
const none = { type: "none" };

const Ticket = z.object({
  title: z.string().max(40),
  priority: z.enum(["low", "medium", "high"]),
  minutes: z.number().int().min(1).max(90),
});
// Bounds of each kind, which `parse` sends as text of a description, and holds the answer to.
const Address = z.object({
  zip: z.string().regex(/^\d{5}$/).describe("Of five digits."),
  floors: z.array(z.number().int()).min(2).max(3),
  share: z.number().gt(0).lt(1),
  note: z.string().max(12).nullable(),
});
const OpeningHours = z.object({ shop: z.enum(["bakery", "library"]), day: z.enum(["Monday", "Sunday"]) });
const tools = [{ name: "opening_hours", input_schema: z.toJSONSchema(OpeningHours) }];
const report = [{ role: "user", content: "The printer on floor 3 is on fire. File a ticket." }];
const question = [{ role: "user", content: "When does the bakery open on Monday?" }];
const output_config = { format: zodOutputFormat(Ticket) };

const text = ({ content }) => content.filter(({ type }) => type === "text").map((block) => block.text).join("");
const calls = ({ content }) => content.filter(({ type }) => type === "tool_use");

// All tokens of a prompt.
const read = ({ usage }) =>
  usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);

export async function structured_output() {
  const answer = await client.messages.parse({ ...ask, messages: report, output_config });
  Ticket.parse(answer.parsed_output);
  assert.equal(answer.stop_reason, "end_turn");
}

export async function structured_output_bounds() {
  for (const seed of SEEDS) {
    const sampled = { ...ask, temperature: 1, seed, messages: report };
    const answer = await client.messages.parse({ ...sampled, output_config: { format: zodOutputFormat(Address) } });
    Address.parse(answer.parsed_output);
  }
}

export async function tool_loop() {
  const first = await client.messages.create({ ...ask, messages: question, tools, tool_choice: once });
  assert.equal(first.stop_reason, "tool_use");
  const [call, ...rest] = calls(first);
  assert.deepEqual(rest, []);
  OpeningHours.parse(call.input);
  const result = { type: "tool_result", tool_use_id: call.id, content: "It opens at 7:30." };
  const messages = [...question, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
  const second = await client.messages.parse({ ...ask, messages, tools, tool_choice: none, output_config });
  Ticket.parse(second.parsed_output);
}

// Its own loop, which must call in each of two turns. It asks for a thread, and does without one.
async function running(stream) {
  const asked = [];
  const run = async (given) => {
    asked.push(given);
    return "It opens at 7:30.";
  };
  const hours = betaZodTool({ name: "opening_hours", description: "When a shop opens.", inputSchema: OpeningHours, run });
  const begun = { ...ask, messages: question, tools: [hours], tool_choice: once, max_iterations: 2, stream };
  const answers = [];
  for await (const answer of client.beta.messages.toolRunner(begun)) {
    answers.push(stream ? await answer.finalMessage() : answer);
  }
  assert.equal(answers.length, 2);
  assert.ok(answers.every(({ stop_reason }) => stop_reason === "tool_use"));
  assert.deepEqual(asked, answers.flatMap(calls).map(({ input }) => OpeningHours.parse(input)));
  assert.equal(asked.length, 2);
  // The second request had the first call and its result.
  assert.ok(read(answers[1]) > read(answers[0]));
}

export async function tool_loop_runner() {
  await running(false);
}

export async function tool_loop_runner_streamed() {
  await running(true);
}

export async function streaming() {
  const short = { ...ask, max_tokens: 20, messages: question };
  const deltas = [];
  const stream = client.messages.stream(short).on("text", (delta) => deltas.push(delta));
  const answer = await stream.finalMessage();
  const whole = await client.messages.create(short);
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), text(whole));
  assert.equal(text(answer), text(whole));
  assert.equal(answer.stop_reason, whole.stop_reason);
  assert.equal(answer.usage.output_tokens, whole.usage.output_tokens);
}

// The order of events: blocks one at a time, then one `message_delta`, then `message_stop`.
export async function streaming_events() {
  const asked = { ...ask, messages: question, tools, tool_choice: once, stream: true };
  const kinds = [];
  for await (const { type } of await client.messages.create(asked)) if (type !== "ping") kinds.push(type);
  const block = "content_block_start (content_block_delta )+content_block_stop ";
  assert.match(kinds.join(" "), new RegExp(`^message_start (${block})+message_delta message_stop$`));
}

export async function streaming_document() {
  const stream = client.messages.stream({ ...ask, messages: report, output_config });
  const deltas = [];
  stream.on("text", (delta) => deltas.push(delta));
  const answer = await stream.finalMessage();
  assert.ok(deltas.length > 1);
  assert.deepEqual(JSON.parse(deltas.join("")), answer.parsed_output);
  Ticket.parse(answer.parsed_output);
}

export async function streaming_tool_call() {
  const stream = client.messages.stream({ ...ask, messages: question, tools, tool_choice: once });
  const deltas = [];
  stream.on("inputJson", (delta) => deltas.push(delta));
  const [call] = calls(await stream.finalMessage());
  assert.deepEqual(JSON.parse(deltas.join("")), call.input);
  OpeningHours.parse(call.input);
}

const raised = (asking, kind, type, pattern) =>
  assert.rejects(asking, (error) => {
    assert.ok(error instanceof kind, String(error));
    assert.equal(error.error.error.type, type);
    assert.match(error.message, pattern);
    assert.ok(error.requestID);
    return true;
  });

export async function error() {
  const asked = { ...ask, model: "no-such-model", messages: report };
  await raised(client.messages.create(asked), NotFoundError, "not_found_error", /no-such-model/);
}

export async function error_bad_schema() {
  const format = { type: "json_schema", schema: { type: "banana" } };
  const asked = { ...ask, messages: report, output_config: { format }, stream: true };
  await raised(client.messages.create(asked), BadRequestError, "invalid_request_error", /banana.*output_config.format.schema.type/);
}

export async function error_key() {
  const stranger = client.withOptions({ apiKey: "a-stranger" });
  const asking = stranger.messages.create({ ...ask, messages: report });
  await raised(asking, AuthenticationError, "authentication_error", /key/);
}

export async function error_too_long() {
  await assert.rejects(client.messages.create({ ...ask, messages: [{ role: "user", content: FLOOD }] }), (error) => {
    assert.ok(error instanceof BadRequestError);
    tooLong(error);
    return true;
  });
}

const removing = { name: "remove", description: "Removes the files that match a pattern.", input_schema: REMOVE };
const cut = { ...ask, messages: [{ role: "user", content: TASK }], tools: [removing], tool_choice: once };

// `act` runs calls as soon as they are there, whatever the reason of the end.
const limited = (act) => async (tokens) => {
  try {
    await act({ ...cut, max_tokens: tokens });
  } catch (error) {
    if (!(error instanceof BadRequestError)) throw error;
    refused(error);
  }
};

// As the package's examples do: its own loop heeds the reason of the end, and is below.
function runCalls(answer) {
  for (const call of calls(answer)) remove(call.input);
}

const inPieces = (options) =>
  limited(async (asked) => runCalls(await client.messages.stream({ ...asked, ...options }).finalMessage()));

export const cut_whole = () => cutting(limited(async (asked) => runCalls(await client.messages.create(asked))));
export const cut_streamed = () => cutting(inPieces({}));
export const cut_streamed_whole = () => cutting(inPieces(HELD));

const looped = (options) =>
  limited(async (asked) => {
    const tool = { ...removing, run: async (given) => remove(given), parse: (given) => given };
    await client.beta.messages.toolRunner({ ...asked, tools: [tool], max_iterations: 1, ...options }).runUntilDone();
  });

export const cut_runner = () => cutting(looped({}));
export const cut_runner_streamed = () => cutting(looped({ stream: true }));

async function called(schemas, options) {
  const given = Object.entries(schemas).map(([name, input_schema]) => ({ name, input_schema }));
  const asked = { ...ask, messages: question, tools: given, tool_choice: once, ...options };
  return calls(await client.messages.create(asked)).map(({ name, input }) => [name, input]);
}

export async function closed() {
  await isClosed(async (seed) => (await called({ hours: OPEN }, { temperature: 1, seed })).map(([, given]) => given));
}

export async function many_tools() {
  fits(...(await called(many(), SKIP))[0]);
}

export async function many_tools_dotted() {
  fits(...(await called(many("files.v2/tool_"), SKIP))[0], "files.v2/tool_");
}

export async function histories() {
  const short = { ...ask, max_tokens: 8 };
  await replayed(async (messages) => text(await client.messages.create({ ...short, ...turns(messages) })));
}

export async function thinking() {
  for (const [config, max_tokens] of [[{ type: "enabled", budget_tokens: 1024 }, 1030], [{ type: "adaptive" }, 30]]) {
    const asked = { ...ask, max_tokens, thinking: config };
    const { content } = await client.messages.create({ ...asked, messages: question });
    const turn = [{ role: "assistant", content }, { role: "user", content: "Thank you." }];
    const again = await client.messages.create({ ...asked, messages: [...question, ...turn] });
    assert.ok(content.length && again.content.length);
  }
}

// A count is what the same request then uses.
export async function counting() {
  for (const options of [{}, { tools }, { tools, tool_choice: once }, { output_config }, { system: "You help." }]) {
    const { input_tokens } = await client.messages.countTokens({ model, messages: question, ...options });
    assert.equal(input_tokens, read(await client.messages.create({ ...ask, messages: question, ...options })));
  }
}
