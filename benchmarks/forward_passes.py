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
from benchmarks.client import Answer, Failed, Output, connected
from benchmarks.contestants import GIVEN, OURS, PAIRINGS, Contestant, Pairing, contest, label, names_in
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Line, Report, comparison, publish
from benchmarks.targets import Target
from benchmarks.workload import Missing, Task

GOALS = {"extraction": 0.36, "tool_calls": 0.30}
UNIT = "forward passes"
# The first tasks of each kind, whose passes are counted one at a time on every server.
PROOF = 8
# Requests at a time, for the others, if passes can be inferred from tokens.
AT_ONCE = 8


@dataclass(frozen=True)
class PassCount:
    """One answer, its forward passes and its output."""

    answer: Answer
    steps: int
    output: Output

    @property
    def one_per_token(self) -> bool:
        """Whether it took one pass per token."""
        return self.steps == self.answer.tokens


Counts = Mapping[str, PassCount]  # by task


def workloads(options: Options) -> dict[str, list[Task]]:
    """The tasks by kind. Kinds with missing data are left out, with a message."""
    available = {}
    for name, tasks in (("extraction", workload.extraction), ("tool_calls", workload.tool_calls)):
        try:
            available[name] = tasks(options.rows or (3 if options.quick else None))
        except Missing as missing:
            say(f"{name}: {missing}")
    return available


async def count_passes(contestant: Contestant, tasks: Sequence[Task]) -> Counts:
    """By task, without refused ones."""
    async with connected() as http:
        proof = [await _unless_refused(_count_steps, contestant, task, http) for task in tasks[:PROOF]]
        rest = tasks[PROOF:]
        if all(count is None or count.one_per_token for count in proof):
            slots = asyncio.Semaphore(AT_ONCE)
            others = await asyncio.gather(*(_count_in_slot(contestant, task, http, slots) for task in rest))
        else:
            others = [await _unless_refused(_count_steps, contestant, task, http) for task in rest]
    counts = zip(tasks, [*proof, *others], strict=True)
    return {task.id: count for task, count in counts if count is not None}


async def _unless_refused(
    counting: Callable[[Contestant, Task, Any], Awaitable[PassCount]], contestant: Contestant, task: Task, http: Any
) -> PassCount | None:
    try:
        return await counting(contestant, task, http)
    except Failed as failed:
        say(f"{contestant.name} refused {task.id}: {failed}")
        return None


async def _count_in_slot(contestant: Contestant, task: Task, http: Any, slots: asyncio.Semaphore) -> PassCount | None:
    async with slots:
        return await _unless_refused(_count_tokens, contestant, task, http)


async def _count_tokens(contestant: Contestant, task: Task, http: Any) -> PassCount:
    answer = await contestant.answer(http, contestant.prepare(task))
    return PassCount(answer, answer.tokens, contestant.output(task, answer))


async def _count_steps(contestant: Contestant, task: Task, http: Any) -> PassCount:
    """The server must have no other requests."""
    before = contestant.server.steps()
    answer = await contestant.answer(http, contestant.prepare(task))
    steps = await _steady_steps(contestant, before)
    return PassCount(answer, steps - before, contestant.output(task, answer))


async def _steady_steps(contestant: Contestant, before: int) -> int:
    """The steps once the count is steady: vLLM counts a step after it has returned its output."""
    last = -1
    while last <= before or last != contestant.server.steps():
        last = contestant.server.steps()
        await asyncio.sleep(0.01)
    return last


def measure(target: Target, kinds: Mapping[str, Sequence[Task]], names: Sequence[str]) -> dict[str, dict[str, Counts]]:
    """By contestant, then by workload. The servers run one after the other: passes don't depend on load."""
    passes: dict[str, dict[str, Counts]] = {}
    for name in names:
        with contest(target, [name]) as (contestant,):
            for kind, tasks in kinds.items():
                say(f"{name}: {kind}, {len(tasks)} requests")
                passes.setdefault(name, {})[kind] = asyncio.run(count_passes(contestant, tasks))
    return passes


def comparison_line(name: str, pairing: Pairing, tasks: Sequence[str], ours: Counts, theirs: Counts) -> Line:
    first, second = ([counts[task].steps for task in tasks] for counts in (ours, theirs))
    goal = GOALS.get(name) if pairing == (OURS, GIVEN) else None
    return Line(label(name, pairing), UNIT, sum(first), sum(second), paired(first, second), goal)


def lines_of(kind: str, pairing: Pairing, ours: Counts, theirs: Counts) -> list[Line]:
    """For the tasks that both answered, and for those of them that neither truncated at max_tokens."""
    both = [task for task in ours if task in theirs]
    ended = [task for task in both if "length" not in (ours[task].answer.finish, theirs[task].answer.finish)]
    named = [(kind, both), (f"{kind}, untruncated", ended)]
    return [comparison_line(name, pairing, tasks, ours, theirs) for name, tasks in named if tasks]


def remarks(kind: str, ours: Counts, given: Counts) -> list[str]:
    """How many answers are identical, and whether vLLM took one pass per token."""
    both = [task for task in ours if task in given]
    plain = sum(count.one_per_token for count in list(given.values())[:PROOF])
    same = sum(ours[task].output == given[task].output for task in both)
    return [
        f"{kind}: {same} of {len(both)} answers with the same grammar are identical",
        f"{kind}: {plain} of vLLM's first {PROOF} took exactly one pass per token",
    ]


def report(options: Options, pairings: Sequence[Pairing] = PAIRINGS) -> Report:
    kinds = workloads(options)
    passes = measure(options.model, kinds, names_in(pairings))
    lines = [
        line
        for kind in kinds
        for pairing in pairings
        for line in lines_of(kind, pairing, passes[pairing[0]][kind], passes[pairing[1]][kind])
    ]
    notes = [remark for kind in kinds for remark in remarks(kind, passes[OURS][kind], passes[GIVEN][kind])]
    figures: dict[str, Any] = {kind: _figure(lines, label(kind, (OURS, GIVEN))) for kind in GOALS}
    return comparison("forward_passes", "Forward passes for an answer", lines, figures, notes)


def _figure(lines: Sequence[Line], label: str) -> float | None:
    return next((round(line.ratio.value, 4) for line in lines if line.label == label), None)


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
