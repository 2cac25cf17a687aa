"""What the scenarios of all clients share: a tool, calls that are cut, schemas, histories; nothing of any client."""

import asyncio
import inspect
import json
import os
import re

# What a call needs is less than the last. A stride above 1 leaves out some of them.
CUTS = range(1, 36, int(os.environ.get("EVERY", "1")))
UNCUT = 120
# Sampled, a small model makes up keys wherever a grammar lets it.
SEEDS = range(1, 1 + int(os.environ.get("SEEDS", "3")))
TASK = "Remove all temporary files, *.tmp. First do a dry run."
NOTHING = {"pattern": "*", "days": 0}
HELD = {"tool_call_streaming": "whole"}
ran = []


def remove(pattern: str = "*", days: int = 0) -> str:
    """Removes the files that match a pattern.

    Args:
        pattern: Which files.
        days: Only those that are so many days old.
    """
    ran.append({"pattern": pattern, "days": days})
    return "They are gone."


REMOVE = {
    "type": "function",
    "function": {
        "name": "remove",
        "description": "Removes the files that match a pattern.",
        "parameters": {
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "default": "*", "description": "Which files."},
                "days": {"type": "integer", "default": 0, "description": "Only those that are so many days old."},
            },
            "additionalProperties": False,
        },
    },
}


def cut(drive, streamed=False):
    """Drives a client once for each cut, by `max_tokens`, and holds what it ran against what it runs uncut.

    Nothing that is half-done may run. Where pieces are `streamed`, the client decides what it takes a piece for: it may
    still not run anything for arguments that have not begun. Returns what was seen.
    """
    whole = _ran(drive, UNCUT)
    assert whole and NOTHING not in whole, f"uncut, it ran {whole}"
    cuts = {tokens: _ran(drive, tokens) for tokens in CUTS}
    empty = [tokens for tokens, calls in cuts.items() if NOTHING in calls]
    partial = [tokens for tokens, calls in cuts.items() if any(call not in [*whole, NOTHING] for call in calls)]
    finished = [tokens for tokens, calls in cuts.items() if calls and tokens not in empty + partial]
    assert not empty, f"run with empty arguments at {empty}, with cut ones at {partial}"
    assert streamed or not partial, f"run with cut arguments at {partial}"
    return f"{len(cuts)} limits: complete at {len(finished)}, cut arguments at {len(partial)}, empty at {len(empty)}"


def _ran(drive, tokens):
    ran.clear()
    _awaited(drive(tokens))
    return list(ran)


def _awaited(answer):
    return asyncio.run(answer) if inspect.isawaitable(answer) else answer


def refused(error):
    """An error of the client's, for a limit that holds no call: the server says so, by the parameter."""
    assert re.search("max_((completion|output)_)?tokens", str(error)), error


# Its properties are listed, and nothing is said of others.
OPEN = {
    "type": "object",
    "properties": {"shop": {"enum": ["bakery", "library"]}, "note": {"type": "string", "maxLength": 12}},
    "required": ["shop"],
}


def closed(drive):
    """`drive` takes a seed, and returns the object or objects that the client made, as dicts."""
    for seed in SEEDS:
        made = _awaited(drive(seed))
        for one in made if isinstance(made, list) else [made]:
            assert {"shop"} <= one.keys() <= {"shop", "note"}, f"seed {seed}: {one}"


def _call(name, arguments, number):
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


# Conversations of agents, as OpenAI writes them. No client is to change or lose any.
HISTORIES = {
    "parallel calls, no content, an empty result": [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "When do the bakery and the library open?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [_call("hours", '{"shop": "bakery"}', 1), _call("hours", '{"shop": "library"}', 2)],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "At 7:30."},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {"role": "assistant", "content": "The bakery opens at 7:30."},
        {"role": "user", "content": "Thank you. And on Sunday?"},
    ],
    "a developer, empty content, arguments {}": [
        {"role": "developer", "content": "You help."},
        {"role": "user", "content": "What is there?"},
        {"role": "assistant", "content": "", "tool_calls": [_call("shops", "{}", 1)]},
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": '{"shops": ["Bäckerei", "图书馆", "👩‍👩‍👧"], "next": null}',
        },
    ],
    "an empty answer, a call after a call": [
        {"role": "user", "content": "Grüße! 你好 😀"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "When does the bakery open?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [_call("shops", "{}", 1)]},
        {"role": "tool", "tool_call_id": "call_1", "content": "<tool_call>\n{\n"},
        {"role": "assistant", "content": None, "tool_calls": [_call("hours", '{"shop": "b\\u00e4cker"}', 2)]},
        {"role": "tool", "tool_call_id": "call_2", "content": "Error: no such shop"},
    ],
}


def histories(ask):
    """`ask` sends a conversation through the client, and returns the text of the answer, which depends on it."""
    answers = {name: _awaited(ask(messages)) for name, messages in HISTORIES.items()}
    assert all(answers.values()), answers
    assert len(set(answers.values())) > 1, answers


