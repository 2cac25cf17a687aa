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

from benchmarks.client import Answer, Failed, Output, read_whole
from benchmarks.modelless import Modelless
from benchmarks.targets import Target
from benchmarks.workload import Task
from latticework import create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.huggingface import HuggingFaceTokenizer


@dataclass(frozen=True)
class EngineRequest:
    prompt: tuple[int, ...]
    sampling: Sampling


class RecordingEngine(Modelless):
    """An engine without a model that records its last request and returns `text`."""

    def __init__(self, target: Target, max_model_len: int) -> None:
        vocabulary_size = transformers.AutoConfig.from_pretrained(target.path).vocab_size
        self.model_ids = (target.name,)
        self.max_model_len = max_model_len
        self.tokenizer = HuggingFaceTokenizer(transformers.AutoTokenizer.from_pretrained(target.path), vocabulary_size)
        self.recorded: EngineRequest | None = None
        self.text = ""

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """Truncated, so that incomplete text is accepted."""
        self.recorded = EngineRequest(tuple(prompt), sampling)
        yield Piece(self.text, (0,), finish="length")


class Renderer:
    """Translates chat requests into bodies for `/v1/completions`, and their answers into chat output."""

    def __init__(self, target: Target, max_model_len: int) -> None:
        self._engine = RecordingEngine(target, max_model_len)
        self._http = TestClient(create_app(self._engine), raise_server_exceptions=False)

    def engine_request(self, task: Task) -> EngineRequest:
        """The request of latticework to its engine. Raises Failed if latticework refuses the task."""
        self._answer(task, "")
        assert self._engine.recorded is not None
        return self._engine.recorded

    def body(self, task: Task) -> dict[str, Any]:
        """The same prompt, token for token, the same grammar, the same sampling. Raises Failed."""
        request = self.engine_request(task)
        grammar = request.sampling.grammar
        return {
            "model": self._engine.model_ids[0],
            "prompt": list(request.prompt),
            "max_tokens": request.sampling.max_tokens,
            "temperature": request.sampling.temperature,
            "ignore_eos": request.sampling.ignore_eos,
            "skip_special_tokens": not request.sampling.special_tokens,
            **({"structured_outputs": {"grammar": grammar}} if grammar else {}),
        }

    def output(self, task: Task, answer: Answer) -> Output:
        """The output that latticework would return for the raw text of an answer. Raises Failed."""
        return self._answer(task, answer.content).output

    def _answer(self, task: Task, text: str) -> Answer:
        self._engine.text = text
        response = self._http.post("/v1/chat/completions", json={"model": self._engine.model_ids[0], **task.body})
        if response.status_code != 200:
            raise Failed(response.text[:500])
        return read_whole([(0.0, response.content)])
