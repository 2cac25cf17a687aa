"""Runs the scenarios of a script, and tells what came of them, a line of JSON each.

    python run.py with_openai openai

The first line has the versions of the packages that are named. A scenario is a function of the script whose name begins
with one of SCENARIOS; it has passed when it returns, and what it returns is what was seen.
"""

import asyncio
import importlib
import inspect
import json
import os
import platform
import sys
import time
import traceback
from importlib.metadata import version

SCENARIOS = (
    *("structured_output", "tool_loop", "streaming", "error"),
    *("cut", "closed", "many_tools", "histories", "completion", "grammar", "thinking", "counting"),
)


def outcome(function):
    start, seen, failure = time.monotonic(), None, None
    try:
        seen = function()
        if inspect.iscoroutine(seen):
            seen = asyncio.run(seen)
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a scenario
        traceback.print_exc()
        failure = f"{type(error).__name__}: {error}"[:500]
    seconds = round(time.monotonic() - start, 1)
    return {
        "scenario": function.__name__,
        "seconds": seconds,
        "failure": failure,
        "seen": seen if not failure else None,
    }


def main(script, *packages):
    with os.fdopen(os.dup(1), "w") as told:
        os.dup2(2, 1)  # what clients print is none of it
        versions = {name: version(name) for name in packages} | {"Python": platform.python_version()}
        print(json.dumps({"versions": versions}), file=told, flush=True)
        functions = vars(importlib.import_module(script))
        for name in [name for name in functions if name.startswith(SCENARIOS)]:
            print(json.dumps(outcome(functions[name])), file=told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
