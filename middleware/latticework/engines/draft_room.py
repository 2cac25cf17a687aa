"""How many tokens a step may draft: each takes a row of logits and of masks, and a place in the batch."""

from __future__ import annotations

from dataclasses import dataclass

# Rows of logits that an engine for few answers has room for all the same: at 150,000 tokens, some 60 MB.
LEAST_ROWS = 64
# Bytes of masks that vLLM passes to its workers through shared memory. Larger ones go through a socket.
MASK_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class DraftRoom:
    """Attributes:

    rows: the rows of logits that the engine has measured its memory with.
    masks: the rows of masks that it passes on at once.
    tokens: the tokens of a step.
    """

    rows: int
    masks: int
    tokens: int

    @classmethod
    def of(cls, profiled_rows: int, vocabulary: int, tokens: int) -> DraftRoom:
        """`profiled_rows`: with how many rows of logits vLLM has measured its memory."""
        return cls(max(profiled_rows, LEAST_ROWS), MASK_BYTES // (4 * -(-vocabulary // 32)), tokens)

    def left(self, answers: int, prompts: int) -> int:
        """Tokens that a step may draft beside so many answers, whose next token each needs, and tokens of prompts."""
        return max(0, min(self.rows - answers, self.masks - answers, self.tokens - answers - prompts))
