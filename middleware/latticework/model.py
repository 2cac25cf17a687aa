"""A model that is served: an engine with its chat template and its wire format."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import msgspec

from latticework.answer import answer
from latticework.compiling.compiler import Compiler
from latticework.compiling.messages import CompiledTurn, CompileRequest
from latticework.concurrency import ConcurrencyLimit, off_loop
from latticework.conformance import SelectedFormat, select_format
from latticework.engines.base import EngineDead, Piece, Sampling
from latticework.engines.markup import markup
from latticework.errors import BadRequest
from latticework.generate.completion import Job
from latticework.prompt import ChatTemplate, Prompt, PromptError
from latticework.prompt.fallback import ChosenTemplate, choose_template, load_template
from latticework.protocol import ChatRequest, TurnRequest
from latticework.responses import ModelCard, ModelState
from latticework.settings import InvalidSetting, Settings
from latticework.supervisor import Supervisor
from latticework.turn import reasoning as thinking
from latticework.turn import sampling, truncation
from latticework.turn.reasoning import Budget
from latticework.turn.tools import turn
from latticework.turn.truncation import Close
from turngrammar.analysis import texts
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import Plan, Turn
from turngrammar.turns import Reasoning, reasoning_after

logger = logging.getLogger(__name__)

# A schema that takes more than this part of the context is left out of the prompt, unless told otherwise.
TOLD_SHARE = 1 / 4
# Bytes: the tokens of a JSON text are shorter on average, so that a schema may be too large for the prompt at a glance.
LONG_TOKEN = 16

NOTHING: Mapping[str, Any] = {}

NO_TEMPLATE = (
    "%s has no chat template: its prompts are %s. If it was trained on another form, name --chat-template FILE"
)

UNTESTED = "%s could not be tested, and may refuse all requests: %s"

WRITES = "%s writes tool calls in the format '%s': %s. Its self-test held in %d of %d turns"


@dataclass(frozen=True)
class _Draft:
    """A request whose prompt is rendered. `compiles`: its turn, and perhaps what is left behind the thinking."""

    prompt: Prompt
    format: Format
    reasoning: Reasoning
    compiles: tuple[CompileRequest, ...]


class Model:
    """One engine, ready to be asked."""

    def __init__(
        self, supervisor: Supervisor, settings: Settings, compiler: Compiler, own: Mapping[str, Any] = NOTHING
    ) -> None:
        """`own`: those of the settings that no other model has.

        Raises InvalidSetting for a format that is none, and a chat template that can't be read.
        """
        if settings.tool_format is not None and settings.tool_format not in FORMATS:
            raise InvalidSetting(f"tool_format: {settings.tool_format!r} is none of {', '.join(sorted(FORMATS))}")
        self.engine = supervisor.engine
        self._supervisor = supervisor
        self._named_template = None if settings.chat_template is None else load_template(settings.chat_template)
        self._settings = settings
        self._compiler = compiler
        self._own = own
        self._created = int(time.time())

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """One for each name of the model."""
        return tuple(ModelCard(name, self._created, "latticework", self.engine.max_model_len) for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        return self.engine.model_ids

    @property
    def max_model_len(self) -> int:
        return self.engine.max_model_len

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """The engine's own answer. Raises EngineError."""
        self._refuse_while_down()
        return self.engine.generate(prompt, sampling, request_id)

    async def check_health(self) -> None:
        """Raises EngineDead where no request can be served."""
        self._refuse_while_down()
        await self.engine.check_health()

    def _refuse_while_down(self) -> None:
        if self._supervisor.down is not None:
            raise EngineDead(self._supervisor.down)

    async def state(self) -> ModelState:
        """Whether it can be served, and if not, why."""
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
        )

    async def load(self) -> None:
        """Starts the engine, and settles how its model writes calls. Raises EngineDead."""
        await self._supervisor.start()
        await asyncio.to_thread(lambda: self._vocabulary)
        if (fallback := self._chat_template.fallback) is not None:
            logger.warning(NO_TEMPLATE, self.names[0], fallback)
        settled = await asyncio.to_thread(lambda: self._settled)
        logger.info(WRITES, self.names[0], settled.format.name, settled.why, settled.passed, len(settled.tested))
        if not settled.tested:
            logger.warning(UNTESTED, self.names[0], settled.untested)
        for result, failed in settled.failures:
            logger.warning("%s: %s (%s): %s: %s", self.names[0], result.case, result.mode, failed.check, failed.detail)

    async def unload(self) -> None:
        """Stops the engine."""
        await self._supervisor.stop()

    def format_for(self, request: TurnRequest) -> Format:
        """The wire format that the request asks for, or else the model's. Raises BadRequest for one that is none."""
        asked = request.tool_format
        if asked is None:
            return self.format
        if asked not in FORMATS:
            raise BadRequest(f"'tool_format' must be one of {', '.join(FORMATS)}.", param="tool_format")
        return replace(FORMATS[asked], reasoning=self.format.reasoning)

    @property
    def format(self) -> Format:
        """How this model writes tool calls."""
        return self._settled.format

    @cached_property
    def _settled(self) -> SelectedFormat:
        tokenizer = self.engine.tokenizer
        return select_format(self._plain_template, tokenizer, self._settings.tool_format, tokenizer.response_template)

    @cached_property
    def _self_test(self) -> Literal["held"] | tuple[str, ...]:
        """As /health tells it."""
        if not self._settled.tested:
            return (f"not tested: {self._settled.untested}",)
        failures = (f"{result.case} ({result.mode}): {failed.check}" for result, failed in self._settled.failures)
        return tuple(failures) or "held"

    @cached_property
    def concurrency(self) -> ConcurrencyLimit:
        """Of all answers that the engine generates or queues. Known once it is loaded."""
        return ConcurrencyLimit(self.engine.max_running + self._settings.max_queue)

    @cached_property
    def template(self) -> ChatTemplate:
        return replace(self._plain_template, markup=self._markup)

    @cached_property
    def _plain_template(self) -> ChatTemplate:
        """The template that tells what is markup, and so knows of none."""
        return ChatTemplate(self._chat_template.source, self.engine.tokenizer.named_tokens)

    @cached_property
    def _chat_template(self) -> ChosenTemplate:
        tokenizer = self.engine.tokenizer
        return choose_template(self._named_template, tokenizer.chat_template, tokenizer.special_tokens)

    @cached_property
    def _markup(self) -> frozenset[str]:
        """What a client's text must not become."""
        if self._settings.markup_in_text:
            return frozenset()
        tokenizer = self.engine.tokenizer
        return markup(tokenizer.added_tokens, self._chat_template.source, texts(self.format))

    @cached_property
    def _vocabulary(self) -> str:
        return self._compiler.load(self.engine.tokenizer.vocabulary)

    async def plan(self, request: TurnRequest) -> Plan:
        """The request's plan, tried against the model's vocabulary. Raises BadRequest and GrammarError.

        Only a rendered prompt tells where the model's thoughts stand: here it may have some.
        """
        one = await off_loop(self._settings.compile_timeout, lambda: self._wanted(self._turn(request), "may"))
        return (await self._compiler.compile(one)).plan

    async def prepare(self, request: ChatRequest, messages: Sequence[Mapping[str, Any]]) -> Job:
        """Renders, compiles and counts: all that can be wrong with a request is found here.

        `messages` are the request's, as the client sent them. Raises BadRequest and GrammarError, and EngineDead where
        the answer would not be generated anyway.
        """
        await self.check_health()
        limit = self._settings.compile_timeout
        draft = await off_loop(limit, self._draft, request, messages)
        if isinstance(draft, Job):
            return draft
        compiled = [await self._compiler.compile(one) for one in draft.compiles]
        return await off_loop(limit, self._job, request, draft, compiled)

    def _draft(self, request: ChatRequest, messages: Sequence[Mapping[str, Any]]) -> _Draft | Job:
        """The job, where all of it has been compiled before: most requests need one thread, once."""
        sampling.refuse_crowd(len(messages), self.engine.max_model_len)
        asked = self._turn(request)
        prompt = self._render(request, messages)
        reasoning = reasoning_after(asked.format, prompt.text)
        compiles = [self._wanted(asked, reasoning)]
        if request.max_reasoning_tokens is not None and reasoning in ("may", "open"):
            begun = thinking.have_begun(request.max_reasoning_tokens, reasoning)
            compiles.append(self._wanted(asked, thinking.behind(asked.format, begun=begun)))
        draft = _Draft(prompt, asked.format, reasoning, tuple(compiles))
        found = [compiled for one in compiles if (compiled := self._compiler.find(one)) is not None]
        return self._job(request, draft, found) if len(found) == len(compiles) else draft

    def _turn(self, request: TurnRequest) -> Turn:
        """What is too large goes no further than here."""
        asked = turn(request, self.format_for(request), self._settings.max_tool_calls)
        self._compiler.refuse_oversized(asked)
        return asked

    def _wanted(self, asked: Turn, reasoning: Reasoning) -> CompileRequest:
        return CompileRequest(replace(asked, reasoning=reasoning), self._vocabulary)

    def _job(self, request: ChatRequest, draft: _Draft, compiled: Sequence[CompiledTurn]) -> Job:
        plan = compiled[0].plan
        prompt = self._encoded(draft.prompt)
        room = sampling.room(request, len(prompt), self.engine.max_model_len)
        sampled = sampling.sampling(request, plan.grammar, room, self.engine.tokenizer.vocabulary_size)
        if (unsupported := self.engine.refusal(sampled)) is not None:
            raise BadRequest(unsupported[1], param=unsupported[0])
        for one in compiled:
            if one.plan.grammar is not None:
                self.engine.tokenizer.remember(one.plan.grammar, one.trial)
        return Job(
            model=request.model,
            prompt=prompt,
            plan=plan,
            sampling=sampled,
            stops=tuple(request.stop or ()) if plan.free else (),
            n=request.n or 1,
            attempts=self._settings.attempts,
            reasons=draft.format.reasoning is not None,
            budget=self._budget(request, draft, compiled[-1].plan) if len(compiled) > 1 else None,
            close=self._close(request, draft, plan, room) if request.truncation == "close" else None,
        )

    def _close(self, request: ChatRequest, draft: _Draft, plan: Plan, room: int) -> Close:
        close = truncation.close(plan, draft.format, draft.reasoning, self.engine.tokenizer)
        truncation.refuse_short(request, close, room)
        return close

    def _budget(self, request: ChatRequest, draft: _Draft, rest: Plan) -> Budget:
        """How long the model may think, where the request bounds it and the prompt leaves it to the model."""
        most = request.max_reasoning_tokens or 0
        begun = thinking.have_begun(most, draft.reasoning)
        closing = thinking.closing(draft.format, begun=begun, free=rest.grammar is None)
        return Budget(most, closing, self.engine.tokenizer.encode(closing), rest.grammar)

    def _encoded(self, prompt: Prompt) -> list[int]:
        if prompt.segments:
            return self.engine.tokenizer.encode_segments(prompt.segments, self._markup)
        return self.engine.tokenizer.encode(prompt.text)

    def _render(self, request: ChatRequest, messages: Sequence[Mapping[str, Any]]) -> Prompt:
        format = self.format_for(request)
        try:
            return self.template.prompt(
                messages,
                tools=[tool.model_dump(exclude_unset=True) for tool in request.tools or ()],
                format=format,
                schema=self._schema_to_tell(request),
                template_kwargs={**thinking.variables(request, format), **(request.chat_template_kwargs or {})},
            )
        except PromptError as error:
            raise BadRequest(str(error), param=error.param) from error

    def _schema_to_tell(self, request: ChatRequest) -> Mapping[str, Any] | None:
        """The schema that the prompt tells the model. JSON mode has none: there the messages say what they want."""
        asked = answer(request)
        told = asked.schema if asked.told else None
        if told is None or self._settings.schema_in_prompt == "never":
            return None
        if self._settings.schema_in_prompt == "always":
            return told
        return told if self._is_short(told) else None

    def _is_short(self, schema: Mapping[str, Any]) -> bool:
        """Whether the prompt can spare its tokens. Two glances say it of most: a token has a byte at least."""
        most = TOLD_SHARE * self.engine.max_model_len
        if len(msgspec.json.encode(schema)) > most * LONG_TOKEN:
            return False
        text = json.dumps(schema, ensure_ascii=False)
        return len(text.encode()) <= most or len(self.engine.tokenizer.encode(text)) <= most
