// Schemas of zod 4, as `z.toJSONSchema` writes them, with values that zod parses.

import { z } from "zod";
import { emit, versionOf } from "./emit.mjs";
import { containers } from "./zod_containers.mjs";
import { scalars } from "./zod_scalars.mjs";

emit("zod", versionOf("zod"), [...containers, ...scalars], {
  schema: (type, options = {}) => z.toJSONSchema(type, options),
  accepts: (type, value) => type.safeParse(value).success,
  dialect: (options = {}) => (options.target === "openapi-3.0" ? "unnamed" : undefined),
});
