"""`latticework check-model`: checks a model's chat template and tokenizer against its grammars, without an engine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latticework.commands import (
    DONE,
    NEGATIVE,
    Command,
    CommandFailed,
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

DESCRIPTION = """Check a model without running it. Reads its tokenizer, chat template and generation config from a
directory, or from the local cache of the Hugging Face hub; nothing is downloaded. Prints the wire format of its tool
calls, the tokens around its reasoning and at the end of its turns, and checks a dozen turns, as rendered by its chat
template, against the grammars that a server would use. A server checks some of them when it loads the model. The exit
status is 3 if a check fails; docs/formats.md describes what to do then."""

TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "tekken.json")
NO_TOKENIZER = "{} has no tokenizer: it must have one of " + ", ".join(TOKENIZERS)
NOT_HERE = "{} is neither a directory nor a downloaded model of the hub"
NO_TRANSFORMERS = """reading tokenizers needs transformers, which is not installed. In a checkout of latticework:
    pip install '.[remote]'"""


def add_check_model_options(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a directory in Hugging Face's layout, or a name on the hub")
    parser.add_argument("--chat-template", metavar="FILE", help="Jinja chat template instead of the model's")
    parser.add_argument("--tool-format", metavar="FORMAT", help="wire format instead of the detected one")
    parser.add_argument("--trust-remote-code", action="store_true", help="allow a tokenizer to run code of its own")
    with_json(parser)


def check_model(given: Namespace) -> int:
    from latticework.conformance.report import report_model
    from latticework.prompt import ChatTemplate, PromptError
    from latticework.prompt.fallback import choose_template, load_template

    if given.tool_format is not None:
        known_format("--tool-format", given.tool_format)
    template = None if given.chat_template is None else load_template(given.chat_template)
    tokenizer = _load_tokenizer(given.model, trust=given.trust_remote_code)
    chosen = choose_template(template, tokenizer.chat_template, tokenizer.special_tokens)
    try:
        report = report_model(ChatTemplate(chosen.source, tokenizer.named_tokens), tokenizer, given.tool_format)
    except PromptError as error:
        raise CommandFailed(f"the chat template of {given.model}: {error}") from error
    value = {"model": given.model, "chat_template": _template_source(given, chosen), **_report_value(report)}
    show(value, _report_lines(given, chosen, report), as_json=given.json)
    say(_passed_turns(report))
    return DONE if report.passed == report.tested else NEGATIVE


def _load_tokenizer(model: str, *, trust: bool) -> ModelTokenizer:
    """Raises CommandFailed."""
    from latticework.engines.base import EngineDead
    from latticework.engines.checkpoint import load_tokenizer

    folder = Path(model)
    if folder.is_dir() and not any((folder / name).is_file() for name in TOKENIZERS):
        raise CommandFailed(NO_TOKENIZER.format(model))
    try:
        return load_tokenizer(model, trust_remote_code=trust, local=True)
    except ImportError:
        raise CommandFailed(NO_TRANSFORMERS) from None
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
    ) as error:  # of transformers, for malformed files
        if folder.is_dir():
            raise CommandFailed(f"the tokenizer of {model} can't be read: {error}") from error
        raise CommandFailed(NOT_HERE.format(model)) from error
    except EngineDead as error:
        raise CommandFailed(str(error)) from error


def _template_source(given: Namespace, chosen: ChosenTemplate) -> str:
    if given.chat_template is not None:
        return str(given.chat_template)
    return "the model's own" if chosen.fallback is None else f"none: {chosen.fallback} is used instead"


def _report_value(report: ModelReport) -> dict[str, Any]:
    return {**asdict(report), "passed": report.passed, "tested": report.tested}


def _report_lines(given: Namespace, chosen: ChosenTemplate, report: ModelReport) -> Iterator[str]:
    yield from columns(
        [
            ("model", given.model),
            ("chat template", _template_source(given, chosen)),
            ("format", f"{report.format}: {report.reason}"),
            *(("rejected", why) for why in report.rejected),
            ("a call", repr(report.call)),
            ("reasoning", _reasoning_line(report)),
        ]
    )
    for title, rows in (
        ("tokens", [(repr(mark.text), str(mark.id), mark.use, _FLAGS[mark.special]) for mark in report.marks]),
        ("notation", list(report.notation.items())),
        ("history, as rendered by the chat template", list(report.history.items())),
        ("turns", list(_turn_rows(report.results))),
    ):
        if rows:
            yield from ("", title, *(f"  {line.rstrip()}" for line in columns(rows)))


_FLAGS = {True: "special", False: "not flagged special"}


def _reasoning_line(report: ModelReport) -> str:
    frame = report.reasoning
    if frame is None:
        return "none"
    gaps = {"text": frame.gap, "calls": frame.before_calls.gap}
    behind = " and ".join(f"{gap!r} before {what}" for what, gap in gaps.items())
    return f"between {frame.lead + frame.open!r} and {frame.close!r}; then {behind}"


def _turn_rows(results: Sequence[CaseResult]) -> Iterator[tuple[str, str, str]]:
    """Rows: the outcome, the case, and its tool choices, or the reason."""
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


def _passed_turns(report: ModelReport) -> str:
    skipped = len(report.results) - report.tested
    untested = f"; {skipped} skipped" if skipped else ""
    return f"{report.passed} of {report.tested} turns passed{untested}."


CHECK_MODEL = Command(
    "check a model's tokenizer and chat template, without an engine", DESCRIPTION, add_check_model_options, check_model
)
