"""Forward passes of answers whose strings are quoted from the text, with and without `x-source`, by kind of drafts.

    python -m benchmarks.quotes [--json] [--quick] [--rows N]

The strings of the corpus' ground truth that stand in their documents, word for word, are replayed as answers, one at a
time, with Qwen3's tokenizer (../shared/data beside the checkout, else skipped) through vLLM's own scheduler and
grammars: as quotes, which the grammar copies from the text, and under the same schema without `x-source`. `stock` has
no drafts, and takes one pass a token. `forced` drafts the tokens that the grammar leaves no choice for, and `auto`
copies of the prompt too. Passes are exact; those of `auto` depend on what a step costs, for which steps.py has a model.
Intervals: 95%, by resampling the documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import transformers

from benchmarks import fields, workload
from benchmarks.intervals import bootstrap
from benchmarks.options import Options, say
from benchmarks.results import Bar, Report, run_command
from benchmarks.scripted_answers import VOCABULARY, Scripted, scripted_answer
from benchmarks.steps import CONTESTANTS, Contestant, model_folder
from latticework.engines.huggingface import HuggingFaceTokenizer
from turngrammar.formats import HERMES
from turngrammar.scan import dump_json
from turngrammar.spans import is_whole, quotation
from turngrammar.turn import JsonContent, Turn

WAYS: Mapping[str, Mapping[str, Any]] = {"quotes": {"x-source": True, "minLength": 1}, "strings": {"minLength": 1}}
QUICK_ROWS, ROWS = 2, 60


def quoted_answers(folder: Path, way: str, most: int | None) -> list[Scripted]:
    """One for each document, each a kind of its own. Raises Missing."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    special = HuggingFaceTokenizer(tokenizer, VOCABULARY).special_tokens
    return [
        scripted_answer(tokenizer, special, name, {}, text, _turn(way, text, quotes), dump_json(quotes))
        for name, text, quotes in _documents(most)
    ]


def _documents(most: int | None) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Each document's name, the user's message with it, and its quotes in the order of the truth, if it has any."""
    for task in workload.extraction(most):
        text = task.body["messages"][-1]["content"]
        true = fields.truth(task.id).items()
        quotes = {name: value for name, value in true if isinstance(value, str) and _is_quote(value, text)}
        if quotes:
            yield task.id, text, quotes


def _is_quote(value: str, text: str) -> bool:
    """Whether it stands in the text with whole words."""
    place = quotation(value, (text,))
    return place is not None and is_whole(text, place.start, place.end)


def _turn(way: str, text: str, quotes: Mapping[str, str]) -> Turn:
    properties = {name: {"type": "string", **WAYS[way]} for name in quotes}
    schema = {"type": "object", "properties": properties, "required": list(quotes), "additionalProperties": False}
    return Turn(HERMES, content=JsonContent(schema), texts=(text,))


def passes_per_token(counts: Sequence[tuple[int, int]]) -> float:
    """Of documents, each with its passes and tokens."""
    passes, tokens = map(sum, zip(*counts, strict=True))
    return float(passes / tokens)


def report(options: Options) -> Report:
    folder = model_folder()
    rows, bars, figures = [], [], {}
    for way in WAYS:
        answers = quoted_answers(folder, way, options.of(QUICK_ROWS, ROWS))
        for name in CONTESTANTS:
            say(f"{way}, {name}")
            counts = list(Contestant(name, folder, at_once=1).repetition(answers).passes.values())
            found = bootstrap(counts, passes_per_token)
            passes, tokens = map(sum, zip(*counts, strict=True))
            rows.append((way, name, str(len(counts)), f"{tokens:,}", f"{passes:,}", str(found)))
            bars.append(Bar(f"{way}, {name}", found.value, found.low, found.high))
            figures[f"{way}, {name}"] = found.value
    head = ("", "drafts", "documents", "tokens", "passes", "passes per token (95%)")
    return Report("quotes", "Forward passes of quoted strings", head, rows, bars, "passes per token", figures)


def main() -> None:
    run_command(__doc__, report)


if __name__ == "__main__":
    main()
