"""The reference of the API, made of the document that the server serves about itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from latticework import errors
from latticework.app import OPERATIONS
from latticework.compiling.failures import FAILURES
from latticework.doors.door import Operation
from latticework.doors.openai import field_docs
from latticework.doors.openai.envelope import error_type
from latticework.errors import ApiError
from latticework.http import deadline, endpoint
from latticework.telemetry.record import REQUEST_ID
from tests.described import DOCUMENT
from tests.docs.made import ROOT, code, table

Schema = Mapping[str, Any]

SCHEMAS: Mapping[str, Schema] = DOCUMENT["components"]["schemas"]

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

# What each error says, by its class. A subclass of one that is not here is told as that.
WHEN: Mapping[type[ApiError], str] = {
    errors.BadRequest: "something in the request; `param` names it",
    errors.ContextExceeded: "prompt and answer don't fit the model's context",
    errors.Unauthorized: "no key, or none that is known",
    errors.UnknownRoute: "there is no such path",
    errors.UnknownModel: "`model` is none of the server's",
    errors.WrongMethod: "the path takes another method",
    errors.SlowRequest: "the body did not arrive in time (`read_timeout`)",
    errors.TooLarge: "the body is larger than `max_body_bytes`",
    errors.RateLimited: "over `requests_per_minute` or `concurrent_requests`",
    errors.HeadTooLarge: "the head is larger than 64 KiB",
    errors.BrokenGuarantee: "a finished answer breaks its own grammar: a bug of this server",
    errors.SchemaViolation: "the answer broke a keyword that is only checked, in all `attempts`",
    errors.ServerFault: "anything else: the log has it",
    errors.TimedOut: "not answered within `request_timeout`, or `x-request-timeout`",
    errors.Unavailable: "the engine does not run, or the server is stopping",
    errors.Overloaded: "more answers wait than `max_queue`",
}

REQUEST_HEADERS: Mapping[str, str] = {
    "authorization": "`Bearer KEY`, where the server has keys",
    REQUEST_ID: "what the response and the log call the request: up to 128 letters, digits and `._:-`",
    deadline.HEADER: "seconds until a 504: sooner than the server's own `request_timeout`, never later",
    "traceparent": "the trace that the request's span belongs to",
}
RESPONSE_HEADERS: Mapping[str, str] = {
    REQUEST_ID: "the client's own, or one that is made",
    endpoint.CHECKED: "the keywords for whose sake the answer is held back until it is checked, as JSON pointers",
    endpoint.IGNORED: "fields of the request that have no meaning here, or none for this answer",
    "retry-after": "seconds, with a 429 or a 503",
    "x-should-retry": "`false`, with a 504: clients are not to try again by themselves",
    "www-authenticate": "`Bearer`, with a 401",
}


def operations() -> str:
    rows = [
        (code(f"{one.method.upper()} {one.path}"), one.summary, _answers(one), "yes" if one.guarded else "")
        for one in OPERATIONS
    ]
    return table(("", "", "answers with", "needs a key"), rows)


def _answers(one: Operation) -> str:
    names = dict.fromkeys(_name(kind) for kinds in one.responses.values() for kind in kinds)
    return ", ".join(names)


def _name(kind: Any) -> str:
    name = getattr(kind, "__name__", "")
    return _link(name) if name in SCHEMAS else "text" if kind is str else "JSON"


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def request() -> str:
    """The fields of a chat request, by where they come from."""
    groups = {
        "OpenAI's": field_docs.OPENAI,
        "vLLM's": field_docs.VLLM,
        "ours": field_docs.OURS,
        "without effect": field_docs.WITHOUT_EFFECT,
    }
    properties = SCHEMAS["ChatRequest"]["properties"]
    rows = [
        (code(name), origin, kind(properties[name]), meaning)
        for origin, group in groups.items()
        for name, meaning in group.items()
    ]
    return table(("field", "whose", "type", "what"), rows)


def refused() -> str:
    """Fields that would change the answer, and that can't be honoured."""
    properties = SCHEMAS["ChatRequest"]["properties"]
    rows = [(name, schema["description"]) for name, schema in properties.items() if name not in field_docs.CHAT]
    return table(("field", "why"), [(code(name), why.removeprefix("Refused: it ")) for name, why in rows])


def components() -> str:
    """Every other type, in alphabetical order."""
    return "\n\n".join(_component(name) for name in sorted(SCHEMAS) if name not in ("ChatRequest",))


def _component(name: str) -> str:
    schema = SCHEMAS[name]
    required, asked = schema.get("required", ()), "additionalProperties" in schema
    rows = [
        (code(field) + (" *" if field in required else ""), kind(of, nulls=not asked))
        for field, of in schema["properties"].items()
    ]
    told = inspect.cleandoc(schema.get("description", "")).replace("\n\n", "\n")
    return "\n\n".join(part for part in (f"### {name}", told, table(("field", "type"), rows)) if part)


def kind(schema: Schema, *, nulls: bool = False) -> str:
    """A type in words. In a request null is the same as leaving a field out, and is not told."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "const" in schema or "enum" in schema:
        return ", ".join(code(str(value)) for value in schema.get("enum", [schema.get("const")]) if value is not None)
    branches = [one for one in schema.get("anyOf") or schema.get("oneOf") or () if nulls or one != {"type": "null"}]
    if branches:
        told = " or ".join(dict.fromkeys(kind(one, nulls=nulls) for one in branches))
        return told.replace("number or integer", "number") + _bounds(schema)
    return _plain(schema)


def _plain(schema: Schema) -> str:
    match schema.get("type"):
        case "array":
            least = f", at least {schema['minItems']}" if schema.get("minItems") else ""
            return f"list of {kind(schema.get('items', {}))}{least}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {kind(schema['additionalProperties'])}"
        case "string" if "pattern" in schema:
            return f"string, {code(schema['pattern'])}"
        case None:
            return "anything"
    return str(schema["type"]) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    told = [f"{sign} {_bound(schema[name])}" for name, sign in _BOUNDS.items() if name in schema]
    return " " + ", ".join(told) if told else ""


def _bound(value: float) -> str:
    return {2**63: "2⁶³", -(2**63): "-2⁶³"}.get(int(value), f"{value:g}")


def failures() -> str:
    """All errors, by status."""
    ordered = sorted(WHEN.items(), key=lambda one: one[0].status)
    rows = [
        (str(error.status), code(error_type(error)), code(error.default_code) if error.default_code else "", when)
        for error, when in ordered
    ]
    return table(("status", "`type`", "`code`", "when"), rows)


def codes() -> str:
    """Those that the sources give to single errors, by status, beside those of whole classes."""
    sources = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "middleware").rglob("*.py")))
    given = {(400, name) for name in re.findall(r'BadRequest\([^()]*code="(\w+)"', sources)}
    given |= {(kind.status, name) for kind, name, _ in FAILURES.values()}
    told = {error.default_code for error in WHEN}
    rows = [(str(status), code(name)) for status, name in sorted(given) if name not in told]
    return table(("status", "`code`"), rows)


def headers() -> str:
    return "\n\n".join(_headers())


def _headers() -> Iterator[str]:
    yield table(("of a request", ""), [(code(name), told) for name, told in REQUEST_HEADERS.items()])
    yield table(("of a response", ""), [(code(name), told) for name, told in RESPONSE_HEADERS.items()])
