"""Chooses a chat template: the one in the settings, the model's own, or else one of two plain fallbacks."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from latticework.options import InvalidSetting
from latticework.prompt.jinja_template import JinjaTemplate, PromptError

CHATML_START = "<|im_start|>"
# Every template has one of these, and no path has.
JINJA_MARKS = ("{{", "{%")

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
    fallback: a description of the fallback; None if it is the template in the settings or the model's own.
    """

    source: str
    fallback: str | None = None


def load_template(setting: str) -> str:
    """The Jinja of the setting `chat_template`, which is a file's path or Jinja itself. Raises InvalidSetting."""
    source = setting
    if not any(mark in setting for mark in JINJA_MARKS):
        try:
            source = Path(setting).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(
                f"chat_template: {setting!r} can't be read as a file and is not Jinja: {error}"
            ) from None
    _refuse_invalid_jinja(source)
    return source


def _refuse_invalid_jinja(source: str) -> None:
    try:
        JinjaTemplate(source).render({"messages": []})
    except PromptError as error:
        if error.param == "chat_template":  # other errors are of the empty conversation
            raise InvalidSetting(f"chat_template: {error}") from None


def choose_template(setting: str | None, own: str | None, special_tokens: Container[str]) -> ChosenTemplate:
    """The template in the settings, or the model's own, or else the fallback that its vocabulary suggests."""
    source = own if setting is None else setting
    if source is not None:
        return ChosenTemplate(source)
    if CHATML_START in special_tokens:
        return ChosenTemplate(CHATML, "ChatML")
    return ChosenTemplate(PLAIN, "plain text, each message after its role")
