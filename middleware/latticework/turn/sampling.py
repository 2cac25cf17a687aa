"""From a request's sampling fields to the engine's `Sampling`: limits of the context, and refused combinations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from latticework.ask import Ask
from latticework.engines.base import Sampling
from latticework.errors import BadRequest, ContextExceeded

_ENDS = "it would cut the answer short of its grammar, or drive it past the end."
_EXCLUDES = "it could exclude every token that the grammar allows."
EXCLUDING = ("allowed_token_ids", "bad_words")
# What can't be honoured in a constrained answer, and why.
UNCONSTRAINED: Mapping[str, str] = {
    **dict.fromkeys(("min_tokens", "ignore_eos", "stop_token_ids"), _ENDS),
    **dict.fromkeys(EXCLUDING, _EXCLUDES),
}
# Digits of a token id as text. Python refuses to parse more than 4300.
MOST_DIGITS = 20
# OpenAI's words, by which clients know that they must shorten the history: LangChain, LiteLLM and CrewAI look for them,
# or for "maximum context length".
_SHORTEN = "Input tokens exceed the configured limit: shorten the messages."


def refuse_crowd(ask: Ask, messages: int, max_model_len: int) -> None:
    """Raises ContextExceeded for more messages than tokens fit: some templates take minutes to render them."""
    if messages > max_model_len:
        raise ContextExceeded(
            f"This model's maximum context length is {max_model_len} tokens. However, there are {messages} messages. "
            f"{_SHORTEN}",
            param=ask.name("prompt"),
            prompt=(messages, max_model_len - 1),
        )


def refuse_excess(ask: Ask, least: int, max_model_len: int) -> None:
    """Raises ContextExceeded for a prompt of at least `least` tokens; 0: they are counted elsewhere."""
    if least > max_model_len:
        raise ContextExceeded(
            f"This model's maximum context length is {max_model_len} tokens. However, the prompt has at least {least} "
            f"tokens. {_SHORTEN}",
            param=ask.name("prompt"),
            prompt=(least, max_model_len - 1),
        )


def room(ask: Ask, prompt_tokens: int, max_model_len: int) -> int:
    """The maximum number of tokens of the answer. Raises ContextExceeded if prompt and answer don't fit,
    and BadRequest for an empty prompt.
    """
    if not prompt_tokens:
        name = ask.name("prompt")
        raise BadRequest(f"'{name}' is empty: it must have at least one token.", param=name)
    left = max_model_len - prompt_tokens
    requested = min(ask.max_tokens, max(left, 1)) if ask.max_tokens and ask.fits_context else ask.max_tokens
    if left >= (requested or 1):
        return requested or left
    answer = f", and {requested} were requested for the answer" if requested else ""
    name = ask.name("prompt" if left < 1 else "max_tokens")
    raise ContextExceeded(
        f"This model's maximum context length is {max_model_len} tokens. "
        f"However, the prompt has {prompt_tokens} tokens{answer}. "
        + (_SHORTEN if left < 1 else f"Lower '{name}' to {left}, or shorten the prompt."),
        param=name,
        prompt=(prompt_tokens, max_model_len - 1) if left < 1 else None,
    )


def refuse_little_room(ask: Ask, least: int, prompt_tokens: int, room: int, max_model_len: int) -> None:
    """Raises BadRequest if a required call, of `least` tokens, can't end within the `room` that the answer has, or
    content within the context. Where `max_tokens` cuts content, the client gets its beginning.
    """
    if ask.turn.choice.mode == "required":
        _refuse_short_call(ask, least, prompt_tokens, room, max_model_len)
    elif ask.complete is None and least > max_model_len - prompt_tokens:
        raise _beyond_context(ask, "answer", least, prompt_tokens, max_model_len)


def _refuse_short_call(ask: Ask, least: int, prompt_tokens: int, room: int, max_model_len: int) -> None:
    if least <= room:
        return
    if ask.max_tokens is not None and ask.max_tokens <= room:
        name = ask.name("max_tokens")
        problem = f"'{name}' is {ask.max_tokens}. {_SHORTEST.format('call', least)}: raise '{name}'."
        raise BadRequest(problem, param=name)
    raise _beyond_context(ask, "call", least, prompt_tokens, max_model_len)


def _beyond_context(ask: Ask, what: str, least: int, prompt_tokens: int, max_model_len: int) -> ContextExceeded:
    return ContextExceeded(
        f"This model's maximum context length is {max_model_len} tokens. However, the prompt has {prompt_tokens} "
        f"tokens. {_SHORTEST.format(what, least)}: shorten '{ask.name('prompt')}'{_OR_LESS * (what == 'answer')}.",
        param=ask.name("prompt"),
    )


_SHORTEST = "The shortest {} that the request allows takes at least {} tokens"
_OR_LESS = ", or allow shorter answers"


def kept_prompt(ask: Ask, prompt: Sequence[int], max_model_len: int) -> Sequence[int]:
    """The last tokens of the prompt, if the request limits it."""
    most = ask.prompt_limit
    if most is None:
        return prompt
    return prompt[-(most if most >= 0 else max(1, max_model_len - (ask.max_tokens or 1))) :]


def sampling_of(ask: Ask, grammar: str | None, max_tokens: int, vocabulary_size: int) -> Sampling:
    """The sampling of the first choice. Raises BadRequest for token ids that the vocabulary lacks, and if `min_tokens`
    exceeds the room.

    Parameters that would end a constrained answer too early or too late are refused.
    """
    fields: dict[str, Any] = dict(ask.sampling)
    if grammar is not None:
        _refuse_unconstrained(ask)
    for name, check in _CHECKED.items():
        if name in fields:
            fields[name] = check(fields[name], ask.name(name), vocabulary_size)
    least = fields.get("min_tokens") or 0
    if least > max_tokens:
        name = ask.name("min_tokens")
        raise BadRequest(
            f"'{name}' is {least}, and the answer can have {max_tokens} tokens: lower '{name}'.", param=name
        )
    return Sampling(max_tokens=max_tokens, grammar=grammar, **fields)


def _refuse_unconstrained(ask: Ask) -> None:
    for field, why in UNCONSTRAINED.items():
        if ask.sampling.get(field):
            name = ask.name(field)
            raise BadRequest(
                f"'{name}' can't be honoured where tools, a schema or another grammar constrain the answer: {why}",
                param=name,
            )


def known_token_ids(ids: Sequence[int], name: str, vocabulary_size: int, param: str | None = None) -> tuple[int, ...]:
    """The same ids. Raises BadRequest for the first that the vocabulary lacks.

    `param`: what the error points to; None: the id's place in the parameter of that name.
    """
    for index, token_id in enumerate(ids):
        if not 0 <= token_id < vocabulary_size:
            raise BadRequest(
                f"'{name}' contains {token_id}: token ids are 0 to {vocabulary_size - 1}.",
                param=param or f"{name}[{index}]",
            )
    return tuple(ids)


def _biases(biases: Mapping[str, float], name: str, vocabulary_size: int) -> dict[int, float]:
    for key in biases:
        if not _is_token_id(key, vocabulary_size):
            raise BadRequest(
                f"'{name}' has the key '{key[:MOST_DIGITS]}', which is not a token id: they are 0 to "
                f"{vocabulary_size - 1}.",
                param=name,
            )
    return {int(key): float(bias) for key, bias in biases.items()}


def _is_token_id(key: str, vocabulary_size: int) -> bool:
    return key.isdecimal() and key.isascii() and len(key) <= MOST_DIGITS and int(key) < vocabulary_size


def _known_list(ids: Sequence[int], name: str, vocabulary_size: int) -> list[int]:
    return list(known_token_ids(ids, name, vocabulary_size))


_CHECKED: Mapping[str, Callable[[Any, str, int], Any]] = {
    "stop_token_ids": known_token_ids,
    "allowed_token_ids": _known_list,
    "logit_bias": _biases,
}
