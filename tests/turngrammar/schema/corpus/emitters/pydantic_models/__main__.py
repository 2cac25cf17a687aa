"""Models of Pydantic, as `TypeAdapter.json_schema` writes them: a JSON line each.

Arguments name the cases; without any, all are written. Those with decimals differ between versions of Pydantic.
"""

import json
import sys

import agents
import containers
import scalars
import unions

wanted = sys.argv[1:]
for case in (*scalars.CASES, *containers.CASES, *unions.CASES, *agents.CASES):
    if case.id in wanted or not wanted:
        print(json.dumps(case.row(), ensure_ascii=False))
