"""The compiler, in a process of its own as the server has it: schemas, tools, and what clients write themselves.

A compile that runs into its limits is an answer; one that breaks its process, or that only a bug explains, is not.
What is compiled is written by a random model and then read, and has to fit.
"""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from benchmarks import workload
from latticework.compiling import (
    CompiledTurn,
    CompileOutOfMemory,
    CompileRequest,
    CompileTask,
    CompileTimeout,
    LoadVocabulary,
)
from latticework.compiling.child import Child
from latticework.compiling.compiler import compile_limits
from latticework.engines.vocabulary import Vocabulary
from latticework.settings import Settings
from tests import shared
from tests.fuzz.target import Target
from tests.mutation import mutated
from tests.turngrammar.laws import read, sample
from tests.turngrammar.schema.strategies import RECURSIVE, SCHEMAS
from tests.turngrammar.test_inputs import GRAMMARS
from turngrammar.formats import FORMATS
from turngrammar.plan import Plan
from turngrammar.turn import ClientGrammar, JsonContent, TextInput, Tool, ToolChoice, Turn

MEMORY = 2**30
SECONDS = 5.0
LIMITS = compile_limits(Settings())
WRITTEN = 60  # tokens of each text that is written under a grammar
DIGEST = "byte"
ATOMS = [
    "a",
    "b",
    "[a-z]",
    '[^"]',
    ".",
    "\\d",
    "\\w",
    "\\s",
    "\\b",
    "é",
    "😀",
    "\\\\",
    "\\n",
    '"',
    "\\x00",
    "\\p{L}",
    "x*",
    "(",
    ")",
]
MARKS = [
    "*",
    "+",
    "?",
    "{2}",
    "{0,3}",
    "{50}",
    "|",
    "(?:",
    ")",
    "^",
    "$",
    "(?=",
    "(?!",
    "(?i)",
    "[",
    "]",
    "**",
    "{",
    "\\",
]


GBNF = 'root ::= item+ # a list\nitem ::= "- " [^\\n"]{1,9} ("," num?)* "\\n"\nnum ::= [0-9]+\n'


class Compilers:
    """One process that compiles, and another one where it was broken."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def compiled(self, turn: Turn) -> Plan | str:
        """The plan, or why there is none. Raises WorkerError where that is a bug."""
        child = self._ready()
        try:
            outcome = child.compile(CompileTask(CompileRequest(turn, DIGEST), LIMITS, SECONDS)).outcome
        except (CompileTimeout, CompileOutOfMemory) as stopped:
            return type(stopped).__name__
        return outcome.plan if isinstance(outcome, CompiledTurn) else type(outcome).__name__

    def end(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def _ready(self) -> Child:
        if self._child is None or not self._child.usable:
            self.end()
            self._child = Child(MEMORY)
            self._child.wait_until_ready()
            self._child.load(DIGEST, _vocabulary())
        return self._child


@cache
def _vocabulary() -> bytes:
    return pickle.dumps(LoadVocabulary(DIGEST, Vocabulary("byte")), 5)


COMPILERS = Compilers()


def compiles(turn: Turn) -> str:
    plan = COMPILERS.compiled(turn)
    if isinstance(plan, str):
        return plan
    if plan.grammar is not None:
        fits(plan, random.Random(plan.grammar))
    return "compiled"


def fits(plan: Plan, rng: random.Random) -> None:
    """What a random model writes under the grammar is read, and, where the grammar decides alone, is valid."""
    assert plan.grammar is not None
    text, whole = sample(plan.grammar, rng, WRITTEN)
    message = read(plan, [text])
    assert read(plan, list(text)) == message, text
    if whole and plan.exact and "\ufffd" not in text:
        assert not plan.violations(message.content, message.calls), text


def _seeded(make: Callable[[random.Random], Turn]) -> st.SearchStrategy[Turn]:
    """Cheaper than Hypothesis's own values, of which there is enough in the schemas."""
    return st.integers(0, 2**64 - 1).map(lambda number: make(random.Random(number)))


@cache
def real_schemas() -> Sequence[Any]:
    """Of the benchmark, where it lies beside the checkout; or else of the corpus."""
    if (shared.DATA / "jsonschemabench_dev.jsonl.gz").exists():
        rows = [row["schema"] for row in shared.rows("jsonschemabench_dev")]
        return [schema for schema in rows if len(json.dumps(schema)) < 4000]
    return [task.body["response_format"]["json_schema"]["schema"] for task in workload.extraction(12)]


def _almost(rng: random.Random) -> Turn:
    return _answering(mutated(rng.choice(real_schemas()), rng), rng)


def _answering(schema: Any, rng: random.Random) -> Turn:
    return Turn(FORMATS[rng.choice(sorted(FORMATS))], content=JsonContent(schema))


def _offering(rng: random.Random) -> Turn:
    """Tools in some format, some of them the client's own, perhaps beside a document."""
    tools = tuple(_tool(index, rng) for index in range(rng.randint(1, 3)))
    choice = ToolChoice(rng.choice(["auto", "required"]), most=rng.choice([None, 1, 3]))
    beside = rng.choice([None, None, JsonContent({"type": "object"}), JsonContent({"type": "array"})])
    return Turn(
        FORMATS[rng.choice(sorted(FORMATS))], tools, choice, beside, reasoning=rng.choice(["off", "may", "open"])
    )


def _tool(index: int, rng: random.Random) -> Tool:
    match rng.randrange(4):
        case 0:
            return Tool(f"t{index}", input=TextInput("regex", _regex(rng)))
        case 1:
            return Tool(f"t{index}", input=TextInput("lark", _lark(rng)))
    schema = rng.choice(real_schemas())
    parameters = {**(schema if isinstance(schema, dict) else {}), "type": "object"}
    return Tool(f"t{index}", parameters=mutated(parameters, rng) if rng.random() < 0.5 else parameters)


def _regex(rng: random.Random) -> str:
    return "".join(rng.choice(ATOMS if rng.random() < 0.65 else MARKS) for _ in range(rng.randint(1, 14)))


def _lark(rng: random.Random) -> str:
    return _garbled(rng.choice(GRAMMARS), rng)


def _garbled(text: str, rng: random.Random) -> str:
    """With a few letters dropped, doubled or put elsewhere."""
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        at, other = rng.randrange(len(text)), rng.randrange(len(text))
        piece = rng.choice(["", text[at] * 2, text[other], rng.choice(ATOMS + MARKS)])
        text = text[:at] + piece + text[at + 1 :]
    return text


def _writing(rng: random.Random) -> Turn:
    match rng.randrange(4):
        case 0:
            content = ClientGrammar("choice", tuple(_regex(rng) for _ in range(rng.randint(1, 4))))
        case 1:
            content = ClientGrammar("regex", _regex(rng))
        case 2:
            content = ClientGrammar("grammar", _garbled(GBNF, rng))
        case _:
            content = ClientGrammar("grammar", _lark(rng))
    return Turn(FORMATS["hermes"], content=content)


SCHEMAS_OF_NOBODY = Target(
    "schemas",
    st.tuples(SCHEMAS | RECURSIVE, st.randoms(use_true_random=False)).map(lambda pair: _answering(*pair)),
    compiles,
)
ALMOST_SCHEMAS = Target("almost schemas", _seeded(_almost), compiles)
TOOLS = Target("tools", _seeded(_offering), compiles)
WRITINGS = Target("regexes and grammars", _seeded(_writing), compiles)
