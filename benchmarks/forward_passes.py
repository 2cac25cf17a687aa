"""Forward passes per answer: an exact number, the same on every machine.

    python -m benchmarks.forward_passes [--json] [--quick] [--rows N]

60 documents over 12 extraction schemas (benchmarks/corpus), and the rows of BFCL's dev file that expect a call, with
`tool_choice: "required"` (../shared/data beside the checkout, else skipped); greedy, one at a time. A pass is an engine
step that returned a token, as counted by both servers' /metrics: one for the prompt, then one for each token or each
accepted draft with its token. vLLM takes one per token, which is verified for the first rows of each kind; if so, its
other rows run eight at a time, and their passes are their tokens. Each workload has two ratios, latticework's passes
over vLLM's: with own defaults, and with vLLM given the same prompt tokens and grammar, which removes the effect of
whitespace and wording. For the latter the outputs are compared too: floating point may decide a tie differently. A
small model that repeats itself up to max_tokens is easy to draft for, so untruncated answers have separate ratios.

--json ends with {"extraction": ..., "tool_calls": ...}, the second ratio of each; null if skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import workload
from benchmarks.client import Answer, Failed, Said, connected
from benchmarks.contestants import GIVEN, OURS, PAIRINGS, Contestant, Pairing, contest, label, names_in
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Line, Report, comparison, publish
from benchmarks.targets import Target
from benchmarks.workload import Missing, Task

GOALS = {"extraction": 0.36, "tool_calls": 0.30}
UNIT = "forward passes"
# Of each kind, so many are counted one at a time whoever answers; and so many are asked at once where that is enough.
PROOF = 8
AT_ONCE = 8


@dataclass(frozen=True)
class Counted:
    """One answer, the passes that it took, and what it says."""

    answer: Answer
    steps: int
    said: Said

    @property
    def plain(self) -> bool:
        """Whether it took one pass a token."""
        return self.steps == self.answer.tokens


Counts = Mapping[str, Counted]  # by task


def workloads(options: Options) -> dict[str, list[Task]]:
    """The tasks by kind; a kind that is not there is left out, with a word about it."""
    found = {}
    for name, tasks in (("extraction", workload.extraction), ("tool_calls", workload.tool_calls)):
        try:
            found[name] = tasks(options.rows or (3 if options.quick else None))
        except Missing as missing:
            say(f"{name}: {missing}")
    return found


async def count(contestant: Contestant, tasks: Sequence[Task]) -> Counts:
    """By task; what is refused is left out."""
    async with connected() as http:
        proof = [await _unless_refused(_counted, contestant, task, http) for task in tasks[:PROOF]]
        rest = tasks[PROOF:]
        if all(one is None or one.plain for one in proof):
            places = asyncio.Semaphore(AT_ONCE)
            told = await asyncio.gather(*(_told(contestant, task, http, places) for task in rest))
        else:
            told = [await _unless_refused(_counted, contestant, task, http) for task in rest]
    return {task.id: one for task, one in zip(tasks, [*proof, *told], strict=True) if one is not None}


async def _unless_refused(
    counting: Callable[[Contestant, Task, Any], Awaitable[Counted]], contestant: Contestant, task: Task, http: Any
) -> Counted | None:
    try:
        return await counting(contestant, task, http)
    except Failed as failed:
        say(f"{contestant.name} refused {task.id}: {failed}")
        return None


async def _told(contestant: Contestant, task: Task, http: Any, places: asyncio.Semaphore) -> Counted | None:
    async with places:
        return await _unless_refused(_by_tokens, contestant, task, http)


async def _by_tokens(contestant: Contestant, task: Task, http: Any) -> Counted:
    answer = await contestant.answer(http, contestant.prepare(task))
    return Counted(answer, answer.tokens, contestant.said(task, answer))


async def _counted(contestant: Contestant, task: Task, http: Any) -> Counted:
    """One, with nothing else under way."""
    before = contestant.server.steps()
    answer = await contestant.answer(http, contestant.prepare(task))
    steps = await _settled(contestant, before)
    return Counted(answer, steps - before, contestant.said(task, answer))


async def _settled(contestant: Contestant, before: int) -> int:
    """vLLM counts a step after it has passed on what came of it."""
    last = -1
    while last <= before or last != contestant.server.steps():
        last = contestant.server.steps()
        await asyncio.sleep(0.01)
    return last


def measure(target: Target, kinds: Mapping[str, Sequence[Task]], names: Sequence[str]) -> dict[str, dict[str, Counts]]:
    """By contestant, then by workload. One server after the other: passes don't depend on what else runs."""
    found: dict[str, dict[str, Counts]] = {}
    for name in names:
        with contest(target, [name]) as (contestant,):
            for kind, tasks in kinds.items():
                say(f"{name}: {kind}, {len(tasks)} requests")
                found.setdefault(name, {})[kind] = asyncio.run(count(contestant, tasks))
    return found


def line(name: str, pairing: Pairing, tasks: Sequence[str], ours: Counts, theirs: Counts) -> Line:
    first, second = ([counts[task].steps for task in tasks] for counts in (ours, theirs))
    goal = GOALS.get(name) if pairing == (OURS, GIVEN) else None
    return Line(label(name, pairing), UNIT, sum(first), sum(second), paired(first, second), goal)


def lines_of(kind: str, pairing: Pairing, ours: Counts, theirs: Counts) -> list[Line]:
    """Over the tasks that both answered, and over those of them that neither ran on to max_tokens with."""
    both = [task for task in ours if task in theirs]
    ended = [task for task in both if "length" not in (ours[task].answer.finish, theirs[task].answer.finish)]
    named = [(kind, both), (f"{kind}, untruncated", ended)]
    return [line(name, pairing, tasks, ours, theirs) for name, tasks in named if tasks]


def remarks(kind: str, ours: Counts, given: Counts) -> list[str]:
    """How far the two are the same run."""
    both = [task for task in ours if task in given]
    same = sum(ours[task].said == given[task].said for task in both)
    return [
        f"{kind}: {same} of {len(both)} answers with the same grammar are identical",
        f"{kind}: {_plain(list(given.values())[:PROOF])} of vLLM's first {PROOF} took exactly one pass per token",
    ]


def _plain(counted: Sequence[Counted]) -> int:
    return sum(one.plain for one in counted)


def report(options: Options, pairings: Sequence[Pairing] = PAIRINGS) -> Report:
    kinds = workloads(options)
    found = measure(options.model, kinds, names_in(pairings))
    lines = [
        one
        for kind in kinds
        for pairing in pairings
        for one in lines_of(kind, pairing, found[pairing[0]][kind], found[pairing[1]][kind])
    ]
    told = [remark for kind in kinds for remark in remarks(kind, found[OURS][kind], found[GIVEN][kind])]
    figures: dict[str, Any] = {kind: _figure(lines, label(kind, (OURS, GIVEN))) for kind in GOALS}
    return comparison("forward_passes", "Forward passes for an answer", lines, figures, told)


def _figure(lines: Sequence[Line], label: str) -> float | None:
    return next((round(one.ratio.value, 4) for one in lines if one.label == label), None)


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
