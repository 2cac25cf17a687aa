"""A tokenizer in another process writes the same tokens, and brings no engine along."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from latticework import embedded
from latticework.engines.checkpoint import load_tokenizer
from latticework.engines.sent_tokenizer import SentTokenizer, facts_of
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import Trial
from latticework.fronts.greeting import facts_of_model
from latticework.options import InvalidSetting
from latticework.served import Served
from tests.scripted import ScriptedEngine, says

# What only a process with an engine needs.
HEAVY = ("torch", "transformers", "vllm")
TEXT = "Naïve <|im_start|>user\n東京 🌦️ 12"


@pytest.fixture(scope="module")
def original() -> ModelTokenizer:
    return load_tokenizer(str(embedded.model_path()))


def test_it_reads_and_writes_as_the_original(original: ModelTokenizer) -> None:
    original.remember("start: /a/", Trial())  # stays here
    sent = pickle.loads(pickle.dumps(original))
    assert isinstance(sent, SentTokenizer)
    assert facts_of(sent) == facts_of(original)
    tokens = original.encode(TEXT)
    assert sent.encode(TEXT) == tokens
    assert sent.encode(TEXT, special=True) == original.encode(TEXT, special=True)
    assert (sent.decode(tokens), sent.token_strings(tokens)) == (
        original.decode(tokens),
        original.token_strings(tokens),
    )
    segments, markup = ["a<|im_end|>", "<|im_start|>", "b"], frozenset({"<|im_start|>", "<|im_end|>"})
    assert sent.encode_segments(segments, markup) == original.encode_segments(segments, markup)
    assert facts_of(pickle.loads(pickle.dumps(sent))) == facts_of(original)


def test_it_imports_nothing_heavy(original: ModelTokenizer, tmp_path: Path) -> None:
    (tmp_path / "tokenizer").write_bytes(pickle.dumps(original))
    program = (
        "import pickle, sys, latticework.fronts.process\n"
        "pickle.load(open(sys.argv[1], 'rb')).encode('a')\n"
        f"print(*set({HEAVY}) & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "tokenizer")], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("\n", "")


def test_one_that_only_this_process_can_use_is_not_sent(
    original: ModelTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(original), "encoder", None)
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(original)
    engine = ScriptedEngine(says("a"), tokenizer=original)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match=r"^api_servers: scripted: the tokenizer"):
        facts_of_model(Served(engine), created=0)
