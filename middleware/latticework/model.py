"""A model that is served: an engine with its chat template and its wire format."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import msgspec

from latticework.compiling.compiler import Compiler
from latticework.concurrency import ConcurrencyLimit
from latticework.conformance import SelectedFormat, select_format
from latticework.engines.base import Adapter, EngineDead, Piece, Sampling
from latticework.engines.encoder import LocalEncoder
from latticework.engines.markup import markup
from latticework.engines.vocabulary import Trial
from latticework.options import InvalidSetting
from latticework.peers import Held, Peers
from latticework.prompt import ChatTemplate
from latticework.prompt.fallback import ChosenTemplate, choose_template, load_template
from latticework.prompt.writer import PromptWriter
from latticework.settings import Settings
from latticework.supervisor import Supervisor
from turngrammar.analysis import texts
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import text_grammar

logger = logging.getLogger(__name__)

NOTHING: Mapping[str, Any] = {}

NO_TEMPLATE = "%s has no chat template: its prompts are %s. If it was trained on another form, set --chat-template FILE"

UNTESTED = "%s could not be tested, and may refuse all requests: %s"

WRITES = "%s writes tool calls in the format '%s': %s. Its self-test held in %d of %d turns"


class ModelState(msgspec.Struct, frozen=True):
    """The state of a model.

    Attributes:
        running: number of running answers.
        settings: the model's own settings.
        reason: why it is down.
        chat_template: the form of its prompts, if it has no chat template.
        format: its wire format of tool calls, and `why` the reason for that choice.
        self_test: the result of the self-test at load: "held", or each failed turn with its failed check.
        degraded: features that the engine lacks because of the installed vLLM.
        engine: how the engine runs: with vLLM its model runner, scheduling, CUDA graphs and drafts, and what these take
            away.
    """

    status: Literal["ok", "down"]
    running: int
    settings: Mapping[str, Any]
    reason: str | None = None
    chat_template: str | None = None
    format: str | None = None
    why: str | None = None
    self_test: Literal["held"] | tuple[str, ...] | None = None
    degraded: tuple[str, ...] | None = None
    engine: Mapping[str, str] | None = None


class Model:
    """An engine with its chat template, its wire format and its settings."""

    def __init__(
        self,
        supervisor: Supervisor,
        settings: Settings,
        compiler: Compiler,
        own: Mapping[str, Any] = NOTHING,
        peers: Peers | None = None,
    ) -> None:
        """`own`: the settings of this model alone. `peers`: the other processes that serve it; None: there are none.

        Raises InvalidSetting for an unknown format, and for a chat template that can't be read.
        """
        if settings.tool_format is not None and settings.tool_format not in FORMATS:
            raise InvalidSetting(
                f"tool_format: {settings.tool_format!r} is unknown; formats: {', '.join(sorted(FORMATS))}"
            )
        self.engine = supervisor.engine
        self._supervisor = supervisor
        self._named_template = None if settings.chat_template is None else load_template(settings.chat_template)
        self.settings = settings
        self.compiler = compiler
        self._own = own
        self._peers = peers
        self.created = int(time.time())

    @property
    def names(self) -> tuple[str, ...]:
        return self.engine.model_ids

    @property
    def adapters(self) -> Mapping[str, Adapter]:
        """By those of its names that are an adapter's."""
        return {} if self.engine.adapters is None else self.engine.adapters.loaded

    @property
    def max_model_len(self) -> int:
        return self.engine.max_model_len

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """The engine's output. Raises EngineError."""
        self._refuse_while_down()
        return self.engine.generate(prompt, sampling, request_id)

    async def check_health(self) -> None:
        """Raises EngineDead if it can't serve requests."""
        self._refuse_while_down()
        await self.engine.check_health()

    def _refuse_while_down(self) -> None:
        if self._supervisor.down is not None:
            raise EngineDead(self._supervisor.down)

    async def state(self) -> ModelState:
        """Its state, with the reason if it is down."""
        try:
            await self.check_health()
        except EngineDead as error:
            return ModelState("down", 0, self._own, str(error))
        return ModelState(
            "ok",
            self.engine.running(),
            self._own,
            chat_template=self._chat_template.fallback,
            format=self.format.name,
            why=self._settled.why,
            self_test=self._self_test,
            degraded=self.engine.degraded,
            engine=dict(self.engine.details) or None,
        )

    async def load(self) -> None:
        """Starts the engine and selects the format of tool calls. Raises EngineDead."""
        await self._supervisor.start()
        await asyncio.to_thread(lambda: self.vocabulary)
        if (fallback := self._chat_template.fallback) is not None:
            logger.warning(NO_TEMPLATE, self.names[0], fallback)
        settled = await asyncio.to_thread(lambda: self._settled)
        await asyncio.to_thread(lambda: self.writer_elsewhere)
        logger.info(WRITES, self.names[0], settled.format.name, settled.why, settled.passed, len(settled.tested))
        if not settled.tested:
            logger.warning(UNTESTED, self.names[0], settled.untested)
        for result, failed in settled.failures:
            logger.warning("%s: %s (%s): %s: %s", self.names[0], result.case, result.mode, failed.check, failed.detail)

    async def unload(self) -> None:
        """Stops the engine."""
        await self._supervisor.stop()

    def format_named(self, name: str | None) -> Format:
        """The wire format of that name, with this model's reasoning; None: the model's own. Raises KeyError."""
        return self.format if name is None else replace(FORMATS[name], reasoning=self.format.reasoning)

    @property
    def format(self) -> Format:
        """The model's wire format of tool calls."""
        return self._settled.format

    @cached_property
    def text_grammar(self) -> str:
        """llguidance Lark of free text with a visible character, which no answer begins with tokens of its own."""
        tokenizer = self.engine.tokenizer
        grammar = text_grammar(self.format, tokenizer.vocabulary.special_tokens, tokenizer.vocabulary.ends)
        tokenizer.remember(grammar, Trial())
        return grammar

    @cached_property
    def _settled(self) -> SelectedFormat:
        tokenizer = self.engine.tokenizer
        return select_format(self._plain_template, tokenizer, self.settings.tool_format, tokenizer.response_template)

    @cached_property
    def _self_test(self) -> Literal["held"] | tuple[str, ...]:
        """As reported by /health."""
        if not self._settled.tested:
            return (f"not tested: {self._settled.untested}",)
        failures = (f"{result.case} ({result.mode}): {failed.check}" for result, failed in self._settled.failures)
        return tuple(failures) or "held"

    def answering(self, answers: int) -> AbstractAsyncContextManager[None]:
        """Counts answers, which the engine generates or queues, for the block. Raises Overloaded and BadRequest."""
        if self._peers is not None:
            return self._peers.answering(self.names[0], answers)
        return Held(self._concurrency.acquire(answers))

    @cached_property
    def _concurrency(self) -> ConcurrencyLimit:
        """Known once the engine is loaded."""
        return ConcurrencyLimit(self.engine.max_running + self.settings.max_queue)

    @cached_property
    def template(self) -> ChatTemplate:
        return replace(self._plain_template, markup=self.markup)

    @cached_property
    def writer(self) -> PromptWriter:
        tokenizer = self.engine.tokenizer
        return PromptWriter(self.template, tokenizer.encoder or LocalEncoder(tokenizer), self.engine.max_model_len)

    @cached_property
    def writer_elsewhere(self) -> str | None:
        """Names the writer in other processes; None where its tokenizer can't be sent to one."""
        return self.compiler.load_writer(self.writer) if self.engine.tokenizer.encoder else None

    @cached_property
    def _plain_template(self) -> ChatTemplate:
        """The template without markup, from which the markup is determined."""
        return ChatTemplate(self._chat_template.source, self.engine.tokenizer.named_tokens)

    @cached_property
    def _chat_template(self) -> ChosenTemplate:
        tokenizer = self.engine.tokenizer
        return choose_template(self._named_template, tokenizer.chat_template, tokenizer.special_tokens)

    @cached_property
    def markup(self) -> frozenset[str]:
        """The special tokens and other markup that a client's text must not become."""
        if self.settings.markup_in_text:
            return frozenset()
        tokenizer = self.engine.tokenizer
        return markup(tokenizer.added_tokens, self._chat_template.source, texts(self.format))

    @cached_property
    def draft_ends(self) -> frozenset[int]:
        """The ids of the tokens that are markup."""
        tokenizer = self.engine.tokenizer
        found = markup(tokenizer.added_tokens, self._chat_template.source, texts(self.format))
        encoded = [tokenizer.encode(text) for text in found]
        return frozenset(ids[0] for ids in encoded if len(ids) == 1)

    @cached_property
    def vocabulary(self) -> str:
        return self.compiler.load(self.engine.tokenizer.vocabulary)
