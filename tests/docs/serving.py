"""What becomes of the arguments of `vllm serve`."""

from __future__ import annotations

from latticework.engines.serve_arguments import ENGINE, SERVER, Argument, Taken, flag
from tests.docs.made import code, table


def part() -> str:
    """Those with the same outcome have one row."""
    alike: dict[str, list[str]] = {}
    for name, argument in {**SERVER, **ENGINE}.items():
        alike.setdefault(_of(argument), []).append(code(flag(name)))
    rows = [(", ".join(flags), outcome) for outcome, flags in alike.items()]
    return table(("argument of `vllm serve`", "here"), [*rows, ("all others, which are the engine's", "as there")])


def _of(argument: Argument) -> str:
    if isinstance(argument, Taken):
        return f"as there; {argument.note}" if argument.note else "as there"
    return f"refused: {argument.why}"
