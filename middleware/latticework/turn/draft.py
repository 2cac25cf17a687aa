"""Free text that the model writes before a document or calls: think, then lock.

A model whose format marks reasoning thinks in its own marks: its draft is its reasoning, switched on and limited. For
any other, generate/attempt.py has the engine write the draft without a grammar, and then the answer under its grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from latticework.ask import Ask, Conversation
from latticework.engines.base import Tokenizer
from latticework.errors import BadRequest
from latticework.turn.reasoning import switched
from turngrammar.formats import Format
from turngrammar.turn import Reasoning

# What is between a draft and the answer.
JOINT = "\n\n"
# Tokens of that, at the most: a tokenizer may put a space before it.
MOST_JOINING = 4
_JOINTS = tuple(JOINT[start:] for start in range(len(JOINT) + 1))


@dataclass(frozen=True)
class FreeDraft:
    """A draft without marks.

    Attributes:
        tokens: maximum number of tokens, the one that ends it included.
        marks: the tokens that end it beside the model's own ends: markup, which has no meaning in it.
        joints: the tokens of each text that a draft may lack to end as JOINT does.
    """

    tokens: int
    marks: frozenset[int]
    joints: Mapping[str, Sequence[int]]

    def joint(self, text: str) -> Sequence[int]:
        """The tokens between this draft and the answer; none behind no text."""
        ending = len(text) - len(text.rstrip("\n"))
        return self.joints[JOINT[ending:]] if text else ()


@dataclass(frozen=True)
class Room:
    """Numbers of tokens.

    Attributes:
        most: of the answer, its draft included.
        left: of the context, behind the prompt.
        least: of the shortest answer that the grammar allows, without a draft.
    """

    most: int
    left: int
    least: int


def with_draft(ask: Ask, format: Format, default: int) -> Ask:
    """The ask, in which a draft of a model with marks is the limit of its reasoning.

    `default`: the server's; it yields to whatever in the request excludes a draft. Raises BadRequest for a draft that
    the request sets, and excludes.
    """
    tokens = _draft_limit(ask, format, default)
    if not tokens or format.reasoning is None or not isinstance(ask.prompt, Conversation):
        return ask
    # The client's own variables win.
    prompt = replace(ask.prompt, variables={**switched(True), **ask.prompt.variables})
    return replace(ask, prompt=prompt, reasoning_limit=tokens)


def free_tokens(ask: Ask, format: Format, reasoning: Reasoning, default: int, room: Room) -> int:
    """The maximum number of tokens of a draft without marks, for an ask behind `with_draft` whose prompt leaves the
    model in this state of `reasoning`. 0: it has no such draft. Raises BadRequest.
    """
    if reasoning in ("may", "open"):
        return 0
    if format.reasoning is not None:
        default = 0  # the request has switched the reasoning off
    tokens = _draft_limit(ask, format, default)
    problem = _FRAMED.format(format.name) if format.answer else _crowding(ask, tokens, room)
    if not tokens or problem is None:
        return tokens
    if ask.draft_tokens is None:
        return 0
    raise _draft_refusal(ask, problem)


def free_draft(tokens: int, marks: frozenset[int], tokenizer: Tokenizer) -> FreeDraft:
    """The draft of at most that many tokens, which `marks` end."""
    return FreeDraft(tokens, marks, {text: tokenizer.encode(text) if text else () for text in _JOINTS})


def _draft_limit(ask: Ask, format: Format, default: int) -> int:
    """0: no draft."""
    tokens = default if ask.draft_tokens is None else ask.draft_tokens
    problem = next(_conflicts(ask, tokens, format), None)
    if problem is None:
        return tokens
    if ask.draft_tokens is None:
        return 0
    raise _draft_refusal(ask, problem)


def _conflicts(ask: Ask, tokens: int, format: Format) -> Iterator[str]:
    """Why this request can't have a draft of that many tokens."""
    if ask.max_tokens is not None and tokens >= ask.max_tokens:
        most = f"'{ask.name('max_tokens')}' is {ask.max_tokens}"
        yield f"is {tokens}, and {most}: lower it, to leave room for the answer."
    if ask.reasoning_limit not in (None, tokens):
        other = ask.name("reasoning_limit")
        yield f"is {tokens}, and '{other}' is {ask.reasoning_limit}: they must be equal if both are set."
    if ask.effort == "none":
        yield f"can't be set where '{ask.name('effort')}' is 'none': omit one of them."
    if not isinstance(ask.prompt, Conversation) or ask.prompt.continued:
        yield "can't be honoured where the answer continues a message: a draft begins the answer. Omit it."
    if format.reasoning is None and not _is_constrained(ask):
        yield f"needs an answer with a schema, a grammar or tools: send '{ask.name('schema')}' or 'tools', or omit it."


def _is_constrained(ask: Ask) -> bool:
    return ask.turn.content.constraint is not None or ask.turn.choice.mode != "none"


def _crowding(ask: Ask, tokens: int, room: Room) -> str | None:
    """That the answer might have too little room behind the draft.

    Where `max_tokens` cuts content, the client gets its beginning.
    """
    whole = ask.turn.choice.mode == "required" or ask.complete is not None or room.most == room.left
    least = room.least if whole else 1
    rest = min(room.most - tokens, room.left - tokens - MOST_JOINING)
    if rest >= least:
        return None
    return (
        f"is {tokens}, which leaves {max(rest, 0)} tokens of {room.most} for the answer, and it takes at least "
        f"{least}: lower it."
    )


_FRAMED = "can't be honoured: the format '{}' has a frame for each answer, and no place for a draft. Omit it."


def _draft_refusal(ask: Ask, problem: str) -> BadRequest:
    name = ask.name("draft_tokens")
    return BadRequest(f"'{name}' {problem}", param=name)
