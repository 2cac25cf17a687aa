"""The wire format of a chat template that nobody knows: found by rendering calls, and held against the template.

Rules where a rendering alone does not decide:
- An id of the client's that is shown behind a call's name is history's (Mistral): the model does not write it, and it is
  left out with the literal before it. One before the name is the model's to write, and no format has a node for that.
- A call that is told from text by JSON alone is believed only if the prompt shows the model that very JSON.
- Whitespace around a block of calls is not part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grammars.errors import GrammarError
from grammars.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from grammars.formats import FENCED, Format, Frame, choose
from grammars.formats.atoms import atoms, common_start, is_tag, opens_with_tag, without_common_end
from grammars.formats.inferred import Sample, Samples, Shown, Unclear, find_object, infer_calls
from grammars.plan import Plan, Turn, compile_turn
from grammars.render import Call, render
from grammars.tools import Tool
from middleware.prompt.chat_template import ChatTemplate
from middleware.prompt.template import PromptError
from middleware.prompt.traits import Message

# Words that no chat template holds, so that what is found of them in a rendering is where they were put.
_QUESTION, _ANSWER, _THOUGHT = "yabbering", "bettongia", "kultarring"
_NAMES = ("zorvex_lumen", "quimba_tarn", "threnly_osk")
_KEYS = ("kalmia", "kestrel")
_IDS = ("x7wq2zk9m", "b4vn8yh3t", "r6dj5pc1f")


def _shown(index: int, *values: Any) -> Shown:
    return Shown(_NAMES[index], dict(zip(_KEYS, values, strict=False)))


_ONE, _OTHERS = (_shown(0, "vintaro", "wexolin"),), (_shown(0, 41729, 52907),)
_SEVERAL = (*_ONE, _shown(1, "dolmeric", "fanquil"), _shown(2, "pomberin", "grathoc"))

# What a format has to render as the template does, and to read back. Keys are in order: some templates sort them.
_RENDERED = (
    _ONE,
    _OTHERS,
    (_shown(1),),
    (_shown(2, 'two\nlines, "quoted" \\ it\'s', "a <b> & c"),),
    (_shown(0, ["a", "b"], {"inner": {"depth": 2, "list": [1.5, "é 🌦"]}}),),
    (_shown(1, -2.5, "  spaced "),),
    _SEVERAL,
    (_shown(2, "x y"), _shown(1), _shown(0, 7, [])),
)
# What it has to read. Words may be Python's: some templates print `True`, which parsers take for `true`.
_READ = ((_shown(0, True, None),), (_shown(1, False), _shown(2)))


def infer(template: ChatTemplate, ends: Collection[str] = ()) -> tuple[Format | None, str]:
    """The format in which `template` renders calls, named "inferred", and why; None, and why, where it is not clear.

    Args:
        template: one whose family has no format of ours. It is rendered some twenty times: tens of milliseconds.
        ends: the texts of all tokens that may end the model's turn, as far as known; a turn with calls may end with
            another one than a turn with text (Functionary, Gemma 4).
    """
    try:
        return _Inference(template, frozenset(ends)).format(), "it renders calls as this format does, and is read back"
    except PromptError as error:
        return None, f"its chat template does not render the calls that it is tried with: {error}"
    except (Unclear, GrammarError) as error:
        return None, f"how its chat template writes calls is not clear: {error}"


@dataclass(frozen=True)
class _Inference:
    """One template, and what its renderings have in common."""

    template: ChatTemplate
    ends: frozenset[str]

    def format(self) -> Format:
        if self.template.traits.calling is None:
            raise Unclear("it renders none")
        several = self._sample(_SEVERAL) if self.template.traits.calling.parallel else None
        found = infer_calls(Samples(self._sample(_ONE), self._sample(_OTHERS), several))
        format = Format("inferred", found.calls, found.alone, answer=self._answer, reasoning=self._reasoning)
        if found.alone:
            self._refuse_unshown()
        elif self._answer and not opens_with_tag(self._opening):
            raise Unclear("its texts have a frame, and its calls open with no tag")
        for conversations, exact in ((_RENDERED, True), (_READ, False)):
            fitting = [calls for calls in conversations if found.parallel or len(calls) == 1]
            _refuse_unlawful(format, [self._sample(calls) for calls in fitting], exact=exact)
        return format

    def _prompt(self, *messages: Message, generated: bool = False) -> str:
        question = {"role": "user", "content": _QUESTION}
        return self.template.render([question, *messages], format=FENCED, tools=_TOOLS, add_generation_prompt=generated)

    def _text(self, *messages: Message, generated: bool = False) -> str:
        """What stands behind the question."""
        return self._prompt(*messages, generated=generated).rpartition(_QUESTION)[2]

    def _sample(self, calls: tuple[Shown, ...]) -> Sample:
        """Without what every turn has around its calls, and without ids."""
        text = self._text(_message(calls))
        before, behind = self._around
        if not text.startswith(before) or not text.endswith(behind):
            raise Unclear("its turns with calls do not begin and end alike")
        text = text[len(before) : len(text) - len(behind)]
        for id in _IDS[: len(calls)] if self._id_markup is not None else ():
            opening, closing = self._id_markup
            text = text.replace(opening + id + closing, "")
        return Sample(calls, text)

    @cached_property
    def _one(self) -> str:
        text = self._text(_message(_ONE))
        if _NAMES[0] not in text:
            raise Unclear("it does not show the name of a call")
        return text

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What stands before and behind the calls of every turn."""
        behind = self._one[len(self._turn_and_answer_end[0]) :]
        return self._one[: self._one.index(_NAMES[0]) - len(self._opening)], behind

    @cached_property
    def _opening(self) -> str:
        """What stands before the first name and belongs to the calls.

        It is what a turn has behind the prompt's own end, and behind a text. Where the two differ, the longer one has
        something more in front: an empty thought, or the end of the text's frame.
        """
        openings = [*self._behind_prompt(), *self._behind_text()]
        shortest = min(openings, key=len, default=None)
        if shortest is None or any(not opening.endswith(shortest) for opening in openings):
            raise Unclear("nothing tells where calls begin")
        if any(atom in self._tags_behind_text for atom in atoms(shortest)):
            raise Unclear("they begin behind the end of the turn")
        return shortest

    def _behind_prompt(self) -> list[str]:
        before = self._one[: self._one.index(_NAMES[0])]
        opened = self._reasoning.open.strip() if self._reasoning else ""
        ways = (self._answered[0], self._generated, self._generated.rstrip().removesuffix(opened))
        starts = [way.rstrip() for way in ways if before.startswith(way.rstrip())]
        return [before.removeprefix(start).lstrip() for start in starts[:1]]

    def _behind_text(self) -> list[str]:
        calling = self.template.traits.calling
        if calling is None or not calling.beside_text:
            return []
        _, answer, behind = self._text({**_message(_ONE), "content": _ANSWER}).partition(_ANSWER)
        between, name, _ = behind.partition(_NAMES[0])
        return [between.lstrip()] if answer and name else []

    @cached_property
    def _generated(self) -> str:
        return self._text(generated=True)

    @cached_property
    def _answered(self) -> tuple[str, str]:
        """What stands before and behind a text."""
        before, answer, behind = self._text({"role": "assistant", "content": _ANSWER}).partition(_ANSWER)
        if not answer:
            raise Unclear("it does not show a text either")
        return before, behind

    @cached_property
    def _tags_behind_text(self) -> frozenset[str]:
        """Tags that stand behind a text, and all that may end a turn."""
        return self._ends | self._following | {atom for atom in atoms(self._answered[1]) if is_tag(atom)}

    @cached_property
    def _following(self) -> frozenset[str]:
        """The tag that stands behind a text when the talk goes on: it ends the turn, or the frame of the text."""
        talk = ({"role": "assistant", "content": _ANSWER}, {"role": "user", "content": _ANSWER})
        following = atoms(self._text(*talk).partition(_ANSWER)[2].lstrip())[:1]
        return frozenset(filter(is_tag, following))

    @property
    def _ends(self) -> frozenset[str]:
        """The known tokens that may end a turn."""
        eos = self.template.special_tokens.get("eos_token", "")
        return self.ends | ({eos} - {""})

    @cached_property
    def _turn_and_answer_end(self) -> tuple[str, str]:
        """The turn with one call, without what ends it; and what ends a text but no turn."""
        ends = self._ends if self._answer_opening else self._ends | self._following
        rests = without_common_end(self._one, self._answered[1])
        turn, behind_text = (_without_ends(text, ends) for text in rests)
        unended = self._answered[1].strip() and turn == self._one.rstrip()
        if unended or (behind_text and not self._answer_opening):
            raise Unclear("a turn with calls ends otherwise than one with text")
        return turn, behind_text

    @cached_property
    def _answer(self) -> Frame | None:
        return Frame(self._answer_opening, self._turn_and_answer_end[1].strip()) if self._answer_opening else None

    @cached_property
    def _answer_opening(self) -> str:
        """The tags before a text that neither the prompt nor a thought has."""
        generated, answered = (_squeezed(text) for text in (self._generated, self._answered[0]))
        if generated.endswith(answered):
            return ""
        same = common_start(generated, answered)
        added, missing = (atoms(self._thoughtless(text.removeprefix(same))) for text in (answered, generated))
        if not any(map(is_tag, added)):
            return ""
        if missing or not all(map(is_tag, added)):
            raise Unclear("its texts have a frame that is not understood")
        return "".join(added)

    def _thoughtless(self, text: str) -> str:
        """`text`, which has no whitespace, without the literals of a thought."""
        literals = (self._reasoning.open, self._reasoning.close) if self._reasoning else ()
        for literal in literals:
            text = text.replace(_squeezed(literal), "")
        return text

    @cached_property
    def _reasoning(self) -> Frame | None:
        """The frame of thoughts: a known one that stands in the template, or else the tags around a thought."""
        known = choose(self.template.source)[0].reasoning
        if known is not None:
            return known
        message = {"role": "assistant", "content": _ANSWER, "reasoning_content": _THOUGHT}
        before, thought, behind = self._text(message).partition(_THOUGHT)
        between, answer, _ = behind.partition(_ANSWER)
        opening, closing = atoms(before.rstrip())[-1:], atoms(between.lstrip())[:1]
        if not (thought and answer and all(map(is_tag, [*opening, *closing])) and opening != closing):
            return None
        if not opening or not closing or closing[0] in self._tags_behind_text:
            return None
        gap = between.lstrip().removeprefix(closing[0])
        return Frame(opening[0], closing[0], gap if gap.isspace() else "")

    @cached_property
    def _id_markup(self) -> tuple[str, str] | None:
        """The literals around an id that is left out; None where no id is shown."""
        start, named = self._one.find(_IDS[0]), self._one.index(_NAMES[0])
        if start < 0:
            return None
        if start < named:
            raise Unclear("the model writes an id before the name, and no format can")
        object = find_object(self._one, named, _ONE[0].arguments)
        words = [self._one.find(word, named) + len(word) for word in (_NAMES[0], *_KEYS, *_ONE[0].arguments.values())]
        ends = [*words, object[1]] if object else words
        if object and start < object[0]:
            ends = words[:1]
        opening = self._one[max(end for end in ends if end <= start) : start]
        return opening, '"' * (opening.count('"') % 2)

    def _refuse_unshown(self) -> None:
        """Raises Unclear where calls are bare JSON, and the prompt shows none that begins like them."""
        opening = self._opening.rstrip('"').rstrip()
        prompt = self._prompt(generated=True)
        shown = re.finditer(rf"(?<![\w\[{{,(]){re.escape(opening)}(?!\s*\"?({'|'.join(_NAMES)}))", prompt)
        if next(shown, None) is None:
            raise Unclear("they are bare JSON, of which its prompt shows none")


