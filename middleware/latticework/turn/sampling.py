"""How a request wants its answer sampled, in the engine's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latticework.engines.base import Sampling
from latticework.engines.sampling import FROM_MODEL
from latticework.errors import BadRequest, ContextExceeded
from latticework.protocol import ChatRequest


def refuse_crowd(messages: int, max_model_len: int) -> None:
    """Raises ContextExceeded for more messages than tokens fit: some templates take minutes to render so many."""
    if messages > max_model_len:
        raise ContextExceeded(
            f"This model's maximum context length is {max_model_len} tokens. However, there are {messages} messages.",
            param="messages",
        )


def room(request: ChatRequest, prompt_tokens: int, max_model_len: int) -> int:
    """How many tokens the answer may have. Raises ContextExceeded where prompt and answer don't fit."""
    left = max_model_len - prompt_tokens
    wanted = request.max_completion_tokens or request.max_tokens
    if left >= (wanted or 1):
        return wanted or left
    asked = f", and {wanted} for the answer were asked for" if wanted else ""
    raise ContextExceeded(
        f"This model's maximum context length is {max_model_len} tokens. "
        f"However, your messages resulted in {prompt_tokens} tokens{asked}.",
        param="messages" if left < 1 else "max_completion_tokens" if request.max_completion_tokens else "max_tokens",
    )


def sampling(request: ChatRequest, grammar: str | None, max_tokens: int, vocabulary_size: int) -> Sampling:
    """The whole request's sampling; `reseeded` gives each choice its own.

    What would cut a constrained answer short or force it on past its end is refused.
    """
    if grammar is not None:
        _refuse_unconstrained(request)
    return Sampling(
        max_tokens=max_tokens,
        grammar=grammar,
        seed=request.seed,
        logit_bias=logit_bias(request.logit_bias or {}, vocabulary_size),
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        min_tokens=request.min_tokens or 0,
        ignore_eos=bool(request.ignore_eos),
        sources=bool(request.token_sources),
        stop_token_ids=stop_token_ids(request.stop_token_ids or (), vocabulary_size),
        **{name: getattr(request, name) for name in FROM_MODEL},
    )


def _refuse_unconstrained(request: ChatRequest) -> None:
    for name in ("min_tokens", "ignore_eos", "stop_token_ids"):
        if getattr(request, name):
            raise BadRequest(
                f"'{name}' can't be honoured together with tools, 'response_format' or 'structured_outputs': "
                "it would cut the answer short of its grammar, or drive it past the end.",
                param=name,
            )


def stop_token_ids(asked: Sequence[int], vocabulary_size: int) -> tuple[int, ...]:
    """The ids. Raises BadRequest for one that no token has."""
    for index, one in enumerate(asked):
        if not 0 <= one < vocabulary_size:
            raise BadRequest(
                f"{one} in 'stop_token_ids' is not a token id: they are 0 to {vocabulary_size - 1}.",
                param=f"stop_token_ids[{index}]",
            )
    return tuple(asked)


def logit_bias(asked: Mapping[str, float], vocabulary_size: int) -> dict[int, float]:
    """Biases by token id. Raises BadRequest for a key that is none."""
    for key in asked:
        if not (key.isdecimal() and key.isascii() and int(key) < vocabulary_size):
            raise BadRequest(
                f"'{key}' in 'logit_bias' is not a token id: they are 0 to {vocabulary_size - 1}.",
                param="logit_bias",
            )
    return {int(key): float(bias) for key, bias in asked.items()}
