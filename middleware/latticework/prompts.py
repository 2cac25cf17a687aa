"""From an ask to its prompt: what is rendered and tokenized, here or, where it is large, in another process."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from latticework.ask import Ask, Conversation, RawPrompt
from latticework.errors import BadRequest
from latticework.model import Model
from latticework.prompt import PromptError, PromptOptions
from latticework.prompt.writer import PlainPrompt, Rendering, Source, Written, is_large, written
from latticework.turn.reasoning import variables
from latticework.turn.sampling import known_token_ids, refuse_crowd
from turngrammar.formats import Format
from turngrammar.scan import dump_json

# By default a schema that takes more than this part of the context is omitted from the prompt.
SCHEMA_SHARE = 1 / 4
# Bytes: tokens of JSON are shorter on average, so a longer text is too large without being tokenized.
LONG_TOKEN = 16


def prompt_of(model: Model, ask: Ask, format: Format, hidden: Collection[str] = ()) -> Written | Source:
    """The prompt, without the tools of these names; or what another process makes it of, because it is large."""
    if isinstance(ask.prompt, RawPrompt) and not isinstance(ask.prompt.content, str):
        return written(_known_ids(model, ask, ask.prompt.content))
    source = _source(model, ask, format, hidden)
    if model.writer_elsewhere is not None and is_large(source):
        return source
    with _naming(ask):
        return model.writer.write(source, cut=ask.prompt_limit is not None)


async def written_elsewhere(model: Model, ask: Ask, source: Source) -> Written:
    assert model.writer_elsewhere is not None
    with _naming(ask):
        return await model.compiler.write(model.writer_elsewhere, source, cut=ask.prompt_limit is not None)


def _source(model: Model, ask: Ask, format: Format, hidden: Collection[str]) -> Source:
    if isinstance(ask.prompt, RawPrompt):
        return PlainPrompt(str(ask.prompt.content), ask.prompt.special)
    tools = [tool for tool in ask.prompt.tools if not hidden or tool[tool["type"]]["name"] not in hidden]
    return _rendering(model, ask, msgspec.structs.replace(ask.prompt, tools=tools), format)


def _known_ids(model: Model, ask: Ask, ids: Sequence[int]) -> Sequence[int]:
    """Raises BadRequest for ids that the vocabulary lacks."""
    name = ask.name("prompt")
    return known_token_ids(ids, name, model.engine.tokenizer.vocabulary_size, param=name)


def _rendering(model: Model, ask: Ask, conversation: Conversation, format: Format) -> Rendering:
    refuse_crowd(ask, len(conversation.messages), model.engine.max_model_len)
    _refuse_template(model, ask, conversation)
    options: PromptOptions = {
        "tools": conversation.tools,
        "format": format,
        "schema": _schema_in_prompt(model, ask),
        "template_kwargs": _template_variables(ask, conversation, format),
        "add_generation_prompt": conversation.generation_prompt,
        "continued": conversation.continued,
    }
    return Rendering(conversation.messages, options, conversation.template)


@contextmanager
def _naming(ask: Ask) -> Iterator[None]:
    """Raises BadRequest that names the part refused by the template."""
    try:
        yield
    except PromptError as error:
        param = _request_name(ask, error.param)
        raise BadRequest(str(error).replace(f"'{error.param}'", f"'{param}'"), param=param) from error


def _request_name(ask: Ask, param: str) -> str:
    """The request's name of what a template refuses."""
    if message := re.match(r"messages\[(\d+)\]", param):
        return ask.message_name(int(message[1])) + param[message.end() :]
    part = re.split(r"[.\[]", param)[0]
    return ask.name(part) + param.removeprefix(part)


def _refuse_template(model: Model, ask: Ask, conversation: Conversation) -> None:
    """Raises BadRequest for a template of the request that isn't trusted, and for variables that it does not show."""
    name = ask.name("template")
    if conversation.template is not None and not model.settings.trust_request_chat_template:
        raise BadRequest(
            f"'{name}' is refused: start the server with --trust-request-chat-template to let requests bring "
            "templates, or with --chat-template FILE to replace the model's.",
            param=name,
            code="unsupported_parameter",
        )
    template = model.writer.template_for(conversation.template)
    for variable in conversation.shown:
        if not template.shows(variable):
            raise BadRequest(f"The chat template does not show '{variable}'; send it in a message.", param=variable)


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
