// Types of TypeScript, as ts-json-schema-generator describes them. The builder checks the values.

import { createGenerator } from "ts-json-schema-generator";
import { emit, versionOf } from "./emit.mjs";

const user = { name: "joe", tags: ["a"], settings: {} };
const drawing = {
  name: "d",
  shapes: [],
  unit: "celsius",
  partial: {},
  size: "12px",
  at: "2024-01-01T00:00:00Z",
  level: "max",
};

const cases = [
  [
    "page-of-users",
    "Users",
    [
      { items: [], total: 0 },
      { items: [{ ...user, email: "a@b.de", tags: ["a", 1, 2], settings: { a: true } }], total: 1, next: null },
    ],
    [
      { items: [], total: -1 },
      { items: [{}], total: 0 },
      { items: [{ ...user, name: "A" }], total: 1 },
      { items: [{ ...user, tags: [1] }], total: 1 },
    ],
  ],
  [
    "tree",
    "Tree",
    [
      { value: null, children: [] },
      { value: 1, children: [{ value: "a", children: [] }] },
    ],
    [{ value: true, children: [] }, { value: 1 }, { value: 1, children: [{}] }],
  ],
  [
    "shape",
    "Shape",
    [
      { kind: "circle", radius: 1 },
      { kind: "square", side: 0.5 },
      { kind: 3, sides: [1, 2, 3] },
    ],
    [{ kind: "circle", side: 1 }, { kind: 4 }, { kind: 3, sides: [1, 2] }],
  ],
  [
    "drawing",
    "Drawing",
    [drawing, { ...drawing, shapes: [{ kind: "circle", radius: 0 }], partial: { value: 1 }, level: true }],
    [
      { ...drawing, level: 3 },
      { ...drawing, unit: "kelvin" },
      { ...drawing, extra: 1 },
      { ...drawing, at: "now" },
    ],
  ],
];

emit("typescript", versionOf("ts-json-schema-generator"), cases, {
  schema: (type) => createGenerator({ path: "types.ts", type, skipTypeCheck: true }).createSchema(type),
  accepts: () => true,
});
