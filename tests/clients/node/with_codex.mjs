// Codex CLI, `codex exec`: its own binary, offline, with a folder, a home and a model catalog of its own for each run.
//
// Codex has no settings for a tool choice, a temperature or a limit: a relay between it and the server adds them to its
// requests, as the scenarios need them, and keeps what it sends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CODEX = path.join(HERE, "node_modules", ".bin", "codex");
const model = process.env.MODEL ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
const server = process.env.BASE_URL ?? "http://127.0.0.1:8000/v1";
const key = process.env.API_KEY ?? "none";

// What Codex has to know of a model that it doesn't know: without an entry it has no apply_patch.
const entry = {
  slug: model, display_name: "A small model", description: null, supported_reasoning_levels: [], shell_type: "unified_exec",
  visibility: "list", supported_in_api: true, priority: 1, base_instructions: "You change files.",
  default_reasoning_summary: "none", support_verbosity: false, apply_patch_tool_type: "freeform",
  truncation_policy: { mode: "tokens", limit: 1000 }, supports_parallel_tool_calls: false, context_window: 8192,
  effective_context_window_percent: 95, experimental_supported_tools: [], input_modalities: ["text"],
  supports_search_tool: false, include_skills_usage_instructions: false, include_plugin_usage_instructions: false,
  include_apps_usage_instructions: false,
};
const config = (url, home, more) => `
model_provider = "latticework"
model_catalog_json = ${JSON.stringify(path.join(home, "catalog.json"))}
approval_policy = "never"
[model_providers.latticework]
name = "latticework"
base_url = "${url}"
env_key = "LATTICEWORK_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
[features]
goals = false
[agents]
enabled = false
${more}`;

const GREEDY = { temperature: 0 };
const ANSWER = { ...GREEDY, tool_choice: "none" }; // what comes after the first request
const SCHEMA = {
  type: "object",
  properties: { done: { type: "boolean" }, note: { type: "string", maxLength: 20 } },
  required: ["done", "note"],
  additionalProperties: false,
};
const PATCH = "*** Begin Patch\n*** Add File: hello.txt\n+hello\n*** End Patch";

// Passes requests on with `changes` of their bodies, in turn, and keeps them.
async function relay(changes) {
  const kept = [];
  const relaying = http.createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    const sent = text ? JSON.parse(text) : {};
    const body = { ...sent, ...(changes[kept.length] ?? ANSWER) };
    const exchange = { path: request.url, sent, answer: "" };
    kept.push(exchange);
    const headers = { "content-type": "application/json", authorization: request.headers.authorization ?? "" };
    const answer = await fetch(server + request.url, { method: request.method, headers, body: text && JSON.stringify(body) });
    exchange.status = answer.status;
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
    const decoder = new TextDecoder();
    for await (const piece of answer.body) {
      exchange.answer += decoder.decode(piece, { stream: true });
      response.write(piece);
    }
    response.end();
  });
  await new Promise((listening) => relaying.listen(0, "127.0.0.1", listening));
  return { kept, url: `http://127.0.0.1:${relaying.address().port}`, close: () => relaying.close() };
}

