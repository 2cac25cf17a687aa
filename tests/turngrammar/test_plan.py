"""What each tool choice lets through, and what `violations` finds when something else got through all the same."""

from __future__ import annotations

import pytest

from tests.turngrammar.laws import BYTE_SPECIALS, generates, placed, read
from turngrammar.errors import GrammarError, InvalidSchema, InvalidTools
from turngrammar.formats import FORMATS, HERMES
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.schema import Schema
from turngrammar.turn import ClientGrammar, JsonContent, Reasoning, Tool, ToolChoice, Turn

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (Tool("weather", parameters=CITY), Tool("weather_now", parameters=CITY), Tool("time"))
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}

WEATHER, NOW, TIME = (Call(name, '{"city": "Oslo"}') for name in ("weather", "weather_now", "time"))
ONE, TWO, THREE = (render(HERMES, calls) for calls in ([WEATHER], [WEATHER, TIME], [WEATHER, TIME, NOW]))
DOCUMENT = '{"name": "</tool_call>"}'
PROSE = "Let me <b>see</b> <tool_call"

TURNS = [
    # choice, schema, what can be generated, what can't
    (ToolChoice("none"), None, [PROSE], ["", " \n", ONE, "a" + ONE]),
    (ToolChoice("none"), PERSON, [DOCUMENT], ["", PROSE, ONE]),
    (ToolChoice(), None, [PROSE, ONE, TWO, THREE, PROSE + ONE], ["", " \n", ONE + PROSE, ONE[:-1], "<tool_call>"]),
    (ToolChoice(), PERSON, [DOCUMENT, ONE, TWO], ["", PROSE, PROSE + ONE, ONE + DOCUMENT, '{"name": 1}']),
    (ToolChoice("required"), None, [ONE, TWO, THREE], ["", PROSE, PROSE + ONE]),
    (ToolChoice("required"), PERSON, [ONE, TWO], ["", DOCUMENT]),
    (ToolChoice("required", most=1), None, [ONE], ["", TWO]),
    (ToolChoice("required", most=2), None, [ONE, TWO], ["", THREE]),
    (ToolChoice("auto", most=1), None, [PROSE, ONE, PROSE + ONE], ["", TWO, PROSE + TWO]),
    (ToolChoice("required", ("weather",), 1), None, [ONE], [render(HERMES, [NOW]), render(HERMES, [TIME]), TWO]),
    (ToolChoice("auto", ("weather_now", "time")), None, [render(HERMES, [NOW, TIME])], ["", ONE, PROSE + ONE]),
    (ToolChoice("auto", ()), None, [PROSE], ["", ONE]),
]


def content(schema: Schema | None) -> JsonContent | None:
    return None if schema is None else JsonContent(schema, "/schema")


def identify(value: object) -> str | None:
    return f"{value.mode}-{value.names}-{value.most}" if isinstance(value, ToolChoice) else None


@pytest.mark.parametrize(("choice", "schema", "right", "wrong"), TURNS, ids=identify)
def test_the_choice_is_enforced_by_the_grammar(
    choice: ToolChoice, schema: dict[str, object] | None, right: list[str], wrong: list[str]
) -> None:
    plan = compile_turn(Turn(HERMES, TOOLS, choice, content(schema)))
    assert plan.grammar
    for text in right:
        assert generates(plan.grammar, text), text
        message = read(plan, [text])
        assert not message.malformed
        assert plan.violations(message.content, message.calls) == ()
    for text in wrong:
        assert not generates(plan.grammar, text), text


def test_text_that_nothing_constrains_needs_no_grammar() -> None:
    for choice in (ToolChoice(), ToolChoice("none")):
        plan = compile_turn(Turn(HERMES, choice=choice))
        assert plan.grammar is None
        assert read(plan, ["any <tool", "_call> text"]).content == "any <tool_call> text"


def test_a_call_of_special_tokens_is_generated_as_tokens_and_never_as_text() -> None:
    format = HERMES
    special = {"<tool_call>": 256, "</tool_call>": 257}
    plan = compile_turn(Turn(format, TOOLS, special_tokens=special))
    assert plan.grammar
    assert "<[256]>" in plan.grammar
    for text in (PROSE, TWO, PROSE + TWO):
        assert generates(plan.grammar, text, special)
    assert not generates(plan.grammar, ONE, {})
    assert generates(plan.grammar, f"{PROSE} <|tool|> {ONE}", special)


def test_special_tokens_text_in_arguments_and_documents_stays_text() -> None:
    text = "".join(BYTE_SPECIALS)
    plan = compile_turn(Turn(HERMES, TOOLS, special_tokens=BYTE_SPECIALS))
    call = Call("weather", f'{{"city": "{text}"}}')
    assert plan.grammar
    assert generates(plan.grammar, render(HERMES, [call]), {})
    assert read(plan, list(render(HERMES, [call]))).calls == [call]


