"""Grammars as agents send them: whatever a model writes under one, an independent reading of the grammar accepts.

What is read is the text that the client gets: most formats write it as a JSON string.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from tests.turngrammar.laws import generates, placed, read, sample
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import TextInput, Tool, ToolChoice, Turn

PATCH = r"""start: begin_patch hunk+ end_patch
begin_patch: "*** Begin Patch" LF
end_patch: "*** End Patch" LF?

hunk: add_hunk | delete_hunk | update_hunk
add_hunk: "*** Add File: " filename LF add_line+
delete_hunk: "*** Delete File: " filename LF
update_hunk: "*** Update File: " filename LF change_move? change?

filename: /(.+)/
add_line: "+" /(.*)/ LF -> line

change_move: "*** Move to: " filename LF
change: (change_context | change_line)+ eof_line?
change_context: ("@@" | "@@ " /(.+)/) LF
change_line: ("+" | "-" | " ") /(.*)/ LF
eof_line: "*** End of File" LF

%import common.LF
"""


def is_patch(text: str) -> bool:
    """Codex's patch format, line by line."""
    lines = text.removesuffix("\n").split("\n")
    if lines[0] != "*** Begin Patch" or lines[-1] != "*** End Patch":
        return False
    kinds = "".join(map(_kind, lines[1:-1]))
    # A line with a plus is an added line of a new file, and a changed one of an old file.
    return re.fullmatch(r"(D|A\++|UM?([+c]+E?)?)+", kinds) is not None


_KINDS = (
    ("A", r"\*\*\* Add File: .+"),
    ("D", r"\*\*\* Delete File: .+"),
    ("U", r"\*\*\* Update File: .+"),
    ("M", r"\*\*\* Move to: .+"),
    ("E", r"\*\*\* End of File"),
    ("+", r"\+.*"),
    ("c", r"[- ].*|@@|@@ .+"),
)


def _kind(line: str) -> str:
    return next((kind for kind, pattern in _KINDS if re.fullmatch(pattern, line)), "?")


def matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def is_sum(text: str) -> bool:
    """With blanks around operators, and nested parentheses."""
    flat = text
    while "(" in flat:
        flat, count = re.subn(r"\((\d+( [-+*] \d+)*)\)", "1", flat)
        if not count:
            return False
    return re.fullmatch(r"\d+( [-+*] \d+)*", flat) is not None


@dataclass(frozen=True)
class Custom:
    """`liked`: what a random model is to try, so that it comes to an end."""

    name: str
    syntax: Literal["lark", "regex"]
    definition: str
    accepts: Callable[[str], bool]
    liked: Sequence[str] = ()


CUSTOMS = [
    Custom("patch", "lark", PATCH, is_patch, ("*** ", "\\n", "\n", "+", "*** End Patch", "a.py", "*** Delete File: b")),
    Custom(
        "source",
        "lark",
        r"""
start: pragma_source | plain_source
pragma_source: PRAGMA_LINE NEWLINE SOURCE
plain_source: SOURCE

PRAGMA_LINE: /[ \t]*\/\/ @exec:[^\r\n]*/
NEWLINE: /\r?\n/
SOURCE: /[\s\S]+/
""",
        lambda text: text != "",
        ("// @exec: x",),
    ),
    Custom(
        "query",
        "lark",
        """SP: " "
COMMA: ","
start: "SELECT" SP columns SP "FROM" SP NAME SP "WHERE" SP filter SP "LIMIT" SP NUMBER ";"
columns: NAME (COMMA SP NAME)*
filter: "amount" SP ">" SP NUMBER | "day" SP ">" SP DATE
NAME: /[A-Za-z_][A-Za-z0-9_]*/
NUMBER: /[0-9]+/
DATE: /'[0-9]{4}-[0-9]{2}-[0-9]{2}'/
""",
        matches(
            r"SELECT [A-Za-z_]\w*(, [A-Za-z_]\w*)* FROM [A-Za-z_]\w* WHERE "
            r"(amount > [0-9]+|day > '[0-9]{4}-[0-9]{2}-[0-9]{2}') LIMIT [0-9]+;"
        ),
        (" ", ";"),
    ),
    Custom(
        "sum",
        "lark",
        """start: expr
expr: term (SP OP SP term)* -> sum
| term
term: INT | "(" expr ")"
SP: " "
OP: "+" | "-" | "*"
%import common.INT
""",
        is_sum,
        (")", " + "),
    ),
    Custom(
        "sentence",
        "lark",
        r"""start: SENTENCE
SENTENCE: /[a-z, ]*(a hero|a dragon)[a-z, ]*(fought|saved)[a-z, ]*\./
""",
        matches(r"[a-z, ]*(a hero|a dragon)[a-z, ]*(fought|saved)[a-z, ]*\."),
        ("a hero", " fought", "."),
    ),
    Custom(
        "answer",
        "lark",
        r"""start: "{" "\"status\":" status "," "\"note\":" string "}"
status: "\"success\"" | "\"error\""
string: "\"" /[^"]*/ "\""
%import common.WS
%ignore WS  // blanks
%ignore "~"
""",
        matches(r'S*\{S*"status":S*"(success|error)"S*,S*"note":S*"[^"]*"S*\}S*'.replace("S", r"[\s~]")),
        ('\\"', '"'),
    ),
    Custom(
        "rule",
        "lark",
        """?start: either
?either: both | either "OR"i both -> or
?both: plain | both "AND"i plain -> and
?plain: NAME COMPARED NUMBER | "NOT"i plain -> not | "(" either ")"
COMPARED: ">=" | "<=" | "="
%import common.CNAME -> NAME
%import common.INT -> NUMBER
%import common.WS
%ignore WS
""",
        lambda text: _is_rule(text),
        (")", " "),
    ),
    Custom(
        "timestamp",
        "regex",
        r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3]):[0-5]\d$",
        matches(r"\d{4}-\d\d-\d\d \d\d:\d\d"),
    ),
    Custom(
        "version",
        "regex",
        r"[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+(\.[0-9]+)?)?",
        matches(r"\d+\.\d+\.\d+(-[a-z]+(\.\d+)?)?"),
    ),
    Custom(
        "contact",
        "regex",
        r"^[A-Za-z\s]{2,9}\s*\|\s*\+\d{1,3}[-\s]?\d{3,4}\s*\|\s*[a-z._%+-]+@[a-z.-]+\.[a-z]{2,4}$",
        matches(r"[A-Za-z\s]{2,9}\s*\|\s*\+\d{1,3}[-\s]?\d{3,4}\s*\|\s*[a-z._%+-]+@[a-z.-]+\.[a-z]{2,4}"),
        ("|", "@", ".com"),
    ),
]


