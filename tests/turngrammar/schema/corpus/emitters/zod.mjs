// Schemas of zod 4, as `z.toJSONSchema` writes them, with values that zod parses.

import { z } from "zod";
import { emit, versionOf } from "./emit.mjs";

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

const Json = z.lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(Json), z.record(z.string(), Json)]));

const Click = z.object({ type: z.literal("click"), x: z.int(), y: z.int() });
const Key = z.object({ type: z.literal(["keydown", "keyup"]), key: z.string().length(1) });
const Scroll = z.strictObject({ type: z.literal("scroll"), delta: z.number().multipleOf(0.5) });

const Address = z.object({ street: z.string(), zip: z.string().regex(/^\d{5}$/), country: z.string().length(2) }).meta({ id: "Address" });

const uuid = "2eb8aa08-aa98-41ea-b4aa-73b441d16380";
const at = "2024-02-29T12:30:00Z";

const cases = [
  ["user", z.object({ id: z.int(), email: z.email(), name: z.string().optional(), age: z.int().min(0).max(150).nullable() }),
    [{ id: 1, email: "joe.bloggs@example.com", age: null }, { id: -5, email: "a+b@c-d.org", name: "", age: 150 }],
    [{ id: 1, email: "joe", age: 1 }, { id: 1, email: "a@b.de" }, { id: 1.5, email: "a@b.de", age: null }, { id: 1, email: "a@b.de", age: 151 }]],
  ["strict", z.strictObject({ a: z.string(), b: z.number().optional() }), [{ a: "x" }, { a: "", b: 1.5 }], [{ a: "x", c: 1 }, {}]],
  ["loose", z.looseObject({ a: z.string() }), [{ a: "x" }, { a: "x", more: [1] }], [{ more: 1 }]],
  ["catchall", z.object({ a: z.string() }).catchall(z.number()), [{ a: "x" }, { a: "x", b: 1 }], [{ a: "x", b: "y" }]],
  ["integers", z.object({ safe: z.int(), int32: z.int32(), uint32: z.uint32(), positive: z.int().positive(), nonnegative: z.int().nonnegative(), step: z.int().multipleOf(5) }),
    [{ safe: 9007199254740991, int32: -2147483648, uint32: 4294967295, positive: 1, nonnegative: 0, step: -10 },
      { safe: -9007199254740991, int32: 2147483647, uint32: 0, positive: 9007199254740991, nonnegative: 5, step: 0 }],
    [{ safe: 9007199254740992, int32: 0, uint32: 0, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 2147483648, uint32: 0, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: -1, positive: 1, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: 0, positive: 0, nonnegative: 0, step: 0 },
      { safe: 0, int32: 0, uint32: 0, positive: 1, nonnegative: 0, step: 4 }]],
  ["numbers", z.object({ any: z.number(), float32: z.float32(), float64: z.float64(), share: z.number().gt(0).lt(1), price: z.number().multipleOf(0.01).nonnegative(), cold: z.number().min(-273.15) }),
    [{ any: 1e21, float32: 3.4e38, float64: -1.5e300, share: 0.5, price: 19.99, cold: -273.15 },
      { any: -0.5, float32: 1, float64: 0, share: 1e-7, price: 0, cold: 1000 }, { any: 6.02e23, float32: 0.25, float64: 1e-300, share: 0.999, price: 4.35, cold: -0.1 }],
    [{ any: "1", float32: 0, float64: 0, share: 0.5, price: 0, cold: 0 }, { any: 1, float32: 1e39, float64: 0, share: 0.5, price: 0, cold: 0 },
      { any: 1, float32: 0, float64: 0, share: 1, price: 0, cold: 0 }, { any: 1, float32: 0, float64: 0, share: 0.5, price: 0.001, cold: 0 },
      { any: 1, float32: 0, float64: 0, share: 0.5, price: 0, cold: -273.16 }]],
  ["email", z.email(), ["joe.bloggs@example.com", "a+b@c-d.org"], ["joe", "a..b@c.de", "a@b", ".a@b.de"]],
  ["email-html5", z.email({ pattern: z.regexes.html5Email }), ["joe@example.com", "a@b"], ["joe", "a@-b"]],
  ["uuid", z.uuid(), [uuid, "00000000-0000-0000-0000-000000000000"], ["2eb8aa08-aa98-91ea-b4aa-73b441d16380", "x"]],
  ["uuid-versions", z.object({ v1: z.uuid({ version: "v1" }), v4: z.uuidv4(), v6: z.uuidv6(), v7: z.uuidv7(), guid: z.guid() }),
    [{ v1: "2eb8aa08-aa98-11ea-b4aa-73b441d16380", v4: uuid, v6: "2eb8aa08-aa98-61ea-b4aa-73b441d16380", v7: "2eb8aa08-aa98-71ea-b4aa-73b441d16380", guid: "2eb8aa08-aa98-01ea-04aa-73b441d16380" }],
    [{ v1: uuid, v4: uuid, v6: uuid, v7: uuid, guid: uuid }, {}]],
  ["identifiers", z.object({ cuid: z.cuid(), cuid2: z.cuid2(), ulid: z.ulid(), nanoid: z.nanoid(), xid: z.xid(), ksuid: z.ksuid() }),
    [{ cuid: "cjld2cjxh0000qzrmn831i7rn", cuid2: "tz4a98xxat96iws9zmbrgj3a", ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV", nanoid: "V1StGXR8_Z5jdHi6B-myT", xid: "9m4e2mr0ui3e8a215n4g", ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv" }],
    [{ cuid: "x", cuid2: "a", ulid: "01ARZ3NDEKTSV4RRFFQ69G5FAV", nanoid: "V1StGXR8_Z5jdHi6B-myT", xid: "9m4e2mr0ui3e8a215n4g", ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv" },
      { cuid: "cjld2cjxh0000qzrmn831i7rn", cuid2: "a", ulid: "91ARZ3NDEKTSV4RRFFQ69G5FAV", nanoid: "short", xid: "9m4e2mr0ui3e8a215n4g", ksuid: "0ujtsYcgvSTl8PAuAdqWYSMnLOv" }]],
  ["cuid", z.cuid(), ["cjld2cjxh0000qzrmn831i7rn"], ["cj", "xjld2cjxh0000qzrmn831i7rn", "c-12345678"]],
  ["nanoid", z.nanoid(), ["V1StGXR8_Z5jdHi6B-myT"], ["V1StGXR8_Z5jdHi6B-my", "V1StGXR8_Z5jdHi6B-my!"]],
  ["url", z.object({ any: z.url(), http: z.httpUrl(), secure: z.url({ protocol: /^https$/, hostname: z.regexes.domain }) }),
    [{ any: "https://example.com/a?b=c#d", http: "http://example.com", secure: "https://a.example.com/" }], [{ any: 1, http: "http://example.com", secure: "https://a.b" }, {}]],
  ["date-time", z.iso.datetime(), [at, "2024-01-01T00:00:00.123Z"], ["2023-02-29T00:00:00Z", "2024-01-01T00:00:00+02:00", "2024-01-01T25:00:00Z"]],
  ["date-time-offset", z.iso.datetime({ offset: true }), [at, "2024-01-01T00:00:00.5+02:00"], ["2024-01-01T00:00:00", "2024-01-01"]],
  ["date-time-precision", z.iso.datetime({ precision: 3 }), ["2024-01-01T00:00:00.123Z"], ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.1234Z"]],
  ["date-time-minutes", z.iso.datetime({ precision: -1, offset: true }), [], ["2024-01-01T00:00:00Z", "2024-01-01"]],
  ["date-time-local", z.iso.datetime({ local: true }), [at], ["2024-01-01 00:00:00"]],
  ["date", z.iso.date(), ["2024-02-29", "1999-12-31"], ["2023-02-29", "24-01-01", "2024-13-01"]],
  ["time", z.iso.time(), [], ["25:00:00", "12"]],
  ["duration", z.iso.duration(), ["P1Y2M3DT4H5M6S", "P3D", "PT30M"], ["P", "1 day", "PT"]],
  ["network", z.object({ v4: z.ipv4(), v6: z.ipv6(), net4: z.cidrv4(), net6: z.cidrv6(), mac: z.mac() }),
    [{ v4: "192.168.0.1", v6: "2001:db8::1", net4: "10.0.0.0/8", net6: "2001:db8::/32", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "0.0.0.0", v6: "::", net4: "1.2.3.4/32", net6: "::1/128", mac: "FF:FF:FF:FF:FF:FF" }],
    [{ v4: "256.1.1.1", v6: "::", net4: "1.2.3.4/32", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" }, { v4: "1.2.3.4", v6: "::", net4: "1.2.3.4/33", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" },
      { v4: "1.2.3.4", v6: "1::2::3", net4: "1.2.3.4/3", net6: "::1/128", mac: "00:1a:2b:3c:4d:5e" }, { v4: "1.2.3.4", v6: "::", net4: "1.2.3.4/3", net6: "::1/129", mac: "00:1a:2b:3c:4d:5e" }]],
  ["ipv6", z.ipv6(), ["::1", "1:2:3:4:5:6:7:8", "fe80::1"], ["1:2:3:4:5:6:7:8:9", "12345::", "g::"]],
  ["cidr-v6", z.cidrv6(), ["2001:db8::/32", "::/0"], ["2001:db8::", "::/129"]],
  ["encodings", z.object({ b64: z.base64(), url: z.base64url(), hex: z.hex(), sha: z.hash("sha256"), jwt: z.jwt(), phone: z.e164(), host: z.hostname() }),
    [{ b64: "aGVsbG8=", url: "aGVsbG8_", hex: "0aFf", sha: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc_", phone: "+14155552671", host: "example.com" },
      { b64: "", url: "", hex: "", sha: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", jwt: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.a", phone: "+1234567", host: "localhost" }],
    [{ b64: "a", url: "", hex: "", sha: "e3", jwt: "x", phone: "1", host: "" }]],
  ["base64", z.base64(), ["aGVsbG8=", "", "AAAA"], ["a", "aGVsbG8", "a===", "aGVs bG8="]],
  ["base64url", z.base64url(), ["aGVsbG8_", ""], ["a+b/", "a b"]],
  ["jwt", z.jwt(), ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc_"], [1]],
  ["e164", z.e164(), ["+14155552671"], ["14155552671", "+0123456789", "+1"]],
  ["emoji", z.emoji(), ["😀", "👍🎉"], ["a", ""]],
  ["text-checks", z.object({ a: z.string().startsWith("ab"), b: z.string().endsWith(".ts"), c: z.string().includes("-"), d: z.string().startsWith("(").endsWith(")").min(3).max(12), e: z.string().lowercase(), f: z.string().uppercase(), g: z.string().trim().nonempty() }),
    [{ a: "abc", b: "x.ts", c: "a-b", d: "(x)", e: "low 1", f: "UP 1", g: "g" }, { a: "ab", b: ".ts", c: "-", d: "(ab)(cd)", e: "", f: "", g: "\"\\" }],
    [{ a: "ba", b: "x.ts", c: "a-b", d: "(x)", e: "a", f: "A", g: "g" }, { a: "ab", b: "x.js", c: "a-b", d: "(x)", e: "a", f: "A", g: "g" }, { a: "ab", b: "x.ts", c: "ab", d: "(x)", e: "a", f: "A", g: "g" },
      { a: "ab", b: "x.ts", c: "-", d: "()", e: "a", f: "A", g: "g" }, { a: "ab", b: "x.ts", c: "-", d: "(x)", e: "Ab", f: "A", g: "g" }, { a: "ab", b: "x.ts", c: "-", d: "(x)", e: "a", f: "aB", g: "g" }]],
  ["regexes", z.object({ slug: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/).max(60), hex: z.string().regex(/^#?([a-f0-9]{6}|[a-f0-9]{3})$/), word: z.string().regex(/^\p{Lu}\p{Ll}+$/u), path: z.string().regex(/^[^\\]{1,60}$/), both: z.string().regex(/[A-Z]/).regex(/[0-9]/).min(8) }),
    [{ slug: "a-b", hex: "#fff", word: "Zürich", path: "C:/Users \"x\"", both: "passWord1" }, { slug: "x", hex: "a1b2c3", word: "Ab", path: "p", both: "A1aaaaaa" }],
    [{ slug: "A", hex: "#fff", word: "Ab", path: "p", both: "A1aaaaaa" }, { slug: "a", hex: "#ffff", word: "Ab", path: "p", both: "A1aaaaaa" }, { slug: "a", hex: "#fff", word: "ab", path: "p", both: "A1aaaaaa" },
      { slug: "a", hex: "#fff", word: "Ab", path: "C:\\", both: "A1aaaaaa" }, { slug: "a", hex: "#fff", word: "Ab", path: "p", both: "aaaaaaaa" }, { slug: "a", hex: "#fff", word: "Ab", path: "p", both: "A1" }]],
  ["template-literals", z.object({ css: z.templateLiteral([z.number(), z.enum(["px", "em", "%"])]), greeting: z.templateLiteral(["hello, ", z.string()]), version: z.templateLiteral(["v", z.int(), ".", z.int()]) }),
    [{ css: "12px", greeting: "hello, world", version: "v1.2" }, { css: "1.5%", greeting: "hello, ", version: "v10.0" }],
    [{ css: "12", greeting: "hello, ", version: "v1.2" }, { css: "12px", greeting: "hi", version: "v1.2" }, { css: "12px", greeting: "hello, ", version: "1.2" }]],
  ["enums", z.object({ unit: z.enum(["celsius", "fahrenheit"]), number: z.literal([1, 2, 3]), mixed: z.literal(["auto", 0, false, null]), native: z.enum({ Up: 1, Down: 2, Left: "left" }) }),
    [{ unit: "celsius", number: 3, mixed: null, native: "left" }, { unit: "fahrenheit", number: 1, mixed: 0, native: 2 }, { unit: "celsius", number: 2, mixed: false, native: 1 }],
    [{ unit: "kelvin", number: 1, mixed: null, native: 1 }, { unit: "celsius", number: 4, mixed: null, native: 1 }, { unit: "celsius", number: 1, mixed: true, native: 1 }, { unit: "celsius", number: 1, mixed: 0, native: "Up" }]],
  ["optional", z.object({ a: z.string().optional(), b: z.string().nullable(), c: z.string().nullish(), d: z.string().default("x"), e: z.number().catch(1), f: z.string().prefault("y"), g: z.string().readonly(), h: z.undefined().optional(), i: z.unknown() }).omit({ h: true }),
    [{ b: null, d: "", e: 2, f: "", g: "g", i: 1 }, { a: "", b: "", c: null, d: "d", e: 1, f: "f", g: "", i: null }], [{ b: 1, d: "", e: 1, g: "", i: 1 }, { a: null, b: "", d: "", e: 1, g: "", i: 1 }]],
  ["optional-input", z.object({ d: z.string().default("x"), n: z.int().default(5), list: z.array(z.string()).default([]) }), [{}, { d: "a", n: 1, list: ["b"] }], [{ n: "1" }, { list: [1] }], { io: "input" }],
  ["objects-derived", z.object({ a: z.string(), b: z.int() }).partial().extend({ c: z.boolean() }).required({ a: true }), [{ a: "x", c: true }, { a: "", b: 1, c: false }], [{ c: true }, { a: "x", b: "y", c: true }]],
  ["arrays", z.object({ some: z.array(z.string()).nonempty(), few: z.array(z.int()).min(1).max(3), exact: z.array(z.boolean()).length(2), nested: z.array(z.array(z.number())) }),
    [{ some: ["a"], few: [1], exact: [true, false], nested: [] }, { some: ["a", "b"], few: [1, 2, 3], exact: [true, true], nested: [[1.5], []] }],
    [{ some: [], few: [1], exact: [true, false], nested: [] }, { some: ["a"], few: [1, 2, 3, 4], exact: [true, false], nested: [] }, { some: ["a"], few: [1], exact: [true], nested: [] }]],
  ["tuples", z.object({ pair: z.tuple([z.string(), z.number()]), rest: z.tuple([z.string()], z.int()), point: z.tuple([z.number(), z.number(), z.number().optional()]) }),
    [{ pair: ["a", 1], rest: ["a"], point: [1, 2] }, { pair: ["", 0.5], rest: ["a", 1, 2, 3], point: [1, 2, 3] }],
    [{ pair: [1, "a"], rest: ["a"], point: [1, 2] }, { pair: ["a", 1], rest: ["a", "b"], point: [1, 2] }]],
  ["tuple-draft-7", z.object({ pair: z.tuple([z.string(), z.number()]), rest: z.tuple([z.string()], z.int()), more: z.number().gt(0) }), [{ pair: ["a", 1], rest: ["a", 2], more: 0.5 }], [{ pair: [1, "a"], rest: ["a"], more: 1 }, { pair: ["a", 1], rest: ["a", "b"], more: 1 }, { pair: ["a", 1], rest: ["a"], more: 0 }], { target: "draft-7" }],
  ["records", z.object({ any: z.record(z.string(), z.int()), keyed: z.record(z.enum(["a", "b"]), z.number()), partial: z.partialRecord(z.enum(["x", "y"]), z.string()), pattern: z.record(z.string().regex(/^[a-z]+$/), z.boolean()), uuids: z.record(z.uuid(), z.string()), nested: z.record(z.string(), z.record(z.string(), z.array(z.string()))) }),
    [{ any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: {}, nested: {} }, { any: { k: 1 }, keyed: { a: 0.5, b: 0 }, partial: { x: "1" }, pattern: { ab: true }, uuids: { [uuid]: "u" }, nested: { a: { b: ["c"] } } }],
    [{ any: { k: "1" }, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: {}, nested: {} }, { any: {}, keyed: { a: 1 }, partial: {}, pattern: {}, uuids: {}, nested: {} }, { any: {}, keyed: { a: 1, b: 2 }, partial: { z: "1" }, pattern: {}, uuids: {}, nested: {} },
      { any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: { A: true }, uuids: {}, nested: {} }, { any: {}, keyed: { a: 1, b: 2 }, partial: {}, pattern: {}, uuids: { x: "u" }, nested: {} }]],
  ["unions", z.object({ scalar: z.union([z.string(), z.number(), z.boolean()]), nullable: z.union([z.int(), z.null()]), objects: z.union([z.object({ a: z.string() }), z.object({ b: z.int() })]), mixed: z.union([z.string(), z.array(z.string())]) }),
    [{ scalar: "a", nullable: null, objects: { a: "x" }, mixed: "s" }, { scalar: 1.5, nullable: 3, objects: { b: 1 }, mixed: ["s"] }], [{ scalar: null, nullable: null, objects: { a: "x" }, mixed: "s" }, { scalar: 1, nullable: null, objects: {}, mixed: "s" }, { scalar: 1, nullable: 1, objects: { a: "" }, mixed: [1] }]],
  ["exclusive-union", z.xor([z.strictObject({ card: z.string() }), z.strictObject({ iban: z.string() })]), [{ card: "1" }, { iban: "2" }], [{ card: "1", iban: "2" }, {}]],
  ["discriminated", z.discriminatedUnion("type", [Click, Key, Scroll]), [{ type: "click", x: 1, y: 2 }, { type: "keyup", key: "a" }, { type: "scroll", delta: 1.5 }], [{ type: "click", key: "a" }, { type: "drag" }, { type: "keydown", key: "ab" }, { type: "scroll", delta: 0.3 }]],
  ["discriminated-nested", z.discriminatedUnion("status", [z.object({ status: z.literal("ok"), data: z.string() }), z.discriminatedUnion("code", [z.object({ status: z.literal("failed"), code: z.literal(400), message: z.string() }), z.object({ status: z.literal("failed"), code: z.literal(500) })])]),
    [{ status: "ok", data: "" }, { status: "failed", code: 400, message: "m" }, { status: "failed", code: 500 }], [{ status: "failed", code: 400 }, { status: "failed" }, { status: "ok" }]],
  ["intersection", z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })), [{ a: "x", b: 1 }], [{ a: "x" }, { b: 1 }]],
  ["intersection-loose", z.looseObject({ a: z.string() }).and(z.looseObject({ b: z.number() })), [{ a: "x", b: 1 }, { a: "x", b: 1, c: 2 }], [{ a: "x" }, { b: 1 }]],
  ["recursive", Category, [{ name: "a", children: [] }, { name: "a", children: [{ name: "b", children: [{ name: "c", children: [] }] }] }], [{ name: "a" }, { name: "a", children: [{}] }]],
  ["recursive-mutual", Person, [{ name: "a", friends: [] }, { name: "a", partner: { name: "b", friends: [] }, friends: [{ name: "c", friends: [] }] }], [{ name: "", friends: [] }, { name: "a", friends: [{}] }]],
  ["recursive-json", z.object({ value: Json }), [{ value: null }, { value: { a: [1, "b", { c: true }] } }, { value: 1.5 }], [{}, [1]]],
  ["reused", z.object({ home: Address, work: Address.optional(), all: z.array(Address) }), [{ home: { street: "a", zip: "12345", country: "DE" }, all: [] }, { home: { street: "a", zip: "12345", country: "DE" }, work: { street: "", zip: "00000", country: "FR" }, all: [{ street: "", zip: "00000", country: "FR" }] }], [{ home: { street: "a", zip: "1234", country: "DE" }, all: [] }, { all: [] }], { reused: "ref" }],
  ["described", z.object({ q: z.string().describe("Search query"), n: z.int().describe("Number of results").default(10), tags: z.array(z.string()).meta({ title: "Tags", examples: [["a"]], deprecated: true }) }).describe("Search"), [{ q: "a", n: 1, tags: [] }], [{ q: 1, n: 1, tags: [] }, {}]],
  ["openapi-3.0", z.object({ id: z.int32(), name: z.string().nullable(), score: z.number().gt(0).lt(10), kind: z.literal("a"), pair: z.tuple([z.string(), z.int()]), either: z.union([z.string(), z.null()]) }),
    [{ id: 1, name: null, score: 0.5, kind: "a", pair: ["a", 1], either: null }, { id: -1, name: "n", score: 9.99, kind: "a", pair: ["b", 2], either: "e" }], [{ id: 1, name: null, score: 0, kind: "a", pair: ["a", 1], either: null }, { id: 1, name: null, score: 1, kind: "b", pair: ["a", 1], either: null }, { id: 1, name: 1, score: 1, kind: "a", pair: ["a", 1], either: null }], { target: "openapi-3.0" }],
  ["draft-4", z.object({ positive: z.number().positive(), kind: z.literal("a"), pair: z.tuple([z.string(), z.boolean()]) }), [{ positive: 0.1, kind: "a", pair: ["x", true] }], [{ positive: 0, kind: "a", pair: ["x", true] }, { positive: 1, kind: "b", pair: ["x", true] }, { positive: 1, kind: "a", pair: [true, "x"] }], { target: "draft-4" }],
  ["function-tool", z.object({ location: z.string().describe("City and country"), units: z.enum(["celsius", "fahrenheit"]).nullable() }), [{ location: "Paris, France", units: null }, { location: "", units: "celsius" }], [{ location: "Paris" }, { location: "Paris", units: "kelvin" }], { target: "draft-7" }],
  ["agent-plan", z.object({ goal: z.string().min(1), steps: z.array(z.object({ id: z.int().positive(), tool: z.enum(["search", "read", "write"]), args: z.record(z.string(), z.unknown()), dependsOn: z.array(z.int()).default([]), retries: z.int().min(0).max(5).optional() })).min(1).max(20), budget: z.number().min(0).max(0.95) }),
    [{ goal: "g", steps: [{ id: 1, tool: "search", args: {}, dependsOn: [] }], budget: 0.9 }, { goal: "g", steps: [{ id: 1, tool: "read", args: { path: "/a", n: [1] }, dependsOn: [1], retries: 5 }], budget: 0.95 }],
    [{ goal: "", steps: [], budget: 0 }, { goal: "g", steps: [], budget: 0 }, { goal: "g", steps: [{ id: 0, tool: "search", args: {}, dependsOn: [] }], budget: 0 }, { goal: "g", steps: [{ id: 1, tool: "search", args: {}, dependsOn: [] }], budget: 0.96 }]],
  ["any", z.object({ any: z.any(), unknown: z.unknown(), list: z.array(z.any()), object: z.object({}), record: z.record(z.string(), z.any()) }), [{ any: 1, unknown: null, list: [1, "a"], object: {}, record: { a: [] } }], [{ any: 1, unknown: 1, list: {}, object: {}, record: {} }, { any: 1, unknown: 1, list: [], object: [], record: {} }]],
  ["pipes", z.object({ number: z.string().transform(Number).pipe(z.number()), date: z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() }), trimmed: z.string().trim().toLowerCase().min(2) }), [{ number: "1", date: at, trimmed: "ab" }], [{ number: 1, date: at, trimmed: "ab" }, { number: "1", date: "now", trimmed: "ab" }, { number: "1", date: at, trimmed: "a" }], { io: "input" }],
];

emit("zod", versionOf("zod"), cases, {
  schema: (type, options = {}) => z.toJSONSchema(type, options),
  accepts: (type, value) => type.safeParse(value).success,
  dialect: (options = {}) => (options.target === "openapi-3.0" ? "openapi-3.0" : undefined),
});
