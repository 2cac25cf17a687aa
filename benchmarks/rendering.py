"""latticework's prompt and grammar for a request, to send the same to another server.

It runs latticework's own app, in process, on an engine without a model, which records its requests and returns a given
text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import transformers
from starlette.testclient import TestClient

from benchmarks.client import Answer, Failed, Said, read_whole
from benchmarks.modelless import Modelless
from benchmarks.targets import Target
from benchmarks.workload import Task
from latticework import create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.huggingface import HuggingFaceTokenizer


@dataclass(frozen=True)
class Asked:
    prompt: tuple[int, ...]
    sampling: Sampling


class Stenographer(Modelless):
    """An engine with a tokenizer and without a model."""

    def __init__(self, target: Target, max_model_len: int) -> None:
        vocabulary_size = transformers.AutoConfig.from_pretrained(target.path).vocab_size
        self.model_ids = (target.name,)
        self.max_model_len = max_model_len
        self.tokenizer = HuggingFaceTokenizer(transformers.AutoTokenizer.from_pretrained(target.path), vocabulary_size)
        self.asked: Asked | None = None
        self.dictated = ""

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """As if cut, so that nobody minds what the text lacks."""
        self.asked = Asked(tuple(prompt), sampling)
        yield Piece(self.dictated, (0,), finish="length")


class Renderer:
    """Requests of one model -> bodies for `/v1/completions`, and such a body's answer -> what it says."""

    def __init__(self, target: Target, max_model_len: int) -> None:
        self._engine = Stenographer(target, max_model_len)
        self._http = TestClient(create_app(self._engine), raise_server_exceptions=False)

    def asked(self, task: Task) -> Asked:
        """What latticework would ask of its engine. Raises Failed where it refuses the request."""
        self._answer(task, "")
        assert self._engine.asked is not None
        return self._engine.asked

    def body(self, task: Task) -> dict[str, Any]:
        """The same prompt, token for token, the same grammar, the same sampling. Raises Failed."""
        asked = self.asked(task)
        grammar = asked.sampling.grammar
        return {
            "model": self._engine.model_ids[0],
            "prompt": list(asked.prompt),
            "max_tokens": asked.sampling.max_tokens,
            "temperature": asked.sampling.temperature,
            "ignore_eos": asked.sampling.ignore_eos,
            "skip_special_tokens": not asked.sampling.special_tokens,
            **({"structured_outputs": {"grammar": grammar}} if grammar else {}),
        }

    def said(self, task: Task, answer: Answer) -> Said:
        """What raw text says, as latticework itself would have answered with it. Raises Failed."""
        return self._answer(task, answer.content).said

    def _answer(self, task: Task, text: str) -> Answer:
        self._engine.dictated = text
        response = self._http.post("/v1/chat/completions", json={"model": self._engine.model_ids[0], **task.body})
        if response.status_code != 200:
            raise Failed(response.text[:500])
        return read_whole([(0.0, response.content)])
