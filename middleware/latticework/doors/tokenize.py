"""`POST /tokenize` and `POST /detokenize`: vLLM's, for texts and for conversations with tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import Field, StrictBool, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from latticework.ask import Ask, Conversation, RawPrompt, TurnAsk
from latticework.concurrency import off_loop
from latticework.doors import FAULTS, JSON, REFUSALS, Door, Endpoint, Operation
from latticework.doors.common.fields import Refused
from latticework.doors.common.objects import ApiObject, Items, TokenId
from latticework.doors.common.validation import parse_as, refuse_fields, unknown_fields
from latticework.doors.openai import rules
from latticework.doors.openai.ask import TOOLS_POINTER, skips_bad_tools, template_tools, tools_of
from latticework.doors.openai.continuation import continues
from latticework.doors.openai.counts import refuse_openai_crowds
from latticework.doors.openai.types import Message, OnBadTool, Tool
from latticework.engines.base import Tokenizer
from latticework.errors import BadRequest
from latticework.http import body
from latticework.http.endpoint import IGNORED, SKIPPED, json_response, listing
from latticework.models import Models
from latticework.prepare import tokens_of
from latticework.settings import Settings
from latticework.turn.sampling import known_token_ids

TEXT_ONLY = "is not supported: this model reads text only."
REFUSED: Mapping[str, Refused] = {
    "mm_processor_kwargs": Refused("vLLM", TEXT_ONLY),
    "media_io_kwargs": Refused("vLLM", TEXT_ONLY),
}


class TokenizeRequest(ApiObject):
    """The body of `POST /tokenize`: `prompt` or `messages`."""

    model: StrictStr | None = None
    prompt: StrictStr | None = None
    messages: Items[Message] | None = Field(None, min_length=1)
    tools: Items[Tool] | None = None
    on_bad_tool: OnBadTool | None = None
    add_generation_prompt: StrictBool | None = None
    continue_final_message: StrictBool | None = None
    add_special_tokens: StrictBool | None = None
    chat_template: StrictStr | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    return_token_strs: StrictBool | None = None


class TokenizeResponse(msgspec.Struct, frozen=True):
    """`tokens` are ids; `token_strs`, if requested, the tokens in the vocabulary's notation."""

    count: int
    max_model_len: int
    tokens: tuple[int, ...]
    token_strs: tuple[str, ...] | None = None


class DetokenizeRequest(ApiObject):
    """The body of `POST /detokenize`."""

    model: StrictStr | None = None
    tokens: Items[TokenId]


class DetokenizeResponse(msgspec.Struct, frozen=True):
    """The text of the tokens, special ones included."""

    prompt: str


def _tokenize(models: Models, settings: Settings) -> Endpoint:
    async def tokenize(request: Request) -> Response:
        decoded = await body.read_object(request.receive, settings, ("messages",))
        refuse_openai_crowds(decoded, settings)
        parsed = parse_as(TokenizeRequest, decoded)
        refuse_fields(parsed, REFUSED)
        model = await models.named(parsed.model)
        ids, skipped = await tokens_of(model, _ask(parsed, decoded))
        tokenizer, strings = model.engine.tokenizer, parsed.return_token_strs is True
        response = await off_loop(
            settings.compile_timeout, _listed, tokenizer, model.max_model_len, ids, strings=strings
        )
        headers = {**listing(IGNORED, unknown_fields(parsed)), **listing(SKIPPED, skipped)}
        return json_response(request, response, headers=headers)

    return tokenize


def _listed(tokenizer: Tokenizer, most: int, ids: Sequence[int], *, strings: bool) -> bytes:
    """The response. Slow: a prompt may have as many tokens as the model's context, and more."""
    texts = tuple(tokenizer.token_strings(ids)) if strings else None
    return msgspec.json.encode(TokenizeResponse(len(ids), most, tuple(ids), texts))


def _detokenize(models: Models, settings: Settings) -> Endpoint:
    async def detokenize(request: Request) -> Response:
        decoded = await body.read_object(request.receive, settings)
        parsed = parse_as(DetokenizeRequest, decoded)
        model = await models.named(parsed.model)
        tokenizer = model.engine.tokenizer
        ids = known_token_ids(parsed.tokens, "tokens", tokenizer.vocabulary_size)
        text = await off_loop(settings.compile_timeout, tokenizer.decode, ids)
        return json_response(request, DetokenizeResponse(text), headers=listing(IGNORED, unknown_fields(parsed)))

    return detokenize


def _ask(request: TokenizeRequest, decoded: Mapping[str, Any]) -> Ask:
    """Raises BadRequest."""
    if (request.prompt is None) == (request.messages is None):
        raise BadRequest("Exactly one of 'prompt' and 'messages' must be given.", param="prompt")
    if request.prompt is not None:
        if request.tools:
            raise BadRequest("'tools' need 'messages'.", param="tools")
        return Ask("", RawPrompt(request.prompt, special=request.add_special_tokens is not False))
    if request.add_special_tokens:
        raise BadRequest(
            "'add_special_tokens' is for 'prompt': the chat template adds the special tokens of 'messages'.",
            param="add_special_tokens",
        )
    conversation = Conversation(
        decoded["messages"],
        template_tools(request.tools),
        request.chat_template_kwargs or {},
        request.add_generation_prompt is not False,
        continued=continues(request.messages or (), request.continue_final_message, request.add_generation_prompt),
        template=request.chat_template,
    )
    turn = TurnAsk(
        tools_of(request.tools),
        tools_pointer=TOOLS_POINTER,
        skips_bad_tools=skips_bad_tools(request.on_bad_tool),
    )
    return Ask("", conversation, turn, names={"prompt": "messages", "template": "chat_template"})


_MODEL_DOC = "The name of a model listed in `/v1/models`; optional if there is only one."
DOORS = (
    Door(
        Operation(
            "post",
            "/tokenize",
            "The tokens of a text, or of a conversation rendered by the chat template.",
            {JSON: (TokenizeResponse,)},
            TokenizeRequest,
            {
                "model": _MODEL_DOC,
                "prompt": "A text.",
                "messages": "A conversation, instead of `prompt`, with optional `tools` and `chat_template_kwargs`.",
                "tools": "The tools of the conversation.",
                "on_bad_tool": "`skip`: a tool that can't be compiled is left out, as in a chat request.",
                "add_generation_prompt": "False: omit the start of the assistant's turn.",
                "continue_final_message": "True: end where the text of the last message does, which must be the "
                "assistant's.",
                "add_special_tokens": "False: the tokenizer adds no beginning-of-text token.",
                "chat_template": "Jinja that renders the conversation instead of the model's chat template.",
                "chat_template_kwargs": "Variables for the chat template, such as `enable_thinking`.",
                "return_token_strs": "Return the tokens in the vocabulary's notation too.",
            },
            {"TokenizeRequest": {"properties": dict(rules.refused_fields(REFUSED))}},
            errors=(*REFUSALS, *FAULTS),
            guarded=True,
        ),
        _tokenize,
        limited=True,
    ),
    Door(
        Operation(
            "post",
            "/detokenize",
            "The text of tokens.",
            {JSON: (DetokenizeResponse,)},
            DetokenizeRequest,
            {"model": _MODEL_DOC, "tokens": "Token ids."},
            errors=(*REFUSALS, *FAULTS),
            guarded=True,
        ),
        _detokenize,
        limited=True,
    ),
)
