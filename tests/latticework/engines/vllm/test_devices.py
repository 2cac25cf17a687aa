"""A build of vLLM on a machine that it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from vllm.platforms.interface import UnspecifiedPlatform

from latticework.commands import CommandFailed, engines
from latticework.config import Config
from latticework.engines.vllm import devices
from latticework.settings import Settings

LISTS = "echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0)'; echo 'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-1)'"
FAILS = "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9"


def with_program(folder: Path, script: str) -> Mapping[str, str]:
    """An environment in which nvidia-smi is this script."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


def test_a_device_that_the_cpu_build_leaves_idle_is_named_with_what_to_type(tmp_path: Path) -> None:
    said = devices.idle_device(with_program(tmp_path, LISTS))
    assert said is not None
    assert "idle (GPU 0: NVIDIA H100 80GB HBM3)" in said
    assert "make serve BUILD=gpu" in said
    assert "\n" not in said


@pytest.mark.parametrize("script", [FAILS, "exit 0", "echo No devices found.; exit 6"])
def test_a_program_without_devices_is_no_device(script: str, tmp_path: Path) -> None:
    assert devices.idle_device(with_program(tmp_path, script)) is None


def test_no_program_is_no_device(tmp_path: Path) -> None:
    assert devices.idle_device({"PATH": str(tmp_path)}) is None


def test_whoever_hides_the_devices_is_not_told(tmp_path: Path) -> None:
    environ = with_program(tmp_path, LISTS)
    assert devices.idle_device({**environ, "CUDA_VISIBLE_DEVICES": ""}) is None
    assert devices.idle_device({**environ, "CUDA_VISIBLE_DEVICES": "1"}) is not None


def test_a_build_without_its_device_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "current_platform", UnspecifiedPlatform())
    for start in (lambda: engines.make_engine((), Settings(), Config()), lambda: engines.engine_help(Settings())):
        with pytest.raises(CommandFailed, match="--gpus all"):
            start()
