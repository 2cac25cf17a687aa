"""How an answer cut by `max_tokens` is completed, and whether that is possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latticework.ask import Ask
from latticework.engines.base import Tokenizer
from latticework.errors import BadRequest
from turngrammar.cache import Cache
from turngrammar.completion import ShortestCompletion
from turngrammar.formats import Format
from turngrammar.plan import Plan
from turngrammar.schema import SchemaPlan
from turngrammar.turn import Reasoning

KEPT = 4 * 2**20  # letters of schemas


@dataclass(frozen=True)
class Tail:
    """The completion of a cut answer: markup, then the rest of the document."""

    markup: str
    document: str
    tokenizer: Tokenizer

    @property
    def token_ids(self) -> list[int]:
        """The tokens of markup and document, encoded separately."""
        markup = self.tokenizer.encode(self.markup) if self.markup else []
        return [*markup, *self.tokenizer.encode(self.document)]

    def fits(self, room: int) -> bool:
        """Whether it has at most this many tokens. A token has at least one byte, but some tokenizers add a space."""
        return len((self.markup + self.document).encode()) + 2 <= room or len(self.token_ids) <= room


@dataclass(frozen=True)
class TruncationPlan:
    """How the documents of one request are completed.

    Attributes:
        completion: for a document that has not begun; each answer has a copy.
        begun: the text of the document that the answer continues.
        shortest: the shortest document, without that text.
        reasoning: whether the prompt has opened the reasoning.
        ends: the markup between reasoning and document.
        opens: the markup before the document, without reasoning.
    """

    completion: ShortestCompletion
    begun: str
    shortest: str
    reasoning: bool
    ends: str
    opens: str
    tokenizer: Tokenizer

    @property
    def of_nothing(self) -> Tail:
        """The tail of an answer without tokens."""
        return self.tail(self.ends if self.reasoning else self.opens, self.shortest)

    def tail(self, markup: str, document: str) -> Tail:
        return Tail(markup, document, self.tokenizer)


@dataclass(frozen=True)
class Closing:
    """How a cut answer is completed.

    Attributes:
        document: None: the answer can't be a document.
        calls: whether it can have calls.
        finish: what a completed answer ends with, as if it was cut or not.
    """

    document: TruncationPlan | None
    calls: bool
    finish: Literal["length", "stop"]


def closing_of(
    ask: Ask, plan: Plan, format: Format, reasoning: Reasoning, tokenizer: Tokenizer, room: int, begun: str
) -> Closing | None:
    """None if the request doesn't ask for it. Raises BadRequest for an answer that can't be completed within `room`.

    A large schema takes a second.
    """
    if ask.complete is None:
        return None
    name = ask.name("complete")
    has_document = plan.document is not None and plan.choice.mode != "required"
    if not has_document and not plan.tools:
        raise BadRequest(
            f"'{name}' needs an answer that can be completed: a JSON document, given by a schema or as any object, or "
            "calls of tools.",
            param=name,
        )
    document = _document_plan(name, plan, format, reasoning, tokenizer, begun) if has_document else None
    if document is not None and not plan.tools:
        _refuse_little_room(ask, document, room)
    return Closing(document, bool(plan.tools), ask.complete)


def _document_plan(
    name: str, plan: Plan, format: Format, reasoning: Reasoning, tokenizer: Tokenizer, begun: str
) -> TruncationPlan:
    completion, shortest = _SHORTEST.get(plan.grammar or "", lambda: _shortest_document(plan.document))
    if begun:
        shortest = _shortest_rest(completion, begun)
    if shortest is None:
        problem = "no document that fits the schema is short enough."
        raise BadRequest(f"'{name}' must be 'cut' or absent: {problem}", param=name)
    opens = format.answer.open if format.answer and reasoning != "answer" else ""
    frame = format.reasoning
    ends = frame.close + frame.resume + frame.gap if frame else ""
    return TruncationPlan(completion, begun, shortest, reasoning == "open", ends + opens, opens, tokenizer)


def _refuse_little_room(ask: Ask, truncation: TruncationPlan, room: int) -> None:
    if (needed := len(truncation.of_nothing.token_ids)) > room:
        raise BadRequest(
            f"With '{ask.name('complete')}' the answer must have room for the shortest document that fits the schema: "
            f"{needed} tokens, and here it may have {room}.",
            param=ask.name("max_tokens"),
        )


def _shortest_rest(completion: ShortestCompletion, begun: str) -> str | None:
    rest = completion.copy()
    return rest.shortest() if rest.feed(begun) else None


def _shortest_document(document: SchemaPlan | None) -> tuple[ShortestCompletion, str | None]:
    assert document is not None
    completion = ShortestCompletion(document)
    return completion, completion.shortest()


_SHORTEST: Cache[str, tuple[ShortestCompletion, str | None]] = Cache(KEPT, lambda grammar, shortest: len(grammar))
