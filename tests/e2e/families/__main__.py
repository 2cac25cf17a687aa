"""Prints what came out, a row for each family and kind."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.e2e.families.biases import FAMILIES
from tests.e2e.families.running import Results, results, server

COLUMNS = ("requests", "finished", "cut", "wrong", "5xx", "differs", "called", "thought")


def main() -> None:
    parser = argparse.ArgumentParser("tests.e2e.families")
    parser.add_argument("families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--engine", default="vllm")
    parser.add_argument("--drafts", default="auto")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with server(given.families, given.engine, given.drafts, folder) as running, running.http() as http:
            print(f"served after {time.monotonic() - began:.0f} s")
            for name in given.families:
                for kind, result in results(http, name, folder).items():
                    print(_row(f"{name}, {kind}", result), flush=True)
            print(f"done after {time.monotonic() - began:.0f} s")


def _row(label: str, result: Results) -> str:
    cells = [str(result.counts[column]) for column in COLUMNS]
    return "\n".join([" | ".join([label, *cells]), *(f"    {fault}" for fault in result.faults[:4])])


if __name__ == "__main__":
    main()
