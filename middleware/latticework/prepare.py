"""From an ask to its job: renders the prompt, compiles the turn, counts the tokens, and raises the request's errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from latticework.ask import NO_CALLS, Ask, Conversation, RawPrompt, TurnAsk
from latticework.compiling import CompiledTurn, CompileRequest
from latticework.concurrency import off_loop
from latticework.errors import BadRequest
from latticework.model import Model
from latticework.prompt import ChatTemplate, Prompt, PromptError
from latticework.turn import Begun, Echo, Job
from latticework.turn.continuation import begun_text, state_after
from latticework.turn.reasoning import Budget, closing_markup, has_begun, state_behind, variables
from latticework.turn.sampling import (
    kept_prompt,
    known_token_ids,
    refuse_crowd,
    refuse_little_room,
    room,
    sampling_of,
)
from latticework.turn.truncation import closing_of
from turngrammar.formats import Format
from turngrammar.plan import Plan
from turngrammar.scan import dump_json
from turngrammar.turn import Reasoning, Turn
from turngrammar.wire import Lit

# By default a schema that takes more than this part of the context is omitted from the prompt.
SCHEMA_SHARE = 1 / 4
# Bytes: tokens of JSON are shorter on average, so a longer text is too large without being tokenized.
LONG_TOKEN = 16
# The format of raw prompts: text, without reasoning or calls.
RAW = Format("raw", Lit(""))


@dataclass(frozen=True)
class _Draft:
    """A request with a rendered prompt.

    Attributes:
        compiles: its turn, and perhaps what follows the reasoning.
        hidden: the names of the tools that the prompt leaves out, because they can't be compiled.
    """

    prompt: Prompt | list[int]
    format: Format
    reasoning: Reasoning
    compiles: tuple[CompileRequest, ...]
    hidden: frozenset[str]


async def plan_of(model: Model, ask: TurnAsk) -> Plan:
    """The turn's plan, tested with the model's vocabulary. Raises BadRequest and GrammarError.

    Only a rendered prompt shows the state of the model's reasoning: here the model may reason.
    """

    def request() -> CompileRequest:
        return _compile_request(model, _turn(model, ask, model.format_named(ask.format)), "may")

    requested = await off_loop(model.settings.compile_timeout, request)
    return (await model.compiler.compile(requested)).plan


async def jobs_of(model: Model, asks: Callable[[], Sequence[Ask]]) -> Sequence[Job]:
    """The jobs of the asks that `asks` makes, in a thread, because it may take long.

    Raises BadRequest and GrammarError, and EngineDead if the engine can't generate.
    """
    await model.check_health()
    limit = model.settings.compile_timeout
    drafts = await off_loop(limit, lambda: [(ask, _draft(model, ask)) for ask in asks()])
    return [draft if isinstance(draft, Job) else await _compiled_job(model, ask, draft) for ask, draft in drafts]


async def _compiled_job(model: Model, ask: Ask, draft: _Draft | Job) -> Job:
    while isinstance(draft, _Draft):
        compiled = [await model.compiler.compile(one) for one in draft.compiles]
        draft = await off_loop(model.settings.compile_timeout, _compiled_draft, model, ask, draft, compiled)
    return draft


def _draft(model: Model, ask: Ask, hidden: frozenset[str] = frozenset()) -> _Draft | Job:
    """The job, if its turn is in the cache: most requests need a thread only once."""
    format = RAW if isinstance(ask.prompt, RawPrompt) else model.format_named(ask.turn.format)
    turn = _turn(model, ask.turn, format)
    prompt = _prompt_of(model, ask, format, hidden)
    reasoning = state_after(format, prompt)
    compiles = [_compile_request(model, turn, reasoning, "" if isinstance(prompt, list) else prompt.begun or "")]
    if ask.reasoning_limit is not None and reasoning in ("may", "open"):
        begun = has_begun(ask.reasoning_limit, reasoning)
        compiles.append(_compile_request(model, turn, state_behind(format, begun=begun)))
    draft = _Draft(prompt, format, reasoning, tuple(compiles), hidden)
    known = [compiled for one in compiles if (compiled := model.compiler.find(one)) is not None]
    return _compiled_draft(model, ask, draft, known) if len(known) == len(compiles) else draft


def _compiled_draft(model: Model, ask: Ask, draft: _Draft, compiled: Sequence[CompiledTurn]) -> _Draft | Job:
    """The job. If its prompt has tools that compiling has left out, a draft or job without them instead."""
    skipped = frozenset(error.tool for one in compiled for error in one.plan.skipped)
    if skipped <= draft.hidden:
        return _job(model, ask, draft, compiled)
    return _draft(model, ask, draft.hidden | skipped)


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
    prompt = kept_prompt(ask, _encoded_prompt(model, draft.prompt), engine.max_model_len)
    beginning = compiled[0].beginning
    begun = begun_text(ask, draft.prompt, plan, beginning)
    most = room(ask, len(prompt), engine.max_model_len)
    refuse_little_room(ask, compiled[0].least, len(prompt), most, engine.max_model_len)
    sampling = sampling_of(ask, plan.grammar, most, engine.tokenizer.vocabulary_size)
    if beginning is not None:
        sampling = replace(sampling, begun=beginning.token_ids)
    if (unsupported := engine.refusal(sampling)) is not None:
        raise BadRequest(unsupported[1], param=ask.name(unsupported[0]))
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
        reasons=draft.format.reasoning is not None,
        budget=_budget(model, ask, draft, compiled[-1].plan) if len(compiled) > 1 else None,
        echo=_echo(model, ask, prompt),
        begun=Begun(begun, ask.echo) if begun else None,
        truncation=closing_of(ask, plan, draft.format, draft.reasoning, engine.tokenizer, most, begun),
        whole_calls=_sends_whole_calls(model, ask),
    )


def _sends_whole_calls(model: Model, ask: Ask) -> bool:
    return model.settings.tool_call_streaming == "whole" if ask.whole_calls is None else ask.whole_calls


def _budget(model: Model, ask: Ask, draft: _Draft, rest: Plan) -> Budget:
    """The reasoning budget, if the request sets one and the prompt leaves the reasoning to the model."""
    most = ask.reasoning_limit or 0
    markup = closing_markup(draft.format, begun=has_begun(most, draft.reasoning), free=rest.grammar is None)
    return Budget(most, markup, model.engine.tokenizer.encode(markup), rest.grammar)


async def tokens_of(model: Model, ask: Ask) -> tuple[Sequence[int], Sequence[str]]:
    """The tokens of the prompt, which may exceed the context, and the names of skipped tools.

    Raises BadRequest, and GrammarError where tools are compiled in order to skip bad ones.
    """
    may_skip = ask.turn.tools and _skips_bad_tools(model, ask.turn)
    skipped = [error.tool for error in (await plan_of(model, ask.turn)).skipped] if may_skip else []

    def tokens() -> Sequence[int]:
        return _encoded_prompt(model, _prompt_of(model, ask, model.format_named(ask.turn.format), skipped))

    return await off_loop(model.settings.compile_timeout, tokens), skipped


def _prompt_of(model: Model, ask: Ask, format: Format, hidden: Collection[str] = ()) -> Prompt | list[int]:
    """The rendered conversation, without the tools of these names, or the token ids of a raw prompt."""
    if isinstance(ask.prompt, RawPrompt):
        return _raw_tokens(model, ask, ask.prompt)
    shown = zip(ask.turn.tools, ask.prompt.tools, strict=True) if hidden else ()
    tools = [tool for compiled, tool in shown if compiled.name not in hidden] if hidden else ask.prompt.tools
    return _rendered(model, ask, msgspec.structs.replace(ask.prompt, tools=tools), format)


def _encoded_prompt(model: Model, prompt: Prompt | list[int]) -> list[int]:
    return prompt if isinstance(prompt, list) else model.encoded(prompt)


def _echo(model: Model, ask: Ask, prompt: Sequence[int]) -> Echo | None:
    if not ask.echo or not isinstance(ask.prompt, RawPrompt):
        return None
    decode, content = model.engine.tokenizer.decode, ask.prompt.content
    return Echo(content if isinstance(content, str) else decode(prompt), decode(prompt[:1]))


def _raw_tokens(model: Model, ask: Ask, prompt: RawPrompt) -> list[int]:
    """Raises BadRequest for ids that the vocabulary lacks."""
    tokenizer, content = model.engine.tokenizer, prompt.content
    if isinstance(content, str):
        return tokenizer.encode(content, special=prompt.special)
    name = ask.name("prompt")
    return list(known_token_ids(content, name, tokenizer.vocabulary_size, param=name))


def _rendered(model: Model, ask: Ask, conversation: Conversation, format: Format) -> Prompt:
    """The prompt of a conversation. Raises BadRequest that names the part refused by the template."""
    refuse_crowd(ask, len(conversation.messages), model.engine.max_model_len)
    template = _template(model, ask, conversation)
    try:
        return template.prompt(
            conversation.messages,
            tools=conversation.tools,
            format=format,
            schema=_schema_in_prompt(model, ask),
            template_kwargs=_template_variables(ask, conversation, format),
            add_generation_prompt=conversation.generation_prompt,
            continued=conversation.continued,
        )
    except PromptError as error:
        part = re.split(r"[.\[]", error.param)[0]
        raise BadRequest(str(error), param=ask.name(part) + error.param.removeprefix(part)) from error


def _template(model: Model, ask: Ask, conversation: Conversation) -> ChatTemplate:
    """Raises BadRequest for a template of the request that isn't trusted, and for variables that it does not show."""
    name = ask.name("template")
    if conversation.template is not None and not model.settings.trust_request_chat_template:
        raise BadRequest(
            f"'{name}' is refused: start the server with --trust-request-chat-template to let requests bring "
            "templates, or with --chat-template FILE to replace the model's.",
            param=name,
            code="unsupported_parameter",
        )
    template = model.template_for(conversation.template)
    for variable in conversation.shown:
        if not template.shows(variable):
            raise BadRequest(f"The chat template does not show '{variable}'; send it in a message.", param=variable)
    return template


def _template_variables(ask: Ask, conversation: Conversation, format: Format) -> Mapping[str, Any]:
    if ask.effort is None and ask.reasoning_limit is None:
        return conversation.variables
    return {**variables(ask, format), **conversation.variables}


def _schema_in_prompt(model: Model, ask: Ask) -> Mapping[str, Any] | None:
    """The schema in the prompt. JSON mode has none: there the messages describe the document."""
    content, mode = ask.turn.content, model.settings.schema_in_prompt
    if not content.in_prompt or mode == "never" or content.schema is None:
        return None
    return content.schema if mode == "always" or _is_short(model, content.schema) else None


def _is_short(model: Model, schema: Mapping[str, Any]) -> bool:
    """Whether the schema fits into the prompt. Its bytes decide for most schemas: a token has at least one byte."""
    most = SCHEMA_SHARE * model.engine.max_model_len
    if len(msgspec.json.encode(schema)) > most * LONG_TOKEN:
        return False
    text = dump_json(schema)
    return len(text.encode()) <= most or len(model.engine.tokenizer.encode(text)) <= most
