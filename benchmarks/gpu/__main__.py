"""`python -m benchmarks.gpu`: the package's docstring is its help."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import benchmarks.gpu
from benchmarks.gpu import memory, models, table
from benchmarks.gpu.plan import visits
from benchmarks.gpu.run import Run, opener
from benchmarks.gpu.scale import ON_GPU, TINY, Scale
from benchmarks.gpu.state import OtherRun, State
from benchmarks.gpu.verdicts import verdicts
from benchmarks.options import parser_for, say
from benchmarks.results import FOLDER
from latticework.embedded import EmbeddedModelMissing

WRONG_USAGE = 2
# Nothing is fetched, and on a CPU no server keeps the cores for itself.
SURROUNDINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


def parser() -> argparse.ArgumentParser:
    made = parser_for(benchmarks.gpu.__doc__)
    made.add_argument("--tiny", action="store_true", help="tiny sizes, as without a CUDA device; --quick is the same")
    made.add_argument("--into", type=Path, metavar="DIR", help="the folder of the measurements and logs")
    made.add_argument("--fresh", action="store_true", help="remove the measurements in that folder first")
    made.add_argument("--tokenizer", type=Path, metavar="DIR", help="the tokenizer of the model with random weights")
    made.add_argument("--model", type=Path, metavar="DIR", help="a real model")
    made.add_argument("arguments", nargs="*", metavar="ARGUMENTS", help="vLLM's, for all servers, behind --")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    for name, value in SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    device = memory.cuda_device()
    scale = TINY if given.tiny or given.quick or device is None else ON_GPU
    folder = given.into or (FOLDER / "quick" / "gpu" if scale is TINY else FOLDER / "gpu")
    if given.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = models.target(scale.name, folder, given.model, given.tokenizer, tuple(given.arguments))
        state = State(folder, settings_of(given, scale, device))
    except (OtherRun, models.NoModel, EmbeddedModelMissing, OSError) as error:
        print(f"benchmarks.gpu: {error}", file=sys.stderr)
        return WRONG_USAGE
    say(f"Measurements and logs: {folder}")
    run = Run(state, opener(target, scale, folder), time.monotonic() + scale.limits.whole)
    asyncio.run(run.sample(scale))
    run.do(visits(scale))
    page = report(state, scale, device)
    (folder / "report.md").write_text(page)
    figures = {"measured": state.measured, "verdicts": verdicts(state.measured, scale.loads), "stopped": state.stopped}
    print(json.dumps(figures) if given.json else page)
    return 0


def settings_of(given: argparse.Namespace, scale: Scale, device: str | None) -> Mapping[str, Any]:
    """What makes measurements comparable."""
    return {
        "scale": scale.name,
        "device": device or platform.machine(),
        "model": str(given.model) if given.model else models.SHAPES[scale.name][0],
        "tokenizer": str(given.tokenizer) if given.tokenizer else None,
        "arguments": list(given.arguments),
        "vllm": [f"{name} {metadata.version(name)}" for name in sorted(_installed() & {"vllm", "vllm-cpu"})],
    }


def _installed() -> set[str]:
    return {str(dist.metadata["Name"]) for dist in metadata.distributions()}


def report(state: State, scale: Scale, device: str | None) -> str:
    lines = [f"- {sentence}" for sentence in verdicts(state.measured, scale.loads)]
    stopped = [f"- {part}: {why}" for part, why in state.stopped.items()]
    cut = "\n\n## Not measured\n\n" + "\n".join(stopped) if stopped else ""
    where = device or f"no GPU ({platform.machine()}): these figures mean nothing for one"
    return f"# On {where}\n\n{table.of_run(state.measured, scale)}\n\n" + "\n".join(lines) + cut + "\n"


if __name__ == "__main__":
    sys.exit(main())
