"""The texts of the product that users read, by kind."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from latticework import cli
from latticework.telemetry import Metrics
from tests.described import DOCUMENT
from tests.docs.made import MARK, PAGES, ROOT
from tests.docs.words import UserText
from tests.docs.written import FENCE, SPAN

PLAYGROUND = ROOT / "middleware" / "latticework" / "playground.html"
SOURCES = (ROOT / "middleware" / "latticework", ROOT / "grammars" / "turngrammar")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_GENERATED = re.compile(rf"{MARK}.*?<!-- end -->", re.DOTALL)
_JS_EXPRESSION = re.compile(r"\$\{[^}]*\}")
_JS_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')


def pages() -> Iterator[UserText]:
    """README.md and docs/*.md without code and generated parts."""
    return (UserText(_name(page), _prose(_blank(_GENERATED, _read(page))), 1) for page in PAGES)


def generated_parts() -> Iterator[UserText]:
    """The rest of the pages, without code."""
    for page in PAGES:
        text = _prose(_read(page))
        for part in _GENERATED.finditer(text):
            yield UserText(_name(page), part[0], text.count("\n", 0, part.start()) + 1)


def _prose(page: str) -> str:
    return _blank(SPAN, _blank(FENCE, page))


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The text with each match replaced by blanks, so that the lines stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def playground() -> Iterator[UserText]:
    """The text and the labels of the page, and the strings of its script."""
    page = _PageText()
    page.feed(_read(PLAYGROUND))
    return (UserText(_name(PLAYGROUND), text, line) for line, text in page.texts)


class _PageText(HTMLParser):
    LABELS = frozenset({"aria-label", "title", "placeholder", "alt"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[int, str]] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.texts += [(self.getpos()[0], value or "") for name, value in attrs if name in self.LABELS]

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        line = self.getpos()[0]
        if self._tag == "script":
            self.texts += [
                (line + data.count("\n", 0, match.start()), _JS_EXPRESSION.sub(" ", match[1] or match[2] or ""))
                for match in _JS_STRING.finditer(data)
            ]
        elif self._tag != "style":
            self.texts.append((line, data))


def help_texts() -> Iterator[UserText]:
    """The `--help` of `latticework` and of each of its commands."""
    parser, parsers = cli.command_parsers()
    for name, each in {"": parser, **parsers}.items():
        yield UserText(f"latticework {name} --help", each.description or "")
        for action in each._actions:
            yield UserText(
                f"latticework {name} --help, {'/'.join(action.option_strings) or action.dest}", str(action.help)
            )


def metrics() -> Iterator[UserText]:
    """The descriptions in `/metrics`."""
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            yield UserText(f"/metrics, {family.name}", family.documentation)


def openapi() -> Iterator[UserText]:
    """The summaries and descriptions in `/openapi.json`."""
    return _described("/openapi.json", DOCUMENT)


def _described(where: str, value: object) -> Iterator[UserText]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name in ("summary", "description") and isinstance(part, str):
                yield UserText(where, part)
            yield from _described(f"{where} {name}", part)
    elif isinstance(value, list):
        for part in value:
            yield from _described(where, part)


def errors(folder: Path) -> Iterator[UserText]:
    """The strings in calls of exception classes."""
    return _strings_in(folder, lambda call: _called(call) in _exceptions())


def log_lines(folder: Path) -> Iterator[UserText]:
    """The strings in calls of loggers."""
    return _strings_in(folder, _logs)


def _logs(call: ast.Call) -> bool:
    func = call.func
    return isinstance(func, ast.Attribute) and func.attr in LEVELS and "log" in ast.unparse(func.value).lower()


def docstrings(folder: Path) -> Iterator[UserText]:
    """The docstrings of modules, and of public classes and functions."""
    for file in _files(folder):
        for node in _public(_tree(file)):
            if doc := ast.get_docstring(node, clean=False):
                yield UserText(_name(file), _without_code(doc), node.body[0].lineno)


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(node: ast.AST) -> Iterator[_Documented]:
    if isinstance(node, _Documented) and not getattr(node, "name", "").startswith("_"):
        yield node
        if isinstance(node, ast.Module | ast.ClassDef):
            for child in node.body:
                yield from _public(child)


def _strings_in(folder: Path, chosen: Callable[[ast.Call], bool]) -> Iterator[UserText]:
    for file in _files(folder):
        tree = _tree(file)
        constants = _constants(tree)
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and chosen(node))
        for node in (node for call in calls for node in ast.walk(call)):
            part = constants.get(node.id) if isinstance(node, ast.Name) else node
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield UserText(_name(file), _without_code(part.value), part.lineno)


def _constants(tree: ast.Module) -> Mapping[str, ast.expr]:
    """The values of a module's constants: messages are often kept there."""
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@cache
def _exceptions() -> frozenset[str]:
    """The names of all exception classes: Python's, and those of the product."""
    bases = {
        node.name: {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}
        for folder in SOURCES
        for file in _files(folder)
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.ClassDef)
    }
    names = {
        name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, BaseException)
    }
    while more := {name for name, own in bases.items() if own & names} - names:
        names |= more
    return frozenset(names)


def _without_code(text: str) -> str:
    return _blank(SPAN, text)


def _files(folder: Path) -> Iterable[Path]:
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder] if folder.suffix == ".py" else []


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(_read(file))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))