VIOLATIONS = [
    # choice, schema, text, calls, places
    (ToolChoice("none"), None, "text", [WEATHER], ["calls", "call 0"]),
    (ToolChoice("required"), None, "text", [], ["calls"]),
    (ToolChoice(most=1), None, None, [WEATHER, TIME], ["calls"]),
    (ToolChoice(names=("time",)), None, None, [TIME, WEATHER], ["call 1"]),
    (ToolChoice(), None, None, [Call("nonsense", "{}")], ["call 0"]),
    (ToolChoice(), None, None, [TIME, Call("weather", '{"city": 1}')], ["call 1: /city"]),
    (ToolChoice(), None, None, [Call("time", "[]")], ["call 0"]),
    (ToolChoice(), None, None, [Call("time", '{"a": NaN}')], ["call 0"]),
    (ToolChoice(), None, None, [Call("time", "{" * 5000)], ["call 0"]),
    (ToolChoice(), PERSON, None, [], ["content"]),
    (ToolChoice(), PERSON, "{", [], ["content"]),
    (ToolChoice("none"), PERSON, '{"name": null}', [], ["content: /name"]),
    (ToolChoice(), PERSON, None, [WEATHER], []),
]


@pytest.mark.parametrize(("choice", "schema", "text", "calls", "places"), VIOLATIONS)
def test_violations_say_where(
    choice: ToolChoice, schema: dict[str, object] | None, text: str | None, calls: list[Call], places: list[str]
) -> None:
    plan = compile_turn(Turn(HERMES, TOOLS, choice, content(schema)))
    assert [violation.place for violation in plan.violations(text, calls)] == places


ERRORS = [
    ({"tools": TOOLS, "choice": ToolChoice("required", ("nonsense",), pointer="/choice")}, InvalidTools, "/choice"),
    ({"choice": ToolChoice("required", pointer="/choice")}, InvalidTools, "/choice"),
    ({"tools": TOOLS, "choice": ToolChoice("required", (), pointer="/choice")}, InvalidTools, "/choice"),
    ({"tools": TOOLS, "choice": ToolChoice(most=0, pointer="/choice")}, InvalidTools, "/choice"),
    ({"tools": placed(*TOOLS, TOOLS[0])}, InvalidTools, "/tools/3/name"),
    ({"tools": placed(TOOLS[0], Tool('a "name"'))}, InvalidTools, "/tools/1/name"),
    ({"tools": placed(Tool(""))}, InvalidTools, "/tools/0/name"),
    ({"tools": placed(Tool("a" * 257))}, InvalidTools, "/tools/0/name"),
    ({"tools": placed(Tool("a", parameters={"type": "string"}))}, InvalidTools, "/tools/0/arguments/type"),
    (
        {"tools": placed(Tool("a", parameters={"properties": {"b": {"type": 1}}}))},
        InvalidSchema,
        "/tools/0/arguments/properties/b/type",
    ),
    ({"content": content({"type": "nonsense"})}, InvalidSchema, "/schema/type"),
]


@pytest.mark.parametrize(("turn", "error", "pointer"), ERRORS)
def test_a_turn_that_contradicts_itself_is_refused_by_name(
    turn: dict[str, object], error: type[GrammarError], pointer: str
) -> None:
    with pytest.raises(error) as caught:
        compile_turn(Turn(HERMES, **turn))  # type: ignore[arg-type]
    assert caught.value.pointer == pointer


PARAMETERS = [
    {},
    {"properties": {"a": {}}},
    {"type": ["object", "null"]},
    {"$ref": "#/$defs/a", "$defs": {"a": {}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "definitions": {"a": {}}},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_arguments_are_always_an_object(parameters: dict[str, object]) -> None:
    plan = compile_turn(Turn(HERMES, (Tool("f", parameters=parameters),), ToolChoice("required")))
    assert plan.grammar
    assert generates(plan.grammar, render(HERMES, [Call("f", '{"a": 1}')]))
    assert not generates(plan.grammar, render(HERMES, [Call("f", "null")]))
    assert plan.violations(None, [Call("f", "null")])
    assert not plan.violations(None, [Call("f", "{}")])


def test_a_plan_is_compiled_once() -> None:
    def compiled() -> Plan:
        return compile_turn(Turn(HERMES, tuple(Tool(tool.name, "x", dict(tool.parameters)) for tool in TOOLS)))

    assert compiled() is compiled()


def test_128_tools_compile() -> None:
    tools = tuple(Tool(f"tool_{number}", parameters=CITY) for number in range(128))
    plan = compile_turn(Turn(HERMES, tools))
    assert plan.grammar
    assert generates(plan.grammar, render(HERMES, [Call("tool_99", '{"city": ""}'), Call("tool_9", '{"city": ""}')]))
    assert not generates(plan.grammar, render(HERMES, [Call("tool_128", '{"city": ""}')]))


@pytest.mark.parametrize("reasoning", ["off", "may", "closed"])
def test_an_empty_text_before_calls_beside_a_choice_of_texts(reasoning: Reasoning) -> None:
    """Both open as an answer does, and what is chosen of is read as any text is."""
    choice = ClientGrammar("choice", ("yes", "no"))
    plan = compile_turn(Turn(FORMATS["kimi_k3"], (Tool("f"),), content=choice, reasoning=reasoning))
    frame = FORMATS["kimi_k3"].answer
    assert frame
    call = '<|open|>tools<|sep|><|open|>call tool="f" index="1"<|sep|><|close|>call<|sep|><|close|>tools<|sep|>'
    message = read(plan, ["<|open|>response<|sep|><|close|>response<|sep|>" + call])
    assert ([call.name for call in message.calls], message.content, message.malformed) == (["f"], "", [])
    message = read(plan, [frame.open + "yes" + frame.close])
    assert (message.calls, message.content, message.malformed) == ([], "yes", [])
