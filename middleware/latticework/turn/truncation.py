"""How a document that `max_tokens` cuts is closed, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from latticework.engines.base import Piece, Tokenizer
from latticework.errors import BadRequest
from latticework.protocol import ChatRequest
from turngrammar.cache import Cache
from turngrammar.closing import Closer
from turngrammar.formats import Format
from turngrammar.plan import Plan
from turngrammar.schema import SchemaPlan
from turngrammar.turn import Reasoning

KEPT = 4 * 2**20  # letters of schemas


@dataclass(frozen=True)
class Close:
    """How the documents of one request are closed.

    Attributes:
        closer: of a document that has not begun; each answer has a copy.
        shortest: the shortest document.
        thinks: whether the prompt has opened the thoughts.
        ends: the markup between thoughts and document.
        opens: the markup before the document, where nothing was thought.
    """

    closer: Closer
    shortest: str
    thinks: bool
    ends: str
    opens: str
    tokenizer: Tokenizer

    @property
    def nothing(self) -> End:
        """What follows where nothing was generated."""
        return self.end(self.ends if self.thinks else self.opens, self.shortest)

    def end(self, markup: str, document: str) -> End:
        return End(markup, document, self.tokenizer)


@dataclass(frozen=True)
class End:
    """What is put behind an answer: markup, and what is left of the document."""

    markup: str
    document: str
    tokenizer: Tokenizer

    def pieces(self) -> Iterator[Piece]:
        if self.markup:
            yield Piece(self.markup, tuple(self.tokenizer.encode(self.markup)))
        yield Piece(self.document, tuple(self.tokenizer.encode(self.document)), finish="length")

    @property
    def tokens(self) -> int:
        return sum(len(piece.token_ids) for piece in self.pieces())

    def fits(self, room: int) -> bool:
        """Whether it has no more tokens than this. A token is a byte at least, but some tokenizers add a space."""
        return len((self.markup + self.document).encode()) + 2 <= room or self.tokens <= room


def close(plan: Plan, format: Format, reasoning: Reasoning, tokenizer: Tokenizer) -> Close:
    """Takes a second for a large schema. Raises BadRequest for an answer that can't be closed."""
    if plan.document is None or plan.offers:
        raise BadRequest(
            "'truncation' can be 'close' only where the answer is a JSON document: with a 'response_format' of type "
            "json_schema or json_object, or 'structured_outputs' with json or json_object, and without tools to call.",
            param="truncation",
        )
    closer, shortest = _made(plan.document)
    if shortest is None:
        raise BadRequest(
            "'truncation' can't be 'close': no document that fits the schema is short enough.", param="truncation"
        )
    opens = format.answer.open if format.answer and reasoning != "answer" else ""
    frame = format.reasoning
    ends = frame.close + frame.resume + frame.gap if frame else ""
    return Close(closer, shortest, reasoning == "open", ends + opens, opens, tokenizer)


def _made(document: SchemaPlan) -> tuple[Closer, str | None]:
    return _MADE.get(document.json, lambda: _make(document))


def _make(document: SchemaPlan) -> tuple[Closer, str | None]:
    closer = Closer(document)
    return closer, closer.closing()


_MADE: Cache[str, tuple[Closer, str | None]] = Cache(KEPT, lambda text, made: len(text))


def refuse_short(request: ChatRequest, close: Close, room: int) -> None:
    """Raises BadRequest where not even the shortest document has room."""
    if (needed := close.nothing.tokens) > room:
        raise BadRequest(
            f"With 'truncation' the answer must have room for the shortest document that fits the schema: "
            f"{needed} tokens, and here it may have {room}.",
            param="max_completion_tokens" if request.max_completion_tokens else "max_tokens",
        )