def _message(calls: Sequence[Shown]) -> Message:
    shown = [
        {"id": id, "type": "function", "function": {"name": call.name, "arguments": _json(call.arguments)}}
        for id, call in zip(_IDS, calls, strict=False)
    ]
    return {"role": "assistant", "content": "", "tool_calls": shown}


def _json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)


def _without_ends(text: str, ends: Collection[str]) -> str:
    while end := next((end for end in ends if text.rstrip().endswith(end)), ""):
        text = text.rstrip().removesuffix(end)
    return text.rstrip()


def _refuse_unlawful(format: Format, samples: Sequence[Sample], *, exact: bool) -> None:
    """Raises Unclear where `format` does not render the samples, whitespace aside, or does not read them back."""
    plan = compile_turn(Turn(format, tuple(Tool(name) for name in _NAMES)))
    for sample in samples:
        # Whether JSON escapes what is not ASCII is a spelling too.
        ways = [_squeezed(render(format, _calls(sample, ensure_ascii=ascii))) for ascii in (False, True)]
        if exact and _squeezed(sample.text) not in ways:
            raise Unclear("rendered anew they differ")
        cuts = range(1, len(sample.text)) if sample.calls == _ONE else ()
        chunked = ([sample.text], list(sample.text), *([sample.text[:cut], sample.text[cut:]] for cut in cuts))
        if any(_read(plan, pieces) != sample.calls for pieces in chunked):
            raise Unclear("they are not read back")


def _calls(sample: Sample, *, ensure_ascii: bool) -> list[Call]:
    return [Call(call.name, json.dumps(call.arguments, ensure_ascii=ensure_ascii)) for call in sample.calls]


def _squeezed(text: str) -> str:
    return "".join(text.split())


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


_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "A tool.",
            "parameters": {"type": "object", "properties": {key: {"description": "Anything."} for key in _KEYS}},
        },
    }
    for name in _NAMES
]
