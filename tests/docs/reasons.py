"""For which reasons a keyword is only checked: all that the code has, read from its source."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import turngrammar.schema
from tests.docs import keywords
from tests.docs.samples import KEYWORDS

# Which argument of these calls is a reason.
_REASONS = {"Inexact": 0, "check": 2, "check_everywhere": 1}


def every() -> tuple[str, ...]:
    """In the order of the files. What only a schema could fill in is "..."."""
    files = sorted(Path(turngrammar.schema.__file__).parent.glob("*.py"))
    return tuple(dict.fromkeys(reason for file in files for reason in _of(file)))


def _of(file: Path) -> Iterator[str]:
    known = vars(importlib.import_module(f"turngrammar.schema.{file.stem}"))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = _REASONS.get(name)
            if place is not None and place < len(node.args):
                yield from _text(node.args[place], known)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
            yield from _text(node.value, known)


def _text(node: ast.expr, known: dict[str, Any]) -> Iterator[str]:
    """A text, or one with the module's constants in it; nothing for what is put together elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_filled(part, known) for part in node.values)


def _filled(part: ast.expr, known: dict[str, Any]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    return str(known.get(ast.unparse(part.value), "..."))


def unseen() -> list[str]:
    """Those that no sample of the tables shows."""
    told = "\n".join(line for keyword in KEYWORDS for line in keywords.others(keyword))
    return [reason for reason in every() if not re.search(re.escape(reason).replace(r"\.\.\.", ".+"), told)]


def part() -> str:
    return "\n".join(f"- {reason}" for reason in unseen())
