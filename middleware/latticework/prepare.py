"""From an ask to its job: renders the prompt, compiles the turn, counts the tokens, and raises the request's errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import msgspec

from latticework.ask import NO_CALLS, Ask, RawPrompt, TurnAsk
from latticework.compiling import CompiledTurn, CompileRequest
from latticework.concurrency import off_loop
from latticework.errors import BadRequest
from latticework.model import Model
from latticework.prompt.repeated import run_of_calls
from latticework.prompt.writer import Source, Written
from latticework.prompts import prompt_of, written_elsewhere
from latticework.turn import Begun, Echo, Job
from latticework.turn.confidence import lacks_confidence, wants_confidence
from latticework.turn.continuation import begun_text
from latticework.turn.draft import FreeDraft, Room, free_draft, free_tokens, with_draft
from latticework.turn.feedback import feedback_of
from latticework.turn.grounding import grounded, source_names
from latticework.turn.reasoning import Budget, Resumption, closing_markup, has_begun, state_behind
from latticework.turn.sampling import (
    EXCLUDING,
    kept_prompt,
    refuse_excess,
    refuse_little_room,
    room,
    sampling_of,
)
from latticework.turn.truncation import closing_of
from turngrammar.formats import Format
from turngrammar.plan import Plan
from turngrammar.turn import JsonContent, Reasoning, Turn
from turngrammar.wire import Lit

# The format of raw prompts: text, without reasoning or calls.
RAW = Format("raw", Lit(""))


@dataclass(frozen=True)
class _Draft:
    """A request with a written prompt.

    Attributes:
        compiles: its turn, and perhaps what follows the reasoning.
        hidden: the names of the tools that the prompt leaves out, because they can't be compiled.
    """

    prompt: Written
    format: Format
    compiles: tuple[CompileRequest, ...]
    hidden: frozenset[str]


@dataclass(frozen=True)
class _Unwritten:
    """A prompt that another process writes, `hidden` as in a draft."""

    source: Source
    hidden: frozenset[str]


_State: TypeAlias = _Unwritten | _Draft | Job


async def plan_of(model: Model, ask: TurnAsk) -> Plan:
    """The turn's plan, tested with the model's vocabulary. Raises BadRequest and GrammarError.

    Only a rendered prompt shows the state of the model's reasoning: here the model may reason.
    """

    def request() -> CompileRequest:
        return _compile_request(model, _turn(model, ask, model.format_named(ask.format)), "may")

    requested = await off_loop(model.settings.compile_timeout, request)
    return (await model.compiler.compile(requested)).plan


async def jobs_of(model: Model, asks: Callable[[], Sequence[Ask]], adapter: str | None = None) -> Sequence[Job]:
    """The jobs of the asks that `asks` makes, in a thread, because it may take long. An `adapter` of the model answers.

    Raises BadRequest and GrammarError, and EngineDead if the engine can't generate.
    """
    await model.check_health()
    limit = model.settings.compile_timeout
    states = await off_loop(limit, lambda: [(ask, _begin(model, ask)) for ask in _settled(model, asks())])
    jobs = [state if isinstance(state, Job) else await _finish(model, ask, state) for ask, state in states]
    asked = list(zip((ask for ask, _ in states), jobs, strict=True))
    for ask, job in asked:
        await _refuse_unsupported(model, ask, job)
    return [_by_adapter(_with_feedback(model, ask, job, adapter), adapter) for ask, job in asked]


def _with_feedback(model: Model, ask: Ask, job: Job, adapter: str | None) -> Job:
    """The same job, whose next attempts see the last answer, unless the request or else the settings exclude it."""

    async def prepared(corrected: Ask) -> Job:
        state = await off_loop(model.settings.compile_timeout, _begin, model, corrected)
        return _by_adapter(await _finish(model, corrected, state), adapter)

    return msgspec.structs.replace(job, feedback=feedback_of(ask, model.settings.retries, prepared))


def _settled(model: Model, asks: Sequence[Ask]) -> Sequence[Ask]:
    """The asks with what the model's settings have for omitted fields. Raises BadRequest."""
    drafted = (with_draft(ask, _format(model, ask), model.settings.draft_tokens) for ask in asks)
    return [msgspec.structs.replace(ask, turn=refusable(model, ask.turn, ask.refusal)) for ask in drafted]


def refusable(model: Model, turn: TurnAsk, refusal: Literal["allow", "never"] | None) -> TurnAsk:
    """With the document that the model may refuse to write, if it may. Raises BadRequest where there is none."""
    if (refusal or model.settings.refusal) == "never":
        return turn
    document = turn.content.constraint
    if isinstance(document, JsonContent) and turn.choice.mode != "required":
        content = msgspec.structs.replace(turn.content, constraint=replace(document, refusal=True))
        return msgspec.structs.replace(turn, content=content)
    if refusal is None:
        return turn
    required = turn.choice.mode == "required"
    fix = "require no tool call" if required else "send a JSON Schema (any text may refuse by itself)"
    problem = "'refusal' can't be 'allow' where the answer can't be a JSON document"
    raise BadRequest(f"{problem}: {fix}, or omit 'refusal'.", param="refusal")


