"""The remote engine's arguments."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from latticework.commands import CommandFailed, WrongUsage, engines
from latticework.config import Config, load_config
from latticework.engines.remote.arguments import RemoteArguments, base_url, parse_remote_arguments
from latticework.options import InvalidSetting
from latticework.settings import Settings
from tests.remote import byte_tokenizer

URL = "http://gpu-1:8000"
READ = [
    ([], RemoteArguments((), None, False)),
    (["--model", "org/m"], RemoteArguments((), "org/m", False)),
    (["--model", "org/m", "--tokenizer", "org/t"], RemoteArguments((), "org/t", False)),
    (["--served-model-name", "a", "b", "--trust-remote-code"], RemoteArguments(("a", "b"), None, True)),
]


@pytest.mark.parametrize(("arguments", "told"), READ)
def test_arguments_have_the_names_that_vllm_has_for_them(arguments: list[str], told: RemoteArguments) -> None:
    assert parse_remote_arguments(arguments, "x", Config()) == (told, [])


def test_the_file_says_them_too_and_the_command_line_goes_before() -> None:
    file = Config("f.toml", {}, {"remote": {"tokenizer": "org/t", "served_model_name": ["a"]}})
    assert parse_remote_arguments(["--tokenizer", "org/u"], "x", file) == (RemoteArguments(("a",), "org/u", False), [])
    with pytest.raises(InvalidSetting, match="tensor_parallel_size"):
        parse_remote_arguments([], "x", Config("f.toml", {}, {"remote": {"tensor_parallel_size": 2}}))


def test_each_model_of_a_file_may_be_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text(f"""
[[models]]
engine = ["{URL}", "http://gpu-2:8000"]
engine_api_key = "secret"
[models.remote]
served_model_name = ["a"]
[[models]]
engine = ["http://gpu-3:8000"]
[models.remote]
served_model_name = ["b"]
""")
    one, two = engines.served_models([], Settings(), load_config(str(file)))
    assert (one.engine.model_ids, two.engine.model_ids) == (("a",), ("b",))
    assert not one.engine.learns_names
    assert engines.make_engine([], Settings(engine=(URL,)), Config()).learns_names
    assert dict(one.engine_settings) == {}
    with pytest.raises(WrongUsage, match=r"\[remote\] can't be set with engine 'vllm'"):
        engines.make_engine([], Settings(), Config("f.toml", {}, {"remote": {}}))
    with pytest.raises(WrongUsage, match=r"\[vllm\] can't be set with engine 'remote'"):
        engines.make_engine([], Settings(engine=(URL,)), Config("f.toml", {}, {"vllm": {}}))


ADDRESSES = [
    ("http://gpu-1:8000", "http://gpu-1:8000"),
    ("http://gpu-1:8000/", "http://gpu-1:8000"),
    ("http://gpu-1:8000/v1", "http://gpu-1:8000"),
    ("https://models.example.com/qwen/v1/", "https://models.example.com/qwen"),
    ("http://[::1]:8000", "http://[::1]:8000"),
]


@pytest.mark.parametrize(("text", "told"), ADDRESSES)
def test_an_address_is_where_the_paths_of_vllm_are(text: str, told: str) -> None:
    assert base_url(text) == told


@pytest.mark.parametrize("text", ["http://", "http://a:port", "http://a/?b", "http://a/#b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="--engine"):
        engines.make_engine([], Settings(engine=(URL, text)), Config())


def test_a_key_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(WrongUsage, match="LATTICEWORK_ENGINE_API_KEY") as told:
        engines.make_engine([], Settings(engine=("http://user:secret@a:8000",)), Config())
    assert "secret" not in str(told.value)


def test_engines_of_two_kinds_are_none() -> None:
    for mixed in (("vllm", URL), ("gpu-1:8000",), ()):
        with pytest.raises(WrongUsage, match="--engine"):
            engines.make_engine([], Settings(engine=mixed), Config())


def test_what_the_remotes_have_to_be_told_is_refused_here() -> None:
    with pytest.raises(WrongUsage, match=r"--tensor-parallel-size: .* --tokenizer"):
        engines.make_engine(["--tensor-parallel-size", "2"], Settings(engine=(URL,)), Config())


def test_what_it_needs_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CommandFailed, match=r"aiohttp and transformers.*\n.*\[remote\]"):
        engines.make_engine([], Settings(engine=(URL,)), Config())


def test_no_vllm_is_needed(tmp_path: Path) -> None:
    """Its start gets as far as the connection, and a tokenizer is loaded, where vLLM and torch can't be imported."""
    byte_tokenizer()._tokenizer.save_pretrained(tmp_path)
    program = f"""
import asyncio, sys
sys.modules["vllm"] = sys.modules["torch"] = None
from latticework import config
from latticework.commands import engines
from latticework.config import Config
from latticework.settings import Settings
async def start(made):
    await asyncio.wait_for(made.start(), 0.5)
made = engines.make_engine([], Settings(engine=("{URL.replace("gpu-1:8000", "127.0.0.1:1")}",)), Config())
try:
    asyncio.run(start(made))
except TimeoutError:
    print(made.model_ids[0])
from latticework.engines.checkpoint import load_tokenizer
print(load_tokenizer({str(tmp_path)!r}).encode("ab<|im_end|>"))
"""
    root = Path(__file__).parents[4]
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=root)
    assert told.stdout == f"http://127.0.0.1:1\n{byte_tokenizer().encode('ab<|im_end|>')}\n", told.stderr
