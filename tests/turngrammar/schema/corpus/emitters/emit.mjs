// Prints an emitter's cases as JSON lines. A valid value that the emitter itself refuses is an error.

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));

export const versionOf = (name) => `${name} ${require(`${name}/package.json`).version}`;

export function emit(prefix, emitter, cases, { schema, accepts, dialect = () => undefined }) {
  for (const [id, type, valid, invalid, options] of cases) {
    const refused = valid.filter((value) => !accepts(type, value));
    if (refused.length) throw new Error(`${prefix}/${id} refuses ${JSON.stringify(refused)}`);
    const row = { id: `${prefix}/${id}`, emitter, dialect: dialect(options), schema: schema(type, options), valid, invalid };
    console.log(JSON.stringify(row));
  }
}
