// Schemas of zod 4, as `z.toJSONSchema` writes them, with values that zod parses.
// Arguments name the cases; without any, all are written. Many differ between minor versions.

import { z } from "zod";
import { emit, versionOf } from "./emit.mjs";
import { containers } from "./zod_containers.mjs";
import { scalars } from "./zod_scalars.mjs";

const version = versionOf("zod");
const wanted = process.argv.slice(2);
const cases = [...containers, ...scalars].filter(([id]) => wanted.includes(id) || !wanted.length);

emit(`zod-${version.match(/4\.\d+/)}`, version, cases, {
  schema: (type, options = {}) => z.toJSONSchema(type, options),
  accepts: (type, value) => type.safeParse(value).success,
  dialect: ({ target, invalid } = {}) => (target === "openapi-3.0" || invalid ? "unnamed" : undefined),
});
