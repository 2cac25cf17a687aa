// Schemas of arktype, as `.toJsonSchema()` writes them, with values that arktype allows.

import { scope, type } from "arktype";
import { emit, versionOf } from "./emit.mjs";

const recursive = scope({
  node: { name: "string", "children?": "node[]" },
  pair: { left: "node", "right?": "node" },
}).export();
const at = "2024-02-29T12:30:00.000Z";
const uuid = "2eb8aa08-aa98-41ea-b4aa-73b441d16380";

const cases = [
  [
    "user",
    type({
      id: "number.integer > 0",
      name: "1 <= string <= 40",
      "email?": "string.email",
      "age?": "0 <= number.integer <= 150 | null",
    }),
    [
      { id: 1, name: "Joe" },
      { id: 2, name: "J", email: "a@b.de", age: null },
    ],
    [
      { id: 0, name: "Joe" },
      { id: 1, name: "" },
      { id: 1, name: "Joe", email: "x" },
      { id: 1, name: "Joe", age: 151 },
    ],
  ],
  [
    "strict",
    type({ "+": "reject", a: "string", "b?": "number" }),
    [{ a: "" }, { a: "", b: 1.5 }],
    [{ a: "", c: 1 }, {}],
  ],
  ["index", type({ "[string]": "number" }), [{}, { a: 1.5 }], [{ a: "b" }, []]],
  [
    "index-and-members",
    type({ a: "number", "[string]": "number" }),
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ b: 1 }, { a: 1, b: "c" }],
  ],
  [
    "ranges",
    type({
      share: "0 < number < 1",
      cold: "number >= -273.15",
      price: "0 <= number <= 0.95",
      even: "number % 2",
      byte: "0 <= number.integer < 256",
      safe: "number.safe",
    }),
    [
      { share: 0.5, cold: -273.15, price: 0.9, even: -4, byte: 255, safe: 9007199254740991 },
      { share: 1e-9, cold: -0.1, price: 0.95, even: 0, byte: 0, safe: -1 },
    ],
    [
      { share: 0, cold: 0, price: 0, even: 0, byte: 0, safe: 0 },
      { share: 0.5, cold: -273.16, price: 0, even: 0, byte: 0, safe: 0 },
      { share: 0.5, cold: 0, price: 0.96, even: 0, byte: 0, safe: 0 },
      { share: 0.5, cold: 0, price: 0, even: 1, byte: 0, safe: 0 },
      { share: 0.5, cold: 0, price: 0, even: 0, byte: 256, safe: 0 },
    ],
  ],
  [
    "regexes",
    type({
      hex: "/^#[0-9a-f]{6}$/",
      any: "/\\d/",
      both: "/^[a-z]+$/ & string <= 8",
      alpha: "string.alpha",
      alnum: "string.alphanumeric",
      digits: "string.digits",
      lower: "string.lower",
      semver: "string.semver",
    }),
    [
      {
        hex: "#a1b2c3",
        any: "a1",
        both: "abc",
        alpha: "Ab",
        alnum: "A1",
        digits: "01",
        lower: "abc",
        semver: "1.2.3-rc.1",
      },
    ],
    [
      { hex: "a1b2c3", any: "1", both: "a", alpha: "A", alnum: "A", digits: "0", lower: "a", semver: "1.0.0" },
      { hex: "#a1b2c3", any: "x", both: "a", alpha: "A", alnum: "A", digits: "0", lower: "a", semver: "1.0.0" },
      { hex: "#a1b2c3", any: "1", both: "aaaaaaaaa", alpha: "A", alnum: "A", digits: "0", lower: "a", semver: "1.0.0" },
      { hex: "#a1b2c3", any: "1", both: "a", alpha: "1", alnum: "A", digits: "0", lower: "a", semver: "1.0.0" },
      { hex: "#a1b2c3", any: "1", both: "a", alpha: "A", alnum: "A", digits: "0", lower: "a", semver: "1.0" },
    ],
  ],
  [
    "identifiers",
    type({
      uuid: "string.uuid",
      v4: "string.uuid.v4",
      ip: "string.ip",
      base64: "string.base64",
      iso: "string.date.iso",
      card: "string.creditCard",
      hexa: "string.hex",
    }),
    [
      { uuid, v4: uuid, ip: "192.168.0.1", base64: "aGVsbG8=", iso: at, card: "4111111111111111", hexa: "0aF" },
      { uuid, v4: uuid, ip: "2001:db8::1", base64: "", iso: "2024-02-29", card: "4111111111111111", hexa: "1" },
    ],
    [
      { uuid: "x", v4: uuid, ip: "1.2.3.4", base64: "", iso: at, card: "4111111111111111", hexa: "1" },
      {
        uuid,
        v4: "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        ip: "1.2.3.4",
        base64: "",
        iso: at,
        card: "4111111111111111",
        hexa: "1",
      },
      { uuid, v4: uuid, ip: "1.2.3", base64: "", iso: at, card: "4111111111111111", hexa: "1" },
      { uuid, v4: uuid, ip: "1.2.3.4", base64: "a", iso: at, card: "4111111111111111", hexa: "1" },
    ],
  ],
  ["url", type({ url: "string.url" }), [{ url: "https://example.com/a?b#c" }], [{ url: "not a url" }, {}]],
  [
    "literals",
    type({
      unit: "'celsius' | 'fahrenheit'",
      code: "200 | 404",
      mixed: "'auto' | 0 | false | null",
      kind: type.enumerated("a", 1, true),
    }),
    [
      { unit: "celsius", code: 404, mixed: null, kind: "a" },
      { unit: "fahrenheit", code: 200, mixed: false, kind: 1 },
    ],
    [
      { unit: "kelvin", code: 404, mixed: null, kind: "a" },
      { unit: "celsius", code: 1, mixed: null, kind: "a" },
      { unit: "celsius", code: 200, mixed: true, kind: "a" },
      { unit: "celsius", code: 200, mixed: 0, kind: false },
    ],
  ],
  [
    "optional",
    type({ "a?": "string", b: "string | null", "c?": "number | null", d: "string = 'x'" }),
    [
      { b: null, d: "" },
      { a: "", b: "", c: null, d: "d" },
    ],
    [
      { b: 1, d: "" },
      { a: null, b: "", d: "" },
    ],
  ],
  [
    "tuples",
    type({
      pair: ["string", "number"],
      optional: ["string", "number?"],
      rest: ["string", "...", "number[]"],
      prefix: ["...", "string[]", "number"],
    }).omit("prefix"),
    [
      { pair: ["a", 1], optional: ["a"], rest: ["a"] },
      { pair: ["", 0.5], optional: ["a", 1], rest: ["a", 1, 2] },
    ],
    [
      { pair: ["a"], optional: ["a"], rest: ["a"] },
      { pair: ["a", 1, 2], optional: ["a"], rest: ["a"] },
      { pair: ["a", 1], optional: ["a", "b"], rest: ["a"] },
      { pair: ["a", 1], optional: ["a"], rest: ["a", "b"] },
    ],
  ],
  [
    "arrays",
    type({ some: "string[] > 0", few: "1 <= number[] <= 3", exact: "string[] == 2", nested: "number[][]" }),
    [
      { some: ["a"], few: [1], exact: ["a", "b"], nested: [] },
      { some: ["a", ""], few: [1, 2, 3], exact: ["", ""], nested: [[1], []] },
    ],
    [
      { some: [], few: [1], exact: ["a", "b"], nested: [] },
      { some: ["a"], few: [1, 2, 3, 4], exact: ["a", "b"], nested: [] },
      { some: ["a"], few: [1], exact: ["a"], nested: [] },
    ],
  ],
  [
    "discriminated",
    type({ kind: "'cat'", meows: "number.integer >= 0" })
      .or({ kind: "'dog'", barks: "boolean" })
      .or({ kind: "'fish' | 'eel'" }),
    [{ kind: "cat", meows: 1 }, { kind: "dog", barks: true }, { kind: "eel" }],
    [{ kind: "cat", barks: true }, { kind: "bird" }, { kind: "cat", meows: -1 }],
  ],
  [
    "discriminated-by-number",
    type({ v: "1", a: "string" }).or({ v: "2", b: "number" }),
    [
      { v: 1, a: "" },
      { v: 2, b: 0.5 },
    ],
    [{ v: 1, b: 1 }, { v: 3 }, { a: "" }],
  ],
  [
    "union",
    type({
      scalar: "string | number | boolean",
      list: "string | string[]",
      objects: type({ a: "string" }).or({ b: "number" }),
    }),
    [
      { scalar: 1.5, list: "a", objects: { a: "" } },
      { scalar: true, list: ["a"], objects: { b: 1 } },
    ],
    [
      { scalar: null, list: "a", objects: { a: "" } },
      { scalar: 1, list: [1], objects: { a: "" } },
      { scalar: 1, list: [], objects: {} },
    ],
  ],
  ["intersection", type({ a: "string" }).and({ b: "number" }), [{ a: "", b: 1 }], [{ a: "" }, { b: 1 }]],
  [
    "recursive",
    recursive.node,
    [{ name: "a" }, { name: "a", children: [{ name: "b", children: [] }] }],
    [{}, { name: "a", children: [{}] }],
  ],
  [
    "recursive-pair",
    recursive.pair,
    [{ left: { name: "a" } }, { left: { name: "a" }, right: { name: "b", children: [{ name: "c" }] } }],
    [{}, { left: { name: 1 } }],
  ],
  [
    "described",
    type({ city: type("string").describe("a city"), "days?": "1 <= number.integer <= 14" }),
    [{ city: "" }, { city: "Paris", days: 14 }],
    [{ days: 1 }, { city: "Paris", days: 15 }],
  ],
];

emit("arktype", versionOf("arktype"), cases, {
  schema: (type) => type.toJsonSchema({ fallback: { default: (context) => context.base } }),
  accepts: (type, value) => type.allows(value),
});
