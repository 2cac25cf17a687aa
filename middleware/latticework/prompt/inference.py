"""Infers the wire format of an unknown chat template from its renderings, and verifies it against them.

A format is accepted only if it renders calls of every kind as the template does, JSON's whitespace aside, and if its
parser reads the same calls back. No format is better than a wrong one: the caller then uses `fenced`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from latticework.prompt import ChatTemplate, PromptError
from latticework.prompt.renderings import (
    ONE_CALL,
    OTHER_CALL,
    THREE_CALLS,
    TOOL_NAMES,
    Renderings,
    sample_call,
    squeezed,
)
from turngrammar.errors import GrammarError
from turngrammar.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import Format
from turngrammar.formats.atoms import opens_with_tag
from turngrammar.formats.inferred import MarkedCall, Sample, Samples, Unclear, infer_calls
from turngrammar.formats.response_template import read_response_template
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, Turn

# The format must render these as the template does, and parse them. Keys are sorted: some templates sort them.
RENDERED = (
    ONE_CALL,
    OTHER_CALL,
    (sample_call(1),),
    (sample_call(2, 'two\nlines, "quoted" \\ it\'s', "a <b> & c"),),
    (sample_call(0, ["a", "b"], {"inner": {"depth": 2, "list": [1.5, "é 🌦"]}}),),
    (sample_call(1, -2.5, "  spaced "),),
    THREE_CALLS,
    (sample_call(2, "x y"), sample_call(1), sample_call(0, 7, [])),
)
# The format must parse these. Some templates print Python's `True`, which parsers read as `true`.
PARSED = ((sample_call(0, True, None),), (sample_call(1, False), sample_call(2)))

# Characters. No family's call is longer, and parsing longer samples character by character takes minutes.
MAX_SAMPLE_LENGTH = 2000


def infer_format(
    template: ChatTemplate, ends: Collection[str] = (), response_template: Mapping[str, Any] | None = None
) -> tuple[Format | None, str]:
    """The format in which `template` renders calls, named "inferred", and the reason; None where that is not clear.

    Takes tens of milliseconds, for some twenty renderings.

    Args:
        template: a template of none of the known families.
        ends: the texts of all tokens that may end the model's turn, as far as known; a turn with calls may end with
            another token than a turn with text (Functionary, Gemma 4).
        response_template: the checkpoint's own, if it has one. It is used where the renderings are not clear, and
            verified against them all the same.
    """
    renderings = Renderings(template, frozenset(ends))
    format, unclear = _attempt(lambda: _from_renderings(renderings))
    if format is not None or response_template is None:
        return format, unclear or "its chat template renders calls in this format, and they are parsed back"
    format, useless = _attempt(lambda: _from_response_template(renderings, response_template))
    if format is not None:
        return format, f"its response template describes this format, and its chat template agrees; {unclear}"
    return None, f"{unclear}; its response template does not help: {useless}"


def _attempt(infer: Callable[[], Format]) -> tuple[Format | None, str]:
    """The format, or else why there is none."""
    try:
        return infer(), ""
    except PromptError as error:
        return None, f"its chat template can't render the sample calls: {error}"
    except (Unclear, GrammarError) as error:
        return None, f"the format of calls is not clear from its chat template: {error}"


def _from_renderings(renderings: Renderings) -> Format:
    single = renderings.sample(ONE_CALL)
    if len(single.text) > MAX_SAMPLE_LENGTH:
        raise Unclear(f"a call takes {len(single.text)} characters, more than {MAX_SAMPLE_LENGTH}")
    several = renderings.sample(THREE_CALLS) if renderings.shape.parallel else None
    inferred = infer_calls(Samples(single, renderings.sample(OTHER_CALL), several))
    answer, reasoning = renderings.answer, renderings.reasoning
    format = Format("inferred", inferred.calls, inferred.alone, answer=answer, reasoning=reasoning)
    if inferred.alone:
        _refuse_unprompted(renderings)
    elif renderings.answer and not opens_with_tag(renderings.opening):
        raise Unclear("text has a frame, and calls begin without a tag")
    return _verified(format, renderings, inferred.parallel, squeezed)


def _from_response_template(renderings: Renderings, response_template: Mapping[str, Any]) -> Format:
    """Response templates leave whitespace open; here it must be exactly as rendered."""
    format = read_response_template(response_template)
    format = replace(format, answer=renderings.answer, reasoning=renderings.reasoning or format.reasoning)
    return _verified(format, renderings, renderings.shape.parallel, str.strip)


def _verified(format: Format, renderings: Renderings, parallel: bool, normalize: Callable[[str], str]) -> Format:
    """`format`. Raises Unclear where its own rendering differs from the template's after `normalize`."""
    for conversations, exact in ((RENDERED, True), (PARSED, False)):
        samples = [renderings.sample(calls) for calls in conversations if parallel or len(calls) == 1]
        if exact and not all(_renders_alike(format, sample, normalize) for sample in samples):
            raise Unclear("the inferred format renders the sample calls differently")
        if not _parses_all(format, samples):
            raise Unclear("the inferred format does not parse the sample calls")
    return format


