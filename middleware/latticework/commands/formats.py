"""`latticework formats`: how models write calls, and which way a chat template asks for."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from textwrap import indent
from typing import Any

from latticework.commands.command import DONE, Command, WrongUsage, contents, show, with_json

DESCRIPTION = """List the wire formats of tool calls, each with the models that write it, its source and a sample; or
tell which one would be chosen for a model, and why. --tool-format and a request's tool_format take these names."""

NO_TEMPLATE = "it is JSON without a chat_template; newer models keep it beside, in chat_template.jinja"


def add_format_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--template",
        metavar="FILE",
        help="a chat template (Jinja), or the tokenizer_config.json that holds one; - is standard input",
    )
    with_json(parser)


def formats(given: Namespace) -> int:
    return _list(given.json) if given.template is None else _choose(given.template, given.json)


def _list(as_json: bool) -> int:
    from turngrammar.docs import documented

    docs = documented()
    lines = (f"{name}: {doc.about}\n    {doc.notes}\n\n{indent(doc.sample, ' ' * 8)}\n" for name, doc in docs.items())
    show([{"name": name, **asdict(doc)} for name, doc in docs.items()], lines, as_json=as_json)
    return DONE


def _choose(file: str, as_json: bool) -> int:
    from turngrammar.formats import choose

    template, tokens = _read(file)
    chosen, why = choose(template, tokens)
    thoughts = chosen.reasoning and {"open": chosen.reasoning.open, "close": chosen.reasoning.close}
    lines = [f"{chosen.name}: {why}"]
    if thoughts:
        lines.append(f"thoughts are between {thoughts['open']!r} and {thoughts['close']!r}")
    show({"format": chosen.name, "why": why, "reasoning": thoughts}, lines, as_json=as_json)
    return DONE


def _read(file: str) -> tuple[str, list[str]]:
    """The template, and the special tokens where the file tells them. Raises WrongUsage."""
    try:
        text = contents(file).decode()
    except UnicodeDecodeError:
        raise WrongUsage(f"{file}: it is not UTF-8") from None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return text, []
    try:
        tokens = [token["content"] for token in found.get("added_tokens_decoder", {}).values() if token.get("special")]
        return _template(found["chat_template"]), tokens
    except (AttributeError, KeyError, TypeError):
        raise WrongUsage(f"{file}: {NO_TEMPLATE}") from None


def _template(found: Any) -> str:
    """Where there are several, the one that transformers takes when there are tools. Raises KeyError."""
    if isinstance(found, str):
        return found
    named = {one["name"]: one["template"] for one in found}
    return str(named.get("tool_use") or named["default"])


LIST_FORMATS = Command(
    "list the wire formats of tool calls, or detect that of a template",
    DESCRIPTION,
    add_format_options,
    formats,
)
