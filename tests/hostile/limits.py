"""What compiles, and what an engine then can't follow, or only slowly: told beforehand, or answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.hostile.row import Row
from tests.hostile.schemas import PARAM, asked, nested

REGEX, GRAMMAR = "structured_outputs.regex", "structured_outputs.grammar"


def _of(kind: str, value: object, most: int = 40) -> Mapping[str, str]:
    return {"structured_outputs": json.dumps({kind: value}), "max_tokens": str(most)}


OBJECTS = '{"type": "object", "properties": {"a": %s}, "required": ["a"]}'
LISTS = '{"type": "array", "items": %s}'
DOUBLED = '{"$defs": {"a": {"type": "object"}}, "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}'
MARKED = '{"type": "object", "properties": {"a": {"const": "<|im_end|>"}}, "required": ["a"]}'
TOOL = f'[{{"type": "function", "function": {{"name": "f", "parameters": {MARKED}}}}}]'

ANSWERED: Mapping[str, Mapping[str, str]] = {
    "a choice of 2,500": _of("choice", [f"choice {number}" for number in range(2500)]),
    "a choice of 20,000": _of("choice", [f"choice {number}" for number in range(20_000)]),
    "objects, 60 deep": asked(nested(OBJECTS, 60, '{"type": "integer"}')),
    "lists, 63 deep": asked(nested(LISTS, 63, '{"type": "integer"}')),
    "an allOf doubled by $ref": asked(DOUBLED),
    "text of special tokens": asked('{"const": "<|im_end|>"}'),
    "text of special tokens in an enum": asked('{"enum": ["<|im_end|>", "<|im_start|>"]}'),
    "text of special tokens in a choice": _of("choice", ["<|im_end|>"]),
    "text of special tokens in a regex": _of("regex", "<\\|im_end\\|>"),
    "text of special tokens in a tool": {"tools": TOOL, "tool_choice": '"required"', "max_tokens": "90"},
    "a pattern whose automaton grows": _of("regex", ".*(a|e|i).{30}"),
}
TOLD: Mapping[str, tuple[Mapping[str, str], str]] = {
    "an anyOf of the root and a type": (asked('{"anyOf": [{"$ref": "#"}, {"type": "null"}]}'), PARAM),
    "a literal 60,000 times in Lark": (_of("grammar", 'start: "x"{60000}'), GRAMMAR),
    "a grammar that never ends": (_of("grammar", "start: start"), GRAMMAR),
    "a grammar whose every text goes on": (_of("grammar", 'start: "a" start'), GRAMMAR),
    "left recursion alone": (_of("grammar", 'start: start "a"'), GRAMMAR),
    "a terminal that nothing fits": (_of("grammar", 'start: a "z"\na[lazy]: /[^z]*?/'), GRAMMAR),
    "a class without characters": (_of("regex", "[^\\s\\S]"), REGEX),
    "a class without characters at the end": (_of("regex", "a[^\\s\\S]"), REGEX),
}


def rows() -> Iterator[Row]:
    for name, fields in ANSWERED.items():
        yield Row(fields, 200, real=True, name=name)
    for name, (fields, param) in TOLD.items():
        yield Row(fields, 400, param, real=True, name=name)
