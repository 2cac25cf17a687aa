// Schemas of TypeBox, which are its types, with values that its own validator accepts.
// The argument is the package: typebox (1.x) or @sinclair/typebox (0.34).

import { emit, versionOf } from "./emit.mjs";

const name = process.argv[2] ?? "typebox";
const { Type } = await import(name);
const { Value } = await import(`${name}/value`);
const is_old = name.startsWith("@");

const User = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  name: Type.String({ minLength: 1, maxLength: 40 }),
  email: Type.Optional(Type.String({ pattern: "^[^@\\s]+@[^@\\s]+$" })),
});

const Vector = Type.Tuple([Type.Number(), Type.Number(), Type.Number()]);
const Square = Type.Object({ type: Type.Literal("square"), size: Type.Number({ exclusiveMinimum: 0 }) });
const Circle = Type.Object({
  type: Type.Literal("circle"),
  radius: Type.Number({ exclusiveMinimum: 0 }),
  at: Type.Optional(Vector),
});
const Nullable = (type) => Type.Union([type, Type.Null()]);
const Tree = is_old
  ? Type.Recursive((This) => Type.Object({ value: Type.String(), nodes: Type.Array(This) }), { $id: "Tree" })
  : Type.Cyclic({ Tree: Type.Object({ value: Type.String(), nodes: Type.Array(Type.Ref("Tree")) }) }, "Tree");

const user = { id: 1, name: "Joe" };

