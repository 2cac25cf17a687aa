"""These tests are collected in a process of their own only, which has loaded tests.cuda.platform before all else."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pytest

from benchmarks.targets import QWEN_7B

ALONE = os.environ.get("TRITON_INTERPRET") == "1"
collect_ignore_glob = [] if ALONE else ["test_*.py"]

if ALONE:
    with warnings.catch_warnings():  # vLLM's imports warn, and warnings are errors in tests
        warnings.simplefilter("ignore")
        import latticework.engines.vllm.compat.scheduler
        import latticework.engines.vllm.compat.worker  # noqa: F401


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text(json.dumps(QWEN_7B))
    return str(folder)
