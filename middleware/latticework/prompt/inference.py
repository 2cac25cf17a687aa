"""The wire format of a chat template that nobody knows: inferred from its renderings, and held against them.

A format is accepted only if it renders calls of every kind as the template does, JSON's whitespace aside, and if what
the template renders is read back to the same calls. Nothing is better than a wrong format: the caller then goes on with
`fenced`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from latticework.prompt.chat_template import ChatTemplate
from latticework.prompt.renderings import NAMES, ONE, OTHERS, SEVERAL, Renderings, shown, squeezed
from latticework.prompt.template import PromptError
from turngrammar.errors import GrammarError
from turngrammar.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import Format
from turngrammar.formats.atoms import opens_with_tag
from turngrammar.formats.inferred import Sample, Samples, Shown, Unclear, infer_calls
from turngrammar.formats.responses import read_response_template
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, Turn

# What a format has to render as the template does, and to read back. Keys are in order: some templates sort them.
RENDERED = (
    ONE,
    OTHERS,
    (shown(1),),
    (shown(2, 'two\nlines, "quoted" \\ it\'s', "a <b> & c"),),
    (shown(0, ["a", "b"], {"inner": {"depth": 2, "list": [1.5, "é 🌦"]}}),),
    (shown(1, -2.5, "  spaced "),),
    SEVERAL,
    (shown(2, "x y"), shown(1), shown(0, 7, [])),
)
# What it has to read. Words may be Python's: some templates print `True`, which parsers take for `true`.
READ = ((shown(0, True, None),), (shown(1, False), shown(2)))

# A sample that is longer is no format of anybody's, and to read it by characters takes minutes.
MOST_LETTERS = 2000


def infer(
    template: ChatTemplate, ends: Collection[str] = (), response_template: Mapping[str, Any] | None = None
) -> tuple[Format | None, str]:
    """The format in which `template` renders calls, named "inferred", and why; None, and why, where it is not clear.

    Args:
        template: one whose family has no format of ours. It is rendered some twenty times: tens of milliseconds.
        ends: the texts of all tokens that may end the model's turn, as far as known; a turn with calls may end with
            another one than a turn with text (Functionary, Gemma 4).
        response_template: the checkpoint's own, if it has one. It is read where the renderings are not clear, and
            held against them all the same.
    """
    renderings = Renderings(template, frozenset(ends))
    format, why = _tried(lambda: _inferred(renderings))
    if format is not None or response_template is None:
        return format, why or "its chat template renders calls as this format does, and they are read back"
    format, unread = _tried(lambda: _described(renderings, response_template))
    if format is not None:
        return format, f"its response template says so, and its chat template agrees; {why}"
    return None, f"{why}; nor is its response template of use: {unread}"


def _tried(attempt: Callable[[], Format]) -> tuple[Format | None, str]:
    try:
        return attempt(), ""
    except PromptError as error:
        return None, f"its chat template does not render the calls that it is tried with: {error}"
    except (Unclear, GrammarError) as error:
        return None, f"how its chat template writes calls is not clear: {error}"


def _inferred(renderings: Renderings) -> Format:
    one, several = renderings.sample(ONE), renderings.sample(SEVERAL) if renderings.calling.parallel else None
    if len(one.text) > MOST_LETTERS:
        raise Unclear(f"one takes {len(one.text)} letters")
    found = infer_calls(Samples(one, renderings.sample(OTHERS), several))
    format = Format("inferred", found.calls, found.alone, answer=renderings.answer, reasoning=renderings.reasoning)
    if found.alone:
        _refuse_unshown(renderings)
    elif renderings.answer and not opens_with_tag(renderings.opening):
        raise Unclear("its texts have a frame, and its calls open with no tag")
    return _lawful(format, renderings, found.parallel, squeezed)


def _described(renderings: Renderings, response_template: Mapping[str, Any]) -> Format:
    """What the response template says. It leaves whitespace open: a template that has some must not differ in it."""
    format = read_response_template(response_template)
    format = replace(format, answer=renderings.answer, reasoning=renderings.reasoning or format.reasoning)
    return _lawful(format, renderings, renderings.calling.parallel, str.strip)


def _lawful(format: Format, renderings: Renderings, parallel: bool, spelling: Callable[[str], str]) -> Format:
    """`format`. Raises Unclear where it contradicts the renderings, compared by their `spelling`."""
    for conversations, exact in ((RENDERED, True), (READ, False)):
        samples = [renderings.sample(calls) for calls in conversations if parallel or len(calls) == 1]
        if exact and not all(_renders(format, sample, spelling) for sample in samples):
            raise Unclear("rendered anew they differ")
        if not _reads(format, samples):
            raise Unclear("they are not read back")
    return format


def _refuse_unshown(renderings: Renderings) -> None:
    """Raises Unclear where calls are bare JSON, and the prompt shows the model none that begins like them.

    Phi-4-mini's history drops the `functools` that its prompt asks for.
    """
    opening = renderings.opening.rstrip('"').rstrip()
    prompt = renderings.prompt(generated=True)
    if not re.search(rf"(?<![\w\[{{,(]){re.escape(opening)}(?!\s*\"?({'|'.join(NAMES)}))", prompt):
        raise Unclear("they are bare JSON, of which its prompt shows none")


def _renders(format: Format, sample: Sample, spelling: Callable[[str], str]) -> bool:
    # Whether JSON escapes what is not ASCII is a spelling too.
    ways = (render(format, _calls(sample, ensure_ascii=ascii)) for ascii in (False, True))
    return spelling(sample.text) in map(spelling, ways)


def _reads(format: Format, samples: Sequence[Sample]) -> bool:
    """Whether the samples are read back whole and by characters, the shortest one also cut in two everywhere."""
    plan = compile_turn(Turn(format, tuple(Tool(name) for name in NAMES)))
    shortest = min(samples, key=lambda sample: len(sample.text))
    cuts = [(shortest, [shortest.text[:at], shortest.text[at:]]) for at in range(1, len(shortest.text))]
    chunked = [(sample, pieces) for sample in samples for pieces in ([sample.text], list(sample.text))]
    return all(_read(plan, pieces) == sample.calls for sample, pieces in chunked + cuts)


def _calls(sample: Sample, *, ensure_ascii: bool) -> list[Call]:
    return [Call(call.name, json.dumps(call.arguments, ensure_ascii=ensure_ascii)) for call in sample.calls]


def _read(plan: Plan, pieces: Sequence[str]) -> tuple[Shown, ...] | None:
    """The calls that the plan's parser finds; None where it finds anything else."""
    parser = plan.parser()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.close()
    if any(isinstance(event, ContentDelta | Malformed) for event in events):
        return None
    names = [event.name for event in events if isinstance(event, ToolCallStart)]
    ended = [event.index for event in events if isinstance(event, ToolCallEnd)]
    if ended != list(range(len(names))):
        return None
    return tuple(Shown(name, json.loads(_arguments(events, index))) for index, name in enumerate(names))


def _arguments(events: Sequence[Event], index: int) -> str:
    return "".join(event.text for event in events if isinstance(event, ArgumentsDelta) and event.index == index)
