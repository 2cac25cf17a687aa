"""Several tiny models in one server, all kinds of requests to each, and what came out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from latticework.engines.huggingface import HuggingFaceTokenizer
from tests.e2e.families.asking import REPEATABLE, SAMPLINGS, Answer, ask, body, is_asked
from tests.e2e.families.biases import FAMILIES
from tests.e2e.families.judging import faults, outcome
from tests.e2e.families.kinds import KINDS, Kind
from tests.families import families, loaded
from tests.real import KEY, RunningServer, serving
from tests.tiny import checkpoint

ROOT = Path(__file__).parents[3]
START = "import sys; from latticework.cli import main; sys.exit(main())"
# Little memory: an engine's own gigabyte is more than enough. In float32 an answer does not depend on its batch.
ARGUMENTS: Mapping[str, Mapping[str, object]] = {
    "vllm": {
        "enforce_eager": True,
        "dtype": "float32",
        "max_model_len": 2048,
        "max_num_seqs": 8,
        "kv_cache_memory_bytes": 2**25,
    },
    "portable": {"max_model_len": 2048, "max_num_seqs": 8},
}


@dataclass
class Results:
    """Of one kind and family: how many ended how, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@contextmanager
def server(names: Sequence[str], engine: str, drafts: str, folder: Path) -> Iterator[RunningServer]:
    """One server with a model for each of these families, by its name."""
    models = [_model(name, engine, checkpoint(families()[name], folder / name)) for name in names]
    config = folder / "config.toml"
    config.write_text("\n".join(models))
    command = [sys.executable, "-c", START, "serve", "--config", str(config), "--port", "0"]
    command += ["--engine", engine, "--drafts", drafts]
    environ = {"LATTICEWORK_API_KEYS": KEY, "PYTHONPATH": str(ROOT)}
    with serving(command, environ, folder / f"{engine}-{drafts}.log") as running:
        yield running


def _model(name: str, engine: str, directory: Path) -> str:
    """Its table in the file: JSON's scalars are TOML's."""
    arguments = {"model": str(directory), "served_model_name": name, **ARGUMENTS[engine]}
    rows = [f"{key} = {json.dumps(value)}" for key, value in arguments.items()]
    return "\n".join(["[[models]]", f"[models.{engine}]", *rows])


def results(
    http: httpx.Client, name: str, folder: Path, samplings: Sequence[str] = tuple(SAMPLINGS)
) -> dict[str, Results]:
    """Of one family, by kind."""
    tokenizer = loaded(families()[name], folder / f"{name}-tokenizer")
    asked = [kind for kind in KINDS if is_asked(name, kind)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda kind: _of_kind(http, name, kind, tokenizer, samplings), asked)
        return {kind.name: result for kind, result in zip(asked, found, strict=True)}


def _of_kind(
    http: httpx.Client, name: str, kind: Kind, tokenizer: HuggingFaceTokenizer, samplings: Sequence[str]
) -> Results:
    result = Results()
    for sampling in samplings:
        asked = body(name, kind, tokenizer, sampling)
        whole, streamed = (ask(http, asked, streamed=streamed) for streamed in (False, True))
        for answer in (whole, streamed):
            _note(result, name, kind, answer, tokenizer)
        # Where a client reads slowly, tokens come together, and thoughts end a few tokens behind their limit.
        if sampling in REPEATABLE and not kind.bounded and _message(whole) != _message(streamed):
            result.counts["differs"] += 1
            result.faults.append(f"{name}, {kind.name}, {sampling}: whole {whole}, streamed {streamed}")
    return result


def _note(result: Results, name: str, kind: Kind, answer: Answer, tokenizer: HuggingFaceTokenizer) -> None:
    special = [token for token in tokenizer.special_tokens if token.strip()]
    wrong = faults(kind, answer, special, sure=FAMILIES[name].sure)
    result.counts["requests"] += 1
    result.counts["5xx" if answer.status >= 500 else "wrong" if wrong else outcome(answer)] += 1
    result.counts["thought"] += bool(answer.reasoning.strip())
    result.counts["called"] += bool(answer.calls)
    result.faults += [f"{kind.name}: {fault}: {answer.text[-1500:]}" for fault in wrong]


def _message(answer: Answer) -> tuple[object, ...]:
    return answer.status, answer.finish, answer.content, answer.reasoning, answer.calls
