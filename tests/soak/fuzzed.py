"""Fuzz cases over all targets, in processes of their own: one that dies is a crash, and costs one batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks.options import say
from tests.fuzz.target import Found, Target
from tests.fuzz.targets import SHARES

BATCH = 2500
# Seconds for one batch. What is still there then hangs, whatever holds it.
BATCH_SECONDS = 1200
PROCESSES = 2


def fuzzed(
    cases: int, seed: int, processes: int = PROCESSES, shares: Mapping[Target, float] = SHARES
) -> dict[str, Found]:
    """By target."""
    found = {target.name: Found() for target in shares}
    with ThreadPoolExecutor(processes) as pool:
        for name, batch in pool.map(lambda one: (one[0], _batch(*one)), _batches(cases, seed, shares)):
            say(f"fuzz: {batch.cases} {name}, {batch.crashes} crashes, {batch.hangs} hangs")
            found[name].add(batch)
    return found


def _batches(cases: int, seed: int, shares: Mapping[Target, float]) -> Iterator[tuple[str, int, int]]:
    """Target, cases and seed of each."""
    for target, share in shares.items():
        left = max(1, round(share * cases))
        while left > 0:
            yield target.name, min(left, BATCH), seed
            left, seed = left - BATCH, seed + 1


def _batch(name: str, cases: int, seed: int) -> Found:
    command = [sys.executable, "-m", "tests.fuzz.batch", name, str(cases), str(seed)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BATCH_SECONDS, env=_environment())
    except subprocess.TimeoutExpired:
        return Found(hangs=1, failures=[f"{name}, seed {seed}: longer than {BATCH_SECONDS} s"])
    if done.returncode != 0:
        told = f"{name}, seed {seed}: exit status {done.returncode}\n{done.stderr[-2000:]}"
        return Found(crashes=1, failures=[told])
    return _read(json.loads(done.stdout.splitlines()[-1]))


def _read(told: Mapping[str, object]) -> Found:
    found = Found(**told)  # type: ignore[arg-type]
    found.outcomes = Counter(found.outcomes)
    return found


def _environment() -> Mapping[str, str]:
    """Without the caller's own settings: the limits are the defaults."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LATTICEWORK_")}
