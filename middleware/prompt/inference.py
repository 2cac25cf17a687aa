"""The wire format of a chat template that nobody knows: inferred from its renderings, and held against them.

A format is accepted only if it renders calls of every kind as the template does, JSON's whitespace aside, and if what
the template renders is read back to the same calls. Nothing is better than a wrong format: the caller then goes on with
`fenced`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from grammars.errors import GrammarError
from grammars.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from grammars.formats import Format
from grammars.formats.atoms import opens_with_tag
from grammars.formats.inferred import Sample, Samples, Shown, Unclear, infer_calls
from grammars.plan import Plan, Turn, compile_turn
from grammars.render import Call, render
from grammars.tools import Tool
from middleware.prompt.chat_template import ChatTemplate
from middleware.prompt.renderings import NAMES, ONE, OTHERS, SEVERAL, Renderings, shown, squeezed
from middleware.prompt.template import PromptError

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


def infer(template: ChatTemplate, ends: Collection[str] = ()) -> tuple[Format | None, str]:
    """The format in which `template` renders calls, named "inferred", and why; None, and why, where it is not clear.

    Args:
        template: one whose family has no format of ours. It is rendered some twenty times: tens of milliseconds.
        ends: the texts of all tokens that may end the model's turn, as far as known; a turn with calls may end with
            another one than a turn with text (Functionary, Gemma 4).
    """
    try:
        return _format(Renderings(template, frozenset(ends))), "it renders calls as this format does, and is read back"
    except PromptError as error:
        return None, f"its chat template does not render the calls that it is tried with: {error}"
    except (Unclear, GrammarError) as error:
        return None, f"how its chat template writes calls is not clear: {error}"


def _format(renderings: Renderings) -> Format:
    calling = renderings.template.traits.calling
    if calling is None:
        raise Unclear("it renders none")
    several = renderings.sample(SEVERAL) if calling.parallel else None
    found = infer_calls(Samples(renderings.sample(ONE), renderings.sample(OTHERS), several))
    format = Format("inferred", found.calls, found.alone, answer=renderings.answer, reasoning=renderings.reasoning)
    if found.alone:
        _refuse_unshown(renderings)
    elif renderings.answer and not opens_with_tag(renderings.opening):
        raise Unclear("its texts have a frame, and its calls open with no tag")
    for conversations, exact in ((RENDERED, True), (READ, False)):
        fitting = [calls for calls in conversations if found.parallel or len(calls) == 1]
        _refuse_unlawful(format, [renderings.sample(calls) for calls in fitting], exact=exact)
    return format


def _refuse_unshown(renderings: Renderings) -> None:
    """Raises Unclear where calls are bare JSON, and the prompt shows the model none that begins like them.

    Phi-4-mini's history drops the `functools` that its prompt asks for.
    """
    opening = renderings.opening.rstrip('"').rstrip()
    prompt = renderings.prompt(generated=True)
    if not re.search(rf"(?<![\w\[{{,(]){re.escape(opening)}(?!\s*\"?({'|'.join(NAMES)}))", prompt):
        raise Unclear("they are bare JSON, of which its prompt shows none")


def _refuse_unlawful(format: Format, samples: Sequence[Sample], *, exact: bool) -> None:
    """Raises Unclear where `format` does not render the samples, whitespace aside, or does not read them back."""
    plan = compile_turn(Turn(format, tuple(Tool(name) for name in NAMES)))
    for sample in samples:
        # Whether JSON escapes what is not ASCII is a spelling too.
        ways = [squeezed(render(format, _calls(sample, ensure_ascii=ascii))) for ascii in (False, True)]
        if exact and squeezed(sample.text) not in ways:
            raise Unclear("rendered anew they differ")
        cuts = range(1, len(sample.text)) if sample.calls == ONE else ()
        chunked = ([sample.text], list(sample.text), *([sample.text[:cut], sample.text[cut:]] for cut in cuts))
        if any(_read(plan, pieces) != sample.calls for pieces in chunked):
            raise Unclear("they are not read back")


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
