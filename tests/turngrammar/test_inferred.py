"""Formats inferred from renderings made up here: what each piece of a text becomes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from turngrammar.formats import Format
from turngrammar.formats.atoms import common_end, common_start, without_common_end
from turngrammar.formats.holes import ARGUED, NAMED, NUMBERED, holed_pattern, name_end
from turngrammar.formats.inferred import MarkedCall, Sample, Samples, Unclear, infer_calls
from turngrammar.render import Call, render
from turngrammar.wire import ARGUMENTS, NAME, ORDINAL, Id, Lit, Space, seq

Writer = Callable[[tuple[MarkedCall, ...]], str]


def samples(write: Writer, *, several: bool = True) -> Samples:
    def sample(*calls: MarkedCall) -> Sample:
        return Sample(calls, write(calls))

    single = MarkedCall("alpha", {"ka": "foo", "kb": "bar"})
    several_calls = (
        single,
        MarkedCall("beta", {"ka": "baz", "kb": "qux"}),
        MarkedCall("gamma", {"ka": "fred", "kb": "plugh"}),
    )
    return Samples(
        sample(single),
        sample(MarkedCall("alpha", {"ka": 4711, "kb": 8150})),
        sample(*several_calls) if several else None,
    )


def objects(open: str, item: str, separator: str, close: str) -> Writer:
    def write(calls: tuple[MarkedCall, ...]) -> str:
        items = [
            item.replace("NAME", call.name).replace("INDEX", str(index)).replace("ARGS", json.dumps(call.arguments))
            for index, call in enumerate(calls)
        ]
        return open + separator.join(items) + close

    return write


def members(each: str, before: str = "<f=NAME>", behind: str = "</f>") -> Writer:
    def write(calls: tuple[MarkedCall, ...]) -> str:
        return "\n".join(
            before.replace("NAME", call.name)
            + "".join(
                each.replace("KEY", key).replace("KIND", type(value).__name__).replace("VALUE", str(value))
                for key, value in call.arguments.items()
            )
            + behind
            for call in calls
        )

    return write


@pytest.mark.parametrize(
    ("write", "alone"),
    [
        (objects("", '<t>\n{"name": "NAME", "arguments": ARGS}\n</t>', "\n", ""), False),
        (objects("<calls>", "<call>NAME<sep>ARGS</call>", "", "</calls>"), False),
        (objects("[TOOLS][", '{"name": "NAME", "arguments": ARGS}', ", ", "]"), False),
        (objects("do[", '{"n": "NAME", "a": ARGS}', ",", "]"), False),
        (objects("[", '{"name": "NAME", "arguments": ARGS}', ", ", "]"), True),
        (objects("", '{"name": "NAME", "parameters": ARGS}', "; ", ""), True),
        (objects("<s>", "<c>functions.NAME:INDEX<a>ARGS<e>", "", "</s>"), False),
        (objects("<s>[\n", '  {"id": "INDEX", "name": "NAME", "args": ARGS}', ",\n", "\n]</s>"), False),
        (members("<k>KEY</k>\n<v>VALUE</v>\n"), False),
        (members("<p=KEY>\nVALUE\n</p>\n", before="<f=NAME>\n"), False),
        (members('<p name="KEY" type="KIND">VALUE</p>'), False),
    ],
)
def test_what_is_inferred_renders_the_samples(write: Writer, alone: bool) -> None:
    shown = samples(write)
    inferred = infer_calls(shown)
    assert (inferred.alone, inferred.parallel) == (alone, True)
    for sample in (shown.strings, shown.integers, shown.several):
        assert sample
        calls = [Call(call.name, json.dumps(call.arguments)) for call in sample.calls]
        assert render(Format("inferred", inferred.calls, inferred.alone), calls) == sample.text


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (objects("", "NAMEARGS", ">>>", ""), "nothing at their beginning"),
        (
            lambda calls: f"<n={len(calls)}>" + objects("", "<c>NAME:ARGS</c>", "", "")(calls),
            "another form than a single one",
        ),
        (lambda calls: "<c>" + calls[0].name + "</c>", "neither as JSON"),
        (members('<p type="KIND">KEY=VALUE</p>'), "more than its type"),
        (members("KEY=VALUE,"), "marks the beginning and the end of an argument"),
        (members("<KEY>VALUE</KEY>"), "marks the beginning and the end of an argument"),
    ],
)
def test_an_unclear_format_is_reported(write: Writer, reason: str) -> None:
    with pytest.raises(Unclear, match=reason):
        infer_calls(samples(write))


def test_bare_objects_with_nothing_between_are_one_call_a_turn() -> None:
    inferred = infer_calls(samples(objects("", '{"name": "NAME", "parameters": ARGS}', "", "")))
    assert (inferred.alone, inferred.parallel) == (True, False)


def test_one_call_a_turn() -> None:
    inferred = infer_calls(samples(objects("<c>", "NAME ARGS", "", "</c>"), several=False))
    assert not inferred.parallel


def test_tags_are_not_cut() -> None:
    assert common_start("</call></calls>", "</call><call>") == "</call>"
    assert common_end("<calls><call>", "</call><call>") == "<call>"
    assert without_common_end("}</c> <end>\n", "\n<end>") == ("}</c>", "")


def test_json_is_loose_and_markup_is_not() -> None:
    text = f'<c>\n{{"name": "{NAMED}", "args": {ARGUED}}}</c>'
    pattern = holed_pattern(text)
    assert pattern.text[pattern.start : pattern.stop] == f'{{"name": "{NAMED}", "args": {ARGUED}}}'
    tree = pattern.nodes(0, name_end(text))
    assert tree == seq("<c>", Space("\n"), Space(), "{", Space(), '"name"', Space(), ":", Space(" "), '"', NAME, '"')


def test_an_id_is_the_word_around_a_number() -> None:
    text = f"<c>functions.{NAMED}:{NUMBERED}<a>{ARGUED}"
    assert holed_pattern(text).nodes(0, len(text)) == seq(
        "<c>", Id(seq("functions.", NAME, ":", ORDINAL)), Lit("<a>"), ARGUMENTS
    )
    assert text[name_end(text) :] == ARGUED
