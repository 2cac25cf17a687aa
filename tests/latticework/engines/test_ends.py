"""Which tokens end a turn, and where the list is read from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latticework.engines.checkpoint import load_tokenizer
from latticework.engines.vocabulary import EndTokens, all_ends
from tests.remote import byte_tokenizer


@pytest.mark.parametrize(
    ("own", "configured", "ends"),
    [
        (7, None, (7,)),
        (7, 7, (7,)),
        (7, [9, 7, 8], (7, 9, 8)),
        (None, [9], (9,)),
        (None, None, ()),
    ],
)
def test_the_tokenizers_own_comes_first(own: int | None, configured: EndTokens, ends: tuple[int, ...]) -> None:
    assert all_ends(own, configured) == ends


@pytest.mark.parametrize("config", [None, {"eos_token_id": [257, 3]}])
def test_a_remotes_files_may_list_more(tmp_path: Path, config: object) -> None:
    tokenizer = byte_tokenizer()
    tokenizer._tokenizer.save_pretrained(tmp_path)
    if config is not None:
        (tmp_path / "generation_config.json").write_text(json.dumps(config))
    expected = tokenizer.ends if config is None else (*tokenizer.ends, 257, 3)
    assert load_tokenizer(str(tmp_path)).ends == tuple(dict.fromkeys(expected))
