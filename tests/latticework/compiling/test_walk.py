"""Clients' regexes and grammars that llguidance gives up, and how much room their answers need."""

from __future__ import annotations

import pytest

from latticework.compiling import CompiledTurn
from latticework.compiling.process import compile_with_vocabulary
from latticework.engines.vocabulary import Vocabulary
from tests.turngrammar.laws import placed
from turngrammar.errors import InvalidGrammar
from turngrammar.formats import FORMATS
from turngrammar.limits import Limits
from turngrammar.turn import ClientGrammar, GrammarKind, JsonContent, TextInput, Tool, ToolChoice, Turn

BYTES = Vocabulary("byte")
LIMITS = Limits(10, 10, 100, 50_000, 10_000, 100_000, no_client_grammars=False)
MANY = "(ab|cd)?" * 500 + "END"


def compiled(content: ClientGrammar | JsonContent | None, *tools: Tool) -> CompiledTurn:
    choice = ToolChoice("required" if tools else "none")
    turn = Turn(FORMATS["hermes"], placed(*tools), choice, content)
    return compile_with_vocabulary(turn, BYTES, LIMITS)


@pytest.mark.parametrize(
    ("kind", "source", "why"),
    [
        ("regex", MANY, "gives the grammar up after"),
        ("grammar", f"start: /{MANY}/", "gives the grammar up after"),
        ("grammar", "start: x*\nx: /" + MANY + "/", "gives the grammar up after"),
        ("grammar", 'start: "a"{60000}', "rejects the grammar"),
        ("grammar", 'start: a "z"\na[lazy]: /[^z]*/', "A lazy rule"),
        ("grammar", 'start: "a" start', "No text fits"),
    ],
)
def test_a_grammar_that_breaks_in_the_middle_of_a_text_is_refused(kind: GrammarKind, source: str, why: str) -> None:
    with pytest.raises(InvalidGrammar, match=why) as error:
        compiled(ClientGrammar(kind, source, "/structured_outputs"))
    assert error.value.pointer == "/structured_outputs"


@pytest.mark.parametrize("input", [TextInput("regex", MANY), TextInput("lark", f"start: /{MANY}/")])
def test_so_is_that_of_a_custom_tool_with_its_name(input: TextInput) -> None:
    with pytest.raises(InvalidGrammar, match=r"llguidance (gives|rejects) the grammar") as error:
        compiled(None, Tool("write", input=input))
    assert (error.value.tool, error.value.pointer[:8]) == ("write", "/tools/0")


@pytest.mark.parametrize(
    "regex", [r"\d{3}-\d{4}", r"[\w.+-]+@[\w-]+\.[\w.-]+", r"(?s).{10,500}", r"([A-Z][a-z]+ ){1,5}\$\d+", ".*", ""]
)
def test_what_people_write_is_accepted(regex: str) -> None:
    assert compiled(ClientGrammar("regex", regex)).plan.grammar


LEAST = [
    (ClientGrammar("regex", "a{400}"), 400),  # forced
    (ClientGrammar("regex", "[a-z]{400}"), 400),
    (ClientGrammar("choice", ("abc", "xy")), 2),
    (ClientGrammar("grammar", 'start: x{50} "end"\nx: "a" | "bc"'), 53),
    (JsonContent({"type": "string", "minLength": 400}), 402),
    (JsonContent({"type": "array", "items": {"type": "integer"}, "minItems": 100}), 300),
    (ClientGrammar("regex", ""), 0),
]


@pytest.mark.parametrize(("content", "least"), LEAST)
def test_the_least_number_of_tokens(content: ClientGrammar | JsonContent, least: int) -> None:
    assert compiled(content).least == least


def test_fifty_thousand_texts_are_one_choice() -> None:
    texts = tuple(f"item {number} of {number % 7}" for number in range(50_000))
    grammar = compiled(ClientGrammar("choice", texts)).plan.grammar
    assert grammar
    for text in (texts[0], texts[49_999]):
        beginning = BYTES.beginning(grammar, text)
        assert (beginning.allowed, beginning.complete) == (len(text), True)
    assert BYTES.beginning(grammar, "item 50000 of 1").allowed < 13
