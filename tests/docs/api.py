"""The API reference, generated from the server's own OpenAPI document."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from latticework import errors
from latticework.app import OPERATIONS
from latticework.compiling.compiler import COMPILE_FAILURES
from latticework.doors import Operation
from latticework.doors.common.fields import DoorName, Refused
from latticework.doors.openai import error_type, field_docs
from latticework.doors.openai.fields import HARMLESS, REFUSED
from latticework.doors.openai.fields.nested import NESTED
from latticework.errors import ApiError
from latticework.http import endpoint, figures, lifetime
from latticework.http.record import REQUEST_ID
from tests.described import DOCUMENT
from tests.docs.made import ROOT, code, table

Schema = Mapping[str, Any]

SCHEMAS: Mapping[str, Schema] = DOCUMENT["components"]["schemas"]

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

# When each error occurs, by its class. A subclass that is not listed here counts as its parent.
WHEN: Mapping[type[ApiError], str] = {
    errors.BadRequest: "an invalid request; `param` names the field",
    errors.ContextExceeded: "prompt and answer exceed the model's context length",
    errors.Unauthorized: "a missing or unknown key",
    errors.UnknownRoute: "an unknown path",
    errors.UnknownModel: "an unknown `model`",
    errors.UnknownResponse: "a response that is not stored, or belongs to another key",
    errors.WrongMethod: "a method that the path doesn't support",
    errors.SlowRequest: "the body took longer than `read_timeout`",
    errors.TooLarge: "the body is larger than `max_body_bytes`",
    errors.RateLimited: "more than `requests_per_minute` or `concurrent_requests`",
    errors.GrammarExceeded: "the grammar exceeded a limit in the middle of the answer; the message names it",
    errors.HeadTooLarge: "the head, or what frames a chunked body, is larger than 64 KiB; or more than 256 headers",
    errors.BrokenGuarantee: "a finished answer violates its own grammar: a bug of this server",
    errors.SchemaViolation: "the answers of all `attempts` violated a checked keyword",
    errors.ServerFault: "any other failure: see the log",
    errors.TimedOut: "no answer within `request_timeout` or `x-request-timeout`",
    errors.Unavailable: "the engine is not running, or the server is stopping",
    errors.StoreUnavailable: "the file of stored responses can't be used",
    errors.Overloaded: "more than `max_queue` answers are waiting, or bodies have reached `max_bodies_bytes`",
}

REQUEST_HEADERS: Mapping[str, str] = {
    "authorization": "`Bearer KEY`, if the server has keys",
    "x-api-key": "the key, as Anthropic's SDKs send it",
    REQUEST_ID: "the request's id in the response and in the log: up to 128 letters, digits and `._:-`",
    lifetime.HEADER: "seconds until a 504: earlier than the server's `request_timeout`, never later",
    "traceparent": "the trace of the request's span",
}
RESPONSE_HEADERS: Mapping[str, str] = {
    REQUEST_ID: "the client's own id, or a generated one",
    "request-id": "the same, for Anthropic's SDKs",
    endpoint.CHECKED: "JSON pointers to the keywords that are checked on the finished answer, held back until then",
    endpoint.IGNORED: "fields of the request that are unknown, or have no effect on this answer",
    endpoint.SKIPPED: "tools that can't be compiled and were left out, if `on_bad_tool` is `skip`",
    endpoint.REPEATED: "the call that at least the last two turns of the conversation have made, each alone, and the "
    "number of these turns: `get_weather x3`",
    endpoint.INCOMPLETE: "tools whose calls were cut and are not in `tool_calls`; streams name them at their end",
    endpoint.DESCRIBED: "JSON pointers to the keywords that `/v1/messages` has read in descriptions",
    figures.ATTEMPTS: "how many times an answer was generated, over all answers; not in a stream",
    figures.SAVED: "tokens that took no forward pass of their own: `forced=12, copied=3`; not in a stream",
    "retry-after": "seconds, with a 429 or a 503",
    "x-should-retry": "`false`, with a 504: clients should not retry automatically",
    "www-authenticate": "`Bearer`, with a 401",
}

WARNINGS: Mapping[str, str] = {
    "skipped_tool": "a tool was left out: it can't be compiled, or only the API's own servers run it",
    "incomplete_tool_call": "the answer was cut within a call, which is left out",
    "repeated_call": "the answer ends before a call that repeats another one of it",
    "repeated_turns": "the last turns of the conversation each made the same single call",
    "empty_answer": "the answer has neither text nor a call",
    "resampled_answer": "an invalid answer was generated again without feedback, though that was requested",
    "no_confidence": "the server's default `confidence` has no values: the model's calls are not in JSON",
    "replaced_text": "half a surrogate pair was read as U+FFFD",
    "ignored_block": "Messages: a block that the model can't read was left out",
    "removed_text": "Messages: text that changes with each request was left out",
}


def operations() -> str:
    rows = [
        (
            code(f"{operation.method.upper()} {operation.path}"),
            operation.summary,
            _answers(operation),
            "yes" if operation.guarded else "",
        )
        for operation in OPERATIONS
    ]
    return table(("endpoint", "", "returns", "needs a key"), rows)


def _answers(operation: Operation) -> str:
    names = dict.fromkeys(_name(kind) for kinds in operation.responses.values() for kind in kinds)
    return ", ".join(names)


def _name(kind: Any) -> str:
    name = getattr(kind, "__name__", "")
    return _link(name) if name in SCHEMAS else "text" if kind is str else "JSON"


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def request() -> str:
    """The fields of a chat request, by origin."""
    groups = {
        "OpenAI": field_docs.OPENAI,
        "vLLM": field_docs.VLLM,
        "others": field_docs.ALIASES,
        "extension": field_docs.OURS,
    }
    properties = SCHEMAS["ChatRequest"]["properties"]
    rows = [
        (code(name), origin, kind(properties[name]), meaning)
        for origin, group in groups.items()
        for name, meaning in group.items()
    ]
    return table(("field", "from", "type", "meaning"), rows)


def refused() -> str:
    """Fields that would change the answer and can't be honoured."""
    rows = [
        (code(name), row.servers, _doors(row.doors), row.why, _neutral(row))
        for name, row in sorted({**REFUSED, **NESTED}.items())
    ]
    return table(("field", "of", "refused in", "reason", "accepted"), rows)


