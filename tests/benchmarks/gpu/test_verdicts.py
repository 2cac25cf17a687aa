"""What made-up measurements decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.gpu.plan import AUTO, FORCED, FULL, OFF, STOCK
from benchmarks.gpu.rates import DOCUMENTS, FEWEST, FREE_TEXT
from benchmarks.gpu.verdicts import choice, default, race, verdicts

LOADS = (1, 8, 64, 256)


def speeds(server: str, by_load: Mapping[int, Sequence[float]], kind: str = DOCUMENTS) -> dict[str, Any]:
    """Tokens per second, round by round."""
    return {
        f"rates/{server}/{kind}/{load}/{turn}": {"tokens": rate, "answers": max(load, FEWEST), "seconds": 1}
        for load, rates in by_load.items()
        for turn, rate in enumerate(rates)
    }


def flat(*rates: float) -> dict[int, list[float]]:
    """Two rounds alike at each load."""
    return {load: [rate, rate] for load, rate in zip(LOADS, rates, strict=True)}


BASE = speeds(OFF, flat(100, 100, 100, 100))


def sentence(measured: Mapping[str, Any], begins: str) -> str:
    return next(each for each in verdicts(measured, LOADS) if each.startswith(begins))


def test_a_mode_that_is_faster_everywhere_is_the_default_everywhere() -> None:
    measured = {**BASE, **speeds(AUTO, flat(300, 200, 150, 110)), **speeds(FORCED, flat(120, 120, 120, 105))}
    assert default(measured, LOADS) == "Default: auto from 1 to 256 at once."


def test_a_mode_that_is_slower_at_a_load_is_not_the_default_there() -> None:
    measured = {**BASE, **speeds(AUTO, flat(300, 131, 90, 97)), **speeds(FORCED, flat(120, 120, 120, 95))}
    assert default(measured, LOADS) == "Default: auto from 1 to 8, forced at 64, off at 256 at once."
    said = sentence(measured, "Documents, auto over off")
    assert said == "Documents, auto over off: 3.00x at 1, 1.31x at 8, 0.90x at 64, 0.97x at 256."


def test_forced_is_the_default_where_both_are_faster_and_auto_is_the_slower_one() -> None:
    measured = {**BASE, **speeds(AUTO, flat(120, 120, 120, 120)), **speeds(FORCED, flat(110, 150, 120, 120))}
    assert [choice(measured, load) for load in LOADS] == [AUTO, FORCED, AUTO, AUTO]


def test_rounds_that_disagree_decide_nothing() -> None:
    measured = {**BASE, **speeds(AUTO, {8: [93, 130]}), **speeds(FORCED, {8: [90, 110]})}
    assert race(measured, DOCUMENTS, 8, AUTO, OFF).decision == "not decided"
    assert choice(measured, 8) == OFF
    said = sentence(measured, "Documents, auto over off")
    assert said.endswith("auto over off: 1.11x (not decided: 0.93 to 1.30) at 8, not measured at 1, 64, 256.")


def test_one_round_decides_nothing() -> None:
    measured = {**speeds(OFF, {8: [100]}), **speeds(AUTO, {8: [300]})}
    assert race(measured, DOCUMENTS, 8, AUTO, OFF).decision == "not decided"
    assert "3.00x (not decided: one round) at 8" in sentence(measured, "Documents, auto over off")


def test_a_difference_of_less_than_noise_decides_nothing() -> None:
    measured = {**speeds(OFF, flat(100, 100, 100, 100)), **speeds(AUTO, flat(101, 99, 103, 97))}
    decisions = [race(measured, DOCUMENTS, load, AUTO, OFF).decision for load in LOADS]
    assert decisions == ["not decided", "not decided", "faster", "slower"]
    assert default(measured, LOADS) == "Default: off from 1 to 8, auto at 64, off at 256 at once."


def test_only_rounds_that_both_have_are_compared() -> None:
    measured = {**speeds(OFF, {8: [100, 100, 100]}), **speeds(AUTO, {8: [200, 200]})}
    ratio = race(measured, DOCUMENTS, 8, AUTO, OFF).ratio
    assert ratio is not None
    assert ratio.pairs == 2
    assert ratio.value == 2


def test_what_is_missing_is_not_measured() -> None:
    assert default({}, LOADS) == "Default: not measured."
    assert default(speeds(AUTO, flat(1, 1, 1, 1)), LOADS) == "Default: not measured."
    measured = {**BASE, **speeds(AUTO, {1: [200, 200]})}
    assert default(measured, LOADS) == "Default: auto at 1, not measured from 8 to 256 at once."
    assert all("not measured" in each or "not compared" in each for each in verdicts({}, LOADS))


def test_a_mode_whose_memory_ran_out_is_no_default() -> None:
    measured = {
        **BASE,
        **speeds(AUTO, flat(300, 300, 300, 300)),
        **speeds(FORCED, flat(200, 200, 200, 200)),
        "memory/auto/sampled": wave(answered=17, out_of_memory=True),
    }
    assert default(measured, LOADS) == "Default: forced from 1 to 256 at once."
    said = sentence(measured, "Memory")
    assert "OUT OF MEMORY in sampled (17 of 256 answered)" in said


def test_a_server_that_fell_back_to_no_drafts_decides_nothing_about_them() -> None:
    measured = {
        **BASE,
        **speeds(AUTO, flat(101, 101, 101, 101)),
        "start/auto": {"drafts": "off", "degraded": ["drafts: they are off. vLLM has no such thing"]},
        "start/forced": {"drafts": "forced", "degraded": []},
    }
    assert default(measured, LOADS) == "Default: not measured."
    said = sentence(measured, "DRAFTS")
    assert said == "DRAFTS auto: ITS SERVER RAN WITH DRAFTS off: drafts: they are off. vLLM has no such thing"


def wave(answered: int = 256, out_of_memory: bool = False, used: float = 71_680) -> dict[str, Any]:
    memory = {"used_mib": used, "total_mib": 81_920}
    return {"asked": 256, "answered": answered, "out_of_memory": out_of_memory, "drafted_per_pass": 250.2, **memory}


def test_memory_that_holds_is_said_with_its_peak() -> None:
    measured = {"memory/auto/greedy": wave(used=70_000), "memory/auto/sampled": wave()}
    assert sentence(measured, "Memory") == (
        "Memory, auto: held in 2 waves (greedy, sampled); at most 70.0 of 80.0 GiB, 250 drafted tokens a pass."
    )


def test_waves_without_drafts_prove_nothing() -> None:
    measured = {"memory/auto/greedy": wave(), "memory/auto/sampled": {**wave(), "drafted_per_pass": 0}}
    assert sentence(measured, "Memory").endswith("a pass, NOTHING DRAFTED in sampled.")


@pytest.mark.parametrize(
    ("stock", "said"),
    [
        ({8: [100, 100]}, "Free text, auto: not slower than vllm serve: 1.00x (not decided: 0.99 to 1.01) at 8"),
        ({8: [120, 130]}, "Free text, auto: slower than vllm serve: 0.80x at 8"),
        ({8: [90, 112]}, "Free text, auto: not decided against vllm serve: 0.99x (not decided: 0.90 to 1.10) at 8"),
        ({}, "Free text, auto: not slower than off: 1.25x at 8"),
    ],
)
def test_free_text_is_held_against_vllms_own_server(stock: dict[int, list[float]], said: str) -> None:
    measured = {
        **speeds(OFF, {8: [80, 80]}, FREE_TEXT),
        **speeds(AUTO, {8: [99, 101]}, FREE_TEXT),
        **speeds(STOCK, stock, FREE_TEXT),
    }
    assert sentence(measured, "Free text, auto").startswith(said)


def test_equal_answers_are_counted_beside_those_of_another_batch() -> None:
    texts = {f"task {number}": [str(number), []] for number in range(4)}
    other = {**texts, "task 3": ["different", []]}
    measured = {
        "answers/off/first": texts,
        "answers/off/again": other,
        "answers/auto/first": {**texts, "task 0": ["different", []], "task 1": None},
    }
    assert sentence(measured, "Answers, auto") == (
        "Answers, auto: 2 of 3 greedy answers are those of off; off itself in another batch: 3 of 4."
    )
    assert sentence(measured, "Answers, forced") == "Answers, forced: not compared."


def test_full_graphs_are_held_against_the_same_drafts_without() -> None:
    measured = {**speeds(AUTO, flat(100, 100, 100, 100)), **speeds(f"{AUTO}, {FULL}", flat(104, 104, 104, 90))}
    said = sentence(measured, "cudagraph_mode=FULL, auto")
    assert said == "cudagraph_mode=FULL, auto: 1.04x at 1, 1.04x at 8, 1.04x at 64, 0.90x at 256 of its speed without."


def test_the_sampler_is_sound_or_wrong_or_does_not_run() -> None:
    measured = {
        "sampler/sound/V1": {"sound": True},
        "sampler/sound/V2": {"failed": "RuntimeError: 0 active drivers"},
        "sampler/PyTorch alone/256": {"rows": 256, "vocabulary": 152_064, "mib": 300},
        "sampler/PyTorch alone/4352": {"rows": 4352, "vocabulary": 152_064, "mib": 8704},
    }
    said = sentence(measured, "Sampler")
    assert "V1 sound, V2 does not run here" in said
    assert "2.00 MiB PyTorch alone" in said
    assert "V1 WRONG" in sentence({"sampler/sound/V1": {"sound": False}}, "Sampler")
