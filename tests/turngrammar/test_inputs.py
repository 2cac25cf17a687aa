"""A custom tool's input holds to the client's own grammar, though it is written inside a JSON string."""

from __future__ import annotations

import json
import random

import pytest

from tests.turngrammar.laws import generates, placed, read, sample
from turngrammar.client.inputs import compile_input
from turngrammar.client.json_string_grammar import COMMON, grammar_in_json_string
from turngrammar.errors import InvalidGrammar, InvalidTools
from turngrammar.formats import FORMATS, HERMES
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, TextInput, Tool, ToolChoice, Turn

NASTY = [
    '"',
    "\\",
    "\n",
    "\t",
    "\x00",
    "\x1f",
    "/",
    "{}",
    "%json {}",
    "<|tool|>",
    "</tool_call>",
    "é",
    "😀",
    "\ud7ff",
]
CHARACTERS = [chr(code) for code in range(0x80)] + list("éÉΩ٣\u2028\ufeff😀")


def plan(form: TextInput, format: str = "hermes") -> Plan:
    return compile_turn(Turn(FORMATS[format], placed(Tool("custom", input=form)), ToolChoice("required")))


def call(text: str) -> Call:
    return Call("custom", json.dumps({"input": text}, ensure_ascii=False))


def allows(form: TextInput, text: str, format: str = "hermes") -> bool:
    grammar = plan(form, format).grammar
    assert grammar
    return generates(grammar, render(FORMATS[format], [call(text)]))


FORMS = [
    # form, what it has, what it has not
    (TextInput(), ["", *NASTY], []),
    (TextInput("regex", "a|b"), ["a", "b"], ["", "ab"]),
    (TextInput("regex", r"^\d+[^a]*\/$"), ["12/", '1"\n\\/'], ["1", "1a/"]),
    (TextInput("regex", r"a\$"), ["a$"], ["a"]),
    (TextInput("regex", '(?s)"}.*'), ['"}', '"}\n"}]'], ['"']),
    (TextInput("lark", 'start: "a"'), ["a"], ["", "b"]),
    (TextInput("lark", 'start: "\\"" /[^"]+/ "\\"" "}"?'), ['"a\nb\\c"', '"%json {}"}'], ['"a', 'a"', '"a"b"', '""']),
    (TextInput("lark", 'start: A // "}\nA: "\\\\" /n/ # /'), ["\\n"], ["\n", "n"]),
    (TextInput("lark", 'start: "a\\nb"i'), ["A\nb", "a\nB"], ["a\\Nb", "anb"]),
    (TextInput("lark", r'start: " ".."#"'), [" ", "!", '"', "#"], ["$", ""]),
    (TextInput("lark", 'start: "a" "b"\n%ignore /[ \\n]+/'), ["ab", "a \n b"], ["a\tb", "ba"]),
    (TextInput("lark", 'start: "a" "b"\n%ignore (" " | /x+/)+ // "'), ["ab", "a x b"], ["a\nb"]),
    (TextInput("lark", 'start: "a" "\\""\n%ignore "\\n"\n%ignore WS\nWS: /\\s+/'), ['a\t"', 'a \n"'], ['"a', "a\nx"]),
    (TextInput("lark", '%import common.WS -> GAP\nstart: "a" GAP "b"'), ["a\n\tb"], ["ab", "a\\nb"]),
    (
        TextInput("lark", '%import common (ESCAPED_STRING, INT)\nstart: ESCAPED_STRING INT'),
        ['"a\\"b"1'],
        ['"a"b"1', '"a"'],
    ),
    (TextInput("lark", 'start: opened_0 X\nopened_0: "a"\nX: Y\nY: "\\n" | "b"'), ["a\n", "ab"], ["a\\n"]),
    (TextInput("lark", 'start: ["x"] "\\n"{2} ("" | "y") "k" ~ 2'), ["\n\nkk", "x\n\nykk"], ["\nkk", "x\n\nyk"]),
    (TextInput("lark", "start: /a(?i:b\\n)(?s).|\\tc?/"), ["aB\n\n", "ab\nx", "\t", "\tc"], ["AB\nx", "ab\nxx", ""]),
    (TextInput("lark", "start: /(\\n|)a{1,2}?/"), ["a", "\naa"], ["\n", "aaa"]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "good", "bad"), FORMS)
