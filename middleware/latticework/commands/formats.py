"""`latticework formats`: the wire formats of tool calls, and detection of a chat template's."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from textwrap import indent
from typing import Any

from latticework.commands import DONE, Command, WrongUsage, contents, show, with_json

DESCRIPTION = """List the wire formats of tool calls, each with its models, its source and a sample. With --template,
detect the format of a chat template. --tool-format and the request field tool_format take these names."""

NO_TEMPLATE = "JSON without a chat_template; newer models have it in chat_template.jinja instead"


def add_format_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--template",
        metavar="FILE",
        help="Jinja chat template, or a tokenizer_config.json that has one; - reads standard input",
    )
    with_json(parser)


def show_formats(given: Namespace) -> int:
    return _list_formats(given.json) if given.template is None else _detect_format(given.template, given.json)


def _list_formats(as_json: bool) -> int:
    from turngrammar.format_docs import format_docs

    docs = format_docs()
    lines = (f"{name}: {doc.about}\n    {doc.notes}\n\n{indent(doc.sample, ' ' * 8)}\n" for name, doc in docs.items())
    show([{"name": name, **asdict(doc)} for name, doc in docs.items()], lines, as_json=as_json)
    return DONE


def _detect_format(file: str, as_json: bool) -> int:
    from turngrammar.formats import choose

    template, tokens = _read_template(file)
    chosen, why = choose(template, tokens)
    reasoning = chosen.reasoning and {"open": chosen.reasoning.open, "close": chosen.reasoning.close}
    lines = [f"{chosen.name}: {why}"]
    if reasoning:
        lines.append(f"reasoning is between {reasoning['open']!r} and {reasoning['close']!r}")
    show({"format": chosen.name, "why": why, "reasoning": reasoning}, lines, as_json=as_json)
    return DONE


def _read_template(file: str) -> tuple[str, list[str]]:
    """The template, and the special tokens if the file lists them. Raises WrongUsage."""
    try:
        text = contents(file).decode()
    except UnicodeDecodeError:
        raise WrongUsage(f"{file}: not valid UTF-8") from None
    try:
        config = json.loads(text)
    except ValueError:
        config = None
    if not isinstance(config, dict):
        return text, []
    try:
        tokens = [token["content"] for token in config.get("added_tokens_decoder", {}).values() if token.get("special")]
        return _template_for_tools(config["chat_template"]), tokens
    except (AttributeError, KeyError, TypeError):
        raise WrongUsage(f"{file}: {NO_TEMPLATE}") from None


def _template_for_tools(templates: Any) -> str:
    """Of several named templates, the one that transformers uses for tools. Raises KeyError."""
    if isinstance(templates, str):
        return templates
    named = {template["name"]: template["template"] for template in templates}
    return str(named.get("tool_use") or named["default"])


LIST_FORMATS = Command(
    "list the wire formats of tool calls, or detect that of a template",
    DESCRIPTION,
    add_format_options,
    show_formats,
)
