"""Models of a shape with random weights: which vocabulary they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.gpu import models
from benchmarks.gpu.__main__ import SURROUNDINGS, main
from benchmarks.targets import QWEN_7B, TINY, model_directory


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}")
    (folder / "config.json").write_text(json.dumps({"vocab_size": 49_152, "eos_token_id": 2, "hidden_size": 576}))
    return folder


@pytest.mark.parametrize(
    ("shape", "size"), [(QWEN_7B, 152_064), (TINY, 49_152), ({**TINY, "vocab_size": 1000}, 49_152)]
)
def test_a_shape_has_room_for_all_tokens(shape: dict[str, object], size: int, tokenizer: Path, tmp_path: Path) -> None:
    made = model_directory(tmp_path / "made", shape, tokenizer)
    config = json.loads((made / "config.json").read_text())
    assert config["vocab_size"] == size
    assert config["eos_token_id"] == 2
    assert config["hidden_size"] == shape["hidden_size"]
    assert (made / "tokenizer.json").exists()


def test_a_target_is_a_shape_with_random_weights_or_a_real_models_folder(tokenizer: Path, tmp_path: Path) -> None:
    shaped = models.target("gpu", tmp_path, None, tokenizer, ("--kv-cache-dtype", "fp8"))
    assert Path(shaped.path).parent == tmp_path
    assert shaped.arguments == ("--load-format", "dummy", "--max-model-len", "8192", "--kv-cache-dtype", "fp8")
    real = models.target("gpu", tmp_path, tokenizer, None, ())
    assert (real.path, real.arguments) == (str(tokenizer), ("--max-model-len", "8192"))


@pytest.mark.parametrize("option", ["--model", "--tokenizer"])
def test_a_name_on_the_hub_is_refused(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SURROUNDINGS.items():  # so that they are gone afterwards: this process has other tests
        monkeypatch.setenv(name, value)
    assert main(["--tiny", "--into", str(tmp_path), option, "Qwen/Qwen2.5-7B-Instruct"]) == 2
    assert f"{option} Qwen/Qwen2.5-7B-Instruct: no " in capsys.readouterr().err