def schema(number):
    """Of the tool of that number: each is one of some kinds."""
    kinds = [
        {"type": "string", "maxLength": 20},
        {"type": "integer", "minimum": number, "maximum": 100},
        {"enum": [f"a{number}", f"b{number}"]},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    ]
    return {"type": "object", "properties": {"value": kinds[number % 5]}, "required": ["value"]}


IMPOSSIBLE = {
    "type": "object",
    "properties": {"value": {"type": "integer", "minimum": 3, "maximum": 2}},
    "required": ["value"],
}
SKIP = {"on_bad_tool": "skip"}


def many(name="tool_{}"):
    """Schemas by the name of a tool: 26, of which nothing fits the 13th."""
    return {name.format(number): IMPOSSIBLE if number == 13 else schema(number) for number in range(1, 27)}


def functions(name="tool_{}"):
    """The same, as OpenAI writes tools."""
    return [
        {"type": "function", "function": {"name": one, "description": f"Sets {one}.", "parameters": parameters}}
        for one, parameters in many(name).items()
    ]


def fits(called, arguments, name="tool_{}"):
    """What was called is one of the tools that can be, with arguments that fit."""
    parameters = many(name)[called]
    assert parameters is not IMPOSSIBLE
    (value,) = arguments.values()
    number = list(many(name)).index(called) + 1
    checks = [
        lambda: isinstance(value, str) and len(value) <= 20,
        lambda: isinstance(value, int) and number <= value <= 100,
        lambda: value in parameters["properties"]["value"]["enum"],
        lambda: isinstance(value, list) and len(value) <= 3,
        lambda: value is None or isinstance(value, bool),
    ]
    assert checks[number % 5](), (called, arguments)


# Beyond this, of clients that speak /v1/responses.


def flat(tool):
    """A tool as that API has it."""
    return {"type": "function", **tool["function"]}


def items(messages):
    """OpenAI's messages as its items."""
    for message in messages:
        if message["role"] == "tool":
            yield {"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}
            continue
        if message["content"] is not None:
            yield {"role": message["role"], "content": message["content"]}
        for call in message.get("tool_calls", []):
            yield {"type": "function_call", "call_id": call["id"], **call["function"]}


ORDER = "Look up the orders above 500 of this year."
QUERY = {
    "type": "grammar",
    "syntax": "lark",
    "definition": """start: "SELECT " column (", " column)? " FROM orders WHERE " filter (" AND " filter)? ";"
column: "id" | "customer" | "total"
filter: "total > " NUMBER | "year = " YEAR
NUMBER: /[1-9][0-9]{0,3}/
YEAR: /20[0-9]{2}/
""",
}
DATE = {"type": "grammar", "syntax": "regex", "definition": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"}


def is_query(text):
    """Whether the grammar has the text, read by other means."""
    column, filtered = "(id|customer|total)", r"(total > [1-9][0-9]{0,3}|year = 20[0-9]{2})"
    pattern = f"SELECT {column}(, {column})? FROM orders WHERE {filtered}( AND {filtered})?;"
    return re.fullmatch(pattern, text) is not None


def is_date(text):
    return re.fullmatch("20[0-9]{2}-[01][0-9]-[0-3][0-9]", text) is not None


# Beyond this, of clients that speak /v1/messages. What some of them send depends on the model's name: the server has
# one that begins with claude for its model.

CLAUDE = os.environ.get("CLAUDE", "claude-sonnet-4-5")
TOO_LONG = r"prompt is too long: (\d+) tokens > (\d+) maximum"
# Beyond the context of any model that is tested with.
FLOOD = "The printer on floor 3 is on fire. " * 5000


def own(tool):
    """A tool as that API has it."""
    function = tool["function"]
    return {
        "name": function["name"],
        "description": function["description"],
        "input_schema": function["parameters"],
    }


def turns(messages):
    """OpenAI's messages as its `system` and `messages`: results of parallel calls share a turn of the user's."""
    system, *rest = messages if messages[0]["role"] in {"system", "developer"} else (None, *messages)
    made = []
    for message in rest:
        role, content = ("user" if message["role"] == "tool" else message["role"]), _blocks(message)
        if message["role"] == "tool" and made[-1]["role"] == "user":
            made[-1]["content"] += content
        else:
            made.append({"role": role, "content": content})
    return {**({"system": system["content"]} if system else {}), "messages": made}


def _blocks(message):
    if message["role"] == "tool":
        return [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}]
    calls = [
        {
            "type": "tool_use",
            "id": call["id"],
            "name": call["function"]["name"],
            "input": json.loads(call["function"]["arguments"]),
        }
        for call in message.get("tool_calls", [])
    ]
    text = message["content"]
    return [{"type": "text", "text": text}, *calls] if text and calls else calls or text


def too_long(error):
    """What agents look for when a conversation exceeds the context: the numbers of tokens, and the words."""
    found = re.search(TOO_LONG, str(error))
    assert found, error
    assert int(found[1]) > int(found[2]), error
