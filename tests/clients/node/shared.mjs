// What the scenarios of all clients share, and nothing of any client: a tool, calls that are cut, schemas, histories.

import assert from "node:assert/strict";

const every = Number(process.env.EVERY ?? 1);
// What a call needs is less than the last. A stride above 1 leaves out some of them.
const CUTS = Array.from({ length: 35 }, (_, index) => index + 1).filter((tokens) => (tokens - 1) % every === 0);
const UNCUT = 120;
export const SEEDS = Array.from({ length: Number(process.env.SEEDS ?? 3) }, (_, index) => index + 1);
export const TASK = "Remove all temporary files, *.tmp. First do a dry run.";
export const HELD = { tool_call_streaming: "whole" };
export const SKIP = { on_bad_tool: "skip" };
const ran = [];

// Runs what a program would: missing arguments have defaults, and those that aren't JSON are kept as they are.
export function remove(given) {
  ran.push(typeof given === "string" ? given : JSON.stringify({ pattern: "*", days: 0, ...given }));
  return "They are gone.";
}

const NOTHING = JSON.stringify({ pattern: "*", days: 0 });
export const REMOVE = {
  type: "object",
  properties: { pattern: { type: "string", default: "*" }, days: { type: "integer", default: 0 } },
  additionalProperties: false,
};

// Drives a client once for each cut, by `max_tokens`, and holds what it ran against what it runs uncut.
export async function cutting(drive, streamed = false) {
  const runs = async (tokens) => {
    ran.length = 0;
    await drive(tokens);
    return [...ran];
  };
  const whole = await runs(UNCUT);
  assert.ok(whole.length && !whole.includes(NOTHING), `uncut, it ran [${whole}]`);
  const [finished, partial, empty] = [[], [], []];
  for (const tokens of CUTS) {
    const calls = await runs(tokens);
    if (calls.includes(NOTHING)) empty.push(tokens);
    else if (calls.some((call) => !whole.includes(call))) partial.push(tokens);
    else if (calls.length) finished.push(tokens);
  }
  assert.ok(!empty.length, `run with empty arguments at ${empty}, with cut ones at ${partial}`);
  assert.ok(streamed || !partial.length, `run with cut arguments at ${partial}`);
  return `${CUTS.length} limits: complete at ${finished.length}, cut arguments at ${partial.length}, empty at ${empty.length}`;
}

// The server's error for a limit that holds no call names the parameter.
export function refused(error) {
  assert.match(error.message, /max_((completion|output)_)?tokens/);
}

// Its properties are listed, and nothing is said of others.
export const OPEN = {
  type: "object",
  properties: { shop: { enum: ["bakery", "library"] }, note: { type: "string", maxLength: 12 } },
  required: ["shop"],
};

// `drive` takes a seed, and returns the objects that the client made.
export async function isClosed(drive) {
  for (const seed of SEEDS) {
    for (const one of await drive(seed)) {
      assert.ok(["shop", "shop,note"].includes(Object.keys(one).join()), `seed ${seed}: ${JSON.stringify(one)}`);
    }
  }
}

const call = (name, given, id) => ({ id, type: "function", function: { name, arguments: given } });

// Conversations of agents, as OpenAI writes them; JavaScript cuts strings between the halves of an emoji.
export const HISTORIES = [
  [
    { role: "system", content: "You help." },
    { role: "user", content: "When do the bakery and the library open?" },
    {
      role: "assistant",
      content: null,
      tool_calls: [call("hours", '{"shop": "bakery"}', "call_1"), call("hours", '{"shop": "library"}', "call_2")],
    },
    { role: "tool", tool_call_id: "call_1", content: "At 7:30 😀".slice(0, -1) },
    { role: "tool", tool_call_id: "call_2", content: "" },
    { role: "assistant", content: "The bakery opens at 7:30." },
    { role: "user", content: "Thank you. And on Sunday?" },
  ],
  [
    { role: "developer", content: "You help." },
    { role: "user", content: "Grüße! 你好 😀" },
    { role: "assistant", content: "", tool_calls: [call("shops", "{}", "call_1")] },
    { role: "tool", tool_call_id: "call_1", content: '{"shops": ["Bäckerei", "图书馆", "👩‍👩‍👧"], "next": null}' },
  ],
];

