// Types as libraries of agents hand them to a model, and as libraries beside zod 4 write them.

import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { tool } from "@langchain/core/tools";
import { zodSchema } from "ai";
import { Schema } from "effect";
import { zodResponseFormat } from "openai/helpers/zod";
import { z as z4 } from "zod";
import { z as z3 } from "zod3";
import { zodToJsonSchema } from "zod-to-json-schema";
import { emit, versionOf } from "./emit.mjs";

const recipe = (z) =>
  z.object({
    name: z.string().min(1),
    minutes: z.number().int().positive(),
    steps: z.array(z.object({ text: z.string(), optional: z.boolean().nullable() })).min(1),
    rating: z.number().min(0).max(5),
    tags: z.array(z.enum(["vegan", "quick"])).nullable(),
  });
const tree = (z) => {
  const node = z.object({ label: z.string(), children: z.array(z.lazy(() => node)) });
  return node;
};

const recipes = [
  [
    { name: "a", minutes: 5, steps: [{ text: "", optional: null }], rating: 4.5, tags: null },
    { name: "b", minutes: 90, steps: [{ text: "x", optional: true }], rating: 0, tags: ["vegan"] },
  ],
  [
    { name: "", minutes: 5, steps: [{ text: "", optional: null }], rating: 1, tags: null },
    { name: "a", minutes: 0, steps: [{ text: "", optional: null }], rating: 1, tags: null },
    { name: "a", minutes: 1, steps: [], rating: 1, tags: null },
    { name: "a", minutes: 1, steps: [{ text: "", optional: null }], rating: 5.5, tags: null },
  ],
];
const trees = [
  [
    { label: "a", children: [] },
    { label: "a", children: [{ label: "b", children: [] }] },
  ],
  [{ label: "a" }, { label: "a", children: [{}] }],
];

const zod = { accepts: (type, value) => type.safeParse(value).success };

const ai = [
  ["recipe", zodSchema(recipe(z4)), ...recipes],
  ["tree", zodSchema(tree(z4)), ...trees],
];
for (const row of ai) row[1] = { type: row[1], schema: await row[1].jsonSchema };
emit("vercel-ai", versionOf("ai"), ai, { schema: ({ schema }) => schema, accepts: () => true });

const format = (type) => zodResponseFormat(type, "answer").json_schema.schema;
emit(
  "openai-node",
  versionOf("openai"),
  [
    ["recipe", recipe(z4), ...recipes],
    ["tree", tree(z4), ...trees],
  ],
  { schema: format, ...zod },
);

const langchain = (type) =>
  convertToOpenAITool(tool(() => "", { name: "answer", description: "Answer.", schema: type })).function.parameters;
emit(
  "langchain-node",
  versionOf("@langchain/core"),
  [
    ["recipe", recipe(z4), ...recipes],
    ["tree-zod-3", tree(z3), ...trees],
  ],
  { schema: langchain, ...zod },
);

const zod3 = [
  ["recipe", recipe(z3), ...recipes],
  ["tree", tree(z3), ...trees],
  [
    "strings",
    z3.object({
      email: z3.string().email(),
      url: z3.string().url(),
      uuid: z3.string().uuid(),
      cuid: z3.string().cuid(),
      at: z3.string().datetime(),
      starts: z3.string().startsWith("a.b"),
      has: z3.string().includes("x").max(5),
      ip: z3.string().ip(),
      b64: z3.string().base64(),
    }),
    [
      {
        email: "a@b.de",
        url: "https://a.b/",
        uuid: "2eb8aa08-aa98-41ea-b4aa-73b441d16380",
        cuid: "cjld2cjxh0000qzrmn831i7rn",
        at: "2024-01-01T00:00:00Z",
        starts: "a.bc",
        has: "axb",
        ip: "1.2.3.4",
        b64: "aGVsbG8=",
      },
    ],
    [
      {
        email: "a@b.de",
        url: "https://a.b/",
        uuid: "2eb8aa08-aa98-41ea-b4aa-73b441d16380",
        cuid: "cjld2cjxh0000qzrmn831i7rn",
        at: "2024-01-01T00:00:00Z",
        starts: "aab",
        has: "axb",
        ip: "1.2.3.4",
        b64: "aGVsbG8=",
      },
      {
        email: "a@b.de",
        url: "https://a.b/",
        uuid: "2eb8",
        cuid: "c",
        at: "",
        starts: "a.b",
        has: "",
        ip: "",
        b64: "",
      },
    ],
  ],
  [
    "containers",
    z3
      .object({
        pair: z3.tuple([z3.string(), z3.number()]),
        rest: z3.tuple([z3.boolean()]).rest(z3.number()),
        set: z3.set(z3.number()).optional(),
        map: z3.record(z3.enum(["a", "b"]), z3.number()),
        native: z3.nativeEnum({ A: 1, B: "b" }),
        literal: z3.literal(5),
        nullable: z3.string().nullable(),
        union: z3.union([z3.string(), z3.number(), z3.null()]),
      })
      .strict(),
    [
      { pair: ["a", 1], rest: [true], map: {}, native: 1, literal: 5, nullable: null, union: null },
      { pair: ["", 0.5], rest: [false, 1, 2], map: { a: 1 }, native: "b", literal: 5, nullable: "", union: "u" },
    ],
    [
      { pair: ["a"], rest: [true], map: {}, native: 1, literal: 5, nullable: null, union: null },
      { pair: ["a", 1], rest: [true, "a"], map: {}, native: 1, literal: 5, nullable: null, union: null },
      { pair: ["a", 1], rest: [true], map: { c: 1 }, native: 1, literal: 5, nullable: null, union: null },
      { pair: ["a", 1], rest: [true], map: {}, native: "A", literal: 5, nullable: null, union: null },
    ],
  ],
  [
    "discriminated",
    z3.discriminatedUnion("t", [
      z3.object({ t: z3.literal("a"), v: z3.number().multipleOf(0.1) }),
      z3.object({ t: z3.literal("b"), v: z3.string().regex(/^\S+$/) }),
    ]),
    [
      { t: "a", v: 0.5 },
      { t: "b", v: "x" },
    ],
    [
      { t: "a", v: "x" },
      { t: "b", v: "a b" },
      { t: "c", v: 1 },
    ],
  ],
  [
    "intersection",
    z3.intersection(z3.object({ a: z3.string() }), z3.object({ b: z3.number() })),
    [{ a: "", b: 1 }],
    [{ a: "" }, { b: 1 }],
  ],
];
emit("zod-3", versionOf("zod-to-json-schema"), zod3, { schema: (type) => zodToJsonSchema(type), ...zod });

