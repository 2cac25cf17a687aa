// The openai package for Node: parsed answers, tools that it runs itself, streams, completions.

import assert from "node:assert/strict";
import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { LengthFinishReasonError } from "openai/error";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { cutting, fits, HELD, isClosed, many, OPEN, refused, REMOVE, remove, replayed, SKIP, TASK } from "./shared.mjs";

const model = process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
const client = new OpenAI({
  baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8000/v1",
  apiKey: process.env.API_KEY ?? "none",
  maxRetries: 0,
});
const ask = { model, temperature: 0, max_tokens: 200 };

const Ticket = z.object({
  title: z.string().max(40),
  priority: z.enum(["low", "medium", "high"]),
  minutes: z.number().int().min(1).max(90),
});
const OpeningHours = z.object({ shop: z.enum(["bakery", "library"]), day: z.enum(["Monday", "Sunday"]) });
const report = [{ role: "user", content: "The printer on floor 3 is on fire. File a ticket." }];
const question = [{ role: "user", content: "When does the bakery open on Monday?" }];

export async function structured_output() {
  const answer = await client.chat.completions.parse({
    ...ask,
    messages: report,
    response_format: zodResponseFormat(Ticket, "ticket"),
  });
  Ticket.parse(answer.choices[0].message.parsed);
}

export async function tool_loop() {
  const asked = [];
  const tool = zodFunction({
    name: "opening_hours",
    parameters: OpeningHours,
    function: (given) => {
      asked.push(OpeningHours.parse(given));
      return "It opens at 7:30.";
    },
  });
  const named = { type: "function", function: { name: "opening_hours" } };
  const runner = client.chat.completions.runTools({ ...ask, messages: question, tools: [tool], tool_choice: named });
  await runner.done();
  assert.equal(asked.length, 1);
  assert.deepEqual(runner.messages.map((message) => message.role), ["user", "assistant", "tool"]);
  const last = await client.chat.completions.parse({
    ...ask,
    messages: runner.messages,
    response_format: zodResponseFormat(Ticket, "ticket"),
  });
  Ticket.parse(last.choices[0].message.parsed);
}

export async function streaming() {
  const asked = { ...ask, messages: report, response_format: zodResponseFormat(Ticket, "ticket") };
  const stream = client.chat.completions.stream(asked);
  const deltas = [];
  stream.on("content", (delta) => deltas.push(delta));
  const message = (await stream.finalChatCompletion()).choices[0].message;
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), message.content);
  Ticket.parse(message.parsed);
}

const prompt = { model, prompt: "The capital of France is", temperature: 0, max_tokens: 8 };

export async function completion_text() {
  const answer = await client.completions.create({ ...prompt, echo: true });
  assert.ok(answer.choices[0].text.startsWith(prompt.prompt));
  assert.equal(answer.usage.completion_tokens, 8);
}

export async function completion_logprobs() {
  const { logprobs } = (await client.completions.create({ ...prompt, logprobs: 2 })).choices[0];
  assert.equal(logprobs.tokens.length, 8);
  logprobs.top_logprobs.forEach((top, index) => assert.equal(Math.max(...Object.values(top)), logprobs.token_logprobs[index]));
}

export async function completion_stream() {
  const deltas = [];
  for await (const chunk of await client.completions.create({ ...prompt, stream: true })) deltas.push(chunk.choices[0].text);
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), (await client.completions.create(prompt)).choices[0].text);
}

export async function error() {
  await assert.rejects(client.chat.completions.create({ model: "no-such-model", messages: question }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.match(error.message, /no-such-model/);
    return true;
  });
}

const forced = { tool_choice: "required", parallel_tool_calls: false };

// The package's own loop. Like the openai package's examples, the function takes no text for no arguments.
function limited(options = {}) {
  const parse = (text) => {
    try {
      return JSON.parse(text || "{}");
    } catch {
      return text;
    }
  };
  const tool = { type: "function", function: { name: "remove", parameters: REMOVE, parse, function: remove } };
  const asked = { ...ask, ...forced, messages: [{ role: "user", content: TASK }], tools: [tool], ...options };
  return async (tokens) => {
    try {
      await client.chat.completions.runTools({ ...asked, max_tokens: tokens }, { maxChatCompletions: 1 }).done();
    } catch (error) {
      if (error instanceof BadRequestError) refused(error);
      else if (!(error instanceof LengthFinishReasonError)) throw error; // it heeds the finish reason
    }
  };
}

export const cut_whole = () => cutting(limited());
export const cut_streamed = () => cutting(limited({ stream: true }), true);
export const cut_streamed_whole = () => cutting(limited({ stream: true, ...HELD }));

async function called(schemas, options) {
  const tools = Object.entries(schemas).map(([name, parameters]) => ({ type: "function", function: { name, parameters } }));
  const asked = { ...ask, ...forced, messages: question, tools, ...options };
  const { message } = (await client.chat.completions.create(asked)).choices[0];
  return message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
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
  await replayed(async (messages) => (await client.chat.completions.create({ ...short, messages })).choices[0].message.content);
}
