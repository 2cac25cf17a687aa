"""One batch of cases, in its own process: `python -m tests.fuzz.batch TARGET CASES SEED` ends with a line of JSON."""

from __future__ import annotations

import json
import sys

from tests.fuzz.compiling import COMPILERS
from tests.fuzz.target import explore
from tests.fuzz.targets import TARGETS


def main() -> None:
    name, cases, start = sys.argv[1:]
    found = explore(TARGETS[name], int(cases), int(start))
    COMPILERS.end()
    print(json.dumps(vars(found)))


if __name__ == "__main__":
    main()