// One run or several of a conversation. Codex's home may not lie in a folder for temporary files.
async function inFolder(changes, more, act) {
  const home = await mkdtemp(path.join(homedir(), ".codex-of-a-test-"));
  const folder = path.join(home, "work");
  const between = await relay(changes);
  try {
    await mkdir(folder);
    await writeFile(path.join(home, "config.toml"), config(between.url, home, more));
    await writeFile(path.join(home, "catalog.json"), JSON.stringify({ models: [entry] }));
    await writeFile(path.join(home, "schema.json"), JSON.stringify(SCHEMA));
    return await act({ home, folder, kept: between.kept });
  } finally {
    between.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function exec({ home, folder }, prompt, { name = model, before = [] } = {}) {
  const options = ["--json", "--skip-git-repo-check", "-m", name, "-c", 'sandbox_mode="workspace-write"'];
  const form = before.length ? [] : ["--output-schema", path.join(home, "schema.json")];
  const env = { ...process.env, CODEX_HOME: home, LATTICEWORK_KEY: key, NO_PROXY: "127.0.0.1" };
  const child = spawn(CODEX, ["exec", ...before, ...options, ...form, prompt], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  let complaints = "";
  child.stdout.on("data", (piece) => (told += piece));
  child.stderr.on("data", (piece) => (complaints += piece));
  const status = await new Promise((closed) => child.on("close", closed));
  console.error(told, complaints);
  const events = told.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status, events, items: events.filter((event) => event.type === "item.completed").map((event) => event.item) };
}

const ended = ({ status, events }) => {
  assert.equal(status, 0);
  assert.equal(events.at(-1).type, "turn.completed");
  assert.ok(events.at(-1).usage.output_tokens > 0);
};

const message = ({ items }) => items.findLast((item) => item.type === "agent_message").text;

function isDone(text) {
  const { done, note, ...rest } = JSON.parse(text);
  assert.equal(typeof done, "boolean");
  assert.ok(note.length <= 20);
  assert.deepEqual(rest, {});
}

export async function structured_output() {
  await inFolder([ANSWER], "", async (at) => {
    const run = await exec(at, "Are you done?");
    ended(run);
    isDone(message(run));
    const types = at.kept[0].sent.tools.map((tool) => tool.type);
    assert.ok(types.includes("custom") && types.includes("function") && types.includes("web_search"), types.join());
  });
}

// Codex applies the patch, if it can, and tells the model; the model's next answer ends the turn.
export async function tool_loop() {
  const chosen = { ...GREEDY, tool_choice: { type: "custom", name: "apply_patch" }, max_output_tokens: 300 };
  return inFolder([chosen, ANSWER], "", async (at) => {
    const run = await exec(at, `Call apply_patch with this patch:\n${PATCH}`);
    ended(run);
    isDone(message(run));
    const [call, result] = at.kept[1].sent.input.slice(-2);
    assert.equal(call.type, "custom_tool_call");
    assert.equal(result.type, "custom_tool_call_output");
    assert.equal(result.call_id, call.call_id);
    assert.ok(isPatch(call.input), call.input);
    const text = typeof result.output === "string" ? result.output : JSON.stringify(result.output);
    assert.ok(!/unsupported|incompatible/.test(text), text);
    if (call.input.trimEnd() === PATCH) assert.equal(await readFile(path.join(at.folder, "hello.txt"), "utf8"), "hello\n");
    return call.input.trimEnd() === PATCH ? "the patch was applied" : "another patch, which was refused or applied";
  });
}

// A function, with arguments that Codex reads: there is no such image.
export async function tool_loop_function() {
  const chosen = { ...GREEDY, tool_choice: { type: "function", name: "view_image" }, max_output_tokens: 300 };
  await inFolder([chosen, ANSWER], "", async (at) => {
    ended(await exec(at, "Look at image.png."));
    const [call, result] = at.kept[1].sent.input.slice(-2);
    assert.equal(call.type, "function_call");
    assert.equal(typeof JSON.parse(call.arguments).path, "string");
    assert.equal(result.type, "function_call_output");
    assert.ok(!/unsupported|missing field|invalid type/.test(JSON.stringify(result.output)), JSON.stringify(result.output));
  });
}

export async function error() {
  await inFolder([{}], "", async (at) => {
    const { status, events } = await exec(at, "Hello.", { name: "no-such-model" });
    assert.notEqual(status, 0);
    assert.match(JSON.stringify(events), /no-such-model' does not exist/);
  });
}

// Codex runs calls when their items are done: it fails the turn, and has run nothing.
export async function cut_streamed() {
  const limits = [2, 12, 25];
  for (const tokens of limits) {
    const chosen = { ...GREEDY, tool_choice: { type: "custom", name: "apply_patch" }, max_output_tokens: tokens };
    await inFolder([chosen], "", async (at) => {
      const { events } = await exec(at, `Call apply_patch with this patch:\n${PATCH}`);
      assert.equal(at.kept.length, 1);
      assert.equal(events.at(-1).type, "turn.failed");
      assert.match(JSON.stringify(events.at(-1)), /max_output_tokens/);
      assert.ok(!events.some((event) => event.item?.type === "file_change"));
    });
  }
  return `${limits.length} limits: complete at 0, cut arguments at 0, empty at 0`;
}

// A server of tools as Codex starts it, which writes down the names of what is called.
const TOOLS = `
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
const [log, name] = process.argv.slice(2);
const properties = { value: { enum: ["a", "b"] } };
const inputSchema = { type: "object", properties, required: ["value"] };
const tools = Array.from({ length: 13 }, (_, index) => ({
  name: "tool_" + (index + 1), description: "A tool.", inputSchema, annotations: { readOnlyHint: true },
}));
const capabilities = { tools: {} };
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities, serverInfo: { name, version: "1" } }),
  "tools/list": () => ({ tools }),
  "tools/call": (called) => {
    appendFileSync(log, JSON.stringify([name, called.name, called.arguments]) + "\\n");
    return { content: [{ type: "text", text: "Done." }] };
  },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = (answers[method] ?? (() => ({})))(params);
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
});
`;

// Two servers of tools, which have the same names: namespaces tell them apart.
export async function many_tools() {
  const chosen = { tool_choice: { type: "function", name: "tool_3", namespace: "mcp__second" }, ...GREEDY };
  const script = path.join(HERE, "tools-of-a-test.mjs");
  const log = path.join(HERE, `called-${process.pid}.jsonl`);
  await writeFile(script, TOOLS);
  await writeFile(log, "");
  const one = (name) => `[mcp_servers.${name}]\ncommand = "node"\nargs = ${JSON.stringify([script, log, name])}\n`;
  try {
    await inFolder([chosen, ANSWER], one("first") + one("second"), async (at) => {
      const run = await exec(at, "Call tool_3.");
      const spaces = at.kept[0].sent.tools.filter((tool) => tool.type === "namespace");
      assert.deepEqual(spaces.map((space) => space.tools.length), [13, 13]);
      ended(run);
      const called = (await readFile(log, "utf8")).trim().split("\n").map((line) => JSON.parse(line));
      assert.equal(called.length, 1);
      const [[where, name, given]] = called;
      assert.deepEqual([where, name], ["second", "tool_3"]);
      assert.ok(["a", "b"].includes(given.value));
    });
  } finally {
    await rm(script);
    await rm(log);
  }
}

// A conversation that goes on: all its items are sent again.
export async function histories() {
  await inFolder([ANSWER, ANSWER], "", async (at) => {
    ended(await exec(at, "Are you done?"));
    const again = await exec(at, "And now?", { before: ["resume", "--last"] });
    assert.equal(at.kept.length, 2);
    const roles = at.kept[1].sent.input.map((item) => item.role);
    assert.ok(roles.lastIndexOf("assistant") < roles.lastIndexOf("user") && roles.includes("assistant"), roles.join());
    assert.equal(at.kept[1].status, 200);
    assert.ok(again.events.some((event) => event.type === "turn.completed"));
  });
}

// A patch as Codex's grammar has it, read by hand.
export function isPatch(text) {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length < 3 || lines.shift() !== "*** Begin Patch" || lines.pop() !== "*** End Patch") return false;
  const next = (pattern) => lines.length > 0 && pattern.test(lines[0]) && lines.shift() !== undefined;
  const all = (pattern) => {
    let count = 0;
    while (next(pattern)) count++;
    return count;
  };
  while (lines.length) {
    if (next(/^\*\*\* Delete File: ./)) continue;
    if (next(/^\*\*\* Add File: ./)) {
      if (!all(/^\+/)) return false;
      continue;
    }
    if (!next(/^\*\*\* Update File: ./)) return false;
    next(/^\*\*\* Move to: ./);
    if (all(/^([-+ ]|@@$|@@ .)/)) next(/^\*\*\* End of File$/);
  }
  return true;
}

// Codex's tools, as it sends them, asked for directly and sampled: each patch that is finished is in the grammar.
export async function grammar() {
  const seeds = Array.from({ length: 3 * Number(process.env.SEEDS ?? 3) }, (_, index) => index);
  return inFolder([ANSWER], "", async (at) => {
    await exec(at, `Call apply_patch with this patch:\n${PATCH}`);
    const finished = [];
    for (const seed of seeds) {
      const sampling = { temperature: seed / 10, seed, max_output_tokens: 200, stream: false, text: undefined };
      const body = { ...at.kept[0].sent, ...sampling, tool_choice: { type: "custom", name: "apply_patch" } };
      const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
      const answer = await fetch(`${server}/responses`, { method: "POST", headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 200);
      finished.push(...(await answer.json()).output.filter((item) => item.type === "custom_tool_call"));
    }
    for (const { input } of finished) assert.ok(isPatch(input), input);
    assert.ok(finished.length > 0, "no patch was finished");
    return `${finished.length} of ${seeds.length} patches finished, and are in the grammar`;
  });
}
