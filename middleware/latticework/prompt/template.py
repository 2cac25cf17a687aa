"""A chat template: Jinja source in, text out, by the conventions that Hugging Face's tokenizers follow.

Conventions (transformers, `chat_template_utils.py`): blocks are trimmed, `loopcontrols` and `{% generation %}` are
known, `tojson` does not escape HTML, `raise_exception` refuses a conversation, `strftime_now` tells the time.

Templates run in Jinja's immutable sandbox. Two of Kimi K2's keep a queue in a list of their own, by `append` and `pop`,
which that sandbox forbids. A template whose syntax tree holds these names runs in `_QueueingSandbox` instead, on a deep
copy of what it is given, so that a caller's messages still can't change.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

# What Python code compiled from a template can raise: Jinja's own errors, and those of the operators, lookups and
# filters that a template applies to values of types it did not expect. RuntimeError covers RecursionError.
_FAILURES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RuntimeError,
)

_QUEUEING = ("append", "pop")


class PromptError(Exception):
    """A conversation that can't become a prompt: the caller's doing, HTTP 400.

    Attributes:
        message: one sentence that says what is wrong.
        param: the request's parameter at fault, such as `messages` or `messages[3].content`.
    """

    def __init__(self, message: str, param: str = "messages") -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class _Refusal(jinja2.TemplateError):
    """The template itself called `raise_exception`."""


@dataclass(frozen=True)
class Template:
    """Jinja source with the special tokens that it may name (`bos_token`, `eos_token`, ...).

    `now` is the clock behind `strftime_now`, and behind the variable `datetime` that Firefunction's template reads.
    """

    source: str
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = datetime.now

    @cached_property
    def _compiled(self) -> jinja2.Template:
        return _compile(self.source, self.now)

    @cached_property
    def words(self) -> tuple[frozenset[str], frozenset[str]]:
        """The texts that it is made of, and those of them that stand in its code: it may print them or seek them.

        Raises PromptError where it is not valid.
        """
        try:
            tree = _environment(ImmutableSandboxedEnvironment, self.now).parse(self.source)
        except (jinja2.TemplateError, RecursionError) as failure:
            raise _invalid(failure) from failure
        coded = frozenset(found.value for found in tree.find_all(nodes.Const) if isinstance(found.value, str))
        return coded | {found.data for found in tree.find_all(nodes.TemplateData)}, coded

    def render(self, context: Mapping[str, Any]) -> str:
        """The text for `context` (`messages`, `tools`, `add_generation_prompt`, ...).

        Raises:
            PromptError: the template is not valid, refuses the conversation, or can't cope with it.
        """
        compiled = self._compiled
        try:
            given = copy.deepcopy(dict(context)) if isinstance(compiled.environment, _QueueingSandbox) else context
            return compiled.render({"datetime": self.now().strftime("%Y-%m-%d"), **self.special_tokens, **given})
        except _Refusal as refusal:
            raise PromptError(f"The model's chat template refuses the conversation: {refusal}") from refusal
        except _FAILURES as failure:
            raise PromptError(f"The model's chat template can't render the conversation: {failure}") from failure


class _Generation(Extension):
    """`{% generation %}` marks the assistant's own text for training; for a prompt it is only a scope."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it as a set on the class

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _QueueingSandbox(ImmutableSandboxedEnvironment):
    """Immutable but for lists, which may be appended to and popped from."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) or (attr in _QUEUEING and isinstance(obj, list))


def _compile(source: str, now: Callable[[], datetime]) -> jinja2.Template:
    environment = _environment(ImmutableSandboxedEnvironment, now)
    try:
        if any(found.attr in _QUEUEING for found in environment.parse(source).find_all(nodes.Getattr)):
            environment = _environment(_QueueingSandbox, now)
        return environment.from_string(source)
    except (jinja2.TemplateError, RecursionError) as failure:
        raise _invalid(failure) from failure


def _invalid(failure: Exception) -> PromptError:
    return PromptError(f"The chat template is not valid Jinja: {failure}", "chat_template")


def _environment(sandbox: type[ImmutableSandboxedEnvironment], now: Callable[[], datetime]) -> jinja2.Environment:
    environment = sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: now().strftime(form)
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys, default=_listed
    )


def _listed(value: object) -> list[Any]:
    # llama.cpp's DeepSeek R1 template writes `tools | map(...) | tojson`: a list in its engine, an iterator in Jinja.
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _refuse(message: str) -> None:
    raise _Refusal(message)