def _by_adapter(job: Job, adapter: str | None) -> Job:
    return job if adapter is None else msgspec.structs.replace(job, sampling=replace(job.sampling, adapter=adapter))


async def _refuse_unsupported(model: Model, ask: Ask, job: Job) -> None:
    """Raises BadRequest for a parameter that the engine can't honour."""
    if (unsupported := await model.engine.refusal(job.sampling)) is not None:
        raise BadRequest(unsupported[1], param=ask.name(unsupported[0]))


async def _finish(model: Model, ask: Ask, state: _State) -> Job:
    limit = model.settings.compile_timeout
    while not isinstance(state, Job):
        if isinstance(state, _Unwritten):
            prompt = await written_elsewhere(model, ask, state.source)
            state = await off_loop(limit, _draft, model, ask, prompt, state.hidden)
        else:
            compiled = [await model.compiler.compile(one) for one in state.compiles]
            state = await off_loop(limit, _compiled_draft, model, ask, state, compiled)
    return state


def _begin(model: Model, ask: Ask, hidden: frozenset[str] = frozenset()) -> _State:
    format = _format(model, ask)
    _turn(model, ask.turn, format)  # a turn over the limits is refused before its prompt is written
    prompt = prompt_of(model, ask, format, hidden)
    return _draft(model, ask, prompt, hidden) if isinstance(prompt, Written) else _Unwritten(prompt, hidden)


def _format(model: Model, ask: Ask) -> Format:
    return RAW if isinstance(ask.prompt, RawPrompt) else model.format_named(ask.turn.format)


def _draft(model: Model, ask: Ask, prompt: Written, hidden: frozenset[str]) -> _State:
    """The job, if its turn is in the cache: most requests need a thread only once."""
    format = _format(model, ask)
    turn, reasoning = grounded(ask, _turn(model, ask.turn, format), model.settings.grounding), prompt.reasoning
    compiles = [_compile_request(model, turn, reasoning, prompt.begun or "")]
    if ask.reasoning_limit is not None and reasoning in ("may", "open"):
        begun = has_begun(ask.reasoning_limit, reasoning)
        compiles.append(_compile_request(model, turn, state_behind(format, begun=begun)))
    draft = _Draft(prompt, format, tuple(compiles), hidden)
    known = [compiled for one in compiles if (compiled := model.compiler.find(one)) is not None]
    return _compiled_draft(model, ask, draft, known) if len(known) == len(compiles) else draft


def _compiled_draft(model: Model, ask: Ask, draft: _Draft, compiled: Sequence[CompiledTurn]) -> _State:
    """The job. If its prompt has tools that compiling has left out, what comes before a job without them instead."""
    skipped = frozenset(error.tool for one in compiled for error in one.plan.skipped)
    if skipped <= draft.hidden:
        return _job(model, ask, draft, compiled)
    return _begin(model, ask, draft.hidden | skipped)


def compiler_turn(
    ask: TurnAsk,
    format: Format,
    most_calls: int | None = None,
    *,
    skips_bad_tools: bool = False,
    open_objects: bool = False,
) -> Turn:
    """The turn for the compiler. `most_calls`: if the request sets no limit; `open_objects`: if it has no value."""
    choice, constraint, place = ask.choice, ask.content.constraint, ask.tools_pointer
    if choice is not NO_CALLS and choice.most is None:
        choice = replace(choice, most=most_calls)
    return Turn(
        format,
        ask.tools,
        choice,
        constraint,
        tools_pointer=place,
        skips_bad_tools=skips_bad_tools,
        open_objects=open_objects if ask.open_objects is None else ask.open_objects,
    )


def _turn(model: Model, ask: TurnAsk, format: Format) -> Turn:
    """Refuses turns over the limits."""
    skips, settings = _skips_bad_tools(model, ask), model.settings
    opens = settings.open_objects
    turn = compiler_turn(ask, format, settings.max_tool_calls, skips_bad_tools=skips, open_objects=opens)
    model.compiler.refuse_oversized(turn)
    return turn


def _skips_bad_tools(model: Model, ask: TurnAsk) -> bool:
    return model.settings.on_bad_tool == "skip" if ask.skips_bad_tools is None else ask.skips_bad_tools


def _compile_request(model: Model, turn: Turn, reasoning: Reasoning, begun: str = "") -> CompileRequest:
    return CompileRequest(replace(turn, reasoning=reasoning), model.vocabulary, begun)


