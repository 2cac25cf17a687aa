// The openai package for Node: parsed answers, tools that it runs itself, streams, completions.

import assert from "node:assert/strict";
import OpenAI, { NotFoundError } from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const model = process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
const client = new OpenAI({
  baseURL: process.env.BASE_URL ?? "http://127.0.0.1:8000/v1",
  apiKey: process.env.API_KEY ?? "none",
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
