"""A Jinja template in Hugging Face's dialect for chat templates: variables in, text out.

The dialect (transformers, `chat_template_utils.py`): blocks are trimmed, `loopcontrols` and `{% generation %}` are
known, `tojson` does not escape HTML, `raise_exception` refuses a conversation, `strftime_now` formats the date.

Templates run in Jinja's immutable sandbox. It forbids `append` and `pop`, which two of Kimi K2's templates call on a
list of their own. A template with these names in its syntax tree runs in `_MutableListSandbox` instead, on a deep copy
of its variables, so that the caller's messages still can't change.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

# What Python code compiled from a template can raise: Jinja's own errors, and those of operators, lookups and filters
# applied to values of unexpected types. RuntimeError covers RecursionError.
_RENDERING_ERRORS = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RuntimeError,
)

_MUTATING_METHODS = ("append", "pop")


class PromptError(Exception):
    """A conversation that can't become a prompt: the caller's fault, HTTP 400.

    Attributes:
        message: one sentence.
        param: the request's parameter at fault, such as `messages` or `messages[3].content`.
    """

    def __init__(self, message: str, param: str = "messages") -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class _RaisedByTemplate(jinja2.TemplateError):
    """The template called `raise_exception`."""


@dataclass(frozen=True)
class JinjaTemplate:
    """Jinja source and its constant variables.

    Attributes:
        source: Jinja.
        special_tokens: the variables `bos_token`, `eos_token` and the like.
        now: the clock of `strftime_now`, and of the variable `datetime`, which Firefunction's template prints.
    """

    source: str
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = datetime.now

    @cached_property
    def _compiled(self) -> jinja2.Template:
        return _compile_jinja(self.source, self.now)

    @cached_property
    def literals(self) -> tuple[frozenset[str], frozenset[str]]:
        """All literal texts of the template; and those in its code, which it may print or search for.

        Raises:
            PromptError: it is not valid Jinja.
        """
        try:
            tree = _environment(ImmutableSandboxedEnvironment, self.now).parse(self.source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise _invalid_jinja(error) from error
        in_code = frozenset(node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str))
        return in_code | {node.data for node in tree.find_all(nodes.TemplateData)}, in_code

    def render(self, variables: Mapping[str, Any]) -> str:
        """The text for `variables` (`messages`, `tools`, `add_generation_prompt`, ...).

        Raises:
            PromptError: the template is not valid Jinja, refuses the conversation, or fails on it.
        """
        compiled = self._compiled
        try:
            mutable = isinstance(compiled.environment, _MutableListSandbox)
            own = copy.deepcopy(dict(variables)) if mutable else variables
            return compiled.render({"datetime": self.now().strftime("%Y-%m-%d"), **self.special_tokens, **own})
        except _RaisedByTemplate as error:
            raise PromptError(f"The model's chat template refuses the conversation: {error}") from error
        except _RENDERING_ERRORS as error:
            raise PromptError(f"The model's chat template can't render the conversation: {error}") from error


class _Generation(Extension):
    """`{% generation %}` marks the assistant's text for training; in a prompt it is only a scope."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it as a set on the class

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _MutableListSandbox(ImmutableSandboxedEnvironment):
    """Immutable, except that templates may append to lists and pop from them."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) or (attr in _MUTATING_METHODS and isinstance(obj, list))


def _compile_jinja(source: str, now: Callable[[], datetime]) -> jinja2.Template:
    environment = _environment(ImmutableSandboxedEnvironment, now)
    try:
        if any(node.attr in _MUTATING_METHODS for node in environment.parse(source).find_all(nodes.Getattr)):
            environment = _environment(_MutableListSandbox, now)
        return environment.from_string(source)
    except (jinja2.TemplateError, RecursionError) as error:
        raise _invalid_jinja(error) from error


def _invalid_jinja(error: Exception) -> PromptError:
    return PromptError(f"The chat template is not valid Jinja: {error}", "chat_template")


def _environment(sandbox: type[ImmutableSandboxedEnvironment], now: Callable[[], datetime]) -> jinja2.Environment:
    environment = sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
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
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys, default=_encodable
    )


def _encodable(value: object) -> list[Any] | float:
    if isinstance(value, Decimal):
        return float(value)  # of a schema with more digits than a float has; the model needs no more
    # llama.cpp's DeepSeek R1 template has `tools | map(...) | tojson`: a list in its engine, an iterator in Jinja.
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _raise_exception(message: str) -> None:
    raise _RaisedByTemplate(message)
