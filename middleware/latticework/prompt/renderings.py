"""A template's renderings of sample calls, cut out of the prompt: from the first call's markup to the last one's.

Where a rendering alone does not decide, these rules do:
- An id of the client's after a call's name is only in histories (Mistral): the model does not write it, and it is left
  out with the literal before it. An id before the name is the model's to write; no format has a node for that.
- A turn with calls ends as a turn with text does, or with a token that is known to end turns.
- Whitespace around a block of calls does not belong to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.prompt import ChatTemplate
from latticework.prompt.capabilities import CallShape, Message
from turngrammar.formats import HERMES, Frame, choose
from turngrammar.formats.atoms import atoms, common_start, is_tag, without_common_end
from turngrammar.formats.inferred import MarkedCall, Sample, Unclear, find_object

# No chat template contains these words: wherever a rendering has them, it printed the sample.
_QUESTION, _ANSWER, _REASONING = "yabbering", "bettongia", "kultarring"
TOOL_NAMES = ("zorvex_lumen", "quimba_tarn", "threnly_osk")
_KEYS = ("kalmia", "kestrel")
_IDS = ("x7wq2zk9m", "b4vn8yh3t", "r6dj5pc1f")


def sample_call(index: int, *values: Any) -> MarkedCall:
    """A call of the tool with this index, with these arguments."""
    return MarkedCall(TOOL_NAMES[index], dict(zip(_KEYS, values, strict=False)))


ONE_CALL, OTHER_CALL = (sample_call(0, "vintaro", "wexolin"),), (sample_call(0, 41729, 52907),)
THREE_CALLS = (*ONE_CALL, sample_call(1, "dolmeric", "fanquil"), sample_call(2, "pomberin", "grathoc"))


@dataclass(frozen=True)
class Renderings:
    """The renderings of one template, and what they have in common.

    Attributes:
        template: the model's.
        ends: the texts of the tokens that are known to end its turns.
    """

    template: ChatTemplate
    ends: frozenset[str]

    @property
    def shape(self) -> CallShape:
        """Raises Unclear where the template drops calls."""
        shape = self.template.capabilities.calls
        if shape is None:
            raise Unclear("it renders no calls")
        return shape

    def prompt(self, *messages: Message, add_generation_prompt: bool = False) -> str:
        """The whole prompt: tools, a question, and `messages`."""
        question = {"role": "user", "content": _QUESTION}
        return self.template.render(
            [question, *messages],
            format=HERMES,  # any but `fenced`, which would replace what the template itself renders
            tools=_SAMPLE_TOOLS,
            add_generation_prompt=add_generation_prompt,
        )

    def _after_question(self, *messages: Message, add_generation_prompt: bool = False) -> str:
        return self.prompt(*messages, add_generation_prompt=add_generation_prompt).rpartition(_QUESTION)[2]

    def sample(self, calls: tuple[MarkedCall, ...]) -> Sample:
        """The text of `calls`, without what every turn has around its calls, and without ids."""
        text = self._after_question(_message_with_calls(calls))
        before, after = self._around_calls
        if not text.startswith(before) or not text.endswith(after):
            raise Unclear("its turns with calls do not begin and end alike")
        text = text[len(before) : len(text) - len(after)]
        if self._id_markup:
            opening, closing = self._id_markup
            for call_id in _IDS:
                text = text.replace(opening + call_id + closing, "")
        return Sample(calls, text)

    @cached_property
    def _one_call(self) -> str:
        text = self._after_question(_message_with_calls(ONE_CALL))
        if TOOL_NAMES[0] not in text:
            raise Unclear("it does not render the name of a call")
        return text

    @cached_property
    def _around_calls(self) -> tuple[str, str]:
        """What is before and after the calls of every turn."""
        after = self._one_call[len(self._turn_and_answer_end[0]) :]
        return self._one_call[: self._one_call.index(TOOL_NAMES[0]) - len(self.opening)], after

    @cached_property
    def opening(self) -> str:
        """The part of the calls that is before the first name.

        It is what follows the generation prompt, and what follows a text. Where the two differ, the longer has
        something more at its start: empty reasoning, or the end of the text's frame.
        """
        openings = [*self._openings_after_prompt(), *self._openings_after_text()]
        shortest = min(openings, key=len, default=None)
        if shortest is None or any(not opening.endswith(shortest) for opening in openings):
            raise Unclear("it is not clear where calls begin")
        if any(atom in self._tags_after_text for atom in atoms(shortest)):
            raise Unclear("calls begin after the end of the turn")
        return shortest

    def _openings_after_prompt(self) -> list[str]:
        before = self._one_call[: self._one_call.index(TOOL_NAMES[0])]
        reasoning_open = self.reasoning.open.strip() if self.reasoning else ""
        generation = self._generation_prompt
        candidates = (self._around_answer[0], generation, generation.rstrip().removesuffix(reasoning_open))
        starts = [start.rstrip() for start in candidates if before.startswith(start.rstrip())]
        return [before.removeprefix(start).lstrip() for start in starts[:1]]

    def _openings_after_text(self) -> list[str]:
        if not self.shape.with_text:
            return []
        text = self._after_question({**_message_with_calls(ONE_CALL), "content": _ANSWER})
        _, answer, after = text.partition(_ANSWER)
        between, name, _ = after.partition(TOOL_NAMES[0])
        return [between.lstrip()] if answer and name else []

    @cached_property
    def _generation_prompt(self) -> str:
        return self._after_question(add_generation_prompt=True)

    @cached_property
    def _around_answer(self) -> tuple[str, str]:
        """What is before and after a text."""
        text = self._after_question({"role": "assistant", "content": _ANSWER})
        before, answer, after = text.partition(_ANSWER)
        if not answer:
            raise Unclear("it does not render a text either")
        return before, after

    @cached_property
    def _tags_after_text(self) -> frozenset[str]:
        """Tags that follow a text, and all that may end a turn."""
        return self._all_ends | self._following | {atom for atom in atoms(self._around_answer[1]) if is_tag(atom)}

    @cached_property
    def _following(self) -> frozenset[str]:
        """The tag that follows a text in the middle of a conversation: it ends the turn, or the frame of the text."""
        messages = ({"role": "assistant", "content": _ANSWER}, {"role": "user", "content": _ANSWER})
        following = atoms(self._after_question(*messages).partition(_ANSWER)[2].lstrip())[:1]
        return frozenset(filter(is_tag, following))

    @property
    def _all_ends(self) -> frozenset[str]:
        """`ends` and the end-of-sequence token."""
        eos = self.template.special_tokens.get("eos_token", "")
        return self.ends | ({eos} - {""})

    @cached_property
    def _turn_and_answer_end(self) -> tuple[str, str]:
        """The turn with one call, without its end; and what ends a text but not the turn."""
        ends = self._all_ends if self._answer_opening else self._all_ends | self._following
        rests = without_common_end(self._one_call, self._around_answer[1])
        turn, after_text = (_without_ends(text, ends) for text in rests)
        unended = self._around_answer[1].strip() and turn == self._one_call.rstrip()
        if unended or (after_text and not self._answer_opening):
            raise Unclear("a turn with calls does not end as one with text")
        return turn, after_text

    @cached_property
    def answer(self) -> Frame | None:
        """The frame of a text."""
        return Frame(self._answer_opening, self._turn_and_answer_end[1].strip()) if self._answer_opening else None

    @cached_property
    def _answer_opening(self) -> str:
        """The tags before a text that belong neither to the generation prompt nor to reasoning."""
        generated, answered = (squeezed(text) for text in (self._generation_prompt, self._around_answer[0]))
        if generated.endswith(answered):
            return ""
        same = common_start(generated, answered)
        added, missing = (
            atoms(self._without_reasoning_marks(text.removeprefix(same))) for text in (answered, generated)
        )
        if not any(map(is_tag, added)):
            return ""
        if missing or not all(map(is_tag, added)):
            raise Unclear("the frame of text is not clear")
        return "".join(added)

    def _without_reasoning_marks(self, text: str) -> str:
        """`text`, which has no whitespace, without the literals around reasoning."""
        literals = (self.reasoning.open, self.reasoning.close) if self.reasoning else ()
        for literal in literals:
            text = text.replace(squeezed(literal), "")
        return text

    @cached_property
    def reasoning(self) -> Frame | None:
        """The frame of reasoning: a known one that the template's source has, or else the tags around a sample."""
        known = choose(self.template.source)[0].reasoning
        if known is not None:
            return known
        message = {"role": "assistant", "content": _ANSWER, "reasoning_content": _REASONING}
        before, reasoning, after = self._after_question(message).partition(_REASONING)
        between, answer, _ = after.partition(_ANSWER)
        opening, closing = atoms(before.rstrip())[-1:], atoms(between.lstrip())[:1]
        if not (reasoning and answer and all(map(is_tag, [*opening, *closing])) and opening != closing):
            return None
        if not opening or not closing or closing[0] in self._tags_after_text:
            return None
        gap = between.lstrip().removeprefix(closing[0])
        return Frame(opening[0], closing[0], gap if gap.isspace() else "")

    @cached_property
    def _id_markup(self) -> tuple[str, str] | None:
        """The literals around an id that is left out; None where no id is rendered."""
        start, name = self._one_call.find(_IDS[0]), self._one_call.index(TOOL_NAMES[0])
        if start < 0:
            return None
        if start < name:
            raise Unclear("the id is before the name, which no format can generate")
        arguments = ONE_CALL[0].arguments
        span = find_object(self._one_call, name, arguments)
        words = (TOOL_NAMES[0], *_KEYS, *arguments.values())
        word_ends = [self._one_call.find(word, name) + len(word) for word in words]
        ends = [*word_ends, span[1]] if span else word_ends
        if span and start < span[0]:
            ends = word_ends[:1]
        opening = self._one_call[max(end for end in ends if end <= start) : start]
        return opening, '"' * (opening.count('"') % 2)


def _message_with_calls(calls: Sequence[MarkedCall]) -> Message:
    tool_calls = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for call_id, call in zip(_IDS, calls, strict=False)
    ]
    return {"role": "assistant", "content": "", "tool_calls": tool_calls}


def _without_ends(text: str, ends: Collection[str]) -> str:
    while end := next((end for end in ends if text.rstrip().endswith(end)), ""):
        text = text.rstrip().removesuffix(end)
    return text.rstrip()


def squeezed(text: str) -> str:
    """`text` without whitespace."""
    return "".join(text.split())


_SAMPLE_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "A tool.",
            "parameters": {"type": "object", "properties": {key: {"description": "Anything."} for key in _KEYS}},
        },
    }
    for name in TOOL_NAMES
]
