"""Sets of many tools."""

from __future__ import annotations

import json

import pytest

from benchmarks.tool_sets import agent_functions, renamed, tool_sets
from tests import shared
from turngrammar.schema import compile_schema
from turngrammar.schema.load import Options


@pytest.mark.parametrize("size", [1, 16, 128, 1200])
def test_every_set_has_its_size_and_each_tool_a_name_of_its_own(size: int) -> None:
    shared.path("bfcl_dev.jsonl.gz")
    sets = list(tool_sets(size, 3))
    assert [len({function["name"] for function in functions}) for functions in sets] == [size] * 3
    assert len({json.dumps(functions) for functions in sets}) == 3


def test_the_tools_of_agents_compile_exactly_also_renamed() -> None:
    for function in agent_functions():
        assert compile_schema(function["parameters"], Options(open_objects=False)).exact
        names = compile_schema(renamed(function, 7)["parameters"]).schema["properties"]  # type: ignore[index]
        assert list(names) == [f"{name}_7" for name in function["parameters"]["properties"]]
