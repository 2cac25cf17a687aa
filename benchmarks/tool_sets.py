"""Sets of many tools: those of a coding agent and its MCP servers first, then those of BFCL.

The schemas are as people write them, their number is not: where there are no more, they come again, under other names
and with other names of arguments.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from benchmarks.workload import CORPUS, bfcl_rows

Function = Mapping[str, Any]


def tool_sets(size: int, number: int) -> Iterator[list[Function]]:
    """Sets of `size` functions with `name`, `description` and `parameters`. Raises Missing."""
    agent, others = agent_functions(), bfcl_functions()
    for seed in range(number):
        drawn = random.Random(seed)
        own = drawn.sample(agent, min(len(agent), size // 2))
        yield _first([*own, *drawn.sample(others, len(others))], size)


def agent_functions() -> list[Function]:
    functions: list[Function] = json.loads((CORPUS / "tools" / "agent.json").read_text())
    return functions


def bfcl_functions() -> list[Function]:
    """All that differ. Raises Missing."""
    functions = (tool["function"] for row in bfcl_rows() for tool in row["tools"])
    return list({json.dumps(function, sort_keys=True): function for function in functions}.values())


def _first(functions: Sequence[Function], size: int) -> list[Function]:
    """So many of them, each with a name of its own."""
    taken: dict[str, Function] = {}
    for time in count():
        for function in functions:
            if len(taken) == size:
                return list(taken.values())
            name = next(name for name in _names(function["name"]) if name not in taken)
            taken[name] = {**renamed(function, time), "name": name}
    raise AssertionError("endless")


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def renamed(function: Function, time: int) -> Function:
    """With other names of its arguments, unless it is there for the first time, which is 0."""
    if not time:
        return function
    parameters = function["parameters"]
    properties = {f"{name}_{time}": schema for name, schema in parameters.get("properties", {}).items()}
    required = [f"{name}_{time}" for name in parameters.get("required", ())]
    return {**function, "parameters": {**parameters, "properties": properties, "required": required}}
