"""What a template renders for calls, cut out of the prompt: the text from the first call's markup to the last one's.

Rules where a rendering alone does not decide:
- An id of the client's that is shown behind a call's name is history's (Mistral): the model does not write it, and it
  is left out with the literal before it. One before the name is the model's to write, and no format has a node for it.
- A turn with calls ends as one with text does, or with a token that is known to end turns.
- Whitespace around a block of calls is none of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.prompt.chat_template import ChatTemplate
from latticework.prompt.traits import Calling, Message
from turngrammar.formats import HERMES, Frame, choose
from turngrammar.formats.atoms import atoms, common_start, is_tag, without_common_end
from turngrammar.formats.inferred import Sample, Shown, Unclear, find_object

# Words that no chat template holds, so that what is found of them in a rendering is where they were put.
_QUESTION, _ANSWER, _THOUGHT = "yabbering", "bettongia", "kultarring"
NAMES = ("zorvex_lumen", "quimba_tarn", "threnly_osk")
_KEYS = ("kalmia", "kestrel")
_IDS = ("x7wq2zk9m", "b4vn8yh3t", "r6dj5pc1f")


def shown(index: int, *values: Any) -> Shown:
    """A call of the tool of this index with these arguments."""
    return Shown(NAMES[index], dict(zip(_KEYS, values, strict=False)))


ONE, OTHERS = (shown(0, "vintaro", "wexolin"),), (shown(0, 41729, 52907),)
SEVERAL = (*ONE, shown(1, "dolmeric", "fanquil"), shown(2, "pomberin", "grathoc"))


@dataclass(frozen=True)
class Renderings:
    """The renderings of one template, and what they have in common. `ends`: what is known to end its turns."""

    template: ChatTemplate
    ends: frozenset[str]

    @property
    def calling(self) -> Calling:
        """How it wants calls. Raises Unclear where it drops them."""
        calling = self.template.traits.calling
        if calling is None:
            raise Unclear("it renders none")
        return calling

    def prompt(self, *messages: Message, generated: bool = False) -> str:
        """The whole prompt, in which tools are told and the messages follow a question."""
        question = {"role": "user", "content": _QUESTION}
        # Any format but `fenced`, which would go before what the template shows itself.
        return self.template.render([question, *messages], format=HERMES, tools=_TOOLS, add_generation_prompt=generated)

    def _text(self, *messages: Message, generated: bool = False) -> str:
        """What stands behind the question."""
        return self.prompt(*messages, generated=generated).rpartition(_QUESTION)[2]

    def sample(self, calls: tuple[Shown, ...]) -> Sample:
        """Without what every turn has around its calls, and without ids."""
        text = self._text(_message(calls))
        before, behind = self._around
        if not text.startswith(before) or not text.endswith(behind):
            raise Unclear("its turns with calls do not begin and end alike")
        text = text[len(before) : len(text) - len(behind)]
        if self._id_markup:
            opening, closing = self._id_markup
            for id in _IDS:
                text = text.replace(opening + id + closing, "")
        return Sample(calls, text)

    @cached_property
    def _one(self) -> str:
        text = self._text(_message(ONE))
        if NAMES[0] not in text:
            raise Unclear("it does not show the name of a call")
        return text

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What stands before and behind the calls of every turn."""
        behind = self._one[len(self._turn_and_answer_end[0]) :]
        return self._one[: self._one.index(NAMES[0]) - len(self.opening)], behind

    @cached_property
    def opening(self) -> str:
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
        before = self._one[: self._one.index(NAMES[0])]
        opened = self.reasoning.open.strip() if self.reasoning else ""
        ways = (self._answered[0], self._generated, self._generated.rstrip().removesuffix(opened))
        starts = [way.rstrip() for way in ways if before.startswith(way.rstrip())]
        return [before.removeprefix(start).lstrip() for start in starts[:1]]

    def _behind_text(self) -> list[str]:
        if not self.calling.beside_text:
            return []
        _, answer, behind = self._text({**_message(ONE), "content": _ANSWER}).partition(_ANSWER)
        between, name, _ = behind.partition(NAMES[0])
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
    def answer(self) -> Frame | None:
        """The frame of a text."""
        return Frame(self._answer_opening, self._turn_and_answer_end[1].strip()) if self._answer_opening else None

    @cached_property
    def _answer_opening(self) -> str:
        """The tags before a text that neither the prompt nor a thought has."""
        generated, answered = (squeezed(text) for text in (self._generated, self._answered[0]))
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
        literals = (self.reasoning.open, self.reasoning.close) if self.reasoning else ()
        for literal in literals:
            text = text.replace(squeezed(literal), "")
        return text

    @cached_property
    def reasoning(self) -> Frame | None:
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
        start, named = self._one.find(_IDS[0]), self._one.index(NAMES[0])
        if start < 0:
            return None
        if start < named:
            raise Unclear("the model writes an id before the name, and no format can")
        object = find_object(self._one, named, ONE[0].arguments)
        words = [self._one.find(word, named) + len(word) for word in (NAMES[0], *_KEYS, *ONE[0].arguments.values())]
        ends = [*words, object[1]] if object else words
        if object and start < object[0]:
            ends = words[:1]
        opening = self._one[max(end for end in ends if end <= start) : start]
        return opening, '"' * (opening.count('"') % 2)


def _message(calls: Sequence[Shown]) -> Message:
    shown = [
        {
            "id": id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for id, call in zip(_IDS, calls, strict=False)
    ]
    return {"role": "assistant", "content": "", "tool_calls": shown}


def _without_ends(text: str, ends: Collection[str]) -> str:
    while end := next((end for end in ends if text.rstrip().endswith(end)), ""):
        text = text.rstrip().removesuffix(end)
    return text.rstrip()


def squeezed(text: str) -> str:
    """`text` without whitespace."""
    return "".join(text.split())


_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "A tool.",
            "parameters": {"type": "object", "properties": {key: {"description": "Anything."} for key in _KEYS}},
        },
    }
    for name in NAMES
]