def _is_rule(text: str) -> bool:
    """By tokens, as a lexer with blanks left out has them."""
    left = re.sub(r"\s+", " ", text).strip()
    while "(" in left:
        left, count = re.subn(r"\( ?(?:[^()]*[^() ]) ?\)", lambda part: " a=1 " if _flat(part[0][1:-1]) else "?", left)
        if not count:
            return False
    return _flat(left)


def _flat(text: str) -> bool:
    plain = r"(not\s*)*[A-Za-z_]\w*\s*(>=|<=|=)\s*\d+"
    return re.fullmatch(rf"\s*{plain}(\s*(and|or)\s*{plain})*\s*", text, re.IGNORECASE) is not None


@pytest.mark.parametrize("custom", CUSTOMS, ids=lambda custom: custom.name)
@pytest.mark.parametrize("format", ["hermes", "fenced"])
def test_what_is_written_is_in_the_grammar(custom: Custom, format: str) -> None:
    tool = Tool(custom.name, "", input=TextInput(custom.syntax, custom.definition))
    plan = compile_turn(Turn(FORMATS[format], placed(tool), ToolChoice("required", most=1)))
    assert plan.grammar is not None
    finished = []
    for seed in range(25):
        text, ended = sample(plan.grammar, random.Random(seed), 400, custom.liked)
        if ended:
            (call,) = read(plan, [text]).calls
            finished.append(json.loads(call.arguments)["input"])
    assert len(finished) >= 5
    assert [text for text in finished if not custom.accepts(text)] == []


PATCHES: list[tuple[str, bool]] = [
    ("*** Begin Patch\n*** Add File: a\n+\n*** End Patch", True),
    ("*** Begin Patch\n*** Add File: a\n+b\n*** Delete File: c\n*** End Patch\n", True),
    ("*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-c\n+d\n*** End of File\n*** End Patch", True),
    ("*** Begin Patch\n*** End Patch", False),
    ("*** Begin Patch\n*** Add File: a\n*** End Patch", False),
    ("*** Begin Patch\n*** Add File: a\n-b\n*** End Patch", False),
    ("*** Begin Patch\n*** Delete File: \n*** End Patch", False),
    ("*** Begin Patch\n*** Delete File: a\n*** End Patch\n\n", False),
]


@pytest.mark.parametrize(("text", "good"), PATCHES)
def test_the_reading_of_patches(text: str, good: bool) -> None:
    """The grammar and the independent reading agree."""
    assert is_patch(text) == good
    tool = Tool("patch", "", input=TextInput("lark", PATCH))
    plan = compile_turn(Turn(FORMATS["hermes"], placed(tool), ToolChoice("required", most=1)))
    call: Any = {"name": "patch", "arguments": {"input": text}}
    assert generates(plan.grammar or "", f"<tool_call>\n{json.dumps(call)}\n</tool_call>") == good
