"""Cost of parsing an answer: microseconds per streamed token, at growing lengths, for formats of each kind.

    python -m benchmarks.parser_cost [--json]

A token is one to seven characters, as a server streams them. Each figure is the best of five rounds, which removes the
noise. If parsing takes linear time, the figures are the same for all lengths.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Sequence

from turngrammar.formats import FORMATS, Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, Turn

NAMES = ("hermes", "llama3", "deepseek_v3", "harmony", "qwen3_coder", "gemma4", "pythonic")
LENGTHS = (1_000, 10_000, 100_000)  # characters of one argument
ROUNDS = 5
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "<b>", "and", "[x]", "{y}"]
NOTE = Tool(
    "save_note",
    parameters={
        "type": "object",
        "properties": {"text": {"type": "string"}, "words": {"type": "array", "items": {"type": "string"}}},
    },
)


def pieces(text: str, rng: random.Random) -> list[str]:
    """The text in tokens of one to seven characters."""
    tokens, at = [], 0
    while at < len(text):
        size = rng.randint(1, 7)
        tokens.append(text[at : at + size])
        at += size
    return tokens


def answer(format: Format, length: int, rng: random.Random) -> str:
    """One call with a long string and a list."""
    words = rng.choices(WORDS, k=length // 5)
    return render(format, [Call("save_note", json.dumps({"text": " ".join(words), "words": words[:100]}))])


def microseconds_per_token(plan: Plan, tokens: Sequence[str]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        parser = plan.parser()
        started = time.perf_counter()
        for token in tokens:
            parser.feed(token)
        parser.close()
        best = min(best, time.perf_counter() - started)
    return best / len(tokens) * 1e6


def measure() -> dict[str, list[float]]:
    """For each format, the cost at each of LENGTHS."""
    rng = random.Random(1)
    return {
        name: [
            round(microseconds_per_token(plan, pieces(answer(FORMATS[name], length, rng), rng)), 2)
            for length in LENGTHS
        ]
        for name in NAMES
        for plan in [compile_turn(Turn(FORMATS[name], (NOTE,)))]
    }


def main() -> None:
    figures = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures))
        return
    print("µs per token at".ljust(16), *(f"{length:>9,}" for length in LENGTHS))
    for name, costs in figures.items():
        print(name.ljust(16), *(f"{cost:9.2f}" for cost in costs))


if __name__ == "__main__":
    main()
