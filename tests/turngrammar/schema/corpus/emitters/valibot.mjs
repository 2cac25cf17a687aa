// Schemas of valibot, as `toJsonSchema` writes them, with values that valibot parses.

import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { emit, versionOf } from "./emit.mjs";

const Node = v.object({ name: v.string(), children: v.array(v.lazy(() => Node)) });
const at = "2024-02-29T12:30:00.000Z";
const uuid = "2eb8aa08-aa98-41ea-b4aa-73b441d16380";

const cases = [
  [
    "user",
    v.object({
      id: v.pipe(v.number(), v.integer(), v.minValue(1)),
      email: v.pipe(v.string(), v.email()),
      nick: v.optional(v.pipe(v.string(), v.minLength(2), v.maxLength(8))),
      age: v.nullable(v.pipe(v.number(), v.minValue(0))),
    }),
    [
      { id: 1, email: "joe@example.com", age: null },
      { id: 2, email: "a+b@c-d.org", nick: "jo", age: 0.5 },
    ],
    [
      { id: 0, email: "joe@example.com", age: null },
      { id: 1, email: "joe", age: 1 },
      { id: 1, email: "a@b.de", nick: "j", age: 1 },
      { id: 1, email: "a@b.de", age: -1 },
    ],
  ],
  ["strict", v.strictObject({ a: v.string() }), [{ a: "" }], [{ a: "", b: 1 }, {}]],
  ["loose", v.looseObject({ a: v.string() }), [{ a: "" }, { a: "", b: 1 }], [{ b: 1 }]],
  ["rest", v.objectWithRest({ a: v.string() }, v.number()), [{ a: "" }, { a: "", b: 1.5 }], [{ a: "", b: "c" }]],
  [
    "numbers",
    v.object({
      share: v.pipe(v.number(), v.minValue(0), v.maxValue(0.95)),
      above: v.pipe(v.number(), v.gtValue(0)),
      below: v.pipe(v.number(), v.ltValue(1)),
      step: v.pipe(v.number(), v.multipleOf(0.25), v.minValue(0)),
      one: v.pipe(v.number(), v.value(1)),
    }),
    [
      { share: 0.9, above: 1e-9, below: 0.999, step: 2.75, one: 1 },
      { share: 0.95, above: 3, below: -5, step: 0, one: 1 },
    ],
    [
      { share: 0.96, above: 1, below: 0, step: 0, one: 1 },
      { share: 0, above: 0, below: 0, step: 0, one: 1 },
      { share: 0, above: 1, below: 1, step: 0, one: 1 },
      { share: 0, above: 1, below: 0, step: 0.3, one: 1 },
      { share: 0, above: 1, below: 0, step: 0, one: 2 },
    ],
  ],
  [
    "regexes",
    v.object({
      slug: v.pipe(v.string(), v.slug()),
      hex: v.pipe(v.string(), v.hexColor()),
      custom: v.pipe(v.string(), v.regex(/^[^\s"\\]{3,}$/u)),
      digits: v.pipe(v.string(), v.digits()),
      decimal: v.pipe(v.string(), v.decimal()),
    }),
    [
      { slug: "a-b", hex: "#a1b2c3", custom: "a'c", digits: "012", decimal: "-1.5" },
      { slug: "x", hex: "#FFF", custom: "ⓐⓑⓒ", digits: "9", decimal: "12" },
    ],
    [
      { slug: "A b", hex: "#fff", custom: "abc", digits: "1", decimal: "1" },
      { slug: "a", hex: "fff", custom: "abc", digits: "1", decimal: "1" },
      { slug: "a", hex: "#fff", custom: 'a"c', digits: "1", decimal: "1" },
      { slug: "a", hex: "#fff", custom: "abc", digits: "1a", decimal: "1" },
      { slug: "a", hex: "#fff", custom: "abc", digits: "1", decimal: "." },
    ],
  ],
  [
    "identifiers",
    v.object({
      uuid: v.pipe(v.string(), v.uuid()),
      cuid2: v.pipe(v.string(), v.cuid2()),
      nanoid: v.pipe(v.string(), v.nanoid()),
      ulid: v.pipe(v.string(), v.ulid()),
      bic: v.pipe(v.string(), v.bic()),
      mac: v.pipe(v.string(), v.mac()),
    }),
    [
      {
        uuid,
        cuid2: "tz4a98xxat96iws9zmbrgj3a",
        nanoid: "V1StGXR8_Z5jdHi6B-myT",
        ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        bic: "DEUTDEFF",
        mac: "00:1a:2b:3c:4d:5e",
      },
    ],
    [
      {
        uuid: "x",
        cuid2: "tz4a98xxat96iws9zmbrgj3a",
        nanoid: "V1StGXR8_Z5jdHi6B-myT",
        ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        bic: "DEUTDEFF",
        mac: "00:1a:2b:3c:4d:5e",
      },
      {},
    ],
  ],
  ["emoji", v.pipe(v.string(), v.emoji()), ["😀", "👍🏽", "🇩🇪"], ["a", ""]],
  ["domain", v.pipe(v.string(), v.domain()), ["example.com", "a-b.c.museum"], ["-a.de", "xn--a.de", "a", "a..de"]],
  ["bic", v.pipe(v.string(), v.bic()), ["DEUTDEFF", "DEUTDEFF500"], ["deutdeff", "DEUT"]],
  [
    "ulid",
    v.pipe(v.string(), v.ulid()),
    ["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    ["01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAU!"],
  ],
  [
    "iso-dates",
    v.object({ date: v.pipe(v.string(), v.isoDate()), at: v.pipe(v.string(), v.isoTimestamp()) }),
    [{ date: "2024-02-29", at }],
    [
      { date: "2024-2-29", at },
      { date: "2024-02-29", at: "soon" },
    ],
  ],
  ["iso-time", v.pipe(v.string(), v.isoTime()), [], ["25:00", "noon"]],
  [
    "network",
    v.object({ v4: v.pipe(v.string(), v.ipv4()), v6: v.pipe(v.string(), v.ipv6()), url: v.pipe(v.string(), v.url()) }),
    [{ v4: "192.168.0.1", v6: "2001:db8::1", url: "https://example.com/a?b#c" }],
    [
      { v4: "1.2.3", v6: "::", url: "a:b" },
      { v4: "1.2.3.4", v6: "1::2::3", url: "a:b" },
      { v4: "1.2.3.4", v6: "::", url: "not a url" },
    ],
  ],
  [
    "lengths",
    v.object({
      exact: v.pipe(v.string(), v.length(3)),
      some: v.pipe(v.array(v.string()), v.nonEmpty()),
      few: v.pipe(v.array(v.number()), v.minLength(1), v.maxLength(2)),
      base64: v.pipe(v.string(), v.base64()),
      entries: v.pipe(v.record(v.string(), v.number()), v.minEntries(1), v.maxEntries(2)),
    }),
    [
      { exact: "abc", some: ["a"], few: [1], base64: "aGVsbG8=", entries: { a: 1 } },
      { exact: "é€x", some: ["", "b"], few: [1, 2.5], base64: "AAAA", entries: { a: 1, b: 2 } },
    ],
    [
      { exact: "ab", some: ["a"], few: [1], base64: "", entries: { a: 1 } },
      { exact: "abc", some: [], few: [1], base64: "AAAA", entries: { a: 1 } },
      { exact: "abc", some: ["a"], few: [1, 2, 3], base64: "AAAA", entries: { a: 1 } },
      { exact: "abc", some: ["a"], few: [1], base64: "AAAA", entries: {} },
    ],
  ],
  [
    "literals",
    v.object({
      unit: v.picklist(["celsius", "fahrenheit"]),
      mixed: v.picklist(["a", 1]),
      one: v.literal(1),
      yes: v.literal(true),
      level: v.enum({ Low: 0, High: "high" }),
    }),
    [
      { unit: "celsius", mixed: 1, one: 1, yes: true, level: 0 },
      { unit: "fahrenheit", mixed: "a", one: 1, yes: true, level: "high" },
    ],
    [
      { unit: "kelvin", mixed: 1, one: 1, yes: true, level: 0 },
      { unit: "celsius", mixed: 2, one: 1, yes: true, level: 0 },
      { unit: "celsius", mixed: 1, one: 2, yes: true, level: 0 },
      { unit: "celsius", mixed: 1, one: 1, yes: true, level: "Low" },
    ],
  ],
  [
    "optional",
    v.object({
      a: v.optional(v.string()),
      b: v.nullable(v.string()),
      c: v.nullish(v.number()),
      d: v.optional(v.string(), "x"),
      e: v.exactOptional(v.boolean()),
      f: v.nullable(v.string(), "f"),
    }),
    [
      { b: null, f: null },
      { a: "", b: "", c: null, d: "", e: true, f: "" },
    ],
    [
      { b: 1, f: null },
      { a: 1, b: "", f: "" },
    ],
  ],
  [
    "tuples",
    v.object({
      pair: v.tuple([v.string(), v.number()]),
      strict: v.strictTuple([v.boolean()]),
      rest: v.tupleWithRest([v.string()], v.number()),
      loose: v.looseTuple([v.null()]),
    }),
    [
      { pair: ["a", 1], strict: [true], rest: ["a"], loose: [null, 1] },
      { pair: ["", 0.5], strict: [false], rest: ["a", 1, 2], loose: [null] },
    ],
    [
      { pair: [1, "a"], strict: [true], rest: ["a"], loose: [null] },
      { pair: ["a", 1], strict: [true, true], rest: ["a"], loose: [null] },
      { pair: ["a", 1], strict: [true], rest: ["a", "b"], loose: [null] },
    ],
  ],
  [
    "records",
    v.object({
      any: v.record(v.string(), v.unknown()),
      keyed: v.record(v.picklist(["a", "b"]), v.number()),
      pattern: v.record(v.pipe(v.string(), v.regex(/^x-/)), v.string()),
    }),
    [
      { any: {}, keyed: { a: 1, b: 2 }, pattern: {} },
      { any: { k: [null] }, keyed: { a: 0, b: 0.5 }, pattern: { "x-a": "b" } },
    ],
    [
      { any: [], keyed: { a: 1, b: 2 }, pattern: {} },
      { any: {}, keyed: { a: 1, b: 2, c: 3 }, pattern: {} },
    ],
  ],
  [
    "variant",
    v.variant("type", [
      v.object({ type: v.literal("email"), address: v.pipe(v.string(), v.email()) }),
      v.object({ type: v.picklist(["sms", "call"]), number: v.pipe(v.string(), v.regex(/^\+?\d{5,15}$/)) }),
    ]),
    [
      { type: "email", address: "a@b.de" },
      { type: "sms", number: "+4912345" },
    ],
    [
      { type: "email", number: "+4912345" },
      { type: "fax", number: "12345" },
      { type: "call", number: "1" },
    ],
  ],
  [
    "union",
    v.object({
      scalar: v.union([v.string(), v.number(), v.boolean()]),
      objects: v.union([v.strictObject({ a: v.string() }), v.strictObject({ b: v.number() })]),
    }),
    [
      { scalar: "a", objects: { a: "" } },
      { scalar: false, objects: { b: 1 } },
    ],
    [
      { scalar: null, objects: { a: "" } },
      { scalar: 1, objects: { a: "", b: 1 } },
    ],
  ],
  [
    "intersect",
    v.intersect([v.object({ a: v.string() }), v.object({ b: v.number() })]),
    [{ a: "", b: 1 }],
    [{ a: "" }, { b: 1 }],
  ],
  [
    "recursive",
    Node,
    [
      { name: "a", children: [] },
      { name: "a", children: [{ name: "b", children: [] }] },
    ],
    [{ name: "a" }, { name: "a", children: [{}] }],
  ],
  [
    "described",
    v.pipe(
      v.object({
        city: v.pipe(v.string(), v.title("City"), v.description("City and country")),
        days: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(14)), 7),
      }),
      v.description("Forecast"),
      v.metadata({ deprecated: true }),
    ),
    [{ city: "Paris" }, { city: "", days: 14 }],
    [{ city: "Paris", days: 15 }, {}],
  ],
  [
    "draft-2020-12",
    v.object({ pair: v.strictTuple([v.string(), v.number()]), kind: v.literal("a") }),
    [{ pair: ["a", 1], kind: "a" }],
    [
      { pair: ["a"], kind: "a" },
      { pair: ["a", 1, 2], kind: "a" },
    ],
    { target: "draft-2020-12" },
  ],
  [
    "openapi-3.0",
    v.object({
      name: v.nullable(v.string()),
      score: v.pipe(v.number(), v.minValue(0), v.maxValue(10)),
      kind: v.literal("a"),
    }),
    [
      { name: null, score: 0.5, kind: "a" },
      { name: "n", score: 10, kind: "a" },
    ],
    [
      { name: 1, score: 0, kind: "a" },
      { name: null, score: 11, kind: "a" },
      { name: null, score: 1, kind: "b" },
    ],
    { target: "openapi-3.0" },
  ],
];

emit("valibot", versionOf("@valibot/to-json-schema"), cases, {
  schema: (type, options = {}) => toJsonSchema(type, { errorMode: "ignore", ...options }),
  accepts: (type, value) => v.is(type, value),
  dialect: (options = {}) => (options.target === "openapi-3.0" ? "unnamed" : undefined),
});