def _doors(doors: Sequence[DoorName]) -> str:
    return "" if len(doors) > 1 else doors[0]


def _neutral(row: Refused) -> str:
    """The values that have no effect, but for null and false."""
    return ", ".join(code(json.dumps(value)) for value in row.neutral if value is not None and value is not False)


def harmless() -> str:
    """Fields on which no answer depends."""
    rows = [(code(name), row.servers, row.why) for name, row in sorted(HARMLESS.items())]
    return table(("field", "of", ""), rows)


def components() -> str:
    """Every other type, in alphabetical order."""
    return "\n\n".join(_component(name) for name in sorted(SCHEMAS) if name not in ("ChatRequest",))


def _component(name: str) -> str:
    schema = SCHEMAS[name]
    description = inspect.cleandoc(schema.get("description", "")).replace("\n\n", "\n")
    return "\n\n".join(part for part in (f"### {name}", description, _fields(schema)) if part)


def _fields(schema: Schema) -> str:
    """With the meanings of the fields, if the document has them."""
    required, in_request = schema.get("required", ()), "additionalProperties" in schema
    rows = [
        (code(field) + (" *" if field in required else ""), kind(of, nulls=not in_request), of.get("description", ""))
        for field, of in schema["properties"].items()
    ]
    head = ("field", "type", "meaning")
    return table(head, rows) if any(meaning for *_, meaning in rows) else table(head[:2], [row[:2] for row in rows])


def kind(schema: Schema, *, nulls: bool = False) -> str:
    """A type in words. Requests don't mention null, which means the same as omitting the field."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(code(str(value) or '""') for value in values if value is not None)
    branches = schema.get("anyOf") or schema.get("oneOf") or ()
    if kept := [branch for branch in branches if nulls or branch != {"type": "null"}]:
        kinds = " or ".join(dict.fromkeys(kind(branch, nulls=nulls) for branch in kept))
        return kinds.replace("number or integer", "number") + _bounds(schema)
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
    bounds = [f"{sign} {_bound(schema[name])}" for name, sign in _BOUNDS.items() if name in schema]
    return " " + ", ".join(bounds) if bounds else ""


def _bound(value: float) -> str:
    return {2**63: "2⁶³", -(2**63): "-2⁶³"}.get(int(value), f"{value:g}")


def failures() -> str:
    """All errors, by status."""
    ordered = sorted(WHEN.items(), key=lambda item: item[0].status)
    rows = [
        (str(error.status), code(error_type(error)), code(error.default_code) if error.default_code else "", when)
        for error, when in ordered
    ]
    return table(("status", "`type`", "`code`", "when"), rows)


def codes() -> str:
    """The codes of single errors in the sources, by status, apart from those of whole classes."""
    sources = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "middleware").rglob("*.py")))
    given = {(400, name) for name in re.findall(r'BadRequest\([^()]*code="(\w+)"', sources)}
    given |= {(kind.status, name) for kind, name, _ in COMPILE_FAILURES.values()}
    of_classes = {error.default_code for error in WHEN}
    rows = [(str(status), code(name)) for status, name in sorted(given) if name not in of_classes]
    return table(("status", "`code`"), rows)


def warnings() -> str:
    return table(("`code`", ""), [(code(name), text) for name, text in WARNINGS.items()])


def headers() -> str:
    return "\n\n".join(_headers())


def _headers() -> Iterator[str]:
    yield table(("request header", ""), [(code(name), text) for name, text in REQUEST_HEADERS.items()])
    yield table(("response header", ""), [(code(name), text) for name, text in RESPONSE_HEADERS.items()])
