"""The soak test: mixed requests, a thousand streams, hostile bodies and requests, fuzzing, and a killed engine.

    python -m tests.soak [--quick] [--requests N] [--streams N] [--bodies N] [--cases N] [--documents N]
                         [--kills N] [--hostile SECONDS] [--seed N]

Exits with status 1 if a line of the table differs from the expected result. `--kills` and `--hostile` need the real
engine, the others none. It uses no network but this machine's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import hostile_bodies
from benchmarks.options import say
from benchmarks.results import FOLDER, machine, table
from tests.fuzz.targets import LAW
from tests.hostile.bodies import BODIES
from tests.soak import report
from tests.soak.fuzzed import fuzzed
from tests.soak.hostile import hostile
from tests.soak.kills import kills
from tests.soak.load import soak
from tests.soak.process import served
from tests.soak.report import Line
from tests.soak.streams import PACE, streams

FULL = {
    "requests": 10_000,
    "streams": 1_000,
    "bodies": 20,
    "cases": 100_000,
    "documents": 100_000,
    "kills": 5,
    "hostile": 3600,
}
QUICK = {"requests": 400, "streams": 100, "bodies": 1, "cases": 1_000, "documents": 1_000, "kills": 0, "hostile": 60}
HEAD = ("", "result", "expected", "")
# Between two pieces of an answer of the mixed load, in seconds.
QUICKLY = 0.002


def of_load(count: int, seed: int) -> list[Line]:
    with served(QUICKLY) as server:
        return report.of_load(*soak(server, count, seed))


def of_streams(count: int, seed: int) -> list[Line]:
    with served(PACE) as server:
        return report.of_streams(streams(server, count), count)


def of_bodies(count: int, seed: int) -> list[Line]:
    with served(hostile_bodies.PACE) as server:
        return report.of_bodies(hostile_bodies.noticed(server, BODIES, count))


def of_cases(count: int, seed: int) -> list[Line]:
    return report.of_fuzz(fuzzed(count, seed))


def of_documents(count: int, seed: int) -> list[Line]:
    return report.of_fuzz(fuzzed(count, seed, shares=LAW))


def of_kills(count: int, seed: int) -> list[Line]:
    return report.of_kills(kills(count), count)


def of_hostile(seconds: int, seed: int) -> list[Line]:
    return report.of_hostile(hostile(seconds, seed))


# What each number on the command line is of.
PARTS: Mapping[str, Callable[[int, int], list[Line]]] = {
    "requests": of_load,
    "streams": of_streams,
    "bodies": of_bodies,
    "cases": of_cases,
    "documents": of_documents,
    "kills": of_kills,
    "hostile": of_hostile,
}
SECONDS = {"hostile"}


def publish(part: str, found: Sequence[Line], partial: bool) -> None:
    """Prints and saves the table of one part. A partial run doesn't overwrite a full one."""
    folder: Path = FOLDER / "quick" if partial else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(line.label, line.found, line.wanted, "" if line.good else "✗") for line in found]
    text = f"# Soak: {part}\n\n{table(HEAD, rows)}\n\n- {machine()}\n"
    (folder / f"soak_{part}.md").write_text(text)
    print(text, flush=True)
    for line in found:
        for failure in line.failures[:20]:
            print(f"--- {line.label}\n{failure}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke test with small counts")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the requests and cases")
    for name, count in FULL.items():
        kind, metavar = ("its seconds", "SECONDS") if name in SECONDS else ("their number", "N")
        parser.add_argument(f"--{name}", type=int, metavar=metavar, help=f"{kind}, {count:,} by default; 0 to skip")
    given = vars(parser.parse_args())
    usual = QUICK if given["quick"] else FULL
    counts = {name: usual[name] if given[name] is None else given[name] for name in FULL}
    good = True
    for part, run in PARTS.items():
        if counts[part]:
            say(f"{part}: {counts[part]:,}")
            found = run(counts[part], given["seed"])
            publish(part, found, counts[part] != FULL[part])
            good = good and all(line.good for line in found)
    sys.exit(not good)


if __name__ == "__main__":
    main()
