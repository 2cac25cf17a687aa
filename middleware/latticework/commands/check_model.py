"""`latticework check-model`: whether a model's chat template and its tokenizer agree with its grammars; no engine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latticework.commands.command import (
    DONE,
    FOUND,
    Command,
    Impossible,
    columns,
    known_format,
    say,
    show,
    with_json,
)

if TYPE_CHECKING:
    from latticework.conformance import CaseResult
    from latticework.conformance.report import ModelReport
    from latticework.engines.tokenizer import ModelTokenizer
    from latticework.prompt.fallback import ChosenTemplate

DESCRIPTION = """Check a model without running it. Only its tokenizer, chat template and generation config are read,
from a directory, or of what has been downloaded of a model on the hub. Print how it writes tool calls, thoughts
and ends of turns, and hold a dozen turns, as its chat template writes them, against the grammars that a server would
use. A server does the same with some of these turns when it loads the model. Exit status 3 where a turn falls short;
docs/formats.md says what to do then."""

TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "tekken.json")
NO_TOKENIZER = "{} has no tokenizer: none of " + ", ".join(TOKENIZERS)
NOT_HERE = "{} is no directory, and no model that has been downloaded"
NO_TRANSFORMERS = """transformers is not installed, which reads tokenizers. In a checkout of latticework:
    pip install '.[remote]'"""


def add_check_model_options(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a directory in Hugging Face's layout, or a name on its hub")
    parser.add_argument("--chat-template", metavar="FILE", help="another chat template than the model's own (Jinja)")
    parser.add_argument("--tool-format", metavar="FORMAT", help="another format than the one that is found")
    parser.add_argument("--trust-remote-code", action="store_true", help="run a tokenizer's own code, if it has some")
    with_json(parser)


def check_model(given: Namespace) -> int:
    from latticework.conformance.report import report_model
    from latticework.prompt import ChatTemplate, PromptError
    from latticework.prompt.fallback import choose_template, load_template

    if given.tool_format is not None:
        known_format("--tool-format", given.tool_format)
    named = None if given.chat_template is None else load_template(given.chat_template)
    tokenizer = _tokenizer(given.model, trust=given.trust_remote_code)
    chosen = choose_template(named, tokenizer.chat_template, tokenizer.special_tokens)
    try:
        found = report_model(ChatTemplate(chosen.source, tokenizer.named_tokens), tokenizer, given.tool_format)
    except PromptError as error:
        raise Impossible(f"the chat template of {given.model}: {error}") from error
    value = {"model": given.model, "chat_template": _template(given, chosen), **_value(found)}
    show(value, _lines(given, chosen, found), as_json=given.json)
    say(_summary(found))
    return DONE if found.passed == found.tested else FOUND


def _tokenizer(model: str, *, trust: bool) -> ModelTokenizer:
    """Raises Impossible."""
    from latticework.engines.base import EngineDead
    from latticework.engines.checkpoint import load

    folder = Path(model)
    if folder.is_dir() and not any((folder / name).is_file() for name in TOKENIZERS):
        raise Impossible(NO_TOKENIZER.format(model))
    try:
        return load(model, trust_remote_code=trust, local=True)
    except ImportError:
        raise Impossible(NO_TRANSFORMERS) from None
    except (OSError, ValueError, LookupError, TypeError) as error:  # whatever transformers trips over in a file
        if folder.is_dir():
            raise Impossible(f"the tokenizer of {model} can't be read: {error}") from error
        raise Impossible(NOT_HERE.format(model)) from error
    except EngineDead as error:
        raise Impossible(str(error)) from error


def _template(given: Namespace, chosen: ChosenTemplate) -> str:
    if given.chat_template is not None:
        return str(given.chat_template)
    return "the model's own" if chosen.fallback is None else f"none: {chosen.fallback} is used instead"


def _value(found: ModelReport) -> dict[str, Any]:
    return {**asdict(found), "passed": found.passed, "tested": found.tested}


def _lines(given: Namespace, chosen: ChosenTemplate, found: ModelReport) -> Iterator[str]:
    yield from columns(
        [
            ("model", given.model),
            ("chat template", _template(given, chosen)),
            ("format", f"{found.format}: {found.reason}"),
            *(("rejected", why) for why in found.rejected),
            ("a call", repr(found.call)),
            ("reasoning", _reasoning_line(found)),
        ]
    )
    for title, rows in (
        ("tokens", [(repr(one.text), str(one.id), one.use, _FLAGS[one.special]) for one in found.marks]),
        ("notation", list(found.notation.items())),
        ("history, as the chat template shows it", list(found.history.items())),
        ("turns", list(_turns(found.results))),
    ):
        if rows:
            yield from ("", title, *(f"  {line.rstrip()}" for line in columns(rows)))


_FLAGS = {True: "special", False: "not flagged special"}


def _reasoning_line(found: ModelReport) -> str:
    frame = found.reasoning
    if frame is None:
        return "none"
    gaps = {"text": frame.gap, "calls": frame.before_calls.gap}
    behind = " and ".join(f"{gap!r} before {what}" for what, gap in gaps.items())
    return f"between {frame.lead + frame.open!r} and {frame.close!r}; then {behind}"


def _turns(results: Sequence[CaseResult]) -> Iterator[tuple[str, str, str]]:
    """Rows: what became of it, the case, and under which tool choices, or why not."""
    for case, alike in groupby(results, key=lambda result: result.case):
        listed = list(alike)
        passed = ", ".join(result.mode for result in listed if result.passed)
        if passed:
            yield "passed", case, passed
        for result in listed:
            if result.skipped:
                yield "skipped", case, result.skipped
            for failed in result.failures:
                yield "failed", case, f"{result.mode}: {failed.check}: {failed.detail}"


def _summary(found: ModelReport) -> str:
    skipped = len(found.results) - found.tested
    untested = f"; {skipped} more could not be tried" if skipped else ""
    return f"{found.passed} of {found.tested} turns passed{untested}."


CHECK_MODEL = Command(
    "check a model's tokenizer and chat template, without an engine", DESCRIPTION, add_check_model_options, check_model
)