def test_the_input_holds_to_its_form(form: TextInput, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert allows(form, text), text
        assert not plan(form).violations(None, [call(text)])
    for text in bad:
        assert not allows(form, text), text
        assert plan(form).violations(None, [call(text)]), text


ATOMS = [
    ".",
    "(?s:.)",
    r"\s",
    r"\D",
    r"\W",
    r"[^a-z]",
    r'["\\]',
    r"[[:cntrl:]&&[^\n]]",
    r"\p{Cc}",
    r"[\]\x22]",
    r"\x0a",
    "é",
]


@pytest.mark.parametrize("atom", ATOMS)
def test_a_class_holds_the_same_characters_inside_json(atom: str) -> None:
    inside = f'start: "\\"" %lark {{\n{grammar_in_json_string(f"start: /x?{atom}/")}\n}} "\\""'
    for char in CHARACTERS:
        spelled = json.dumps(char, ensure_ascii=False)
        assert generates(inside, spelled) == generates(f"start: /x?{atom}/", char), char


GRAMMARS = [
    'start: "say \\"" word "\\"\\n" ("," word)* "K\\n"i "!".."%"\nword: /[^ "]+/ | "%json {}"',
    'start: /[\\x00-\\x{ff}]{1,3}([^\\\\"]|\\/|\\p{Lu}|\\s|[[:punct:]&&[^x]])*(?s).$/',
    'start: ["a"] "\\u0001}" ~ 2',
    'start: /[\\\\]"]+(?i-s:k\\n"[^a]).+/s',
    "start: pair+\npair: KEY \"=\" VALUE /\\n/\nKEY: /[a-z]+/\nVALUE: /[^\\n]*/",
]  # fmt: skip


@pytest.mark.parametrize("lark", GRAMMARS)
def test_the_two_grammars_have_the_same_texts(lark: str) -> None:
    rng = random.Random(5)
    inside = f"start: {compile_input(TextInput('lark', lark)).grammar}"
    for _ in range(25):
        text, ended = sample(lark, rng, 60)
        if ended and "\ufffd" not in text:
            assert generates(inside, '{"input": ' + json.dumps(text, ensure_ascii=False) + "}"), text
        arguments, ended = sample(inside, rng, 60)
        if ended and "\ufffd" not in arguments:
            text = json.loads(arguments)["input"]
            assert json.dumps({"input": text}, ensure_ascii=False) == arguments
            assert generates(lark, text), text


@pytest.mark.parametrize("name", COMMON)
def test_imported_terminals_are_those_of_the_library(name: str) -> None:
    rng = random.Random(6)
    library, ours = f"%import common.{name}\nstart: {name}", f"start: /{COMMON[name]}/"
    for first, second in ((library, ours), (ours, library)):
        for _ in range(8):
            text, ended = sample(first, rng, 30, ["*/", "\n", '"', ".", "e1"])
            assert not ended or "\ufffd" in text or generates(second, text), text


REFUSED = [
    ("lark", "start: missing"),
    ("lark", 'start: "a" }\nr0: "b" %lark {'),
    ("lark", "start: %json {}"),
    ("lark", 'start: %lark { start: "a" }'),
    ("lark", "start: <|tool|>"),
    ("lark", "start: <[5]>"),
    ("lark", 'start: A\nA: /a+/ & ~/aa/'),
    ("lark", 'start: A\nA: /[^a]+/ & /.b./'),
    ("lark", 'start[stop=""]: /.*/'),
    ("lark", 'a[lazy]: /.*/\nstart: a'),
    ("lark", 'start: "a"\n%ignore /#[^\\n]*/'),
    ("lark", 'start: "a"\n%ignore (" " | "\\n")+'),
    ("lark", 'start: "a"\n%ignore WS+\nWS: /[ \\n]/'),
    ("lark", 'start: "a"\n%ignore "b"i | "\\n"'),
    ("lark", 'start: /(?x)a "/'),
    ("lark", 'start: /(?R)./'),
    ("lark", '%declare A\nstart: "a"'),
    ("lark", 'T.2: "a"\nstart: T'),
    ("lark", ""),
    ("regex", "("),
    ("regex", "a)|(b"),
    ("regex", "(?=a)b"),
    ("regex", "(?x)a #"),
]  # fmt: skip


@pytest.mark.parametrize(("syntax", "definition"), REFUSED)
def test_what_a_string_cannot_hold_is_refused_by_name(syntax: str, definition: str) -> None:
    with pytest.raises(InvalidGrammar) as caught:
        plan(TextInput(syntax, definition))  # type: ignore[arg-type]
    assert caught.value.pointer == "/tools/0/input"


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_writes_texts_and_regexes(format: str) -> None:
    for form in (TextInput(), TextInput("regex", r'[a-c"\n]+')):
        assert allows(form, 'ab"\nc', format)
        assert allows(form, "x", format) == (form.syntax == "text")
    message = read(plan(TextInput(), format), [render(FORMATS[format], [call('a"\n\\é')])])
    assert json.loads(message.calls[0].arguments) == {"input": 'a"\n\\é'}


JSON_FREE = {
    "qwen3_coder", "seed_oss", "glm45", "glm47", "minimax_m2", "deepseek_v32", "deepseek_v4",
    "pythonic", "lfm2", "gemma4", "functiongemma",
    "kimi_k3", "ling3", "iquest", "hy3", "hy4", "k2_horizon", "longcat2", "minimax_m3", "dots", "step3", "minicpm5",
    "muse_glimmer", "deepseek_v41", "gigachat35", "olmo3",
}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_grammar_needs_arguments_in_json(format: str) -> None:
    form = TextInput("lark", 'start: "\\"" /[^"]+/ "\\""')
    if format not in JSON_FREE:
        assert allows(form, '"a\nb"', format)
        assert not allows(form, '"a""', format)
        return
    with pytest.raises(InvalidGrammar, match="wire format") as caught:
        plan(form, format)
    assert caught.value.pointer == "/tools/0"


def test_custom_tools_stand_beside_functions() -> None:
    tools = placed(Tool("custom", input=TextInput("lark", 'start: "\\n"')), Tool("function"))
    compiled = compile_turn(Turn(HERMES, tools))
    assert compiled.grammar
    assert compiled.exact
    both = [call("\n"), Call("function", '{"a": 1}')]
    assert generates(compiled.grammar, "text" + render(HERMES, both))
    assert not generates(compiled.grammar, render(HERMES, [Call("function", '{"input": "')]))
    assert not generates(compiled.grammar, render(HERMES, [call("n")]))
    assert not any("/tools/0" in finding.pointer for finding in compiled.report)


def test_names_are_shared_by_both_kinds() -> None:
    with pytest.raises(InvalidTools) as caught:
        compile_turn(Turn(HERMES, placed(Tool("a"), Tool("a", input=TextInput()))))
    assert caught.value.pointer == "/tools/1/name"


BESIDE_A_SCHEMA = [
    (TextInput(), "llama3", True),
    (TextInput("regex", "[a-z]+"), "llama3", True),
    (TextInput("lark", 'start: "x"'), "llama3", False),
    (TextInput("lark", 'start: "x"'), "deepseek_v3", True),
    (TextInput("lark", 'start: "x"'), "hermes", True),
]


@pytest.mark.parametrize(("form", "format", "possible"), BESIDE_A_SCHEMA)
def test_a_grammar_beside_a_schema_needs_markup_to_tell_the_two_apart(
    form: TextInput, format: str, possible: bool
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    turn = Turn(FORMATS[format], (Tool("custom", input=form),), content=JsonContent(schema))
    if not possible:
        with pytest.raises(InvalidGrammar, match="or no schema"):
            compile_turn(turn)
        return
    grammar = compile_turn(turn).grammar
    assert grammar
    assert generates(grammar, render(FORMATS[format], [call("x")]))
    assert generates(grammar, '{"a": 1}')
