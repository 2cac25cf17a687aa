"""Drafts over a real engine: the same answers, in fewer forward passes."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.e2e.conftest import ENGINE, MODEL

INVOICE = """INVOICE 2024-0117. Northwind Paper Ltd. To: Zürich Print AG. Date: 14 May 2024.
2 x laser paper A4 at 4.50; 1 x ink cartridge, black, at 31.00. Total due: 40.00 EUR, within 30 days."""
SCHEMA = {
    "type": "object",
    "properties": {
        "invoice_number": {"type": "string", "maxLength": 20},
        "vendor": {"type": "string", "maxLength": 40},
        "customer": {"type": "string", "maxLength": 40},
        "currency": {"enum": ["EUR", "USD", "CHF"]},
        "total": {"type": "number"},
        "items": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"description": {"type": "string", "maxLength": 40}, "quantity": {"type": "integer"}},
                "required": ["description", "quantity"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["invoice_number", "vendor", "customer", "currency", "total", "items"],
    "additionalProperties": False,
}
EXTRACT: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": INVOICE}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "invoice", "schema": SCHEMA}},
    "temperature": 0,
    "max_tokens": 300,
}
COIN: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Throw a coin, A or B."}],
    "temperature": 1.2,
    "max_tokens": 40,
    "extra_body": {"structured_outputs": {"regex": "( [AB]){20}"}},
}
# A bias of a token that is no text: guesses are off. With log probabilities, the opening is not put into the prompt.
UNDRAFTED: dict[str, Any] = {"logit_bias": {"0": -1}, "logprobs": True}


# The engine's own count of its forward passes.
PASSES = {"vllm": "vllm:iteration_tokens_total_count", "portable": "latticework_forward_passes_total"}


def saved(http: httpx.Client) -> list[float]:
    """Forced and copied tokens, as our own metrics count them."""
    text = http.get("/metrics").text
    found = [
        re.search(rf"^latticework_{kind}_tokens_total{{[^}}]*}} (\S+)$", text, re.MULTILINE)
        for kind in ("forced", "copied")
    ]
    return [float(one[1]) if one else 0.0 for one in found]


def passes(http: httpx.Client) -> float:
    found = re.search(rf"^{PASSES[ENGINE]}{{[^}}]*}} (\S+)$", http.get("/metrics").text, re.MULTILINE)
    assert found
    return float(found[1])


@pytest.mark.parametrize("penalty", [None, 1.3])
def test_a_greedy_answer_is_the_same_with_fewer_passes(
    client: OpenAI, http: httpx.Client, penalty: float | None
) -> None:
    penalized: dict[str, Any] = {"extra_body": {"repetition_penalty": penalty}} if penalty else {}
    before = passes(http)
    drafted = client.chat.completions.create(**EXTRACT, **penalized)
    between = passes(http)
    plain = client.chat.completions.create(**EXTRACT, **UNDRAFTED, **penalized)
    after = passes(http)
    assert drafted.choices[0].message.content == plain.choices[0].message.content
    assert drafted.usage and plain.usage
    assert drafted.usage.completion_tokens == plain.usage.completion_tokens
    assert drafted.usage.prompt_tokens == plain.usage.prompt_tokens
    assert between - before < after - between
    # Forced tokens are drafted beside log probabilities too; the portable engine has these for sampled tokens only.
    assert after - between < drafted.usage.completion_tokens + (ENGINE == "portable")


def test_a_tool_call_is_drafted_too(client: OpenAI, http: httpx.Client) -> None:
    function = {
        "name": "find_invoices",
        "parameters": {
            "type": "object",
            "properties": {"vendor": {"type": "string", "maxLength": 30}, "unpaid_only": {"type": "boolean"}},
            "required": ["vendor", "unpaid_only"],
        },
    }
    ask: dict[str, Any] = {
        **{name: value for name, value in EXTRACT.items() if name != "response_format"},
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }
    before, saved_before = passes(http), saved(http)
    drafted = client.chat.completions.create(**ask)
    spent, (forced, copied) = (
        passes(http) - before,
        (now - then for now, then in zip(saved(http), saved_before, strict=True)),
    )
    plain = client.chat.completions.create(**ask, **UNDRAFTED)
    assert [call.function for call in drafted.choices[0].message.tool_calls or ()] == [
        call.function for call in plain.choices[0].message.tool_calls or ()
    ]
    assert drafted.usage and spent < drafted.usage.completion_tokens / 2
    # Each token took a pass, or is told to have needed none.
    assert drafted.usage.completion_tokens == spent + forced + copied
    assert forced > 0


def test_what_nothing_rules_is_not_drafted(client: OpenAI, http: httpx.Client) -> None:
    before = passes(http)
    ask = {name: value for name, value in EXTRACT.items() if name != "response_format"}
    answer = client.chat.completions.create(**{**ask, "max_tokens": 12}, extra_body={"ignore_eos": True})
    assert answer.usage and answer.usage.completion_tokens == 12 == passes(http) - before


@pytest.mark.skipif(ENGINE == "portable", reason="nothing is guessed there, with a seed or without")
def test_sampled_answers_have_the_same_distribution(client: OpenAI) -> None:
    """Copies are drafted here for answers without a seed, and for answers with one they are not."""

    def sample(seed: int | None) -> str:
        seeded: dict[str, Any] = {} if seed is None else {"seed": seed}
        answer = client.chat.completions.create(**COIN, **seeded)
        return (answer.choices[0].message.content or "").replace(" ", "")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(sample, [None] * 48 + list(range(48))))
    assert all(re.fullmatch("[AB]{20}", answer) for answer in answers)
    assert probability(answers[:48], answers[48:]) > 1e-3


def probability(one: Sequence[str], other: Sequence[str], rounds: int = 2000) -> float:
    """How likely two groups of answers from one distribution would differ as much as these, by their 4-grams.

    The groups are drawn anew among all answers, each of which stays whole: its 4-grams depend on each other.
    """
    rng, answers = random.Random(1), [*one, *other]
    apart = difference(one, other)
    further = 0
    for _ in range(rounds):
        rng.shuffle(answers)
        further += difference(answers[: len(one)], answers[len(one) :]) >= apart
    return (further + 1) / (rounds + 1)


def difference(one: Sequence[str], other: Sequence[str]) -> float:
    """Chi-squared of the counts of 4-grams."""
    counts, others = grams(one), grams(other)
    return sum((counts[gram] - others[gram]) ** 2 / (counts[gram] + others[gram]) for gram in counts | others)


def grams(answers: Sequence[str]) -> Counter[str]:
    return Counter(answer[at : at + 4] for answer in answers for at in range(len(answer) - 3))


def test_groups_that_differ_are_told_apart() -> None:
    """The sampler of a CPU that was not mended: ABBB came a quarter as often."""
    rng = random.Random(2)
    fair = ["".join(rng.choices("AB", k=20)) for _ in range(96)]
    biased = [answer.replace("ABBB", "ABBA") for answer in fair[48:]]
    assert probability(fair[:48], fair[48:]) > 0.05
    assert probability(fair[:48], biased) < 1e-3
