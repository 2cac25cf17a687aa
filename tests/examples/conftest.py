"""The examples ask for vLLM's engine, and get one that costs nothing. tests/e2e/test_examples.py has the real one."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.free import free_engine
from tests.scripted import ScriptedEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """What they get."""
    free = free_engine()
    monkeypatch.setenv("MODEL", "scripted")
    _stand_in(monkeypatch, "vllm.engine.arg_utils", AsyncEngineArgs=lambda model: model)
    _stand_in(monkeypatch, "latticework.engines.vllm", VllmEngine=lambda args: free)
    return free


def _stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **values: Any) -> None:
    module = ModuleType(name)
    vars(module).update(values)
    monkeypatch.setitem(sys.modules, name, module)
