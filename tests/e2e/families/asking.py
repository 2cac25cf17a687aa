"""One request of a kind to one model, and the answer, whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from latticework.engines.huggingface import HuggingFaceTokenizer
from tests.e2e.families.biases import BIASES, FAMILIES, in_order
from tests.e2e.families.kinds import Kind

MOST_TOKENS = 200
# Greedy; sampled, where guesses may be drafted; and with a seed, where they may not.
SAMPLINGS: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"temperature": 0},
    "sampled": {"temperature": 1},
    "seeded": {"temperature": 1, "seed": 7},
}
# Of these two answers are the same.
REPEATABLE = ("greedy", "seeded")
PATH = "/v1/chat/completions"


@dataclass
class Answer:
    """Attributes:

    status: of the response; 500 also where a stream ended in an error.
    text: of the response, for messages.
    """

    status: int
    text: str
    finish: str = ""
    content: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)


def is_asked(family: str, kind: Kind) -> bool:
    """Whether the family can be made to think, where the kind wants it."""
    return not kind.thinks or bool(FAMILIES[family].close)


def body(family: str, kind: Kind, tokenizer: HuggingFaceTokenizer, sampling: str) -> dict[str, Any]:
    biases = {token: bias for name in kind.biases for token, bias in BIASES[name](family, tokenizer).items()}
    asked: dict[str, Any] = {
        "model": family,
        "messages": [{"role": "user", "content": "Two rooms in Oslo, please, for Ann."}],
        "max_tokens": MOST_TOKENS,
        **SAMPLINGS[sampling],
        **kind.fields,
    }
    if biases:
        asked["logit_bias"] = {str(token): bias for token, bias in biases.items()}
    return {**asked, **(in_order(family, tokenizer) if "call" in kind.biases else {})}


def ask(http: httpx.Client, body: Mapping[str, Any], *, streamed: bool) -> Answer:
    if not streamed:
        return _whole(http.post(PATH, json=body))
    with http.stream("POST", PATH, json={**body, "stream": True}) as response:
        response.read()
        return _folded(response)


def _whole(response: httpx.Response) -> Answer:
    answer = Answer(response.status_code, response.text)
    if response.status_code == 200:
        (choice,) = response.json()["choices"]
        message = choice["message"]
        answer.finish = choice["finish_reason"]
        answer.content, answer.reasoning = message["content"] or "", message.get("reasoning_content") or ""
        called = (call["function"] for call in message.get("tool_calls") or ())
        answer.calls = [(function["name"], function["arguments"]) for function in called]
    return answer


def _folded(response: httpx.Response) -> Answer:
    answer = Answer(response.status_code, response.text)
    if response.status_code != 200:
        return answer
    calls: list[list[str]] = []
    for event in _events(response.text.splitlines()):
        if "error" in event:
            answer.status = 500
            continue
        for choice in event["choices"]:
            answer.finish = choice["finish_reason"] or answer.finish
            answer.content += choice["delta"].get("content") or ""
            answer.reasoning += choice["delta"].get("reasoning_content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                if call["index"] == len(calls):
                    calls.append([call["function"]["name"], ""])
                calls[call["index"]][1] += call["function"]["arguments"]
    answer.calls = [(name, arguments) for name, arguments in calls]
    return answer


def _events(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        data = line.removeprefix("data: ")
        if data != line and data != "[DONE]":
            yield json.loads(data)
