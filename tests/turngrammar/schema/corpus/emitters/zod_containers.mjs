// Objects, lists, unions and recursion of zod: type, values that zod parses, values that it does not, options.

import { z } from "zod";

const xor = z.xor ?? z.union; // before zod 4.2

const Category = z.object({
  name: z.string(),
  get children() {
    return z.array(Category);
  },
});

const Person = z.object({
  name: z.string().min(1).max(80),
  get partner() {
    return Person.optional();
  },
  get friends() {
    return z.array(Person).default([]);
  },
});

const Json = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(Json), z.record(z.string(), Json)]),
);

const Click = z.object({ type: z.literal("click"), x: z.int(), y: z.int() });
const Key = z.object({ type: z.literal(["keydown", "keyup"]), key: z.string().length(1) });
const Scroll = z.strictObject({ type: z.literal("scroll"), delta: z.number().multipleOf(0.5) });

const Address = z
  .object({ street: z.string(), zip: z.string().regex(/^\d{5}$/), country: z.string().length(2) })
  .meta({ id: "Address" });

const uuid = "2eb8aa08-aa98-41ea-b4aa-73b441d16380";
const at = "2024-02-29T12:30:00Z";

export const containers = [
  [
    "user",
    z.object({ id: z.int(), email: z.email(), name: z.string().optional(), age: z.int().min(0).max(150).nullable() }),
    [
      { id: 1, email: "joe.bloggs@example.com", age: null },
      { id: -5, email: "a+b@c-d.org", name: "", age: 150 },
    ],
    [
      { id: 1, email: "joe", age: 1 },
      { id: 1, email: "a@b.de" },
      { id: 1.5, email: "a@b.de", age: null },
      { id: 1, email: "a@b.de", age: 151 },
    ],
  ],
  [
    "strict",
    z.strictObject({ a: z.string(), b: z.number().optional() }),
    [{ a: "x" }, { a: "", b: 1.5 }],
    [{ a: "x", c: 1 }, {}],
  ],
  ["loose", z.looseObject({ a: z.string() }), [{ a: "x" }, { a: "x", more: [1] }], [{ more: 1 }]],
  ["catchall", z.object({ a: z.string() }).catchall(z.number()), [{ a: "x" }, { a: "x", b: 1 }], [{ a: "x", b: "y" }]],
  [
    "optional",
    z
      .object({
        a: z.string().optional(),
        b: z.string().nullable(),
        c: z.string().nullish(),
        d: z.string().default("x"),
        e: z.number().catch(1),
        f: z.string().prefault("y"),
        g: z.string().readonly(),
        h: z.undefined().optional(),
        i: z.unknown(),
      })
      .omit({ h: true }),
    [
      { b: null, d: "", e: 2, f: "", g: "g", i: 1 },
      { a: "", b: "", c: null, d: "d", e: 1, f: "f", g: "", i: null },
    ],
    [
      { b: 1, d: "", e: 1, g: "", i: 1 },
      { a: null, b: "", d: "", e: 1, g: "", i: 1 },
    ],
  ],
  [
    "optional-input",
    z.object({ d: z.string().default("x"), n: z.int().default(5), list: z.array(z.string()).default([]) }),
    [{}, { d: "a", n: 1, list: ["b"] }],
    [{ n: "1" }, { list: [1] }],
    { io: "input" },
  ],
  [
    "objects-derived",
    z.object({ a: z.string(), b: z.int() }).partial().extend({ c: z.boolean() }).required({ a: true }),
    [
      { a: "x", c: true },
      { a: "", b: 1, c: false },
    ],
    [{ c: true }, { a: "x", b: "y", c: true }],
  ],
  [
    "arrays",
    z.object({
      some: z.array(z.string()).nonempty(),
      few: z.array(z.int()).min(1).max(3),
      exact: z.array(z.boolean()).length(2),
      nested: z.array(z.array(z.number())),
    }),
    [
      { some: ["a"], few: [1], exact: [true, false], nested: [] },
      { some: ["a", "b"], few: [1, 2, 3], exact: [true, true], nested: [[1.5], []] },
    ],
    [
      { some: [], few: [1], exact: [true, false], nested: [] },
      { some: ["a"], few: [1, 2, 3, 4], exact: [true, false], nested: [] },
      { some: ["a"], few: [1], exact: [true], nested: [] },
    ],
  ],
  [
    "tuples",
    z.object({
      pair: z.tuple([z.string(), z.number()]),
      rest: z.tuple([z.string()], z.int()),
      point: z.tuple([z.number(), z.number(), z.number().optional()]),
    }),
    [
      { pair: ["a", 1], rest: ["a"], point: [1, 2] },
      { pair: ["", 0.5], rest: ["a", 1, 2, 3], point: [1, 2, 3] },
    ],
    [
      { pair: [1, "a"], rest: ["a"], point: [1, 2] },
      { pair: ["a", 1], rest: ["a", "b"], point: [1, 2] },
    ],
  ],
  [
    "tuple-empty",
    z.object({ none: z.tuple([]), some: z.array(z.never()) }),
    [{ none: [], some: [] }],
    [{ none: [1], some: [] }, { none: [], some: [1] }, {}],
    { invalid: true },
  ],
  [
    "tuple-draft-7",
    z.object({ pair: z.tuple([z.string(), z.number()]), rest: z.tuple([z.string()], z.int()), more: z.number().gt(0) }),
    [{ pair: ["a", 1], rest: ["a", 2], more: 0.5 }],
    [
      { pair: [1, "a"], rest: ["a"], more: 1 },
      { pair: ["a", 1], rest: ["a", "b"], more: 1 },
      { pair: ["a", 1], rest: ["a"], more: 0 },
    ],
    { target: "draft-7" },
  ],
  [
    "records",
    z.object({
      any: z.record(z.string(), z.int()),
      keyed: z.record(z.enum(["a", "b"]), z.number()),
      partial: z.partialRecord(z.enum(["x", "y"]), z.string()),
      pattern: z.record(z.string().regex(/^[a-z]+$/), z.boolean()),
      uuids: z.record(z.uuid(), z.string()),
      nested: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
    }),
    [
      { any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: {}, nested: {} },
      {
        any: { k: 1 },
        keyed: { a: 0.5, b: 0 },
        partial: { x: "1" },
        pattern: { ab: true },
        uuids: { [uuid]: "u" },
        nested: { a: { b: ["c"] } },
      },
    ],
    [
      { any: { k: "1" }, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: {}, nested: {} },
      { any: {}, keyed: { a: 1 }, partial: {}, pattern: {}, uuids: {}, nested: {} },
      { any: {}, keyed: { a: 1, b: 2 }, partial: { z: "1" }, pattern: {}, uuids: {}, nested: {} },
      { any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: { A: true }, uuids: {}, nested: {} },
      { any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: { x: "u" }, nested: {} },
    ],
  ],
  [
    "unions",
    z.object({
      scalar: z.union([z.string(), z.number(), z.boolean()]),
      nullable: z.union([z.int(), z.null()]),
      objects: z.union([z.object({ a: z.string() }), z.object({ b: z.int() })]),
      mixed: z.union([z.string(), z.array(z.string())]),
    }),
    [
      { scalar: "a", nullable: null, objects: { a: "x" }, mixed: "s" },
      { scalar: 1.5, nullable: 3, objects: { b: 1 }, mixed: ["s"] },
    ],
    [
      { scalar: null, nullable: null, objects: { a: "x" }, mixed: "s" },
      { scalar: 1, nullable: null, objects: {}, mixed: "s" },
      { scalar: 1, nullable: 1, objects: { a: "" }, mixed: [1] },
    ],
  ],
  [
    "exclusive-union",
    xor([z.strictObject({ card: z.string() }), z.strictObject({ iban: z.string() })]),
    [{ card: "1" }, { iban: "2" }],
    [{ card: "1", iban: "2" }, {}],
  ],
  [
    "discriminated",
    z.discriminatedUnion("type", [Click, Key, Scroll]),
    [
      { type: "click", x: 1, y: 2 },
      { type: "keyup", key: "a" },
      { type: "scroll", delta: 1.5 },
    ],
    [{ type: "click", key: "a" }, { type: "drag" }, { type: "keydown", key: "ab" }, { type: "scroll", delta: 0.3 }],
  ],
  [
    "discriminated-nested",
    z.discriminatedUnion("status", [
      z.object({ status: z.literal("ok"), data: z.string() }),
      z.discriminatedUnion("code", [
        z.object({ status: z.literal("failed"), code: z.literal(400), message: z.string() }),
        z.object({ status: z.literal("failed"), code: z.literal(500) }),
      ]),
    ]),
    [
      { status: "ok", data: "" },
      { status: "failed", code: 400, message: "m" },
      { status: "failed", code: 500 },
    ],
    [{ status: "failed", code: 400 }, { status: "failed" }, { status: "ok" }],
  ],
  [
    "intersection",
    z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
    [{ a: "x", b: 1 }],
    [{ a: "x" }, { b: 1 }],
  ],
  [
    "intersection-loose",
    z.looseObject({ a: z.string() }).and(z.looseObject({ b: z.number() })),
    [
      { a: "x", b: 1 },
      { a: "x", b: 1, c: 2 },
    ],
    [{ a: "x" }, { b: 1 }],
  ],
  [
    "recursive",
    Category,
    [
      { name: "a", children: [] },
      { name: "a", children: [{ name: "b", children: [{ name: "c", children: [] }] }] },
    ],
    [{ name: "a" }, { name: "a", children: [{}] }],
  ],
  [
    "recursive-mutual",
    Person,
    [
      { name: "a", friends: [] },
      { name: "a", partner: { name: "b", friends: [] }, friends: [{ name: "c", friends: [] }] },
    ],
    [
      { name: "", friends: [] },
      { name: "a", friends: [{}] },
    ],
  ],
  [
    "recursive-json",
    z.object({ value: Json }),
    [{ value: null }, { value: { a: [1, "b", { c: true }] } }, { value: 1.5 }],
    [{}, [1]],
  ],
  [
    "reused",
    z.object({ home: Address, work: Address.optional(), all: z.array(Address) }),
    [
      { home: { street: "a", zip: "12345", country: "DE" }, all: [] },
      {
        home: { street: "a", zip: "12345", country: "DE" },
        work: { street: "", zip: "00000", country: "FR" },
        all: [{ street: "", zip: "00000", country: "FR" }],
      },
    ],
    [{ home: { street: "a", zip: "1234", country: "DE" }, all: [] }, { all: [] }],
    { reused: "ref" },
  ],
  [
    "described",
    z
      .object({
        q: z.string().describe("Search query"),
        n: z.int().describe("Number of results").default(10),
        tags: z.array(z.string()).meta({ title: "Tags", examples: [["a"]], deprecated: true }),
      })
      .describe("Search"),
    [{ q: "a", n: 1, tags: [] }],
    [{ q: 1, n: 1, tags: [] }, {}],
  ],
  [
    "openapi-3.0",
    z.object({
      id: z.int32(),
      name: z.string().nullable(),
      score: z.number().gt(0).lt(10),
      kind: z.literal("a"),
      pair: z.tuple([z.string(), z.int()]),
      either: z.union([z.string(), z.null()]),
    }),
    [
      { id: 1, name: null, score: 0.5, kind: "a", pair: ["a", 1], either: null },
      { id: -1, name: "n", score: 9.99, kind: "a", pair: ["b", 2], either: "e" },
    ],
    [
      { id: 1, name: null, score: 0, kind: "a", pair: ["a", 1], either: null },
      { id: 1, name: null, score: 1, kind: "b", pair: ["a", 1], either: null },
      { id: 1, name: 1, score: 1, kind: "a", pair: ["a", 1], either: null },
    ],
    { target: "openapi-3.0" },
  ],
  [
    "draft-4",
    z.object({ positive: z.number().positive(), kind: z.literal("a"), pair: z.tuple([z.string(), z.boolean()]) }),
    [{ positive: 0.1, kind: "a", pair: ["x", true] }],
    [
      { positive: 0, kind: "a", pair: ["x", true] },
      { positive: 1, kind: "b", pair: ["x", true] },
      { positive: 1, kind: "a", pair: [true, "x"] },
    ],
    { target: "draft-4" },
  ],
  [
    "function-tool",
    z.object({
      location: z.string().describe("City and country"),
      units: z.enum(["celsius", "fahrenheit"]).nullable(),
    }),
    [
      { location: "Paris, France", units: null },
      { location: "", units: "celsius" },
    ],
    [{ location: "Paris" }, { location: "Paris", units: "kelvin" }],
    { target: "draft-7" },
  ],
  [
    "agent-plan",
    z.object({
      goal: z.string().min(1),
      steps: z
        .array(
          z.object({
            id: z.int().positive(),
            tool: z.enum(["search", "read", "write"]),
            args: z.record(z.string(), z.unknown()),
            dependsOn: z.array(z.int()).default([]),
            retries: z.int().min(0).max(5).optional(),
          }),
        )
        .min(1)
        .max(20),
      budget: z.number().min(0).max(0.95),
    }),
    [
      { goal: "g", steps: [{ id: 1, tool: "search", args: {}, dependsOn: [] }], budget: 0.9 },
      {
        goal: "g",
        steps: [{ id: 1, tool: "read", args: { path: "/a", n: [1] }, dependsOn: [1], retries: 5 }],
        budget: 0.95,
      },
    ],
    [
      { goal: "", steps: [], budget: 0 },
      { goal: "g", steps: [], budget: 0 },
      { goal: "g", steps: [{ id: 0, tool: "search", args: {}, dependsOn: [] }], budget: 0 },
      { goal: "g", steps: [{ id: 1, tool: "search", args: {}, dependsOn: [] }], budget: 0.96 },
    ],
  ],
  [
    "any",
    z.object({
      any: z.any(),
      unknown: z.unknown(),
      list: z.array(z.any()),
      object: z.object({}),
      record: z.record(z.string(), z.any()),
    }),
    [{ any: 1, unknown: null, list: [1, "a"], object: {}, record: { a: [] } }],
    [
      { any: 1, unknown: 1, list: {}, object: {}, record: {} },
      { any: 1, unknown: 1, list: [], object: [], record: {} },
    ],
  ],
  [
    "pipes",
    z.object({
      number: z.string().transform(Number).pipe(z.number()),
      date: z.codec(z.iso.datetime(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      }),
      trimmed: z.string().trim().toLowerCase().min(2),
    }),
    [{ number: "1", date: at, trimmed: "ab" }],
    [
      { number: 1, date: at, trimmed: "ab" },
      { number: "1", date: "now", trimmed: "ab" },
      { number: "1", date: at, trimmed: "a" },
    ],
    { io: "input" },
  ],
];
