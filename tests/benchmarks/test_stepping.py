"""vLLM's schedulers and this server's, stepped in one process."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from vllm.sampling_params import SamplingParams, StructuredOutputsParams

from latticework import embedded
from latticework.engines.drafts import GUESSES
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Turn

with warnings.catch_warnings():  # vLLM's imports warn, and warnings are errors in tests
    warnings.simplefilter("ignore")
    from benchmarks.stepping import Step, SteppedEngine, arguments
    from latticework.engines.vllm.compat.drafting import add_drafts
    from latticework.engines.vllm.compat.requests import specification

pytestmark = pytest.mark.filterwarnings("ignore")

SCHEMA = {
    "type": "object",
    "properties": {"vendor": {"type": "string"}, "currency": {"enum": ["EUR", "USD"]}, "total": {"type": "number"}},
    "required": ["vendor", "currency", "total"],
    "additionalProperties": False,
}
PROMPT = "Extract: an invoice of Acme Corporation Limited over 12.5 USD."
NOTHING: Mapping[str, Any] = {}
DOCUMENT = {"vendor": "Acme Corporation Limited", "currency": "USD", "total": 12.5}


def encode(text: str) -> list[int]:
    from transformers import AutoTokenizer

    tokens: list[int] = AutoTokenizer.from_pretrained(embedded.model_path()).encode(text)
    return tokens


END = encode("<|im_end|>")
ANSWER = [*encode(json.dumps(DOCUMENT)), *END]


def engine(drafts: str, *, in_flight: int = 0, blocks: int = 1024) -> SteppedEngine:
    args = arguments(embedded.model_path(), 4, max_model_len=512, async_scheduling=bool(in_flight))
    if drafts != "off":
        assert add_drafts(args) is None
    return SteppedEngine(args.create_engine_config(), in_flight=in_flight, blocks=blocks)


def add(
    stepped: SteppedEngine, names: str, drafts: str, prompt: str = PROMPT, extra: Mapping[str, Any] = NOTHING
) -> None:
    grammar = compile_turn(Turn(FORMATS["hermes"], content=JsonContent(SCHEMA))).grammar
    assert grammar
    for name in names:
        constraint = StructuredOutputsParams(grammar=grammar if drafts == "off" else specification((), grammar))
        constraint._backend = "guidance"
        params = SamplingParams(
            temperature=0,
            max_tokens=200,
            structured_outputs=constraint,
            extra_args={GUESSES: drafts == "auto", **extra},
        )
        stepped.add(stepped.request(name, encode(f"{name}. {prompt}"), ANSWER, params))


def written(outputs: Sequence[Any]) -> Mapping[str, list[int]]:
    texts: dict[str, list[int]] = {}
    for output in outputs:
        texts.setdefault(output.request_id, []).extend(output.new_token_ids)
    return texts


def passes(stepped: SteppedEngine) -> set[int]:
    return {replay.passes for replay in stepped.worker.replays.values()}


def refuse_hidden_tokens(step: Step) -> None:
    """Each token that the worker returns is one that the masks allow."""
    if not step.scheduled.num_scheduled_tokens:
        return
    assert step.output is not None and step.masks is not None
    rows, scheduled = iter(step.masks.grammar_bitmask), step.scheduled.scheduled_spec_decode_tokens
    for name in step.masks.structured_output_request_ids:
        tokens = step.output.sampled_token_ids[step.output.req_id_to_index[name]]
        own = [next(rows) for _ in range(len(scheduled.get(name, ())) + 1)]
        assert all(own[place][token // 32] >> (token % 32) & 1 for place, token in enumerate(tokens))


@pytest.mark.parametrize(("drafts", "in_flight"), [("off", 0), ("off", 1), ("forced", 0), ("auto", 0)])
def test_answers_are_replayed_whole_within_their_masks(drafts: str, in_flight: int) -> None:
    stepped = engine(drafts, in_flight=in_flight)
    stepped.seen = refuse_hidden_tokens
    add(stepped, "abcd", drafts)
    assert written(stepped.run()) == dict.fromkeys("abcd", ANSWER)
    assert (passes(stepped) == {len(ANSWER)}) == (drafts == "off")
    assert all(seconds > 0 for seconds in stepped.spent.processor.values())


@pytest.mark.parametrize("in_flight", [0, 1])
def test_answers_that_are_preempted_or_aborted(in_flight: int) -> None:
    """Four blocks of 16 tokens hold the beginnings of two answers, and one whole answer."""
    drafts = "off" if in_flight else "forced"
    stepped = engine(drafts, in_flight=in_flight, blocks=5)
    add(stepped, "abc", drafts)
    outputs = [output for _ in range(3) for output in stepped.step()]
    stepped.abort("a")
    texts = written(outputs + stepped.run())
    assert texts["b"] == texts["c"] == ANSWER and len(texts["a"]) < len(ANSWER)
    assert any(replay.goal > replay.prompt for replay in stepped.worker.replays.values())  # one was preempted
    assert stepped.step() == []
