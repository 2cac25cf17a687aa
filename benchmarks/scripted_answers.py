"""Answers that are known beforehand, to be replayed: invoices, labels, and tool calls, with Qwen3's tokenizer.

Invoices and labels were written by hand for documents of the corpus; the calls are those that BFCL expects
(../shared/data beside the checkout).
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import transformers

from benchmarks.workload import BFCL, CORPUS, Missing, bfcl_rows, spread
from latticework import embedded
from latticework.engines.huggingface import HuggingFaceTokenizer
from turngrammar.formats import HERMES
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Tool, ToolChoice, Turn

QWEN = BFCL.parent / "families" / "qwen3"
VOCABULARY = 151_936
END = "<|im_end|>"
KINDS = ("invoice", "call", "label")
# Calls that differ; invoices and labels are five each.
CALLS = 20


@dataclass(frozen=True)
class Scripted:
    """One answer with the tokens of its prompt, its own with the end, and its grammar."""

    kind: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    grammar: str


def tokenizer_folder() -> Path:
    """A folder with Qwen3's tokenizer. Raises Missing."""
    packed = QWEN / "tokenizer.json.xz"
    if not packed.exists():
        raise Missing("skipped: ../shared/data/families/qwen3 is not beside this checkout")
    folder = embedded.cache_directory() / "qwen3-tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes(lzma.decompress(packed.read_bytes()))
    for name in ("tokenizer_config.json", "chat_template.jinja"):
        (folder / name).write_text((QWEN / name).read_text())
    return folder


def scripted_answers(folder: Path, number: int) -> list[Scripted]:
    """So many, of all kinds in turn; where there are no more, they come again. Raises Missing."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    special = HuggingFaceTokenizer(tokenizer, VOCABULARY).special_tokens
    kinds = [
        cycle([scripted_answer(tokenizer, special, kind, *parts) for parts in source])
        for kind, source in zip(KINDS, (_invoices(), _calls(), _labels()), strict=True)
    ]
    return list(islice((next(kind) for kind in cycle(kinds)), number))


# Of one answer: the fields of its request beside the messages, the last message, what is asked for, and the answer.
_Parts = tuple[Mapping[str, Any], str, Turn, str]


def scripted_answer(
    tokenizer: Any,
    special: Mapping[str, int],
    kind: str,
    fields: Mapping[str, Any],
    message: str,
    turn: Turn,
    answer: str,
) -> Scripted:
    """`fields`: of the request, beside the messages; `message`: the last one; `turn`: what is asked for."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], add_generation_prompt=True, tokenize=False, **fields
    )
    grammar = compile_turn(replace(turn, special_tokens=special)).grammar
    assert grammar is not None
    return Scripted(kind, tuple(tokenizer.encode(text)), tuple(tokenizer.encode(answer + END)), grammar)


def _invoices() -> Iterator[_Parts]:
    case, answers = _read("invoice.json"), _read("answers/invoice.json")
    yield from _documents(case["task"], case["schema"], case["documents"], answers)


def _labels() -> Iterator[_Parts]:
    labels = _read("answers/labels.json")
    documents = _read(f"{labels['documents']}.json")["documents"]
    yield from _documents(labels["task"], labels["schema"], documents, labels["answers"])


def _documents(
    task: str, schema: Mapping[str, Any], documents: Sequence[str], answers: Sequence[Mapping[str, Any]]
) -> Iterator[_Parts]:
    turn = Turn(HERMES, content=JsonContent(dict(schema)))
    for document, answer in zip(documents, answers, strict=True):
        yield {}, f"{task}\n\n{document}", turn, json.dumps(answer, ensure_ascii=False)


def _calls() -> Iterator[_Parts]:
    rows = [row for row in bfcl_rows() if row["expect"] == "call" and row["reference_schema_ok"]]
    for row in spread(rows, CALLS):
        functions = [tool["function"] for tool in row["tools"]]
        tools = tuple(Tool(one["name"], one["description"], one["parameters"]) for one in functions)
        calls = [Call(one["name"], json.dumps(one["arguments"], ensure_ascii=False)) for one in row["reference_calls"]]
        turn = Turn(HERMES, tools, ToolChoice("required", most=len(calls)))
        yield {"tools": row["tools"]}, row["messages"][-1]["content"], turn, render(HERMES, calls)


def _read(name: str) -> Any:
    return json.loads((CORPUS / name).read_text())
