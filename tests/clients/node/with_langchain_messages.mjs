// @langchain/anthropic: withStructuredOutput by each method, bindTools, streams, thinking.

import assert from "node:assert/strict";
import { ChatAnthropic } from "@langchain/anthropic";
import { ContextOverflowError } from "@langchain/core/errors";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import {
  CLAUDE, cutting, fits, FLOOD, HELD, isClosed, many, OPEN, refused, REMOVE, remove, replayed, SKIP, TASK, tooLong,
} from "./shared.mjs";

const made = (options) =>
  new ChatAnthropic({
    model: CLAUDE,
    apiKey: process.env.API_KEY ?? "none",
    anthropicApiUrl: (process.env.BASE_URL ?? "http://127.0.0.1:8000/v1").replace(/\/v1$/, ""),
    temperature: 0,
    maxTokens: 200,
    maxRetries: 0,
    ...options,
  });
const report = "The printer on floor 3 is on fire. File a ticket.";
const question = new HumanMessage("When does the bakery open on Monday?");
const Ticket = z.object({
  title: z.string().max(40),
  priority: z.enum(["low", "medium", "high"]),
  minutes: z.number().int().min(1).max(90),
});
const OpeningHours = z.object({ shop: z.enum(["bakery", "library"]), day: z.enum(["Monday", "Sunday"]) });

const structured = async (method) => Ticket.parse(await made().withStructuredOutput(Ticket, { method }).invoke(report));

export async function structured_output_json_schema() {
  await structured("jsonSchema");
}

export async function structured_output_function_calling() {
  await structured("functionCalling");
}

async function looped(options) {
  const asked = [];
  const hours = tool(
    (given) => {
      asked.push(OpeningHours.parse(given));
      return "It opens at 7:30.";
    },
    { name: "opening_hours", description: "When a shop opens.", schema: OpeningHours },
  );
  const first = await made().bindTools([hours], options).invoke([question]);
  const results = [];
  for (const call of first.tool_calls) results.push(await hours.invoke(call));
  assert.ok(asked.length > 0);
  Ticket.parse(await made().withStructuredOutput(Ticket, { method: "jsonSchema" }).invoke([question, first, ...results]));
}

export async function tool_loop() {
  await looped({ tool_choice: "opening_hours" });
}

export async function tool_loop_strict() {
  await looped({ tool_choice: "any", strict: true });
}

export async function streaming() {
  const short = made({ maxTokens: 20 });
  const deltas = [];
  for await (const chunk of await short.stream([question])) if (chunk.text) deltas.push(chunk.text);
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), (await short.invoke([question])).text);
}

export async function error() {
  await assert.rejects(made({ model: "no-such-model" }).invoke(report), (error) => {
    assert.equal(error.status, 404);
    assert.equal(error.lc_error_code, "MODEL_NOT_FOUND");
    assert.match(error.message, /no-such-model/);
    return true;
  });
}

export async function error_too_long() {
  await assert.rejects(made().invoke(FLOOD), (error) => {
    assert.ok(ContextOverflowError.isInstance(error), String(error));
    tooLong(error);
    return true;
  });
}

const forced = { tool_choice: { type: "any", disable_parallel_tool_use: true } };

// The calls of an answer, run as LangChain's examples do.
function limited(answered, invocationKwargs = {}) {
  const removing = tool(remove, { name: "remove", description: "Removes the files that match a pattern.", schema: REMOVE });
  return async (tokens) => {
    try {
      const answer = await answered(made({ maxTokens: tokens, invocationKwargs }).bindTools([removing], forced));
      for (const call of answer.tool_calls ?? []) await removing.invoke(call);
    } catch (error) {
      if (error.status !== 400) throw error;
      refused(error);
    }
  };
}

async function gathered(bound) {
  let whole;
  for await (const chunk of await bound.stream(TASK)) whole = whole ? whole.concat(chunk) : chunk;
  return whole;
}

export const cut_whole = () => cutting(limited((bound) => bound.invoke(TASK)));
export const cut_streamed = () => cutting(limited(gathered));
export const cut_streamed_whole = () => cutting(limited(gathered, HELD));

async function called(schemas, options) {
  const tools = Object.entries(schemas).map(([name, parameters]) => ({ type: "function", function: { name, parameters } }));
  const { tool_calls } = await made(options).bindTools(tools, forced).invoke([question]);
  return tool_calls.map((call) => [call.name, call.args]);
}

export async function closed() {
  const sampled = (seed) => ({ temperature: 1, invocationKwargs: { seed } });
  await isClosed(async (seed) => (await called({ hours: OPEN }, sampled(seed))).map(([, given]) => given));
}

export async function many_tools() {
  fits(...(await called(many(), { invocationKwargs: SKIP }))[0]);
}

export async function many_tools_dotted() {
  fits(...(await called(many("files.v2/tool_"), { invocationKwargs: SKIP }))[0], "files.v2/tool_");
}

export async function histories() {
  await replayed(async (messages) => (await made({ maxTokens: 8 }).invoke(messages)).text);
}

// Thoughts go back in the next turn.
export async function thinking() {
  const thinker = made({ temperature: undefined, maxTokens: 1030, thinking: { type: "enabled", budget_tokens: 1024 } });
  const first = await thinker.invoke([question]);
  assert.ok(first.content.length);
  assert.ok((await thinker.invoke([question, first, new HumanMessage("Thank you.")])).content.length);
}