const Category = Schema.Struct({
  name: Schema.NonEmptyString,
  subcategories: Schema.Array(Schema.suspend(() => Category)),
}).annotate({ identifier: "Category" });
const effect = [
  [
    "struct",
    Schema.Struct({
      id: Schema.Int,
      name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(8)),
      ratio: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.95 })),
      code: Schema.String.check(Schema.isPattern(/^[A-Z]{2}\d+$/)),
      unit: Schema.Literals(["celsius", "fahrenheit"]),
      nick: Schema.optionalKey(Schema.String),
      age: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0))),
    }),
    [
      { id: 1, name: "a", ratio: 0.9, code: "AB1", unit: "celsius", age: null },
      { id: -5, name: "abcdefgh", ratio: 0.95, code: "ZZ99", unit: "fahrenheit", nick: "", age: 1e-6 },
    ],
    [
      { id: 1.5, name: "a", ratio: 0, code: "AB1", unit: "celsius", age: null },
      { id: 1, name: "", ratio: 0, code: "AB1", unit: "celsius", age: null },
      { id: 1, name: "a", ratio: 0.96, code: "AB1", unit: "celsius", age: null },
      { id: 1, name: "a", ratio: 0, code: "AB", unit: "celsius", age: null },
    ],
  ],
  [
    "tagged-union",
    Schema.Union([
      Schema.TaggedStruct("Circle", { radius: Schema.Finite }),
      Schema.TaggedStruct("Square", { side: Schema.Int }),
    ]),
    [
      { _tag: "Circle", radius: 0.5 },
      { _tag: "Square", side: 1 },
    ],
    [{ _tag: "Circle", side: 1 }, { _tag: "Triangle" }],
  ],
  [
    "recursive",
    Category,
    [
      { name: "a", subcategories: [] },
      { name: "a", subcategories: [{ name: "b", subcategories: [] }] },
    ],
    [{ name: "" }, { name: "a", subcategories: [{}] }],
  ],
  [
    "containers",
    Schema.Struct({
      pair: Schema.Tuple([Schema.String, Schema.Int]),
      some: Schema.NonEmptyArray(Schema.String),
      record: Schema.Record(Schema.String, Schema.Int),
      template: Schema.TemplateLiteral(["id-", Schema.Finite]),
    }),
    [
      { pair: ["a", 1], some: ["x"], record: {}, template: "id-5" },
      { pair: ["", 0], some: ["x", "y"], record: { a: 1 }, template: "id-1.5" },
    ],
    [
      { pair: ["a"], some: ["x"], record: {}, template: "id-5" },
      { pair: ["a", 1], some: [], record: {}, template: "id-5" },
      { pair: ["a", 1], some: ["x"], record: { a: "b" }, template: "id-5" },
      { pair: ["a", 1], some: ["x"], record: {}, template: "5" },
    ],
  ],
];
const document = (type) => {
  const { schema, definitions } = Schema.toJsonSchemaDocument(type);
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...schema, $defs: definitions };
};
emit("effect", versionOf("effect"), effect, { schema: document, accepts: (type, value) => Schema.is(type)(value) });
