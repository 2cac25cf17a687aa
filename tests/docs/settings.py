"""The settings, from the code's own table."""

from __future__ import annotations

import tomllib

from latticework.options import Option
from latticework.settings import OPTIONS
from tests.docs.made import ROOT, code, table

_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def part() -> str:
    head = ("file", "command line", "variable", "default", "", "meaning")
    return table(head, [_row(option) for option in OPTIONS])


def _row(option: Option) -> tuple[str, ...]:
    flag = (
        "" if option.secret else code(f"{option.flag} {option.kind.metavar or '|'.join(option.kind.choices)}".strip())
    )
    of = "" if option.scope == "app" else "M"
    return code(option.name), flag, code(option.variable), default(option), of, option.help


def default(option: Option) -> str:
    """In words, with its unit."""
    value = option.default
    match value:
        case None | () | "":
            return "none"
        case bool():
            return "on" if value else "off"
        case tuple():
            return code(",".join(value))
        case str():
            return code(value)
    return _number(option, value)


def _number(option: Option, value: float) -> str:
    if option.kind.metavar == "SECONDS":
        return f"{value:,g} s"
    if option.kind.metavar == "BYTES":
        return next(f"{value / unit:g} {name}" for name, unit in _UNITS if value >= unit)
    return f"{value:,}" if option.kind.metavar == "N" else str(value)


def extras() -> str:
    """The optional dependencies, `pip install '.[NAME]'`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = [
        (code(name), ", ".join(code(package.partition(";")[0]) for package in packages))
        for name, packages in project["optional-dependencies"].items()
    ]
    return table(("extra", "packages"), rows)
