// The openai package for Node over /v1/responses: parsed answers, tools, custom tools with grammars, streams.

import assert from "node:assert/strict";
import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  cutting, DATE, fits, HELD, isClosed, isDate, isQuery, items, many, OPEN, ORDER, QUERY, refused, REMOVE, remove,
  replayed, SKIP, TASK,
} from "./shared.mjs";

const model = process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
const client = new OpenAI({
  baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8000/v1",
  apiKey: process.env.API_KEY ?? "none",
  maxRetries: 0,
});
const ask = { model, temperature: 0, max_output_tokens: 200 };
const forced = { tool_choice: "required", parallel_tool_calls: false };

const Ticket = z.object({
  title: z.string().max(40),
  priority: z.enum(["low", "medium", "high"]),
  minutes: z.number().int().min(1).max(90),
});
const OpeningHours = z.object({ shop: z.enum(["bakery", "library"]), day: z.enum(["Monday", "Sunday"]) });
const tools = [zodResponsesFunction({ name: "opening_hours", parameters: OpeningHours })];
const report = "The printer on floor 3 is on fire. File a ticket.";
const question = "When does the bakery open on Monday?";
const text = { format: zodTextFormat(Ticket, "ticket") };

export async function structured_output() {
  const answer = await client.responses.parse({ ...ask, input: report, text });
  Ticket.parse(answer.output_parsed);
  assert.equal(answer.status, "completed");
}

async function calledHours() {
  const answer = await client.responses.parse({ ...ask, ...forced, input: question, tools });
  const [call, ...rest] = answer.output;
  assert.deepEqual(rest, []);
  assert.equal(call.name, "opening_hours");
  OpeningHours.parse(call.parsed_arguments);
  return [answer, { type: "function_call_output", call_id: call.call_id, output: "It opens at 7:30." }];
}

export async function tool_loop_previous_response_id() {
  const [first, result] = await calledHours();
  const turn = { previous_response_id: first.id, input: [result], tools, tool_choice: "none", text };
  Ticket.parse((await client.responses.parse({ ...ask, ...turn })).output_parsed);
}

// The output goes back as it came, and gives the answer that the stored one gives.
export async function tool_loop_replayed() {
  const [first, result] = await calledHours();
  const asked = { ...ask, tools, tool_choice: "none" };
  const sent = first.output.map(({ parsed_arguments, ...item }) => item);
  const turns = [{ role: "user", content: question }, ...sent, result];
  const again = await client.responses.create({ ...asked, input: turns, store: false });
  const stored = await client.responses.create({ ...asked, input: [result], previous_response_id: first.id });
  assert.equal(again.output_text, stored.output_text);
}

export async function streaming_document() {
  const stream = client.responses.stream({ ...ask, input: report, text });
  const deltas = [];
  stream.on("response.output_text.delta", (event) => deltas.push(event.delta));
  const answer = await stream.finalResponse();
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), answer.output_text);
  Ticket.parse(answer.output_parsed);
}

export async function streaming_tool_call() {
  const deltas = [];
  let last;
  for await (const event of await client.responses.create({ ...ask, ...forced, input: question, tools, stream: true })) {
    if (event.type === "response.function_call_arguments.delta") deltas.push(event.delta);
    last = event;
  }
  assert.equal(last.type, "response.completed");
  assert.equal(deltas.join(""), last.response.output[0].arguments);
  OpeningHours.parse(JSON.parse(deltas.join("")));
}

export async function error() {
  await assert.rejects(client.responses.create({ model: "no-such-model", input: question }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.match(error.message, /no-such-model/);
    return true;
  });
}

export async function error_bad_schema() {
  const format = { type: "json_schema", name: "bad", schema: { type: "banana" } };
  await assert.rejects(client.responses.create({ ...ask, input: question, text: { format }, stream: true }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "text.format.schema.type");
    return true;
  });
}

// As the package's examples do: it has no loop of its own.
function run(output) {
  for (const { type, arguments: given } of output) {
    if (type !== "function_call") continue;
    try {
      remove(JSON.parse(given || "{}"));
    } catch {
      remove(given);
    }
  }
}

const removing = { type: "function", name: "remove", parameters: REMOVE, strict: false };
const cut = { ...ask, ...forced, input: TASK, tools: [removing] };

async function trying(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof BadRequestError)) throw error;
    refused(error);
  }
}

export const cut_whole = () =>
  cutting((tokens) =>
    trying(async () => run((await client.responses.create({ ...cut, max_output_tokens: tokens })).output)),
  );

// As a client runs calls that does not wait for the whole response: each one when its item is done.
const inPieces = (options) => (tokens) =>
  trying(async () => {
    const asked = { ...cut, ...options, max_output_tokens: tokens, stream: true };
    for await (const event of await client.responses.create(asked)) {
      if (event.type === "response.output_item.done") run([event.item]);
    }
  });

export const cut_streamed = () => cutting(inPieces({}));
export const cut_streamed_whole = () => cutting(inPieces(HELD));

async function called(schemas, options) {
  const given = Object.entries(schemas).map(([name, parameters]) => ({ type: "function", name, parameters }));
  const { output } = await client.responses.create({ ...ask, ...forced, input: question, tools: given, ...options });
  return output.map((call) => [call.name, JSON.parse(call.arguments)]);
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
  const short = { ...ask, max_output_tokens: 8 };
  await replayed(async (messages) => (await client.responses.create({ ...short, input: items(messages) })).output_text);
}

const querying = (format) => ({
  ...ask,
  input: ORDER,
  tools: [{ type: "custom", name: "query", description: "Looks up orders.", format }],
  tool_choice: { type: "custom", name: "query" },
});

export async function grammar_lark() {
  const [call] = (await client.responses.create(querying(QUERY))).output;
  assert.equal(call.type, "custom_tool_call");
  assert.match(call.input, isQuery);
}

export async function grammar_regex() {
  const [call] = (await client.responses.create(querying(DATE))).output;
  assert.match(call.input, isDate);
}

export async function grammar_streamed() {
  const stream = client.responses.stream(querying(QUERY));
  const deltas = [];
  stream.on("response.custom_tool_call_input.delta", (event) => deltas.push(event.delta));
  const [call] = (await stream.finalResponse()).output;
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), call.input);
  assert.match(call.input, isQuery);
}
