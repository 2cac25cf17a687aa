"""A response of choices, whole or as a stream of chunks: what chat completions and text completions have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from latticework.doors.openai import Usage, envelope, usage_of
from latticework.doors.openai.types import SampledRequest
from latticework.errors import ApiError
from latticework.generate import Step
from latticework.generate.generation import Generation
from latticework.http.sse import DONE, ChunkFrame, event

C = TypeVar("C", bound=msgspec.Struct)
C_co = TypeVar("C_co", bound=msgspec.Struct, covariant=True)


# An event of the stream, which has `kv_transfer_params`.
E = TypeVar("E", bound=msgspec.Struct)


class ChunkedChoice(Protocol[C_co]):
    """One choice of a stream: its steps in, its chunks out."""

    def chunk(self, step: Step) -> C_co | None:
        """None where the step adds nothing that a client sees."""


class ChunkedResponse(ABC, Generic[C, E]):
    """A fresh one for each request."""

    def __init__(self, request: SampledRequest, generation: Generation) -> None:
        self._generation = generation
        self._created = int(time.time())
        self._model = request.model
        self._with_usage = bool(request.stream_options and request.stream_options.include_usage)
        self._choices: dict[int, ChunkedChoice[C]] = {}

    @abstractmethod
    def whole(self, chunks: Sequence[C]) -> bytes:
        """The JSON body, folded from all chunks."""

    @abstractmethod
    def _new_choice(self, index: int) -> ChunkedChoice[C]: ...

    @abstractmethod
    def _chunk(self, *choices: C, usage: Usage | UnsetType | None = UNSET) -> E:
        """An event of the stream."""

    def chunks(self, steps: Sequence[Step]) -> list[C]:
        chunks = []
        for step in steps:
            choice = self._choices.get(step.index)
            if choice is None:
                choice = self._choices[step.index] = self._new_choice(step.index)
            if (chunk := choice.chunk(step)) is not None:
                chunks.append(chunk)
        return chunks

    def events(self, chunks: Sequence[C]) -> bytes:
        return self._frame.events(chunks)

    def end(self) -> bytes:
        """The usage, where it is requested, and what is known only now come in an event of their own."""
        late = self._late()
        if not (self._with_usage or late):
            return DONE
        chunk = replace(self._chunk(usage=self._usage if self._with_usage else UNSET), **late)
        return event(msgspec.json.encode(chunk)) + DONE

    def failed(self, error: ApiError) -> bytes:
        """Without `[DONE]`."""
        return event(envelope(error))

    def _last(self) -> E:
        """Of a whole response, what comes behind all choices."""
        return replace(self._chunk(usage=self._usage), **self._late())

    def _late(self) -> dict[str, Any]:
        """The fields of the last event, beside the usage: what the engine has for another one."""
        return {"kv_transfer_params": self._generation.transfer} if self._generation.transfer else {}

    def logged(self, chunks: Sequence[C]) -> list[msgspec.Struct]:
        return [self._chunk(chunk, usage=None) for chunk in chunks]

    @cached_property
    def _frame(self) -> ChunkFrame:
        return ChunkFrame(self._chunk(usage=self._no_usage))

    @property
    def _no_usage(self) -> UnsetType | None:
        """Of all chunks but the last: null where the usage is requested, or else omitted."""
        return None if self._with_usage else UNSET

    @property
    def _usage(self) -> Usage:
        return usage_of(self._generation.tokens)
