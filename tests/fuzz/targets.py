"""All targets, by name, and the share of all cases that each gets: what a case costs differs much."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz import asking, compiling, exactness, parsing
from tests.fuzz.target import Target

SHARES: Mapping[Target, float] = {
    compiling.SCHEMAS_OF_NOBODY: 0.025,
    compiling.ALMOST_SCHEMAS: 0.15,
    compiling.TOOLS: 0.1,
    compiling.WRITINGS: 0.19,
    parsing.FORMATS_AT_ANY_CHUNKING: 0.35,
    parsing.BODIES: 0.08,
    asking.ALMOST: 0.095,
    asking.RIGHT: 0.006,
    asking.WRONG: 0.004,
}
# The law of exact plans, of which `make soak` tries as many documents as it does cases of all others.
LAW: Mapping[Target, float] = {exactness.EXACTNESS: 1.0}
TARGETS: Mapping[str, Target] = {target.name: target for target in (*SHARES, *LAW)}
