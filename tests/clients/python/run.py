"""Runs the scenarios of a script, and tells what came of them, a line of JSON each.

    python run.py with_openai openai

The first line has the versions of the packages that are named. A scenario is a function of the script whose name begins
with structured_output, tool_loop, streaming, error or completion; it has passed when it returns.
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

SCENARIOS = ("structured_output", "tool_loop", "streaming", "error", "completion")


def outcome(function):
    start = time.monotonic()
    try:
        answer = function()
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
        failure = None
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a scenario
        traceback.print_exc()
        failure = f"{type(error).__name__}: {error}"[:500]
    return {"scenario": function.__name__, "seconds": round(time.monotonic() - start, 1), "failure": failure}


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
