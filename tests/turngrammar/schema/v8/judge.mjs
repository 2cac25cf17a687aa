// Judges patterns.jsonl anew: node judge.mjs < patterns.jsonl > judged.jsonl
// Each line has a pattern and texts; "matches" are those in which V8 finds one under the flag `u`.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { pattern, matches, others } = JSON.parse(line);
  const expression = new RegExp(pattern, "u");
  const judged = { pattern, matches: [], others: [] };
  for (const text of [...matches, ...others]) judged[expression.test(text) ? "matches" : "others"].push(text);
  console.log(JSON.stringify(judged));
}
