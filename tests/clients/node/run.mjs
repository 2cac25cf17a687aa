// Runs the scenarios of a script, and tells what came of them, a line of JSON each.
//
//     node run.mjs with_openai openai
//
// The first line has the versions of the packages that are named. A scenario is a function that the script exports, whose
// name begins with one of SCENARIOS; it has passed when it returns, and what it returns is what was seen.

import { readFileSync } from "node:fs";

const SCENARIOS = /^(structured_output|tool_loop|streaming|error|cut|closed|many_tools|histories|completion|grammar|thinking|counting)/;

async function outcome(name, scenario) {
  const start = performance.now();
  let failure = null;
  let seen = null;
  try {
    seen = (await scenario()) ?? null;
  } catch (error) {
    console.error(error);
    failure = `${error.name}: ${error.message}`.slice(0, 500);
  }
  return { scenario: name, seconds: Math.round((performance.now() - start) / 100) / 10, failure, seen };
}

const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

console.log = console.info = console.error; // what clients print is none of it
const [script, ...packages] = process.argv.slice(2);
tell({ versions: { ...Object.fromEntries(packages.map((name) => [name, version(name)])), Node: process.versions.node } });
const functions = await import(`./${script}.mjs`);
const source = readFileSync(new URL(`./${script}.mjs`, import.meta.url), "utf8");
const names = Object.keys(functions).filter((name) => SCENARIOS.test(name));
const place = (name) => source.search(new RegExp(`export (async function|const) ${name}\\b`));
names.sort((a, b) => place(a) - place(b)); // as they stand in the script
for (const name of names) tell(await outcome(name, functions[name]));
process.exit(0);
