"""Which chat template a model is asked by: the one that is named for it, its own, or a plain one of ours."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from latticework.options import InvalidSetting
from latticework.prompt.template import PromptError, Template

START = "<|im_start|>"
# What no path has, and every template does.
JINJA = ("{{", "{%")

CHATML = """\
{%- for message in messages %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' }}
{%- endfor %}
{{- '<|im_start|>assistant\\n' if add_generation_prompt }}"""

PLAIN = """\
{{- bos_token if bos_token is defined }}
{%- for message in messages %}
    {{- message.role | capitalize ~ ': ' ~ message.content }}
    {{- eos_token if message.role == 'assistant' and eos_token is defined }}
    {{- '\\n\\n' }}
{%- endfor %}
{{- 'Assistant:' if add_generation_prompt }}"""


@dataclass(frozen=True)
class ChosenTemplate:
    """Attributes:

    source: Jinja.
    fallback: what a model is asked by that has no template; None where it has one, or one was named for it.
    """

    source: str
    fallback: str | None = None


def load_template(given: str) -> str:
    """What `--chat-template` names: a file's text, or the option itself where it is Jinja. Raises InvalidSetting."""
    source = given
    if not any(mark in given for mark in JINJA):
        try:
            source = Path(given).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"chat_template: {given!r} can't be read, and is no Jinja template: {error}") from None
    _refuse_invalid(source)
    return source


def _refuse_invalid(source: str) -> None:
    """A template may refuse this conversation, which is none."""
    try:
        Template(source).render({"messages": []})
    except PromptError as error:
        if error.param == "chat_template":
            raise InvalidSetting(f"chat_template: {error}") from None


def choose_template(named: str | None, own: str | None, special_tokens: Container[str]) -> ChosenTemplate:
    """`named` for the model, or `own`, or else the one of ours that its vocabulary suggests."""
    source = own if named is None else named
    if source is not None:
        return ChosenTemplate(source)
    if START in special_tokens:
        return ChosenTemplate(CHATML, "ChatML")
    return ChosenTemplate(PLAIN, "plain text, each message behind its role")