// `ask` sends a conversation through the client, and returns the text of the answer, which depends on it.
export async function replayed(ask) {
  const answers = [];
  for (const messages of HISTORIES) answers.push(await ask(messages));
  assert.ok(answers.every((answer) => answer), "no answer");
  assert.ok(new Set(answers).size > 1, `the same answers: ${answers}`);
}

// Schemas by the name of a tool: 26, of which nothing fits the 13th.
export function many(prefix = "tool_") {
  const numbers = Array.from({ length: 26 }, (_, index) => index + 1);
  const value = (number) =>
    number === 13 ? { type: "integer", minimum: 3, maximum: 2 } : { enum: [`a${number}`, `b${number}`] };
  const schema = (number) => ({ type: "object", properties: { value: value(number) }, required: ["value"] });
  return Object.fromEntries(numbers.map((number) => [`${prefix}${number}`, schema(number)]));
}

// What was called is one of the tools that can be, with arguments that fit.
export function fits(name, given, prefix = "tool_") {
  assert.deepEqual(Object.keys(given), ["value"]);
  assert.ok(many(prefix)[name].properties.value.enum.includes(given.value), `${name} ${JSON.stringify(given)}`);
}

// Beyond this, of clients that speak /v1/responses.

// OpenAI's messages as its items.
export function items(messages) {
  return messages.flatMap(({ role, content, tool_calls = [], tool_call_id }) => {
    if (role === "tool") return [{ type: "function_call_output", call_id: tool_call_id, output: content }];
    const calls = tool_calls.map((call) => ({ type: "function_call", call_id: call.id, ...call.function }));
    return [...(content === null ? [] : [{ role, content }]), ...calls];
  });
}

export const ORDER = "Look up the orders above 500 of this year.";
export const QUERY = {
  type: "grammar",
  syntax: "lark",
  definition: `start: "SELECT " column (", " column)? " FROM orders WHERE " filter (" AND " filter)? ";"
column: "id" | "customer" | "total"
filter: "total > " NUMBER | "year = " YEAR
NUMBER: /[1-9][0-9]{0,3}/
YEAR: /20[0-9]{2}/
`,
};
export const DATE = { type: "grammar", syntax: "regex", definition: "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$" };

// What the grammars have, by other means.
const column = "(id|customer|total)";
const filter = "(total > [1-9][0-9]{0,3}|year = 20[0-9]{2})";
export const isQuery = new RegExp(`^SELECT ${column}(, ${column})? FROM orders WHERE ${filter}( AND ${filter})?;$`);
export const isDate = /^20[0-9]{2}-[01][0-9]-[0-3][0-9]$/;

// Beyond this, of clients that speak /v1/messages. What some of them send depends on the model's name: the server has
// one that begins with claude for its model.

export const CLAUDE = process.env.CLAUDE ?? "claude-sonnet-4-5";
// Beyond the context of any model that is tested with.
export const FLOOD = "The printer on floor 3 is on fire. ".repeat(5000);
const TOO_LONG = /prompt is too long: (\d+) tokens > (\d+) maximum/;

// What agents look for when a conversation exceeds the context: the numbers of tokens, and the words.
export function tooLong({ message }) {
  const [, tokens, most] = message.match(TOO_LONG) ?? assert.fail(message);
  assert.ok(Number(tokens) > Number(most), message);
}

function blocks({ role, content, tool_calls = [], tool_call_id }) {
  if (role === "tool") return [{ type: "tool_result", tool_use_id: tool_call_id, content }];
  const calls = tool_calls.map(({ id, function: { name, arguments: given } }) => ({
    type: "tool_use",
    id,
    name,
    input: JSON.parse(given),
  }));
  return calls.length ? [...(content ? [{ type: "text", text: content }] : []), ...calls] : content;
}

// OpenAI's messages as that API's: results of parallel calls share a turn of the user's.
export function turns(messages) {
  const [first, ...others] = messages;
  const begun = ["system", "developer"].includes(first.role);
  const made = [];
  for (const message of begun ? others : messages) {
    const result = message.role === "tool";
    if (result && made.at(-1).role === "user") made.at(-1).content.push(...blocks(message));
    else made.push({ role: result ? "user" : message.role, content: blocks(message) });
  }
  return { ...(begun ? { system: first.content } : {}), messages: made };
}
