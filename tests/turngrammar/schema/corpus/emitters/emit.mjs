// Prints an emitter's cases as JSON lines. A valid value that the emitter itself refuses is an error.

import { readFileSync } from "node:fs";

export const versionOf = (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version}`;

export function emit(prefix, emitter, cases, { schema, accepts, dialect = () => undefined }) {
  for (const [id, type, valid, invalid, options] of cases) {
    const refused = valid.filter((value) => !accepts(type, value));
    if (refused.length) {
      console.error(`${prefix}/${id} refuses ${JSON.stringify(refused)}`);
      process.exitCode = 1;
    }
    const row = {
      id: `${prefix}/${id}`,
      emitter,
      dialect: dialect(options),
      schema: schema(type, options),
      valid,
      invalid,
    };
    console.log(JSON.stringify(row));
  }
}
