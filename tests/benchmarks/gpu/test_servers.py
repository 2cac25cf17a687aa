"""What is known of a server: from its /health, its log, and its processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from benchmarks.gpu import leftovers, memory, starts, table
from benchmarks.gpu.plan import AUTO, OFF
from benchmarks.gpu.scale import TINY
from benchmarks.servers import TIED
from tests.benchmarks.gpu.test_verdicts import speeds

WAITS = "print('up', flush=True); import sys; sys.stdin.read()"

STOCK_LOG = """
(EngineCore) INFO [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: ... compilation_config={'mode': \
<CompilationMode.VLLM_COMPILE: 3>, 'cudagraph_mode': <CUDAGraphMode.FULL_AND_PIECEWISE: (2, 1)>, ...}
(EngineCore) INFO [kv_cache_utils.py:2327] GPU KV cache size: 1,023,296 tokens, Maximum concurrency: 124.9x
"""
DRAFTING_LOG = """
WARNING [vllm.py:1605] Async scheduling not supported with custom_class-based speculative decoding and will be disabled.
WARNING [vllm.py:733] Model Runner V2 does not yet support custom_class; using the V1 model runner instead.
'cudagraph_mode': <CUDAGraphMode.FULL_AND_PIECEWISE: (2, 1)>
INFO [vllm.py:1051] Overriding cudagraph_mode from FULL_AND_PIECEWISE to PIECEWISE.
"""


def test_the_log_has_what_a_server_does_not_report() -> None:
    facts = starts.logged(STOCK_LOG)
    assert (facts["model_runner"], facts["scheduling"]) == ("V2", "asynchronous")
    assert facts["cuda_graphs"] == "FULL_AND_PIECEWISE"
    assert starts.cache_tokens(STOCK_LOG) == 1_023_296

    facts = starts.logged(DRAFTING_LOG)
    assert (facts["model_runner"], facts["scheduling"], facts["cuda_graphs"]) == ("V1", "synchronous", "PIECEWISE")
    assert starts.cache_tokens(DRAFTING_LOG) is None


def test_cpus_are_scheduled_synchronously_which_no_log_line_reports() -> None:
    assert starts.logged("quantization_config=None, device_config=cpu, seed=0")["scheduling"] == "synchronous"
    assert starts.logged("quantization_config=None, device_config=cuda, seed=0")["scheduling"] == "asynchronous"


def test_health_has_it_of_latticework() -> None:
    engine = {"model_runner": "V2", "scheduling": "asynchronous", "cuda_graphs": "FULL_AND_PIECEWISE", "drafts": "off"}
    health = {"models": {"m": {"status": "ok", "engine": engine, "degraded": []}}}
    assert starts.of_health(health) == {**engine, "degraded": [], "source": "/health"}
    assert starts.of_health({}) == {}


def test_the_table_has_the_same_rows_whatever_was_measured() -> None:
    started = {"seconds": 41.6, "cache_tokens": 1_023_296, "model_runner": "V2", "scheduling": "asynchronous"}
    whole = {
        f"start/{OFF}": started,
        f"start/{AUTO}": {**started, "cache_tokens": None},
        **speeds(OFF, {1: [100, 110], 4: [400, 400]}),
        **speeds(AUTO, {1: [200, 200]}),
    }
    lines = table.of_run(whole, TINY).splitlines()
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines}
    assert rows[""] == [OFF, AUTO]
    assert rows["seconds to start"] == ["42", "42"]
    assert rows["tokens in the KV cache"] == ["1,023,296", "-"]
    assert rows["CUDA graphs"] == ["-", "-"]
    assert rows["documents, tokens/s at 1"] == ["105", "200"]
    assert "1.90 (1.82 to 2.00)" in table.of_run(whole, TINY)
    assert rows["documents, tokens/s at 4"] == ["400", "-"]
    few = table.of_run({f"start/{OFF}": started}, TINY).splitlines()
    assert [line.split("|")[1].strip() for line in few if "---" not in line] == [
        line.split("|")[1].strip() for line in lines if "---" not in line
    ]


def test_processes_of_a_killed_run_are_ended_and_no_others(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        leftovers.remember(tmp_path, process.pid)
        leftovers.end(tmp_path)
        process.stdout.read()  # up to its end, for its stdin is still open
    leftovers.end(tmp_path)  # nothing is remembered any more

    (tmp_path / leftovers.FILE).write_text(f"[[{psutil.Process().pid}, 1.5]]")
    leftovers.end(tmp_path)  # this process has another time of creation


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel does it")
def test_a_server_ends_with_the_benchmark_that_started_it() -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TIED!r}, '-c', {WAITS!r}])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
        assert process.stdout.read() == b""  # whoever had the pipe has ended: the server too, whose stdin is still open


@pytest.mark.skipif(sys.platform != "linux", reason="counts resident memory as Linux does")
def test_the_peak_of_a_piece_of_work_is_measured() -> None:
    assert 64 <= memory.peak_mib(lambda: bytearray(b"x" * (64 * 2**20)), "cpu") < 300


@pytest.mark.parametrize("build", ["13.0", None], ids=["GPU build", "CPU build"])
def test_a_gpu_is_one_that_pytorch_can_use(build: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\ncase "$1" in *name) echo NVIDIA H100;; *) echo "1024, 81559"; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(torch.version, "cuda", build)
    assert memory.cuda_device() == ("NVIDIA H100" if build else None)
    assert memory.memory_of(0) == {"used_mib": 1024, "total_mib": 81_559}
