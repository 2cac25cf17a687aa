"""The reasons for which a keyword is only checked, from the compiler's source."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import turngrammar.schema
from tests.docs import keywords
from tests.docs.samples import OTHERS

# The argument of these calls that is a reason.
_REASONS = {"Inexact": 0, "__init__": 0, "check": 2, "check_everywhere": 1}


def every_reason() -> tuple[str, ...]:
    """In the order of the files. Values that depend on the schema are "..."."""
    files = sorted(Path(turngrammar.schema.__file__).parent.glob("*.py"))
    return tuple(dict.fromkeys(reason for file in files for reason in _reasons_in(file)))


def _reasons_in(file: Path) -> Iterator[str]:
    known = vars(importlib.import_module(f"turngrammar.schema.{file.stem}"))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            position = _REASONS.get(name)
            if position is not None and position < len(node.args):
                yield from _reason_text(node.args[position], known)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
            yield from _reason_text(node.value, known)


def _reason_text(node: ast.expr, known: dict[str, Any]) -> Iterator[str]:
    """A literal, with the module's constants filled in; nothing for other expressions."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.Name) and isinstance(known.get(node.id), str):
        yield known[node.id]
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_filled(part, known) for part in node.values)


def _filled(part: ast.expr, known: dict[str, Any]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    return str(known.get(ast.unparse(part.value), "..."))


def without_sample() -> list[str]:
    """The reasons that no sample in the tables has."""
    shown = "\n".join(line for keyword in OTHERS for line in keywords.others(keyword))
    return [reason for reason in every_reason() if not re.search(re.escape(reason).replace(r"\.\.\.", ".+"), shown)]


def part() -> str:
    return "\n".join(f"- {reason}" for reason in without_sample())