def _refuse_unprompted(renderings: Renderings) -> None:
    """Raises Unclear where calls are bare JSON, and the prompt does not show the model a call that begins alike.

    Phi-4-mini's history drops the `functools` that its prompt requires.
    """
    opening = renderings.opening.rstrip('"').rstrip()
    prompt = renderings.prompt(add_generation_prompt=True)
    if not re.search(rf"(?<![\w\[{{,(]){re.escape(opening)}(?!\s*\"?({'|'.join(TOOL_NAMES)}))", prompt):
        raise Unclear("calls are bare JSON, and its prompt shows no such call")


def _renders_alike(format: Format, sample: Sample, normalize: Callable[[str], str]) -> bool:
    # Templates may escape characters that are not ASCII in JSON, or not.
    renderings = (render(format, _wire_calls(sample, ensure_ascii=ascii)) for ascii in (False, True))
    return normalize(sample.text) in map(normalize, renderings)


def _parses_all(format: Format, samples: Sequence[Sample]) -> bool:
    """Whether the samples are parsed whole and by characters, and the shortest also when cut in two anywhere."""
    plan = compile_turn(Turn(format, tuple(Tool(name) for name in TOOL_NAMES)))
    shortest = min(samples, key=lambda sample: len(sample.text))
    cuts = [(shortest, [shortest.text[:at], shortest.text[at:]]) for at in range(1, len(shortest.text))]
    chunked = [(sample, chunks) for sample in samples for chunks in ([sample.text], list(sample.text))]
    return all(_parsed_calls(plan, chunks) == sample.calls for sample, chunks in chunked + cuts)


def _wire_calls(sample: Sample, *, ensure_ascii: bool) -> list[Call]:
    return [Call(call.name, json.dumps(call.arguments, ensure_ascii=ensure_ascii)) for call in sample.calls]


def _parsed_calls(plan: Plan, chunks: Sequence[str]) -> tuple[MarkedCall, ...] | None:
    """The calls that the plan's parser reads; None where there is anything beside complete calls."""
    parser = plan.parser()
    events = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
    if any(isinstance(event, ContentDelta | Malformed) for event in events):
        return None
    names = [event.name for event in events if isinstance(event, ToolCallStart)]
    ended = [event.index for event in events if isinstance(event, ToolCallEnd)]
    if ended != list(range(len(names))):
        return None
    return tuple(MarkedCall(name, json.loads(_arguments_of(events, index))) for index, name in enumerate(names))


def _arguments_of(events: Sequence[Event], index: int) -> str:
    return "".join(event.text for event in events if isinstance(event, ArgumentsDelta) and event.index == index)