def _job(model: Model, ask: Ask, draft: _Draft, compiled: Sequence[CompiledTurn]) -> Job:
    plan, engine = compiled[0].plan, model.engine
    refuse_excess(ask, draft.prompt.least, engine.max_model_len)
    prompt = kept_prompt(ask, draft.prompt.tokens, engine.max_model_len)
    beginning = compiled[0].beginning
    begun = begun_text(ask, draft.prompt.begun, plan, beginning)
    most = room(ask, len(prompt), engine.max_model_len)
    prompt = list(prompt)
    if not ask.sampling.get("transfer"):  # the answer may be another engine's, and this one computes the prompt
        refuse_little_room(ask, compiled[0].least, len(prompt), most, engine.max_model_len)
    free = _free_draft(model, ask, draft, Room(most, engine.max_model_len - len(prompt), compiled[0].least))
    rest = most if free is None else most - free.tokens
    sampling = sampling_of(ask, plan.grammar, most, engine.tokenizer.vocabulary_size)
    confident = wants_confidence(ask, plan, draft.format, default=model.settings.confidence)
    if confident:
        sampling = replace(sampling, confidence=True)
    if beginning is not None:
        sampling = replace(sampling, begun=beginning.token_ids)
    for one in compiled:
        if one.plan.grammar is not None:
            engine.tokenizer.remember(one.plan.grammar, one.trial)
    return Job(
        prompt=prompt,
        plan=plan,
        sampling=sampling,
        stops=ask.stops if plan.writes_free_text else (),
        keeps_stop=ask.keeps_stop,
        returns_ids=ask.returns_ids,
        n=ask.n,
        attempts=model.settings.attempts,
        reasons=draft.format.reasoning is not None or free is not None,
        budget=_budget(model, ask, draft, compiled[-1].plan) if len(compiled) > 1 else None,
        draft=free,
        echo=_echo(model, ask, prompt),
        begun=Begun(begun, ask.echo) if begun else None,
        truncation=closing_of(ask, plan, draft.format, draft.prompt.reasoning, engine.tokenizer, rest, begun),
        whole_calls=_sends_whole_calls(model, ask),
        vocabulary=engine.tokenizer.vocabulary if confident else None,
        lacks_confidence=lacks_confidence(ask, plan, draft.format, default=model.settings.confidence),
        sources=source_names(ask, draft.compiles[0].turn),
        resumption=_resumption(model, ask, draft, plan),
        ends_repeats=_ends_repeats(model, ask, plan),
        call_run=run_of_calls(ask),
    )


def _free_draft(model: Model, ask: Ask, draft: _Draft, room: Room) -> FreeDraft | None:
    tokens = free_tokens(ask, draft.format, draft.prompt.reasoning, model.settings.draft_tokens, room)
    return free_draft(tokens, model.draft_ends, model.engine.tokenizer) if tokens else None


def _ends_repeats(model: Model, ask: Ask, plan: Plan) -> bool:
    """Where one call at most may be made, there is nothing to compare."""
    chosen = ask.repeated_calls or model.settings.repeated_calls
    return chosen == "end" and bool(plan.tools) and plan.choice.most != 1


def _resumption(model: Model, ask: Ask, draft: _Draft, plan: Plan) -> Resumption | None:
    """How free text of a model that reasons goes on without an answer. Grammars exclude such turns by themselves.

    None where the request's sampling could exclude every token of an answer.
    """
    if plan.grammar is not None or draft.format.reasoning is None or any(map(ask.sampling.get, EXCLUDING)):
        return None
    tokenizer = model.engine.tokenizer
    ends = frozenset(tokenizer.ends)
    return Resumption(draft.format, draft.prompt.reasoning, model.text_grammar, ends, tokenizer.encode)


def _sends_whole_calls(model: Model, ask: Ask) -> bool:
    return model.settings.tool_call_streaming == "whole" if ask.whole_calls is None else ask.whole_calls


def _budget(model: Model, ask: Ask, draft: _Draft, rest: Plan) -> Budget:
    """The reasoning budget, if the request sets one and the prompt leaves the reasoning to the model."""
    most = ask.reasoning_limit or 0
    markup = closing_markup(draft.format, begun=has_begun(most, draft.prompt.reasoning), free=rest.grammar is None)
    return Budget(most, markup, model.engine.tokenizer.encode(markup), rest.grammar)


async def tokens_of(model: Model, ask: Ask) -> tuple[Sequence[int], Sequence[str]]:
    """The tokens of the prompt, which may exceed the context, and the names of skipped tools.

    Raises BadRequest, and GrammarError where tools are compiled in order to skip bad ones.
    """
    may_skip = ask.turn.tools and _skips_bad_tools(model, ask.turn)
    skipped = [error.tool for error in (await plan_of(model, ask.turn)).skipped] if may_skip else []

    (ask,) = _settled(model, [ask])
    format = model.format_named(ask.turn.format)
    prompt = await off_loop(model.settings.compile_timeout, prompt_of, model, ask, format, skipped)
    if not isinstance(prompt, Written):
        prompt = await written_elsewhere(model, ask, prompt)
    refuse_excess(ask, prompt.least, model.engine.max_model_len)
    return prompt.tokens, skipped


def _echo(model: Model, ask: Ask, prompt: Sequence[int]) -> Echo | None:
    if not ask.echo or not isinstance(ask.prompt, RawPrompt):
        return None
    decode, content = model.engine.tokenizer.decode, ask.prompt.content
    return Echo(content if isinstance(content, str) else decode(prompt), decode(prompt[:1]))