const cases = [
  [
    "user",
    User,
    [user, { ...user, email: "a@b.de" }],
    [{ id: 0, name: "Joe" }, { id: 1, name: "" }, { ...user, email: "a" }, {}],
  ],
  [
    "numbers",
    Type.Object({
      step: Type.Number({ multipleOf: 0.1, minimum: 0 }),
      share: Type.Number({ minimum: 0, maximum: 1 }),
      port: Type.Integer({ exclusiveMinimum: 0, exclusiveMaximum: 65536 }),
      odd: Type.Integer({ multipleOf: 3 }),
    }),
    [
      { step: 0.5, share: 0.95, port: 65535, odd: -9 },
      { step: 2, share: 1e-5, port: 1, odd: 0 },
    ],
    [
      { step: 0.25, share: 0, port: 1, odd: 0 },
      { step: 0, share: 1.1, port: 1, odd: 0 },
      { step: 0, share: 0, port: 0, odd: 0 },
      { step: 0, share: 0, port: 1, odd: 1 },
    ],
  ],
  [
    "patterns",
    Type.Object({
      hex: Type.String({ pattern: "^(0x)?[0-9a-fA-F]+$" }),
      word: Type.String({ pattern: "^\\w{2,}$" }),
      insensitive: Type.String({ pattern: "^[a-zA-Z]+$" }),
      any: Type.String({ pattern: "foo|bar" }),
    }),
    [
      { hex: "0xFF", word: "ab_", insensitive: "abc", any: "a foo" },
      { hex: "1", word: "12", insensitive: "x", any: "bar" },
    ],
    [
      { hex: "x", word: "ab", insensitive: "a", any: "foo" },
      { hex: "1", word: "a", insensitive: "a", any: "foo" },
      { hex: "1", word: "ab", insensitive: "a", any: "baz" },
    ],
  ],
  [
    "template-literals",
    Type.Object({
      event: Type.TemplateLiteral(
        is_old
          ? "on${Click|Key}${Up|Down}"
          : [Type.Literal("on"), Type.Enum(["Click", "Key"]), Type.Enum(["Up", "Down"])],
      ),
      price: Type.TemplateLiteral("${number}€"),
      id: Type.TemplateLiteral([Type.Literal("id-"), Type.Integer()]),
      path: Type.TemplateLiteral("/${string}/${boolean}"),
    }),
    [
      { event: "onClickUp", price: "12€", id: "id-7", path: "/a/true" },
      { event: "onKeyDown", price: "0€", id: "id-0", path: "/x/false" },
    ],
    [
      { event: "onClick", price: "12€", id: "id-7", path: "/a/true" },
      { event: "onKeyUp", price: "€", id: "id-7", path: "/a/true" },
      { event: "onKeyUp", price: "1€", id: "7", path: "/a/true" },
      { event: "onKeyUp", price: "1€", id: "id-1", path: "/a/yes" },
    ],
  ],
  [
    "literals",
    Type.Object({
      unit: Type.Union([Type.Literal("celsius"), Type.Literal("fahrenheit")]),
      code: Type.Union([Type.Literal(200), Type.Literal(404)]),
      on: Type.Literal(true),
      kind: Type.Enum(is_old ? { A: "a", B: 1 } : ["a", 1]),
    }),
    [
      { unit: "celsius", code: 404, on: true, kind: "a" },
      { unit: "fahrenheit", code: 200, on: true, kind: 1 },
    ],
    [
      { unit: "kelvin", code: 404, on: true, kind: "a" },
      { unit: "celsius", code: 405, on: true, kind: "a" },
      { unit: "celsius", code: 200, on: false, kind: 1 },
      { unit: "celsius", code: 200, on: true, kind: "A" },
    ],
  ],
  [
    "nullable",
    Type.Object({
      a: Nullable(Type.String()),
      b: Type.Optional(Nullable(Type.Integer())),
      c: Type.Null(),
      d: Type.Optional(Type.Unknown()),
    }),
    [
      { a: null, c: null },
      { a: "x", b: 1, c: null, d: [1] },
    ],
    [{ c: null }, { a: 1, c: null }, { a: "", c: 0 }],
  ],
  [
    "tuples",
    Type.Object({
      vector: Vector,
      empty: Type.Tuple([]),
      pair: Type.Tuple([Type.String(), Type.Union([Type.Integer(), Type.Boolean()])]),
    }),
    [
      { vector: [1, 2.5, -3], empty: [], pair: ["a", 1] },
      { vector: [0, 0, 0], empty: [], pair: ["", false] },
    ],
    [
      { vector: [1, 2], empty: [], pair: ["a", 1] },
      { vector: [1, 2, 3, 4], empty: [], pair: ["a", 1] },
      { vector: [1, 2, 3], empty: [1], pair: ["a", 1] },
      { vector: [1, 2, 3], empty: [], pair: ["a", "b"] },
    ],
  ],
  [
    "arrays",
    Type.Object({
      some: Type.Array(Type.String(), { minItems: 1, maxItems: 3 }),
      unique: Type.Array(Type.Integer({ minimum: 1, maximum: 3 }), { uniqueItems: true }),
      has: Type.Array(Type.Number(), { contains: Type.Literal(1), minItems: 1, maxItems: 4 }),
    }),
    [
      { some: ["a"], unique: [1, 3], has: [1] },
      { some: ["a", "b", "c"], unique: [], has: [0.5, 1] },
    ],
    [
      { some: [], unique: [], has: [1] },
      { some: ["a"], unique: [1, 1], has: [1] },
      { some: ["a"], unique: [], has: [2] },
    ],
  ],
  [
    "records",
    Type.Object({
      any: Type.Record(Type.String(), Type.Integer()),
      numbered: Type.Record(Type.Number(), Type.String()),
      keyed: Type.Record(Type.Union([Type.Literal("x"), Type.Literal("y")]), Type.Number()),
      pattern: Type.Record(Type.String({ pattern: "^[A-Z]+$" }), Type.Boolean(), { additionalProperties: false }),
    }),
    [
      { any: { a: 1 }, numbered: { 1: "a" }, keyed: { x: 1, y: 0.5 }, pattern: { A: true } },
      { any: {}, numbered: {}, keyed: { x: 0, y: 0 }, pattern: {} },
    ],
    [
      { any: { a: "1" }, numbered: {}, keyed: { x: 1, y: 1 }, pattern: {} },
      { any: {}, numbered: {}, keyed: { x: 1 }, pattern: {} },
      { any: {}, numbered: {}, keyed: { x: 1, y: 1 }, pattern: { a: true } },
      { any: {}, numbered: { 1: 1 }, keyed: { x: 1, y: 1 }, pattern: {} },
    ],
  ],
  [
    "closed",
    Type.Object({ a: Type.String(), b: Type.Optional(Type.Number()) }, { additionalProperties: false }),
    [{ a: "" }, { a: "x", b: 1.5 }],
    [{ a: "", c: 1 }, { b: 1 }],
  ],
  [
    "typed-extra",
    Type.Object({ a: Type.String() }, { additionalProperties: Type.Integer() }),
    [{ a: "" }, { a: "", b: 1 }],
    [{ a: "", b: "c" }],
  ],
  [
    "counted-properties",
    Type.Object({}, { minProperties: 1, maxProperties: 2, additionalProperties: Type.String() }),
    [{ a: "x" }, { a: "x", b: "" }],
    [{}, { a: "", b: "", c: "" }, { a: 1 }],
  ],
  [
    "union-of-objects",
    Type.Union([Square, Circle]),
    [
      { type: "square", size: 1 },
      { type: "circle", radius: 0.5, at: [1, 2, 3] },
    ],
    [
      { type: "square", radius: 1 },
      { type: "circle", radius: 0 },
      { type: "circle", radius: 1, at: [1] },
    ],
  ],
  [
    "intersection",
    Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Number() })]),
    [
      { a: "", b: 1 },
      { a: "", b: 1, c: 2 },
    ],
    [{ a: "" }, { b: 1 }],
  ],
  [
    "intersection-closed",
    Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Optional(Type.Number()) })], {
      unevaluatedProperties: false,
    }),
    [{ a: "" }, { a: "", b: 1 }],
    [{ a: "", c: 1 }, { b: 1 }],
  ],
  [
    "composite",
    is_old
      ? Type.Composite([User, Type.Object({ admin: Type.Boolean() })])
      : Type.Evaluate(Type.Intersect([User, Type.Object({ admin: Type.Boolean() })])),
    [{ ...user, admin: true }],
    [user, { admin: true }],
  ],
  [
    "partial-pick",
    Type.Object({ partial: Type.Partial(User), picked: Type.Pick(User, ["id"]), keys: Type.KeyOf(User) }),
    [{ partial: {}, picked: { id: 1 }, keys: "email" }],
    [
      { partial: { id: "1" }, picked: { id: 1 }, keys: "email" },
      { partial: {}, picked: {}, keys: "id" },
      { partial: {}, picked: { id: 2 }, keys: "age" },
    ],
  ],
  [
    "recursive",
    Tree,
    [
      { value: "a", nodes: [] },
      { value: "a", nodes: [{ value: "b", nodes: [{ value: "", nodes: [] }] }] },
    ],
    [{ value: "a" }, { value: "a", nodes: [{}] }],
  ],
  [
    "excluded",
    is_old
      ? Type.Object({
          a: Type.Not(Type.String()),
          b: Type.Exclude(Type.Union([Type.Literal("x"), Type.Literal("y")]), Type.Literal("y")),
        })
      : Type.Object({ b: Type.Exclude(Type.Union([Type.Literal("x"), Type.Literal("y")]), Type.Literal("y")) }),
    is_old
      ? [
          { a: 1, b: "x" },
          { a: null, b: "x" },
        ]
      : [{ b: "x" }],
    is_old
      ? [
          { a: "s", b: "x" },
          { a: 1, b: "y" },
        ]
      : [{ b: "y" }, {}],
  ],
  [
    "described",
    Type.Object(
      {
        query: Type.String({ title: "Query", description: "What to find", examples: ["cats"] }),
        limit: Type.Integer({ default: 10, minimum: 1, maximum: 100 }),
        since: Type.Optional(Type.String({ format: "date" })),
      },
      { $id: "https://example.com/search.json", title: "Search" },
    ),
    [
      { query: "a", limit: 10 },
      { query: "", limit: 100, since: "2024-02-29" },
    ],
    [
      { query: "a", limit: 0 },
      { query: "a", limit: 1, since: "2023-02-29" },
    ],
  ],
  [
    "formats",
    Type.Object({
      at: Type.String({ format: "date-time" }),
      id: Type.String({ format: "uuid" }),
      home: Type.Optional(Type.String({ format: "uri" })),
      ip: Type.Optional(Type.String({ format: "ipv4" })),
      mail: Type.Optional(Type.String({ format: "email", maxLength: 254 })),
      host: Type.Optional(Type.String({ format: "hostname" })),
    }),
    [
      { at: "2024-01-01T00:00:00Z", id: "2eb8aa08-aa98-11ea-b4aa-73b441d16380" },
      {
        at: "2024-01-01T00:00:00.5+02:00",
        id: "2EB8AA08-aa98-11ea-b4aa-73b441d16380",
        home: "https://a.b/c",
        ip: "1.2.3.4",
        mail: "a@b.de",
        host: "a.b",
      },
    ],
    [
      { at: "2024-01-01", id: "2eb8aa08-aa98-11ea-b4aa-73b441d16380" },
      { at: "2024-01-01T00:00:00Z", id: "2eb8" },
      { at: "2024-01-01T00:00:00Z", id: "2eb8aa08-aa98-11ea-b4aa-73b441d16380", ip: "1.2.3" },
    ],
  ],
  [
    "api-route",
    Type.Object({
      params: Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{24}$" }) }),
      querystring: Type.Object({
        page: Type.Integer({ minimum: 1, default: 1 }),
        sort: Type.Optional(Type.Union([Type.Literal("asc"), Type.Literal("desc")])),
      }),
      body: Type.Object({
        tags: Type.Array(Type.String({ minLength: 1 }), { maxItems: 10 }),
        price: Type.Number({ minimum: 0, multipleOf: 0.01 }),
      }),
    }),
    [
      { params: { id: "507f1f77bcf86cd799439011" }, querystring: { page: 1 }, body: { tags: [], price: 4.35 } },
      {
        params: { id: "507f1f77bcf86cd799439011" },
        querystring: { page: 2, sort: "asc" },
        body: { tags: ["a"], price: 19.99 },
      },
    ],
    [
      { params: { id: "507f" }, querystring: { page: 1 }, body: { tags: [], price: 1 } },
      { params: { id: "507f1f77bcf86cd799439011" }, querystring: { page: 0 }, body: { tags: [], price: 1 } },
      { params: { id: "507f1f77bcf86cd799439011" }, querystring: { page: 1 }, body: { tags: [""], price: 1 } },
      { params: { id: "507f1f77bcf86cd799439011" }, querystring: { page: 1 }, body: { tags: [], price: 0.005 } },
    ],
  ],
];

emit(is_old ? "typebox-0.34" : "typebox", versionOf(name), cases, {
  schema: (type) => type,
  // It has no formats of its own, and 0.34 takes multiples in binary floats.
  accepts: (type, value) => Value.Check(type, value) || /"(format|multipleOf)"/.test(JSON.stringify(type)),
  dialect: () => "unnamed",
});
