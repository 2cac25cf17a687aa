"""The neutral request for one assistant turn, independent of any API.

A door makes it from its request. An error names a parameter as the request does: `names` has the names that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from turngrammar.turn import ClientGrammar, JsonContent, Tool, ToolChoice

NO_CALLS = ToolChoice("none")


class Content(msgspec.Struct, frozen=True):
    """The constraint on the content.

    Attributes:
        constraint: None: free text.
        in_prompt: whether the prompt may show the schema to the model.
    """

    constraint: JsonContent | ClientGrammar | None = None
    in_prompt: bool = False

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema of the document. No request has true or false as its schema."""
        schema = self.constraint.schema if isinstance(self.constraint, JsonContent) else None
        return None if isinstance(schema, bool) else schema


FREE_TEXT = Content()


class TurnAsk(msgspec.Struct, frozen=True):
    """The part of a request that becomes a grammar.

    Attributes:
        tools: the offered tools, in the order of the request.
        choice: which of them may be called, and how often; `most` None: up to the server's limit.
        content: of the answer.
        format: the name of the wire format of calls; None: the model's own.
        tools_pointer: JSON pointer to the list of tools in the request.
        skips_bad_tools: whether a tool that can't be compiled is left out; None: as the model is configured.
        open_objects: whether objects without a keyword for other properties may have them; None: likewise.
    """

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = NO_CALLS
    content: Content = FREE_TEXT
    format: str | None = None
    tools_pointer: str = ""
    skips_bad_tools: bool | None = None
    open_objects: bool | None = None


class Conversation(msgspec.Struct, frozen=True):
    """A prompt that the model's chat template renders.

    Attributes:
        messages, tools: as chat templates take them (Hugging Face's form). The tools are tools of the turn: others of
            it may be described in a message.
        variables: further variables of the template.
        shown: the variables that the template must show.
        generation_prompt: whether the prompt ends where the assistant's turn begins.
        continued: whether the answer continues the text of the last message, which is the assistant's.
        template: Jinja that renders it instead of the model's chat template.
        places: the request's names of the messages; without them, they are items of its prompt.
        quotable: the texts of the user, each behind the request's name of it.
    """

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    variables: Mapping[str, Any] = {}
    generation_prompt: bool = True
    shown: tuple[str, ...] = ()
    continued: bool = False
    template: str | None = None
    places: Sequence[str] = ()
    quotable: Sequence[tuple[str, str]] = ()


class RawPrompt(msgspec.Struct, frozen=True):
    """A prompt that no chat template renders: text, or token ids.

    Attributes:
        special: whether the tokenizer adds its special tokens to a text, such as beginning-of-text.
    """

    content: str | tuple[int, ...]
    special: bool = True


class Ask(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        model: the model's name in the request.
        sampling: the fields of `engines.base.Sampling` that the client has set.
        max_tokens: of the answer; None: the rest of the context.
        fits_context: whether `max_tokens` may exceed the rest of the context, which it then is.
        stops: strings that end free text.
        keeps_stop: whether the string that ends it is a part of the answer.
        returns_ids: whether the response has the ids of the prompt's tokens and of the answer's.
        prompt_limit: how many of the prompt's last tokens are kept; -1: as many as fit; None: all.
        n: number of answers.
        effort: a value for the chat template; "none" turns reasoning off.
        reasoning_limit: maximum number of reasoning tokens; None: no limit.
        draft_tokens: maximum number of tokens of free text before an answer that a grammar constrains; None: as the
            model is configured. See `turn.draft`.
        complete: what the answer ends with, as cut or not, if `max_tokens` cuts a document or a call, which then is
            completed to fit its schema; None: it stays cut.
        whole_calls: whether a stream has each call in one piece; None: as the model is configured.
        refusal: whether the model may refuse to write a document, in a text of its own; None: as it is configured.
        confidence: whether the answer comes with the confidence of its values; None: as the model is configured.
        retries: what follows an answer that violates a checked keyword: an attempt that sees it with its violations
            (feedback), or one from the same prompt (resample); None: as the model is configured.
        repeated_calls: whether the answer ends before a call that repeats another one of it; None: as the model is
            configured.
        echo: whether a raw prompt, or the text that the answer continues, is returned before the answer.
        grounding: whether strings that nothing but their length constrains are spans of the user's text; None: as the
            model is configured.
        names: the request's names of these fields and of those of `sampling`, if they differ.
    """

    model: str
    prompt: Conversation | RawPrompt
    turn: TurnAsk = TurnAsk()
    sampling: Mapping[str, Any] = {}
    max_tokens: int | None = None
    fits_context: bool = False
    stops: tuple[str, ...] = ()
    keeps_stop: bool = False
    returns_ids: bool = False
    prompt_limit: int | None = None
    n: int = 1
    effort: str | None = None
    reasoning_limit: int | None = None
    draft_tokens: int | None = None
    complete: Literal["length", "stop"] | None = None
    whole_calls: bool | None = None
    refusal: Literal["allow", "never"] | None = None
    retries: Literal["feedback", "resample"] | None = None
    repeated_calls: Literal["end", "allow"] | None = None
    echo: bool = False
    confidence: bool | None = None
    grounding: bool | None = None
    names: Mapping[str, str] = {}

    def name(self, field: str) -> str:
        """The request's name of a field."""
        return self.names.get(field, field)

    def message_name(self, index: int) -> str:
        """The request's name of a message of its conversation."""
        places = self.prompt.places if isinstance(self.prompt, Conversation) else ()
        return places[index] if places else f"{self.name('prompt')}[{index}]"
