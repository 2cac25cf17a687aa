"""Every parameter with wrong types, at its bounds, beyond them, and with numbers that no machine has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.hostile.row import CHAT, COMPLETIONS, DETOKENIZE, GRAMMARS, HALF, TOKENIZE, Row

BOTH = (CHAT, COMPLETIONS)
TURNS = (CHAT, GRAMMARS)

# What is no JSON, or no number that is read: there is no parameter to name.
NO_JSON = (
    "NaN",
    "Infinity",
    "-Infinity",
    "9" * 5000,
    "-" + "9" * 5000,
    "0." + "1" * 5000,
    "01",
    "+1",
    "0x1",
    "1e",
    "'a'",
)
# By kind of field: what it must not be.
NOT_TEXT = ("0", "true", "[]", "{}", '["a"]', "1e400", "-0.0")
NOT_NUMBER = ('"1"', '""', "true", "false", "[]", "{}", "[1]", '{"a": 1}', "1e400", "-1e400")
NOT_INTEGER = (*NOT_NUMBER, "1.5", "-0.5", "1e-400", "0.99999999999999999999")
NOT_BOOLEAN = ("0", "1", '"true"', '""', "[]", "{}", "1e400", "[true]")
NOT_LIST = ("0", "true", "{}", '{"0": 1}', "1e400")
NOT_OBJECT = ("0", "true", "[]", "[{}]", "1e400")
WRONG: Mapping[str, Sequence[str]] = {
    "text": NOT_TEXT,
    "number": NOT_NUMBER,
    "integer": NOT_INTEGER,
    "boolean": NOT_BOOLEAN,
    "texts": (*NOT_LIST, "[0]", "[null]", '["a", []]', '[""]'),
    "ids": (
        *NOT_LIST,
        '"1"',
        '["1"]',
        "[1.5]",
        "[null]",
        "[[1]]",
        "[-1]",
        "[18446744073709551616]",
        "[1e400]",
        "[true]",
    ),
    "object": (*NOT_OBJECT, '"text"'),
    "objects": (*NOT_LIST, '"a"', "[0]", "[null]", "[[]]", '["a"]'),
    "word": ("0", "true", '"banana"', '""', "[]", "{}", "1e400"),
}


@dataclass(frozen=True)
class Field:
    """A field of requests.

    Attributes:
        good: JSON texts that are taken.
        bad: JSON texts that are refused, beside what is no value of its kind.
    """

    name: str
    kind: str
    good: Sequence[str] = ()
    bad: Sequence[str] = ()
    paths: Sequence[str] = BOTH


FAR = ("18446744073709551616", "-18446744073709551617", "1" + "0" * 400, "-1" + "0" * 400)
ABOVE, BELOW = FAR[::2], FAR[1::2]

SWITCHES = (
    *("ignore_eos", "stream", "return_token_ids", "token_sources"),
    *("include_stop_str_in_output", "return_tokens_as_token_ids"),
)

FIELDS: Sequence[Field] = (
    Field("model", "text", (), ('""', '"gpt-9"', HALF), (*BOTH, GRAMMARS, TOKENIZE, DETOKENIZE)),
    Field("max_tokens", "integer", ("1", "100"), ("0", "-1", *FAR, "1000000000000000000", "9223372036854775807")),
    Field("temperature", "number", ("0", "2", "1e-300", "0.30000000000000001"), ("-1e-300", "2.0000001", *FAR)),
    Field("top_p", "number", ("1", "1e-300", "0.5"), ("0", "-1", "1.0000001", *FAR)),
    Field("top_k", "integer", ("-1", "0", "1", "2147483647"), ("-2", "2147483648", *FAR)),
    Field("min_p", "number", ("0", "1", "1e-300"), ("-1e-9", "1.5", *FAR)),
    Field("seed", "integer", ("0", "-9223372036854775808", "9223372036854775807"), ("9223372036854775808", *FAR)),
    Field("frequency_penalty", "number", ("-2", "2", "0"), ("-2.1", "2.1", *FAR)),
    Field("presence_penalty", "number", ("-2", "2", "0"), ("-2.1", "2.1", *FAR)),
    Field("repetition_penalty", "number", ("0.01", "10", "1"), ("0", "-1", "1e-300", "1e-39", "0.009", "10.1", *FAR)),
    Field("min_tokens", "integer", ("0", "3"), ("-1", "4", "1000000000", *FAR)),
    Field("n", "integer", ("1", "128"), ("0", "-1", "129", "1000000000000", *FAR)),
    Field("priority", "integer", ("0", "9223372036854775807", "-9223372036854775808"), ("9223372036854775808", *FAR)),
    Field("truncate_prompt_tokens", "integer", ("-1", "1", "1000000", *ABOVE), ("-2", *BELOW)),
    Field("truncate_prompt_tokens", "integer", (), ("0",)),
    Field("top_logprobs", "integer", (), ("-1", "21", "1", *FAR), (CHAT,)),
    Field("prompt_logprobs", "integer", ("0", "20"), ("-1", "21", *FAR), (CHAT,)),
    Field("logprobs", "integer", ("0", "20"), ("-1", "21", *FAR), (COMPLETIONS,)),
    Field("logprobs", "boolean", ("true", "false"), (), (CHAT,)),
    Field("max_completion_tokens", "integer", ("3",), ("0", "-1", *BELOW), (CHAT,)),
    Field("max_reasoning_tokens", "integer", ("0", "1", *ABOVE), ("-1", *BELOW), (CHAT,)),
    Field("thinking_token_budget", "integer", ("-1", "0", *ABOVE), ("-2", *BELOW), (CHAT,)),
    Field("reasoning_budget_tokens", "integer", ("-1", "0", *ABOVE), ("-2", *BELOW), (CHAT,)),
    Field("thinking_budget_tokens", "integer", ("-1", "0", *ABOVE), ("-2", *BELOW), (CHAT,)),
    Field("best_of", "integer", ("1",), ("0", "2", *FAR), (COMPLETIONS,)),
    *(Field(name, "boolean", ("true", "false")) for name in SWITCHES),
    Field("open_objects", "boolean", ("true", "false"), (), (*BOTH, GRAMMARS)),
    Field("parallel_tool_calls", "boolean", ("true", "false"), (), TURNS),
    Field("echo", "boolean", ("false",), ("true",), (CHAT,)),
    Field("echo", "boolean", ("true", "false"), (), (COMPLETIONS,)),
    Field("continue_final_message", "boolean", ("false",), (), (CHAT,)),
    Field("add_generation_prompt", "boolean", ("true",), (), (CHAT,)),
    Field("add_special_tokens", "boolean", ("true", "false"), (), (COMPLETIONS, TOKENIZE)),
    Field("skip_special_tokens", "boolean", ("true", "false"), (), (COMPLETIONS,)),
    Field("return_token_strs", "boolean", ("true", "false"), (), (TOKENIZE,)),
    Field("stop", "texts", ('"a"', "[]", '["a", "b"]', json.dumps(["x" * 1000])), (
        '""', json.dumps(["a"] * 5000), json.dumps(["x" * 100_000]),
    )),
    Field("bad_words", "texts", ("[]", '["a", "b"]', '["\\u0000"]'), (json.dumps(["w"] * 300),)),
    Field("stop_token_ids", "ids", ("[]", "[0, 255]"), ("[256]", json.dumps([1] * 65), json.dumps([0] * 50_000))),
    Field("allowed_token_ids", "ids", ("[0, 255]",), ("[]", "[256]", json.dumps([1] * 1025))),
    Field("cache_salt", "text", ('"a"', json.dumps("é" * 1024)), ('""', json.dumps("a" * 1025))),
    Field("logit_bias", "object", ("{}", '{"0": 100, "255": -100}', '{"0007": 1}'), (
        '{"256": 1}', '{"-1": 1}', '{"": 1}', '{" 1": 1}', '{"1_0": 1}', '{"\u0661": 1}', '{"1.5": 1}', '{"NaN": 1}',
        '{"1": "1"}', '{"1": true}', '{"1": null}', '{"1": 100.5}', '{"1": 1e400}', '{"1": [1]}', '{"1": -101}',
        json.dumps({"1" * 5000: 1}), json.dumps({str(number): 1 for number in range(1025)}),
    )),
    Field("suffix", "text", ('""',), ('"a"',), (COMPLETIONS,)),
    Field("prompt", "prompt", ('"a"', "[1, 2]", '["a"]', "[[1], [2]]", json.dumps(["a"] * 100), '"\\u0000"'), (
        "[]", "0", "true", "{}", "null", "1e400", "[[]]", "[1.5]", '[1, "a"]', '["a", 1]', "[256]", "[-1]",
        "[[1], 2]", "[null]", "[{}]", "[18446744073709551616]", HALF, json.dumps(["a"] * 3000),
    ), (COMPLETIONS,)),
    Field("prompt", "text", ('""', '"\\u0000"'), (HALF,), (TOKENIZE,)),
    Field("tokens", "ids", ("[]", "[0, 255]", json.dumps([7] * 50_000)), ("null", "[256]"), (DETOKENIZE,)),
    Field("reasoning_effort", "word", ('"none"', '"max"'), ('"NONE"',), (CHAT,)),
    Field("truncation", "word", ('"cut"',), (), (CHAT,)),
    Field("tool_call_streaming", "word", ('"whole"',), (), (CHAT,)),
    Field("tool_format", "word", ('"hermes"',), (HALF, '"\\u0000"'), TURNS),
    Field("on_bad_tool", "word", ('"skip"', '"error"'), (), (*TURNS, TOKENIZE)),
    Field("tool_choice", "word", ('"auto"', '"none"'), ('"required"', '{"type": "function"}', '{"type": []}'), TURNS),
    Field("chat_template_kwargs", "object", ("{}", '{"a": [[]]}'), (), (CHAT,)),
    Field("stream_options", "object", (), ("{}", '{"include_usage": 1}', '{"include_usage": true}')),
    Field("documents", "objects", (), (), (CHAT,)),
    Field("modalities", "texts", ('["text"]', "[]"), ('["audio"]', '["text", "text", "image"]'), (CHAT,)),
    Field("response_format", "object", ('{"type": "text"}',), (
        "{}", '{"type": 0}', '{"type": "banana"}', '{"type": "json_schema"}',
        '{"type": "json_schema", "json_schema": []}',
        '{"type": "json_schema", "json_schema": {}}', '{"type": "json_schema", "json_schema": {"name": ""}}',
        '{"type": "json_schema", "json_schema": {"name": "a", "schema": []}}',
        '{"type": "json_schema", "json_schema": {"name": "a", "schema": true}}',
        '{"type": "json_schema", "json_schema": {"name": "a", "strict": 1}}',
        json.dumps({"type": "json_schema", "json_schema": {"name": "a" * 257}}),
    ), (*BOTH, GRAMMARS)),
    Field("structured_outputs", "object", (), (
        "{}", '{"regex": "a", "choice": ["a"]}', '{"regex": 1}', '{"choice": []}', '{"choice": [1]}',
        '{"choice": "a"}', '{"json": 1}', '{"json": "["}', '{"json": "1"}', '{"json": "\\"a\\""}', '{"json": []}',
        '{"json_object": false}',
        '{"json": "{\\"const\\": \\"\\\\ud800\\"}"}', '{"json": "{\\"const\\": NaN}"}', '{"grammar": 1}',
        '{"json": "{\\"maximum\\": %s}"}' % ("9" * 5000),
        '{"banana": 1}', '{"structural_tag": "a"}',
        '{"regex": "\\ud800"}',
    ), (*BOTH, GRAMMARS)),
    Field("json_schema", "object", ('"{}"', "{}"), (
        '"["', '"\\ud800"', '"{\\"const\\": \\"\\\\ud800\\"}"',
    ), (GRAMMARS,)),
    Field("format", "format", ('""', '"json"', "{}"), ('"xml"', "0", "true", "[]", "1e400", HALF), (GRAMMARS,)),
    *(Field(name, "text", (), ('"(\\ud800)"',), (GRAMMARS,)) for name in ("regex", "grammar", "ebnf")),
    Field("messages", "objects", (), ("null", "[]", '[{"role": "user", "role": 1}]'), (CHAT,)),
    Field("messages", "objects", (), ("[]",), (TOKENIZE,)),
    Field("tools", "objects", ("[]",), ("[{}]", '[{"type": "banana"}]', '[{"type": []}]'), (*TURNS,)),
)  # fmt: skip

# Null is the same as no field, where a field is not required.
REQUIRED = {"model", "messages", "prompt", "tokens"}
# What vLLM refuses, unless it is started otherwise.
NOT_REAL = {"priority"}


def rows() -> Iterator[Row]:
    for field in FIELDS:
        for path in field.paths:
            yield from _of_field(field, path)
    yield from _no_json()
    yield from COMBINED


def _of_field(field: Field, path: str) -> Iterator[Row]:
    if field.name not in REQUIRED:
        yield Row({field.name: "null"}, 200, path=path)
    for text in field.good:
        yield Row({field.name: text, **_companions(field.name, path)}, 200, path=path, real=field.name not in NOT_REAL)
    for text in (*field.bad, *WRONG.get(field.kind, ())):
        yield Row({field.name: text, **_companions(field.name, path)}, _status(field, text), field.name, path)


def _companions(name: str, path: str) -> Mapping[str, str]:
    """A conversation instead of the text, where one is sent."""
    return {"prompt": ""} if path == TOKENIZE and name == "messages" else {}


def _status(field: Field, text: str) -> int:
    return 404 if field.name == "model" and text in ('""', '"gpt-9"') else 400


def _no_json() -> Iterator[Row]:
    for text in NO_JSON:
        for path, name in ((CHAT, "temperature"), (COMPLETIONS, "seed"), (GRAMMARS, "user"), (DETOKENIZE, "tokens")):
            yield Row({name: text}, 400, path=path, name=f"{name}={text[:20]}")


SCHEMA = (
    '{"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "required": ["a"], '
    '"properties": {"a": {"type": "string", "maxLength": 9}}, "additionalProperties": false}}}'
)
FORMAT = {"response_format": SCHEMA, "max_tokens": "60"}
WORD_TOKENS = ", ".join(str(token) for token in range(65, 91))
EXTREMES: Sequence[Mapping[str, str]] = (
    {"top_p": "1e-300", "min_p": "1", "top_k": "1", "temperature": "2"},
    {"presence_penalty": "2", "frequency_penalty": "2", "repetition_penalty": "0.01"},
    {"presence_penalty": "-2", "frequency_penalty": "-2", "repetition_penalty": "0.01"},
)
UNCONSTRAINED = {
    "min_tokens": "1",
    "ignore_eos": "true",
    "stop_token_ids": "[1]",
    "allowed_token_ids": "[1]",
    "bad_words": '["a"]',
}
# Pairs that pass one by one.
COMBINED: Sequence[Row] = (
    Row({"max_tokens": "", "min_tokens": "1000000000"}, 400, "min_tokens"),
    Row({"max_tokens": "", "min_tokens": "18446744073709551616"}, 400, "min_tokens"),
    Row({"max_tokens": "null", "min_tokens": "1000000000"}, 400, "min_tokens", COMPLETIONS),
    Row({"max_tokens": "2", "max_completion_tokens": "3"}, 400, "max_tokens"),
    Row({"max_tokens": "", "max_completion_tokens": "18446744073709551616"}, 400, "max_completion_tokens"),
    Row({"logprobs": "true", "top_logprobs": "20"}, 200, real=True),
    Row({"logprobs": "true", "top_logprobs": "0"}, 200, real=True),
    Row({"logprobs": "null", "top_logprobs": "0"}, 400, "top_logprobs"),
    Row({"prompt_logprobs": "1", "stream": "true"}, 400, "prompt_logprobs"),
    Row({"prompt_logprobs": "20", "logprobs": "true", "top_logprobs": "20", "n": "3"}, 200, real=True),
    Row({"echo": "true", "max_tokens": "0", "logprobs": "20"}, 200, path=COMPLETIONS, real=True),
    Row({"max_tokens": "0"}, 400, "max_tokens", COMPLETIONS),
    Row({"echo": "true", "truncate_prompt_tokens": "1"}, 400, "truncate_prompt_tokens", COMPLETIONS),
    Row({"stop_token_ids": "[0]", "include_stop_str_in_output": "true"}, 400, "include_stop_str_in_output"),
    Row({"continue_final_message": "false", "add_generation_prompt": "false"}, 400, "add_generation_prompt"),
    Row({"continue_final_message": "true"}, 400, "messages"),
    Row({"echo": "true"}, 400, "echo"),
    Row({"max_reasoning_tokens": "1", "thinking_token_budget": "2"}, 400, "thinking_token_budget"),
    Row({"prompt": '"a"', "messages": '[{"role": "user", "content": "a"}]'}, 400, "prompt", TOKENIZE),
    Row({"prompt": ""}, 400, "prompt", TOKENIZE),
    Row({"tools": "[]", "tool_choice": '"required"'}, 400, "tool_choice"),
    Row({"regex": '"a"', "grammar": '"start: \\"a\\""'}, 400, "grammar"),
    # What looks at probabilities, at its bounds and together: none of it may reach infinity, or exclude every token.
    *(
        Row({"repetition_penalty": penalty, "temperature": temperature, **form}, 200, real=True)
        for penalty in ("0.01", "10")
        for temperature in ("0", "1.1e-5", "2")
        for form in ({}, FORMAT)
    ),
    *(Row({"repetition_penalty": text, **FORMAT}, 400, "repetition_penalty") for text in ("1e-300", "1e-39", "1e-30")),
    *(Row({**together, **form}, 200, real=True) for together in EXTREMES for form in ({}, FORMAT)),
    Row({"allowed_token_ids": "[2]", "logit_bias": '{"2": -100}'}, 200, real=True),
    Row({"allowed_token_ids": "[2]", "stop_token_ids": "[2]", "min_tokens": "3"}, 200, real=True),
    Row({"allowed_token_ids": "[2]", "min_tokens": "3", "temperature": "2"}, 200, real=True),
    Row({"ignore_eos": "true", "min_tokens": "3", "stop_token_ids": "[0, 1, 2]"}, 200, real=True),
    Row({"logit_bias": json.dumps({str(token): -100 for token in range(256)})}, 200, real=True, name="all biased"),
    Row({"bad_words": '["a"]', "allowed_token_ids": f"[{WORD_TOKENS}]"}, 200, real=True),
    *(Row({name: text, **FORMAT}, 400, name) for name, text in UNCONSTRAINED.items()),
    Row({"n": "128", "stream": "true", "stream_options": '{"include_usage": true}'}, 200, real=True),
    # The engine's own refusal names its parameter.
    Row({"timeout": "1e400"}, 200, name="an unknown field that no float holds"),
    Row({"x" * 10_000: "1"}, 200, name="an unknown field with a long name"),
    Row({"\\u0000": "1"}, 200, name="an unknown field of a control character"),
    Row({"\\ud800": "1"}, 400, name="an unknown field of half a character"),
    Row({"temperature": '3, "temperature": 1'}, 200, name="a field twice, the last of which counts"),
    *(Row({"model": text}, 404, "model", path) for path in (CHAT, COMPLETIONS, TOKENIZE, DETOKENIZE, GRAMMARS)
      for text in ('"../../etc/passwd"', '"\\u0000"', json.dumps("m" * 100_000), '"{{ 7 * 7 }}"', '"%s%n"')),
)  # fmt: skip
