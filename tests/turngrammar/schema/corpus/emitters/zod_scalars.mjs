// Numbers and strings of zod: type, values that zod parses, values that it does not.

import { z } from "zod";

const mac = z.mac ?? z.string; // before zod 4.2
const uuid = "2eb8aa08-aa98-41ea-b4aa-73b441d16380";
const at = "2024-02-29T12:30:00Z";

export const scalars = [
  [
    "integers",
    z.object({
      safe: z.int(),
      int32: z.int32(),
      uint32: z.uint32(),
      positive: z.int().positive(),
      nonnegative: z.int().nonnegative(),
      step: z.int().multipleOf(5),
    }),
    [
      { safe: 9007199254740991, int32: -2147483648, uint32: 4294967295, positive: 1, nonnegative: 0, step: -10 },
      { safe: -9007199254740991, int32: 2147483647, uint32: 0, positive: 9007199254740991, nonnegative: 5, step: 0 },
    ],
    [
      { safe: 9007199254740992, int32: 0, uint32: 0, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 2147483648, uint32: 0, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: -1, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: 0, positive: 0, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: 0, positive: 1, nonnegative: 0, step: 4 },
    ],
  ],
  [
    "numbers",
    z.object({
      any: z.number(),
      float32: z.float32(),
      float64: z.float64(),
      share: z.number().gt(0).lt(1),
      price: z.number().multipleOf(0.01).nonnegative(),
      cold: z.number().min(-273.15),
    }),
    [
      { any: 1e21, float32: 3.4e38, float64: -1.5e300, share: 0.5, price: 19.99, cold: -273.15 },
      { any: -0.5, float32: 1, float64: 0, share: 1e-7, price: 0, cold: 1000 },
      { any: 6.02e23, float32: 0.25, float64: 1e-300, share: 0.999, price: 4.35, cold: -0.1 },
    ],
    [
      { any: "1", float32: 0, float64: 0, share: 0.5, price: 0, cold: 0 },
      { any: 1, float32: 1e39, float64: 0, share: 0.5, price: 0, cold: 0 },
      { any: 1, float32: 0, float64: 0, share: 1, price: 0, cold: 0 },
      { any: 1, float32: 0, float64: 0, share: 0.5, price: 0.001, cold: 0 },
      { any: 1, float32: 0, float64: 0, share: 0.5, price: 0, cold: -273.16 },
    ],
  ],
  ["email", z.email(), ["joe.bloggs@example.com", "a+b@c-d.org"], ["joe", "a..b@c.de", "a@b", ".a@b.de"]],
  ["email-html5", z.email({ pattern: z.regexes.html5Email }), ["joe@example.com", "a@b"], ["joe", "a@-b"]],
  ["uuid", z.uuid(), [uuid, "00000000-0000-0000-0000-000000000000"], ["2eb8aa08-aa98-91ea-b4aa-73b441d16380", "x"]],
  [
    "uuid-versions",
    z.object({ v1: z.uuid({ version: "v1" }), v4: z.uuidv4(), v6: z.uuidv6(), v7: z.uuidv7(), guid: z.guid() }),
    [
      {
        v1: "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        v4: uuid,
        v6: "2eb8aa08-aa98-61ea-b4aa-73b441d16380",
        v7: "2eb8aa08-aa98-71ea-b4aa-73b441d16380",
        guid: "2eb8aa08-aa98-01ea-04aa-73b441d16380",
      },
    ],
    [{ v1: uuid, v4: uuid, v6: uuid, v7: uuid, guid: uuid }, {}],
  ],
  [
    "identifiers",
    z.object({ cuid: z.cuid(), cuid2: z.cuid2(), ulid: z.ulid(), nanoid: z.nanoid(), xid: z.xid(), ksuid: z.ksuid() }),
    [
      {
        cuid: "cjld2cjxh0000qzrmn831i7rn",
        cuid2: "tz4a98xxat96iws9zmbrgj3a",
        ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        nanoid: "V1StGXR8_Z5jdHi6B-myT",
        xid: "9m4e2mr0ui3e8a215n4g",
        ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
      },
    ],
    [
      {
        cuid: "x",
        cuid2: "a",
        ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        nanoid: "V1StGXR8_Z5jdHi6B-myT",
        xid: "9m4e2mr0ui3e8a215n4g",
        ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
      },
      {
        cuid: "cjld2cjxh0000qzrmn831i7rn",
        cuid2: "a",
        ulid: "91ARZ3NDEKTSV4RRFFQ69G5FAV",
        nanoid: "short",
        xid: "9m4e2mr0ui3e8a215n4g",
        ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
      },
    ],
  ],
  ["cuid", z.cuid(), ["cjld2cjxh0000qzrmn831i7rn"], ["cj", "xjld2cjxh0000qzrmn831i7rn", "c-12345678"]],
  ["nanoid", z.nanoid(), ["V1StGXR8_Z5jdHi6B-myT"], ["V1StGXR8_Z5jdHi6B-my", "V1StGXR8_Z5jdHi6B-my!"]],
  [
    "url",
    z.object({ any: z.url(), http: z.httpUrl(), secure: z.url({ protocol: /^https$/, hostname: z.regexes.domain }) }),
    [{ any: "https://example.com/a?b=c#d", http: "http://example.com", secure: "https://a.example.com/" }],
    [{ any: 1, http: "http://example.com", secure: "https://a.b" }, {}],
  ],
  [
    "date-time",
    z.iso.datetime(),
    [at, "2024-01-01T00:00:00.123Z"],
    ["2023-02-29T00:00:00Z", "2024-01-01T00:00:00+02:00", "2024-01-01T25:00:00Z"],
  ],
  [
    "date-time-offset",
    z.iso.datetime({ offset: true }),
    [at, "2024-01-01T00:00:00.5+02:00"],
    ["2024-01-01T00:00:00", "2024-01-01"],
  ],
  [
    "date-time-precision",
    z.iso.datetime({ precision: 3 }),
    ["2024-01-01T00:00:00.123Z"],
    ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.1234Z"],
  ],
  [
    "date-time-minutes",
    z.iso.datetime({ precision: -1, offset: true }),
    ["2024-01-01T00:00Z"],
    ["2024-01-01T00:00:00Z", "2024-01-01"],
  ],
  ["date-time-local", z.iso.datetime({ local: true }), [at], ["2024-01-01 00:00:00"]],
  ["date", z.iso.date(), ["2024-02-29", "1999-12-31"], ["2023-02-29", "24-01-01", "2024-13-01"]],
  ["time", z.iso.time(), ["12:30:00", "12:30:00.25"], ["25:00:00", "12"]],
  ["duration", z.iso.duration(), ["P1Y2M3DT4H5M6S", "P3D", "PT30M"], ["P", "1 day", "PT"]],
  [
    "network",
    z.object({ v4: z.ipv4(), v6: z.ipv6(), net4: z.cidrv4(), net6: z.cidrv6(), mac: mac() }),
    [
      { v4: "192.168.0.1", v6: "2001:db8::1", net4: "10.0.0.0/8", net6: "2001:db8::/32", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "0.0.0.0", v6: "::", net4: "1.2.3.4/32", net6: "::1/128", mac: "FF:FF:FF:FF:FF:FF" },
    ],
    [
      { v4: "256.1.1.1", v6: "::", net4: "1.2.3.4/32", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "1.2.3.4", v6: "::", net4: "1.2.3.4/33", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "1.2.3.4", v6: "1::2::3", net4: "1.2.3.4/3", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "1.2.3.4", v6: "::", net4: "1.2.3.4/3", net6: "::1/129", mac: "00:1a:2b:3c:4d:5e" },
    ],
  ],
  ["ipv6", z.ipv6(), ["::1", "1:2:3:4:5:6:7:8", "fe80::1"], ["1:2:3:4:5:6:7:8:9", "12345::", "g::"]],
  ["cidr-v6", z.cidrv6(), ["2001:db8::/32", "::/0"], ["2001:db8::", "::/129"]],
  [
    "encodings",
    z.object({
      b64: z.base64(),
      url: z.base64url(),
      hex: z.hex(),
      sha: z.hash("sha256"),
      jwt: z.jwt(),
      phone: z.e164(),
      host: z.hostname(),
    }),
    [
      {
        b64: "aGVsbG8=",
        url: "aGVsbG8_",
        hex: "0aFf",
        sha: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc_",
        phone: "+14155552671",
        host: "example.com",
      },
      {
        b64: "",
        url: "",
        hex: "",
        sha: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.a",
        phone: "+1234567",
        host: "localhost",
      },
    ],
    [{ b64: "a", url: "", hex: "", sha: "e3", jwt: "x", phone: "1", host: "" }],
  ],
  ["base64", z.base64(), ["aGVsbG8=", "", "AAAA"], ["a", "aGVsbG8", "a===", "aGVs bG8="]],
  ["base64url", z.base64url(), ["aGVsbG8_", ""], ["a+b/", "a b"]],
  ["jwt", z.jwt(), ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc_"], [1]],
  ["e164", z.e164(), ["+14155552671"], ["14155552671", "+0123456789", "+1"]],
  ["emoji", z.emoji(), ["😀", "👍🎉"], ["a", ""]],
  [
    "text-checks",
    z.object({
      a: z.string().startsWith("ab"),
      b: z.string().endsWith(".ts"),
      c: z.string().includes("-"),
      d: z.string().startsWith("(").endsWith(")").min(3).max(12),
      e: z.string().lowercase(),
      f: z.string().uppercase(),
      g: z.string().trim().nonempty(),
    }),
    [
      { a: "abc", b: "x.ts", c: "a-b", d: "(x)", e: "low 1", f: "UP 1", g: "g" },
      { a: "ab", b: ".ts", c: "-", d: "(ab)(cd)", e: "", f: "", g: '"\\' },
    ],
    [
      { a: "ba", b: "x.ts", c: "a-b", d: "(x)", e: "a", f: "A", g: "g" },
      { a: "ab", b: "x.js", c: "a-b", d: "(x)", e: "a", f: "A", g: "g" },
      { a: "ab", b: "x.ts", c: "ab", d: "(x)", e: "a", f: "A", g: "g" },
      { a: "ab", b: "x.ts", c: "-", d: "()", e: "a", f: "A", g: "g" },
      { a: "ab", b: "x.ts", c: "-", d: "(x)", e: "Ab", f: "A", g: "g" },
      { a: "ab", b: "x.ts", c: "-", d: "(x)", e: "a", f: "aB", g: "g" },
    ],
  ],
  [
    "regexes",
    z.object({
      slug: z
        .string()
        .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
        .max(60),
      hex: z.string().regex(/^#?([a-f0-9]{6}|[a-f0-9]{3})$/),
      word: z.string().regex(/^\p{Lu}\p{Ll}+$/u),
      path: z.string().regex(/^[^\\]{1,60}$/),
      both: z.string().regex(/[A-Z]/).regex(/[0-9]/).min(8),
    }),
    [
      { slug: "a-b", hex: "#fff", word: "Zürich", path: 'C:/Users "x"', both: "passWord1" },
      { slug: "x", hex: "a1b2c3", word: "Ab", path: "p", both: "A1aaaaaa" },
    ],
    [
      { slug: "A", hex: "#fff", word: "Ab", path: "p", both: "A1aaaaaa" },
      { slug: "a", hex: "#ffff", word: "Ab", path: "p", both: "A1aaaaaa" },
      { slug: "a", hex: "#fff", word: "ab", path: "p", both: "A1aaaaaa" },
      { slug: "a", hex: "#fff", word: "Ab", path: "C:\\", both: "A1aaaaaa" },
      { slug: "a", hex: "#fff", word: "Ab", path: "p", both: "aaaaaaaa" },
      { slug: "a", hex: "#fff", word: "Ab", path: "p", both: "A1" },
    ],
  ],
  [
    "template-literals",
    z.object({
      css: z.templateLiteral([z.number(), z.enum(["px", "em", "%"])]),
      greeting: z.templateLiteral(["hello, ", z.string()]),
      version: z.templateLiteral(["v", z.int(), ".", z.int()]),
    }),
    [
      { css: "12px", greeting: "hello, world", version: "v1.2" },
      { css: "1.5%", greeting: "hello, ", version: "v10.0" },
    ],
    [
      { css: "12", greeting: "hello, ", version: "v1.2" },
      { css: "12px", greeting: "hi", version: "v1.2" },
      { css: "12px", greeting: "hello, ", version: "1.2" },
    ],
  ],
  [
    "enums",
    z.object({
      unit: z.enum(["celsius", "fahrenheit"]),
      number: z.literal([1, 2, 3]),
      mixed: z.literal(["auto", 0, false, null]),
      native: z.enum({ Up: 1, Down: 2, Left: "left" }),
    }),
    [
      { unit: "celsius", number: 3, mixed: null, native: "left" },
      { unit: "fahrenheit", number: 1, mixed: 0, native: 2 },
      { unit: "celsius", number: 2, mixed: false, native: 1 },
    ],
    [
      { unit: "kelvin", number: 1, mixed: null, native: 1 },
      { unit: "celsius", number: 4, mixed: null, native: 1 },
      { unit: "celsius", number: 1, mixed: true, native: 1 },
      { unit: "celsius", number: 1, mixed: 0, native: "Up" },
    ],
  ],
];
