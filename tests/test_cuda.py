"""What can be known of vLLM on CUDA without a device: tests/cuda, in a process that takes it for present."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs

from benchmarks.targets import QWEN_7B

ROOT = Path(__file__).parents[1]
# Beside the environment, not in it: vLLM's CPU build takes an installed Triton for a device's.
TRITON = Path(sys.prefix) / "triton"


def triton_folder() -> Path | None:
    if (TRITON / "triton").is_dir():
        return TRITON
    found = importlib.util.find_spec("triton")
    return Path(str(found.origin)).parents[1] if found is not None else None


@pytest.mark.filterwarnings("ignore")
def test_vllm_for_cuda(tmp_path: Path) -> None:
    if (triton := triton_folder()) is None:
        pytest.skip(f"no Triton, which `make test` installs into {TRITON}")
    inspect_model(tmp_path)
    environment = {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": "", "VLLM_LOGGING_LEVEL": "ERROR"}
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH", ""), str(ROOT), str(triton))))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.cuda.platform",
        "tests/cuda",
    ]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment, "PYTHONPATH": path}, capture_output=True, text=True
    )
    print(ended.stdout, ended.stderr)
    assert ended.returncode == 0


def inspect_model(folder: Path) -> None:
    """vLLM keeps what it finds out about a model's class, which it can't find out about one for CUDA here."""
    (folder / "config.json").write_text(json.dumps(QWEN_7B))
    AsyncEngineArgs(model=str(folder), load_format="dummy").create_model_config()
