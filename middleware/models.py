"""The models that this app serves: each an engine with its chat template and its wire format."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from grammars.errors import InvalidGrammar
from grammars.formats import FORMATS, Format, choose
from grammars.plan import Plan, compile_turn
from grammars.turns import Reasoning, reasoning_after
from middleware import sampling, thoughts
from middleware.answer import answer
from middleware.completion import Job
from middleware.counters import Counters
from middleware.engines.base import Engine
from middleware.errors import BadRequest, UnknownModel
from middleware.prompt import ChatTemplate, PromptError
from middleware.protocol import ChatRequest, TurnRequest
from middleware.responses import ModelCard
from middleware.settings import Settings
from middleware.thoughts import Budget
from middleware.turn import turn

logger = logging.getLogger(__name__)

# A schema that takes more than this part of the context is left out of the prompt, unless told otherwise.
TOLD_SHARE = 1 / 4


class Model:
    """One engine, ready to be asked."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self._settings = settings
        self._created = int(time.time())
        self._refusal_of = lru_cache(maxsize=1024)(self._uncached_refusal)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """One for each name of the model."""
        return tuple(ModelCard(name, self._created, "latticework", self.engine.max_model_len) for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        return self.engine.model_ids

    async def load(self) -> None:
        """Starts the engine, and settles how its model writes calls. Raises EngineDead."""
        await self.engine.start()
        format, why = self._format_and_why
        logger.info("%s writes tool calls in the format '%s': %s", self.names[0], format.name, why)

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
        return self._format_and_why[0]

    @cached_property
    def _format_and_why(self) -> tuple[Format, str]:
        tokenizer = self.engine.tokenizer
        chosen, why = choose(tokenizer.chat_template, tokenizer.special_tokens)
        if self._settings.tool_format is None:
            return chosen, why
        return replace(FORMATS[self._settings.tool_format], reasoning=chosen.reasoning), "the settings say so"

    @cached_property
    def template(self) -> ChatTemplate:
        return ChatTemplate(self.engine.tokenizer.chat_template, self.engine.tokenizer.named_tokens)

    def plan(self, request: TurnRequest, reasoning: Reasoning = "may") -> Plan:
        """The request's grammar, tried against the model's vocabulary. Raises BadRequest and GrammarError.

        Only a rendered prompt tells where the model's thoughts stand.
        """
        format = self.format_for(request)
        asked = turn(request, format, self.engine.tokenizer.special_tokens, self._settings.max_tool_calls)
        plan = compile_turn(replace(asked, reasoning=reasoning))
        if (refusal := self._refusal_of(plan.grammar)) is not None:
            at_fault = "/tools" if plan.free else "/response_format"
            raise InvalidGrammar(f"The request can't be compiled into a grammar: {refusal}", pointer=at_fault)
        return plan

    def prepare(self, request: ChatRequest, messages: Sequence[Mapping[str, Any]]) -> Job:
        """Compiles, renders and counts: all that can be wrong with a request is found here.

        `messages` are the request's, as the client sent them. Takes milliseconds, or a second for a large new schema:
        call it off the event loop. Raises BadRequest and GrammarError.
        """
        sampling.refuse_crowd(len(messages), self.engine.max_model_len)
        text = self._render(request, messages)
        format = self.format_for(request)
        reasoning = reasoning_after(format, text)
        plan = self.plan(request, reasoning)
        prompt = self.engine.tokenizer.encode(text)
        room = sampling.room(request, len(prompt), self.engine.max_model_len)
        sampled = sampling.sampling(request, plan.grammar, room, self.engine.tokenizer.vocabulary_size)
        if (unsupported := self.engine.refusal(sampled)) is not None:
            raise BadRequest(unsupported[1], param=unsupported[0])
        stops = tuple(request.stop or ()) if plan.free else ()
        return Job(
            model=request.model,
            prompt=prompt,
            plan=plan,
            sampling=sampled,
            stops=stops,
            n=request.n or 1,
            attempts=self._settings.attempts,
            reasons=format.reasoning is not None,
            budget=self._budget(request, format, reasoning),
        )

    def _budget(self, request: ChatRequest, format: Format, reasoning: Reasoning) -> Budget | None:
        """How long the model may think, where the request bounds it and the prompt leaves it to the model."""
        most = request.max_reasoning_tokens
        if most is None or reasoning == "off":
            return None
        grammar = self.plan(request, "off").grammar
        closing = thoughts.closing(format, begun=most > 0 or reasoning == "open", free=grammar is None)
        return Budget(most, closing, self.engine.tokenizer.encode(closing), grammar)

    def _uncached_refusal(self, grammar: str | None) -> str | None:
        return None if grammar is None else self.engine.tokenizer.grammar_error(grammar)

    def _render(self, request: ChatRequest, messages: Sequence[Mapping[str, Any]]) -> str:
        format = self.format_for(request)
        try:
            return self.template.render(
                messages,
                tools=[tool.model_dump(exclude_unset=True) for tool in request.tools or ()],
                format=format,
                schema=self._schema_to_tell(request),
                template_kwargs={**thoughts.variables(request, format), **(request.chat_template_kwargs or {})},
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
        spelled = len(self.engine.tokenizer.encode(json.dumps(told, ensure_ascii=False)))
        return told if spelled <= TOLD_SHARE * self.engine.max_model_len else None


class Models:
    """All models of an app, by name. They are loaded once: by the app's lifespan, or else by the first request."""

    def __init__(self, engines: Sequence[Engine], settings: Settings) -> None:
        self._models = tuple(Model(engine, settings) for engine in engines)
        self.counters = Counters()
        self._loading = asyncio.Lock()
        self._loaded = False

    async def load(self) -> None:
        """Starts what has not been started. Raises EngineDead."""
        async with self._loading:
            if not self._loaded:
                await asyncio.gather(*(model.load() for model in self._models))
                self._loaded = True

    async def unload(self) -> None:
        """Stops all engines."""
        async with self._loading:
            self._loaded = False
            await asyncio.gather(*(model.engine.stop() for model in self._models))

    async def find(self, name: str) -> Model:
        """The model of that name, loaded. Raises UnknownModel."""
        for model in self._models:
            if name in model.names:
                await self.load()
                return model
        known = ", ".join(f"'{other}'" for model in self._models for other in model.names)
        raise UnknownModel(f"The model '{name}' does not exist. This server has {known}.", param="model")

    async def cards(self) -> tuple[ModelCard, ...]:
        """Every model, under each of its names."""
        await self.load()
        return tuple(card for model in self._models for card in model.cards)

    def metrics(self) -> bytes:
        """What the engines count. Those of one process may count together, and are told once."""
        return b"".join(dict.fromkeys(model.engine.metrics() for model in self._models))

    async def health(self) -> dict[str, int]:
        """How many answers each model is working on. Raises EngineDead where one can't be served."""
        await asyncio.gather(*(model.engine.check_health() for model in self._models))
        return {model.names[0]: model.engine.running() for model in self._models}
